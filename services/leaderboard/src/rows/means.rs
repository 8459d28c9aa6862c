//! `leaderboard.means`: of every finished evaluation that was ranked once, what it comes to.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::entries::Candidate;
use crate::spread::Spread;

pub struct Measured {
    /// By metric; none where it has none.
    pub means: BTreeMap<String, Option<f64>>,
    pub spreads: BTreeMap<String, Option<Spread>>,
    pub cases: usize,
    pub failed_cases: usize,
    /// Not where it was kept before there were spreads.
    pub has_spreads: bool,
}

/// Of those of which all these metrics are known.
pub async fn list(
    tx: &mut PgConnection,
    evaluations: &[Uuid],
    metrics: &[String],
) -> sqlx::Result<BTreeMap<Uuid, Measured>> {
    let rows = sqlx::query!(
        r#"SELECT evaluation_id, means, spreads, cases, failed_cases, spreads ?& $2 AS "has_spreads!" FROM leaderboard.means
           WHERE evaluation_id = ANY($1) AND means ?& $2"#,
        evaluations,
        metrics,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let value = |metric: &String| row.means.get(metric).and_then(Value::as_f64);
            let means = metrics
                .iter()
                .map(|metric| (metric.clone(), value(metric)))
                .collect();
            let spread = |metric: &String| spread(&row.spreads, metric);
            let spreads = metrics
                .iter()
                .map(|metric| (metric.clone(), spread(metric)))
                .collect();
            let measured = Measured {
                means,
                spreads,
                cases: usize::try_from(row.cases).unwrap_or_default(),
                failed_cases: usize::try_from(row.failed_cases).unwrap_or_default(),
                has_spreads: row.has_spreads,
            };
            (row.evaluation_id, measured)
        })
        .collect())
}

/// Of one metric, as it is kept.
pub fn spread(spreads: &Value, metric: &str) -> Option<Spread> {
    Spread::deserialize(spreads.get(metric)?).ok()
}

/// Keeps those that are not kept yet. What has no case comes to nothing that could take the place of a mean.
pub async fn keep(tx: &mut PgConnection, candidates: &[Candidate]) -> sqlx::Result<()> {
    let new = || candidates.iter().filter(|new| new.is_new && new.cases > 0);
    let ids: Vec<Uuid> = new().map(|new| new.evaluation.0).collect();
    let means: Vec<Value> = new().map(|new| json!(new.means)).collect();
    let spreads: Vec<Value> = new().map(|new| json!(new.spreads)).collect();
    let cases: Vec<i32> = new().map(|new| new.cases as i32).collect();
    let failed: Vec<i32> = new().map(|new| new.failed_cases as i32).collect();
    sqlx::query!(
        "INSERT INTO leaderboard.means (evaluation_id, means, spreads, cases, failed_cases)
         SELECT * FROM unnest($1::uuid[], $2::jsonb[], $3::jsonb[], $4::int[], $5::int[])
         ON CONFLICT (evaluation_id) DO UPDATE SET means = means.means || excluded.means,
                                                   spreads = means.spreads || excluded.spreads",
        &ids,
        &means,
        &spreads,
        &cases,
        &failed,
    )
    .execute(tx)
    .await?;
    Ok(())
}
