//! `POST /worker/v1/case-runs/{id}/output`, `…/log` and `…/series`

use actix_web::web;
use molar_domain::series::MOST_PACKED_BYTES;
use molar_domain::worker_api::{Put, PutUrl};
use molar_domain::{CaseRunId, WorkerId};
use molar_objects::Bucket;
use molar_web_kit::{ApiError, Kit};
use uuid::Uuid;

use super::{LOG_NAME, SERIES_NAME, held, key, sha256};
use crate::rows::inputs::{self, URL_TTL};
use crate::state::State;

/// Where the prediction is to be put.
#[tracing::instrument(name = "case_runs.output", skip_all, fields(case_run.id = %*id))]
pub async fn output(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    worker: web::ReqData<WorkerId>,
    id: web::Path<Uuid>,
    body: web::Json<Put>,
) -> Result<web::Json<PutUrl>, ApiError> {
    let run = held(&kit.db, CaseRunId(*id), *worker, body.lease_token).await?;
    let inputs = inputs::find(&kit.db, run.id).await?;
    check_size(&body, inputs.limits.output_bytes)?;
    let key = key(&run, body.lease_token, &inputs.output_name);
    sign(&state, Bucket::Outputs, &key, &body).await
}

/// Where the log is to be put.
#[tracing::instrument(name = "case_runs.log", skip_all, fields(case_run.id = %*id))]
pub async fn log(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    worker: web::ReqData<WorkerId>,
    id: web::Path<Uuid>,
    body: web::Json<Put>,
) -> Result<web::Json<PutUrl>, ApiError> {
    let run = held(&kit.db, CaseRunId(*id), *worker, body.lease_token).await?;
    let inputs = inputs::find(&kit.db, run.id).await?;
    // A byte that is not UTF-8 becomes three, and there is a line for what was left out.
    check_size(&body, 3 * inputs.limits.log_bytes + 4096)?;
    let key = key(&run, body.lease_token, LOG_NAME);
    sign(&state, Bucket::Logs, &key, &body).await
}

/// Where the curves are to be put: with the log, for no key can read the outputs but that of `scoring`.
#[tracing::instrument(name = "case_runs.series", skip_all, fields(case_run.id = %*id))]
pub async fn series(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    worker: web::ReqData<WorkerId>,
    id: web::Path<Uuid>,
    body: web::Json<Put>,
) -> Result<web::Json<PutUrl>, ApiError> {
    let run = held(&kit.db, CaseRunId(*id), *worker, body.lease_token).await?;
    check_size(&body, MOST_PACKED_BYTES)?;
    let key = key(&run, body.lease_token, SERIES_NAME);
    sign(&state, Bucket::Logs, &key, &body).await
}

fn check_size(put: &Put, most: u64) -> Result<(), ApiError> {
    if put.size_bytes <= most {
        return Ok(());
    }
    Err(ApiError::TooLarge(
        format!("has {} bytes, the limit is {most}", put.size_bytes).into(),
    ))
}

async fn sign(
    state: &State,
    bucket: Bucket,
    key: &str,
    put: &Put,
) -> Result<web::Json<PutUrl>, ApiError> {
    let sha256 = sha256("/sha256", &put.sha256)?;
    let signed = state
        .store
        .presign_put(bucket, key, URL_TTL, put.size_bytes, &sha256)
        .await
        .map_err(crate::Error::from)?;
    Ok(web::Json(PutUrl {
        url: signed.url,
        headers: signed.headers.into_iter().collect(),
    }))
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::*;
    use crate::testing::World;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_output_is_put_below_its_lease_and_no_larger_than_allowed(pool: PgPool) {
        let world = World::new(pool).await;
        let grant = world.claim().await.unwrap();
        let path = format!("case-runs/{}/output", grant.case_run_id);
        let put = Put {
            lease_token: grant.lease_token,
            size_bytes: 10,
            sha256: "ab".repeat(32),
        };
        let (status, body) = world.call(&path, &put).await;
        assert_eq!(status, 200);
        let url = body["url"].as_str().unwrap();
        assert!(
            url.contains(&format!("/{}/Canary_01_Mask.json?", grant.lease_token)),
            "{url}"
        );

        let large = Put {
            size_bytes: grant.limits.output_bytes + 1,
            ..put.clone()
        };
        assert_eq!(world.call(&path, large).await.0, 413);
        let odd = Put {
            sha256: "xyz".to_owned(),
            ..put.clone()
        };
        assert_eq!(world.call(&path, odd).await.0, 422);
        let forged = Put {
            lease_token: Uuid::new_v4(),
            ..put.clone()
        };
        assert_eq!(world.call(&path, forged).await.0, 409);
        let log = format!("case-runs/{}/log", grant.case_run_id);
        assert_eq!(world.call(&log, &put).await.0, 200);
        let series = format!("case-runs/{}/series", grant.case_run_id);
        let (status, body) = world.call(&series, &put).await;
        assert_eq!(status, 200);
        let url = body["url"].as_str().unwrap();
        assert!(url.contains(&format!("/{}/series.json.gz?", grant.lease_token)));
        let large = Put {
            size_bytes: MOST_PACKED_BYTES + 1,
            ..put
        };
        assert_eq!(world.call(&series, large).await.0, 413);
    }
}
