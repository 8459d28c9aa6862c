//! `GET /api/v1/phases/{id}/finalists`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_domain::PhaseId;
use molar_domain::board::Names;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::rows::{self, Finalist};
use crate::Error;
use crate::awards::{self, AwardView};
use crate::phases::rows::{self as phases, Phase};

/// The finalists of a phase and what they are awarded, as far as the caller may know.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FinalsView {
    pub phase_id: Uuid,
    /// Title of the phase.
    pub phase: String,
    pub top: i32,
    /// Until when the teams may change their dossiers.
    pub dossiers_due_at: Option<DateTime<Utc>>,
    pub published_at: Option<DateTime<Utc>>,
    /// Of the ranking that they were named from, once published that of their ranks; organizers alone are told.
    pub ranking_version: Option<i32>,
    pub finalists: Vec<FinalistView>,
    pub awards: Vec<AwardView>,
    /// Stands for these awards where they are changed; organizers alone are told.
    pub awards_tag: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FinalistView {
    pub id: Uuid,
    pub team_id: Uuid,
    pub team: String,
    /// Told once it is published, if the board has names; to organizers before.
    pub rank: Option<i32>,
    pub is_struck: bool,
    /// Why it was struck: for its team and organizers.
    pub struck_reason: Option<String>,
    /// Whether its dossier is complete and closed.
    pub is_locked: bool,
    /// Whether its place in the track counts as it did when it was named; organizers alone are told.
    pub is_approved: Option<bool>,
    /// Whether everybody may read its dossier.
    pub is_public: bool,
}

/// The finalists of a phase: for everybody once they are published; before, organizers and reviewers see all, a
/// team itself.
#[utoipa::path(
    get,
    path = "/api/v1/phases/{id}/finalists",
    tag = "finals",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = FinalsView))
)]
#[tracing::instrument(name = "finals.find", skip_all)]
pub async fn find(
    kit: web::Data<Kit>,
    caller: Option<Caller>,
    id: web::Path<PhaseId>,
) -> Result<web::Json<FinalsView>, ApiError> {
    let phase = phases::find(&kit.db, *id, kit.clock.now()).await?;
    if !phase.is_shown(caller.as_ref()) {
        return Err(ApiError::NotFound("phase"));
    }
    let mut conn = kit.db.acquire().await?;
    Ok(web::Json(of(&mut conn, &phase, caller.as_ref()).await?))
}

pub async fn of(
    conn: &mut PgConnection,
    phase: &Phase,
    caller: Option<&Caller>,
) -> Result<FinalsView, Error> {
    let unknown = Error::NotFound("finalists of this phase");
    let Some(finals) = rows::find_finals(&mut *conn, phase.id).await? else {
        return Err(unknown);
    };
    let sees_all = caller.is_some_and(|caller| caller.may_review(phase.challenge_id()));
    let is_public = finals.published_at.is_some() && shows_board(conn, phase, caller).await?;
    let all = rows::list(&mut *conn, phase.id).await?;
    let is_told = |of: &Finalist| {
        let is_own = caller.is_some_and(|caller| of.is_own(caller));
        sees_all || is_own || (is_public && !of.is_struck() && of.is_approved)
    };
    let has_ranks = tells_ranks(phase, sees_all);
    let told = all.into_iter().filter(is_told);
    let mut told: Vec<FinalistView> = told.map(|of| view(of, sees_all, has_ranks)).collect();
    if !has_ranks {
        told.sort_by(|a, b| a.team.cmp(&b.team));
    }
    if told.is_empty() {
        return Err(unknown);
    }
    let mut awards = match sees_all || is_public {
        true => awards::list(&mut *conn, phase.id).await?,
        false => Vec::new(),
    };
    let awards_tag = sees_all.then(|| awards::tag(&awards));
    if !sees_all {
        let is_told = |id: Uuid| told.iter().any(|of| of.id == id);
        for award in &mut awards {
            award.places.retain(|place| is_told(place.finalist_id));
            if !has_ranks {
                award.hide_places();
            }
        }
    }
    Ok(FinalsView {
        phase_id: phase.id,
        phase: phase.title.clone(),
        top: finals.top,
        dossiers_due_at: finals.dossiers_due_at,
        published_at: finals.published_at,
        ranking_version: sees_all.then_some(finals.ranking_version),
        finalists: told,
        awards,
        awards_tag,
    })
}

/// Where the board has pseudonyms, a name beside a rank or the place of an award would tell whose each of them is.
pub fn tells_ranks(phase: &Phase, sees_all: bool) -> bool {
    sees_all || phase.board.names == Names::Shown
}

/// What is published is told to those who see the board, and to no others.
async fn shows_board(
    conn: &mut PgConnection,
    phase: &Phase,
    caller: Option<&Caller>,
) -> Result<bool, Error> {
    let teams = caller.map_or(&[][..], |caller| &caller.teams);
    let teams: Vec<Uuid> = teams.iter().map(|team| team.0).collect();
    let is_participant = sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM registration.participants WHERE track_id = $1 AND team_id = ANY($2) AND state = 'approved'
           ) AS "is!""#,
        phase.track_id,
        &teams,
    )
    .fetch_one(conn)
    .await?;
    let may_review = caller.is_some_and(|caller| caller.may_review(phase.challenge_id()));
    Ok(phase.visibility().shows_board(is_participant, may_review))
}

fn view(of: Finalist, sees_all: bool, has_ranks: bool) -> FinalistView {
    FinalistView {
        rank: (sees_all || of.is_published() && has_ranks).then_some(of.rank),
        is_struck: of.is_struck(),
        is_locked: of.locked_at.is_some(),
        is_approved: sees_all.then_some(of.is_approved),
        is_public: of.tells_all(),
        id: of.id,
        team_id: of.team_id,
        team: of.team,
        struck_reason: of.struck_reason,
    }
}
