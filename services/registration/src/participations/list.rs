//! `GET /api/v1/participations`

use actix_web::web;
use molar_domain::{ParticipationId, TeamId, TrackId};
use molar_web_kit::page::Cursor;
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery};
use serde::Deserialize;

use super::rows::{self, Filter, Sight};
use super::{ParticipationView, State};
use crate::Error;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParticipations {
    #[param(value_type = Option<uuid::Uuid>)]
    track_id: Option<TrackId>,
    state: Option<State>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// 1 to 100, by default 50.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
}

/// Places of your teams in their tracks; for organizers and reviewers, of all teams of their
/// challenges.
#[utoipa::path(
    get,
    path = "/api/v1/participations",
    tag = "participations",
    params(ListParticipations),
    responses((status = OK, body = Page<ParticipationView>))
)]
#[tracing::instrument(name = "participations.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    caller: Caller,
    query: web::Query<ListParticipations>,
) -> Result<web::Json<Page<ParticipationView>>, ApiError> {
    let page = PageQuery::new(query.cursor, query.limit)?;
    let filter = Filter {
        id: None,
        track_id: query.track_id,
        state: query.state,
    };
    let sight = Sight::of(&caller);
    let rows = rows::list(&kit.db, &sight, &filter, page.after(), page.fetch()).await?;
    Ok(web::Json(Page::of(rows, &page, |row| row.id.0)))
}

impl Sight {
    pub fn of(caller: &Caller) -> Self {
        let challenges = caller.organizer_of.iter().chain(&caller.reviewer_of);
        Self {
            teams: caller.teams.iter().map(|id| id.0).collect(),
            challenges: challenges.map(|id| id.0).collect(),
            is_admin: caller.is_admin,
        }
    }
}

/// All places of a team, for whoever may see the team.
pub async fn of_team(kit: &Kit, team: TeamId) -> Result<Vec<ParticipationView>, Error> {
    let sight = Sight {
        teams: vec![team.0],
        challenges: Vec::new(),
        is_admin: false,
    };
    rows::list(&kit.db, &sight, &Filter::default(), None, 100).await
}

/// One that the caller may see.
pub async fn find(
    kit: &Kit,
    caller: &Caller,
    id: ParticipationId,
) -> Result<ParticipationView, Error> {
    let filter = Filter {
        id: Some(id),
        ..Filter::default()
    };
    let mut found = rows::list(&kit.db, &Sight::of(caller), &filter, None, 1).await?;
    found.pop().ok_or(Error::NotFound("participation"))
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{organizer, person};
    use sqlx::PgPool;

    use crate::testing::{Api, challenge, participation, sign, team};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn members_see_their_own_and_organizers_all_in_pages(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        for name in ["Molars", "Canines", "Incisors"] {
            let person = person(&pool, name).await;
            sign(&api, &person).await;
            let team = team(&api, &person, name).await;
            participation(&api, &person, &team, demo.track).await;
            let (_, own) = api.of(&person).get("/api/v1/participations").await;
            assert_eq!(own["items"].as_array().unwrap().len(), 1);
        }
        let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
        let (_, first) = olga
            .get("/api/v1/participations?state=requested&limit=2")
            .await;
        let next = first["next"].as_str().unwrap();
        let path = format!("/api/v1/participations?state=requested&limit=2&cursor={next}");
        let (_, second) = olga.get(&path).await;
        let teams = |page: &serde_json::Value| {
            let items = page["items"].as_array().unwrap().clone();
            items
                .iter()
                .map(|item| item["team"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let mut all = [teams(&first), teams(&second)].concat();
        all.sort();
        assert_eq!(all, ["Canines", "Incisors", "Molars"]);
        assert!(second.get("next").is_none());

        assert_eq!(
            teams(&olga.get("/api/v1/participations?state=approved").await.1).len(),
            0
        );
        let of_track = format!("/api/v1/participations?track_id={}", demo.other_track);
        assert_eq!(teams(&olga.get(&of_track).await.1).len(), 0);
        for wrong in ["state=lost", "limit=0", "limit=101", "cursor=x", "page=1"] {
            let (status, _) = olga.get(&format!("/api/v1/participations?{wrong}")).await;
            assert_eq!(status, 400, "{wrong}");
        }
    }
}
