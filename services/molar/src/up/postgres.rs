//! A private PostgreSQL cluster, from the system's packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::Signal;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use url::Url;

use super::account::{self, Account};
use super::child::{Child, Ready, Tier};
use super::data_folder::DataFolder;
use super::process::{self, Trace};
use super::supervisor::Supervisor;

pub const DATABASE: &str = "molar";
const OWNER: &str = "molar_owner";
const OLDEST: u32 = 15;

/// Where the database is and how its owner logs in; the roles' URLs follow from it.
#[derive(Clone, Debug)]
pub struct Access {
    owner_url: SecretString,
}

impl Access {
    pub fn new(owner_url: SecretString) -> Self {
        Self { owner_url }
    }

    pub fn owner_url(&self) -> &str {
        self.owner_url.expose_secret()
    }

    /// The same database, entered as `molar_<role>`.
    pub fn role_url(&self, role: &str, password: &str) -> anyhow::Result<SecretString> {
        let mut url = Url::parse(self.owner_url()).context("the owner's database URL")?;
        let set = url
            .set_username(&format!("molar_{role}"))
            .and_then(|()| url.set_password(Some(password)));
        if set.is_err() {
            bail!("the owner's database URL has no room for a user: it must name a host");
        }
        Ok(url.to_string().into())
    }
}

/// Starts the cluster, made on the first start, and sees that the database is there.
///
/// With `fast`, a crash of the machine may lose data: for tests only.
pub async fn start(up: &Supervisor, fast: bool) -> anyhow::Result<Access> {
    let folder = Arc::clone(up.folder());
    let home = folder.servers().join("postgres");
    let account = Account::owner_or(&home, Account::when_root("postgres")?);
    account::private_folder(&home, account)?;
    let data = home.join("data");
    let bin = binaries(&data)?;
    if !data.exists() {
        make_cluster(up, &bin, &home, account).await?;
    }

    let port = folder.port("postgres")?;
    let password = folder.secrets().postgres_owner.expose();
    let url = move |database| owner_url(password, port, database);
    let access = Access::new(url(DATABASE).into());
    let admin: Arc<str> = url("postgres").into();

    // The server works in the folder of its data, whatever folder it is started in.
    let trace = Trace {
        folder: data.clone(),
        executable: "postgres".to_owned(),
    };
    let asked = Arc::clone(&admin);
    let ready = Ready::Check(Arc::new(move || {
        let url = Arc::clone(&asked);
        Box::pin(async move { Ok(PgConnection::connect(&url).await?.close().await?) })
    }));
    let mut child = Child::new("postgresql", Tier::Server, bin.join("postgres"))
        .arg("-D")
        .arg(&data)
        .args(settings(port))
        .account(account)
        .folder(&home)
        .env("LC_ALL", "C.UTF-8")
        .ready(ready, Duration::from_secs(60))
        .prepare(Arc::new(move || {
            let url = Arc::clone(&admin);
            Box::pin(async move { ensure_database(&url).await })
        }))
        // SIGINT is PostgreSQL's fast shutdown: sessions are ended, everything is written.
        .stop(Signal::INT, Duration::from_secs(60))
        .trace(trace.clone())
        .clean(Arc::new(move || {
            let trace = trace.clone();
            Box::pin(async move { end_leftovers(&trace).await })
        }))
        .note(format!("127.0.0.1:{port}, files in {}", home.display()));
    if fast {
        // Commits stay synchronous: what was answered must outlive `kill -9` of the server.
        child = child.args(["-c", "fsync=off", "-c", "full_page_writes=off"]);
    }
    up.start(child).await?;
    Ok(access)
}

pub fn owner_url(password: &str, port: u16, database: &str) -> String {
    format!("postgres://{OWNER}:{password}@127.0.0.1:{port}/{database}")
}

fn settings(port: u16) -> Vec<String> {
    let settings = [
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        // No socket: its path may be too long, and nobody here uses it.
        "unix_socket_directories=".to_owned(),
        // Seven processes with a pool each, and tests with a database each.
        "max_connections=300".to_owned(),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
    ];
    settings
        .into_iter()
        .flat_map(|setting| ["-c".to_owned(), setting])
        .collect()
}

/// The folder with `postgres` and `initdb`: of the version the cluster was made with, else the
/// newest installed.
fn binaries(data: &Path) -> anyhow::Result<PathBuf> {
    let made_with = fs::read_to_string(data.join("PG_VERSION")).ok();
    let made_with = made_with.and_then(|text| text.trim().parse::<u32>().ok());
    let installed = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut versions: Vec<u32> = installed
        .filter(|entry| entry.path().join("bin/postgres").is_file())
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|version| *version >= OLDEST)
        .collect();
    versions.sort_unstable();
    let version = match made_with {
        None => *versions.last().with_context(|| {
            format!("PostgreSQL {OLDEST} or later is not installed: run deploy/local/install.sh")
        })?,
        Some(version) if versions.contains(&version) => version,
        Some(version) => bail!(
            "{} was made with PostgreSQL {version}, which is not installed: \
             apt-get install postgresql-{version}",
            data.display()
        ),
    };
    Ok(format!("/usr/lib/postgresql/{version}/bin").into())
}

async fn make_cluster(
    up: &Supervisor,
    bin: &Path,
    home: &Path,
    account: Option<Account>,
) -> anyhow::Result<()> {
    let step = up.terminal().begin("postgresql", "making a cluster");
    // Renamed when complete: a cluster that was interrupted in the making is made again.
    let fresh = home.join("data.new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    let password_file = home.join("owner-password");
    let password = up.folder().secrets().postgres_owner.expose();
    account::private_file(&password_file, password, account)?;

    let mut command = std::process::Command::new(bin.join("initdb"));
    command
        .arg("-D")
        .arg(&fresh)
        .args(["-U", OWNER, "--auth=scram-sha-256", "-E", "UTF8"]);
    command
        .arg("--locale=C.UTF-8")
        .arg("--pwfile")
        .arg(&password_file)
        .current_dir(home);
    if let Some(account) = account {
        use std::os::unix::process::CommandExt;
        command.uid(account.uid).gid(account.gid);
    }
    let output = tokio::process::Command::from(command)
        .kill_on_drop(true)
        .output()
        .await?;
    fs::remove_file(&password_file)?;
    if !output.status.success() {
        bail!("initdb: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    fs::rename(&fresh, home.join("data"))?;
    step.done("cluster made", "");
    Ok(())
}

/// Ends whatever still serves this cluster, then removes the lock file, if one is left: the number in
/// it may belong to somebody else by now, whom PostgreSQL would take for a server of its own. Without
/// that file it cannot tell whether sessions of a killed server are still at work; hence the order.
async fn end_leftovers(trace: &Trace) -> anyhow::Result<()> {
    let found = process::find(|proc| trace.fits(proc));
    process::end_all(found, Duration::from_secs(20)).await?;
    match fs::remove_file(trace.folder.join("postmaster.pid")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the database is made before there is a schema"
)]
async fn ensure_database(admin_url: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(admin_url).await?;
    let found: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(DATABASE)
            .fetch_one(&mut connection)
            .await?;
    if !found {
        let create = format!("CREATE DATABASE \"{DATABASE}\"");
        sqlx::query(AssertSqlSafe(create))
            .execute(&mut connection)
            .await?;
    }
    Ok(connection.close().await?)
}

/// For `--run` and the like: what a process needs to know about the database.
pub fn environment(access: &Access, folder: &DataFolder) -> anyhow::Result<Vec<(String, String)>> {
    let owner = access.owner_url().to_owned();
    let mut all = vec![
        ("DATABASE_URL".to_owned(), owner.clone()),
        ("MOLAR_TEST_DATABASE_URL".to_owned(), owner),
    ];
    for (role, password) in &folder.secrets().postgres {
        let upper = role.to_uppercase();
        let url = access.role_url(role, password.expose())?;
        let password = password.expose().to_owned();
        all.push((
            format!("MOLAR_TEST_DATABASE_URL_{upper}"),
            url.expose_secret().to_owned(),
        ));
        all.push((format!("MOLAR_TEST_DATABASE_PASSWORD_{upper}"), password));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_enters_the_same_database_with_its_own_password() {
        let access =
            Access::new("postgres://owner:a%2Fb@db.example:5433/molar?sslmode=require".into());
        let url = access.role_url("tracks", "p/w").unwrap();
        assert_eq!(
            url.expose_secret(),
            "postgres://molar_tracks:p%2Fw@db.example:5433/molar?sslmode=require"
        );
        assert!(
            !format!("{access:?}").contains("owner:"),
            "an owner's URL is not for logs"
        );
    }
}
