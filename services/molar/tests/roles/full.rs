//! Full disks: a create is refused for a while, and what was there stays.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use sqlx::{AssertSqlSafe, PgPool};
use tempfile::TempDir;

use crate::requests::{Body, Served, body, send};
use crate::system::System;
use crate::world::{Kind, World};
use crate::{client, routes};

/// A disk of a few megabytes.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// None without the right to mount one.
    fn new(owner: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size=4m,uid={owner},mode=0700");
        let options = std::ffi::CString::new(options).unwrap();
        mount(
            "none",
            folder.path(),
            "tmpfs",
            MountFlags::empty(),
            Some(options.as_c_str()),
        )
        .ok()?;
        Some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = unmount(self.path(), UnmountFlags::DETACH);
    }
}

fn fill(disk: &Path) -> PathBuf {
    let file = disk.join("filler");
    // Until there is no room: the error is the point.
    let _ = std::fs::write(&file, vec![7_u8; 8 << 20]);
    file
}

fn route(path: &str) -> Served {
    let mut routes = routes().into_iter();
    routes
        .find(|r| r.info.path == path && r.info.method == "POST")
        .unwrap()
}

fn is_refused_for_now(answer: &Response) -> bool {
    answer.status() == 503 && answer.headers().contains_key(RETRY_AFTER)
}

async fn submissions(owner: &PgPool) -> i64 {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM submission.submissions"#)
        .fetch_one(owner)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_full_store_stops_creates_and_loses_nothing(owner: PgPool) {
    let Some(disk) = SmallDisk::new(0) else {
        eprintln!("SKIPPED root: a_full_store_stops_creates_and_loses_nothing");
        return;
    };
    let mut system = System::of_store_in(&owner, &disk.path().join("s3")).await;
    system.serve(&owner).await;
    let (client, world) = (client(), World::new(&owner, &system.store, 1).await);
    let create = route("/api/v1/submissions");
    let before = submissions(&owner).await;

    let filler = fill(disk.path());
    let refused = send(&client, &system, &world, Kind::Captain, &create).await;
    assert!(is_refused_for_now(&refused), "{refused:?}");
    assert_eq!(
        submissions(&owner).await,
        before,
        "a row without its upload"
    );
    let log = format!("{}/log", world.case_run);
    let kept = system
        .store
        .get_bytes(molar_objects::Bucket::Logs, &log, 100)
        .await;
    assert_eq!(kept.unwrap(), "done");

    std::fs::remove_file(filler).unwrap();
    let made = send(&client, &system, &world, Kind::Captain, &create).await;
    assert_eq!(made.status(), 201);
}

async fn tokens(owner: &PgPool) -> i64 {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM registration.tokens"#)
        .fetch_one(owner)
        .await
        .unwrap()
}

async fn order(owner: &PgPool, statement: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(owner)
        .await
        .map(drop)
}

/// Creates until one is refused; how many were made.
async fn create_until_full(client: &Client, system: &System, world: &World) -> i64 {
    let create = route("/api/v1/tokens");
    assert!(matches!(body(world, &create), Body::Json(_)));
    for made in 0..2000 {
        let answer = send(client, system, world, Kind::NoTeam, &create).await;
        if answer.status() != 201 {
            assert!(is_refused_for_now(&answer), "{answer:?}");
            return made;
        }
    }
    panic!("the disk did not fill");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_full_database_stops_creates_and_loses_nothing(owner: PgPool) {
    let data: String = sqlx::query_scalar("SHOW data_directory")
        .fetch_one(&owner)
        .await
        .unwrap();
    let server = std::fs::metadata(&data).map(|data| data.uid());
    let Some(disk) = server.ok().and_then(SmallDisk::new) else {
        eprintln!("SKIPPED root: a_full_database_stops_creates_and_loses_nothing");
        return;
    };
    let small = format!("small_{}", uuid::Uuid::new_v4().simple());
    let at = disk.path().display();
    order(&owner, format!("CREATE TABLESPACE {small} LOCATION '{at}'"))
        .await
        .unwrap();
    order(
        &owner,
        format!("ALTER TABLE registration.tokens SET TABLESPACE {small}"),
    )
    .await
    .unwrap();
    let system = System::start(&owner).await;
    let (client, world) = (client(), World::new(&owner, &system.store, 1).await);
    // Row after row, down to the last page.
    order(
        &owner,
        format!("CREATE TABLE filler (text TEXT) TABLESPACE {small}"),
    )
    .await
    .unwrap();
    for rows in [20_000, 1000, 50, 1] {
        let more = format!(
            "INSERT INTO filler SELECT md5(random()::text) FROM generate_series(1, {rows})"
        );
        while order(&owner, more.clone()).await.is_ok() {}
    }

    let before = tokens(&owner).await;
    let made = create_until_full(&client, &system, &world).await;
    assert_eq!(
        tokens(&owner).await,
        before + made,
        "what was answered is there"
    );
    order(&owner, "DROP TABLE filler".to_owned()).await.unwrap();
    order(&owner, "CHECKPOINT".to_owned()).await.unwrap();
    let create = route("/api/v1/tokens");
    let again = send(&client, &system, &world, Kind::NoTeam, &create).await;
    assert_eq!(again.status(), 201);

    drop(system);
    order(
        &owner,
        "ALTER TABLE registration.tokens SET TABLESPACE pg_default".to_owned(),
    )
    .await
    .unwrap();
    order(&owner, format!("DROP TABLESPACE {small}"))
        .await
        .unwrap();
}
