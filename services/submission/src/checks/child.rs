//! Starts the process that reads the file, and ends it in time.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use molar_domain::FailureCode;
use molar_service::lease::AttemptError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use super::verdict::{Job, Verdict};

/// A verdict is a few hundred lines of text.
const ANSWER_MAX: u64 = 1 << 20;
const SIGABRT: i32 = 6;
const SIGXCPU: i32 = 24;

/// The verdict of `program check`. It sees nothing of our environment but the file.
pub async fn run(
    program: &Path,
    job: &Job,
    cancel: &CancellationToken,
) -> Result<Verdict, AttemptError> {
    // Beyond its own limit of processor time a process only waits; a busy machine gets its chance.
    let wall = Duration::from_secs(60 + 4 * job.cpu_s);
    let mut child = Command::new(program)
        .arg("check")
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(AttemptError::transient)?;
    let ended = tokio::select! {
        ended = tokio::time::timeout(wall, talk(&mut child, job)) => ended,
        () = cancel.cancelled() => return Err(AttemptError::Interrupted),
    };
    let (answer, status) = ended
        .map_err(|_| AttemptError::transient("the check did not end in time"))?
        .map_err(AttemptError::transient)?;
    conclude(&answer, status)
}

async fn talk(child: &mut Child, job: &Job) -> std::io::Result<(Vec<u8>, ExitStatus)> {
    let question = serde_json::to_vec(job)?;
    if let Some(mut input) = child.stdin.take() {
        // One that ends before it has read is told by its status.
        let _ = input.write_all(&question).await;
    }
    let mut answer = Vec::new();
    if let Some(output) = child.stdout.take() {
        output.take(ANSWER_MAX).read_to_end(&mut answer).await?;
    }
    Ok((answer, child.wait().await?))
}

fn conclude(answer: &[u8], status: ExitStatus) -> Result<Verdict, AttemptError> {
    match status.signal() {
        // Out of memory, as Rust ends for want of it, or out of time: the limits are far beyond what an
        // honest file takes.
        Some(SIGABRT | SIGXCPU) => {
            let advice = FailureCode::CheckFailed.advice();
            return Ok(Verdict::refused(
                FailureCode::CheckFailed,
                advice,
                "look for a file in the archive that is far larger than it should be",
            ));
        }
        Some(signal) => {
            let ended = format!("the check was ended by signal {signal}");
            return Err(AttemptError::transient(ended));
        }
        None if !status.success() => {
            return Err(AttemptError::transient(format!(
                "the check ended with {status}"
            )));
        }
        None => {}
    }
    match serde_json::from_slice(answer).map_err(AttemptError::transient)? {
        Verdict::Unreadable { detail } => Err(AttemptError::transient(detail)),
        verdict => Ok(verdict),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::verdict::Task;
    use super::*;

    /// A program that does as the script says in the place of the check.
    async fn outcome(script: &str) -> Result<Verdict, AttemptError> {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("check.sh");
        std::fs::write(&program, format!("#!/bin/sh\ncat > /dev/null\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let job = Job {
            path: "/dev/null".into(),
            memory_bytes: 1 << 30,
            cpu_s: 1,
            task: Task::Container {
                uncompressed_bytes: 1,
            },
        };
        run(&program, &job, &CancellationToken::new()).await
    }

    #[tokio::test]
    async fn a_check_that_runs_out_of_its_limits_is_the_files_fault() {
        for signal in ["XCPU", "ABRT"] {
            let verdict = outcome(&format!("kill -{signal} $$")).await.unwrap();
            assert!(
                matches!(
                    verdict,
                    Verdict::Refused {
                        code: FailureCode::CheckFailed,
                        ..
                    }
                ),
                "{signal}: {verdict:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_check_that_ends_otherwise_is_tried_again() {
        for script in [
            "kill -KILL $$",
            "exit 101",
            "echo nonsense",
            r#"echo '{"unreadable":{"detail":"x"}}'"#,
        ] {
            let outcome = outcome(script).await;
            assert!(
                matches!(outcome, Err(AttemptError::Transient(_))),
                "{script}: {outcome:?}"
            );
        }
    }

    #[tokio::test]
    async fn the_check_sees_nothing_of_our_environment() {
        let script = r#"test -z "$CARGO_MANIFEST_DIR$HOME" && echo '{"accepted":{"image":null,"notes":[]}}'"#;
        assert_eq!(
            outcome(script).await.unwrap(),
            Verdict::accepted(None, Vec::new())
        );
    }
}
