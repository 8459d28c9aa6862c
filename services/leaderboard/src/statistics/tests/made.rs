//! What is made, when, and that anybody comes to the same.

use molar_ranking::Draws;
use sqlx::Either;
use sqlx::postgres::PgAdvisoryLock;

use super::*;
use crate::statistics::document::LeftOut;
use crate::statistics::rows::{self, Basis};
use crate::statistics::seed::seed;

// Eighths, which add up without rounding: equals tie here as they do there.
const ANTS: [f64; 5] = [0.875, 0.75, 0.875, 0.75, 0.875];
const BEES: [f64; 5] = [0.75, 0.875, 0.75, 0.625, 0.875];
const CATS: [f64; 5] = [0.125, 0.125, 0.25, 0.125, 0.125];

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn anybody_who_has_the_scores_comes_to_the_same_distributions(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    for (name, values) in [("Ants", ANTS), ("Bees", BEES), ("Cats", CATS)] {
        team(&db, &challenge, name, &ia(values)).await;
    }
    fold(&db, phase, noon()).await;
    make(&db, noon()).await;

    let made = statistics(&db, phase).await;
    assert_eq!(made["seed"], seed(phase, 1));
    let draws = Draws::seeded(made["seed"].as_u64().unwrap(), DRAWS as usize, 5).unwrap();
    let mut first = 0;
    let mut second = 0;
    for draw in 0..draws.count() {
        let sum = |of: [f64; 5]| -> f64 { draws.draw(draw).iter().map(|&case| of[case]).sum() };
        first += u32::from(sum(ANTS) >= sum(BEES));
        second += u32::from(sum(BEES) >= sum(ANTS));
    }
    assert!(first > 0 && first < DRAWS && second > 0);
    let distribution = by_team(&made, "distribution");
    let expected =
        |first: u32| json!([{"rank": 1, "draws": first}, {"rank": 2, "draws": DRAWS - first}]);
    assert_eq!(distribution["Ants"], &expected(first));
    assert_eq!(distribution["Bees"], &expected(second));
    assert_eq!(distribution["Cats"], &json!([{"rank": 3, "draws": DRAWS}]));
    let stability = f64::from(first) / f64::from(DRAWS);
    assert_eq!(by_team(&made, "stability")["Ants"], stability);
    let interval = by_team(&made, "interval")["Ants"];
    assert_eq!(interval, &json!({"from": 1.0, "to": 2.0}));
    assert_eq!(
        by_team(&made, "interval")["Cats"],
        &json!({"from": 3.0, "to": 3.0})
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_document_has_what_the_pages_draw(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    for (name, values) in [("Cats", CATS), ("Ants", ANTS)] {
        team(&db, &challenge, name, &ia(values)).await;
    }
    fold(&db, challenge.phase_id, noon()).await;
    make(&db, later(1)).await;
    let mut made = statistics(&db, challenge.phase_id).await;
    assert_eq!(made["seed"].take(), seed(challenge.phase_id, 1));
    made["adjusted_p"].take();
    made["library"].take();
    let schemes = made["schemes"].as_array_mut().unwrap();
    assert_eq!(schemes.len(), 5);
    schemes.truncate(1);
    insta::assert_json_snapshot!(made, @r#"
    {
      "adjusted_p": null,
      "alpha": 0.05,
      "as_of": "2026-09-01T12:00:01Z",
      "cases": 5,
      "consensus": [
        1,
        2
      ],
      "draws": 200,
      "is_board_ranking": true,
      "is_current": true,
      "left_out": [],
      "level": 0.95,
      "library": null,
      "mean_tau": 1.0,
      "metrics": [
        {
          "better_than": [
            [],
            []
          ],
          "name": "IA",
          "ranks": [
            1,
            2
          ],
          "tau": 1.0
        }
      ],
      "schemes": [
        {
          "name": "mean-then-rank",
          "ranks": [
            1,
            2
          ],
          "tau": 1.0,
          "title": "Mean, then ranks"
        }
      ],
      "seed": null,
      "teams": [
        {
          "distribution": [
            {
              "draws": 200,
              "rank": 1
            }
          ],
          "interval": {
            "from": 1.0,
            "to": 1.0
          },
          "median": 1.0,
          "rank": 1,
          "stability": 1.0,
          "team": "Ants"
        },
        {
          "distribution": [
            {
              "draws": 200,
              "rank": 2
            }
          ],
          "interval": {
            "from": 2.0,
            "to": 2.0
          },
          "median": 2.0,
          "rank": 2,
          "stability": 1.0,
          "team": "Cats"
        }
      ],
      "version": 1
    }
    "#);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn they_are_made_once_a_version_and_at_most_once_a_minute(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    let ants = team(&db, &challenge, "Ants", &ia(ANTS)).await;
    make(&db, noon()).await;
    assert!(versions(&db).await.is_empty(), "nothing is ranked");
    fold(&db, phase, later(-1)).await;
    make(&db, noon()).await;
    assert_eq!(versions(&db).await, [1]);

    entry_at(&db, &challenge, &ants, 1, &ia(BEES)).await;
    fold(&db, phase, later(10)).await;
    make(&db, later(59)).await;
    assert_eq!(versions(&db).await, [1]);
    let seen = statistics(&db, phase).await;
    assert_eq!(
        (&seen["version"], &seen["is_current"]),
        (&json!(1), &json!(false))
    );

    make(&db, later(60)).await;
    assert_eq!(
        versions(&db).await,
        [2],
        "of the old version nothing is kept"
    );
    let seen = statistics(&db, phase).await;
    assert_eq!(
        (&seen["version"], &seen["is_current"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(seen["as_of"], "2026-09-01T12:01:00Z");
    make(&db, later(600)).await;
    let as_of = &statistics(&db, phase).await["as_of"];
    assert_eq!(
        as_of, "2026-09-01T12:01:00Z",
        "the same version is not made again"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_was_drawn_is_told_of_that_very_version_without_the_document(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    let nothing = [(); 5].map(|()| json!({"IA": null}));
    let ants = team(&db, &challenge, "Ants", &nothing).await;
    fold(&db, phase, noon()).await;
    make(&db, noon()).await;
    let basis = async |version: i32| rows::basis(&db, phase, version).await.unwrap();
    let undrawn = Basis {
        undrawn: Some("there is no metric that a ranked team has in every case".to_owned()),
        is_board_ranking: false,
        left_out: vec![LeftOut {
            metric: "IA".to_owned(),
            reason: "no ranked team has it".to_owned(),
        }],
    };
    assert_eq!(basis(1).await, Some(undrawn));
    assert_eq!(basis(2).await, None);

    entry_at(&db, &challenge, &ants, 1, &ia(ANTS)).await;
    fold(&db, phase, later(10)).await;
    make(&db, later(60)).await;
    let drawn = Basis {
        undrawn: None,
        is_board_ranking: true,
        left_out: Vec::new(),
    };
    assert_eq!(basis(2).await, Some(drawn));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_phase_that_takes_long_waits_ten_times_as_long(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let ants = team(&db, &challenge, "Ants", &ia(ANTS)).await;
    fold(&db, challenge.phase_id, noon()).await;
    make(&db, noon()).await;
    sqlx::query!("UPDATE leaderboard.statistics SET took_ms = 30000")
        .execute(&db)
        .await
        .unwrap();
    entry_at(&db, &challenge, &ants, 1, &ia(BEES)).await;
    fold(&db, challenge.phase_id, later(60)).await;
    make(&db, later(299)).await;
    assert_eq!(versions(&db).await, [1]);
    make(&db, later(300)).await;
    assert_eq!(versions(&db).await, [2]);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn of_two_processes_one_computes(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    team(&db, &challenge, "Ants", &ia(ANTS)).await;
    fold(&db, phase, noon()).await;
    let role = as_role(&db, Role::Leaderboard).await;
    let clock = MockClock::at(noon());
    let one = || make::one(&role, phase, &clock, DRAWS);

    let lock = PgAdvisoryLock::new(format!("statistics:{phase}"));
    let other = lock.try_acquire(db.acquire().await.unwrap()).await.unwrap();
    let Either::Left(other) = other else {
        panic!("nobody else is there")
    };
    assert!(!one().await.unwrap());
    assert!(versions(&db).await.is_empty());
    other.release_now().await.unwrap();
    assert!(one().await.unwrap());
    assert_eq!(versions(&db).await, [1]);
    assert!(one().await.unwrap(), "the turn was given back");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_phase_that_fails_keeps_no_other_from_its_turn(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let ants = team(&db, &challenge, "Ants", &ia(ANTS)).await;
    fold(&db, challenge.phase_id, noon()).await;
    let second = PhaseBuilder::new("second").metrics(&["IA"]);
    let mut other = challenge.clone();
    other.phase_id = second.insert(&db, &challenge).await;
    entry(&db, &other, &ants, &ia(BEES)).await;
    fold(&db, other.phase_id, noon()).await;
    let (first, second) = (challenge.phase_id, other.phase_id);
    let (fails, other) = (first.min(second), first.max(second));
    // No program of ours writes a metric that it does not know.
    sqlx::query!(
        r#"UPDATE leaderboard.entries SET values = '{"no such": 1}' WHERE ranking_id = (SELECT id FROM
           leaderboard.rankings WHERE phase_id = $1)"#,
        fails.0
    )
    .execute(&db)
    .await
    .unwrap();
    let role = as_role(&db, Role::Leaderboard).await;
    let made = make::all(&role, &MockClock::at(noon()), DRAWS, &Patience::default()).await;
    assert!(made.is_err());
    assert_eq!(statistics(&db, other).await["version"], 1);
    assert!(statistics(&db, fails).await.is_null());
}
