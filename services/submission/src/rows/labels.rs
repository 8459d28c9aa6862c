//! What an evaluation says of each label in each case.

use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

#[derive(Debug, Clone)]
pub struct Labels {
    pub case: String,
    /// None of a case without a readable prediction.
    pub labels: Option<Value>,
}

/// Of the cases that are scored, in the order of their names.
pub async fn list(db: impl PgExecutor<'_>, evaluation: Option<Uuid>) -> sqlx::Result<Vec<Labels>> {
    sqlx::query_as!(
        Labels,
        r#"SELECT case_name AS "case!", labels AS "labels?" FROM scoring.scored_cases
           WHERE evaluation_id = $1 ORDER BY case_name"#,
        evaluation,
    )
    .fetch_all(db)
    .await
}
