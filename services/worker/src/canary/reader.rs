//! Starts the process that reads a prediction, and ends it in time.

use std::fs::File;
use std::io::{self, Seek as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use molar_domain::challenge::Format;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

const SIGABRT: i32 = 6;
const SIGXCPU: i32 = 24;
/// A few lines of text.
const ANSWER_MAX: u64 = 256 << 10;
/// The process ends by its processor time before that, unless the machine is very busy.
const WALL: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// With what the team is told beside.
    Readable {
        notes: Vec<String>,
    },
    Unreadable {
        detail: String,
    },
}

/// The program that is started as `PROGRAM read-prediction`.
pub struct Reader {
    program: PathBuf,
}

impl Default for Reader {
    /// This one, also where its file was replaced since it was started.
    fn default() -> Self {
        Self {
            program: "/proc/self/exe".into(),
        }
    }
}

impl Reader {
    /// An error is ours. The process sees nothing of our environment but the two files.
    pub async fn read(
        &self,
        format: Format,
        image: &Path,
        prediction: &File,
    ) -> io::Result<Verdict> {
        let mut prediction = prediction.try_clone()?;
        prediction.rewind()?;
        let mut child = Command::new(&self.program)
            .arg("read-prediction")
            .arg(format.as_str())
            .arg(image)
            .env_clear()
            .current_dir("/")
            .stdin(prediction)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let answered = async {
            let mut answer = Vec::new();
            if let Some(output) = child.stdout.take() {
                output.take(ANSWER_MAX).read_to_end(&mut answer).await?;
            }
            Ok::<_, io::Error>((answer, child.wait().await?))
        };
        let (answer, status) = tokio::time::timeout(WALL, answered)
            .await
            .map_err(|_| io::Error::other("the prediction was not read in time"))??;
        conclude(&answer, status)
    }
}

fn conclude(answer: &[u8], status: ExitStatus) -> io::Result<Verdict> {
    match status.signal() {
        // Out of memory, as Rust ends for want of it, or out of time.
        Some(SIGABRT | SIGXCPU) => Ok(Verdict::Unreadable {
            detail: "reading it takes more memory or time than any honest prediction does".into(),
        }),
        None if status.success() => Ok(serde_json::from_slice(answer)?),
        _ => Err(io::Error::other(format!(
            "the reader of predictions ended with {status}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A program that does as the script says in the place of the reader.
    async fn verdict(script: &str) -> io::Result<Verdict> {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("read.sh");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let prediction = folder.path().join("prediction");
        std::fs::write(&prediction, "what was written").unwrap();
        let mut prediction = File::open(prediction).unwrap();
        // Hashed before, and so at its end.
        prediction.seek(io::SeekFrom::End(0)).unwrap();
        let reader = Reader { program };
        reader
            .read(Format::Labelme, Path::new("/image.png"), &prediction)
            .await
    }

    #[tokio::test]
    async fn the_reader_gets_the_file_from_its_start_and_none_of_our_environment() {
        let script = r#"test "$1 $2 $3" = "read-prediction labelme /image.png" && test -z "$CARGO_MANIFEST_DIR$HOME" \
            && test "$(cat)" = "what was written" && echo '{"readable":{"notes":[]}}'"#;
        let readable = Verdict::Readable { notes: Vec::new() };
        assert_eq!(verdict(script).await.unwrap(), readable);
    }

    #[tokio::test]
    async fn what_takes_more_than_the_limits_is_unreadable_and_all_else_is_ours() {
        for signal in ["XCPU", "ABRT"] {
            let verdict = verdict(&format!("kill -{signal} $$")).await.unwrap();
            assert!(matches!(verdict, Verdict::Unreadable { .. }), "{signal}");
        }
        for script in ["kill -KILL $$", "exit 101", "echo nonsense"] {
            assert!(verdict(script).await.is_err(), "{script}");
        }
    }
}
