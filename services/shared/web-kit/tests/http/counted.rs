//! What is counted of requests.

use actix_web::test::TestRequest;
use molar_service::telemetry;

use crate::{call, no_database};

const MISSING: &str = "/api/v1/teams/0192d3a4-0000-7000-8000-0000000000aa";

/// The value of one series, by what stands in its labels.
pub fn counted(labels: &[&str]) -> u64 {
    let text = telemetry::metrics().render();
    let all = |line: &&str| labels.iter().all(|label| line.contains(label));
    let lines = text.lines();
    lines
        .filter(|line| line.starts_with("http_requests_total"))
        .find(all)
        .map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

#[actix_web::test]
async fn requests_are_counted_by_method_route_and_status() {
    let missing = [
        r#"method="GET""#,
        r#"route="/api/v1/teams/{id}""#,
        r#"status="404""#,
        r#"role="registration""#,
    ];
    let not_allowed = [
        r#"method="PATCH""#,
        r#"route="/api/v1/teams/{id}""#,
        r#"status="405""#,
    ];
    let before = (counted(&missing), counted(&not_allowed));
    for _ in 0..3 {
        call(&no_database(), TestRequest::get().uri(MISSING)).await;
    }
    call(&no_database(), TestRequest::patch().uri(MISSING)).await;
    let after = (counted(&missing), counted(&not_allowed));
    assert!(after.0 >= before.0 + 3, "{before:?} {after:?}");
    assert!(after.1 > before.1, "{before:?} {after:?}");
    // By its id it would be a series of its own.
    assert_eq!(counted(&[MISSING]), 0);
}
