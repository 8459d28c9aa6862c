//! What decides whether a submission can be run again.

use molar_domain::ChallengeId;
use molar_domain::submission::{Facts, SubmissionState};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Error, Result};

pub struct Ended {
    pub phase_id: Uuid,
    /// challenge/track/phase
    pub phase: String,
    pub challenge_id: ChallengeId,
    pub team_id: Uuid,
    pub team: Option<String>,
    pub state: SubmissionState,
    pub is_predictions: bool,
    pub is_trial: bool,
    pub is_withdrawn: bool,
    /// Of its last attempt; none: it was never run.
    pub attempt_number: Option<i32>,
    pub failure: Option<String>,
    /// Its quota is still to be spent or given back.
    pub is_unsettled: bool,
    /// A retention took its files, or takes those of its phase now.
    pub is_removed: bool,
    pub cases: i64,
    /// All layers of its image are stored.
    pub has_image: bool,
    /// Of the archive that it was handed in as.
    pub object_key: Option<String>,
}

/// Nobody else makes an attempt at it, or ends one, until the transaction ends.
pub async fn lock(tx: &mut PgConnection, submission: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT id FROM execution.attempts WHERE submission_id = $1 FOR UPDATE",
        submission,
    )
    .fetch_all(tx)
    .await?;
    Ok(())
}

pub async fn find(tx: &mut PgConnection, submission: Uuid) -> Result<Option<Ended>> {
    let row = sqlx::query!(
        r#"SELECT l.phase_id AS "phase_id!", p.challenge_slug || '/' || p.track_slug || '/' || p.phase_slug AS "phase!",
                  p.challenge_id AS "challenge_id!", l.team_id AS "team_id!",
                  (SELECT n.team_name FROM registration.participants n
                   WHERE n.team_id = l.team_id AND n.track_id = p.track_id) AS team,
                  l.kind AS "kind!", l.cancelled_at IS NOT NULL AS "is_cancelled!", l.withdrawn_at IS NOT NULL AS "is_withdrawn!",
                  l.upload_state AS "upload_state!", l.attempt_number, l.attempt_state, l.attempt_failure, l.evaluation_state,
                  COALESCE(l.quota = 'reserved', false) AS "is_unsettled!",
                  EXISTS (SELECT FROM submission.trials t WHERE t.submission_id = l.submission_id) AS "is_trial!",
                  EXISTS (SELECT FROM submission.removed g WHERE g.submission_id = l.submission_id)
                      OR EXISTS (SELECT FROM execution.removed_files g
                                 WHERE g.phase_id = l.phase_id AND g.finished_at IS NULL) AS "is_removed!",
                  (SELECT count(*) FROM tracks.stored_cases c WHERE c.split_id = p.split_id) AS "cases!",
                  EXISTS (SELECT FROM submission.stored_images i WHERE i.image_digest = l.image_digest) AS "has_image!",
                  (SELECT s.object_key FROM submission.accepted s WHERE s.submission_id = l.submission_id) AS object_key
           FROM submission.life l JOIN tracks.phase_facts p ON p.phase_id = l.phase_id
           WHERE l.submission_id = $1"#,
        submission,
    )
    .fetch_optional(tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    fn word<T: std::str::FromStr>(text: Option<&String>) -> Result<Option<T>, T::Err> {
        text.map(|text| text.parse()).transpose()
    }
    let facts = Facts {
        kind: row.kind.parse()?,
        is_trial: row.is_trial,
        is_cancelled: row.is_cancelled,
        upload: row.upload_state.parse()?,
        attempt: word(row.attempt_state.as_ref())?,
        attempt_failure: word(row.attempt_failure.as_ref())?,
        evaluation: word(row.evaluation_state.as_ref())?,
    };
    Ok(Some(Ended {
        phase_id: row.phase_id,
        phase: row.phase,
        challenge_id: row.challenge_id.into(),
        team_id: row.team_id,
        team: row.team,
        state: SubmissionState::of(&facts),
        is_predictions: facts.kind == molar_domain::phase::SubmissionKind::Predictions,
        is_trial: row.is_trial,
        is_withdrawn: row.is_withdrawn,
        attempt_number: row.attempt_number,
        failure: row.attempt_failure,
        is_unsettled: row.is_unsettled,
        is_removed: row.is_removed,
        cases: row.cases,
        has_image: row.has_image,
        object_key: row.object_key,
    }))
}

impl Ended {
    pub fn next_number(&self) -> Result<i32> {
        let last = self.attempt_number.ok_or(Error::BadRow("attempt_number"))?;
        Ok(last + 1)
    }
}
