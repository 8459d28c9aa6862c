//! `/finalists/{id}/certificates/{number}`: a page to be printed or kept as a PDF. 0 is the team's, then one an author.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use molar_web_kit::{ApiError, Caller, Kit, names};
use uuid::Uuid;

use crate::awards::AwardView;
use crate::dossiers::rows;
use crate::finals::find::tells_ranks;
use crate::finals::rows as finals;
use crate::phases::rows as phases;

#[derive(Template)]
#[template(path = "certificate.html")]
struct Certificate<'a> {
    finalist: &'a finals::Finalist,
    /// The team, in the title of the window.
    holder: String,
    /// Of the team's own certificate there is none.
    author: Option<String>,
    authors: Vec<String>,
    /// Each with its place. Where the board has pseudonyms, no certificate that a team has tells a place or a rank.
    awards: Vec<(String, Option<String>)>,
    rank: Option<String>,
    day: Option<String>,
    /// A class of the style sheet.
    size: &'static str,
}

#[tracing::instrument(name = "pages.certificate", skip_all)]
pub async fn show(
    kit: web::Data<Kit>,
    caller: Caller,
    path: web::Path<(Uuid, usize)>,
) -> Result<HttpResponse, ApiError> {
    let (id, number) = path.into_inner();
    let finalist = finals::find(&kit.db, id).await?;
    let sees_all = caller.may_review(finalist.challenge_id());
    let is_theirs = finalist.is_own(&caller) && finalist.is_published();
    if finalist.is_struck() || !finalist.is_approved || !(sees_all || is_theirs) {
        return Err(ApiError::NotFound("certificate"));
    }
    let phase = phases::find(&kit.db, finalist.phase_id.into(), kit.clock.now()).await?;
    let has_ranks = tells_ranks(&phase, sees_all);
    let dossier = rows::find(&kit.db, id).await?;
    let authors = dossier.authors.0.into_iter().map(|author| author.name);
    let awards = crate::awards::list(&kit.db, finalist.phase_id).await?;
    let body = Certificate::of(&finalist, number, authors.collect(), awards, has_ranks);
    let body = body.ok_or(ApiError::NotFound("certificate"))?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::VARY, "cookie"))
        .body(body.render()?))
}

impl<'a> Certificate<'a> {
    /// None where there is no author of this number.
    fn of(
        finalist: &'a finals::Finalist,
        number: usize,
        authors: Vec<String>,
        awards: Vec<AwardView>,
        has_ranks: bool,
    ) -> Option<Self> {
        let author = match number.checked_sub(1) {
            Some(at) => Some(authors.get(at)?.clone()),
            None => None,
        };
        let awards = awards.into_iter().filter_map(|award| {
            let mut places = award.places.iter();
            let place = places.find(|of| of.finalist_id == finalist.id)?;
            let place = place.place.filter(|_| has_ranks).map(ordinal);
            Some((award.title, place))
        });
        let body = Self {
            size: "",
            holder: names::plain(&finalist.team),
            author,
            authors,
            awards: awards.collect(),
            rank: has_ranks.then(|| ordinal(finalist.rank)),
            day: finalist.published_at.map(|at| day(at, &finalist.zone)),
            finalist,
        };
        Some(Self {
            size: size(body.letters()),
            ..body
        })
    }

    /// Of the names and titles on it.
    fn letters(&self) -> usize {
        let holders = match &self.author {
            Some(author) => std::slice::from_ref(author),
            None => self.authors.as_slice(),
        };
        let titles = self.awards.iter().map(|(title, _)| title);
        let written = holders.iter().chain(titles).chain([&self.finalist.team]);
        written.map(|text| text.chars().count()).sum()
    }
}

/// How small letters must be, so that all of them are on one page.
fn size(letters: usize) -> &'static str {
    match letters {
        0..=150 => "",
        151..=500 => "long",
        _ => "longest",
    }
}

fn day(at: DateTime<Utc>, zone: &str) -> String {
    let zone = zone.parse().unwrap_or(chrono_tz::UTC);
    at.with_timezone(&zone).format("%-d %B %Y").to_string()
}

fn ordinal(number: i32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// Of certificates alone, since they have no frame.
pub async fn stylesheet() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(include_str!("../../templates/certificate.css"))
}

#[cfg(test)]
mod tests {
    use super::ordinal;

    #[test]
    fn places_are_spelled_as_they_are_said() {
        let said: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 111, 122]
            .into_iter()
            .map(ordinal)
            .collect();
        let right = [
            "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "111th", "122nd",
        ];
        assert_eq!(said, right);
    }
}
