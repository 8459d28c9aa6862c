//! `POST /worker/v1/case-runs/{id}/log-pieces`

use actix_web::{HttpResponse, web};
use molar_domain::worker_api::{LIVE_LOG_BYTES, LogPiece};
use molar_domain::{CaseRunId, WorkerId};
use molar_web_kit::{ApiError, Kit};
use uuid::Uuid;

use super::held;
use crate::Error;
use crate::rows::logs;

/// A byte that is not UTF-8 becomes three.
const TEXT_BYTES_MAX: usize = 3 * LIVE_LOG_BYTES;

/// What a container wrote on its public case since the last piece, for its team to read along.
#[tracing::instrument(name = "case_runs.log_piece", skip_all, fields(case_run.id = %*id))]
pub async fn log_piece(
    kit: web::Data<Kit>,
    worker: web::ReqData<WorkerId>,
    id: web::Path<Uuid>,
    body: web::Json<LogPiece>,
) -> Result<HttpResponse, ApiError> {
    let log = logs::find(&kit.db, *id).await?.ok_or(Error::Stale)?;
    if !log.is_public {
        return Err(ApiError::forbidden("nobody reads along on a hidden case"));
    }
    let position = usize::try_from(body.position).unwrap_or(usize::MAX);
    if position.saturating_add(body.text.len()) > TEXT_BYTES_MAX {
        let detail = format!("of a log that is read along {TEXT_BYTES_MAX} bytes are kept");
        return Err(ApiError::TooLarge(detail.into()));
    }
    let position = i32::try_from(position).unwrap_or(i32::MAX);
    let (id, lease) = (CaseRunId(*id), (*worker, body.lease_token));
    let is_added = logs::append(&kit.db, id, lease, position, body.text.as_bytes()).await?;
    if !is_added {
        // It was there already, or the lease has gone: the worker is told which.
        held(&kit.db, id, *worker, body.lease_token).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use molar_domain::worker_api::Grant;
    use sqlx::PgPool;

    use super::*;
    use crate::testing::World;

    async fn put(world: &World, grant: &Grant, position: u32, text: &str) -> u16 {
        let piece = LogPiece {
            lease_token: grant.lease_token,
            position,
            text: text.to_owned(),
        };
        let path = format!("case-runs/{}/log-pieces", grant.case_run_id);
        world.call(&path, piece).await.0.as_u16()
    }

    async fn kept(world: &World, grant: &Grant) -> String {
        let pieces = logs::pieces(&world.db, grant.case_run_id, grant.lease_token, 0);
        String::from_utf8(pieces.await.unwrap()).unwrap()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn pieces_follow_each_other_and_count_once(pool: PgPool) {
        let world = World::new(pool).await;
        let grant = world.claim().await.unwrap();
        for (position, text) in [
            (0, "one\0"),
            (0, "one\0"),
            (4, "two"),
            (90, "lost"),
            (4, "x"),
        ] {
            assert_eq!(put(&world, &grant, position, text).await, 204);
        }
        assert_eq!(kept(&world, &grant).await, "one\0two");
        let large = "x".repeat(TEXT_BYTES_MAX - 6);
        assert_eq!(put(&world, &grant, 7, &large).await, 413);
        let forged = Grant {
            lease_token: Uuid::new_v4(),
            ..grant
        };
        assert_eq!(put(&world, &forged, 7, "three").await, 409);
    }

    /// For a row that a transaction holds.
    async fn until_somebody_waits(world: &World) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let waits = async || {
            sqlx::query_scalar!(
                r#"SELECT EXISTS (SELECT FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock') AS "waits!""#
            )
            .fetch_one(&world.pool)
            .await
            .unwrap()
        };
        while !waits().await {
            assert!(Instant::now() < deadline, "nobody waits");
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn no_piece_lands_after_the_report(pool: PgPool) {
        let world = World::new(pool).await;
        let grant = world.claim().await.unwrap();
        assert_eq!(put(&world, &grant, 0, "one").await, 204);
        // The report's transaction, which has not committed when the piece comes.
        let mut tx = world.pool.begin().await.unwrap();
        sqlx::query!(
            "UPDATE execution.case_runs SET state = 'finished', lease_expires_at = NULL WHERE id = $1",
            grant.case_run_id
        )
        .execute(&mut *tx)
        .await
        .unwrap();
        let id = CaseRunId(grant.case_run_id);
        logs::forget_pieces(&mut *tx, id).await.unwrap();
        let commit = async {
            until_somebody_waits(&world).await;
            tx.commit().await.unwrap();
        };
        let (status, ()) = tokio::join!(put(&world, &grant, 3, "two"), commit);
        assert_eq!(status, 409);
        assert_eq!(kept(&world, &grant).await, "");
        assert_eq!(put(&world, &grant, 0, "again").await, 409);
        assert_eq!(kept(&world, &grant).await, "");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn of_a_hidden_case_no_piece_is_taken(pool: PgPool) {
        let world = World::new(pool).await;
        world.run_one().await;
        let hidden = world.claim().await.unwrap();
        assert_eq!(put(&world, &hidden, 0, "the image, in base64").await, 403);
        assert_eq!(kept(&world, &hidden).await, "");
    }
}
