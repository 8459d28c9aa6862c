//! `POST /api/v1/submissions/{id}/sign`

use std::collections::BTreeSet;

use actix_web::web;
use molar_service::db;
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::access::see_own;
use super::parts::{self, PartView, SIGNED_MAX, Wanted, sha256_of_hex};
use super::upload::{expired, require_open};
use crate::rows::uploads::{self, Upload};
use crate::state::State;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignParts {
    /// At most 100 at a time.
    parts: Vec<PartToSign>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartToSign {
    /// From 1.
    number: u32,
    /// Of the part's bytes, 64 hexadecimal digits.
    sha256: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SignedParts {
    parts: Vec<PartView>,
}

impl SignParts {
    fn validate(&self, upload: &Upload) -> Result<Vec<Wanted>, ApiError> {
        let mut wrong = Complaints::new();
        wrong.check(
            (1..=SIGNED_MAX).contains(&self.parts.len()),
            "/parts",
            "must be 1 to 100 parts",
        );
        let numbers: BTreeSet<u32> = parts::cut(upload).map(|(number, _)| number).collect();
        let mut wanted = Vec::new();
        for (place, part) in self.parts.iter().enumerate() {
            wrong.check(
                numbers.contains(&part.number),
                &format!("/parts/{place}/number"),
                format!("the file has parts 1 to {}", numbers.len()),
            );
            match sha256_of_hex(&part.sha256) {
                Some(sha256) => wanted.push(Wanted {
                    number: part.number,
                    sha256,
                }),
                None => wrong.add(
                    format!("/parts/{place}/sha256"),
                    "must be the 64 hexadecimal digits of the part's SHA-256",
                ),
            }
        }
        wrong.finish()?;
        Ok(wanted)
    }
}

/// Signs a URL for each of these parts, with its SHA-256: the store refuses any other bytes there.
///
/// Ask again for what ran out; a part that is put twice is there once.
#[utoipa::path(post, path = "/api/v1/submissions/{id}/sign", tag = "submission",
    params(("id" = Uuid, Path)), request_body = SignParts,
    responses((status = 200, body = SignedParts)))]
#[tracing::instrument(name = "submissions.sign", skip_all, fields(submission.id = %id))]
pub async fn sign(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: web::Json<SignParts>,
) -> Result<web::Json<SignedParts>, ApiError> {
    let mut conn = kit.db.acquire().await?;
    see_own(&mut conn, &caller, *id).await?;
    let upload = uploads::find(&mut *conn, *id).await?;
    let now = db::now(&mut *conn).await?;
    drop(conn);
    require_open(&upload)?;
    if now >= upload.open_until {
        return Err(expired());
    }
    let wanted = body.validate(&upload)?;
    let parts = parts::sign(&state, &upload, &wanted, now).await?;
    Ok(web::Json(SignedParts { parts }))
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{World, try_put};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_part_is_taken_with_the_bytes_that_were_signed_and_no_others(pool: PgPool) {
        let world = World::new(&pool).await;
        let id = world.create("0123456789").await;
        let part = world.sign(id, b"0123456789").await;
        let refused = try_put(&part, b"0123456780").await;
        assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
        let shorter = try_put(&part, b"012345678").await;
        assert!(!shorter.starts_with("HTTP/1.1 200"), "{shorter}");
        let (_, upload) = world.get(&format!("/api/v1/submissions/{id}/upload")).await;
        assert_eq!(upload["present"], json!([]));
        let taken = try_put(&part, b"0123456789").await;
        assert!(taken.starts_with("HTTP/1.1 200"), "{taken}");
        let (_, upload) = world.get(&format!("/api/v1/submissions/{id}/upload")).await;
        let hash = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";
        assert_eq!(upload["present"][0]["sha256"], hash, "{upload:#}");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn what_cannot_be_signed_is_told_all_at_once(pool: PgPool) {
        let world = World::new(&pool).await;
        let id = world.create("{}").await;
        let path = format!("/api/v1/submissions/{id}/sign");
        let body = json!({"parts": [{"number": 0, "sha256": "ab"}, {"number": 2, "sha256": "00".repeat(32)}]});
        let (status, problem) = world.post(&path, &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        insta::assert_json_snapshot!(problem["errors"], @r#"
        [
          {
            "detail": "the file has parts 1 to 1",
            "pointer": "/parts/0/number"
          },
          {
            "detail": "must be the 64 hexadecimal digits of the part's SHA-256",
            "pointer": "/parts/0/sha256"
          },
          {
            "detail": "the file has parts 1 to 1",
            "pointer": "/parts/1/number"
          }
        ]
        "#);
        let (status, _) = world.post(&path, &json!({"parts": []})).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);

        let stranger = molar_web_kit::testing::person(&pool, "Stranger").await;
        let good = json!({"parts": [{"number": 1, "sha256": "00".repeat(32)}]});
        assert_eq!(
            world.post_as(&stranger, &path, &good).await.0,
            StatusCode::NOT_FOUND
        );
        let organizer = molar_web_kit::testing::organizer(&pool, "Olga", world.challenge.id).await;
        assert_eq!(
            world.post_as(&organizer, &path, &good).await.0,
            StatusCode::FORBIDDEN
        );
        world
            .post(&format!("/api/v1/submissions/{id}/cancel"), &json!({}))
            .await;
        assert_eq!(world.post(&path, &good).await.0, StatusCode::CONFLICT);
    }
    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn nothing_is_signed_for_an_upload_that_ran_out(pool: PgPool) {
        let world = World::new(&pool).await;
        let id = world.create("{}").await;
        sqlx::query!("UPDATE submission.uploads SET open_until = now() - interval '1 s'")
            .execute(&pool)
            .await
            .unwrap();
        let path = format!("/api/v1/submissions/{id}/sign");
        let good = json!({"parts": [{"number": 1, "sha256": "00".repeat(32)}]});
        let (status, problem) = world.post(&path, &good).await;
        assert_eq!(status, StatusCode::GONE, "{problem}");
    }
}
