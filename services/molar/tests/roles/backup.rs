//! A platform with data is backed up, destroyed and restored, as its operator does it.

use std::path::Path;
use std::time::Duration;

use molar_objects::{Bucket, Role as Holder};
use reqwest::Client;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgPool};
use tokio::process::Command;

use crate::client;
use crate::system::{System, key};
use crate::world::World;

const EMAIL: &str = "nadja@molar.test";
const PASSWORD: &str = "correct horse";

/// Beside the store, which lives in this process.
async fn run(owner: &PgPool, system: &System, words: &[&str]) -> (bool, String) {
    let key = key(Holder::Backup);
    let url = owner.connect_options().to_url_lossy();
    let output = Command::new(env!("CARGO_BIN_EXE_molar"))
        .args(words)
        .env("MOLAR_OWNER_DATABASE_URL", url.as_str())
        .env("MOLAR_S3_ENDPOINT", system.endpoint())
        .env("MOLAR_BACKUP_ACCESS_KEY", key.access_key)
        .env("MOLAR_BACKUP_SECRET_KEY", key.secret_key.expose_secret())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said.into_owned())
}

async fn board(client: &Client, system: &System, world: &World) -> Value {
    let path = format!("/api/v1/boards/{}", world.challenge.phase_id);
    let answer = client
        .get(system.url("leaderboard", &path))
        .send()
        .await
        .unwrap();
    answer.json().await.unwrap()
}

async fn log_in(client: &Client, system: &System) -> u16 {
    let request = client
        .post(system.url("registration", "/api/v1/sessions"))
        .json(&json!({"email": EMAIL, "password": PASSWORD}));
    request.send().await.unwrap().status().as_u16()
}

/// With one account, a board, and entries of the audit log.
async fn live(owner: &PgPool, client: &Client, system: &System) -> (World, Value) {
    let world = World::new(owner, &system.store, 1).await;
    let account = json!({"email": EMAIL, "name": "Nadja", "password": PASSWORD});
    let request = client
        .post(system.url("registration", "/api/v1/accounts"))
        .json(&account);
    assert_eq!(request.send().await.unwrap().status(), 201);
    let mut conn = owner.acquire().await.unwrap();
    let now = molar_service::db::now(owner).await.unwrap();
    for reason in ["one", "two"] {
        let phase = world.challenge.phase_id.0;
        molar_service::audit::append(
            &mut conn,
            now,
            None,
            "phase.paused",
            phase,
            json!({}),
            Some(reason),
        )
        .await
        .unwrap();
    }
    for _ in 0..300 {
        let board = board(client, system, &world).await;
        if board["rows"]
            .as_array()
            .is_some_and(|rows| !rows.is_empty())
        {
            return (world, board);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("there is no board");
}

async fn another_database(owner: &PgPool) -> PgPool {
    let name = format!("restored_{}", uuid::Uuid::new_v4().simple());
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(owner)
        .await
        .unwrap();
    let options = (*owner.connect_options()).clone().database(&name);
    PgPoolOptions::new()
        .max_connections(2)
        .connect_with(options)
        .await
        .unwrap()
}

async fn drop_database(owner: &PgPool, restored: PgPool) {
    let name = restored
        .connect_options()
        .get_database()
        .unwrap()
        .to_owned();
    restored.close().await;
    sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)")))
        .execute(owner)
        .await
        .unwrap();
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_was_destroyed_comes_back_from_a_backup(owner: PgPool) {
    let (client, folder) = (client(), tempfile::tempdir().unwrap());
    let backup = folder.path().join("backup");
    let words = backup.to_str().unwrap();
    let (world, board_before, listed) = {
        let system = System::start(&owner).await;
        let (world, board) = live(&owner, &client, &system).await;
        assert_eq!(log_in(&client, &system).await, 201);
        let (done, said) = run(&owner, &system, &["backup", words]).await;
        assert!(done, "{said}");
        let (done, said) = run(&owner, &system, &["backup", words]).await;
        assert!(!done && said.contains("is not empty"), "{said}");
        let logs = system.store_of(Holder::Backup).list(Bucket::Logs, "").await;
        (world, board, logs.unwrap())
    };

    let restored = another_database(&owner).await;
    let mut system = System::of_store(&restored).await;
    let (done, said) = run(&restored, &system, &["restore", words]).await;
    assert!(done && said.contains("the audit log is whole"), "{said}");
    system.serve(&restored).await;
    assert_eq!(board(&client, &system, &world).await, board_before);
    assert_eq!(log_in(&client, &system).await, 201);
    let logs = system.store_of(Holder::Backup).list(Bucket::Logs, "").await;
    assert_eq!(logs.unwrap(), listed);

    let (done, said) = run(&restored, &system, &["restore", words]).await;
    assert!(
        !done && said.contains("the database is not empty"),
        "{said}"
    );
    erase(&restored, &system).await;
    lose(&restored, &system, &backup, &world).await;
    drop(system);
    drop_database(&owner, restored).await;
}

/// What names a person goes, and the log is whole.
async fn erase(restored: &PgPool, system: &System) {
    let nobody = uuid::Uuid::nil().to_string();
    let words = ["audit", "erase", "--user", &nobody, "--word", "TWO"];
    let (done, said) = run(restored, system, &words).await;
    assert!(done && said.contains("1 texts were erased"), "{said}");
    let (done, said) = run(restored, system, &["audit", "verify"]).await;
    assert!(done && said.contains("The audit log is whole."), "{said}");
}

/// A check names what is missing, what was changed, and what was done to the audit log.
async fn lose(restored: &PgPool, system: &System, backup: &Path, world: &World) {
    let words = backup.to_str().unwrap();
    let log = format!("{}/log", world.case_run);
    system
        .store
        .put_bytes(Bucket::Logs, &log, "text/plain", "other")
        .await
        .unwrap();
    let lines = std::fs::read_to_string(backup.join("objects.jsonl")).unwrap();
    let more = lines.lines().next().unwrap().replace("/log\"", "/gone\"");
    std::fs::write(backup.join("objects.jsonl"), format!("{lines}{more}\n")).unwrap();
    sqlx::query!("UPDATE audit.entries SET actor_id = subject_id WHERE seq = 1")
        .execute(restored)
        .await
        .unwrap();
    let (done, said) = run(restored, system, &["audit", "verify"]).await;
    let broken = "1: the entry was changed after it was written";
    assert!(!done && said.contains(broken), "{said}");
    // As a dump names it whose object a sweep took before it was copied; and what a retention took since.
    sqlx::query!(
        "INSERT INTO submission.layers (diff_id, object_key, size_bytes, sha256, unpacked_bytes, stored_at)
         VALUES ('sha256:swept', 'swept', 1, '0', 1, now())"
    )
    .execute(restored)
    .await
    .unwrap();
    let removed = sqlx::query_scalar!(
        "WITH gone AS (INSERT INTO submission.removals (id, phase_id, retention_days, begun_at)
             SELECT gen_random_uuid(), phase_id, 90, '2027-03-02T05:00:00Z' FROM submission.submissions LIMIT 1 RETURNING id)
         UPDATE submission.uploads SET removal_id = gone.id FROM gone RETURNING object_key"
    );
    let removed = removed.fetch_all(restored).await.unwrap().remove(0);
    let line = more
        .replace("\"bucket\":\"logs\"", "\"bucket\":\"uploads\"")
        .replace(&format!("{}/gone", world.case_run), &removed);
    assert!(
        line.contains("uploads") && line.contains(&removed),
        "{line}"
    );
    let lines = std::fs::read_to_string(backup.join("objects.jsonl")).unwrap();
    std::fs::write(backup.join("objects.jsonl"), format!("{lines}{line}\n")).unwrap();
    let (done, said) = run(restored, system, &["restore", words, "--check"]).await;
    assert!(!done, "{said}");
    assert!(
        !said.contains(&format!("object uploads/{removed}")),
        "{said}"
    );
    for part in [
        "object layers/swept is missing, and the database names it".to_owned(),
        "1 objects of the backup are gone: removed on 2 March 2027 under the phase's retention of 90 days".to_owned(),
        format!("object logs/{log} was changed: it has 5 bytes, and had 4"),
        format!("object logs/{}/gone is missing", world.case_run),
        "audit entry 1: the entry was changed after it was written".to_owned(),
    ] {
        assert!(said.contains(&part), "{part} is not in:\n{said}");
    }
}
