//! Entries with values and labels of their own in each case, and what is drawn of them.

use molar_domain::PhaseId;
use molar_service::Role;
use molar_testkit::{
    Challenge, EvaluationBuilder, MockClock, SubmissionBuilder, TeamBuilder, as_role, noon,
};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::patience::Patience;
use crate::{figures, statistics};

pub const PAGE: &str = "/boards/sts/teeth/validation/compare";

/// An entry with these values, a case each; returns its evaluation.
pub async fn entry(db: &PgPool, challenge: &Challenge, name: &str, cases: &[Value]) -> Uuid {
    let team = TeamBuilder::new(challenge, name).insert(db).await;
    let submission = SubmissionBuilder::new(challenge, &team).insert(db).await;
    let evaluation = EvaluationBuilder::new(challenge, &submission, cases[0].clone());
    let evaluation = evaluation.insert(db).await;
    for (case, values) in challenge.cases.iter().zip(cases) {
        sqlx::query!(
            "UPDATE scoring.case_scores SET values = $3 WHERE evaluation_id = $1 AND case_id = $2",
            evaluation.id.0,
            case.id.0,
            values,
        )
        .execute(db)
        .await
        .unwrap();
    }
    evaluation.id.0
}

pub fn ia(values: [f64; 2]) -> [Value; 2] {
    values.map(|value| json!({"IA": value}))
}

/// `teeth` are numbers and what each has, all in the reference.
pub async fn label(
    db: &PgPool,
    challenge: &Challenge,
    evaluation: Uuid,
    case: usize,
    of: &[(&str, f64)],
) {
    let labels: Vec<Value> = of
        .iter()
        .map(|(label, dsc)| json!({"label": label, "present_in_reference": true, "DSC": dsc}))
        .chain([json!({"label": "48", "present_in_reference": false, "DSC": 0.0})])
        .collect();
    sqlx::query!(
        "UPDATE scoring.case_scores SET labels = $3 WHERE evaluation_id = $1 AND case_id = $2",
        evaluation,
        challenge.cases[case].id.0,
        Value::from(labels),
    )
    .execute(db)
    .await
    .unwrap();
}

/// The case has no prediction.
pub async fn fail(db: &PgPool, challenge: &Challenge, evaluation: Uuid, case: usize) {
    sqlx::query!(
        "UPDATE scoring.case_scores SET labels = NULL, reason = 'no-prediction', reason_detail = 'nothing'
         WHERE evaluation_id = $1 AND case_id = $2",
        evaluation,
        challenge.cases[case].id.0,
    )
    .execute(db)
    .await
    .unwrap();
}

/// The drawn names of figures.
pub async fn draw(db: &PgPool, phase: PhaseId) -> Vec<String> {
    let role = as_role(db, Role::Leaderboard).await;
    let made = statistics::all(&role, &MockClock::at(noon()), 10, &Patience::default()).await;
    made.unwrap();
    figures::all(&role, noon(), &Patience::default())
        .await
        .unwrap();
    let names = sqlx::query_scalar!(
        "SELECT name FROM leaderboard.figures WHERE phase_id = $1 ORDER BY version, position",
        phase.0
    );
    names.fetch_all(db).await.unwrap()
}
