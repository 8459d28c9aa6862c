//! What came of one image, held against the table.

use std::time::Duration;

use molar_domain::FailureCode;
use molar_sandbox::collect::{CollectError, CollectedFile};
use molar_sandbox::image::ArchiveError;
use molar_sandbox::{Finished, Outcome};

use super::bait::Bait;
use super::case::{Case, Still};

#[derive(Debug, Default)]
pub struct Verdict {
    pub refused: Option<String>,
    pub code: Option<String>,
    /// Why, in the words that a team reads.
    pub reason: String,
    pub exit_code: Option<i64>,
    pub log: String,
    pub log_bytes: usize,
    pub prediction: Option<Vec<u8>>,
    pub notes: Vec<String>,
    /// Whether the case's input is as it was.
    pub is_input_whole: bool,
    /// Of the check, the load and the run.
    pub took: Duration,
}

impl Verdict {
    pub fn refused(error: &ArchiveError) -> Self {
        // What no honest tool writes has no code of its own in the public list.
        let code = error.code().parse().unwrap_or(FailureCode::BadArchive);
        Self {
            refused: Some(code.as_str().to_owned()),
            reason: error.to_string(),
            is_input_whole: true,
            ..Self::default()
        }
    }

    pub fn of(
        finished: &Finished,
        collected: Result<(CollectedFile, Vec<u8>), CollectError>,
    ) -> Self {
        let mut verdict = Self {
            exit_code: finished.exit_code,
            log: finished.log.to_text(),
            log_bytes: finished.log.head.len() + finished.log.tail.len(),
            code: finished.outcome.code().map(str::to_owned),
            ..Self::default()
        };
        if let Outcome::StartFailed(why) = &finished.outcome {
            verdict.reason.clone_from(why);
        }
        if verdict.code.is_some() {
            // As the worker does: nothing is taken then.
            return verdict;
        }
        match collected {
            Ok((file, bytes)) => {
                verdict.notes = file.notes;
                verdict.prediction = Some(bytes);
            }
            Err(error) => {
                verdict.code = Some(error.code().to_owned());
                verdict.reason = error.to_string();
            }
        }
        verdict
    }

    /// One word for the table.
    pub fn word(&self) -> String {
        match (&self.refused, &self.code) {
            (Some(code), _) => format!("refused: {code}"),
            (None, Some(code)) => code.clone(),
            (None, None) => "taken".to_owned(),
        }
    }

    fn told(&self) -> String {
        format!("{}\n{}\n{}", self.log, self.reason, self.notes.join("\n"))
    }

    /// How it differs from what the table says.
    pub fn complaints(&self, case: &Case, bait: &Bait) -> Vec<String> {
        let mut found = self.against_the_table(case);
        let still = case.expect.still.iter();
        found.extend(
            still
                .filter(|still| !self.is_still(**still, case, bait))
                .map(|still| format!("{still:?} is not true")),
        );
        if self.has_secret(bait) {
            found.push("it got hold of a secret".to_owned());
        }
        found
    }

    fn against_the_table(&self, case: &Case) -> Vec<String> {
        let expected = &case.expect;
        let mut found = Vec::new();
        if (&self.refused, &self.code) != (&expected.refused, &expected.code) {
            found.push(format!("{}: {}\n{}", self.word(), self.reason, self.log));
        }
        if expected
            .exit_code
            .is_some_and(|code| self.exit_code != Some(code))
        {
            found.push(format!("exit code {:?}\n{}", self.exit_code, self.log));
        }
        let text = self.prediction.as_deref().map(String::from_utf8_lossy);
        if let Some(wanted) = &expected.text
            && text.as_deref() != Some(wanted)
        {
            found.push(format!("the prediction is {text:?}\n{}", self.log));
        }
        let told = self.told();
        for words in expected.says.iter().filter(|words| !told.contains(*words)) {
            found.push(format!("it does not say {words:?}: {told}"));
        }
        for words in expected
            .never_says
            .iter()
            .filter(|words| told.contains(*words))
        {
            found.push(format!("it says {words:?}: {told}"));
        }
        if expected
            .within_ms
            .is_some_and(|limit| self.took > Duration::from_millis(limit))
        {
            found.push(format!("it took {:?}", self.took));
        }
        found
    }

    fn has_secret(&self, bait: &Bait) -> bool {
        let prediction = self
            .prediction
            .as_deref()
            .map(String::from_utf8_lossy)
            .unwrap_or_default();
        let all = self.told();
        bait.secrets
            .iter()
            .any(|secret| all.contains(secret) || prediction.contains(secret))
    }

    fn is_still(&self, still: Still, case: &Case, bait: &Bait) -> bool {
        match still {
            Still::NothingWasReached => bait.visits() == 0,
            Still::SecretsAreKept => !self.has_secret(bait),
            Still::InputIsUntouched => self.is_input_whole,
            Still::LogIsBounded => self.log_bytes as u64 <= case.limits.log_kib << 10,
            // Asked of the engine, after all.
            Still::TagIsAnothers => true,
            Still::OutputIsAlone => self.notes.is_empty(),
        }
    }
}
