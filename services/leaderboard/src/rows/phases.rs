//! Phases as this role sees them.

use chrono::{DateTime, Utc};
use molar_domain::board::BoardRules;
use molar_domain::phase::{Keep, Opening, PhaseState, SubmissionKind, Visibility, Window};
use molar_domain::{ChallengeId, PhaseId, TeamId};
use serde_json::Value;
use sqlx::PgExecutor;
use sqlx::types::Json;

use crate::error::Error;

#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    pub id: PhaseId,
    pub slug: String,
    pub title: String,
    pub kind: SubmissionKind,
    pub track_id: uuid::Uuid,
    pub track_slug: String,
    pub track_title: String,
    pub challenge_id: ChallengeId,
    pub challenge_slug: String,
    pub challenge_title: String,
    pub challenge_note: Option<String>,
    pub zone: String,
    pub is_final: bool,
    pub window: Window,
    /// By which it is ranked: of what is in force, in the order of the file.
    pub metrics: Vec<String>,
    /// As the file says now.
    pub file_metrics: Vec<String>,
    pub keep: Keep,
    pub keep_metric: Option<String>,
    pub device_class: String,
    /// From then on the board stands still, until it is published.
    pub freezes_at: Option<DateTime<Utc>>,
    pub visibility: Visibility,
    pub board: BoardRules,
}

impl Phase {
    pub fn path(&self) -> String {
        format!(
            "/boards/{}/{}/{}",
            self.challenge_slug, self.track_slug, self.slug
        )
    }
}

struct Row {
    id: uuid::Uuid,
    slug: String,
    title: String,
    kind: String,
    track_id: uuid::Uuid,
    track_slug: String,
    track_title: String,
    challenge_id: uuid::Uuid,
    challenge_slug: String,
    challenge_title: String,
    challenge_note: Option<String>,
    zone: String,
    is_final: bool,
    opens_at: DateTime<Utc>,
    is_held: bool,
    closes_at: DateTime<Utc>,
    upload_grace_s: i32,
    paused_at: Option<DateTime<Utc>>,
    published_at: Option<DateTime<Utc>>,
    metrics: Vec<String>,
    keep: String,
    keep_metric: Option<String>,
    device_class: String,
    parameters: Option<Value>,
    freezes_at: Option<DateTime<Utc>>,
    visibility: String,
    board: Json<BoardRules>,
}

impl TryFrom<Row> for Phase {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id.into(),
            slug: row.slug,
            title: row.title,
            kind: row.kind.parse()?,
            track_id: row.track_id,
            track_slug: row.track_slug,
            track_title: row.track_title,
            challenge_id: row.challenge_id.into(),
            challenge_slug: row.challenge_slug,
            challenge_title: row.challenge_title,
            challenge_note: row.challenge_note,
            zone: row.zone,
            is_final: row.is_final,
            window: Window {
                opening: Opening {
                    at: row.opens_at,
                    is_held: row.is_held,
                },
                closes_at: row.closes_at,
                upload_grace_s: row.upload_grace_s,
                is_paused: row.paused_at.is_some(),
                is_published: row.published_at.is_some(),
            },
            metrics: metrics_by(&row.metrics, row.parameters.as_ref()),
            file_metrics: row.metrics,
            keep: row.keep.parse()?,
            keep_metric: row.keep_metric,
            device_class: row.device_class,
            freezes_at: row.freezes_at,
            visibility: row.visibility.parse()?,
            board: row.board.0,
        })
    }
}

/// Those that evaluations with these parameters have, in the order of the file; a metric that the file no longer
/// names goes last.
pub fn metrics_by(file: &[String], parameters: Option<&Value>) -> Vec<String> {
    let measured: Option<Vec<String>> = parameters
        .and_then(|parameters| serde_json::from_value(parameters["metrics"].clone()).ok());
    let Some(measured) = measured else {
        return file.to_vec();
    };
    let kept = file.iter().filter(|name| measured.contains(name));
    let gone = measured.iter().filter(|name| !file.contains(name));
    kept.chain(gone).cloned().collect()
}

/// Whether one of the teams is approved in the track.
pub async fn is_participant(
    db: impl PgExecutor<'_>,
    track: uuid::Uuid,
    teams: &[TeamId],
) -> sqlx::Result<bool> {
    let teams: Vec<_> = teams.iter().map(|team| team.0).collect();
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM registration.participants
                          WHERE track_id = $1 AND team_id = ANY($2) AND state = 'approved') AS "is!""#,
        track,
        &teams,
    )
    .fetch_one(db)
    .await
}

/// All that are approved in its track.
pub async fn participants(db: impl PgExecutor<'_>, phase: &Phase) -> sqlx::Result<Vec<TeamId>> {
    let teams = sqlx::query_scalar!(
        r#"SELECT team_id AS "team_id!" FROM registration.participants WHERE track_id = $1 AND state = 'approved'"#,
        phase.track_id,
    );
    let teams = teams.fetch_all(db).await?;
    Ok(teams.into_iter().map(TeamId).collect())
}

/// A phase is closed, and its ranks are final, only when the last of its work has ended.
pub async fn state(
    db: impl PgExecutor<'_>,
    phase: &Phase,
    now: DateTime<Utc>,
) -> sqlx::Result<PhaseState> {
    let is_past = now >= phase.window.closes_at;
    let is_work_in_flight = is_past && is_work_in_flight(db, phase.id).await?;
    Ok(phase.window.state(now, is_work_in_flight))
}

async fn is_work_in_flight(db: impl PgExecutor<'_>, id: PhaseId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM submission.in_flight WHERE phase_id = $1) AS "is!""#,
        id.0,
    )
    .fetch_one(db)
    .await
}

/// Every phase, in the order in which challenges show them.
pub async fn list(db: impl PgExecutor<'_>) -> Result<Vec<Phase>, Error> {
    let rows = select(db, None).await?;
    rows.into_iter().map(Phase::try_from).collect()
}

/// Fails with `RowNotFound` where there is none.
pub async fn find(db: impl PgExecutor<'_>, id: PhaseId) -> Result<Phase, Error> {
    let row = select(db, Some(id))
        .await?
        .pop()
        .ok_or(sqlx::Error::RowNotFound)?;
    row.try_into()
}

/// The id of the phase with this address; none where there is no such.
pub async fn id_at(
    db: impl PgExecutor<'_>,
    challenge: &str,
    track: &str,
    phase: &str,
) -> sqlx::Result<Option<PhaseId>> {
    let id = sqlx::query_scalar!(
        r#"SELECT phase_id AS "id!" FROM tracks.phase_facts
           WHERE challenge_slug = $1 AND track_slug = $2 AND phase_slug = $3"#,
        challenge,
        track,
        phase,
    )
    .fetch_optional(db)
    .await?;
    Ok(id.map(PhaseId))
}

async fn select(db: impl PgExecutor<'_>, id: Option<PhaseId>) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        r#"SELECT p.phase_id AS "id!", phase_slug AS "slug!", phase_title AS "title!", kind AS "kind!",
                  track_id AS "track_id!", track_slug AS "track_slug!", track_title AS "track_title!",
                  challenge_id AS "challenge_id!", challenge_slug AS "challenge_slug!",
                  challenge_title AS "challenge_title!", challenge_note, zone AS "zone!",
                  is_final AS "is_final!", opens_at AS "opens_at!", is_held AS "is_held!", closes_at AS "closes_at!",
                  upload_grace_s AS "upload_grace_s!", paused_at, published_at, metrics AS "metrics!",
                  keep AS "keep!", keep_metric, device_class AS "device_class!",
                  (SELECT f.parameters FROM scoring.frame_facts f WHERE f.phase_id = p.phase_id) AS parameters,
                  r.freezes_at, r.visibility AS "visibility!", p.board AS "board!: Json<BoardRules>"
           FROM tracks.phase_facts p
           JOIN tracks.phase_rules r ON r.phase_id = p.phase_id
           WHERE $1::uuid IS NULL OR p.phase_id = $1
           ORDER BY challenge_id, track_position, phase_position"#,
        id.map(|id| id.0),
    )
    .fetch_all(db)
    .await
}
