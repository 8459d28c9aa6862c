//! `POST /api/v1/agreements`

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use molar_web_kit::{ApiError, Begun, Caller, Complaints, Kit, Once};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::rows::{self, Signature};
use crate::Error;
use crate::challenges::{self, Challenge};
use crate::sightings::{self, Occasion, Origin};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignAgreement {
    /// The challenge's slug.
    pub challenge: String,
    pub version: String,
    /// Hash of the text that you read, as the challenge states it.
    pub text_sha256: String,
    /// Your full name, as under a paper.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[schema(min_length = 1, max_length = 200)]
    pub affiliation: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SignedView {
    pub challenge: String,
    pub version: String,
    pub text_sha256: String,
}

/// Signs the newest version of a challenge's data-use agreement. Signing it again changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/agreements",
    tag = "agreements",
    responses((status = CREATED, body = SignedView), (status = OK, body = SignedView))
)]
#[tracing::instrument(name = "agreements.create", skip_all)]
pub async fn create(
    kit: web::Data<Kit>,
    caller: Caller,
    origin: Origin,
    once: Once,
    body: web::Json<SignAgreement>,
) -> Result<HttpResponse, ApiError> {
    let body = body.into_inner();
    let mut tx = kit.db.begin().await?;
    let once = match once.begin(&mut tx).await? {
        Begun::Replay(response) => return Ok(response),
        Begun::Fresh(once) => once,
    };
    let status = match sign(&mut tx, &caller, origin, &body, kit.clock.now()).await? {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    let view = SignedView {
        challenge: body.challenge,
        version: body.version,
        text_sha256: body.text_sha256,
    };
    let response = once.finish(&mut tx, status, None, &view).await?;
    tx.commit().await?;
    Ok(response)
}

/// Whether it was not signed before.
pub async fn sign(
    conn: &mut PgConnection,
    caller: &Caller,
    origin: Origin,
    request: &SignAgreement,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let mut wrong = Complaints::new();
    let name = wrong.text("/name", &request.name, 1..=200);
    let affiliation = wrong.text("/affiliation", &request.affiliation, 1..=200);
    wrong.finish()?;

    let challenge = challenges::find_by_slug(&mut *conn, &request.challenge).await;
    let challenge = challenge.map_err(|error| match error {
        Error::NotFound(_) => ApiError::invalid("/challenge", "no such challenge").into(),
        other => other,
    })?;
    check_text(&mut *conn, &challenge, request).await?;
    let signature = Signature {
        user: caller.user_id,
        challenge: challenge.id,
        version: &request.version,
        text_sha256: &request.text_sha256,
        name: &name,
        affiliation: &affiliation,
    };
    let signed = rows::insert(&mut *conn, &signature, now).await?;
    if let Some(id) = signed {
        let occasion = Occasion::AgreementSigned;
        sightings::note(conn, origin, caller.user_id, occasion, id, now).await?;
    }
    Ok(signed.is_some())
}

/// The text that was read must be the one that is signed.
async fn check_text(
    conn: &mut PgConnection,
    challenge: &Challenge,
    request: &SignAgreement,
) -> Result<(), Error> {
    let newest = challenges::newest_agreement(conn, challenge.id).await?;
    let newest = newest.ok_or_else(|| {
        ApiError::invalid("/challenge", "this challenge has no agreement to sign")
    })?;
    if newest.version != request.version {
        return Err(Error::OldAgreement {
            newest: newest.version,
        });
    }
    if !newest.sha256.eq_ignore_ascii_case(&request.text_sha256) {
        let detail = "is not the hash of this version's text; read the text again";
        return Err(ApiError::invalid("/text_sha256", detail).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::person;
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{Api, blank, challenge, new_agreement, signature};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_newest_version_is_signed_once(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let ada = api.of(&person(&pool, "Ada").await);
        assert_eq!(ada.post("/api/v1/agreements", signature("1")).await.0, 201);
        assert_eq!(ada.post("/api/v1/agreements", signature("1")).await.0, 200);

        new_agreement(&pool, &demo, "2").await;
        api.clock.advance(chrono::TimeDelta::seconds(1));
        let (_, old) = ada.post("/api/v1/agreements", signature("1")).await;
        insta::assert_json_snapshot!(old, @r#"
        {
          "code": "agreement-outdated",
          "detail": "version 2 of the agreement is the newest; read and sign that one",
          "status": 409,
          "title": "This does not fit the present state",
          "type": "/problems/conflict"
        }
        "#);
        assert_eq!(ada.post("/api/v1/agreements", signature("2")).await.0, 201);
        let (_, list) = ada.get("/api/v1/agreements").await;
        insta::assert_json_snapshot!(blank(list), @r#"
        {
          "items": [
            {
              "affiliation": "Analytical Society",
              "challenge": "demo",
              "challenge_id": "[id]",
              "id": "[id]",
              "is_newest": true,
              "name": "Ada Lovelace",
              "signed_at": "2026-09-01T12:00:01Z",
              "text_sha256": "[hash]",
              "version": "2"
            },
            {
              "affiliation": "Analytical Society",
              "challenge": "demo",
              "challenge_id": "[id]",
              "id": "[id]",
              "is_newest": false,
              "name": "Ada Lovelace",
              "signed_at": "2026-09-01T12:00:00Z",
              "text_sha256": "[hash]",
              "version": "1"
            }
          ]
        }
        "#);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn another_text_is_not_signed(pool: PgPool) {
        let api = Api::new(&pool).await;
        challenge(&pool).await;
        let ada = api.of(&person(&pool, "Ada").await);
        let mut body = signature("1");
        body["text_sha256"] = json!("ab");
        let (_, problem) = ada.post("/api/v1/agreements", body).await;
        insta::assert_json_snapshot!(problem["errors"], @r#"
        [
          {
            "detail": "is not the hash of this version's text; read the text again",
            "pointer": "/text_sha256"
          }
        ]
        "#);
        assert_eq!(ada.get("/api/v1/agreements").await.1["items"], json!([]));
    }
}
