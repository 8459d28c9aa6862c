//! `GET /api/v1/cases/{id}/image`

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use molar_domain::{CaseId, SplitId};
use molar_web_kit::{ApiError, Caller, Kit};

use super::splits;
use crate::Error;
use crate::downloads::{self, Kind, Link};
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
        r#"SELECT c.split_id, c.image_key, c.image_name, c.size_bytes,
                  t.slug || '/' || s.slug || '/' || c.image_name AS "place!"
           FROM tracks.cases c
           JOIN tracks.splits s ON s.id = c.split_id
           JOIN tracks.tracks t ON t.id = s.track_id
           WHERE c.id = $1 AND c.state = 'stored'"#,
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
    let link = Link {
        challenge: split.challenge_id,
        user: caller.user_id,
        kind: Kind::Image,
        file: id.0,
        place: &case.place,
        size_bytes: case.size_bytes,
        good_for: TTL,
    };
    downloads::note(&kit.db, &link, kit.clock.now()).await?;
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
        r#"SELECT s.id AS split_id, c.name, r.object_key, r.size_bytes, t.slug || '/' || s.slug AS "folder!"
         FROM tracks.cases c
         JOIN tracks.splits s ON s.id = c.split_id AND s.are_references_public
         JOIN tracks.tracks t ON t.id = s.track_id
         JOIN tracks.case_references r ON r.case_id = c.id AND r.state = 'stored'
         JOIN tracks.reference_sets v ON v.id = r.reference_set_id
         WHERE c.id = $1 AND c.state = 'stored' AND v.version > 0
         ORDER BY v.version DESC LIMIT 1"#,
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
    let link = Link {
        challenge: split.challenge_id,
        user: caller.user_id,
        kind: Kind::Reference,
        file: id.0,
        place: &format!("{}/{name}", found.folder),
        size_bytes: found.size_bytes,
        good_for: TTL,
    };
    downloads::note(&kit.db, &link, kit.clock.now()).await?;
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
        let ada_id = ada.id;
        let ada = world.api.with_token(&token_for(&pool, ada_id).await);
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
          "detail": "the data is for those who signed the agreement: read and sign version 1 at /join/demo",
          "status": 403,
          "title": "This is not yours to do",
          "type": "/problems/forbidden"
        }
        "#);

        let links = sqlx::query!(
            "SELECT user_id, kind, file_id, place, expires_at - handed_at = '1 hour' AS is_brief FROM tracks.downloads"
        );
        let links = links.fetch_all(&pool).await.unwrap();
        assert_eq!(links.len(), 1, "of the one link that was handed out");
        assert_eq!((links[0].user_id, links[0].file_id), (ada_id.0, public.0));
        assert_eq!(links[0].kind, "image");
        assert_eq!(links[0].place, "teeth/training/Canary_01.png");
        assert_eq!(links[0].is_brief, Some(true));

        let olga = world.api.of(&organizer(&pool, "Olga", demo.id).await);
        let (_, listed) = olga.get(&manifest).await;
        assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_new_version_of_the_agreement_closes_the_data_until_it_is_signed(pool: PgPool) {
        let world = World::new(&pool).await;
        let demo = ChallengeBuilder::new("demo").canary().insert(&pool).await;
        let image = format!("/api/v1/cases/{}/image", demo.canary.clone().unwrap().id);
        let ada = UserBuilder::new("Ada").insert(&pool).await;
        TeamBuilder::new(&demo, "Molars")
            .member(ada.id)
            .insert(&pool)
            .await;
        let caller = world.api.with_token(&token_for(&pool, ada.id).await);
        assert_eq!(caller.page(&image).await.0, 303);

        sqlx::query!(
            "INSERT INTO tracks.agreement_texts (challenge_id, version, text, sha256, created_at)
             VALUES ($1, '2', 'Be better.', 'ab', now())",
            demo.id.0
        )
        .execute(&pool)
        .await
        .unwrap();
        let (status, problem) = caller.get(&image).await;
        assert_eq!(
            (status, &problem["code"]),
            (403, &"agreement-not-signed".into())
        );
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("version 2 at /join/demo"), "{detail}");

        sqlx::query!(
            "INSERT INTO registration.agreements
                 (id, user_id, challenge_id, version, text_sha256, signed_name, affiliation, signed_at)
             VALUES (gen_random_uuid(), $1, $2, '2', 'ab', 'Ada', '', now())",
            ada.id.0,
            demo.id.0,
        )
        .execute(&pool)
        .await
        .unwrap();
        assert_eq!(caller.page(&image).await.0, 303);
    }
}
