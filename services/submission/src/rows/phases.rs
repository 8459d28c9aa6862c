//! Phases as `tracks` shows them, and who takes part in them.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use molar_domain::board::BoardRules;
use molar_domain::challenge::Format;
use molar_domain::limits::Limits;
use molar_domain::phase::{Opening, SubmissionKind, Visibility, Window};
use molar_domain::quota::Quota;
use molar_volumes::Geometry;
use molar_web_kit::{ApiError, names};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

#[derive(Debug, Clone)]
pub struct Phase {
    pub id: Uuid,
    /// challenge/track/phase, by their slugs.
    pub path: String,
    pub title: String,
    pub track_title: String,
    pub challenge_slug: String,
    pub challenge_title: String,
    pub track_id: Uuid,
    pub challenge_id: Uuid,
    pub split_id: Uuid,
    pub reference_set_id: Option<Uuid>,
    pub kind: SubmissionKind,
    pub format: Format,
    pub labels: Vec<i32>,
    pub window: Window,
    /// Title of the phase after whose publication it opens.
    pub opens_after: Option<String>,
    pub is_final: bool,
    pub board: BoardRules,
    pub keep: String,
    pub quota: Quota,
    pub limits: Limits,
    pub zone: Tz,
    pub agreement_version: Option<String>,
    pub requires_code_url: bool,
    /// A public case, on which images are tried first.
    pub has_canary: bool,
}

impl Phase {
    /// When it opens, in words: "on …", or "when … are published".
    pub fn opening(&self, now: DateTime<Utc>) -> String {
        let Opening { at, is_held } = self.window.opening;
        let local = at.with_timezone(&self.zone);
        let moment = local.format("%-d %B %Y, %H:%M %Z");
        let title = self.opens_after.as_deref().filter(|_| is_held);
        match title.map(names::plain) {
            Some(title) if at <= now => format!("when the results of “{title}” are published"),
            Some(title) => {
                format!("when the results of “{title}” are published, and not before {moment}")
            }
            None => format!("on {moment}"),
        }
    }

    /// Whether teams see the scores of what they handed in.
    pub fn shows_scores(&self) -> bool {
        let is_published = self.window.is_published;
        !self.window.opening.is_held && self.board.shows_own(self.is_final, is_published)
    }
}

struct Row {
    phase_id: Uuid,
    phase_slug: String,
    phase_title: String,
    track_id: Uuid,
    track_slug: String,
    track_title: String,
    challenge_id: Uuid,
    challenge_slug: String,
    challenge_title: String,
    split_id: Uuid,
    reference_set_id: Option<Uuid>,
    kind: String,
    format: String,
    labels: Vec<i32>,
    opens_at: DateTime<Utc>,
    is_held: bool,
    opens_after_title: Option<String>,
    closes_at: DateTime<Utc>,
    upload_grace_s: i32,
    paused_at: Option<DateTime<Utc>>,
    published_at: Option<DateTime<Utc>>,
    is_final: bool,
    board: serde_json::Value,
    keep: String,
    quota: serde_json::Value,
    limits: serde_json::Value,
    zone: String,
    agreement_version: Option<String>,
    requires_code_url: bool,
    canary_case_id: Option<Uuid>,
}

impl Row {
    fn phase(self) -> Result<Phase, ApiError> {
        Ok(Phase {
            id: self.phase_id,
            path: format!(
                "{}/{}/{}",
                self.challenge_slug, self.track_slug, self.phase_slug
            ),
            title: self.phase_title,
            track_title: self.track_title,
            challenge_slug: self.challenge_slug,
            challenge_title: self.challenge_title,
            track_id: self.track_id,
            challenge_id: self.challenge_id,
            split_id: self.split_id,
            reference_set_id: self.reference_set_id,
            kind: self.kind.parse().map_err(ApiError::internal)?,
            format: self.format.parse().map_err(ApiError::internal)?,
            labels: self.labels,
            window: Window {
                opening: Opening {
                    at: self.opens_at,
                    is_held: self.is_held,
                },
                closes_at: self.closes_at,
                upload_grace_s: self.upload_grace_s,
                is_paused: self.paused_at.is_some(),
                is_published: self.published_at.is_some(),
            },
            opens_after: self.opens_after_title,
            is_final: self.is_final,
            board: serde_json::from_value(self.board).map_err(ApiError::internal)?,
            keep: self.keep,
            quota: serde_json::from_value(self.quota).map_err(ApiError::internal)?,
            limits: serde_json::from_value(self.limits).map_err(ApiError::internal)?,
            zone: self.zone.parse().unwrap_or(Tz::UTC),
            agreement_version: self.agreement_version,
            requires_code_url: self.requires_code_url,
            has_canary: self.canary_case_id.is_some(),
        })
    }
}

pub async fn find(db: impl PgExecutor<'_>, id: Uuid) -> Result<Phase, ApiError> {
    let mut phases = list(db, &[id]).await?;
    phases.pop().ok_or(ApiError::NotFound("phase"))
}

pub async fn list(db: impl PgExecutor<'_>, ids: &[Uuid]) -> Result<Vec<Phase>, ApiError> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT phase_id AS "phase_id!", phase_slug AS "phase_slug!", phase_title AS "phase_title!",
               track_id AS "track_id!", track_slug AS "track_slug!", track_title AS "track_title!",
               challenge_id AS "challenge_id!", challenge_slug AS "challenge_slug!",
               challenge_title AS "challenge_title!", split_id AS "split_id!", reference_set_id,
               kind AS "kind!", format AS "format!", labels AS "labels!", opens_at AS "opens_at!", is_held AS "is_held!",
               opens_after_title, closes_at AS "closes_at!", upload_grace_s AS "upload_grace_s!", paused_at,
               published_at, is_final AS "is_final!", board AS "board!", keep AS "keep!", quota AS "quota!",
               limits AS "limits!", zone AS "zone!", agreement_version,
               requires_code_url AS "requires_code_url!", canary_case_id
        FROM tracks.phase_facts WHERE phase_id = ANY($1)
        "#,
        ids,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Row::phase).collect()
}

/// A team's place in the phase's track.
#[derive(Debug)]
pub struct Participation {
    pub state: String,
    pub reason: Option<String>,
}

pub async fn participation(
    db: impl PgExecutor<'_>,
    team_id: Uuid,
    track_id: Uuid,
) -> sqlx::Result<Option<Participation>> {
    sqlx::query_as!(
        Participation,
        r#"SELECT state AS "state!", reason FROM registration.participants
           WHERE team_id = $1 AND track_id = $2"#,
        team_id,
        track_id,
    )
    .fetch_optional(db)
    .await
}

pub async fn has_signed(
    db: impl PgExecutor<'_>,
    user_id: Uuid,
    challenge_id: Uuid,
    version: &str,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM registration.signatures
           WHERE user_id = $1 AND challenge_id = $2 AND version = $3) AS "has_signed!""#,
        user_id,
        challenge_id,
        version,
    )
    .fetch_one(db)
    .await
}

/// What the challenge file says of who may hand in what, beside the phase itself.
#[derive(Debug, Clone)]
pub struct Rules {
    pub visibility: Visibility,
    pub allowed_licences: Vec<String>,
    pub finalists: Option<Finalists>,
}

/// The best of another phase.
#[derive(Debug, Clone)]
pub struct Finalists {
    pub phase_id: Uuid,
    pub title: String,
    pub top: i32,
    /// Until then, ranks may move.
    pub known_at: DateTime<Utc>,
}

pub async fn rules(db: impl PgExecutor<'_>, phase_id: Uuid) -> sqlx::Result<Rules> {
    let row = sqlx::query!(
        r#"SELECT visibility AS "visibility!", allowed_licences AS "allowed_licences!", finalists_of,
                  finalists_top, finalists_title AS "finalists_title?", finalists_closes_at AS "finalists_closes_at?"
           FROM tracks.phase_rules WHERE phase_id = $1"#,
        phase_id,
    )
    .fetch_one(db)
    .await?;
    let finalists = || {
        Some(Finalists {
            phase_id: row.finalists_of?,
            title: row.finalists_title?,
            top: row.finalists_top?,
            known_at: row.finalists_closes_at?,
        })
    };
    Ok(Rules {
        visibility: row.visibility.parse().unwrap_or_default(),
        allowed_licences: row.allowed_licences,
        finalists: finalists(),
    })
}

/// Whether something that was handed in to a phase may still change its ranks.
pub async fn has_work_in_flight(db: impl PgExecutor<'_>, phase_id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM submission.in_flight WHERE phase_id = $1) AS "has!""#,
        phase_id,
    )
    .fetch_one(db)
    .await
}

/// The rank of a team on the newest board of a phase; none where it has no entry, or one out of
/// competition.
pub async fn rank(
    db: impl PgExecutor<'_>,
    phase_id: Uuid,
    team_id: Uuid,
) -> sqlx::Result<Option<i32>> {
    let rank = sqlx::query_scalar!(
        "SELECT final_rank FROM leaderboard.places WHERE phase_id = $1 AND team_id = $2",
        phase_id,
        team_id,
    )
    .fetch_optional(db)
    .await?;
    Ok(rank.flatten())
}

/// Whether the organizers named the team a finalist of a phase; none where they have named nobody yet.
pub async fn is_named(
    db: impl PgExecutor<'_>,
    phase_id: Uuid,
    team_id: Uuid,
) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(
        "SELECT bool_or(team_id = $2 AND is_finalist) FROM tracks.finalist_facts WHERE phase_id = $1",
        phase_id,
        team_id,
    )
    .fetch_one(db)
    .await
}

pub async fn is_ready(db: impl PgExecutor<'_>, phase_id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT is_ready AS "is_ready!" FROM tracks.phase_readiness WHERE phase_id = $1"#,
        phase_id,
    )
    .fetch_one(db)
    .await
}

/// What a prediction of a case must look like: name and size, no more.
#[derive(Debug, Clone)]
pub struct ExpectedCase {
    pub name: String,
    /// `None` until the reference was read and found good.
    pub geometry: Option<Geometry>,
}

/// All cases of the phase's split whose image is stored, in the order of their names.
pub async fn expected_cases(
    conn: &mut PgConnection,
    phase: &Phase,
) -> sqlx::Result<Vec<ExpectedCase>> {
    let rows = sqlx::query!(
        r#"
        SELECT c.name AS "name!", f.shape AS "shape?"
        FROM tracks.stored_cases c
        LEFT JOIN scoring.reference_facts f
               ON f.case_id = c.case_id AND f.reference_set_id = $2 AND f.is_good
        WHERE c.split_id = $1
        ORDER BY c.name
        "#,
        phase.split_id,
        phase.reference_set_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ExpectedCase {
            name: row.name,
            geometry: row.shape.as_deref().and_then(geometry),
        })
        .collect())
}

/// `[height, width]` or `[x, y, z]`, as scoring writes it.
fn geometry(shape: &[i32]) -> Option<Geometry> {
    let extents: Vec<u32> = shape
        .iter()
        .filter_map(|e| u32::try_from(*e).ok())
        .collect();
    match extents[..] {
        [height, width] => Some(Geometry::image(height, width)),
        [x, y, z] => Some(Geometry::volume([x, y, z])),
        _ => None,
    }
}
