//! `GET /api/v1/submissions`

use std::collections::HashMap;

use actix_web::web;
use molar_web_kit::page::Cursor;
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery};
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::view::SubmissionItem;
use crate::rows::life;
use crate::rows::phases::{self, Phase};
use crate::rows::submissions::{self, Filter};

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Query {
    pub team_id: Option<Uuid>,
    pub phase_id: Option<Uuid>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
    /// 1 to 100, by default 50.
    pub limit: Option<u16>,
}

/// Submissions of the caller's teams, newest first; for organizers who name a team or a phase, anybody's
/// there.
#[utoipa::path(get, path = "/api/v1/submissions", tag = "submission", params(Query),
    responses((status = 200, body = Page<SubmissionItem>)))]
#[tracing::instrument(name = "submissions.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    caller: Caller,
    query: web::Query<Query>,
) -> Result<web::Json<Page<SubmissionItem>>, ApiError> {
    let mut conn = kit.db.acquire().await?;
    Ok(web::Json(page(&mut conn, &caller, &query).await?))
}

pub async fn page(
    conn: &mut PgConnection,
    caller: &Caller,
    query: &Query,
) -> Result<Page<SubmissionItem>, ApiError> {
    let paging = PageQuery::new(query.cursor, query.limit)?;
    let teams: Vec<Uuid> = caller.teams.iter().map(|team| team.0).collect();
    let is_narrow = query.team_id.is_some() || query.phase_id.is_some();
    let challenges = challenges(caller);
    let filter = Filter {
        teams: &teams,
        challenges: match is_narrow {
            true => challenges.as_deref(),
            false => Some(&[]),
        },
        team_id: query.team_id,
        phase_id: query.phase_id,
        before: paging.after(),
        limit: paging.fetch(),
    };
    let ids = submissions::list(&mut *conn, &filter).await?;
    Ok(Page::of(items(conn, &ids).await?, &paging, |item| item.id))
}

/// Where the caller may look at everybody's; `None` is everywhere.
pub fn challenges(caller: &Caller) -> Option<Vec<Uuid>> {
    let all = caller.organizer_of.iter().chain(&caller.reviewer_of);
    (!caller.is_admin).then(|| all.map(|challenge| challenge.0).collect())
}

pub async fn items(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<SubmissionItem>, ApiError> {
    let mut lives = life::list(&mut *conn, ids).await?;
    lives.reverse();
    let phase_ids: Vec<Uuid> = lives.iter().map(|life| life.phase_id).collect();
    let team_ids: Vec<Uuid> = lives.iter().map(|life| life.team_id).collect();
    let phases = phases::list(&mut *conn, &phase_ids).await?;
    let phases: HashMap<Uuid, Phase> = phases.into_iter().map(|phase| (phase.id, phase)).collect();
    let teams = life::team_names(conn, &team_ids).await?;
    lives
        .into_iter()
        .map(|life| {
            let phase = phases
                .get(&life.phase_id)
                .ok_or(ApiError::NotFound("phase"))?;
            let team = teams.get(&life.team_id).cloned().unwrap_or_default();
            SubmissionItem::of(life, phase, team)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use molar_testkit::{SubmissionBuilder, TeamBuilder};
    use sqlx::PgPool;

    use crate::testing::World;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_team_lists_its_own_and_an_organizer_a_phases(pool: PgPool) {
        let world = World::new(&pool).await;
        let other = TeamBuilder::new(&world.challenge, "Others")
            .insert(&pool)
            .await;
        SubmissionBuilder::new(&world.challenge, &other)
            .insert(&pool)
            .await;
        let mine = SubmissionBuilder::new(&world.challenge, &world.team)
            .insert(&pool)
            .await;
        let newer = world.create("{}").await;

        let (_, page) = world.get("/api/v1/submissions?limit=1").await;
        assert_eq!(page["items"][0]["id"], newer.to_string());
        assert_eq!(page["items"][0]["phase"], "sts/teeth/validation");
        assert_eq!(page["items"][0]["team"], "Ours");
        let next = page["next"].as_str().unwrap();
        let (_, page) = world
            .get(&format!("/api/v1/submissions?cursor={next}"))
            .await;
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{page:#}");
        assert_eq!(items[0]["id"], mine.id.to_string());

        let of_phase = format!("/api/v1/submissions?phase_id={}", world.challenge.phase_id);
        assert_eq!(
            world.get(&of_phase).await.1["items"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
        let organizer =
            molar_web_kit::testing::organizer(&pool, "Organizer", world.challenge.id).await;
        let (_, all) = world.get_as(&organizer, &of_phase).await;
        assert_eq!(all["items"].as_array().unwrap().len(), 3);
        let (_, none) = world.get_as(&organizer, "/api/v1/submissions").await;
        assert_eq!(none["items"].as_array().unwrap().len(), 0);
        assert_eq!(
            world.get("/api/v1/submissions?limit=0").await.0,
            StatusCode::BAD_REQUEST
        );
    }
}
