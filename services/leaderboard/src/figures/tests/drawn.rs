//! What is drawn, and when.

use molar_domain::attempt::AttemptState;
use molar_domain::phase::SubmissionKind;
use molar_testkit::AttemptBuilder;

use super::*;
use crate::figures::{inputs, rows};

const HIGH: [f64; 5] = [0.9, 0.8, 0.9, 0.85, 0.95];
const LOW: [f64; 5] = [0.3, 0.2, 0.3, 0.4, 0.25];

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_version_is_drawn_once_and_a_phase_at_most_once_a_minute(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    draw(&db, noon()).await;
    assert!(versions(&db).await.is_empty(), "nothing is ranked");
    team(&db, &challenge, "Ants", &ia(LOW)).await;
    fold(&db, phase, later(1)).await;
    draw(&db, later(2)).await;
    let first = list(&db, phase).await;
    assert_eq!(
        (&first["version"], &first["is_current"]),
        (&json!(1), &json!(true))
    );
    draw(&db, later(300)).await;
    assert_eq!(
        list(&db, phase).await,
        first,
        "the same version is not drawn again"
    );

    team(&db, &challenge, "Bees", &ia(HIGH)).await;
    fold(&db, phase, later(-10)).await;
    sqlx::query!("UPDATE leaderboard.drawings SET made_at = $1", later(310))
        .execute(&db)
        .await
        .unwrap();
    draw(&db, later(369)).await;
    assert_eq!(versions(&db).await, [1]);
    draw(&db, later(370)).await;
    assert_eq!(
        versions(&db).await,
        [2],
        "the first is shown to nobody any more"
    );
    let (_, podium) = get(&db, &file_path(phase, "podium"), None).await;
    assert!(podium.contains("Bees"), "{podium}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn until_a_new_version_is_drawn_the_one_before_says_that_it_is(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    team(&db, &challenge, "Ants", &ia(LOW)).await;
    fold(&db, phase, later(-30)).await;
    draw(&db, later(-20)).await;
    team(&db, &challenge, "Bees", &ia(HIGH)).await;
    fold(&db, phase, later(-10)).await;
    draw(&db, later(-5)).await;
    let seen = list(&db, phase).await;
    assert_eq!(
        (&seen["version"], &seen["is_current"]),
        (&json!(1), &json!(false))
    );
    let (_, page) = get(&db, PAGE, None).await;
    assert!(
        page.contains("version 1 of") && page.contains("The board has moved on"),
        "{page}"
    );
    assert!(page.contains("As of 1 September 2026"), "{page}");
    assert!(page.contains("Ants") && !page.contains("Bees"));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_renamed_team_is_drawn_anew_and_its_old_name_is_not_shown_until_then(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    team(&db, &challenge, "Ants", &ia(LOW)).await;
    fold(&db, phase, later(-90)).await;
    draw(&db, later(-80)).await;
    sqlx::query!("UPDATE registration.teams SET name = 'Emmets' WHERE name = 'Ants'")
        .execute(&db)
        .await
        .unwrap();
    assert_eq!(
        get(&db, &file_path(phase, "podium"), None).await.0,
        StatusCode::NOT_FOUND
    );
    assert!(!get(&db, PAGE, None).await.1.contains("Ants"));
    draw(&db, noon()).await;
    let (_, podium) = get(&db, &file_path(phase, "podium"), None).await;
    assert!(
        podium.contains("Emmets") && !podium.contains("Ants"),
        "{podium}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_board_with_times_has_every_figure_in_the_order_of_the_page(db: PgPool) {
    let metrics = [
        "IA",
        "image_HD95",
        "running_time_s",
        "gpu_memory_area_mib_s",
    ];
    let phase = PhaseBuilder::new("validation")
        .kind(SubmissionKind::Container)
        .metrics(&metrics);
    let challenge = ChallengeBuilder::new("sts").cases(&CASES).phase(phase);
    let challenge = challenge.insert(&db).await;
    for (name, ia) in [("Ants", 0.9), ("Bees", 0.8)] {
        let team = TeamBuilder::new(&challenge, name).insert(&db).await;
        let submission = SubmissionBuilder::new(&challenge, &team).container();
        let submission = submission.insert(&db).await;
        let attempt = AttemptBuilder::new(&challenge, &submission).state(AttemptState::Finished);
        let attempt = attempt.insert(&db).await;
        let values = json!({"IA": ia, "image_HD95": 2.5, "running_time_s": 10.0 * ia});
        let evaluation = EvaluationBuilder::new(&challenge, &submission, values);
        evaluation.attempt(&attempt).insert(&db).await;
    }
    let phase = challenge.phase_id;
    fold(&db, phase, noon()).await;
    draw(&db, noon()).await;
    let seen = list(&db, phase).await;
    let expected = [
        "podium",
        "stability",
        "significance",
        "significance-image_HD95",
        "significance-running_time_s",
        "schemes",
        "history",
        "time",
        "cases-IA",
        "cases-image_HD95",
        "cases-running_time_s",
    ];
    assert_eq!(names(&seen), expected, "no GPU was measured");
    let note = seen["figures"][1]["note"].as_str().unwrap();
    assert!(
        note.contains("The 5 cases") && note.ends_with("HD95 (image), Time."),
        "{note}"
    );
    for name in expected {
        let (status, file) = get(&db, &file_path(phase, name), None).await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            file.starts_with("<svg ") && file.contains("Ants"),
            "{name}: {file}"
        );
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn each_metric_has_a_map_of_who_is_better_by_it(db: PgPool) {
    let names: Vec<String> = (0..10).map(|case| format!("Case_{case:02}")).collect();
    let cases: Vec<&str> = names.iter().map(String::as_str).collect();
    let phase = PhaseBuilder::new("validation").metrics(&["IA", "image_DSC"]);
    let challenge = ChallengeBuilder::new("sts").cases(&cases).phase(phase);
    let challenge = challenge.insert(&db).await;
    // In every case the one is better by IA and the other by DSC, never by the same.
    let values = |ia: f64, dsc: f64| -> Vec<Value> {
        let case = |case: i32| {
            let less = f64::from(case * case) / 1000.0;
            json!({"IA": ia - ia * less, "image_DSC": dsc - dsc * less})
        };
        (0..10).map(case).collect()
    };
    team(&db, &challenge, "Ants", &values(0.9, 0.3)).await;
    team(&db, &challenge, "Bees", &values(0.4, 0.7)).await;
    let gone = team(&db, &challenge, "Gone", &values(0.1, 0.1)).await;
    let phase = challenge.phase_id;
    fold(&db, phase, noon()).await;
    // It was ranked, and has no name any more.
    sqlx::query!(
        "UPDATE registration.participations SET state = 'withdrawn' WHERE team_id = $1",
        gone.id.0
    )
    .execute(&db)
    .await
    .unwrap();
    draw(&db, noon()).await;
    let file = async |name: &str| {
        let (status, file) = get(&db, &file_path(phase, name), None).await;
        assert_eq!(status, StatusCode::OK, "{name}");
        file.replace(['\u{2068}', '\u{2069}'], "")
    };
    let first = file("significance").await;
    assert!(
        first.contains("Ants is better than 1: Bees; Bees is better than nobody."),
        "{first}"
    );
    assert!(first.contains("Ants is better than Bees, p = 0.0"));
    let other = file("significance-image_DSC").await;
    assert!(
        other.contains("Ants is better than nobody; Bees is better than 1: Ants."),
        "{other}"
    );
    assert!(
        other.contains("Bees is better than Ants</title>"),
        "{other}"
    );
    let seen = list(&db, phase).await;
    let figures = seen["figures"].as_array().unwrap();
    let mut figures = figures.iter();
    let map = figures.find(|figure| figure["name"] == "significance-image_DSC");
    let note = map.unwrap()["note"].as_str().unwrap();
    assert!(note.contains("over the cases by DSC (image), "), "{note}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_history_has_a_step_where_a_rank_changed(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    team(&db, &challenge, "Ants", &ia(LOW)).await;
    fold(&db, phase, later(-3 * 3600)).await;
    team(&db, &challenge, "Bees", &ia(HIGH)).await;
    fold(&db, phase, later(-2 * 3600)).await;
    team(&db, &challenge, "Cats", &ia(LOW.map(|value| value / 2.0))).await;
    fold(&db, phase, later(-3600)).await;
    let role = as_role(&db, Role::Leaderboard).await;
    statistics::all(&role, &MockClock::at(noon()), 10, &Patience::default())
        .await
        .unwrap();
    let due = rows::due(&role, noon(), noon()).await.unwrap();
    let kept = statistics::of(&role, phase, due[0].version).await;
    let document = kept.unwrap().unwrap().document.0;
    let metrics = ["IA".to_owned()];
    let inputs = inputs::read(&role, &due[0], document, &metrics, noon());
    let inputs = inputs.await.unwrap();
    let steps = inputs.teams.iter().map(|team| {
        let changes = team.ranks.iter();
        let changes = changes.map(|change| ((change.at - noon()).num_hours(), change.value));
        (team.name.as_deref().unwrap(), changes.collect::<Vec<_>>())
    });
    let steps: Vec<_> = steps.collect();
    assert_eq!(
        steps,
        [
            ("Bees", vec![(-2, Some(1.0))]),
            ("Ants", vec![(-3, Some(1.0)), (-2, Some(2.0))]),
            ("Cats", vec![(-1, Some(3.0))]),
        ]
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_file_is_an_svg_that_is_allowed_nothing_and_is_not_sent_twice(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    team(&db, &challenge, "Ants", &ia(LOW)).await;
    fold(&db, phase, noon()).await;
    draw(&db, noon()).await;
    let path = file_path(phase, "cases-IA");
    let file = ask(&db, &path, None, None).await;
    assert_eq!(file.status, StatusCode::OK);
    assert_eq!(file.header("content-type"), "image/svg+xml");
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    assert_eq!(
        file.header("content-security-policy"),
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    );
    assert!(
        file.header("content-disposition")
            .contains("sts-teeth-validation-cases-IA.svg")
    );
    let tag = file.header("etag");
    let again = ask(&db, &path, None, Some(tag)).await;
    assert_eq!(
        (again.status, again.body.as_str()),
        (StatusCode::NOT_MODIFIED, "")
    );
    assert_eq!(again.header("etag"), tag);
    let other = ask(&db, &path, None, Some("\"other\"")).await;
    assert_eq!((other.status, other.body), (StatusCode::OK, file.body));
    assert_eq!(
        get(&db, &file_path(phase, "nothing"), None).await.0,
        StatusCode::NOT_FOUND
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_page_has_each_figure_for_both_windows_and_the_board_leads_to_it(db: PgPool) {
    let challenge = challenge(&db, &["IA"]).await;
    let phase = challenge.phase_id;
    let (_, page) = get(&db, PAGE, None).await;
    assert!(page.contains("Nobody is on this board yet"), "{page}");
    team(&db, &challenge, "Ants", &ia(LOW)).await;
    team(&db, &challenge, "Bees", &ia(HIGH)).await;
    fold(&db, phase, noon()).await;
    let (_, page) = get(&db, PAGE, None).await;
    assert!(page.contains("are being drawn"), "{page}");
    draw(&db, noon()).await;
    let (_, page) = get(&db, PAGE, None).await;
    let figures = names(&list(&db, phase).await).len();
    assert_eq!(page.matches("figure figure-wide").count(), figures);
    assert_eq!(page.matches("figure figure-narrow").count(), figures);
    assert_eq!(page.matches("as SVG").count(), figures);
    assert!(
        !page.contains("<style") && !page.contains("style="),
        "the policy forbids it"
    );
    let (_, board) = get(&db, "/boards/sts/teeth/validation", None).await;
    assert!(board.contains(&format!("href=\"{PAGE}\"")), "{board}");
}
