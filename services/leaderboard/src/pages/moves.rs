//! `GET /organize/rescorings/{id}/moves`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::RescoringId;
use molar_web_kit::{ApiError, Caller, Kit, layout};

use super::numbers::number;
use crate::moves::{Move, Moves, see};

#[derive(Template)]
#[template(path = "moves.html")]
struct Body {
    of: Moves,
    metrics: Vec<String>,
    rows: Vec<Row>,
    unchanged: usize,
}

struct Row {
    team: String,
    before: String,
    after: String,
    is_moved: bool,
    /// In the order of the metrics: old → new, one number where they are equal.
    values: Vec<String>,
    why: String,
}

#[tracing::instrument(name = "pages.moves", skip_all)]
pub async fn moves(
    kit: web::Data<Kit>,
    id: web::Path<RescoringId>,
    caller: Caller,
) -> Result<HttpResponse, ApiError> {
    let of = see(&kit.db, *id, &caller).await?;
    let gone = of
        .metrics_before
        .iter()
        .filter(|name| !of.metrics_after.contains(name));
    let metrics: Vec<String> = of.metrics_after.iter().chain(gone).cloned().collect();
    let rows: Vec<_> = of
        .teams
        .iter()
        .filter(|one| one.is_touched())
        .map(|one| row(one, &metrics))
        .collect();
    let title = format!("Who moves: {}", of.phase);
    let body = Body {
        unchanged: of.teams.len() - rows.len(),
        metrics,
        rows,
        of,
    };
    let back = format!("/organize/rescorings/{id}");
    Ok(layout::Page::new(title, body.render()?)
        .crumb("Organize", "/organize")
        .crumb("Re-scoring", back)
        .caller(Some(&caller))
        .respond())
}

fn row(of: &Move, metrics: &[String]) -> Row {
    let rank = |rank: Option<u32>| rank.map_or("–".to_owned(), |rank| rank.to_string());
    let value = |name: &String| {
        let change = of.values.get(name).copied();
        let (before, after) = change.map_or((None, None), |change| (change.before, change.after));
        match before == after {
            true => number(after, name),
            false => format!("{} → {}", number(before, name), number(after, name)),
        }
    };
    Row {
        team: of.team.clone(),
        before: rank(of.rank_before),
        after: rank(of.rank_after),
        is_moved: of.is_moved(),
        values: metrics.iter().map(value).collect(),
        why: why(of),
    }
}

fn why(of: &Move) -> String {
    let cases: Vec<_> = of.cases.iter().map(|case| case.case.as_str()).collect();
    match (&of.submission_before, &of.submission_after) {
        (Some(before), Some(after)) if before != after => {
            "another submission is the best".to_owned()
        }
        (Some(_), None) => "not measured yet".to_owned(),
        _ if cases.is_empty() => "others move".to_owned(),
        _ => cases.join(", "),
    }
}
