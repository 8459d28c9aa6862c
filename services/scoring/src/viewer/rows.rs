//! What the rows say of one case of one submission.

use molar_domain::{ChallengeId, TeamId};
use molar_objects::Bucket;
use molar_volumes::{Format, Geometry, prediction_name};
use molar_web_kit::{ApiError, Caller};
use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::cases::{format_of, geometry_of};
use crate::error::{Error, Result};

/// An object and what it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub bucket: Bucket,
    pub key: String,
    pub size_bytes: i64,
    pub sha256: String,
    /// Of a zip, the member that is meant.
    pub member: Option<String>,
}

#[derive(Debug)]
pub struct Subject {
    pub row: Row,
    pub format: Format,
    /// As the reference has it, or as the image says.
    pub geometry: Option<Geometry>,
    pub image: Stored,
    pub reference: Option<Stored>,
    pub prediction: Option<Stored>,
}

#[derive(Debug)]
pub struct Row {
    pub submission_id: Uuid,
    pub kind: String,
    pub team_id: Uuid,
    pub team: Option<String>,
    pub challenge_id: Uuid,
    pub track: String,
    pub phase: String,
    pub upload_state: String,
    pub upload_failure: Option<String>,
    pub is_cancelled: bool,
    pub format: String,
    pub case_id: Uuid,
    pub case_name: String,
    /// The public case on which images are tried.
    pub is_canary: bool,
    pub previous: Option<Uuid>,
    pub next: Option<Uuid>,
    pub evaluation_id: Option<Uuid>,
    pub scorer_version: Option<String>,
    pub score_state: Option<String>,
    pub values: Option<Value>,
    pub labels: Option<Value>,
    pub reason: Option<String>,
    pub reason_detail: Option<String>,
    pub notes: Option<Value>,
    pub run_id: Option<Uuid>,
    pub run_state: Option<String>,
    pub run_failure: Option<String>,
    pub run_failure_detail: Option<String>,
    pub reference_version: Option<i32>,
    shape: Option<Vec<i32>>,
    image_shape: Option<Vec<i32>>,
    image_bucket: String,
    image_key: String,
    image_size_bytes: i64,
    image_sha256: String,
    reference_bucket: Option<String>,
    reference_key: Option<String>,
    reference_size_bytes: Option<i64>,
    reference_sha256: Option<String>,
    upload_key: Option<String>,
    upload_size_bytes: Option<i64>,
    upload_sha256: Option<String>,
    output_key: Option<String>,
    output_size_bytes: Option<i64>,
    output_sha256: Option<String>,
}

/// The case of the submission's phase, or the public one on which its image was tried; to whoever may not
/// know of the submission there is none.
pub async fn see(
    db: impl PgExecutor<'_>,
    caller: &Caller,
    submission: Uuid,
    case: Uuid,
) -> Result<Subject> {
    let row = find(db, submission, case).await?;
    let row = row.ok_or(Error::NotFound("case of this submission"))?;
    if !caller.may_review(ChallengeId(row.challenge_id)) {
        if !caller.is_member(TeamId(row.team_id)) {
            return Err(Error::NotFound("case of this submission"));
        }
        let detail = "pictures of cases are for organizers and reviewers, because they show the hidden \
                      reference; the page of the submission has what is yours to know";
        return Err(ApiError::forbidden(detail).into());
    }
    tracing::info!(user.id = %caller.user_id, submission.id = %submission, case.id = %case, "looks at a case");
    Subject::of(row)
}

/// Of the evaluation that counts, where there is one; else by the newest reference and the latest attempt.
async fn find(db: impl PgExecutor<'_>, submission: Uuid, case: Uuid) -> sqlx::Result<Option<Row>> {
    sqlx::query_as!(
        Row,
        r#"SELECT l.submission_id AS "submission_id!", l.kind AS "kind!", l.team_id AS "team_id!",
                  (SELECT t.team_name FROM registration.participants t
                   WHERE t.team_id = l.team_id AND t.track_id = p.track_id) AS team,
                  p.challenge_id AS "challenge_id!", p.track_title AS "track!", p.phase_title AS "phase!",
                  l.upload_state AS "upload_state!", l.upload_failure,
                  l.cancelled_at IS NOT NULL AS "is_cancelled!", p.format AS "format!",
                  c.case_id AS "case_id!", c.name AS "case_name!", c.split_id <> p.split_id AS "is_canary!",
                  (SELECT n.case_id FROM tracks.stored_cases n WHERE n.split_id = c.split_id AND n.name < c.name
                     AND c.split_id = p.split_id ORDER BY n.name DESC LIMIT 1) AS previous,
                  (SELECT n.case_id FROM tracks.stored_cases n WHERE n.split_id = c.split_id AND n.name > c.name
                     AND c.split_id = p.split_id ORDER BY n.name LIMIT 1) AS next,
                  e.id AS "evaluation_id?", e.scorer_version AS "scorer_version?",
                  s.state AS "score_state?", s.values, s.labels, s.reason, s.reason_detail, s.notes AS "notes?",
                  run.case_run_id AS "run_id?", run.state AS "run_state?", run.failure AS "run_failure?",
                  run.failure_detail AS "run_failure_detail?",
                  r.version AS "reference_version?", f.shape AS "shape?", r.image_shape AS "image_shape?",
                  c.image_bucket AS "image_bucket!", c.image_key AS "image_key!", c.size_bytes AS "image_size_bytes!",
                  c.sha256 AS "image_sha256!",
                  r.bucket AS "reference_bucket?", r.object_key AS "reference_key?",
                  r.size_bytes AS "reference_size_bytes?", r.sha256 AS "reference_sha256?",
                  u.object_key AS "upload_key?", u.size_bytes AS "upload_size_bytes?", u.sha256 AS "upload_sha256?",
                  run.output_key AS "output_key?", run.output_size_bytes AS "output_size_bytes?",
                  run.output_sha256 AS "output_sha256?"
           FROM submission.life l
           JOIN tracks.phase_facts p ON p.phase_id = l.phase_id
           JOIN tracks.stored_cases c ON c.case_id = $2 AND (c.split_id = p.split_id OR c.case_id = p.canary_case_id)
           LEFT JOIN scoring.evaluations e ON e.id = l.evaluation_id
           LEFT JOIN scoring.case_scores s ON s.evaluation_id = e.id AND s.case_id = c.case_id
           LEFT JOIN submission.accepted u ON u.submission_id = l.submission_id
           LEFT JOIN LATERAL (
               SELECT x.* FROM execution.case_run_facts x
               WHERE x.attempt_id = COALESCE(e.attempt_id, l.attempt_id) AND x.case_id = c.case_id
               ORDER BY x.kind = 'case' DESC LIMIT 1) run ON true
           LEFT JOIN LATERAL (
               SELECT x.* FROM tracks.stored_references x
               WHERE x.case_id = c.case_id AND (s.case_id IS NULL OR x.reference_set_id = e.reference_set_id)
               ORDER BY x.version DESC LIMIT 1) r ON true
           LEFT JOIN scoring.reference_facts f ON f.reference_id = r.reference_id AND f.is_good
           WHERE l.submission_id = $1"#,
        submission,
        case,
    )
    .fetch_optional(db)
    .await
}

impl Subject {
    fn of(row: Row) -> Result<Self> {
        let format = format_of(&row.format)?;
        let shape = row.shape.as_deref().filter(|shape| !shape.is_empty());
        let shape = shape.or(row.image_shape.as_deref());
        Ok(Self {
            format,
            geometry: shape.and_then(geometry_of),
            image: Stored {
                bucket: bucket(&row.image_bucket),
                key: row.image_key.clone(),
                size_bytes: row.image_size_bytes,
                sha256: row.image_sha256.clone(),
                member: None,
            },
            reference: row.reference(),
            prediction: row.prediction(format),
            row,
        })
    }
}

fn bucket(word: &str) -> Bucket {
    match word {
        "public" => Bucket::Public,
        "references" => Bucket::References,
        _ => Bucket::Hidden,
    }
}

impl Row {
    /// What labels are counted in.
    pub fn unit(&self) -> &'static str {
        match self.format.as_str() {
            "nifti" => "voxels",
            _ => "pixels",
        }
    }

    fn reference(&self) -> Option<Stored> {
        Some(Stored {
            bucket: bucket(self.reference_bucket.as_deref()?),
            key: self.reference_key.clone()?,
            size_bytes: self.reference_size_bytes?,
            sha256: self.reference_sha256.clone()?,
            member: None,
        })
    }

    fn prediction(&self, format: Format) -> Option<Stored> {
        match self.kind.as_str() {
            "container" => Some(Stored {
                bucket: Bucket::Outputs,
                key: self.output_key.clone()?,
                size_bytes: self.output_size_bytes?,
                sha256: self.output_sha256.clone()?,
                member: None,
            }),
            _ => Some(Stored {
                bucket: Bucket::Uploads,
                key: self.upload_key.clone()?,
                size_bytes: self.upload_size_bytes?,
                sha256: self.upload_sha256.clone()?,
                member: Some(prediction_name(&self.case_name, format)),
            }),
        }
    }
}
