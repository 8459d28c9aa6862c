//! By what a phase is measured: scorer, references and parameters.
//!
//! It follows the challenge file and the newest references until the first evaluation has finished. From then on
//! a score may be on the board, and only the publishing of a re-scoring changes it: nothing mixes.

use molar_domain::evaluation::{Parameters, SCORER_VERSION};
use molar_domain::limits::Limits;
use molar_domain::phase::SubmissionKind;
use serde_json::Value;
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use crate::error::Result;

/// A phase whose cases have references, and what its file says of measuring it.
pub struct Phase {
    pub id: Uuid,
    kind: String,
    split_id: Uuid,
    metrics: Vec<String>,
    limits: Value,
    groups: Value,
    pixel_spacing_mm: Option<f64>,
    reference_set_id: Uuid,
}

/// What evaluations of a phase have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub phase_id: Uuid,
    pub kind: SubmissionKind,
    pub split_id: Uuid,
    pub scorer_version: String,
    pub reference_set_id: Uuid,
    /// None of before they were kept.
    pub parameters: Option<Value>,
    pub parameters_hash: String,
    /// Which was published last.
    pub rescoring_id: Option<Uuid>,
}

impl Frame {
    /// Whether both measure by the same.
    pub fn is_same(&self, other: &Self) -> bool {
        self.scorer_version == other.scorer_version
            && self.reference_set_id == other.reference_set_id
            && self.parameters_hash == other.parameters_hash
    }

    /// Whether a case whose reference is the same can have another score.
    pub fn measures_otherwise(&self, other: &Self) -> bool {
        self.scorer_version != other.scorer_version || self.parameters_hash != other.parameters_hash
    }
}

pub async fn phases(db: impl PgExecutor<'_>, id: Option<Uuid>) -> Result<Vec<Phase>> {
    let phases = sqlx::query_as!(
        Phase,
        r#"SELECT phase_id AS "id!", kind AS "kind!", split_id AS "split_id!", metrics AS "metrics!",
                  limits AS "limits!", groups AS "groups!", pixel_spacing_mm, reference_set_id AS "reference_set_id!"
           FROM tracks.phase_facts
           WHERE reference_set_id IS NOT NULL AND ($1::uuid IS NULL OR phase_id = $1) ORDER BY phase_id"#,
        id,
    )
    .fetch_all(db)
    .await?;
    Ok(phases)
}

impl Phase {
    /// By file, references and program as they are now.
    pub fn wanted(self) -> Result<Frame> {
        let limits: Limits = serde_json::from_value(self.limits)?;
        let parameters = Parameters::new(
            &self.metrics,
            limits.wall_s,
            &serde_json::from_value(self.groups)?,
            self.pixel_spacing_mm,
        )?;
        Ok(Frame {
            phase_id: self.id,
            kind: self.kind.parse()?,
            split_id: self.split_id,
            scorer_version: SCORER_VERSION.to_owned(),
            reference_set_id: self.reference_set_id,
            parameters_hash: parameters.hash(),
            parameters: Some(serde_json::to_value(parameters)?),
            rescoring_id: None,
        })
    }
}

/// What counts: `wanted` while nothing is scored, else what counted before.
pub async fn settle(db: &PgPool, wanted: Frame) -> Result<Frame> {
    sqlx::query!(
        "INSERT INTO scoring.frames (phase_id, scorer_version, reference_set_id, parameters_hash, parameters)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (phase_id) DO UPDATE SET scorer_version = excluded.scorer_version,
             reference_set_id = excluded.reference_set_id, parameters_hash = excluded.parameters_hash,
             parameters = excluded.parameters
         WHERE (frames.scorer_version, frames.reference_set_id, frames.parameters_hash)
             <> (excluded.scorer_version, excluded.reference_set_id, excluded.parameters_hash)
           AND frames.rescoring_id IS NULL
           AND NOT EXISTS (SELECT FROM scoring.evaluations e WHERE e.phase_id = frames.phase_id AND e.state = 'finished')",
        wanted.phase_id,
        wanted.scorer_version,
        wanted.reference_set_id,
        wanted.parameters_hash,
        wanted.parameters,
    )
    .execute(db)
    .await?;
    Ok(held(db, &wanted).await?.unwrap_or(wanted))
}

/// What counts now; none before the first round.
pub async fn held(db: impl PgExecutor<'_>, of: &Frame) -> Result<Option<Frame>> {
    let row = sqlx::query!(
        "SELECT scorer_version, reference_set_id, parameters_hash, parameters, rescoring_id
         FROM scoring.frames WHERE phase_id = $1",
        of.phase_id,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Frame {
        phase_id: of.phase_id,
        kind: of.kind,
        split_id: of.split_id,
        scorer_version: row.scorer_version,
        reference_set_id: row.reference_set_id,
        parameters: row.parameters,
        parameters_hash: row.parameters_hash,
        rescoring_id: row.rescoring_id,
    }))
}
