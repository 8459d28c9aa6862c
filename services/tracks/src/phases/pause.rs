//! `POST /api/v1/phases/{id}/pause`, `/resume`

use actix_web::web;
use molar_domain::PhaseId;
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Kit};
use serde_json::json;

use super::publish::Decision;
use super::rows;
use super::view::PhaseView;
use crate::challenges::history::{self, NewChange};
use crate::challenges::plan::{FieldChange, Plan};

/// Takes no submissions until resumed. What is in work goes on.
#[utoipa::path(
    post,
    path = "/api/v1/phases/{id}/pause",
    tag = "phases",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = PhaseView))
)]
#[tracing::instrument(name = "phases.pause", skip_all)]
pub async fn pause(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<PhaseId>,
    body: web::Json<Decision>,
) -> Result<web::Json<PhaseView>, ApiError> {
    set(&kit, &caller, *id, true, &body).await.map(web::Json)
}

/// Takes submissions again, within the window of the phase.
#[utoipa::path(
    post,
    path = "/api/v1/phases/{id}/resume",
    tag = "phases",
    params(("id" = uuid::Uuid, Path)),
    responses((status = OK, body = PhaseView))
)]
#[tracing::instrument(name = "phases.resume", skip_all)]
pub async fn resume(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<PhaseId>,
    body: web::Json<Decision>,
) -> Result<web::Json<PhaseView>, ApiError> {
    set(&kit, &caller, *id, false, &body).await.map(web::Json)
}

pub async fn set(
    kit: &Kit,
    caller: &Caller,
    id: PhaseId,
    pause: bool,
    decision: &Decision,
) -> Result<PhaseView, ApiError> {
    let now = kit.clock.now();
    let phase = rows::find(&kit.db, id, now).await?;
    caller.require_organizer(phase.challenge_id())?;
    let reason = decision.reason()?;

    let mut tx = kit.db.begin().await?;
    let changed = sqlx::query!(
        "UPDATE tracks.phases SET paused_at = CASE WHEN $3 THEN $2::timestamptz END
         WHERE id = $1 AND (paused_at IS NULL) = $3",
        id.0,
        now,
        pause,
    )
    .execute(&mut *tx)
    .await?;
    if changed.rows_affected() == 1 {
        let action = if pause {
            "phase.paused"
        } else {
            "phase.resumed"
        };
        let mut plan = Plan::default();
        let change = FieldChange {
            key: "is_paused".into(),
            from: json!(!pause),
            to: json!(pause),
        };
        plan.update(&phase.name(), vec![change]);
        if phase.opening().has_come(now) {
            plan.explain();
        }
        plan.require_reason(reason)?;
        let change = NewChange {
            challenge_id: phase.challenge_id,
            file_id: None,
            reason,
            steps: &plan.steps,
        };
        history::insert(&mut tx, caller, &change, now).await?;
        let details = json!({"challenge_id": phase.challenge_id, "plan": plan.steps});
        let actor = Some(caller.user_id);
        audit::append(&mut tx, now, actor, action, id.0, details, reason).await?;
    }
    tx.commit().await?;
    let phase = rows::find(&kit.db, id, now).await?;
    Ok(PhaseView::of(phase, now))
}

#[cfg(test)]
mod tests {
    use molar_testkit::{ChallengeBuilder, PhaseBuilder};
    use molar_web_kit::testing::organizer;
    use serde_json::{Value, json};
    use sqlx::PgPool;

    use crate::testing::Api;

    async fn audited(pool: &PgPool) -> Vec<String> {
        sqlx::query_scalar("SELECT action FROM audit.entries ORDER BY seq")
            .fetch_all(pool)
            .await
            .unwrap()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_phase_is_paused_and_resumed_on_the_record(pool: PgPool) {
        let demo = ChallengeBuilder::new("demo").insert(&pool).await;
        let api = Api::new(&pool).await;
        let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
        let path = format!("/api/v1/phases/{}", demo.phase_id);
        for _ in 0..2 {
            let why = json!({"reason": "the store is full"});
            let (status, paused) = olga.post(&format!("{path}/pause"), why).await;
            assert_eq!((status, &paused["state"]), (200, &json!("paused")));
        }
        let resume = format!("{path}/resume");
        assert_eq!(olga.post(&resume, json!({})).await.0, 422);
        let why = json!({"reason": "there is room again"});
        let (_, resumed) = olga.post(&resume, why).await;
        assert_eq!(resumed["state"], "open");
        assert_eq!(audited(&pool).await, ["phase.paused", "phase.resumed"]);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_final_phase_is_published_once_by_its_organizers(pool: PgPool) {
        let phase = PhaseBuilder::new("final").is_final();
        let demo = ChallengeBuilder::new("demo")
            .phase(phase)
            .insert(&pool)
            .await;
        let other = ChallengeBuilder::new("other").insert(&pool).await;
        let api = Api::new(&pool).await;
        let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
        let fritz = api.of(&organizer(&pool, "Fritz", other.id).await);
        let publish = format!("/api/v1/phases/{}/publish", demo.phase_id);
        assert_eq!(fritz.post(&publish, json!({})).await.0, 403);
        let (_, seen) = api
            .nobody()
            .get(&format!("/api/v1/phases/{}", demo.phase_id))
            .await;
        assert_eq!(seen["published_at"], Value::Null);

        for _ in 0..2 {
            let (status, published) = olga.post(&publish, json!({"reason": "all is done"})).await;
            assert_eq!(status, 200, "{published}");
            assert_eq!(published["published_at"], "2026-09-01T12:00:00Z");
        }
        assert_eq!(audited(&pool).await, ["phase.published"]);
        let keys: Vec<String> = sqlx::query_scalar("SELECT routing_key FROM tracks.outbox")
            .fetch_all(&pool)
            .await
            .unwrap();
        assert_eq!(keys, ["phase.published"]);

        let open = format!("/api/v1/phases/{}/publish", other.phase_id);
        let (_, refused) = fritz.post(&open, json!({})).await;
        insta::assert_json_snapshot!(refused, @r#"
        {
          "detail": "the scores of this phase are shown all along; only a final phase, one with a frozen or hidden board, or one whose finalists are named is published",
          "status": 409,
          "title": "This does not fit the present state",
          "type": "/problems/conflict"
        }
        "#);
    }
}
