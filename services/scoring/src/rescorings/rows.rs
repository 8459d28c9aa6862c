//! `scoring.rescorings`

use chrono::{DateTime, Utc};
use molar_domain::ChallengeId;
use molar_domain::rescoring::{Event, RescoringState, Scope};
use molar_domain::retention::Removed;
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::evaluations::frame::Frame;

#[derive(Debug, Clone)]
pub struct Rescoring {
    pub id: Uuid,
    pub phase_id: Uuid,
    /// `challenge/track/phase`
    pub phase: String,
    pub challenge_id: ChallengeId,
    pub state: RescoringState,
    pub scope: Scope,
    pub reason: String,
    pub scorer_version: String,
    pub reference_set_id: Uuid,
    pub reference_set_version: i32,
    pub parameters: Value,
    pub parameters_hash: String,
    pub from_scorer_version: String,
    pub from_reference_set_id: Uuid,
    pub from_reference_set_version: i32,
    pub from_parameters_hash: String,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub ready_at: Option<DateTime<Utc>>,
    pub decided_at: Option<DateTime<Utc>>,
}

impl Rescoring {
    /// Whether every case is measured again.
    pub fn is_of_everything(&self) -> bool {
        self.scope == Scope::Everything
            || self.scorer_version != self.from_scorer_version
            || self.parameters_hash != self.from_parameters_hash
    }

    /// The state after a step, or why that cannot be.
    pub fn after(&self, event: Event) -> Result<RescoringState> {
        Ok(self.state.apply(event)?)
    }
}

struct Row {
    id: Uuid,
    phase_id: Uuid,
    phase: String,
    challenge_id: Uuid,
    state: String,
    scope: String,
    reason: String,
    scorer_version: String,
    reference_set_id: Uuid,
    reference_set_version: i32,
    parameters: Value,
    parameters_hash: String,
    from_scorer_version: String,
    from_reference_set_id: Uuid,
    from_reference_set_version: i32,
    from_parameters_hash: String,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    ready_at: Option<DateTime<Utc>>,
    decided_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Rescoring {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            phase_id: row.phase_id,
            phase: row.phase,
            challenge_id: row.challenge_id.into(),
            state: row.state.parse()?,
            scope: row.scope.parse()?,
            reason: row.reason,
            scorer_version: row.scorer_version,
            reference_set_id: row.reference_set_id,
            reference_set_version: row.reference_set_version,
            parameters: row.parameters,
            parameters_hash: row.parameters_hash,
            from_scorer_version: row.from_scorer_version,
            from_reference_set_id: row.from_reference_set_id,
            from_reference_set_version: row.from_reference_set_version,
            from_parameters_hash: row.from_parameters_hash,
            created_at: row.created_at,
            started_at: row.started_at,
            ready_at: row.ready_at,
            decided_at: row.decided_at,
        })
    }
}

/// Of one, of a phase, or of whole challenges; newest first.
#[derive(Debug, Default, Clone, Copy)]
pub struct Filter<'a> {
    pub id: Option<Uuid>,
    pub phase: Option<Uuid>,
    /// None: of all.
    pub challenges: Option<&'a [Uuid]>,
}

pub async fn list(db: impl PgExecutor<'_>, filter: Filter<'_>) -> Result<Vec<Rescoring>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT r.id, r.phase_id, p.challenge_slug || '/' || p.track_slug || '/' || p.phase_slug AS "phase!",
                  p.challenge_id AS "challenge_id!", r.state, r.scope, r.reason, r.scorer_version, r.reference_set_id,
                  n.version AS "reference_set_version!", r.parameters, r.parameters_hash, r.from_scorer_version,
                  r.from_reference_set_id, o.version AS "from_reference_set_version!", r.from_parameters_hash,
                  r.created_at, r.started_at, r.ready_at, r.decided_at
           FROM scoring.rescorings r
           JOIN tracks.phase_facts p ON p.phase_id = r.phase_id
           JOIN tracks.reference_set_versions n ON n.reference_set_id = r.reference_set_id
           JOIN tracks.reference_set_versions o ON o.reference_set_id = r.from_reference_set_id
           WHERE ($1::uuid IS NULL OR r.id = $1) AND ($2::uuid IS NULL OR r.phase_id = $2)
             AND ($3::uuid[] IS NULL OR p.challenge_id = ANY ($3))
           ORDER BY r.id DESC"#,
        filter.id,
        filter.phase,
        filter.challenges,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Rescoring::try_from).collect()
}

pub async fn find(db: impl PgExecutor<'_>, id: Uuid) -> Result<Rescoring> {
    let filter = Filter {
        id: Some(id),
        ..Filter::default()
    };
    list(db, filter)
        .await?
        .pop()
        .ok_or(Error::NotFound("re-scoring"))
}

/// Whether predictions of the phase are gone, or about to go.
pub async fn removed(db: impl PgExecutor<'_>, phase: Uuid) -> sqlx::Result<Option<Removed>> {
    let row = sqlx::query!(
        r#"SELECT begun_at AS "at!", retention_days AS "days!" FROM execution.removed_files
           WHERE phase_id = $1 ORDER BY begun_at LIMIT 1"#,
        phase,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Removed {
        at: row.at,
        retention_days: row.days,
    }))
}

pub struct New<'a> {
    pub id: Uuid,
    pub from: &'a Frame,
    pub to: &'a Frame,
    pub scope: Scope,
    pub reason: &'a str,
    pub by: Uuid,
}

/// Returns false where the phase has an open one.
pub async fn insert(
    conn: &mut PgConnection,
    new: &New<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        "INSERT INTO scoring.rescorings
             (id, phase_id, state, scope, reason, scorer_version, reference_set_id, parameters_hash, parameters,
              from_scorer_version, from_reference_set_id, from_parameters_hash, created_by, created_at)
         VALUES ($1, $2, 'draft', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (phase_id) WHERE state IN ('draft', 'computing', 'ready') DO NOTHING",
        new.id,
        new.to.phase_id,
        new.scope.as_str(),
        new.reason,
        new.to.scorer_version,
        new.to.reference_set_id,
        new.to.parameters_hash,
        new.to.parameters,
        new.from.scorer_version,
        new.from.reference_set_id,
        new.from.parameters_hash,
        new.by,
        now,
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Moves it on; fails where it is no longer in the state that it was seen in.
pub async fn step(
    conn: &mut PgConnection,
    of: &Rescoring,
    event: Event,
    by: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<()> {
    let to = of.after(event)?;
    let by = by.filter(|_| to.is_final());
    let done = sqlx::query!(
        "UPDATE scoring.rescorings
         SET state = $2,
             started_at = CASE WHEN $4 = 'compute' THEN $3 ELSE started_at END,
             ready_at = CASE WHEN $4 = 'complete' THEN $3 ELSE ready_at END,
             decided_at = CASE WHEN $5::uuid IS NULL THEN NULL ELSE $3::timestamptz END, decided_by = $5
         WHERE id = $1 AND state = $6",
        of.id,
        to.as_str(),
        now,
        event.as_str(),
        by,
        of.state.as_str(),
    )
    .execute(conn)
    .await?;
    match done.rows_affected() {
        1 => Ok(()),
        _ => Err(Error::MovedOn),
    }
}

/// Makes its frame what counts; returns false where something else was published since it was made.
pub async fn put_in_force(conn: &mut PgConnection, of: &Rescoring) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE scoring.frames SET scorer_version = $2, reference_set_id = $3, parameters_hash = $4, parameters = $5,
             rescoring_id = $6
         WHERE phase_id = $1 AND scorer_version = $7 AND reference_set_id = $8 AND parameters_hash = $9",
        of.phase_id,
        of.scorer_version,
        of.reference_set_id,
        of.parameters_hash,
        of.parameters,
        of.id,
        of.from_scorer_version,
        of.from_reference_set_id,
        of.from_parameters_hash,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How far it is.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    pub submissions: i64,
    pub finished: i64,
    pub cases: i64,
    pub copied: i64,
    pub scored: i64,
}

pub async fn progress(db: impl PgExecutor<'_>, id: Uuid) -> sqlx::Result<Progress> {
    sqlx::query_as!(
        Progress,
        r#"SELECT count(DISTINCT e.id) AS "submissions!", count(DISTINCT e.id) FILTER (WHERE e.state = 'finished') AS "finished!",
                  count(c.case_id) AS "cases!", count(c.copied_from) AS "copied!",
                  count(c.case_id) FILTER (WHERE c.state = 'scored') AS "scored!"
           FROM scoring.evaluations e LEFT JOIN scoring.case_scores c ON c.evaluation_id = e.id
           WHERE e.rescoring_id = $1 AND e.state <> 'cancelled'"#,
        id,
    )
    .fetch_one(db)
    .await
}

/// Submissions of the phase whose score counts.
pub async fn scored_submissions(db: impl PgExecutor<'_>, phase: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(DISTINCT e.submission_id) AS "n!"
           FROM scoring.evaluation_facts e JOIN submission.accepted s ON s.submission_id = e.submission_id
           WHERE e.phase_id = $1 AND e.state = 'finished' AND s.cancelled_at IS NULL
             AND (s.withdrawn_at IS NULL OR EXISTS (SELECT FROM tracks.phase_facts p
                                                    WHERE p.phase_id = $1 AND p.board->>'ladder_step' IS NOT NULL))"#,
        phase,
    )
    .fetch_one(db)
    .await
}

/// The cases whose reference differs between two sets.
pub async fn touched_cases(
    db: impl PgExecutor<'_>,
    from: Uuid,
    to: Uuid,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT n.case_name AS "name!"
           FROM tracks.stored_references n
           LEFT JOIN tracks.stored_references o ON o.reference_set_id = $1 AND o.case_id = n.case_id
           WHERE n.reference_set_id = $2 AND n.sha256 IS DISTINCT FROM o.sha256
           ORDER BY n.case_name"#,
        from,
        to,
    )
    .fetch_all(db)
    .await
}

/// References of a set by which nothing can be measured.
pub async fn bad_references(db: impl PgExecutor<'_>, set: Uuid) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT r.case_name || COALESCE(': ' || f.complaint, ' was not read yet') AS "text!"
           FROM tracks.stored_references r
           LEFT JOIN scoring.reference_facts f ON f.reference_id = r.reference_id
           WHERE r.reference_set_id = $1 AND f.is_good IS NOT TRUE
           ORDER BY r.case_name LIMIT 20"#,
        set,
    )
    .fetch_all(db)
    .await
}
