//! Who may what: processes, tables, queues.

use std::process::Command;

use anyhow::{Context as _, ensure};
use molar_tests::rows::may_read;
use molar_tests::system::{ROLES, binary};
use molar_tests::twice::may_publish;

use crate::stage::Stage;

pub async fn every_role_is_a_process_of_its_own(stage: &mut Stage) -> anyhow::Result<()> {
    let mut pids = Vec::new();
    for role in ROLES {
        let process = stage.system.child(role)?;
        let line = process.command_line();
        ensure!(
            line.ends_with(&format!("serve {role}")),
            "{role} runs as `{line}`"
        );
        pids.push(process.pid);
    }
    let worker = stage.system.child("worker")?;
    ensure!(
        worker.command_line().ends_with(" worker"),
        "the worker runs as `{}`",
        worker.command_line()
    );
    pids.push(worker.pid);
    pids.sort_unstable();
    pids.dedup();
    ensure!(
        pids.len() == ROLES.len() + 1,
        "roles share a process: {pids:?}"
    );
    Ok(())
}

pub async fn the_worker_holds_no_credentials_and_refuses_them(
    stage: &mut Stage,
) -> anyhow::Result<()> {
    let secrets = stage.system.secrets()?;
    let mut known: Vec<&str> = Vec::new();
    for pointer in ["/postgres_owner", "/rabbitmq_owner", "/session"] {
        known.push(
            secrets
                .pointer(pointer)
                .and_then(|s| s.as_str())
                .context("a secret")?,
        );
    }
    for role in ROLES {
        known.extend(secrets["postgres"][role].as_str());
        known.extend(secrets["s3"][role]["secret_key"].as_str());
    }
    for (name, value) in stage.system.child("worker")?.environment()? {
        let is_named = ["DATABASE", "S3_", "AWS_", "PG"]
            .iter()
            .any(|part| name.contains(part));
        ensure!(!is_named, "the worker has the variable {name}");
        ensure!(
            !known.iter().any(|secret| value.contains(secret)),
            "the worker's {name} holds a secret of a role"
        );
    }
    for (name, value) in [
        ("DATABASE_URL", "postgres://x"),
        ("MOLAR_DATABASE_URL", "postgres://x"),
        ("PGPASSWORD", "x"),
        ("MOLAR_S3_SECRET_KEY", "x"),
        ("AWS_ACCESS_KEY_ID", "x"),
    ] {
        let output = Command::new(binary().context("no binary")?)
            .args([
                "worker",
                "--api",
                "http://127.0.0.1:9/",
                "--key-file",
                "/nonexistent/key",
            ])
            .env_clear()
            .env(name, value)
            .output()?;
        let said =
            String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        ensure!(
            !output.status.success() && said.contains(name),
            "a worker with {name} says: {said}"
        );
    }
    Ok(())
}

pub async fn no_role_reads_the_tables_of_another(stage: &mut Stage) -> anyhow::Result<()> {
    const OWNED: [(&str, &str); 7] = [
        ("registration", "registration.users"),
        ("registration", "registration.tokens"),
        ("tracks", "tracks.case_references"),
        ("submission", "submission.uploads"),
        ("execution", "execution.case_runs"),
        ("scoring", "scoring.case_scores"),
        ("leaderboard", "leaderboard.entries"),
    ];
    for role in ROLES {
        let url = stage.system.role_url(role)?;
        for (owner, table) in OWNED {
            let may = may_read(&url, table).await?;
            ensure!(may == (role == owner), "{role} may read {table}: {may}");
        }
    }
    let wrong = stage
        .system
        .role_url("tracks")?
        .replace("molar_tracks:", "molar_tracks:wrong");
    ensure!(
        may_read(&wrong, "tracks.cases").await.is_err(),
        "a wrong password is let in"
    );
    Ok(())
}

pub async fn the_workers_user_cannot_publish(stage: &mut Stage) -> anyhow::Result<()> {
    let owner = stage.system.broker_url()?;
    ensure!(
        may_publish(&owner, "molar.events", "test.nothing").await?,
        "the check itself does not work"
    );
    let worker = stage.system.broker_url_of("worker")?;
    for (exchange, key) in [
        ("molar.events", "attempt.finished"),
        ("molar.workers", "worker.cpu"),
        ("", "worker.cpu"),
    ] {
        ensure!(
            !may_publish(&worker, exchange, key).await?,
            "the worker may publish to `{exchange}`"
        );
    }
    Ok(())
}
