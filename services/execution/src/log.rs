//! `GET /api/v1/case-runs/{id}/log`

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use molar_domain::{ChallengeId, TeamId};
use molar_objects::Bucket;
use molar_web_kit::{ApiError, Caller, Kit};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::Error;
use crate::state::State;

struct Kept {
    key: String,
    team: TeamId,
    challenge: ChallengeId,
}

/// What the container wrote while it was tried on the public case.
///
/// For its team, organizers and reviewers. The log of a hidden case is shown to no team: a container could
/// write the image into it.
#[utoipa::path(get, path = "/api/v1/case-runs/{id}/log", tag = "execution", params(("id" = Uuid, Path)),
    responses((status = 200, body = String, content_type = "text/plain")))]
#[tracing::instrument(name = "case_runs.find_log", skip_all, fields(case_run.id = %*id))]
pub async fn find(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let none = || ApiError::NotFound("log");
    let log = of_canary(&kit.db, *id).await?.ok_or_else(none)?;
    if !caller.is_member(log.team) && !caller.may_review(log.challenge) {
        return Err(none());
    }
    let object = match state.store.open(Bucket::Logs, &log.key).await {
        Ok(object) => object,
        Err(molar_objects::Error::NotFound) => return Err(none()),
        Err(error) => return Err(Error::from(error).into()),
    };
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .streaming(object.into_stream()))
}

async fn of_canary(db: impl PgExecutor<'_>, id: Uuid) -> sqlx::Result<Option<Kept>> {
    let row = sqlx::query!(
        r#"SELECT r.log_key AS "key!", a.team_id, p.challenge_id AS "challenge_id!"
           FROM execution.case_runs r
           JOIN execution.attempts a ON a.id = r.attempt_id
           JOIN tracks.phase_facts p ON p.phase_id = a.phase_id
           JOIN tracks.stored_cases c ON c.case_id = r.case_id
           WHERE r.id = $1 AND r.kind = 'canary' AND c.image_bucket = 'public' AND r.log_key IS NOT NULL"#,
        id,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Kept {
        key: row.key,
        team: row.team_id.into(),
        challenge: row.challenge_id.into(),
    }))
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, read_body};
    use actix_web::web;
    use molar_domain::FailureCode;
    use molar_domain::worker_api::{Finish, Grant, Stored};
    use molar_web_kit::testing::{Person, app, organizer, person};
    use sha2::{Digest as _, Sha256};
    use sqlx::PgPool;

    use super::*;
    use crate::routes;
    use crate::testing::{World, failed};

    /// Puts a log where the grant's belongs and ends the run with `report`.
    async fn finish_with_log(world: &World, grant: &Grant, report: Finish, log: &str) {
        let key = format!(
            "attempt/{}/{}/{}/log.txt",
            grant.attempt_id, grant.case_run_id, grant.lease_token
        );
        let kept = Stored {
            size_bytes: log.len() as u64,
            sha256: hex::encode(Sha256::digest(log)),
        };
        let store = &world.state.store;
        let put = store.put_bytes(Bucket::Logs, &key, "text/plain", log.to_owned());
        put.await.unwrap();
        let report = Finish {
            log: Some(kept),
            ..report
        };
        assert_eq!(world.finish(grant, &report).await, 204);
    }

    async fn get(world: &World, who: &Person, run: Uuid) -> (u16, String) {
        let state = world.state.clone();
        let app = app(
            world.kit.clone(),
            routes(),
            |config: &mut web::ServiceConfig| {
                config.app_data(state);
            },
        )
        .await;
        let request = TestRequest::get()
            .uri(&format!("/api/v1/case-runs/{run}/log"))
            .insert_header(who.bearer());
        let answer = call_service(&app, request.to_request()).await;
        let status = answer.status().as_u16();
        let body = String::from_utf8(read_body(answer).await.to_vec()).unwrap();
        (status, body)
    }

    async fn join_the_team(world: &World, who: &Person) {
        sqlx::query!(
            "INSERT INTO registration.memberships (team_id, user_id, joined_at)
             SELECT team_id, $1, created_at FROM submission.submissions WHERE id = $2",
            who.id.0,
            world.submission.0,
        )
        .execute(&world.pool)
        .await
        .unwrap();
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_trials_log_is_for_its_team_and_organizers(pool: PgPool) {
        let world = World::new(pool).await;
        let canary = world.claim().await.unwrap();
        let report = failed(&canary, FailureCode::NoPrediction);
        finish_with_log(&world, &canary, report, "no such file: model.bin").await;

        let member = person(&world.pool, "Member").await;
        join_the_team(&world, &member).await;
        let boss = organizer(&world.pool, "Boss", world.challenge.id).await;
        for reader in [&member, &boss] {
            let (status, log) = get(&world, reader, canary.case_run_id).await;
            assert_eq!((status, log.as_str()), (200, "no such file: model.bin"));
        }
        let stranger = person(&world.pool, "Stranger").await;
        assert_eq!(get(&world, &stranger, canary.case_run_id).await.0, 404);
        assert_eq!(get(&world, &boss, Uuid::new_v4()).await.0, 404);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_log_of_a_hidden_case_is_for_no_team(pool: PgPool) {
        let world = World::new(pool).await;
        world.run_one().await;
        let hidden = world.claim().await.unwrap();
        let report = world.predicted(&hidden).await;
        finish_with_log(&world, &hidden, report, "the image, in base64").await;
        let member = person(&world.pool, "Member").await;
        join_the_team(&world, &member).await;
        assert_eq!(get(&world, &member, hidden.case_run_id).await.0, 404);
    }
}
