//! `POST /api/v1/submissions/{id}/cancel`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_contracts::keys;
use molar_service::{audit, db, outbox};
use molar_web_kit::{ApiError, Caller, Kit};
use serde_json::json;
use uuid::Uuid;

use super::access::{Seen, see};
use super::find::view_of;
use super::view::SubmissionView;
use crate::rows::{submissions, uploads};
use crate::state::State;
use crate::{quota, sweeper};

/// Ends a submission that is not final. Before anything was spent, its quota comes back. Its team may do so until the phase
/// has closed, organizers also after that.
#[utoipa::path(post, path = "/api/v1/submissions/{id}/cancel", tag = "submission",
    params(("id" = Uuid, Path)), responses((status = 200, body = SubmissionView)))]
#[tracing::instrument(name = "submissions.cancel", skip_all, fields(submission.id = %id))]
pub async fn cancel(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<web::Json<SubmissionView>, ApiError> {
    Ok(web::Json(cancel_one(&kit, &state, &caller, *id).await?))
}

pub async fn cancel_one(
    kit: &Kit,
    state: &State,
    caller: &Caller,
    id: Uuid,
) -> Result<SubmissionView, ApiError> {
    let mut tx = kit.db.begin().await?;
    see(&mut tx, caller, id)
        .await?
        .require_member_or_organizer()?;
    let upload = uploads::lock(&mut tx, id).await?;
    // Again under the lock: a verdict may have come in between.
    let seen = see(&mut tx, caller, id).await?;
    let is = seen.life.state()?;
    if is.is_final() {
        let detail = format!("the submission is {is}; only one that is not final can be cancelled");
        return Err(ApiError::conflict(detail));
    }
    if seen.life.is_rerun {
        return Err(ApiError::conflict(
            "the organizers run it again, and what it was scored stays; it can be withdrawn from the ranks, by its team until the phase has closed",
        ));
    }
    let now = db::now(&mut *tx).await?;
    if !seen.is_organizer && is_kept(&seen, now) {
        return Err(ApiError::conflict(
            "the phase has closed and its entries stay as they are; ask its organizers to cancel the submission",
        ));
    }
    submissions::cancel(&mut *tx, id, caller.user_id.0, now).await?;
    let is_undecided = uploads::cancel(&mut *tx, id, now).await?;
    quota::settle_one(&mut tx, id, now).await?;
    let phase = seen.phase.id;
    outbox::announce(&mut tx, now, keys::SUBMISSION_CANCELLED, id, Some(phase)).await?;
    let view = view_of(&mut tx, caller, id).await?;
    if !seen.is_member {
        let details = json!({
            "team_id": seen.life.team_id, "phase_id": phase, "from": is, "to": view.state,
        });
        let actor = Some(caller.user_id);
        audit::append(
            &mut tx,
            now,
            actor,
            "submission.cancelled",
            id,
            details,
            None,
        )
        .await?;
    }
    tx.commit().await?;
    if is_undecided {
        // Where it could not be noted the sweeper does it again.
        let _ = sweeper::drop_file(&kit.db, &state.store, &upload).await;
    }
    Ok(view)
}

/// What is in work when its phase closes is not for its team to take back: it sees the cases as they are scored, and would
/// have an earlier submission count where those are bad.
pub fn is_kept(seen: &Seen, now: DateTime<Utc>) -> bool {
    !seen.life.is_trial && now >= seen.phase.window.uploads_until()
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use molar_domain::attempt::AttemptState;
    use molar_domain::phase::SubmissionKind;
    use molar_testkit::{AttemptBuilder, ChallengeBuilder, SubmissionBuilder};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{World, open_phase, predictions_zip};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_cancelled_upload_gives_its_quota_back_and_stays_cancelled(pool: PgPool) {
        let world = World::new(&pool).await;
        let zip = predictions_zip(&["Case_01", "Case_02"]);
        let (id, parts) = world.put(&zip, &zip).await;
        let path = format!("/api/v1/submissions/{id}/cancel");
        let (status, cancelled) = world.post(&path, &json!({})).await;
        assert_eq!(status, StatusCode::OK, "{cancelled:#}");
        assert_eq!(cancelled["state"], "cancelled");
        assert_eq!(cancelled["quota"], "returned");

        let (status, problem) = world.post(&path, &json!({})).await;
        assert_eq!(status, StatusCode::CONFLICT);
        insta::assert_json_snapshot!(problem, @r#"
        {
          "detail": "the submission is cancelled; only one that is not final can be cancelled",
          "status": 409,
          "title": "This does not fit the present state",
          "type": "/problems/conflict"
        }
        "#);
        let complete = format!("/api/v1/submissions/{id}/complete");
        let (status, problem) = world.post(&complete, &parts).await;
        assert_eq!(
            (status, &problem["detail"]),
            (StatusCode::CONFLICT, &json!("the submission was cancelled"))
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_check_under_way_is_taken_out_of_its_checkers_hands(pool: PgPool) {
        let world = World::new(&pool).await;
        let id = world
            .submit(&predictions_zip(&["Case_01", "Case_02"]))
            .await;
        world
            .post(&format!("/api/v1/submissions/{id}/cancel"), &json!({}))
            .await;
        assert_eq!(world.run_checks().await, 0);
        assert_eq!(world.find(id).await["state"], "cancelled");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_running_container_is_cancelled_by_an_organizer_and_audited(pool: PgPool) {
        let phase = open_phase().kind(SubmissionKind::Container);
        let world = World::with(&pool, ChallengeBuilder::new("sts").canary().phase(phase)).await;
        let submission = SubmissionBuilder::new(&world.challenge, &world.team)
            .container()
            .insert(&pool)
            .await;
        let attempt =
            AttemptBuilder::new(&world.challenge, &submission).state(AttemptState::Running);
        attempt.insert(&pool).await;
        let organizer =
            molar_web_kit::testing::organizer(&pool, "Organizer", world.challenge.id).await;
        let page = format!("/submissions/{}", submission.id);
        let button = format!("{page}/cancel");
        let path = format!("/api/v1{button}");
        assert!(world.page(&page).await.1.contains(&button));
        // From then on its team sees what comes out of it, and does not choose.
        let close = "UPDATE tracks.phases SET closes_at = clock_timestamp() - make_interval(secs => upload_grace_s)";
        sqlx::raw_sql(close).execute(&pool).await.unwrap();
        assert!(!world.page(&page).await.1.contains(&button));
        let (status, problem) = world.post(&path, &json!({})).await;
        assert_eq!(status, StatusCode::CONFLICT, "{problem:#}");
        assert_eq!(world.find(submission.id.0).await["state"], "running");
        let (status, cancelled) = world.post_as(&organizer, &path, &json!({})).await;
        assert_eq!(
            (status, &cancelled["state"]),
            (StatusCode::OK, &json!("cancelled"))
        );
        // Its canary had passed.
        assert_eq!(cancelled["quota"], "spent");
        let audited = sqlx::query_scalar!("SELECT action FROM audit.entries");
        assert_eq!(
            audited.fetch_one(&pool).await.unwrap(),
            "submission.cancelled"
        );
        let announced = sqlx::query_scalar!("SELECT routing_key FROM submission.outbox");
        assert_eq!(
            announced.fetch_one(&pool).await.unwrap(),
            "submission.cancelled"
        );
    }
}
