//! `GET /boards/{challenge}/{track}/{phase}/compare`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::metric::Metric;
use molar_web_kit::{ApiError, Caller, Kit, layout};
use url::form_urlencoded;

use super::choice::{Asked, Choice, choose, closed};
use super::matched::{self, Both, Tally};
use super::{draw, rows};
use crate::boards::{self, Board};
use crate::chosen::{Form, List};
use crate::error::Error;
use crate::history;
use crate::kept::Which;
use crate::pages::numbers::number;
use crate::rows::phases::Phase;
use crate::teeth;

#[derive(Template)]
#[template(path = "compare.html")]
struct ComparePage<'a> {
    form: Form<'a>,
    board: &'a Board,
    compared: Option<Compared>,
}

struct Compared {
    a: String,
    b: String,
    metric: String,
    unit: Option<&'static str>,
    /// Pages of either.
    histories: [String; 2],
    duel: String,
    mouths: Vec<String>,
    metrics: Vec<MetricRow>,
    cases: Vec<CaseRow>,
}

struct MetricRow {
    title: String,
    unit: Option<&'static str>,
    link: String,
    is_shown: bool,
    means: [String; 2],
    tally: Tally,
}

struct CaseRow {
    name: String,
    a: String,
    b: String,
    is_a_better: bool,
    is_b_better: bool,
    gap: String,
}

#[tracing::instrument(name = "pages.compare", skip_all)]
pub async fn page(
    kit: web::Data<Kit>,
    path: web::Path<(String, String, String)>,
    asked: web::Query<Asked>,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let (challenge, track, slug) = path.into_inner();
    let phase = Which::Path(challenge, track, slug).find(&kit.db).await?;
    let board = boards::see(&kit, &phase, caller.as_ref(), &boards::Asked::default()).await?;
    let mut asked = asked.into_inner();
    let mut form = Form::new(phase.path(), "compare", "Compare");
    form.closed = closed(&board);
    let mut compared = None;
    // Of a board that is closed to the caller nothing else is read, and nothing that was asked is told.
    if form.closed.is_none() {
        match choose(&asked, &board) {
            Ok(choice) => {
                compared = Some(compare(&kit, &phase, &board, &choice).await?);
                asked = typed(&choice);
            }
            Err(wrong) => form.wrong = Some(wrong),
        }
        form.lists = lists(&board, &asked);
    }
    let status = form.status();
    let body = ComparePage {
        form,
        board: &board,
        compared,
    };
    let page = layout::Page::new(
        format!("{}, two entries compared", board.title),
        body.render()?,
    );
    Ok(page
        .crumb(
            phase.challenge_title.clone(),
            format!("/challenges/{}", phase.challenge_slug),
        )
        .crumb("Leaderboards", "/boards")
        .crumb(board.title.clone(), phase.path())
        .caller(caller.as_ref())
        .status(status)
        .respond())
}

fn lists<'a>(board: &'a Board, asked: &Asked) -> Vec<List<'a>> {
    vec![
        List::of_teams(board, ("a", "First entry"), &asked.a),
        List::of_teams(board, ("b", "Second entry"), &asked.b),
        List::of_metrics(board, &asked.metric),
    ]
}

fn typed(choice: &Choice<'_>) -> Asked {
    Asked {
        a: choice.a.team.clone(),
        b: choice.b.team.clone(),
        metric: choice.metric.name.clone(),
    }
}

async fn compare(
    kit: &Kit,
    phase: &Phase,
    board: &Board,
    choice: &Choice<'_>,
) -> Result<Compared, Error> {
    let version = board.version.ok_or(Error::NotFound("ranking"))?;
    let teams = [choice.a.team_id, choice.b.team_id];
    let evaluations = rows::evaluations(&kit.db, phase.id, version, &teams).await?;
    let of = |team| evaluations.get(&team).copied();
    let (Some(a), Some(b)) = (of(teams[0]), of(teams[1])) else {
        return Err(Error::NotFound("entry in this ranking"));
    };
    let mut cases = rows::cases(&kit.db, a, b).await?;
    let is_reviewer = board.sight.is_reviewer;
    if !is_reviewer {
        for (case, place) in cases.iter_mut().zip(1..) {
            case.name = format!("case {place}");
        }
    }
    let means = teeth::means(&kit.db, &[a, b]).await?;
    let names = [choice.a.team.as_str(), choice.b.team.as_str()];
    let mouths = match (means.get(&a), means.get(&b)) {
        (Some(a), Some(b)) => draw::mouths(names, [teeth::of_one(a), teeth::of_one(b)]),
        _ => Vec::new(),
    };
    let metric: Metric = choice.metric.name.parse()?;
    let mut both = matched::by(&choice.metric.name, &metric, &cases, is_reviewer);
    let duel = draw::duel(&metric, (names[0], names[1]), &both);
    matched::sort(&mut both, &metric);
    let name = &choice.metric.name;
    Ok(Compared {
        a: names[0].to_owned(),
        b: names[1].to_owned(),
        metric: choice.metric.title.clone(),
        unit: choice.metric.unit,
        histories: names.map(|team| history::links::of_page(&phase.path(), team, name)),
        duel,
        mouths,
        metrics: metrics(board, choice, &cases)?,
        cases: both.iter().map(|both| case(both, name, &metric)).collect(),
    })
}

/// By each metric of the board: the means that stand there, and in how many cases who is better.
fn metrics(
    board: &Board,
    choice: &Choice<'_>,
    cases: &[rows::Case],
) -> Result<Vec<MetricRow>, Error> {
    let mut rows = Vec::new();
    for column in &board.metrics {
        let metric: Metric = column.name.parse()?;
        let both = matched::by(&column.name, &metric, cases, board.sight.is_reviewer);
        let mean = |row: &boards::Row| {
            let mean = row.values.get(&column.name).copied().flatten();
            number(mean, &column.name)
        };
        let asked = Asked {
            metric: column.name.clone(),
            ..typed(choice)
        };
        rows.push(MetricRow {
            title: column.title.clone(),
            unit: column.unit,
            link: link(&asked),
            is_shown: column.name == choice.metric.name,
            means: [mean(choice.a), mean(choice.b)],
            tally: Tally::of(&both, &metric),
        });
    }
    Ok(rows)
}

fn link(asked: &Asked) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("a", &asked.a);
    query.append_pair("b", &asked.b);
    query.append_pair("metric", &asked.metric);
    format!("?{}", query.finish())
}

fn case(both: &Both, name: &str, metric: &Metric) -> CaseRow {
    let gap = both.gap(metric);
    let decimals = metric.decimals();
    let difference = both.a.zip(both.b).map(|(a, b)| a - b);
    CaseRow {
        name: both.case.clone(),
        a: number(both.a, name),
        b: number(both.b, name),
        is_a_better: gap.is_some_and(|gap| gap > 0.0),
        is_b_better: gap.is_some_and(|gap| gap < 0.0),
        gap: difference.map_or("–".to_owned(), |value| format!("{value:+.decimals$}")),
    }
}
