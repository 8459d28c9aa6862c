//! `GET /api/v1/sessions`

use actix_web::web;
use molar_web_kit::{ApiError, Caller, Kit, Page};

use crate::tokens::rows::{self, SessionItem};

/// Where you are signed in, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/sessions",
    tag = "account",
    responses((status = OK, body = Page<SessionItem>))
)]
#[tracing::instrument(name = "sessions.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    caller: Caller,
) -> Result<web::Json<Page<SessionItem>>, ApiError> {
    let items = rows::list_sessions(&kit.db, &caller, kit.clock.now()).await?;
    Ok(web::Json(Page { items, next: None }))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use chrono::TimeDelta;
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{Api, registered, sign_in};

    const ADA: &str = "ada@example.org";

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn sessions_are_listed_with_their_last_use_and_end_one_by_one(pool: PgPool) {
        let api = Api::new(&pool).await;
        let ada = registered(&api, ADA).await;
        api.clock.advance(TimeDelta::seconds(1));
        let lab = api.nobody().header("user-agent", "Firefox in the lab");
        let body = json!({"email": ADA, "password": "correct horse"});
        let (_, session) = lab.post("/api/v1/sessions", body).await;
        let lab = api.with_token(session["token"].as_str().unwrap());

        let (_, list) = ada.get("/api/v1/sessions").await;
        let [other, mine] = &list["items"].as_array().unwrap()[..] else {
            panic!("{list}")
        };
        assert_eq!(other["client"], "Firefox in the lab");
        assert_eq!(other["last_used_at"], json!(null));
        assert_eq!(
            (&mine["is_current"], &other["is_current"]),
            (&json!(true), &json!(false))
        );

        let last_use = async || {
            let (_, list) = ada.get("/api/v1/sessions").await;
            list["items"][0]["last_used_at"]
                .as_str()
                .map(ToOwned::to_owned)
        };
        lab.get("/api/v1/me").await;
        assert_eq!(last_use().await.unwrap(), "2026-09-01T12:00:01Z");
        api.clock.advance(TimeDelta::seconds(59));
        lab.get("/api/v1/me").await;
        assert_eq!(
            last_use().await.unwrap(),
            "2026-09-01T12:00:01Z",
            "once a minute"
        );
        api.clock.advance(TimeDelta::seconds(1));
        lab.get("/api/v1/me").await;
        assert_eq!(last_use().await.unwrap(), "2026-09-01T12:01:01Z");

        let path = format!("/api/v1/sessions/{}", other["id"].as_str().unwrap());
        let eve = registered(&api, "eve@example.org").await;
        assert_eq!(eve.delete(&path).await.0, 404);
        assert_eq!(ada.delete(&path).await.0, 204);
        assert_eq!(lab.get("/api/v1/me").await.0, 401);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn signing_out_everywhere_is_everywhere(pool: PgPool) {
        let api = Api::new(&pool).await;
        let ada = registered(&api, ADA).await;
        let other = api.with_token(&sign_in(&api, ADA, "correct horse").await.unwrap());
        assert_eq!(ada.delete("/api/v1/sessions").await.0, 204);
        assert_eq!(ada.get("/api/v1/me").await.0, 401);
        assert_eq!(other.get("/api/v1/me").await.0, 401);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn signing_in_ends_the_session_that_the_browser_had(pool: PgPool) {
        let api = Api::new(&pool).await;
        registered(&api, ADA).await;
        let planted = sign_in(&api, ADA, "correct horse").await.unwrap();
        let request = TestRequest::post()
            .uri("/login")
            .insert_header(("cookie", format!("molar_session={planted}")))
            .set_form([("email", ADA), ("password", "correct horse")]);
        let response = api.nobody().call(request).await;
        assert_eq!(response.status(), 303);
        let cookie = response
            .headers()
            .get("set-cookie")
            .unwrap()
            .to_str()
            .unwrap();
        assert!(!cookie.contains(&planted), "{cookie}");
        assert_eq!(api.with_token(&planted).get("/api/v1/me").await.0, 401);
    }
}
