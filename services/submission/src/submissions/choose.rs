//! `POST /api/v1/submissions/{id}/choose`

use actix_web::web;
use molar_domain::submission::SubmissionState;
use molar_service::db;
use molar_web_kit::{ApiError, Caller, Kit};
use uuid::Uuid;

use super::access::{Seen, see};
use super::find::view_of;
use super::view::SubmissionView;
use crate::rows::submissions;

/// Makes it the team's entry, where the phase keeps the chosen one.
#[utoipa::path(post, path = "/api/v1/submissions/{id}/choose", tag = "submission",
    params(("id" = Uuid, Path)), responses((status = 200, body = SubmissionView)))]
#[tracing::instrument(name = "submissions.choose", skip_all, fields(submission.id = %id))]
pub async fn choose(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<web::Json<SubmissionView>, ApiError> {
    Ok(web::Json(choose_one(&kit, &caller, *id).await?))
}

pub async fn choose_one(kit: &Kit, caller: &Caller, id: Uuid) -> Result<SubmissionView, ApiError> {
    let mut tx = kit.db.begin().await?;
    let seen = see(&mut tx, caller, id).await?;
    seen.require_member()?;
    let now = db::now(&mut *tx).await?;
    require_choice(&seen)?;
    if now >= seen.phase.window.uploads_until() {
        return Err(ApiError::conflict(
            "the phase has closed; its entries stay as they are",
        ));
    }
    let (phase, team) = (seen.life.phase_id, seen.life.team_id);
    submissions::lock_team(&mut tx, phase, team).await?;
    submissions::choose(&mut tx, id, phase, team).await?;
    let view = view_of(&mut tx, caller, id).await?;
    tx.commit().await?;
    Ok(view)
}

fn require_choice(seen: &Seen) -> Result<(), ApiError> {
    if seen.phase.keep != "chosen" {
        let detail = format!("the phase keeps each team's {} submission", seen.phase.keep);
        return Err(ApiError::conflict(detail));
    }
    seen.require_no_trial()?;
    if seen.life.withdrawn_at.is_some() {
        return Err(ApiError::conflict("the submission was withdrawn"));
    }
    let state = seen.life.state()?;
    if state.is_final() && state != SubmissionState::Scored {
        let detail = format!("the submission is {state} and will have no scores");
        return Err(ApiError::conflict(detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use molar_domain::phase::Keep;
    use molar_testkit::{ChallengeBuilder, SubmissionBuilder};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::testing::{World, open_phase};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_last_choice_is_the_only_one(pool: PgPool) {
        let phase = open_phase().keep(Keep::Chosen);
        let world = World::with(&pool, ChallengeBuilder::new("sts").phase(phase)).await;
        let first = SubmissionBuilder::new(&world.challenge, &world.team)
            .chosen()
            .insert(&pool)
            .await;
        let second = SubmissionBuilder::new(&world.challenge, &world.team)
            .insert(&pool)
            .await;
        let (status, view) = world
            .post(
                &format!("/api/v1/submissions/{}/choose", second.id),
                &json!({}),
            )
            .await;
        assert_eq!((status, &view["is_chosen"]), (StatusCode::OK, &json!(true)));
        assert_eq!(world.find(first.id.0).await["is_chosen"], false);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn nothing_is_chosen_once_the_phase_takes_no_upload_any_more(pool: PgPool) {
        let phase = open_phase().keep(Keep::Chosen);
        let world = World::with(&pool, ChallengeBuilder::new("sts").phase(phase)).await;
        let mine = SubmissionBuilder::new(&world.challenge, &world.team)
            .insert(&pool)
            .await;
        let page = format!("/submissions/{}", mine.id);
        let button = format!("{page}/choose");
        let (_, html) = world.page(&page).await;
        assert!(html.contains(&button), "{html}");

        let close = "UPDATE tracks.phases SET closes_at = clock_timestamp() - make_interval(secs => upload_grace_s)";
        sqlx::raw_sql(close).execute(&pool).await.unwrap();
        let (_, html) = world.page(&page).await;
        assert!(!html.contains(&button), "{html}");
        let (status, problem) = world.post(&format!("/api/v1{button}"), &json!({})).await;
        assert_eq!(status, StatusCode::CONFLICT, "{problem:#}");
        assert!(!world.find(mine.id.0).await["is_chosen"].as_bool().unwrap());
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_phase_that_keeps_the_latest_takes_no_choice(pool: PgPool) {
        let world = World::new(&pool).await;
        let mine = SubmissionBuilder::new(&world.challenge, &world.team)
            .insert(&pool)
            .await;
        let (status, problem) = world
            .post(
                &format!("/api/v1/submissions/{}/choose", mine.id),
                &json!({}),
            )
            .await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert_eq!(
            problem["detail"],
            "the phase keeps each team's latest submission"
        );
    }
}
