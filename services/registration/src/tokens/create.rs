//! `POST /api/v1/tokens`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use molar_web_kit::{ApiError, Begun, Caller, Complaints, Kit, Once, Scope};
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
    /// What it may be used for; no more than what you made it with may.
    #[serde(default = "only_read")]
    pub scopes: Vec<Scope>,
}

fn only_read() -> Vec<Scope> {
    vec![Scope::Read]
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NewTokenView {
    pub id: Uuid,
    pub name: String,
    /// For `Authorization: Bearer`. Told this once; `null` to a request that is repeated with its key.
    pub token: String,
    pub scopes: Vec<Scope>,
    pub expires_at: DateTime<Utc>,
}

/// Makes a token of the API. It may do what its owner may, within its scopes.
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
    let mut scopes = request.scopes;
    scopes.sort_unstable();
    scopes.dedup();
    wrong.check(!scopes.is_empty(), "/scopes", "name at least one");
    for scope in scopes.iter().filter(|scope| !caller.has_scope(**scope)) {
        wrong.add("/scopes", format!("you have no `{scope}` to give here"));
    }
    wrong.finish()?;

    let expires_at = now + TimeDelta::days(days);
    let new = NewToken {
        kind: Kind::Api,
        name: &name,
        scopes: &scopes,
        expires_at,
    };
    let (id, token) = rows::insert(conn, caller.user_id, &new, now).await?;
    Ok(NewTokenView {
        id,
        name,
        token,
        scopes,
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{organizer, person};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{Api, challenge};

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

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_token_does_what_it_was_made_for_and_names_what_it_lacks(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let olga = organizer(&pool, "Olga", demo.id).await;
        let token = async |scopes: &[&str]| {
            let body = json!({"name": "x", "expires_in_days": 1, "scopes": scopes});
            let (status, made) = api.of(&olga).post("/api/v1/tokens", body).await;
            assert_eq!((status, &made["scopes"]), (201, &json!(scopes)));
            api.with_token(made["token"].as_str().unwrap())
        };
        let (read, submit) = (token(&["read"]).await, token(&["read", "submit"]).await);
        let (organize, account) = (token(&["organize"]).await, token(&["account"]).await);
        let lacks = |answer: (u16, serde_json::Value), scope: &str| {
            let (status, problem) = answer;
            assert_eq!(
                (status, &problem["code"]),
                (403, &json!("scope-missing")),
                "{problem}"
            );
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(&format!("`{scope}`")), "{detail}");
        };

        assert_eq!(read.get("/api/v1/me").await.0, 200);
        lacks(organize.get("/api/v1/me").await, "read");
        let team = json!({"challenge": "demo", "name": "Molars"});
        lacks(read.post("/api/v1/teams", team.clone()).await, "submit");
        assert_eq!(submit.post("/api/v1/teams", team).await.0, 201);
        for path in ["/api/v1/tokens", "/api/v1/me/confirmation"] {
            lacks(submit.post(path, json!({})).await, "account");
        }
        lacks(submit.delete("/api/v1/sessions").await, "account");
        let body = json!({"challenge": "demo", "title": "Hello", "text": "World"});
        lacks(
            submit.post("/api/v1/announcements", body.clone()).await,
            "organize",
        );
        assert_eq!(organize.post("/api/v1/announcements", body).await.0, 201);

        assert_eq!(submit.get("/api/v1/me").await.1["organizer_of"], json!([]));
        assert_eq!(
            api.of(&olga).get("/api/v1/me").await.1["organizer_of"],
            json!([demo.id])
        );
        let more = json!({"name": "x", "expires_in_days": 1, "scopes": ["organize", "account"]});
        let (status, problem) = account.post("/api/v1/tokens", more).await;
        assert_eq!(status, 422);
        insta::assert_json_snapshot!(problem["errors"], @r#"
        [
          {
            "detail": "you have no `organize` to give here",
            "pointer": "/scopes"
          }
        ]
        "#);
        let none = json!({"name": "x", "expires_in_days": 1, "scopes": []});
        assert_eq!(api.of(&olga).post("/api/v1/tokens", none).await.0, 422);
    }
}
