//! What a team sees of its submission.

use chrono::{DateTime, Utc};
use molar_domain::FailureCode;
use molar_domain::retention::Removed;
use molar_domain::submission::SubmissionState;
use molar_web_kit::ApiError;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::image::ImageView;
use super::queue::QueueView;
use crate::checks::Complaint;
use crate::pages::size;
use crate::rows::life::Life;
use crate::rows::phases::Phase;

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SubmissionView {
    pub id: Uuid,
    pub phase_id: Uuid,
    /// challenge/track/phase
    pub phase: String,
    pub team_id: Uuid,
    pub team: String,
    /// `predictions` or `container`
    pub kind: String,
    /// It runs the public case alone and is never ranked.
    pub is_trial: bool,
    pub note: String,
    pub code_url: Option<String>,
    pub size_bytes: i64,
    /// Absent until its sender declared it or the check found it.
    pub sha256: Option<String>,
    pub created_at: DateTime<Utc>,
    #[schema(value_type = String)]
    pub state: SubmissionState,
    /// Whether the state can change no more.
    pub is_final: bool,
    /// From a closed list of codes.
    #[schema(value_type = Option<String>)]
    pub failure: Option<FailureCode>,
    /// What the failure means and what to do.
    pub advice: Option<String>,
    pub complaints: Vec<Complaint>,
    /// What was odd and did no harm.
    pub notes: Vec<String>,
    pub history: Vec<Step>,
    pub progress: Progress,
    /// While it waits or runs.
    pub queue: Option<QueueView>,
    /// `reserved`, then `spent` or `returned`.
    pub quota: Option<String>,
    /// Of a container: SHA-256 of the image's config.
    pub image_digest: Option<String>,
    /// Of a container, what its check saw.
    pub image: Option<ImageView>,
    /// Where the organizers had it run again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rerun: Option<RerunView>,
    /// By its team, where the phase keeps the chosen one.
    pub is_chosen: bool,
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// Where its phase keeps files no longer: its scores and ranks stay.
    pub files_removed: Option<FilesRemoved>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FilesRemoved {
    pub at: DateTime<Utc>,
    /// After the close of the phase.
    pub retention_days: i32,
    /// "removed on 2 March 2027 under the phase's retention of 90 days"
    pub text: String,
}

impl From<Removed> for FilesRemoved {
    fn from(removed: Removed) -> Self {
        Self {
            at: removed.at,
            retention_days: removed.retention_days,
            text: removed.to_string(),
        }
    }
}

/// The last time that a container was run again by the organizers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = LastRerun)]
pub struct RerunView {
    /// Number of the attempt.
    pub attempt: i32,
    pub reason: String,
    /// Until it has ended an earlier score counts.
    pub is_going_on: bool,
    /// Why it came to nothing; an earlier score counts then, too.
    pub failure: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Step {
    pub at: DateTime<Utc>,
    pub what: &'static str,
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Progress {
    pub cases: i64,
    pub scored_cases: i64,
    /// Of the container, the trial case included.
    pub runs: i64,
    pub final_runs: i64,
    /// Cases that were given the worst values.
    pub worst_cases: i64,
}

/// A line of a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SubmissionItem {
    pub id: Uuid,
    pub phase_id: Uuid,
    /// challenge/track/phase
    pub phase: String,
    pub team_id: Uuid,
    pub team: String,
    pub kind: String,
    /// It runs the public case alone and is never ranked.
    pub is_trial: bool,
    pub note: String,
    #[schema(value_type = String)]
    pub state: SubmissionState,
    pub is_final: bool,
    #[schema(value_type = Option<String>)]
    pub failure: Option<FailureCode>,
    pub created_at: DateTime<Utc>,
    pub is_chosen: bool,
    pub withdrawn_at: Option<DateTime<Utc>>,
}

impl SubmissionView {
    pub fn of(life: Life, phase: &Phase, team: String) -> Result<Self, ApiError> {
        let state = life.state()?;
        let failure = failure(&life, state);
        Ok(Self {
            id: life.submission_id,
            phase_id: life.phase_id,
            phase: phase.path.clone(),
            team_id: life.team_id,
            team,
            state,
            is_final: state.is_final(),
            failure,
            advice: failure.map(|code| code.advice().to_owned()),
            complaints: complaints(&life, state),
            notes: notes(&life.upload_notes),
            history: history(&life, state),
            progress: progress(&life),
            rerun: rerun(&life, state),
            queue: None,
            kind: life.kind,
            is_trial: life.is_trial,
            note: life.note,
            code_url: life.code_url,
            size_bytes: life.size_bytes,
            sha256: life.sha256,
            created_at: life.created_at,
            quota: life.quota,
            image_digest: life.image_digest,
            image: None,
            is_chosen: life.is_chosen,
            withdrawn_at: life.withdrawn_at,
            files_removed: None,
        })
    }
}

/// What an earlier attempt was scored is no progress of the one that goes on.
fn progress(life: &Life) -> Progress {
    let is_measured = life.shown().1.is_some();
    let measured = |count| if is_measured { count } else { 0 };
    Progress {
        cases: measured(life.cases),
        scored_cases: measured(life.scored_cases),
        runs: life.runs,
        final_runs: life.final_runs,
        worst_cases: measured(life.worst_cases),
    }
}

fn rerun(life: &Life, state: SubmissionState) -> Option<RerunView> {
    let number = life.attempt_number.filter(|_| life.is_rerun)?;
    Some(RerunView {
        attempt: number,
        reason: life.rerun_reason.clone().unwrap_or_default(),
        is_going_on: !state.is_final(),
        failure: life.attempt_failure.clone(),
    })
}

impl SubmissionItem {
    pub fn of(life: Life, phase: &Phase, team: String) -> Result<Self, ApiError> {
        let state = life.state()?;
        Ok(Self {
            id: life.submission_id,
            phase_id: life.phase_id,
            phase: phase.path.clone(),
            team_id: life.team_id,
            team,
            failure: failure(&life, state),
            kind: life.kind,
            is_trial: life.is_trial,
            note: life.note,
            state,
            is_final: state.is_final(),
            created_at: life.created_at,
            is_chosen: life.is_chosen,
            withdrawn_at: life.withdrawn_at,
        })
    }
}

fn failure(life: &Life, state: SubmissionState) -> Option<FailureCode> {
    let code = match state {
        SubmissionState::Refused => life.upload_failure.as_ref(),
        SubmissionState::Failed => life.attempt_failure.as_ref(),
        _ => None,
    };
    code?.parse().ok()
}

fn complaints(life: &Life, state: SubmissionState) -> Vec<Complaint> {
    let of_upload = life.upload_failure_detail.clone();
    let told = of_upload.and_then(|list| serde_json::from_value::<Vec<Complaint>>(list).ok());
    match (told, &life.attempt_failure_detail) {
        (Some(complaints), _) => complaints,
        (None, Some(detail)) if state == SubmissionState::Failed => {
            let mend = failure(life, state).map_or("", FailureCode::advice);
            vec![Complaint::new("container", detail, mend)]
        }
        (None, _) => Vec::new(),
    }
}

/// Texts, or objects with a `detail`.
pub fn notes(notes: &Value) -> Vec<String> {
    let text = |note: &Value| note.as_str().or(note["detail"].as_str()).map(str::to_owned);
    notes
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(text)
        .collect()
}

fn history(life: &Life, state: SubmissionState) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut add = |at: Option<DateTime<Utc>>, what, detail: String| {
        steps.extend(at.map(|at| Step { at, what, detail }));
    };
    let code = |code: &Option<String>| code.clone().unwrap_or_default();
    add(
        Some(life.created_at),
        "created",
        format!("{} declared", size(life.size_bytes.unsigned_abs())),
    );
    add(life.completed_at, "uploaded", "waits for its check".into());
    match life.upload_state.as_str() {
        "accepted" => add(
            life.decided_at,
            "accepted",
            "the check found nothing wrong".into(),
        ),
        "refused" => add(life.decided_at, "refused", code(&life.upload_failure)),
        "expired" => add(
            life.decided_at,
            "expired",
            "the upload was not completed in time".into(),
        ),
        _ => {}
    }
    match (&life.rerun_reason, life.attempt_number) {
        (Some(reason), Some(number)) => add(
            life.attempt_created_at,
            "run again",
            format!("attempt {number}, by the organizers: {reason}"),
        ),
        _ => add(life.attempt_created_at, "queued", String::new()),
    }
    add(life.attempt_started_at, "started", "on a worker".into());
    let follows = match life.is_trial {
        true => "nothing follows: it is a trial",
        false => "the hidden cases follow",
    };
    add(life.canary_passed_at, "trial passed", follows.into());
    match life.attempt_state.as_deref() {
        Some("finished") if life.is_trial => {}
        Some("finished") => add(
            life.attempt_finished_at,
            "run",
            format!("{} cases", life.runs),
        ),
        Some("failed") => add(
            life.attempt_finished_at,
            "failed",
            code(&life.attempt_failure),
        ),
        _ => {}
    }
    add(
        life.evaluation_created_at,
        "scoring",
        format!("{} cases", life.cases),
    );
    if state == SubmissionState::Scored {
        let worst = match life.worst_cases {
            0 => String::new(),
            worst => format!("; {worst} failed and count with the worst values"),
        };
        add(
            life.evaluation_finished_at,
            "scored",
            format!("{} cases{worst}", life.cases),
        );
    }
    add(life.cancelled_at, "cancelled", String::new());
    add(
        life.withdrawn_at,
        "withdrawn",
        "takes no part in the ranks".into(),
    );
    steps.sort_by_key(|step| step.at);
    steps
}
