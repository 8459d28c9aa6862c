//! From what a run left behind to what is reported.

use std::path::Path;

use molar_domain::FailureCode;
use molar_domain::case_run::CaseRunKind;
use molar_domain::worker_api::Grant;
use molar_sandbox::collect::{CollectError, CollectedFile, collect_output};
use molar_sandbox::{Finished, Outcome};

use crate::canary::{Reader, Verdict};

/// A prediction, or why there is none.
pub struct Collected {
    pub file: Option<CollectedFile>,
    pub failure: Option<(FailureCode, String)>,
    pub notes: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something on this machine; the case may be run again.
    #[error("output not collected: {0}")]
    Ours(String),

    #[error("the run was cancelled")]
    Cancelled,
}

/// After a time-out or an OOM kill nothing is taken. A non-zero exit with a prediction is scored, and
/// told.
pub async fn collect(
    grant: &Grant,
    finished: &Finished,
    outputs: &Path,
) -> Result<Collected, Error> {
    let failed = |code, detail: String| {
        Ok(Collected {
            file: None,
            failure: Some((code, detail)),
            notes: Vec::new(),
        })
    };
    match &finished.outcome {
        Outcome::Finished { exit_code } => file(grant, *exit_code, outputs).await,
        Outcome::OutOfMemory => failed(
            FailureCode::OutOfMemory,
            format!("the limit is {} MiB", grant.limits.memory_bytes >> 20),
        ),
        Outcome::TimedOut => failed(
            FailureCode::TimedOut,
            format!("the limit is {} s", grant.limits.wall_s),
        ),
        Outcome::Silent => failed(FailureCode::Silent, String::new()),
        Outcome::OutputTooLarge => failed(
            FailureCode::OutputTooLarge,
            format!("the limit is {} MiB", grant.limits.output_bytes >> 20),
        ),
        Outcome::DiskFull => failed(
            FailureCode::DiskFull,
            format!("the limit is {} MiB", grant.limits.disk_bytes >> 20),
        ),
        Outcome::StartFailed(why) => failed(FailureCode::StartFailed, why.clone()),
        Outcome::Cancelled => Err(Error::Cancelled),
    }
}

async fn file(grant: &Grant, exit_code: i64, outputs: &Path) -> Result<Collected, Error> {
    let (folder, name, most) = (
        outputs.to_owned(),
        grant.output_name.clone(),
        grant.limits.output_bytes,
    );
    let collected = tokio::task::spawn_blocking(move || collect_output(&folder, &name, most))
        .await
        .map_err(|error| Error::Ours(error.to_string()))?;
    match collected {
        Ok(file) => {
            let mut notes = notes(grant.kind, &file);
            if exit_code != 0 {
                notes.push(format!("the script ended with exit code {exit_code}; its prediction was taken all the same"));
            }
            Ok(Collected {
                file: Some(file),
                failure: None,
                notes,
            })
        }
        Err(error) if error.is_ours() => Err(Error::Ours(error.to_string())),
        Err(error) => {
            let code = error
                .code()
                .parse()
                .map_err(|_| Error::Ours(error.to_string()))?;
            let exit = if exit_code == 0 {
                String::new()
            } else {
                format!("; the script ended with exit code {exit_code}")
            };
            Ok(Collected {
                file: None,
                failure: Some((code, format!("{}{exit}", words(grant.kind, &error)))),
                notes: Vec::new(),
            })
        }
    }
}

/// A canary has passed only if its prediction can be scored; a hidden case is judged by `scoring`.
pub async fn judge(
    grant: &Grant,
    reader: &Reader,
    image: &Path,
    collected: Collected,
) -> Result<Collected, Error> {
    let prediction = match (grant.kind, &collected.file) {
        (CaseRunKind::Canary, Some(prediction)) => prediction,
        _ => return Ok(collected),
    };
    let verdict = reader.read(grant.format, image, &prediction.file).await;
    match verdict.map_err(|error| Error::Ours(error.to_string()))? {
        Verdict::Readable { notes } => Ok(Collected {
            notes: collected.notes.into_iter().chain(notes).collect(),
            ..collected
        }),
        Verdict::Unreadable { detail } => Ok(Collected {
            file: None,
            failure: Some((FailureCode::BadPrediction, detail)),
            notes: collected.notes,
        }),
    }
}

/// Names of files are a container's own words. Of a hidden case no team may hear them: they could
/// spell the image.
fn notes(kind: CaseRunKind, file: &CollectedFile) -> Vec<String> {
    match kind {
        CaseRunKind::Canary => file.notes.clone(),
        CaseRunKind::Case if file.notes.is_empty() => Vec::new(),
        CaseRunKind::Case => vec!["other files in /outputs were ignored".to_owned()],
    }
}

fn words(kind: CaseRunKind, error: &CollectError) -> String {
    match (kind, error) {
        (CaseRunKind::Case, CollectError::NoPrediction { expected, found }) => {
            let others = match found.is_empty() {
                true => "found nothing",
                false => "found other files",
            };
            format!("there is no {expected} in /outputs; {others}")
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hidden_case_no_file_name_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "").unwrap();
        let missing = collect_output(folder.path(), "Case_1_Mask.json", 9).unwrap_err();
        assert_eq!(
            words(CaseRunKind::Case, &missing),
            "there is no Case_1_Mask.json in /outputs; found other files"
        );
        assert!(words(CaseRunKind::Canary, &missing).contains("secret"));

        std::fs::write(folder.path().join("Case_1_Mask.json"), "{}").unwrap();
        let file = collect_output(folder.path(), "Case_1_Mask.json", 9).unwrap();
        assert_eq!(
            notes(CaseRunKind::Case, &file),
            ["other files in /outputs were ignored"]
        );
        assert_eq!(
            notes(CaseRunKind::Canary, &file),
            ["ignored in /outputs: secret"]
        );
    }
}
