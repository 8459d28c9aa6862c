//! What is hidden of a board is hidden here: every test reads the bytes that a stranger is sent.

use super::*;

const HIGH: [f64; 5] = [0.9, 0.8, 0.9, 0.85, 0.95];
const LOW: [f64; 5] = [0.3, 0.2, 0.3, 0.4, 0.25];

/// The list, the page, and each file there could be.
async fn told(
    db: &PgPool,
    phase: PhaseId,
    person: Option<&testing::Person>,
) -> Vec<(StatusCode, String)> {
    let mut told = Vec::new();
    for path in [list_path(phase), PAGE.to_owned()] {
        told.push(get(db, &path, person).await);
    }
    for name in ["podium", "stability", "history", "cases-IA"] {
        for path in [file_path(phase, name), picture_path(phase, name)] {
            let answer = ask(db, &path, person, Some("*")).await;
            assert!(answer.header("etag").is_empty() || answer.status == StatusCode::NOT_MODIFIED);
            told.push((answer.status, answer.body));
        }
    }
    // Each answer has an id of its own.
    told.into_iter()
        .map(|(status, body)| (status, without_id(&body)))
        .collect()
}

fn without_id(body: &str) -> String {
    let mut body: Value = match serde_json::from_str(body) {
        Ok(body) => body,
        Err(_) => return body.to_owned(),
    };
    if let Some(body) = body.as_object_mut() {
        body.remove("request_id");
        body.remove("instance");
    }
    body.to_string()
}

fn assert_tells_nothing(told: &[(StatusCode, String)]) {
    for (_, body) in told {
        for word in [
            "Ants",
            "\"version\"",
            "as_of",
            "<svg class=\"figure",
            "podium.svg",
            "As of",
        ] {
            assert!(!body.contains(word), "{word} in {body}");
        }
    }
    for (status, _) in &told[2..] {
        assert_eq!(*status, StatusCode::NOT_FOUND);
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn figures_of_an_unpublished_final_phase_are_for_its_organizers(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    let ada = testing::person(&db, "Ada").await;
    let ants = TeamBuilder::new(&challenge, "Ants").member(ada.id);
    let ants = ants.insert(&db).await;
    entry(&db, &challenge, &ants, &ia(HIGH)).await;
    set(&db, "is_final = true").await;
    let before = told(&db, phase, None).await;
    fold(&db, phase, noon()).await;
    draw(&db, noon()).await;
    assert_eq!(versions(&db).await, [1]);

    assert_eq!(
        told(&db, phase, None).await,
        before,
        "not even whether anything is drawn"
    );
    for caller in [None, Some(&ada)] {
        let told = told(&db, phase, caller).await;
        assert_tells_nothing(&told);
        assert_eq!((told[0].0, told[1].0), (StatusCode::OK, StatusCode::OK));
        assert!(
            told[1].1.contains("when the organizers publish it"),
            "{}",
            told[1].1
        );
    }
    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    let podium = file_path(phase, "podium");
    assert!(get(&db, &podium, Some(&olga)).await.1.contains("Ants"));
    assert!(get(&db, PAGE, Some(&olga)).await.1.contains("Ants"));
    set(&db, "published_at = now()").await;
    assert!(get(&db, &podium, None).await.1.contains("Ants"));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_frozen_board_shows_no_figure_of_what_came_later(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    team(&db, &challenge, "Ants", &ia(LOW)).await;
    fold(&db, phase, later(-3 * 3600)).await;
    draw(&db, later(-3 * 3600)).await;
    set(&db, "freezes_at = '2026-09-01 10:00:00Z'").await;
    let frozen = told(&db, phase, None).await;
    let podium = file_path(phase, "podium");
    let first = get(&db, &podium, None).await;
    assert!(first.1.contains("Ants"));

    team(&db, &challenge, "Bees", &ia(HIGH)).await;
    fold(&db, phase, later(-3600)).await;
    for minutes in [-50, -40] {
        draw(&db, later(60 * minutes)).await;
        assert_eq!(versions(&db).await, [1, 2]);
        assert_eq!(told(&db, phase, None).await, frozen, "byte by byte");
        assert_eq!(get(&db, &podium, None).await, first);
    }
    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    assert!(get(&db, &podium, Some(&olga)).await.1.contains("Bees"));

    // Only the drawing of the version that is shown: none is better than another.
    sqlx::query!("DELETE FROM leaderboard.drawings WHERE version = 1")
        .execute(&db)
        .await
        .unwrap();
    assert_eq!(get(&db, &podium, None).await.0, StatusCode::NOT_FOUND);
    set(&db, "published_at = now()").await;
    assert!(get(&db, &podium, None).await.1.contains("Bees"));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_version_at_which_a_board_has_frozen_waits_for_no_minute(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    team(&db, &challenge, "Ants", &ia(LOW)).await;
    fold(&db, phase, later(-30)).await;
    draw(&db, later(-30)).await;
    team(&db, &challenge, "Bees", &ia(HIGH)).await;
    fold(&db, phase, later(-20)).await;
    draw(&db, later(-20)).await;
    assert_eq!(versions(&db).await, [1]);
    set(&db, "freezes_at = '2026-09-01 11:59:50Z'").await;
    team(&db, &challenge, "Cats", &ia(HIGH)).await;
    fold(&db, phase, later(-5)).await;
    let podium = file_path(phase, "podium");
    assert_eq!(get(&db, &podium, None).await.0, StatusCode::NOT_FOUND);
    draw(&db, later(-4)).await;
    assert_eq!(
        versions(&db).await,
        [2],
        "the first is shown to nobody any more"
    );
    let seen = get(&db, &podium, None).await;
    assert!(
        seen.1.contains("Bees") && !seen.1.contains("Cats"),
        "{}",
        seen.1
    );
    draw(&db, later(120)).await;
    assert_eq!(versions(&db).await, [2, 3]);
    assert_eq!(get(&db, &podium, None).await, seen);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_team_that_was_taken_off_leaves_a_frozen_figure_with_its_name_and_values(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    team(&db, &challenge, "Ants", &ia(LOW)).await;
    team(&db, &challenge, "Bees", &ia(HIGH)).await;
    fold(&db, phase, later(-3 * 3600)).await;
    draw(&db, later(-3 * 3600)).await;
    set(&db, "freezes_at = '2026-09-01 10:00:00Z'").await;
    sqlx::query!(
        "UPDATE registration.participations p SET state = 'disqualified', reason = 'copied'
         FROM registration.teams t WHERE t.id = p.team_id AND t.name = 'Bees'"
    )
    .execute(&db)
    .await
    .unwrap();
    fold(&db, phase, later(-3600)).await;
    draw(&db, later(-3590)).await;
    assert_eq!(versions(&db).await, [1, 2]);
    let drawn = list(&db, phase).await;
    assert_eq!(drawn["version"], 1);
    for figure in names(&drawn) {
        let (_, file) = get(&db, &file_path(phase, figure), None).await;
        assert!(
            file.contains("Ants") && !file.contains("Bees"),
            "{figure}: {file}"
        );
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn figures_are_for_those_whom_the_phase_names(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    let ada = testing::person(&db, "Ada").await;
    let ants = TeamBuilder::new(&challenge, "Ants").member(ada.id);
    let ants = ants.insert(&db).await;
    entry(&db, &challenge, &ants, &ia(HIGH)).await;
    fold(&db, phase, noon()).await;
    draw(&db, noon()).await;
    let eve = testing::person(&db, "Eve").await;
    let waiting = TeamBuilder::new(&challenge, "Waiting").state("requested");
    waiting.member(eve.id).insert(&db).await;
    let podium = file_path(phase, "podium");

    set(&db, "visibility = 'participants'").await;
    for stranger in [None, Some(&eve)] {
        assert_tells_nothing(&told(&db, phase, stranger).await);
    }
    let mine = ask(&db, &podium, Some(&ada), None).await;
    assert!(mine.body.contains("Ants"));
    assert_eq!(mine.header("cache-control"), "private, no-cache");
    for path in [podium.clone(), picture_path(phase, "podium")] {
        let mine = ask(&db, &path, Some(&ada), None).await;
        assert_eq!(mine.status, StatusCode::OK);
        let stolen = ask(&db, &path, Some(&eve), Some(mine.header("etag"))).await;
        assert_eq!(
            stolen.status,
            StatusCode::NOT_FOUND,
            "a known tag opens nothing"
        );
    }

    set(&db, "visibility = 'organizers'").await;
    for stranger in [None, Some(&eve), Some(&ada)] {
        let told = told(&db, phase, stranger).await;
        assert_tells_nothing(&told);
        assert_eq!(
            (told[0].0, told[1].0),
            (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND)
        );
    }
    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    assert!(get(&db, &podium, Some(&olga)).await.1.contains("Ants"));
}
