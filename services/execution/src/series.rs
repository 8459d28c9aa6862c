//! `GET /api/v1/case-runs/{id}/series`

use actix_web::http::header::{ContentDisposition, DispositionParam, DispositionType};
use actix_web::{HttpResponse, web};
use molar_domain::series::{MOST_PACKED_BYTES, Series};
use molar_domain::{ChallengeId, TeamId};
use molar_objects::{Bucket, Store};
use molar_web_kit::{ApiError, Caller, Kit};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::state::State;
use crate::{Error, retention};

struct Kept {
    key: String,
    team: TeamId,
    challenge: ChallengeId,
    is_public: bool,
}

/// What a run used, a value every 0.1 s.
///
/// Of a public case for its team, organizers and reviewers; of a hidden case for organizers and reviewers
/// only: a container could write the image into its memory curve.
#[utoipa::path(get, path = "/api/v1/case-runs/{id}/series", tag = "execution", params(("id" = Uuid, Path)),
    responses((status = 200, body = Object, content_type = "application/json")))]
#[tracing::instrument(name = "case_runs.find_series", skip_all, fields(case_run.id = %*id))]
pub async fn find(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    caller: Caller,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let none = || ApiError::NotFound("series");
    let kept = of_run(&kit.db, *id).await?.ok_or_else(none)?;
    let is_theirs = kept.is_public && caller.is_member(kept.team);
    if !is_theirs && !caller.may_review(kept.challenge) {
        return Err(none());
    }
    retention::require_kept(&kit.db, *id).await?;
    let series = read(&state.store, &kept.key).await?.ok_or_else(none)?;
    Ok(HttpResponse::Ok()
        .insert_header(ContentDisposition {
            disposition: DispositionType::Attachment,
            parameters: vec![DispositionParam::Filename(format!("series-{id}.json"))],
        })
        .json(series))
}

async fn read(store: &Store, key: &str) -> Result<Option<Series>, ApiError> {
    let packed = match store.get_bytes(Bucket::Logs, key, MOST_PACKED_BYTES).await {
        Ok(packed) => packed,
        Err(molar_objects::Error::NotFound) => return Ok(None),
        Err(error) => return Err(Error::from(error).into()),
    };
    match Series::unpack(&packed) {
        Ok(series) => Ok(Some(series)),
        Err(error) => {
            tracing::warn!(key, %error, "a series that is none");
            Ok(None)
        }
    }
}

async fn of_run(db: impl PgExecutor<'_>, id: Uuid) -> sqlx::Result<Option<Kept>> {
    let row = sqlx::query!(
        r#"SELECT r.series_key AS "key!", m.is_public AS "is_public!", a.team_id, p.challenge_id AS "challenge_id!"
           FROM execution.case_run_measures m
           JOIN execution.case_runs r ON r.id = m.case_run_id
           JOIN execution.attempts a ON a.id = m.attempt_id
           JOIN tracks.phase_facts p ON p.phase_id = a.phase_id
           WHERE m.case_run_id = $1 AND r.series_key IS NOT NULL"#,
        id,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Kept {
        key: row.key,
        team: row.team_id.into(),
        challenge: row.challenge_id.into(),
        is_public: row.is_public,
    }))
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, read_body};
    use molar_domain::FailureCode;
    use molar_domain::worker_api::{Finish, Grant, Stored};
    use molar_web_kit::testing::{Person, app, organizer, person};
    use serde_json::Value;
    use sha2::{Digest as _, Sha256};
    use sqlx::PgPool;

    use super::*;
    use crate::routes;
    use crate::testing::{World, failed};

    fn curves() -> Series {
        Series {
            wall_ms: 1500,
            t_ms: vec![100, 200],
            cpu_percent: vec![50.0, 100.0],
            memory_mib: vec![12.5, 300.0],
            gpu_used_mib: Vec::new(),
        }
    }

    /// Puts curves where the grant's belong; returns what a report says of them.
    async fn put(world: &World, grant: &Grant, packed: Vec<u8>) -> Stored {
        let key = format!(
            "attempt/{}/{}/{}/series.json.gz",
            grant.attempt_id, grant.case_run_id, grant.lease_token
        );
        let stored = Stored {
            size_bytes: packed.len() as u64,
            sha256: hex::encode(Sha256::digest(&packed)),
        };
        let store = &world.state.store;
        let put = store.put_bytes(Bucket::Logs, &key, "application/gzip", packed);
        put.await.unwrap();
        stored
    }

    async fn get(world: &World, who: &Person, run: Uuid) -> (u16, Value) {
        let state = world.state.clone();
        let configure = |config: &mut web::ServiceConfig| {
            config.app_data(state);
        };
        let app = app(world.kit.clone(), routes(), configure).await;
        let request = TestRequest::get()
            .uri(&format!("/api/v1/case-runs/{run}/series"))
            .insert_header(who.bearer());
        let answer = call_service(&app, request.to_request()).await;
        let status = answer.status().as_u16();
        let body = read_body(answer).await;
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_team_reads_the_curves_of_its_public_case_and_organizers_those_of_all(pool: PgPool) {
        let world = World::new(pool).await;
        let member = world.member().await;
        let boss = organizer(&world.pool, "Boss", world.challenge.id).await;
        let stranger = person(&world.pool, "Stranger").await;
        let mut runs = Vec::new();
        for _ in 0..2 {
            let grant = world.claim().await.unwrap();
            let series = put(&world, &grant, curves().pack().unwrap()).await;
            let report = Finish {
                series: Some(series),
                ..world.predicted(&grant).await
            };
            assert_eq!(world.finish(&grant, &report).await, 204);
            runs.push(grant.case_run_id);
        }
        let (canary, hidden) = (runs[0], runs[1]);
        let expected = serde_json::to_value(curves()).unwrap();
        assert_eq!(get(&world, &member, canary).await, (200, expected.clone()));
        assert_eq!(get(&world, &member, hidden).await.0, 404);
        assert_eq!(get(&world, &boss, hidden).await, (200, expected));
        assert_eq!(get(&world, &stranger, canary).await.0, 404);

        sqlx::query!(
            "WITH gone AS (INSERT INTO execution.removals (id, phase_id, retention_days, begun_at)
                 SELECT gen_random_uuid(), phase_id, 90, '2027-03-02T05:00:00Z' FROM execution.attempts RETURNING id)
             UPDATE execution.attempts SET removal_id = gone.id FROM gone"
        )
        .execute(&world.pool)
        .await
        .unwrap();
        let (status, problem) = get(&world, &member, canary).await;
        assert_eq!(status, 410);
        let told = problem["detail"].as_str().unwrap();
        assert!(
            told.starts_with("removed on 2 March 2027 under the phase's retention of 90 days"),
            "{told}"
        );
        assert_eq!(get(&world, &boss, hidden).await.0, 410);
        assert_eq!(get(&world, &member, hidden).await.0, 404);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_report_loses_nothing_else_by_curves_that_are_not_there(pool: PgPool) {
        let world = World::new(pool).await;
        let boss = organizer(&world.pool, "Boss", world.challenge.id).await;
        let grant = world.claim().await.unwrap();
        let report = Finish {
            series: Some(Stored {
                size_bytes: 4,
                sha256: "no digest".to_owned(),
            }),
            cpu_core_s: Some(1.25),
            memory_area_mib_s: Some(300.0),
            kernel_peak_memory_bytes: Some(2 << 20),
            ..failed(&grant, FailureCode::TimedOut)
        };
        assert_eq!(world.finish(&grant, &report).await, 204);
        let row = sqlx::query!(
            "SELECT failure, series_key, usage, cpu_core_s, memory_area_mib_s, kernel_peak_memory_bytes
             FROM execution.case_runs WHERE id = $1",
            grant.case_run_id
        )
        .fetch_one(&world.pool)
        .await
        .unwrap();
        assert_eq!(row.failure.as_deref(), Some("timed-out"));
        assert_eq!((row.series_key, row.usage), (None, None));
        assert_eq!(row.cpu_core_s, Some(1.25));
        assert_eq!(row.memory_area_mib_s, Some(300.0));
        assert_eq!(row.kernel_peak_memory_bytes, Some(2 << 20));
        assert_eq!(get(&world, &boss, grant.case_run_id).await.0, 404);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn what_a_worker_put_is_not_shown_when_it_is_no_series(pool: PgPool) {
        let world = World::new(pool).await;
        let boss = organizer(&world.pool, "Boss", world.challenge.id).await;
        let grant = world.claim().await.unwrap();
        let series = put(&world, &grant, b"the image".to_vec()).await;
        let report = Finish {
            series: Some(series),
            ..world.predicted(&grant).await
        };
        assert_eq!(world.finish(&grant, &report).await, 204);
        assert_eq!(get(&world, &boss, grant.case_run_id).await.0, 404);
    }
}
