//! Addresses of a history.

use molar_domain::PhaseId;
use url::form_urlencoded;

/// Of the page; `board` is the path of the board's.
pub fn of_page(board: &str, team: &str, metric: &str) -> String {
    format!("{board}/history?{}", query(team, metric))
}

pub fn of_json(phase: PhaseId, team: &str, metric: &str) -> String {
    format!("/api/v1/boards/{phase}/history?{}", query(team, metric))
}

/// Of a figure; `file` is its name with the ending.
pub fn of_file(phase: PhaseId, file: &str, team: &str, metric: &str) -> String {
    format!(
        "/api/v1/boards/{phase}/history/{file}?{}",
        query(team, metric)
    )
}

fn query(team: &str, metric: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("team", team);
    query.append_pair("metric", metric);
    query.finish()
}
