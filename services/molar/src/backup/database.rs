//! The system's `pg_dump` and `pg_restore`, told where by their environment: a command line is seen by all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};
use molar_domain::retention::Removed;
use secrecy::ExposeSecret as _;
use sqlx::{Connection as _, PgConnection};
use tokio::process::Command;
use url::Url;

use super::AuditHead;
use super::place::Found;

async fn connect(place: &Found) -> anyhow::Result<PgConnection> {
    PgConnection::connect(place.database_url.expose_secret())
        .await
        .context("the database does not answer; a backup is taken while it runs")
}

pub async fn audit_head(place: &Found) -> anyhow::Result<Option<AuditHead>> {
    let mut conn = connect(place).await?;
    let row = sqlx::query!("SELECT seq, hash FROM audit.head()")
        .fetch_one(&mut conn)
        .await?;
    Ok(row.seq.zip(row.hash).map(|(seq, hash)| AuditHead {
        seq,
        hash: hex::encode(hash),
    }))
}

/// The newest migration that was applied.
pub async fn schema(place: &Found) -> anyhow::Result<i64> {
    let mut conn = connect(place).await?;
    let newest =
        sqlx::query_scalar!("SELECT max(version) FROM public._sqlx_migrations WHERE success")
            .fetch_one(&mut conn)
            .await?;
    newest.context("the database has no schema of Molar")
}

pub async fn is_empty(place: &Found) -> anyhow::Result<bool> {
    let mut conn = connect(place).await?;
    let is_empty = sqlx::query_scalar!(
        r#"SELECT to_regclass('public._sqlx_migrations') IS NULL
              AND NOT EXISTS (SELECT FROM pg_namespace WHERE nspname IN ('registration', 'audit'))
              AS "is_empty!""#
    );
    Ok(is_empty.fetch_one(&mut conn).await?)
}

/// Keys of the layers and configs of images that rows name, in the bucket `layers`. They are the objects that a sweep
/// removes with their rows, so a dump may name what is gone when the store is read.
pub async fn named_layers(place: &Found) -> anyhow::Result<BTreeSet<String>> {
    let mut conn = connect(place).await?;
    let keys = sqlx::query_scalar!(
        r#"SELECT object_key AS "key!" FROM submission.layers UNION SELECT config_key FROM submission.images"#
    );
    Ok(keys.fetch_all(&mut conn).await?.into_iter().collect())
}

/// What a retention took away since the backup was taken, by what its objects' names begin with: `uploads/…`, of runs
/// `outputs/attempt/…/` and `logs/attempt/…/`.
pub async fn removed_since(place: &Found) -> anyhow::Result<BTreeMap<String, Removed>> {
    let mut conn = connect(place).await?;
    let rows = sqlx::query!(
        r#"SELECT n.name AS "name!", n.at AS "at!", n.days AS "days!" FROM (
               SELECT 'uploads/' || u.object_key AS name, r.begun_at AS at, r.retention_days AS days
               FROM submission.uploads u JOIN submission.removals r ON r.id = u.removal_id
               UNION ALL
               SELECT b || '/attempt/' || a.id || '/', r.begun_at, r.retention_days
               FROM execution.attempts a JOIN execution.removals r ON r.id = a.removal_id,
                    unnest(ARRAY['outputs', 'logs']) AS b
           ) n"#
    )
    .fetch_all(&mut conn)
    .await?;
    let removed = rows.into_iter().map(|row| {
        let removed = Removed {
            at: row.at,
            retention_days: row.days,
        };
        (row.name, removed)
    });
    Ok(removed.collect())
}

/// What is wrong with the audit log, against the head that was there before the dump.
pub async fn audit_breaks(place: &Found, head: Option<&AuditHead>) -> anyhow::Result<Vec<String>> {
    let mut conn = connect(place).await?;
    let head = match head {
        Some(head) => Some((head.seq, hex::decode(&head.hash)?)),
        None => None,
    };
    let breaks = molar_service::audit::breaks(&mut conn, head).await?;
    let told = breaks
        .into_iter()
        .map(|one| format!("audit entry {}: {}", one.seq, one.what));
    Ok(told.collect())
}

/// One snapshot: what is committed while it runs is not in it, wholly.
pub async fn dump(place: &Found, to: &Path) -> anyhow::Result<()> {
    let mut command = program("pg_dump", place)?;
    command
        .args(["--format=custom", "--no-owner", "--file"])
        .arg(to);
    run(command, "pg_dump").await
}

/// All or nothing.
pub async fn restore(place: &Found, from: &Path) -> anyhow::Result<()> {
    let mut command = program("pg_restore", place)?;
    command
        .args([
            "--no-owner",
            "--exit-on-error",
            "--single-transaction",
            "--dbname",
        ])
        .arg(name(&parse(place)?)?)
        .arg(from);
    run(command, "pg_restore").await
}

fn parse(place: &Found) -> anyhow::Result<Url> {
    place
        .database_url
        .expose_secret()
        .parse()
        .context("the owner's database URL")
}

fn name(url: &Url) -> anyhow::Result<String> {
    let name = url.path().trim_start_matches('/');
    if name.is_empty() {
        bail!("the owner's database URL names no database");
    }
    Ok(decoded(name))
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', "%2B");
    let pair = format!("x={text}");
    let found = url::form_urlencoded::parse(pair.as_bytes()).next();
    found.map_or(text, |(_, value)| value.into_owned())
}

fn program(what: &str, place: &Found) -> anyhow::Result<Command> {
    let url = parse(place)?;
    let mut command = Command::new(newest(what));
    command
        .env("PGDATABASE", name(&url)?)
        .env("PGCONNECT_TIMEOUT", "10")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
        command.env("PGHOST", host.trim_matches(['[', ']']));
    }
    for (key, value) in url.query_pairs() {
        match &*key {
            "host" => command.env("PGHOST", &*value),
            "sslmode" => command.env("PGSSLMODE", &*value),
            _ => &mut command,
        };
    }
    if let Some(port) = url.port() {
        command.env("PGPORT", port.to_string());
    }
    if !url.username().is_empty() {
        command.env("PGUSER", decoded(url.username()));
    }
    if let Some(password) = url.password() {
        command.env("PGPASSWORD", decoded(password));
    }
    Ok(command)
}

/// Of the newest PostgreSQL that is installed: it dumps older servers, not the other way round.
fn newest(what: &str) -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let found = folders
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let program = entry.path().join("bin").join(what);
            program.is_file().then_some((version, program))
        })
        .max();
    found.map_or_else(|| what.into(), |(_, program)| program)
}

async fn run(mut command: Command, what: &str) -> anyhow::Result<()> {
    let output = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .await
        .with_context(|| format!("{what} is not there: install PostgreSQL's client programs"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{what} says: {}", said.trim());
    }
    Ok(())
}
