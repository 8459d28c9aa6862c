//! `GET /boards/{challenge}/{board}`

pub(super) mod cells;
mod order;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono_tz::Tz;
use molar_web_kit::{ApiError, Caller, Kit, layout};

use self::cells::RowView;
use self::order::Order;
use super::ranked::Ranked;
use super::rows::{self, Asked, Import};
use crate::kept::tagged;
use crate::pages::heading::Heading;
use crate::pages::numbers::moment;

#[derive(Template)]
#[template(path = "imported.html")]
struct ImportedPage<'a> {
    import: &'a Import,
    rank: Heading,
    team: Heading,
    /// The metrics, and the mean of their ranks.
    numbers: Vec<Heading>,
    rows: Vec<RowView>,
    /// Ranks that were published, and how many of them come out otherwise.
    compared: usize,
    different: usize,
    left_out: Vec<String>,
    less_is_better: Vec<String>,
    imported_at: String,
}

#[tracing::instrument(name = "pages.imported", skip_all)]
pub async fn page(
    kit: web::Data<Kit>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let asked = Asked {
        challenge: Some(&path.0),
        slug: Some(&path.1),
        ..Asked::default()
    };
    let (import, ranked) = rows::read(&kit.db, asked).await?;
    let order = Order::of(request.query_string(), &ranked);
    let body = view(&import, &ranked, &order).render()?;
    let page = layout::Page::new(import.title.clone(), body)
        .crumb(
            import.challenge_title.clone(),
            format!("/challenges/{}", import.challenge_slug),
        )
        .crumb("Leaderboards", "/boards")
        .caller(caller.as_ref())
        .respond();
    match caller {
        Some(_) => Ok(page),
        None => tagged(&request, page, false),
    }
}

fn view<'a>(import: &'a Import, ranked: &Ranked, order: &Order) -> ImportedPage<'a> {
    let path = import.path();
    let differences = ranked.differences();
    let otherwise = cells::Otherwise::of(&differences);
    let columns = ranked.metrics.iter().map(cells::Column::of);
    let columns: Vec<_> = columns.collect();
    let zone = import.zone.parse().unwrap_or(Tz::UTC);
    ImportedPage {
        rank: order.heading(&path, order::RANK, "Rank", ""),
        team: order.heading(&path, order::TEAM, "Team", ""),
        numbers: columns
            .iter()
            .enumerate()
            .map(|(at, column)| (order::of_metric(at), column.title.as_str(), column.unit))
            .chain([(order::MEAN.to_owned(), "Mean rank", "")])
            .map(|(name, title, note)| order.heading(&path, &name, title, note))
            .collect(),
        rows: order
            .rows(ranked)
            .into_iter()
            .map(|(number, row)| cells::row(number, row, &columns, &otherwise))
            .collect(),
        compared: ranked.compared(),
        different: differences.len(),
        left_out: cells::left_out(&columns, ranked),
        less_is_better: cells::less_is_better(&columns),
        imported_at: moment(import.imported_at, zone),
        import,
    }
}
