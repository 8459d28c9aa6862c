//! What the runs of an attempt used.

use sqlx::PgExecutor;
use uuid::Uuid;

#[derive(Debug, Clone)]
pub struct Measures {
    pub case_run_id: Uuid,
    pub name: String,
    pub is_canary: bool,
    /// Its team may see the curves.
    pub is_public: bool,
    pub wall_ms: Option<i64>,
    pub cpu_core_s: Option<f64>,
    pub peak_memory_bytes: Option<i64>,
    pub kernel_peak_memory_bytes: Option<i64>,
    pub memory_area_mib_s: Option<f64>,
    pub gpu_peak_mib: Option<f64>,
    pub gpu_area_mib_s: Option<f64>,
    pub gpu_baseline_mib: Option<f64>,
    pub series_key: Option<String>,
}

/// Of the runs that have ended: the canary, then the others in the order of the names.
pub async fn list(db: impl PgExecutor<'_>, attempt: Option<Uuid>) -> sqlx::Result<Vec<Measures>> {
    sqlx::query_as!(
        Measures,
        r#"
        SELECT m.case_run_id AS "case_run_id!", c.name AS "name!", m.kind = 'canary' AS "is_canary!",
               m.is_public AS "is_public!", m.wall_ms, m.cpu_core_s, m.peak_memory_bytes, m.kernel_peak_memory_bytes,
               m.memory_area_mib_s, m.gpu_peak_mib, m.gpu_area_mib_s, m.gpu_baseline_mib, m.series_key
        FROM execution.case_run_measures m JOIN tracks.stored_cases c ON c.case_id = m.case_id
        WHERE m.attempt_id = $1 AND m.wall_ms IS NOT NULL
        ORDER BY m.kind <> 'canary', c.name
        "#,
        attempt,
    )
    .fetch_all(db)
    .await
}
