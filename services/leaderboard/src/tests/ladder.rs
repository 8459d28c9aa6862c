//! A Ladder shows one mean for each large step, whatever a team does with its other submissions.

use chrono::TimeDelta;
use molar_testkit::{EvaluationBuilder, PhaseBuilder, SubmissionBuilder, TeamBuilder, noon};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::world::{board, challenge, entry, fold, set};

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_order_of_handing_in_decides_what_is_a_rung_and_not_that_of_measuring(db: PgPool) {
    let phase = PhaseBuilder::new("validation").keep_best("IA");
    let challenge = challenge(&db, phase).await;
    set(&db, "board = '{\"ladder_step\": 0.05}'").await;
    let team = TeamBuilder::new(&challenge, "Climbers").insert(&db).await;
    let shown =
        async || board(&db, challenge.phase_id, None).await["rows"][0]["values"]["IA"].clone();
    entry(&db, &challenge, &team, 1, 0.5).await;
    assert!(fold(&db, challenge.phase_id).await);
    assert_eq!(shown().await, 0.5);

    let slow = SubmissionBuilder::new(&challenge, &team).created_at(noon() + TimeDelta::minutes(2));
    let slow = slow.insert(&db).await;
    let measured = || EvaluationBuilder::new(&challenge, &slow, json!({"IA": 0.56}));
    let running = measured().running().insert(&db).await;
    entry(&db, &challenge, &team, 3, 0.58).await;
    assert!(
        !fold(&db, challenge.phase_id).await,
        "it waits for the one before"
    );
    assert_eq!(shown().await, 0.5);

    for table in ["case_scores WHERE evaluation_id", "evaluations WHERE id"] {
        let statement = format!("DELETE FROM scoring.{table} = '{}'", running.id);
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&db)
            .await
            .unwrap();
    }
    measured().insert(&db).await;
    assert!(fold(&db, challenge.phase_id).await);
    let seen: Value = shown().await;
    assert_eq!(seen, 0.56, "0.58 is no step above it");
}
