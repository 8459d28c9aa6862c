//! What the committed `.sqlx` says of each query is what the migrated database says.

use std::path::Path;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor as _, PgPool, SqlSafeStr as _};

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_query_cache_is_that_of_the_migrations(pool: PgPool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../.sqlx");
    let mut compared = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let cached: Value = serde_json::from_str(&text).unwrap();
        let query = cached["query"].as_str().unwrap().to_owned();
        let described = (&pool)
            .describe(AssertSqlSafe(query.clone()).into_sql_str())
            .await;
        let described = described.unwrap_or_else(|error| panic!("{error} in\n{query}"));
        let described = serde_json::to_value(described).unwrap();
        // Not `nullable`: of an outer join it depends on the plan that the server chose that day.
        for part in ["columns", "parameters"] {
            assert_eq!(
                described[part], cached["describe"][part],
                "`make sqlx` writes the cache anew; its {part} are others for\n{query}"
            );
        }
        compared += 1;
    }
    assert!(compared > 200, "{compared} queries only");
}
