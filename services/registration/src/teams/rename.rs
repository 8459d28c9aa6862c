//! `POST /api/v1/teams/{id}/rename`

use actix_web::web;
use molar_domain::TeamId;
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::Deserialize;
use serde_json::json;

use super::find::{TeamWithMembers, find_for};
use super::rows;
use crate::Error;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    #[schema(min_length = 2, max_length = 60)]
    pub name: String,
}

/// Gives the team another name, by its captain and before it has submitted anything.
#[utoipa::path(
    post,
    path = "/api/v1/teams/{id}/rename",
    tag = "teams",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = TeamWithMembers))
)]
#[tracing::instrument(name = "teams.rename", skip_all)]
pub async fn rename(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<TeamId>,
    body: web::Json<Rename>,
) -> Result<web::Json<TeamWithMembers>, ApiError> {
    rename_team(&kit, &caller, *id, &body).await?;
    Ok(web::Json(find_for(&kit, &caller, *id).await?))
}

pub async fn rename_team(
    kit: &Kit,
    caller: &Caller,
    id: TeamId,
    request: &Rename,
) -> Result<(), Error> {
    let mut wrong = Complaints::new();
    let name = wrong.text("/name", &request.name, 2..=60);
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let team = rows::lock_as_captain(&mut tx, id, caller.user_id, "renames it").await?;
    wrong.finish()?;
    if rows::has_submitted(&mut *tx, id).await? {
        return Err(Error::NameIsFixed);
    }
    rows::rename(&mut tx, id, &name).await?;
    let details = json!({"from": team.name, "to": name});
    let actor = Some(caller.user_id);
    audit::append(&mut tx, now, actor, "team.renamed", id.0, details, None).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{noon, person};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{Api, challenge, handed_in, join, phase, team};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_team_is_renamed_by_its_captain_until_it_submits(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let (ada, grace) = (person(&pool, "Ada").await, person(&pool, "Grace").await);
        let molars = team(&api, &ada, "Molars").await;
        team(&api, &grace, "Canines").await;
        join(&api, &molars, &ada, &grace).await;
        let path = format!("/api/v1/teams/{molars}/rename");
        let (status, seen) = api.of(&ada).post(&path, json!({"name": " Teeth "})).await;
        assert_eq!((status, &seen["name"]), (200, &json!("Teeth")));
        let (_, taken) = api.of(&ada).post(&path, json!({"name": "CANINES"})).await;
        assert_eq!(taken["code"], "team-name-taken");
        assert_eq!(api.of(&ada).post(&path, json!({"name": "x"})).await.0, 422);
        let by_another = api.of(&grace).post(&path, json!({"name": "Ours"})).await;
        assert_eq!(by_another.1["code"], "not-captain");

        let phase = phase(&pool, &demo, noon()).await;
        handed_in(&pool, &molars, &ada, phase, "ab", None).await;
        let (_, fixed) = api.of(&ada).post(&path, json!({"name": "Molars"})).await;
        insta::assert_json_snapshot!(fixed, @r#"
        {
          "code": "name-is-fixed",
          "detail": "the team has submitted already, and its name is on what it did; ask the organizers if it must change",
          "status": 409,
          "title": "This does not fit the present state",
          "type": "/problems/conflict"
        }
        "#);
    }
}
