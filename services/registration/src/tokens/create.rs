//! `POST /api/v1/tokens`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use molar_web_kit::{ApiError, Begun, Caller, Complaints, Kit, Once};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::rows::{self, Kind, NewToken};
use crate::Error;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// What it is for, so that you know it again.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    #[schema(minimum = 1, maximum = 366)]
    pub expires_in_days: i64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NewTokenView {
    pub id: Uuid,
    pub name: String,
    /// For `Authorization: Bearer`. Told this once; `null` to a request that is repeated with its key.
    pub token: String,
    pub expires_at: DateTime<Utc>,
}

/// Makes a token of the API with all rights of its owner.
#[utoipa::path(
    post,
    path = "/api/v1/tokens",
    tag = "account",
    responses((status = CREATED, body = NewTokenView))
)]
#[tracing::instrument(name = "tokens.create", skip_all)]
pub async fn create(
    kit: web::Data<Kit>,
    caller: Caller,
    once: Once,
    body: web::Json<CreateToken>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = kit.db.begin().await?;
    let once = match once.begin(&mut tx).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Fresh(once) => once,
    };
    let made = make(&mut tx, &caller, body.into_inner(), kit.clock.now()).await?;
    let response = once
        .finish_secret(&mut tx, StatusCode::CREATED, &made, &["token"])
        .await?;
    tx.commit().await?;
    Ok(response)
}

pub async fn make(
    conn: &mut PgConnection,
    caller: &Caller,
    request: CreateToken,
    now: DateTime<Utc>,
) -> Result<NewTokenView, Error> {
    let mut wrong = Complaints::new();
    let name = wrong.text("/name", &request.name, 1..=100);
    let days = request.expires_in_days;
    wrong.check(
        (1..=366).contains(&days),
        "/expires_in_days",
        "must be 1 to 366",
    );
    wrong.finish()?;

    let expires_at = now + TimeDelta::days(days);
    let new = NewToken {
        kind: Kind::Api,
        name: &name,
        expires_at,
    };
    let (id, token) = rows::insert(conn, caller.user_id, &new, now).await?;
    Ok(NewTokenView {
        id,
        name,
        token,
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::person;
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::Api;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_token_works_until_its_owner_revokes_it(pool: PgPool) {
        let api = Api::new(&pool).await;
        let (ada, eve) = (person(&pool, "Ada").await, person(&pool, "Eve").await);
        let body = json!({"name": "cluster", "expires_in_days": 30});
        let (status, made) = api.of(&ada).post("/api/v1/tokens", body).await;
        assert_eq!(
            (status, &made["expires_at"]),
            (201, &json!("2026-10-01T12:00:00Z"))
        );

        let mine = api.with_token(made["token"].as_str().unwrap());
        assert_eq!(mine.get("/api/v1/me").await.1["name"], "Ada");
        let (_, list) = api.of(&ada).get("/api/v1/tokens").await;
        let items = list["items"].as_array().unwrap();
        assert!(items.iter().any(|item| item["name"] == "cluster"), "{list}");
        assert!(
            items.iter().all(|item| item.get("token").is_none()),
            "told once"
        );

        let path = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
        let (status, problem) = api.of(&eve).delete(&path).await;
        assert_eq!((status, &problem["detail"]), (404, &json!("no such token")));
        assert_eq!(api.of(&ada).delete(&path).await.0, 204);
        assert_eq!(mine.get("/api/v1/me").await.0, 401);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_token_has_a_name_and_an_end(pool: PgPool) {
        let api = Api::new(&pool).await;
        let ada = person(&pool, "Ada").await;
        let body = json!({"name": "", "expires_in_days": 4000});
        let (_, problem) = api.of(&ada).post("/api/v1/tokens", body).await;
        insta::assert_json_snapshot!(problem["errors"], @r#"
        [
          {
            "detail": "must have 1 to 100 characters, has 0",
            "pointer": "/name"
          },
          {
            "detail": "must be 1 to 366",
            "pointer": "/expires_in_days"
          }
        ]
        "#);
    }
}
