//! What stands beside a rank, and how the page lets a reader choose of it.

use actix_web::http::StatusCode;
use chrono::TimeDelta;
use molar_testkit::{
    Challenge, ChallengeBuilder, EvaluationBuilder, PhaseBuilder, SubmissionBuilder, TeamBuilder,
    noon,
};
use molar_web_kit::testing;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::world::{board, challenge, entry, fold, fold_at, get, ranked, set};

const PAGE: &str = "/boards/sts/teeth/validation";

pub async fn baseline(db: &PgPool, challenge: &Challenge, name: &str, values: Value) {
    sqlx::query!(
        "INSERT INTO tracks.baselines (phase_id, name, position, note, values) VALUES ($1, $2, 1, 'by the organizers', $3)",
        challenge.phase_id.0,
        name,
        values
    )
    .execute(db)
    .await
    .unwrap();
}

/// Other values in the second case than in the first.
async fn second_case(db: &PgPool, values: Value) {
    sqlx::query!(
        "UPDATE scoring.case_scores SET values = $1 WHERE case_id = (SELECT max(id::text)::uuid FROM tracks.cases)",
        values
    )
    .execute(db)
    .await
    .unwrap();
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn each_metric_has_its_spread_over_the_cases_also_one_that_came_later(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let team = TeamBuilder::new(&challenge, "Ants").insert(&db).await;
    let submission = SubmissionBuilder::new(&challenge, &team).insert(&db).await;
    let values = json!({"IA": 0.25, "image_DSC": 0.5});
    EvaluationBuilder::new(&challenge, &submission, values)
        .insert(&db)
        .await;
    second_case(&db, json!({"IA": 0.75, "image_DSC": 0.5})).await;
    fold(&db, challenge.phase_id).await;
    let spreads = async || board(&db, challenge.phase_id, None).await["rows"][0]["spreads"].clone();
    let of_ia = json!({"sd": 0.125_f64.sqrt(), "q1": 0.375, "q3": 0.625});
    assert_eq!(spreads().await, json!({"IA": of_ia}));
    // Kept before there were spreads: made up for by the next fold.
    sqlx::query!("UPDATE leaderboard.means SET spreads = '{}'")
        .execute(&db)
        .await
        .unwrap();
    assert!(!fold(&db, challenge.phase_id).await);
    assert_eq!(spreads().await, json!({"IA": of_ia}));

    set(&db, "metrics = '{IA,image_DSC}'").await;
    fold(&db, challenge.phase_id).await;
    assert_eq!(spreads().await["image_DSC"]["sd"], 0.0);
    let (_, page) = get(&db, PAGE, None).await;
    assert!(page.contains("± 0.3536"), "{page}");
    let (_, page) = get(&db, &format!("{PAGE}?column=IA"), None).await;
    assert!(page.contains("0.5000") && !page.contains("±"), "{page}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_gain_is_over_the_baseline_that_was_asked_for(db: PgPool) {
    let phase = PhaseBuilder::new("validation").metrics(&["IA", "image_HD95"]);
    let challenge = ChallengeBuilder::new("sts").phase(phase).insert(&db).await;
    let team = TeamBuilder::new(&challenge, "Ants").insert(&db).await;
    let submission = SubmissionBuilder::new(&challenge, &team).insert(&db).await;
    let values = json!({"IA": 0.75, "image_HD95": 4.0});
    EvaluationBuilder::new(&challenge, &submission, values)
        .insert(&db)
        .await;
    fold(&db, challenge.phase_id).await;
    let values = json!({"IA": 0.5, "image_HD95": 9.0});
    baseline(&db, &challenge, "U-Net & co", values).await;
    let path = format!("/api/v1/boards/{}", challenge.phase_id);
    let name = "baseline=U-Net%20%26%20co";
    let (_, body) = get(&db, &format!("{path}?{name}"), None).await;
    let seen: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(seen["rows"][0]["gains"], json!({"IA": 25.0}));
    assert_eq!(seen["baseline"], "U-Net & co");
    let (_, csv) = get(&db, &format!("{path}.csv?{name}"), None).await;
    assert!(csv.starts_with("team,IA,IA_rank,IA_gain_pp,"), "{csv}");
    let (_, page) = get(&db, &format!("{PAGE}?{name}"), None).await;
    assert!(page.contains("+25.00 pp"), "{page}");
    let (status, body) = get(&db, &format!("{path}?baseline=none"), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains("no such baseline"), "{body}");
    let (status, page) = get(&db, &format!("{PAGE}?baseline=none"), None).await;
    assert!(status == StatusCode::NOT_FOUND && page.contains("has no such baseline"));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_row_says_how_it_moved_since_the_day_before_and_of_how_many_it_is_the_one(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let ants = TeamBuilder::new(&challenge, "Ants").insert(&db).await;
    let bees = TeamBuilder::new(&challenge, "Bees").insert(&db).await;
    entry(&db, &challenge, &ants, -3000, 0.9).await;
    entry(&db, &challenge, &bees, -3000, 0.8).await;
    let moves = async || {
        let board = board(&db, challenge.phase_id, None).await;
        let rows = board["rows"].as_array().unwrap().clone();
        rows.into_iter()
            .map(|row| {
                json!([
                    row["team"],
                    row["movement"]["direction"],
                    row["submissions"]
                ])
            })
            .collect::<Vec<_>>()
    };
    fold_at(&db, challenge.phase_id, noon() - TimeDelta::hours(25)).await;
    let same = [json!(["Ants", "same", 1]), json!(["Bees", "same", 1])];
    assert_eq!(moves().await, same);
    let cats = TeamBuilder::new(&challenge, "Cats").insert(&db).await;
    entry(&db, &challenge, &bees, -60, 0.95).await;
    entry(&db, &challenge, &cats, -60, 0.1).await;
    fold_at(&db, challenge.phase_id, noon() - TimeDelta::hours(1)).await;
    assert_eq!(
        moves().await,
        [
            json!(["Bees", "up", 2]),
            json!(["Ants", "down", 1]),
            json!(["Cats", "new", 1])
        ]
    );
    let (_, page) = get(&db, PAGE, None).await;
    for part in ["↑1<", "up by 1", "↓1<", "new<"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    // Nothing stood a day before the first.
    let path = format!(
        "/api/v1/boards/{}?at=2026-08-31T12:00:00Z",
        challenge.phase_id
    );
    let (_, body) = get(&db, &path, None).await;
    assert!(
        body.contains("Ants") && !body.contains("movement"),
        "{body}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_page_filters_sorts_and_leaves_columns_out_by_its_address_alone(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    for (name, ia) in [("Red ants", 0.9), ("Bees", 0.8), ("Black ants", 0.7)] {
        let team = TeamBuilder::new(&challenge, name).insert(&db).await;
        entry(&db, &challenge, &team, 1, ia).await;
    }
    let guests = TeamBuilder::new(&challenge, "Guests").out_of_competition("late");
    let guests = guests.insert(&db).await;
    entry(&db, &challenge, &guests, 1, 0.6).await;
    fold(&db, challenge.phase_id).await;
    let page = async |query: &str| {
        let (status, page) = get(&db, &format!("{PAGE}?{query}"), None).await;
        assert_eq!(status, StatusCode::OK);
        page
    };
    let all = page("").await;
    assert_eq!(all.matches("aria-sort").count(), 1, "{all}");
    assert!(all.contains(r#"aria-sort="ascending"><a class="sort asc" href="/boards/sts/teeth/validation?sort=rank&#38;dir=desc""#), "{all}");
    let ants = page("team=ANTS&sort=IA&dir=asc&column=IA").await;
    let (black, red) = (ants.find("Black ants"), ants.find("Red ants"));
    assert!(
        black.is_some() && black < red && !ants.contains("Bees"),
        "{ants}"
    );
    assert!(!ants.contains("Handed in</a>") && all.contains("Handed in</a>"));
    assert!(ants.contains(r#"<details open>"#) && all.contains("<details><summary>"));
    assert!(
        ants.contains("sort=team&#38;dir=asc&#38;team=ANTS&#38;column=IA"),
        "{ants}"
    );
    let out = page("who=out").await;
    assert!(out.contains("Guests") && !out.contains("Bees"), "{out}");
    let none = page("team=wasps").await;
    assert!(none.contains("No entry is of that kind."), "{none}");
    assert!(!none.contains("<table"), "{none}");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn any_name_stands_as_it_is_written(db: PgPool) {
    let challenge = challenge(&db, PhaseBuilder::new("validation")).await;
    let long = "W".repeat(60);
    let names = [
        "<script>x</script>",
        "\u{202e}שיניים",
        long.as_str(),
        "🦷🦷",
        "\"'&",
    ];
    for (name, tenths) in names.iter().zip(1..) {
        let member = testing::person(&db, "Ada").await;
        let team = TeamBuilder::new(&challenge, name).member(member.id);
        let team = team.insert(&db).await;
        entry(&db, &challenge, &team, 1, f64::from(tenths) / 10.0).await;
    }
    fold(&db, challenge.phase_id).await;
    let seen = board(&db, challenge.phase_id, None).await;
    let found: Vec<_> = ranked(&seen).into_iter().map(|(_, name)| name).collect();
    assert_eq!(found, names.iter().rev().copied().collect::<Vec<_>>());
    let (_, page) = get(&db, PAGE, None).await;
    assert!(
        !page.contains("<script>x") && page.contains("<bdi>&#60;script&#62;x"),
        "{page}"
    );
    assert!(page.contains("<bdi>\u{202e}שיניים</bdi>") && page.contains("<bdi>🦷🦷</bdi>"));
    assert!(page.contains(&format!("<bdi>{long}</bdi>")));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn one_team_no_value_and_all_equal_make_boards_as_well(db: PgPool) {
    let phase = PhaseBuilder::new("validation").metrics(&["IA", "image_DSC"]);
    let challenge = ChallengeBuilder::new("sts").phase(phase).insert(&db).await;
    let (_, empty) = get(&db, PAGE, None).await;
    assert!(empty.contains("Nobody is on this board yet"), "{empty}");
    let hand_in = async |name: &str, values: Value| {
        let team = TeamBuilder::new(&challenge, name).insert(&db).await;
        let submission = SubmissionBuilder::new(&challenge, &team).insert(&db).await;
        EvaluationBuilder::new(&challenge, &submission, values)
            .insert(&db)
            .await;
        fold(&db, challenge.phase_id).await;
        board(&db, challenge.phase_id, None).await
    };
    let alone = hand_in("Ants", json!({"IA": 0.5})).await;
    assert_eq!(ranked(&alone), [(Some(1), "Ants")]);
    assert_eq!(
        alone["rows"][0]["values"],
        json!({"IA": 0.5, "image_DSC": null})
    );
    assert_eq!(alone["left_out"], json!(["image_DSC"]));
    let tied = hand_in("Bees", json!({"IA": 0.5})).await;
    assert_eq!(ranked(&tied), [(Some(1), "Ants"), (Some(1), "Bees")]);
    let (_, csv) = get(
        &db,
        &format!("/api/v1/boards/{}.csv?details=true", challenge.phase_id),
        None,
    )
    .await;
    insta::assert_snapshot!(csv, @r"
    team,IA,IA_rank,IA_sd,IA_iqr,image_DSC,image_DSC_rank,image_DSC_sd,image_DSC_iqr,mean_rank,final_rank,rank_from,rank_to,is_eligible,out_reason,code_url,submissions,submitted_at,is_baseline,note
    Ants,0.5,1,0,0,,,,,1,1,,,true,,,1,2026-09-01T12:01:00Z,false,
    Bees,0.5,1,0,0,,,,,1,1,,,true,,,1,2026-09-01T12:01:00Z,false,
    ");
    let (_, csv) = get(
        &db,
        &format!("/api/v1/boards/{}.csv?shape=long", challenge.phase_id),
        None,
    )
    .await;
    insta::assert_snapshot!(csv, @r"
    team,metric,value,rank
    Ants,IA,0.5,1
    Ants,image_DSC,,
    Ants,mean_rank,1,
    Ants,final_rank,1,
    Bees,IA,0.5,1
    Bees,image_DSC,,
    Bees,mean_rank,1,
    Bees,final_rank,1,
    ");
    for query in [
        "sort=image_DSC",
        "sort=movement&dir=asc",
        "sort=none",
        "sort=submissions",
    ] {
        let (status, _) = get(&db, &format!("{PAGE}?{query}"), None).await;
        assert_eq!(status, StatusCode::OK, "{query}");
    }
}
