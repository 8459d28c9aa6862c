//! What a board hides, as one who wants to know it would look: no answer of any route may hold it, byte by byte, headers
//! included.

use molar_testkit::TeamBuilder;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::spied::{World, rules};
use super::world::{answer, board, set};

const ALL_SAID: &str = "names, values and times";

/// Without the ids and the digits that any page has.
fn is_in(answer: &str, secret: &str) -> bool {
    let answer = answer.replace("api/v1", "");
    match secret {
        // A header and the words of the API are not a ranking's.
        "version" => answer.contains("\"version\""),
        secret => answer.contains(secret) && without_lots(&answer).contains(secret),
    }
}

/// The number of what a board shows is as good as drawn by lot, and may have any five digits in it.
fn without_lots(answer: &str) -> String {
    let mut told = String::with_capacity(answer.len());
    for piece in answer.split_inclusive(|c: char| !c.is_ascii_digit()) {
        let digits = piece.trim_end_matches(|c: char| !c.is_ascii_digit());
        let is_lot = digits.len() >= 15 && !told.ends_with('.');
        told += &piece[if is_lot { digits.len() } else { 0 }..];
    }
    told
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn nothing_that_a_mode_hides_stands_in_any_answer(db: PgPool) {
    let world = World::new(&db).await;
    let details = [
        world.times.clone(),
        vec!["mean_rank".into(), "Mean rank".into()],
    ]
    .concat();
    let [anonymous, order, rounded] = [
        json!({"names": "anonymous"}),
        json!({"values": "order"}),
        json!({"values": "rounded", "decimals": 1}),
    ]
    .map(rules);
    let modes = [
        (anonymous, [world.names.clone(), details].concat()),
        (
            order,
            [
                world.values.clone(),
                world.times.clone(),
                vec!["mean_rank".into()],
            ]
            .concat(),
        ),
        (
            rounded,
            [
                world.values.clone(),
                world.times.clone(),
                vec!["mean_rank".into()],
            ]
            .concat(),
        ),
        (
            rules(json!({"names": "anonymous", "values": "order"})),
            world.all(),
        ),
        (
            rules(json!({"ladder_step": 0.05})),
            ["\"spreads\"", "_sd", "adjusted_p", "<svg class=\"figure"]
                .map(str::to_owned)
                .to_vec(),
        ),
        (rules(json!({"is_hidden": true})), world.all()),
        ("is_final = true".into(), world.all()),
        ("visibility = 'participants'".into(), world.all()),
        // That a team was disqualified is told when it happens, not when a ranking is made.
        (
            "freezes_at = '2026-08-30 11:00:00Z'".into(),
            world
                .all()
                .into_iter()
                .filter(|one| one != "Vultures")
                .collect(),
        ),
    ];
    for (mode, secrets) in modes {
        set(
            &db,
            "board = '{}', is_final = false, visibility = 'public', freezes_at = NULL",
        )
        .await;
        set(&db, &mode).await;
        for person in [None, Some(&world.stranger)] {
            for (route, answer) in world.answers(&db, person).await {
                let told: Vec<_> = secrets.iter().filter(|one| is_in(&answer, one)).collect();
                assert!(told.is_empty(), "{mode}: {route} tells {told:?}:\n{answer}");
            }
        }
        let olga = world.answers(&db, Some(&world.olga)).await;
        let seen = olga
            .iter()
            .map(|(_, answer)| answer.as_str())
            .collect::<String>();
        for secret in [
            "Walruses",
            "83517",
            "\"version\"",
            "2026-08-29",
            "\"adjusted_p\"",
            "content-type: image/svg+xml",
        ] {
            assert!(
                seen.contains(secret),
                "{mode}: organizers see {ALL_SAID}: {secret}"
            );
        }
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn an_anonymous_board_orders_equals_by_pseudonym_and_marks_ones_own(db: PgPool) {
    let world = World::new(&db).await;
    set(&db, &rules(json!({"names": "anonymous"}))).await;
    let phase = world.challenge.phase_id;
    let seen = board(&db, phase, None).await;
    let names = |board: &Value| {
        let rows = board["rows"].as_array().unwrap().iter();
        rows.map(|row| row["team"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let found = names(&seen);
    assert!(found[1] < found[2], "{found:?}");
    let is_pseudonym = |name: &String| name.starts_with("Team ") && name.len() == 16;
    assert!(found.iter().all(is_pseudonym), "{found:?}");
    assert_eq!(seen["rows"][0]["values"]["IA"], 0.83517);
    assert_eq!(seen["rows"][3]["out_reason"], "out of competition");
    let own = board(&db, phase, Some(&world.member)).await;
    assert_eq!(names(&own), found);
    let rows = own["rows"].as_array().unwrap().iter();
    let ids = rows
        .filter(|row| row.get("submission_id").is_some())
        .count();
    assert_eq!(ids, 1, "its own row and no other: {own}");
    // Who is looked for by name is not found.
    let path = "/boards/sts/teeth/validation?team=";
    let (_, _, nobody) = answer(&db, &format!("{path}Nobody"), None).await;
    let (_, _, walrus) = answer(&db, &format!("{path}Walruses"), None).await;
    assert_eq!(walrus.replace("Walruses", "Nobody"), nobody);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn rounded_values_are_ranked_by_what_is_shown_and_the_board_by_all_digits(db: PgPool) {
    let mut world = World::new(&db).await;
    let close = TeamBuilder::new(&world.challenge, "Close")
        .insert(&db)
        .await;
    world.hand_in(&db, &close, 1, 0.79, 0.6).await;
    world.fold(&db, 0).await;
    set(&db, &rules(json!({"values": "rounded", "decimals": 1}))).await;
    let seen = board(&db, world.challenge.phase_id, None).await;
    let of = |row: usize| {
        let row = &seen["rows"][row];
        json!([
            row["team"],
            row["rank"],
            row["values"]["IA"],
            row["ranks"]["IA"]
        ])
    };
    // Equal mean ranks: one is better by IA, the other by DSC.
    assert_eq!(of(0), json!(["Close", 1, 0.8, 1]));
    assert_eq!(of(1), json!(["Walruses", 1, 0.8, 1]));
    assert_eq!(of(2)[3], 3);
    assert!(seen["rows"][0].get("mean_rank").is_none());
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn past_boards_without_names_or_values_are_shown_day_by_day(db: PgPool) {
    let mut world = World::new(&db).await;
    let first = world.first.clone();
    world.hand_in(&db, &first, 1, 0.9, 0.9).await;
    // At noon of 31 August; that day began in Berlin at 22:00 of the day before.
    world.fold(&db, 1).await;
    let path = format!("/api/v1/boards/{}?at=", world.challenge.phase_id);
    let at = async |moment: &str| {
        let (_, _, body) = answer(&db, &format!("{path}{moment}"), None).await;
        let board: Value = serde_json::from_str(&body).unwrap();
        json!([board["as_of"], board["rows"][0]["values"]["IA"]])
    };
    let evening = "2026-08-31T20:00:00Z";
    assert_eq!(at(evening).await, json!([evening, 0.9]));
    set(&db, &rules(json!({"names": "anonymous"}))).await;
    let midnight = "2026-08-30T22:00:00Z";
    assert_eq!(at(evening).await, json!([midnight, 0.83517]));
    assert_eq!(at("2026-09-01T01:00:00Z").await[1], 0.9);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn an_anonymous_board_is_that_of_the_days_beginning_until_it_is_published(db: PgPool) {
    let mut world = World::new(&db).await;
    let first = world.first.clone();
    world.hand_in(&db, &first, 1, 0.9, 0.9).await;
    // Now, at noon.
    world.fold(&db, 0).await;
    let best = async |person| {
        let seen = board(&db, world.challenge.phase_id, person).await;
        json!([seen["as_of"], seen["rows"][0]["values"]["IA"]])
    };
    let now = json!([null, 0.9]);
    assert_eq!(best(None).await, now);
    set(&db, &rules(json!({"names": "anonymous"}))).await;
    // In Berlin.
    let before = json!(["2026-08-31T22:00:00Z", 0.83517]);
    assert_eq!(best(None).await, before);
    assert_eq!(best(Some(&world.member)).await, before);
    assert_eq!(best(Some(&world.olga)).await, now);
    let (_, _, page) = answer(&db, "/boards/sts/teeth/validation", None).await;
    assert!(page.contains("as it was when the day began"), "{page}");
    assert!(!page.contains("Show it as it is now"), "{page}");
    // What stood still before the day began stands still.
    set(&db, "freezes_at = '2026-08-30 11:00:00Z'").await;
    assert_eq!(best(None).await[0], "2026-08-30T11:00:00Z");
    set(
        &db,
        "freezes_at = NULL, published_at = '2026-09-01 11:00:00Z'",
    )
    .await;
    assert_eq!(best(None).await, now);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_row_has_what_its_mode_allows_and_nothing_that_came_later(db: PgPool) {
    let world = World::new(&db).await;
    let always = ["rank", "team", "values", "ranks", "movement"];
    for (mode, more) in [
        (
            json!({"names": "anonymous"}),
            vec!["spreads", "cases", "failed_cases"],
        ),
        (
            json!({"values": "rounded", "decimals": 1}),
            vec!["spreads", "code_url"],
        ),
        (json!({"values": "order"}), vec!["code_url"]),
        (json!({"names": "anonymous", "values": "order"}), vec![]),
    ] {
        set(&db, &rules(mode.clone())).await;
        let seen = board(&db, world.challenge.phase_id, None).await;
        let mut allowed = [always.to_vec(), more].concat();
        allowed.sort_unstable();
        let row = seen["rows"][0].as_object().unwrap();
        let mut keys: Vec<_> = row.keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, allowed, "{mode}");
        let is_order = mode["values"] == "order";
        for key in ["values", "ranks"] {
            assert_eq!(row[key] == json!({}), is_order, "{mode}: {key}");
        }
    }
}
