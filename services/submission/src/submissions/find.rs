//! `GET /api/v1/submissions/{id}`

use actix_web::web;
use molar_web_kit::{ApiError, Caller, Kit};
use sqlx::PgConnection;
use uuid::Uuid;

use super::access::{Seen, see};
use super::image::ImageView;
use super::queue;
use super::view::SubmissionView;
use crate::rows::{images, life, removals};

/// A submission: its state, its whole history, and what is wrong with it.
#[utoipa::path(get, path = "/api/v1/submissions/{id}", tag = "submission",
    params(("id" = Uuid, Path)), responses((status = 200, body = SubmissionView)))]
#[tracing::instrument(name = "submissions.find", skip_all, fields(submission.id = %id))]
pub async fn find(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<web::Json<SubmissionView>, ApiError> {
    let mut conn = kit.db.acquire().await?;
    Ok(web::Json(view_of(&mut conn, &caller, *id).await?))
}

/// As the connection's transaction sees it.
pub async fn view_of(
    conn: &mut PgConnection,
    caller: &Caller,
    id: Uuid,
) -> Result<SubmissionView, ApiError> {
    let seen = see(&mut *conn, caller, id).await?;
    view(conn, seen).await
}

pub async fn view(conn: &mut PgConnection, seen: Seen) -> Result<SubmissionView, ApiError> {
    let team_id = seen.life.team_id;
    let mut teams = life::team_names(&mut *conn, &[team_id]).await?;
    let team = teams.remove(&team_id).unwrap_or_default();
    let id = seen.life.submission_id;
    let report = images::report(&mut *conn, id).await?;
    let removed = removals::of_submission(&mut *conn, id).await?;
    let queue = queue::find(conn, &seen.life, seen.life.state()?).await?;
    let view = SubmissionView::of(seen.life, &seen.phase, team)?;
    Ok(SubmissionView {
        image: report.and_then(ImageView::of),
        queue,
        files_removed: removed.map(Into::into),
        ..view
    })
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use molar_domain::FailureCode;
    use molar_domain::phase::SubmissionKind;
    use molar_testkit::{AttemptBuilder, ChallengeBuilder, SubmissionBuilder};
    use serde_json::json;
    use sqlx::{PgPool, Row};

    use crate::testing::{World, open_phase};

    /// Of a million evaluations each such look read all, and a page took a second.
    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_life_is_found_by_indexes_however_many_evaluations_there_are(pool: PgPool) {
        let explain = "SET enable_seqscan = off;
            EXPLAIN SELECT * FROM submission.life
            WHERE submission_id = '00000000-0000-0000-0000-000000000000'";
        let plan = sqlx::raw_sql(explain).fetch_all(&pool).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|line| line.get(0)).collect();
        let plan = plan.join("\n");
        for index in ["evaluations_of_submission", "evaluations_of_attempt"] {
            assert!(plan.contains(index), "{index} is not used: {plan}");
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_failed_container_tells_its_whole_history_and_the_way_out(pool: PgPool) {
        let phase = open_phase().kind(SubmissionKind::Container);
        let world = World::with(&pool, ChallengeBuilder::new("sts").canary().phase(phase)).await;
        let submission = SubmissionBuilder::new(&world.challenge, &world.team)
            .container()
            .insert(&pool)
            .await;
        AttemptBuilder::new(&world.challenge, &submission)
            .failed(FailureCode::CanaryFailed)
            .insert(&pool)
            .await;
        let mut found = world.find(submission.id.0).await;
        for id in ["id", "phase_id", "team_id", "sha256", "image_digest"] {
            found[id] = json!("…");
        }
        insta::assert_json_snapshot!(found, @r#"
        {
          "advice": "The image failed on the public trial case, so no hidden case was run and no quota was spent. Its log is shown.",
          "code_url": null,
          "complaints": [],
          "created_at": "2026-09-01T12:00:00Z",
          "failure": "canary-failed",
          "files_removed": null,
          "history": [
            {
              "at": "2026-09-01T12:00:00Z",
              "detail": "4 KiB declared",
              "what": "created"
            },
            {
              "at": "2026-09-01T12:00:00Z",
              "detail": "",
              "what": "queued"
            },
            {
              "at": "2026-09-01T12:01:00Z",
              "detail": "waits for its check",
              "what": "uploaded"
            },
            {
              "at": "2026-09-01T12:01:00Z",
              "detail": "the check found nothing wrong",
              "what": "accepted"
            },
            {
              "at": "2026-09-01T12:10:00Z",
              "detail": "canary-failed",
              "what": "failed"
            }
          ],
          "id": "…",
          "image": null,
          "image_digest": "…",
          "is_chosen": false,
          "is_final": true,
          "is_trial": false,
          "kind": "container",
          "note": "",
          "notes": [],
          "phase": "sts/teeth/validation",
          "phase_id": "…",
          "progress": {
            "cases": 0,
            "final_runs": 3,
            "runs": 3,
            "scored_cases": 0,
            "worst_cases": 0
          },
          "queue": null,
          "quota": "reserved",
          "sha256": "…",
          "size_bytes": 4096,
          "state": "failed",
          "team": "Ours",
          "team_id": "…",
          "withdrawn_at": null
        }
        "#);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn others_do_not_see_it_and_organizers_do(pool: PgPool) {
        let world = World::new(&pool).await;
        let id = world.create("{}").await;
        let path = format!("/api/v1/submissions/{id}");
        let stranger = molar_web_kit::testing::person(&pool, "Stranger").await;
        assert_eq!(
            world.get_as(&stranger, &path).await.0,
            StatusCode::NOT_FOUND
        );
        let organizer =
            molar_web_kit::testing::organizer(&pool, "Organizer", world.challenge.id).await;
        assert_eq!(world.get_as(&organizer, &path).await.0, StatusCode::OK);
        let nothing = format!("/api/v1/submissions/{}", world.team.id);
        assert_eq!(
            world.get_as(&organizer, &nothing).await.0,
            StatusCode::NOT_FOUND
        );
        assert_eq!(
            world.get_as(&organizer, "/api/v1/submissions/7").await.0,
            StatusCode::NOT_FOUND
        );
    }
}
