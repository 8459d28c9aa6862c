//! Workers as `execution` shows them.

use sqlx::PgExecutor;
use uuid::Uuid;

/// Whether some worker that the phase may get keeps root of a container from being root of its host. None
/// where no worker of its class has enrolled.
pub async fn keep_root_out(db: impl PgExecutor<'_>, phase_id: Uuid) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(
        r#"SELECT bool_or(CASE WHEN p.limits->>'runtime' IS NULL THEN w.keeps_root_out
                              ELSE p.limits->>'runtime' = 'runsc' OR w.remaps_users END)
           FROM tracks.phase_facts p JOIN execution.worker_facts w ON w.device_class = p.device_class
           WHERE p.phase_id = $1 AND NOT w.is_draining"#,
        phase_id,
    )
    .fetch_one(db)
    .await
}
