//! What is told of single cases where a phase measures what containers use.

use actix_web::http::StatusCode;
use molar_domain::PhaseId;
use molar_web_kit::testing;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::by_case::draw;
use super::world::{board, get};
use crate::testing::{challenge, fold, later, team};

const TIMES: [f64; 5] = [0.0512345, 0.1456789, 0.2567891, 0.3456789, 0.9512345];
const AREAS: [f64; 5] = [1041.4567, 1123.4561, 1187.6543, 1234.5678, 1311.1111];

/// Of the second and the fourth case, which are the quartiles, and of both deviations by `statistics.stdev` of Python 3.
const SECRETS: [&str; 6] = [
    "1456789",
    "3456789",
    "1123.4561",
    "1234.5678",
    "0.3539765",
    "103.2196",
];

fn values(times: [f64; 5], areas: [f64; 5]) -> Vec<Value> {
    let cases = times.into_iter().zip(areas);
    let values = cases.map(
        |(time, area)| json!({"IA": 0.5, "running_time_s": time, "gpu_memory_area_mib_s": area}),
    );
    values.collect()
}

fn routes(phase: PhaseId) -> Vec<String> {
    let (api, page) = (
        format!("/api/v1/boards/{phase}"),
        "/boards/sts/teeth/validation",
    );
    vec![
        api.clone(),
        format!("{api}.csv?details=true"),
        format!("{api}.csv?shape=long&details=true"),
        format!("{api}/statistics"),
        format!("{api}/figures"),
        format!("{api}/figures/cases-running_time_s.svg"),
        format!("{api}/figures/cases-gpu_memory_area_mib_s.svg"),
        page.to_owned(),
        format!("{page}/report"),
        format!("{page}/figures"),
        format!("{page}/compare?a=Ants&b=Bees&metric=running_time_s"),
        format!("{page}/compare?a=Ants&b=Bees&metric=gpu_memory_area_mib_s"),
    ]
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_quartile_that_is_the_value_of_a_case_has_no_digits_to_write_into(db: PgPool) {
    let metrics = ["IA", "running_time_s", "gpu_memory_area_mib_s"];
    let challenge = challenge(&db, &metrics).await;
    let phase = challenge.phase_id;
    team(&db, &challenge, "Ants", &values(TIMES, AREAS)).await;
    team(&db, &challenge, "Bees", &values([2.0; 5], [2000.0; 5])).await;
    fold(&db, phase, later(-60)).await;
    draw(&db, phase).await;
    for route in routes(phase) {
        let (status, told) = get(&db, &route, None).await;
        assert_eq!(status, StatusCode::OK, "{route}");
        let told: Vec<_> = SECRETS.iter().filter(|one| told.contains(**one)).collect();
        assert!(told.is_empty(), "{route} tells {told:?}");
    }
    let seen = board(&db, phase, None).await;
    let spreads = &seen["rows"][0]["spreads"];
    assert_eq!(
        spreads["running_time_s"],
        json!({"sd": 0.4, "q1": 0.1, "q3": 0.3})
    );
    assert_eq!(
        spreads["gpu_memory_area_mib_s"],
        json!({"sd": 103.0, "q1": 1123.0, "q3": 1235.0})
    );

    let olga = testing::organizer(&db, "Olga", challenge.id).await;
    let seen = board(&db, phase, Some(&olga)).await;
    assert_eq!(
        seen["rows"][0]["spreads"]["running_time_s"]["q1"],
        0.1456789
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn tables_and_pages_write_deviations_of_a_run_with_the_digits_that_they_have(db: PgPool) {
    let metrics = ["IA", "running_time_s", "gpu_memory_area_mib_s"];
    let challenge = challenge(&db, &metrics).await;
    let phase = challenge.phase_id;
    team(&db, &challenge, "Ants", &values(TIMES, AREAS)).await;
    fold(&db, phase, later(-60)).await;
    let table = async |form: &str| {
        let path = format!("/api/v1/boards/{phase}.csv?details=true{form}");
        get(&db, &path, None).await.1
    };
    // 0.3 - 0.1 is 0.19999999999999998.
    let wide = table("").await;
    assert!(
        wide.contains(",1,0.4,0.2,") && wide.contains(",1,103,112,"),
        "{wide}"
    );
    let long = table("&shape=long").await;
    assert!(
        long.contains(",1,0.4,0.2,,false") && long.contains(",1,103,112,,false"),
        "{long}"
    );
    for page in ["", "/report"] {
        let (_, page) = get(&db, &format!("/boards/sts/teeth/validation{page}"), None).await;
        assert!(page.contains("± 0.4<") && page.contains("± 103<"), "{page}");
    }
}
