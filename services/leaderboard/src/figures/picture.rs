//! `GET /api/v1/boards/{phase_id}/figures/{name}.png`

use actix_web::{HttpRequest, HttpResponse, web};
use molar_web_kit::{ApiError, Caller, Kit};
use serde::Deserialize;
use uuid::Uuid;

use super::studio::STUDIO;
use super::svg_file::{Answer, SvgFile};

/// What draws: another may give other pixels for the same figure.
const DRAWN_BY: &str = "resvg 0.49.0";
/// Sharp on the screens there are, and 14 cm wide in print at 254 points an inch.
const USUAL: u8 = 2;
const LARGEST: u8 = 4;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Pixels for each of the SVG's: 1, 2 (the default), 3 or 4.
    #[param(minimum = 1, maximum = 4)]
    scale: Option<u8>,
}

/// The one that was asked for, if there is such.
pub fn scale(asked: Option<u8>) -> Result<u8, ApiError> {
    match asked.unwrap_or(USUAL) {
        scale @ 1..=LARGEST => Ok(scale),
        _ => Err(ApiError::invalid("/scale", "is 1, 2, 3 or 4")),
    }
}

/// A figure of a board as a picture, for slides and print: always light.
///
/// For whom the SVG is. 503 with `Retry-After` while too many wait for theirs to be drawn.
#[utoipa::path(get, path = "/api/v1/boards/{phase_id}/figures/{name}.png", tag = "leaderboard",
    params(("phase_id" = Uuid, Path), ("name" = String, Path, description = "From the list of the board's figures."), Query),
    responses((status = 200, content_type = "image/png", body = Vec<u8>), (status = 304), (status = 503)))]
#[tracing::instrument(name = "figures.picture", skip_all, fields(phase.id = %path.0))]
pub async fn picture(
    kit: web::Data<Kit>,
    path: web::Path<(Uuid, String)>,
    query: web::Query<Query>,
    request: HttpRequest,
    caller: Option<Caller>,
) -> Result<HttpResponse, ApiError> {
    let scale = scale(query.scale)?;
    let file = SvgFile::find(&kit, path.into_inner(), caller.as_ref()).await?;
    answer(file, &request, scale).await
}

pub async fn answer(
    file: SvgFile,
    request: &HttpRequest,
    scale: u8,
) -> Result<HttpResponse, ApiError> {
    let tag = file.tag(&format!("{DRAWN_BY} {scale}"));
    Ok(match file.answer(request, &tag, "png") {
        Answer::Known(answer) => answer,
        Answer::Wanted(mut answer) => {
            let drawn = STUDIO.draw(tag.tag(), file.svg, scale).await?;
            answer.content_type("image/png").body(drawn)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::DRAWN_BY;

    #[test]
    fn what_draws_is_named_in_the_version_that_is_locked() {
        let lock = include_str!("../../../../Cargo.lock");
        let (_, rest) = lock.split_once("name = \"resvg\"\nversion = \"").unwrap();
        let (version, _) = rest.split_once('"').unwrap();
        assert_eq!(DRAWN_BY, format!("resvg {version}"));
    }
}
