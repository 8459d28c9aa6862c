//! `POST /api/v1/cases/{id}/remove`

use actix_web::web;
use molar_domain::{CaseId, SplitId};
use molar_objects::{Bucket, Store};
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::splits::{self, Split};
use crate::phases::publish::Decision;
use crate::phases::rows::resolve_canaries;
use crate::state::AppState;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Removed {
    pub id: Uuid,
    pub name: String,
}

/// Takes out a case that was uploaded by mistake, with its references. Only as long as no phase that
/// uses it has opened; its name is free again.
#[utoipa::path(
    post,
    path = "/api/v1/cases/{id}/remove",
    tag = "cases",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = Removed))
)]
#[tracing::instrument(name = "cases.remove", skip_all)]
pub async fn remove(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<CaseId>,
    body: web::Json<Decision>,
) -> Result<web::Json<Removed>, ApiError> {
    let reason = body.reason()?;
    Ok(web::Json(
        remove_one(&kit, &state.store, &caller, *id, reason).await?,
    ))
}

pub async fn remove_one(
    kit: &Kit,
    store: &Store,
    caller: &Caller,
    id: CaseId,
    reason: Option<&str>,
) -> Result<Removed, ApiError> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let case = sqlx::query!(
        "SELECT split_id, name, image_key, sha256 FROM tracks.cases WHERE id = $1 AND state <> 'removed'",
        id.0
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(ApiError::NotFound("case"))?;
    let split = splits::find(&mut *tx, SplitId(case.split_id)).await?;
    caller.require_organizer(split.challenge_id())?;
    splits::lock(&mut tx, split.id).await?;
    splits::require_unopened(&mut tx, &split, &[id.0], now).await?;
    let references = reference_keys(&mut tx, id.0).await?;
    sqlx::query!(
        "UPDATE tracks.cases SET state = 'removed', stored_at = NULL WHERE id = $1",
        id.0
    )
    .execute(&mut *tx)
    .await?;
    resolve_canaries(&mut *tx, split.challenge_id).await?;
    let details = json!({
        "challenge_id": split.challenge_id, "split_id": split.id, "name": case.name, "sha256": case.sha256,
    });
    let actor = Some(caller.user_id);
    audit::append(&mut tx, now, actor, "case.removed", id.0, details, reason).await?;
    tx.commit().await?;

    forget(store, &split, &case.image_key, &references).await;
    Ok(Removed {
        id: id.0,
        name: case.name,
    })
}

async fn reference_keys(conn: &mut PgConnection, case: Uuid) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "SELECT DISTINCT object_key FROM tracks.case_references WHERE case_id = $1",
        case
    )
    .fetch_all(conn)
    .await
}

/// Nothing names the objects any more: one that stays only takes space.
async fn forget(store: &Store, split: &Split, image: &str, references: &[String]) {
    let all = references
        .iter()
        .map(|key| (split.reference_bucket(), key.as_str()));
    for (bucket, key) in all.chain([(split.bucket(), image)]) {
        delete(store, bucket, key).await;
    }
}

pub(super) async fn delete(store: &Store, bucket: Bucket, key: &str) {
    if let Err(error) = store.delete(bucket, key).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "an object that was taken out stays in the store"
        );
    }
}

#[cfg(test)]
mod tests {
    use molar_testkit::{ChallengeBuilder, PhaseBuilder, SubmissionBuilder, TeamBuilder};
    use molar_web_kit::testing::{noon, organizer};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::World;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_case_is_taken_out_before_its_phase_opens_and_its_name_is_free_again(pool: PgPool) {
        let world = World::new(&pool).await;
        let week = chrono::TimeDelta::days(7);
        let phase = PhaseBuilder::new("final").window(noon() + week, noon() + week * 2);
        let demo = ChallengeBuilder::new("demo").phase(phase);
        let demo = demo.insert(&pool).await;
        let olga = world.api.of(&organizer(&pool, "Olga", demo.id).await);
        let path = format!("/api/v1/cases/{}/remove", demo.cases[0].id);
        let (status, removed) = olga.post(&path, json!({"reason": "a wrong image"})).await;
        assert_eq!((status, &removed["name"]), (200, &json!("Case_01")));
        assert_eq!(olga.post(&path, json!({})).await.0, 404);

        let cases = format!("/api/v1/splits/{}/cases", demo.split_id);
        let (_, listed) = olga.get(&cases).await;
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
        let (_, phase) = olga.get(&format!("/api/v1/phases/{}", demo.phase_id)).await;
        assert_eq!(phase["readiness"]["stored_cases"], 1);
        let new = json!({"cases": [{"name": "Case_01", "image_name": "Case_01.png", "size_bytes": 1, "sha256": "0".repeat(64)}]});
        let (status, announced) = olga.post(&cases, new).await;
        assert_eq!(status, 200, "{announced}");
        assert_ne!(announced["items"][0]["case_id"], removed["id"]);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_case_of_a_phase_that_has_opened_stays(pool: PgPool) {
        let world = World::new(&pool).await;
        let demo = ChallengeBuilder::new("demo").insert(&pool).await;
        let olga = world.api.of(&organizer(&pool, "Olga", demo.id).await);
        let path = format!("/api/v1/cases/{}/remove", demo.cases[0].id);
        let (status, refused) = olga.post(&path, json!({})).await;
        assert_eq!((status, &refused["code"]), (409, &json!("phase-opened")));
        insta::assert_snapshot!(refused["detail"].as_str().unwrap(),
            @"the phase validation has opened on these cases; pause it first, if nobody has submitted yet");

        sqlx::query!("UPDATE tracks.phases SET paused_at = $1", noon())
            .execute(&pool)
            .await
            .unwrap();
        let team = TeamBuilder::new(&demo, "Molars").insert(&pool).await;
        SubmissionBuilder::new(&demo, &team).insert(&pool).await;
        let (_, refused) = olga.post(&path, json!({})).await;
        assert_eq!(refused["code"], "phase-opened", "{refused}");
        let eve = molar_web_kit::testing::person(&pool, "Eve").await;
        assert_eq!(world.api.of(&eve).post(&path, json!({})).await.0, 403);
    }
}
