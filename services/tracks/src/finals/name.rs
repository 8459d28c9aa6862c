//! `POST /api/v1/phases/{id}/finalists`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_domain::phase::PhaseState;
use molar_domain::{PhaseId, uuid_at};
use molar_service::audit;
use molar_web_kit::{ApiError, Begun, Caller, Kit, Once};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::find::{self, FinalsView};
use super::rows;
use crate::Error;
use crate::phases::publish::reason;
use crate::phases::rows::{self as phases, Phase};

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NameFinalists {
    /// How many, ties at the last place included; absent: as the challenge file says.
    #[schema(minimum = 1, maximum = 1000)]
    pub top: Option<i32>,
    /// Until when the teams may change their dossiers; absent: until they are locked.
    pub dossiers_due_at: Option<DateTime<Utc>>,
    /// Kept in the audit log.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
}

/// Names the finalists of a closed phase: the first of its ranking whose place in the track counts. Once; who is
/// struck later leaves the place to the next.
#[utoipa::path(
    post,
    path = "/api/v1/phases/{id}/finalists",
    tag = "finals",
    params(("id" = Uuid, Path)),
    responses((status = CREATED, body = FinalsView))
)]
#[tracing::instrument(name = "finals.name", skip_all)]
pub async fn name(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<PhaseId>,
    body: web::Json<NameFinalists>,
    once: Once,
) -> Result<HttpResponse, ApiError> {
    let mut tx = kit.db.begin().await?;
    let once = match once.begin(&mut tx).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Fresh(once) => once,
    };
    let phase = take(&mut tx, &caller, *id, &body, kit.clock.now()).await?;
    let view = find::of(&mut tx, &phase, Some(&caller)).await?;
    let answer = once
        .finish(
            &mut tx,
            StatusCode::CREATED,
            Some(format!("/api/v1/phases/{}/finalists", phase.id)),
            &view,
        )
        .await?;
    tx.commit().await?;
    Ok(answer)
}

pub async fn take(
    tx: &mut PgConnection,
    caller: &Caller,
    id: PhaseId,
    body: &NameFinalists,
    now: DateTime<Utc>,
) -> Result<Phase, ApiError> {
    sqlx::query!("SELECT FROM tracks.phases WHERE id = $1 FOR UPDATE", id.0)
        .fetch_optional(&mut *tx)
        .await?;
    let phase = phases::find(&mut *tx, id, now).await?;
    caller.require_organizer(phase.challenge_id())?;
    let reason = reason(body.reason.as_deref())?;
    let top = top(tx, &phase, body.top).await?;
    if body.dossiers_due_at.is_some_and(|due| due <= now) {
        let wrong =
            "lies in the past: nobody could file anything; leave it out or name a later time";
        return Err(ApiError::invalid("/dossiers_due_at", wrong));
    }
    if !matches!(phase.state(now), PhaseState::Closed | PhaseState::Published) {
        let why = "the ranks of this phase are not the last ones yet; name its finalists when it has closed and all its work is done";
        return Err(ApiError::conflict(why));
    }
    if rows::find_finals(&mut *tx, phase.id).await?.is_some() {
        let why =
            "the finalists are named already; strike one with a reason, and the next moves up";
        return Err(ApiError::conflict(why).with_code("finalists-named"));
    }
    let version = insert(tx, &phase, caller, body, top, now).await?;
    let teams = rows::name_next(tx, phase.id, top, now).await?;
    if teams.is_empty() {
        let why =
            "no team of this phase is ranked and in competition, so there is no finalist to name";
        return Err(ApiError::conflict(why).with_code("no-finalist"));
    }
    let details = json!({
        "challenge_id": phase.challenge_id, "top": top, "ranking_version": version, "teams": teams,
    });
    let actor = Some(caller.user_id);
    audit::append(tx, now, actor, "finalists.named", phase.id, details, reason).await?;
    Ok(phase)
}

/// What the file says of those who go on holds here, too.
async fn top(conn: &mut PgConnection, phase: &Phase, given: Option<i32>) -> Result<i32, ApiError> {
    let said = sqlx::query_scalar!(
        r#"SELECT DISTINCT finalists_top AS "top!" FROM tracks.phases
           WHERE finalists_of = $1 AND finalists_top IS NOT NULL ORDER BY 1"#,
        phase.id
    )
    .fetch_all(conn)
    .await?;
    if let [fewest, .., most] = said[..] {
        let why = format!(
            "one later phase takes the best {fewest} of this phase and another the best {most}; named finalists go on to \
             all of them, so let the challenge file say one number"
        );
        return Err(ApiError::conflict(why).with_code("finalists-differ"));
    }
    let wrong = match (given, said.first().copied()) {
        (Some(given), Some(said)) if given != said => format!(
            "the challenge file lets the best {said} of this phase go on; leave this out, or change the file first"
        ),
        (Some(top), _) | (None, Some(top)) if (1..=1000).contains(&top) => return Ok(top),
        (None, None) => "say how many: the challenge file does not".to_owned(),
        _ => "must be 1 to 1000".to_owned(),
    };
    Err(ApiError::invalid("/top", wrong))
}

/// Everybody who could be a finalist; returns the version of the ranking.
async fn insert(
    tx: &mut PgConnection,
    phase: &Phase,
    caller: &Caller,
    body: &NameFinalists,
    top: i32,
    now: DateTime<Utc>,
) -> Result<i32, Error> {
    let version = sqlx::query_scalar!(
        r#"SELECT version AS "version!" FROM leaderboard.current_rankings WHERE phase_id = $1"#,
        phase.id
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(|| ApiError::conflict("this phase has no ranking yet; look at its board"))?;
    let places = sqlx::query!(
        r#"
        SELECT p.team_id AS "team_id!", p.final_rank AS "rank!"
        FROM leaderboard.places p
        JOIN registration.participants m ON m.team_id = p.team_id AND m.track_id = $2
        WHERE p.phase_id = $1 AND p.final_rank IS NOT NULL AND m.state = 'approved' AND NOT m.is_out_of_competition
        "#,
        phase.id,
        phase.track_id,
    )
    .fetch_all(&mut *tx)
    .await?;
    sqlx::query!(
        "INSERT INTO tracks.finals (phase_id, top, ranking_version, dossiers_due_at, named_by, named_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        phase.id,
        top,
        version,
        body.dossiers_due_at,
        caller.user_id.0,
        now,
    )
    .execute(&mut *tx)
    .await?;
    let ids: Vec<Uuid> = places.iter().map(|_| uuid_at(now)).collect();
    let teams: Vec<Uuid> = places.iter().map(|place| place.team_id).collect();
    let ranks: Vec<i32> = places.iter().map(|place| place.rank).collect();
    sqlx::query!(
        "INSERT INTO tracks.finalists (id, phase_id, team_id, rank)
         SELECT id, $1, team, rank FROM unnest($2::uuid[], $3::uuid[], $4::int[]) AS u (id, team, rank)",
        phase.id,
        &ids,
        &teams,
        &ranks,
    )
    .execute(tx)
    .await?;
    Ok(version)
}
