//! What a re-scoring would move, and by which measure a board is ranked.

use actix_web::http::StatusCode;
use molar_testkit::{Challenge, EvaluationBuilder, PhaseBuilder, SubmissionBuilder, TeamBuilder};
use molar_web_kit::testing;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::world::{board, challenge, entry, fold, get, ranked, set};

/// A re-scoring that is ready, with an evaluation of each submission beside the one that counts.
async fn rescored(
    db: &PgPool,
    challenge: &Challenge,
    values: &[(molar_domain::SubmissionId, f64)],
) -> uuid::Uuid {
    let id = uuid::Uuid::new_v4();
    let olga = testing::person(db, "Rescorer").await;
    let all = json!({"metrics": ["IA"], "wall_s": 300});
    sqlx::query!(
        "INSERT INTO scoring.rescorings
             (id, phase_id, state, scope, reason, scorer_version, reference_set_id, parameters_hash, parameters,
              from_scorer_version, from_reference_set_id, from_parameters_hash, created_by, created_at, started_at, ready_at)
         SELECT $1, $2, 'ready', 'touched', 'wrong', 'v', id, 'new', $3, 'v', id, 'old', $4, created_at, created_at, created_at
         FROM tracks.reference_sets",
        id,
        challenge.phase_id.0,
        all,
        olga.id.0,
    )
    .execute(db)
    .await
    .unwrap();
    sqlx::query!(
        "INSERT INTO scoring.frames (phase_id, scorer_version, reference_set_id, parameters_hash, parameters)
         SELECT $1, e.scorer_version, e.reference_set_id, e.parameters_hash, $2 FROM scoring.evaluations e LIMIT 1",
        challenge.phase_id.0,
        all,
    )
    .execute(db)
    .await
    .unwrap();
    for (submission, ia) in values {
        let evaluation = uuid::Uuid::now_v7();
        sqlx::query!(
            "INSERT INTO scoring.evaluations
                 (id, submission_id, phase_id, team_id, scorer_version, reference_set_id, parameters_hash, state,
                  created_at, finished_at, rescoring_id)
             SELECT $1, submission_id, phase_id, team_id, 'v', reference_set_id, 'new', 'finished', created_at, created_at, $3
             FROM scoring.evaluations WHERE submission_id = $2",
            evaluation,
            submission.0,
            id,
        )
        .execute(db)
        .await
        .unwrap();
        // Only the first case was touched.
        sqlx::query!(
            "INSERT INTO scoring.case_scores (evaluation_id, case_id, state, values, scored_at, not_before)
             SELECT $1, c.case_id, 'scored',
                    CASE WHEN c.case_id = $3 THEN jsonb_build_object('IA', $4::float8) ELSE c.values END, c.scored_at, c.not_before
             FROM scoring.case_scores c JOIN scoring.evaluations e ON e.id = c.evaluation_id
             WHERE e.submission_id = $2 AND e.rescoring_id IS NULL",
            evaluation,
            submission.0,
            challenge.cases[0].id.0,
            ia,
        )
        .execute(db)
        .await
        .unwrap();
    }
    id
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_preview_says_who_moves_and_why_and_the_board_stays_until_it_is_published(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let mut submissions = Vec::new();
    for (name, ia) in [("Ants", 0.9), ("Bees", 0.8), ("Cats", 0.1)] {
        let team = TeamBuilder::new(&challenge, name).insert(&db).await;
        let submission = SubmissionBuilder::new(&challenge, &team).insert(&db).await;
        EvaluationBuilder::new(&challenge, &submission, json!({"IA": ia}))
            .insert(&db)
            .await;
        submissions.push(submission.id);
    }
    let after = [
        (submissions[0], 0.5),
        (submissions[1], 0.8),
        (submissions[2], 0.1),
    ];
    let id = rescored(&db, &challenge, &after).await;
    assert!(fold(&db, challenge.phase_id).await);
    assert!(!fold(&db, challenge.phase_id).await);
    let before = [(Some(1), "Ants"), (Some(2), "Bees"), (Some(3), "Cats")];
    assert_eq!(ranked(&board(&db, challenge.phase_id, None).await), before);

    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    let stranger = testing::person(&db, "Stranger").await;
    let path = format!("/api/v1/rescorings/{id}/moves");
    let (status, _) = get(&db, &path, Some(&stranger)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, body) = get(&db, &path, Some(&olga)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let moves: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&moves["moved"], &moves["is_complete"]),
        (&json!(2), &json!(true))
    );
    let teams = moves["teams"].as_array().unwrap();
    let ranks: Vec<_> = teams
        .iter()
        .map(|one| {
            (
                one["team"].as_str().unwrap(),
                &one["rank_before"],
                &one["rank_after"],
            )
        })
        .collect();
    let (one, two, three) = (&json!(1), &json!(2), &json!(3));
    assert_eq!(
        ranks,
        [
            ("Bees", two, one),
            ("Ants", one, two),
            ("Cats", three, three)
        ]
    );
    assert_eq!(
        teams[1]["cases"],
        json!([{"case": "Case_01", "values": {"IA": {"before": 0.9, "after": 0.5}}}])
    );
    assert_eq!(teams[0]["cases"], json!([]));
    let page = format!("/organize/rescorings/{id}/moves");
    let (status, html) = get(&db, &page, Some(&olga)).await;
    assert!(
        status == StatusCode::OK && html.contains("2 → 1") && html.contains("Case_01"),
        "{html}"
    );

    sqlx::query!(
        "UPDATE scoring.rescorings SET state = 'published', decided_at = created_at, decided_by = created_by"
    )
    .execute(&db)
    .await
    .unwrap();
    sqlx::query!(
        "UPDATE scoring.frames SET scorer_version = 'v', parameters_hash = 'new', rescoring_id = $1",
        id
    )
    .execute(&db)
    .await
    .unwrap();
    assert!(fold(&db, challenge.phase_id).await);
    let board = board(&db, challenge.phase_id, None).await;
    assert_eq!(
        ranked(&board),
        [(Some(1), "Bees"), (Some(2), "Ants"), (Some(3), "Cats")]
    );
    assert_eq!(board["version"], 2);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_board_is_ranked_by_the_metrics_in_force_and_never_by_two_measures(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let mut submissions = Vec::new();
    for (name, ia) in [("Ants", 0.9), ("Bees", 0.8)] {
        let team = TeamBuilder::new(&challenge, name).insert(&db).await;
        let submission = SubmissionBuilder::new(&challenge, &team).insert(&db).await;
        EvaluationBuilder::new(&challenge, &submission, json!({"IA": ia}))
            .insert(&db)
            .await;
        submissions.push(submission.id);
    }
    rescored(&db, &challenge, &[]).await;
    fold(&db, challenge.phase_id).await;
    sqlx::query!("UPDATE tracks.phases SET metrics = '{image_DSC}'")
        .execute(&db)
        .await
        .unwrap();
    assert!(!fold(&db, challenge.phase_id).await);
    let seen = board(&db, challenge.phase_id, None).await;
    assert_eq!(seen["metrics"][0]["name"], "IA");
    // Of another scorer than the one in force: not on the board.
    sqlx::query!(
        "UPDATE scoring.evaluations SET scorer_version = 'newer' WHERE submission_id = $1",
        submissions[0].0
    )
    .execute(&db)
    .await
    .unwrap();
    fold(&db, challenge.phase_id).await;
    assert_eq!(
        ranked(&board(&db, challenge.phase_id, None).await),
        [(Some(1), "Bees")]
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_means_of_an_evaluation_are_made_once_and_again_for_a_metric_that_came_later(
    db: PgPool,
) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let first = TeamBuilder::new(&challenge, "Ants").insert(&db).await;
    let submission = SubmissionBuilder::new(&challenge, &first).insert(&db).await;
    let values = json!({"IA": 0.5, "image_DSC": 0.25});
    EvaluationBuilder::new(&challenge, &submission, values)
        .insert(&db)
        .await;
    fold(&db, challenge.phase_id).await;
    // Nobody but a test does so: it shows what the next ranking reads.
    sqlx::query!(r#"UPDATE leaderboard.means SET means = '{"IA": 0.75}'"#)
        .execute(&db)
        .await
        .unwrap();
    let second = TeamBuilder::new(&challenge, "Bees").insert(&db).await;
    entry(&db, &challenge, &second, 1, 0.6).await;
    fold(&db, challenge.phase_id).await;
    let board = board(&db, challenge.phase_id, None).await;
    assert_eq!(ranked(&board), [(Some(1), "Ants"), (Some(2), "Bees")]);

    set(&db, "metrics = '{IA,image_DSC}'").await;
    fold(&db, challenge.phase_id).await;
    let kept = sqlx::query_scalar!(
        "SELECT means FROM leaderboard.means m JOIN scoring.evaluations e ON e.id = m.evaluation_id
         WHERE e.submission_id = $1",
        submission.id.0
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(kept, json!({"IA": 0.5, "image_DSC": 0.25}));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_best_by_a_metric_that_nothing_was_measured_by_moves_no_board(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let ants = TeamBuilder::new(&challenge, "Ants").insert(&db).await;
    for ia in [0.2, 0.9] {
        let submission = SubmissionBuilder::new(&challenge, &ants).insert(&db).await;
        EvaluationBuilder::new(&challenge, &submission, json!({"IA": ia}))
            .insert(&db)
            .await;
    }
    rescored(&db, &challenge, &[]).await;
    let keep_by = async |metric: &str| {
        set(
            &db,
            &format!("metrics = '{{IA,image_HD95}}', keep = 'best', keep_metric = '{metric}'"),
        )
        .await;
    };
    keep_by("image_HD95").await;
    assert!(!fold(&db, challenge.phase_id).await);
    keep_by("IA").await;
    assert!(fold(&db, challenge.phase_id).await);
}
