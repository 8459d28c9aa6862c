//! `POST /api/v1/submissions/{id}/withdraw`

use actix_web::web;
use molar_contracts::keys;
use molar_service::{audit, db, outbox};
use molar_web_kit::{ApiError, Caller, Kit};
use serde_json::json;
use uuid::Uuid;

use super::access::see;
use super::find::view_of;
use super::view::SubmissionView;
use crate::rows::submissions;

/// Takes a submission out of the ranks, for good. Its quota stays spent.
#[utoipa::path(post, path = "/api/v1/submissions/{id}/withdraw", tag = "submission",
    params(("id" = Uuid, Path)), responses((status = 200, body = SubmissionView)))]
#[tracing::instrument(name = "submissions.withdraw", skip_all, fields(submission.id = %id))]
pub async fn withdraw(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<web::Json<SubmissionView>, ApiError> {
    Ok(web::Json(withdraw_one(&kit, &caller, *id).await?))
}

pub async fn withdraw_one(
    kit: &Kit,
    caller: &Caller,
    id: Uuid,
) -> Result<SubmissionView, ApiError> {
    let mut tx = kit.db.begin().await?;
    let seen = see(&mut tx, caller, id).await?;
    seen.require_member_or_organizer()?;
    seen.require_no_trial()?;
    if seen.phase.window.is_published && !seen.is_organizer {
        return Err(ApiError::conflict(
            "the phase is published; ask its organizers to withdraw the submission",
        ));
    }
    // As all acts that count in the ranks: who comes second waits here, and not in the middle.
    submissions::lock_team(&mut tx, seen.phase.id, seen.life.team_id).await?;
    let now = db::now(&mut *tx).await?;
    if submissions::withdraw(&mut *tx, id, now).await? {
        let phase = seen.phase.id;
        outbox::announce(&mut tx, now, keys::SUBMISSION_WITHDRAWN, id, Some(phase)).await?;
        if !seen.is_member {
            let details = json!({
                "team_id": seen.life.team_id, "phase_id": phase,
                "from": seen.life.state()?, "to": "withdrawn",
            });
            let actor = Some(caller.user_id);
            audit::append(
                &mut tx,
                now,
                actor,
                "submission.withdrawn",
                id,
                details,
                None,
            )
            .await?;
        }
    }
    let view = view_of(&mut tx, caller, id).await?;
    tx.commit().await?;
    Ok(view)
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use molar_testkit::SubmissionBuilder;
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::World;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn withdrawing_twice_is_announced_once(pool: PgPool) {
        let world = World::new(&pool).await;
        let mine = SubmissionBuilder::new(&world.challenge, &world.team)
            .chosen()
            .insert(&pool)
            .await;
        let path = format!("/api/v1/submissions/{}/withdraw", mine.id);
        for _ in 0..2 {
            let (status, view) = world.post(&path, &json!({})).await;
            assert_eq!(status, StatusCode::OK);
            assert!(view["withdrawn_at"].is_string() && view["is_chosen"] == false);
        }
        let announced = sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM submission.outbox"#);
        assert_eq!(announced.fetch_one(&pool).await.unwrap(), 1);
    }
}
