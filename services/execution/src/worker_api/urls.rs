//! `POST /worker/v1/case-runs/{id}/urls`

use actix_web::web;
use molar_domain::worker_api::{Leased, Urls};
use molar_domain::{CaseRunId, WorkerId};
use molar_web_kit::{ApiError, Kit};
use uuid::Uuid;

use super::held;
use crate::rows::inputs;
use crate::state::State;

/// The inputs, signed again.
#[tracing::instrument(name = "case_runs.urls", skip_all, fields(case_run.id = %*id))]
pub async fn urls(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    worker: web::ReqData<WorkerId>,
    id: web::Path<Uuid>,
    body: web::Json<Leased>,
) -> Result<web::Json<Urls>, ApiError> {
    let run = held(&kit.db, CaseRunId(*id), *worker, body.lease_token).await?;
    let inputs = inputs::find(&kit.db, run.id).await?;
    let layers = inputs::stored_layers(&kit.db, &inputs.image_digest).await?;
    Ok(web::Json(inputs.presign(&state.store, &layers).await?))
}

#[cfg(test)]
mod tests {
    use molar_domain::worker_api::{Claim, ImageSource};
    use sqlx::PgPool;

    use super::*;
    use crate::testing::World;

    async fn image(world: &World, grant: &molar_domain::worker_api::Grant) -> ImageSource {
        let leased = Leased {
            lease_token: grant.lease_token,
        };
        let path = format!("case-runs/{}/urls", grant.case_run_id);
        let (status, body) = world.call(&path, leased).await;
        assert_eq!(status, 200);
        serde_json::from_value::<Urls>(body).unwrap().image
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_image_is_fetched_by_layers_once_they_are_stored_and_as_its_archive_before(
        pool: PgPool,
    ) {
        let world = World::new(pool).await;
        world.dispatch().await;
        let grant = world
            .claim_as(world.worker.id, &Claim::default())
            .await
            .unwrap();
        match image(&world, &grant).await {
            ImageSource::Archive(archive) => assert!(archive.url.contains("/molar-uploads/")),
            other => panic!("{other:?}"),
        }
        #[expect(clippy::disallowed_methods, reason = "tests may")]
        for statement in [
            "INSERT INTO submission.layers VALUES ('sha256:b', 'layers/b', 2, 'bb', 20, now()), ('sha256:a', 'layers/a', 1, 'aa', 10, now())",
            "INSERT INTO submission.images SELECT image_digest, 'configs/c', 3, now() FROM execution.attempts LIMIT 1",
            "INSERT INTO submission.image_layers SELECT digest, 0, 'sha256:b' FROM submission.images UNION SELECT digest, 1, 'sha256:a' FROM submission.images",
        ] {
            sqlx::query(statement).execute(&world.pool).await.unwrap();
        }
        let ImageSource::Layers(stored) = image(&world, &grant).await else {
            panic!("the archive again")
        };
        assert!(stored.config.url.contains("/molar-layers/configs/c"));
        assert_eq!(
            format!("sha256:{}", stored.config.sha256),
            grant.image_digest
        );
        let told: Vec<_> = (stored.layers.iter())
            .map(|layer| {
                (
                    layer.diff_id.as_str(),
                    layer.stored.size_bytes,
                    layer.unpacked_bytes,
                )
            })
            .collect();
        assert_eq!(told, [("sha256:b", 2, 20), ("sha256:a", 1, 10)]);
        assert!(
            stored.layers[0]
                .stored
                .url
                .contains("/molar-layers/layers/b")
        );
    }
}
