//! `POST /api/v1/submissions/{id}/withdraw`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_contracts::keys;
use molar_domain::phase::Window;
use molar_service::{audit, db, outbox};
use molar_web_kit::{ApiError, Caller, Kit};
use serde_json::json;
use uuid::Uuid;

use super::access::see;
use super::find::view_of;
use super::view::SubmissionView;
use crate::rows::submissions;

/// Takes a submission out of the ranks, for good. Its quota stays spent. Its team may do so until the phase has closed and
/// takes no upload any more, organizers also after that.
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
    // As all acts that count in the ranks: who comes second waits here, and not in the middle.
    submissions::lock_team(&mut tx, seen.phase.id, seen.life.team_id).await?;
    let now = db::now(&mut *tx).await?;
    let refusal = refusal(&seen.phase.window, now);
    if let Some(why) = refusal.filter(|_| !seen.is_organizer) {
        return Err(ApiError::conflict(why));
    }
    if submissions::withdraw(&mut *tx, id, now).await? {
        let phase = seen.phase.id;
        outbox::announce(&mut tx, now, keys::SUBMISSION_WITHDRAWN, id, Some(phase)).await?;
        // Also of an organizer's own team: that right is not the team's.
        if !seen.is_member || refusal.is_some() {
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

/// Why a team itself takes nothing out of the ranks any more. Once they are final, whoever knows all scores would choose
/// among its own by what it withdraws.
pub fn refusal(window: &Window, now: DateTime<Utc>) -> Option<&'static str> {
    if now >= window.uploads_until() {
        Some(
            "the phase has closed and its entries stay as they are; ask its organizers to withdraw the submission",
        )
    } else if window.is_published {
        Some("the phase is published; ask its organizers to withdraw the submission")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use chrono::TimeDelta;
    use molar_domain::phase::{Opening, Window};
    use molar_testkit::{EvaluationBuilder, SubmissionBuilder, noon};
    use molar_web_kit::testing::organizer;
    use serde_json::json;
    use sqlx::PgPool;

    use super::refusal;
    use crate::testing::World;

    /// Uploads end so many seconds ago; below zero: they go on for as long.
    async fn end_uploads(pool: &PgPool, ago_s: f64) {
        sqlx::query!(
            "UPDATE tracks.phases SET closes_at = clock_timestamp() - make_interval(secs => upload_grace_s + $1::float8)",
            ago_s,
        )
        .execute(pool)
        .await
        .unwrap();
    }

    #[test]
    fn a_team_withdraws_nothing_from_the_moment_on_that_takes_no_upload_any_more() {
        let window = Window {
            opening: Opening {
                at: noon(),
                is_held: false,
            },
            closes_at: noon() + TimeDelta::hours(1),
            upload_grace_s: 60,
            is_paused: false,
            is_published: false,
        };
        let until = window.closes_at + TimeDelta::seconds(60);
        assert_eq!(refusal(&window, window.closes_at), None);
        assert_eq!(refusal(&window, until - TimeDelta::milliseconds(1)), None);
        assert!(refusal(&window, until).is_some());
        let published = Window {
            is_published: true,
            ..window
        };
        assert!(refusal(&published, noon()).is_some());
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_latest_of_a_closed_phase_is_withdrawn_by_organizers_alone(pool: PgPool) {
        let world = World::new(&pool).await;
        let latest = SubmissionBuilder::new(&world.challenge, &world.team)
            .insert(&pool)
            .await;
        EvaluationBuilder::new(&world.challenge, &latest, json!({"IA": 0.25}))
            .insert(&pool)
            .await;
        let page = format!("/submissions/{}", latest.id);
        let path = format!("/api/v1{page}/withdraw");
        let button = format!("{page}/withdraw");
        end_uploads(&pool, -60.0).await;
        let (_, html) = world.page(&page).await;
        assert!(html.contains(&button), "{html}");

        end_uploads(&pool, 0.0).await;
        let (_, html) = world.page(&page).await;
        assert!(!html.contains(&button), "{html}");
        let (status, problem) = world.post(&path, &json!({})).await;
        assert_eq!(status, StatusCode::CONFLICT, "{problem:#}");
        assert_eq!(
            problem["detail"],
            "the phase has closed and its entries stay as they are; ask its organizers to withdraw the submission"
        );
        assert!(world.find(latest.id.0).await["withdrawn_at"].is_null());

        let olga = organizer(&pool, "Olga", world.challenge.id).await;
        let (_, html) = world.page_as(&olga, &page).await;
        assert!(html.contains(&button), "{html}");
        let (status, view) = world.post_as(&olga, &path, &json!({})).await;
        assert_eq!(status, StatusCode::OK, "{view:#}");
        assert!(view["withdrawn_at"].is_string(), "{view:#}");
        let audited = sqlx::query_scalar!("SELECT action FROM audit.entries");
        assert_eq!(
            audited.fetch_all(&pool).await.unwrap(),
            ["submission.withdrawn"]
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_team_withdraws_while_uploads_that_began_in_time_may_still_complete(pool: PgPool) {
        let world = World::new(&pool).await;
        let mine = SubmissionBuilder::new(&world.challenge, &world.team)
            .insert(&pool)
            .await;
        end_uploads(&pool, -60.0).await;
        let path = format!("/api/v1/submissions/{}/withdraw", mine.id);
        let (status, view) = world.post(&path, &json!({})).await;
        assert_eq!(status, StatusCode::OK, "{view:#}");
    }

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
