//! The messages that cross a process, generated from `events.proto`. No behaviour lives here.

#![expect(
    clippy::doc_markdown,
    reason = "generated from the comments of the .proto file"
)]

include!(concat!(env!("OUT_DIR"), "/molar.v1.rs"));

/// The only version of the messages so far.
pub const VERSION: u32 = 1;

/// Routing keys on the exchange `molar.events`.
pub mod keys {
    pub const PARTICIPATION_DECIDED: &str = "participation.decided";
    pub const CHALLENGE_APPLIED: &str = "challenge.applied";
    pub const PHASE_PUBLISHED: &str = "phase.published";
    pub const REFERENCE_STORED: &str = "reference.stored";
    pub const SUBMISSION_COMPLETED: &str = "submission.completed";
    pub const SUBMISSION_ACCEPTED: &str = "submission.accepted";
    pub const SUBMISSION_CANCELLED: &str = "submission.cancelled";
    pub const SUBMISSION_WITHDRAWN: &str = "submission.withdrawn";
    pub const CANARY_PASSED: &str = "canary.passed";
    pub const CASE_RUN_FINISHED: &str = "case_run.finished";
    pub const ATTEMPT_FINISHED: &str = "attempt.finished";
    pub const EVALUATION_FINISHED: &str = "evaluation.finished";
    pub const RESCORING_PUBLISHED: &str = "rescoring.published";
}
