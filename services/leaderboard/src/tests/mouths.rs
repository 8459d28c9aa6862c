//! Figures of labels, and of baselines beside the entries.

use molar_service::Role;
use molar_testkit::{ChallengeBuilder, PhaseBuilder, as_role, noon};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use super::by_case::{PAGE, draw, entry, fail, ia, label};
use super::world::{challenge, fold_at, get};
use crate::teeth;

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_tooth_counts_0_where_it_was_missed_and_where_its_case_failed(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let ants = entry(&db, &challenge, "Ants", &ia([0.5, 0.75])).await;
    let bees = entry(&db, &challenge, "Bees", &ia([0.25, 0.5])).await;
    label(&db, &challenge, ants, 0, &[("11", 0.8), ("12", 0.6)]).await;
    label(&db, &challenge, ants, 1, &[("11", 0.4)]).await;
    fail(&db, &challenge, bees, 0).await;
    label(&db, &challenge, bees, 1, &[("11", 1.0)]).await;
    let role = as_role(&db, Role::Leaderboard).await;
    let means = teeth::means(&role, &[ants, bees]).await.unwrap();
    let told = |evaluation: Uuid| -> Vec<(i32, f64)> {
        let rounded = means[&evaluation].iter();
        rounded
            .map(|(tooth, mean)| (*tooth, (mean * 1e6).round() / 1e6))
            .collect()
    };
    assert_eq!(told(ants), [(11, 0.6), (12, 0.6)]);
    assert_eq!(told(bees), [(11, 0.5), (12, 0.0)]);
    let all: Vec<_> = teeth::of_all(&means)
        .iter()
        .map(|tooth| (tooth.number, (tooth.value.unwrap() * 1e6).round() / 1e6))
        .collect();
    assert_eq!(all, [(11, 0.55), (12, 0.3)]);

    fold_at(&db, challenge.phase_id, noon()).await;
    let (_, page) = get(&db, PAGE, None).await;
    assert!(
        page.contains("Dice by tooth, Ants") && page.contains("Dice by tooth, Bees"),
        "{page}"
    );
    assert!(
        draw(&db, challenge.phase_id)
            .await
            .contains(&"teeth".to_owned())
    );
    let (_, page) = get(&db, "/boards/sts/teeth/validation/figures", None).await;
    assert!(page.contains("Mean of the 2 ranked entries"), "{page}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn without_labels_of_every_entry_or_with_one_that_is_no_tooth_no_mouth_is_drawn(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let ants = entry(&db, &challenge, "Ants", &ia([0.5, 0.75])).await;
    let bees = entry(&db, &challenge, "Bees", &ia([0.25, 0.5])).await;
    for case in [0, 1] {
        label(&db, &challenge, ants, case, &[("11", 0.8)]).await;
        label(&db, &challenge, bees, case, &[("11", 0.8)]).await;
    }
    // As of a table that was brought in.
    sqlx::query!(
        "UPDATE scoring.case_scores SET labels = NULL WHERE evaluation_id = $1",
        bees
    )
    .execute(&db)
    .await
    .unwrap();
    fold_at(&db, challenge.phase_id, noon()).await;
    let drawn = draw(&db, challenge.phase_id).await;
    assert!(!drawn.contains(&"teeth".to_owned()), "{drawn:?}");
    let (_, page) = get(&db, PAGE, None).await;
    assert!(!page.contains("Tooth by tooth"), "{page}");

    for case in [0, 1] {
        label(&db, &challenge, bees, case, &[("11", 0.8), ("19", 0.5)]).await;
    }
    let role = as_role(&db, Role::Leaderboard).await;
    assert!(teeth::means(&role, &[ants, bees]).await.unwrap().is_empty());
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn baselines_are_marked_where_accuracy_stands_beside_its_cost(db: PgPool) {
    let phase = PhaseBuilder::new("validation").metrics(&["IA", "running_time_s"]);
    let challenge = ChallengeBuilder::new("sts").phase(phase);
    let challenge = challenge.insert(&db).await;
    let values = |ia: f64, s: f64| [(); 2].map(|()| json!({"IA": ia, "running_time_s": s}));
    entry(&db, &challenge, "Ants", &values(0.5, 1.26)).await;
    entry(&db, &challenge, "Bees", &values(0.25, 2.04)).await;
    for (name, values) in [
        ("Plain", json!({"IA": 0.9, "running_time_s": 0.5})),
        ("Halved", json!({"IA": 0.9})),
    ] {
        sqlx::query!(
            "INSERT INTO tracks.baselines (phase_id, name, position, values) VALUES ($1, $2, 1, $3)",
            challenge.phase_id.0,
            name,
            values
        )
        .execute(&db)
        .await
        .unwrap();
    }
    fold_at(&db, challenge.phase_id, noon()).await;
    draw(&db, challenge.phase_id).await;
    let drawn = sqlx::query!("SELECT file, note FROM leaderboard.figures WHERE name = 'time'");
    let drawn = drawn.fetch_one(&db).await.unwrap();
    assert!(
        drawn
            .file
            .contains("Plain\u{2069}: 0.9000, 0.5\u{a0}s, baseline"),
        "{}",
        drawn.file
    );
    assert!(!drawn.file.contains("Halved") && drawn.note.contains("baselines"));
    // Neither of the two is beaten by what takes no part.
    assert!(
        drawn.file.contains("1 of 2 entries is on the Pareto front"),
        "{}",
        drawn.file
    );

    // Times are told to a tenth.
    let (_, page) = get(
        &db,
        &format!("{PAGE}?a=Ants&b=Bees&metric=running_time_s"),
        None,
    )
    .await;
    assert!(
        page.contains("<strong>1.30</strong>") && page.contains("2.00"),
        "{page}"
    );
    assert!(page.contains("-0.7"), "{page}");
}
