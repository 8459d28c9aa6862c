//! What is hidden of a board is hidden here: every test reads the bytes that a stranger is sent.

use super::*;

const HIGH: [f64; 5] = [0.9, 0.8, 0.9, 0.8, 0.9];
const LOW: [f64; 5] = [0.3, 0.2, 0.3, 0.4, 0.3];

/// Nothing that follows from a score, or tells that there is one.
fn assert_tells_nothing(body: &str) {
    for word in [
        "Ants",
        "teams",
        "version",
        "as_of",
        "is_current",
        "seed",
        "draws",
        "cases",
        "IA",
        "ranks",
        "made",
    ] {
        assert!(!body.contains(&format!("\"{word}")), "{word} in {body}");
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn statistics_of_an_unpublished_final_phase_are_for_its_organizers(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    let ada = testing::person(&db, "Ada").await;
    let ants = TeamBuilder::new(&challenge, "Ants").member(ada.id);
    let ants = ants.insert(&db).await;
    entry(&db, &challenge, &ants, &ia(HIGH)).await;
    set(&db, "is_final = true").await;
    let before = get(&db, phase, None).await;
    fold(&db, phase, noon()).await;
    make(&db, noon()).await;
    assert_eq!(versions(&db).await, [1]);

    for caller in [None, Some(&ada)] {
        let (status, body) = get(&db, phase, caller).await;
        assert_eq!(status, StatusCode::OK);
        assert_tells_nothing(&body);
        assert!(body.contains("when the organizers publish it"), "{body}");
        assert_eq!(
            (status, body),
            before,
            "not even whether anything is ranked"
        );
    }
    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    assert!(get(&db, phase, Some(&olga)).await.1.contains("Ants"));
    set(&db, "published_at = now()").await;
    assert!(get(&db, phase, None).await.1.contains("Ants"));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_frozen_board_tells_nothing_of_what_came_later(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    team(&db, &challenge, "Ants", &ia(LOW)).await;
    fold(&db, phase, later(-3 * 3600)).await;
    make(&db, later(-3 * 3600)).await;
    set(&db, "freezes_at = '2026-09-01 10:00:00Z'").await;
    let (_, frozen) = get(&db, phase, None).await;
    assert!(
        frozen.contains("Ants") && frozen.contains("\"is_current\":true"),
        "{frozen}"
    );

    team(&db, &challenge, "Bees", &ia(HIGH)).await;
    fold(&db, phase, later(-3600)).await;
    for minutes in [-50, -40] {
        make(&db, later(60 * minutes)).await;
        assert_eq!(versions(&db).await, [1, 2]);
        assert_eq!(get(&db, phase, None).await.1, frozen, "byte by byte");
    }
    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    assert!(get(&db, phase, Some(&olga)).await.1.contains("Bees"));
    set(&db, "published_at = now()").await;
    assert!(get(&db, phase, None).await.1.contains("Bees"));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn of_a_team_that_is_gone_a_frozen_board_tells_a_rank_and_its_statistics_nothing(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    let gone = team(&db, &challenge, "Ants", &ia(HIGH)).await;
    team(&db, &challenge, "Bees", &ia(LOW)).await;
    fold(&db, phase, later(-3 * 3600)).await;
    make(&db, later(-3 * 3600)).await;
    set(&db, "freezes_at = '2026-09-01 10:00:00Z'").await;
    sqlx::query!(
        "UPDATE registration.participations SET state = 'withdrawn' WHERE team_id = $1",
        gone.id.0
    )
    .execute(&db)
    .await
    .unwrap();
    let seen = statistics(&db, phase).await;
    let teams = seen["teams"].as_array().unwrap().iter();
    let teams: Vec<_> = teams.map(|team| team["team"].as_str().unwrap()).collect();
    assert_eq!(teams, ["Bees"], "{seen}");
    assert_eq!(seen["adjusted_p"], json!([[null]]), "{seen}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_version_at_which_a_board_has_frozen_waits_for_no_minute(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    team(&db, &challenge, "Ants", &ia(LOW)).await;
    fold(&db, phase, later(-30)).await;
    make(&db, later(-30)).await;
    team(&db, &challenge, "Bees", &ia(HIGH)).await;
    fold(&db, phase, later(-20)).await;
    make(&db, later(-20)).await;
    assert_eq!(versions(&db).await, [1]);
    set(&db, "freezes_at = '2026-09-01 11:59:50Z'").await;
    team(&db, &challenge, "Cats", &ia(HIGH)).await;
    fold(&db, phase, later(-5)).await;
    make(&db, later(-4)).await;
    assert_eq!(
        versions(&db).await,
        [2],
        "the first is shown to nobody any more"
    );
    let (_, body) = get(&db, phase, None).await;
    assert!(body.contains("Bees") && !body.contains("Cats"), "{body}");
    make(&db, later(120)).await;
    assert_eq!(versions(&db).await, [2, 3]);
    assert_eq!(get(&db, phase, None).await.1, body);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn statistics_are_for_those_whom_the_phase_names(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    let ada = testing::person(&db, "Ada").await;
    let ants = TeamBuilder::new(&challenge, "Ants").member(ada.id);
    let ants = ants.insert(&db).await;
    entry(&db, &challenge, &ants, &ia(HIGH)).await;
    fold(&db, phase, noon()).await;
    make(&db, noon()).await;
    let eve = testing::person(&db, "Eve").await;
    let waiting = TeamBuilder::new(&challenge, "Waiting").state("requested");
    waiting.member(eve.id).insert(&db).await;

    set(&db, "visibility = 'participants'").await;
    for stranger in [None, Some(&eve)] {
        let (_, body) = get(&db, phase, stranger).await;
        assert_tells_nothing(&body);
    }
    assert!(get(&db, phase, Some(&ada)).await.1.contains("Ants"));

    set(&db, "visibility = 'organizers'").await;
    for stranger in [None, Some(&eve), Some(&ada)] {
        let (status, body) = get(&db, phase, stranger).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(body.contains("no such board"), "{body}");
    }
    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    assert_eq!(get(&db, phase, Some(&olga)).await.0, StatusCode::OK);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn teams_are_named_and_ordered_by_the_board_and_ids_are_not_told(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    // Equals, so that the order in which they were made could show.
    let bees = team(&db, &challenge, "Bees", &ia(HIGH)).await;
    let ants = team(&db, &challenge, "Ants", &ia(HIGH)).await;
    let cats = team(&db, &challenge, "Cats", &ia(LOW)).await;
    fold(&db, phase, noon()).await;
    make(&db, noon()).await;
    let (_, body) = get(&db, phase, None).await;
    for team in [&ants, &bees, &cats] {
        assert!(!body.contains(&team.id.to_string()), "{body}");
    }
    let made = statistics(&db, phase).await;
    let names = made["teams"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|team| team["team"].as_str().unwrap()).collect();
    assert_eq!(names, ["Ants", "Bees", "Cats"]);
    assert_eq!(made["metrics"][0]["ranks"], json!([1, 1, 3]));
    assert_eq!(made["schemes"][0]["ranks"], json!([1, 1, 3]));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn an_unknown_phase_is_a_problem_document(db: PgPool) {
    let (status, body) = get(&db, PhaseId(uuid::Uuid::from_u128(7)), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains("no such board"), "{body}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_board_shows_each_rank_with_its_interval_and_says_of_which_version(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    team(&db, &challenge, "Ants", &ia(LOW)).await;
    team(&db, &challenge, "Bees", &ia(HIGH)).await;
    fold(&db, phase, noon()).await;
    let board = async || board(&db, phase, "").await;
    assert!(!board().await.contains("interval"), "none were made yet");
    make(&db, noon()).await;

    let told: serde_json::Value = serde_json::from_str(&board().await).unwrap();
    assert_eq!(told["intervals"]["version"], 1);
    let of = |place: usize| told["rows"][place]["interval"].clone();
    assert_eq!(of(0), json!({"from": 1.0, "to": 1.0}));
    assert_eq!(of(1), json!({"from": 2.0, "to": 2.0}));
    let csv = self::board(&db, phase, ".csv?details=true").await;
    assert!(
        csv.contains("rank_from,rank_to") && csv.contains("2,2,2,2,"),
        "{csv}"
    );

    // A newer version, of which there are none yet.
    team(&db, &challenge, "Cats", &ia(LOW)).await;
    fold(&db, phase, later(10)).await;
    let told: serde_json::Value = serde_json::from_str(&board().await).unwrap();
    assert_eq!(
        (&told["version"], &told["intervals"]["version"]),
        (&json!(2), &json!(1))
    );
    let mut rows = told["rows"].as_array().unwrap().iter();
    let cats = rows.find(|row| row["team"] == "Cats").unwrap();
    assert_eq!(cats["interval"], json!(null));

    for rules in [
        r#"{"values": "rounded", "decimals": 1}"#,
        r#"{"values": "order"}"#,
        r#"{"ladder_step": 0.1}"#,
        r#"{"names": "anonymous"}"#,
    ] {
        set(&db, &format!("board = '{rules}'")).await;
        for form in ["", ".csv?details=true"] {
            let told = self::board(&db, phase, form).await;
            assert!(
                !told.contains("interval") && !told.contains("rank_from"),
                "{rules}: {told}"
            );
        }
    }
}

/// As a stranger reads it.
async fn board(db: &PgPool, phase: PhaseId, form: &str) -> String {
    let role = as_role(db, Role::Leaderboard).await;
    let path = format!("/api/v1/boards/{phase}{form}");
    crate::tests::world::asked(&role, None, &path, None, &[])
        .await
        .body
}
