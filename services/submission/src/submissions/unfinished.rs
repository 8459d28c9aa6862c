//! `GET /api/v1/submissions/unfinished`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_domain::TeamId;
use molar_service::db;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::rows::uploads;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Query {
    pub team_id: Option<Uuid>,
    pub phase_id: Option<Uuid>,
    /// As it was told on create.
    pub resume_key: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UnfinishedUploads {
    /// Newest first, at most 100.
    items: Vec<UnfinishedUpload>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UnfinishedUpload {
    submission_id: Uuid,
    phase_id: Uuid,
    team_id: Uuid,
    size_bytes: i64,
    is_trial: bool,
    resume_key: Option<String>,
    created_at: DateTime<Utc>,
    /// Until then it can be gone on with.
    expires_at: DateTime<Utc>,
}

/// Uploads of the caller's teams that were begun and can still be gone on with.
#[utoipa::path(get, path = "/api/v1/submissions/unfinished", tag = "submission", params(Query),
    responses((status = 200, body = UnfinishedUploads)))]
#[tracing::instrument(name = "submissions.unfinished", skip_all)]
pub async fn unfinished(
    kit: web::Data<Kit>,
    caller: Caller,
    query: web::Query<Query>,
) -> Result<web::Json<UnfinishedUploads>, ApiError> {
    let teams: Vec<Uuid> = match query.team_id {
        Some(team) => {
            caller.require_member(TeamId(team))?;
            vec![team]
        }
        None => caller.teams.iter().map(|team| team.0).collect(),
    };
    let mut conn = kit.db.acquire().await?;
    let now = db::now(&mut *conn).await?;
    let key = query.resume_key.as_deref();
    let found = uploads::unfinished(&mut *conn, &teams, query.phase_id, key, now).await?;
    let item = |row: uploads::Unfinished| UnfinishedUpload {
        submission_id: row.submission_id,
        phase_id: row.phase_id,
        team_id: row.team_id,
        size_bytes: row.size_bytes,
        is_trial: row.is_trial,
        resume_key: row.resume_key,
        created_at: row.created_at,
        expires_at: row.open_until,
    };
    Ok(web::Json(UnfinishedUploads {
        items: found.into_iter().map(item).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use molar_testkit::TeamBuilder;
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::World;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_team_finds_what_it_began_by_the_files_key(pool: PgPool) {
        let world = World::new(&pool).await;
        let key = "ab".repeat(32);
        let mut body = world.body(9);
        body["sha256"] = json!(null);
        body["resume_key"] = json!(key);
        let begun = world.post("/api/v1/submissions", &body).await.1;
        world.create("other").await;
        let all = "/api/v1/submissions/unfinished";
        assert_eq!(world.get(all).await.1["items"].as_array().unwrap().len(), 2);
        let by_key = format!(
            "{all}?resume_key={key}&phase_id={}&team_id={}",
            world.challenge.phase_id, world.team.id
        );
        let (_, found) = world.get(&by_key).await;
        assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found:#}");
        assert_eq!(found["items"][0]["submission_id"], begun["id"]);
        assert_eq!(found["items"][0]["size_bytes"], 9);

        let stranger = molar_web_kit::testing::person(&pool, "Stranger").await;
        assert_eq!(world.get_as(&stranger, all).await.1["items"], json!([]));
        assert_eq!(
            world.get_as(&stranger, &by_key).await.0,
            StatusCode::FORBIDDEN
        );
        let other = TeamBuilder::new(&world.challenge, "Others")
            .insert(&pool)
            .await;
        let theirs = format!("{all}?team_id={}", other.id);
        assert_eq!(world.get(&theirs).await.0, StatusCode::FORBIDDEN);

        let id = begun["id"].as_str().unwrap();
        world
            .post(&format!("/api/v1/submissions/{id}/cancel"), &json!({}))
            .await;
        assert_eq!(world.get(&by_key).await.1["items"], json!([]));
    }
}
