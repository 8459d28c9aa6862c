//! `GET /api/v1/cases/{id}/image`

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use molar_domain::{CaseId, SplitId};
use molar_web_kit::{ApiError, Caller, Kit};

use super::splits;
use crate::Error;
use crate::state::AppState;

const TTL: Duration = Duration::from_secs(3600);

/// Leads to the image of a case in the object store, for an hour.
#[utoipa::path(
    get,
    path = "/api/v1/cases/{id}/image",
    tag = "cases",
    params(("id" = uuid::Uuid, Path)),
    responses((status = SEE_OTHER, description = "`Location` is where the image is"))
)]
#[tracing::instrument(name = "cases.download", skip_all)]
pub async fn image(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<CaseId>,
) -> Result<HttpResponse, ApiError> {
    let case = sqlx::query!(
        "SELECT split_id, image_key, image_name FROM tracks.cases
         WHERE id = $1 AND state = 'stored'",
        id.0
    )
    .fetch_optional(&kit.db)
    .await?;
    let case = case.ok_or(ApiError::NotFound("case"))?;
    let split = splits::find(&kit.db, SplitId(case.split_id)).await?;
    // Whoever must not know of a hidden split is not told that this is a case of one.
    splits::require_reader(&kit.db, &caller, &split)
        .await
        .map_err(|error| match error {
            ApiError::NotFound(_) => ApiError::NotFound("case"),
            error => error,
        })?;
    let name = Some(case.image_name.as_str());
    let signed = state
        .store
        .presign_get(split.bucket(), &case.image_key, TTL, name)
        .await;
    let signed = signed.map_err(Error::from)?;
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, signed.url))
        .finish())
}

/// Leads to the labels of a case to train with, for an hour. Other references leave the platform for
/// nobody.
#[utoipa::path(
    get,
    path = "/api/v1/cases/{id}/reference",
    tag = "cases",
    params(("id" = uuid::Uuid, Path)),
    responses((status = SEE_OTHER, description = "`Location` is where the labels are"))
)]
#[tracing::instrument(name = "cases.reference", skip_all)]
pub async fn reference(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<CaseId>,
) -> Result<HttpResponse, ApiError> {
    let found = sqlx::query!(
        "SELECT s.id AS split_id, c.name, r.object_key
         FROM tracks.cases c
         JOIN tracks.splits s ON s.id = c.split_id AND s.are_references_public
         JOIN tracks.case_references r ON r.case_id = c.id AND r.state = 'stored'
         JOIN tracks.reference_sets v ON v.id = r.reference_set_id
         WHERE c.id = $1 AND c.state = 'stored' ORDER BY v.version DESC LIMIT 1",
        id.0
    )
    .fetch_optional(&kit.db)
    .await?;
    let found = found.ok_or(ApiError::NotFound("public reference"))?;
    let split = splits::find(&kit.db, SplitId(found.split_id)).await?;
    splits::require_reader(&kit.db, &caller, &split).await?;
    let name = split.reference_name(&found.name);
    let signed = state
        .store
        .presign_get(
            split.reference_bucket(),
            &found.object_key,
            TTL,
            Some(&name),
        )
        .await;
    let signed = signed.map_err(Error::from)?;
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, signed.url))
        .finish())
}

#[cfg(test)]
mod tests {
    use molar_testkit::{ChallengeBuilder, TeamBuilder, UserBuilder, token_for};
    use molar_web_kit::testing::organizer;
    use sqlx::PgPool;

    use crate::testing::World;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn images_are_for_approved_teams_that_signed_and_hidden_ones_for_none(pool: PgPool) {
        let world = World::new(&pool).await;
        let demo = ChallengeBuilder::new("demo").canary().insert(&pool).await;
        let (hidden, public) = (demo.cases[0].id, demo.canary.clone().unwrap().id);
        let image = |id: molar_domain::CaseId| format!("/api/v1/cases/{id}/image");

        let ada = UserBuilder::new("Ada").insert(&pool).await;
        TeamBuilder::new(&demo, "Molars")
            .member(ada.id)
            .insert(&pool)
            .await;
        let ada = world.api.with_token(&token_for(&pool, ada.id).await);
        let (status, location) = ada.page(&image(public)).await;
        assert_eq!(status, 303, "{location}");
        assert!(location.contains("X-Amz-Signature"), "{location}");
        let (status, hidden_one) = ada.get(&image(hidden)).await;
        assert_eq!(status, 404);
        insta::assert_json_snapshot!(hidden_one, @r#"
        {
          "detail": "no such case",
          "status": 404,
          "title": "There is nothing here",
          "type": "/problems/not-found"
        }
        "#);
        let manifest = format!("/api/v1/splits/{}/manifest", demo.split_id);
        assert_eq!(ada.get(&manifest).await.0, 404);

        let bob = UserBuilder::new("Bob").insert(&pool).await;
        TeamBuilder::new(&demo, "Waiting")
            .member(bob.id)
            .state("requested")
            .insert(&pool)
            .await;
        let bob = world.api.with_token(&token_for(&pool, bob.id).await);
        assert_eq!(bob.get(&image(public)).await.1["code"], "not-approved");
        let eve = UserBuilder::new("Eve").insert(&pool).await;
        let eve = world.api.with_token(&token_for(&pool, eve.id).await);
        let (_, unsigned) = eve.get(&image(public)).await;
        insta::assert_json_snapshot!(unsigned, @r#"
        {
          "code": "agreement-not-signed",
          "detail": "the data is for those who signed the newest agreement; read and sign it first",
          "status": 403,
          "title": "This is not yours to do",
          "type": "/problems/forbidden"
        }
        "#);

        let olga = world.api.of(&organizer(&pool, "Olga", demo.id).await);
        let (_, listed) = olga.get(&manifest).await;
        assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    }
}
