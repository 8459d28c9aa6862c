//! The state that people see of a submission: computed from the rows of the roles, never stored.

use crate::attempt::AttemptState;
use crate::evaluation::EvaluationState;
use crate::failure::{FailureCode, Fault};
use crate::phase::SubmissionKind;
use crate::spelled_enum;
use crate::upload::UploadState;

spelled_enum! {
    pub enum SubmissionState as "submission state" {
        /// Waiting for the parts of its file.
        Uploading = "uploading",
        Checking = "checking",
        /// Refused by the check; see the complaints. Cost no quota.
        Refused = "refused",
        /// Accepted; waits for a worker.
        Queued = "queued",
        Running = "running",
        Scoring = "scoring",
        /// On its board, or ready for it.
        Scored = "scored",
        /// A trial whose canary passed: it has no scores, and never will.
        Tried = "tried",
        Failed = "failed",
        Cancelled = "cancelled",
        /// The upload was not completed in time.
        Expired = "expired",
    }
}

/// What the roles' rows say, see the view `submission.life`.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    pub kind: SubmissionKind,
    /// Runs the canary alone.
    pub is_trial: bool,
    pub is_cancelled: bool,
    pub upload: UploadState,
    pub attempt: Option<AttemptState>,
    pub attempt_failure: Option<FailureCode>,
    /// Of the last attempt, or of an earlier one as long as that has none which counts.
    pub evaluation: Option<EvaluationState>,
}

impl Facts {
    /// What is scored has run to its end: an attempt that is alive beside it is an organizer's re-run. Where that
    /// comes to nothing, the score stands.
    fn is_run_again(&self) -> bool {
        !self.is_cancelled
            && matches!(
                self.attempt,
                Some(AttemptState::Queued | AttemptState::Running)
            )
    }
}

impl SubmissionState {
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Refused
                | Self::Scored
                | Self::Tried
                | Self::Failed
                | Self::Cancelled
                | Self::Expired
        )
    }

    pub fn of(facts: &Facts) -> Self {
        match facts.upload {
            UploadState::Open if facts.is_cancelled => return Self::Cancelled,
            UploadState::Open => return Self::Uploading,
            UploadState::Completed | UploadState::Checking if facts.is_cancelled => {
                return Self::Cancelled;
            }
            UploadState::Completed | UploadState::Checking => return Self::Checking,
            UploadState::Refused => return Self::Refused,
            UploadState::Cancelled => return Self::Cancelled,
            UploadState::Expired => return Self::Expired,
            UploadState::Accepted => {}
        }
        if facts.evaluation == Some(EvaluationState::Finished) && !facts.is_run_again() {
            return Self::Scored;
        }
        if facts.is_cancelled {
            return Self::Cancelled;
        }
        match facts.kind {
            SubmissionKind::Predictions => Self::Scoring,
            SubmissionKind::Container => Self::of_attempt(facts),
        }
    }

    fn of_attempt(facts: &Facts) -> Self {
        match facts.attempt {
            None | Some(AttemptState::Queued) => Self::Queued,
            Some(AttemptState::Running) => Self::Running,
            Some(AttemptState::Finished) if facts.is_trial => Self::Tried,
            Some(AttemptState::Finished) => Self::Scoring,
            Some(AttemptState::Failed) => Self::Failed,
            Some(AttemptState::Cancelled) => Self::Cancelled,
        }
    }
}

/// What a submission's end does to the quota that its create reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// Nothing is decided yet.
    Open,
    Spent,
    Returned,
}

/// Predictions are spent when their check passed, a container when its canary passed; refused, cancelled
/// earlier, or failed through our fault: given back.
pub fn settlement(facts: &Facts, canary_passed: bool) -> Settlement {
    match SubmissionState::of(facts) {
        SubmissionState::Refused | SubmissionState::Expired => Settlement::Returned,
        _ if facts
            .attempt_failure
            .is_some_and(|code| code.fault() == Fault::Ours) =>
        {
            Settlement::Returned
        }
        _ if canary_passed => Settlement::Spent,
        _ if facts.kind == SubmissionKind::Predictions && facts.upload == UploadState::Accepted => {
            Settlement::Spent
        }
        SubmissionState::Failed | SubmissionState::Cancelled => Settlement::Returned,
        _ => Settlement::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(upload: UploadState) -> Facts {
        Facts {
            kind: SubmissionKind::Container,
            is_trial: false,
            is_cancelled: false,
            upload,
            attempt: None,
            attempt_failure: None,
            evaluation: None,
        }
    }

    #[test]
    fn a_container_walks_from_upload_to_board() {
        let walk = [
            (facts(UploadState::Open), "uploading"),
            (facts(UploadState::Completed), "checking"),
            (facts(UploadState::Accepted), "queued"),
            (
                Facts {
                    attempt: Some(AttemptState::Running),
                    ..facts(UploadState::Accepted)
                },
                "running",
            ),
            (
                Facts {
                    attempt: Some(AttemptState::Finished),
                    evaluation: Some(EvaluationState::Running),
                    ..facts(UploadState::Accepted)
                },
                "scoring",
            ),
            (
                Facts {
                    attempt: Some(AttemptState::Finished),
                    evaluation: Some(EvaluationState::Finished),
                    ..facts(UploadState::Accepted)
                },
                "scored",
            ),
        ];
        for (facts, state) in walk {
            assert_eq!(SubmissionState::of(&facts).as_str(), state);
        }
    }

    #[test]
    fn a_trial_ends_with_its_attempt() {
        let trial = Facts {
            is_trial: true,
            attempt: Some(AttemptState::Running),
            ..facts(UploadState::Accepted)
        };
        assert_eq!(SubmissionState::of(&trial), SubmissionState::Running);
        let finished = Facts {
            attempt: Some(AttemptState::Finished),
            ..trial
        };
        assert_eq!(SubmissionState::of(&finished), SubmissionState::Tried);
        assert!(SubmissionState::Tried.is_final());
    }

    #[test]
    fn what_is_run_again_is_on_its_way_until_that_ends_and_keeps_its_score_where_that_fails() {
        let again = |attempt| Facts {
            attempt: Some(attempt),
            evaluation: Some(EvaluationState::Finished),
            ..facts(UploadState::Accepted)
        };
        let expected = [
            (AttemptState::Queued, SubmissionState::Queued),
            (AttemptState::Running, SubmissionState::Running),
            (AttemptState::Failed, SubmissionState::Scored),
            (AttemptState::Cancelled, SubmissionState::Scored),
            (AttemptState::Finished, SubmissionState::Scored),
        ];
        for (attempt, state) in expected {
            assert_eq!(SubmissionState::of(&again(attempt)), state, "{attempt}");
        }
        let measured = Facts {
            evaluation: Some(EvaluationState::Running),
            ..again(AttemptState::Finished)
        };
        assert_eq!(SubmissionState::of(&measured), SubmissionState::Scoring);
    }

    #[test]
    fn a_cancelled_submission_says_so_unless_it_was_already_scored() {
        for &upload in UploadState::ALL {
            let cancelled = Facts {
                is_cancelled: true,
                ..facts(upload)
            };
            assert!(SubmissionState::of(&cancelled).is_final(), "{upload}");
        }
        let scored = Facts {
            is_cancelled: true,
            evaluation: Some(EvaluationState::Finished),
            ..facts(UploadState::Accepted)
        };
        assert_eq!(SubmissionState::of(&scored), SubmissionState::Scored);
    }

    #[test]
    fn quota_is_spent_by_a_passed_canary_and_given_back_for_our_fault() {
        let running = Facts {
            attempt: Some(AttemptState::Running),
            ..facts(UploadState::Accepted)
        };
        assert_eq!(settlement(&running, false), Settlement::Open);
        assert_eq!(settlement(&running, true), Settlement::Spent);
        let canary = Facts {
            attempt: Some(AttemptState::Failed),
            attempt_failure: Some(FailureCode::CanaryFailed),
            ..running
        };
        assert_eq!(settlement(&canary, false), Settlement::Returned);
        let lost = Facts {
            attempt_failure: Some(FailureCode::WorkerLost),
            ..canary
        };
        assert_eq!(settlement(&lost, true), Settlement::Returned);
        let cancelled_late = Facts {
            is_cancelled: true,
            attempt: Some(AttemptState::Cancelled),
            ..running
        };
        assert_eq!(settlement(&cancelled_late, true), Settlement::Spent);
        assert_eq!(settlement(&cancelled_late, false), Settlement::Returned);
    }

    #[test]
    fn predictions_are_spent_by_their_check() {
        let zip = Facts {
            kind: SubmissionKind::Predictions,
            ..facts(UploadState::Accepted)
        };
        assert_eq!(settlement(&zip, false), Settlement::Spent);
        let refused = Facts {
            upload: UploadState::Refused,
            ..zip
        };
        assert_eq!(settlement(&refused, false), Settlement::Returned);
    }
}
