use utoipa::OpenApi;

use crate::archive;
use crate::audit;
use crate::boards::{csv, find, list};
use crate::figures;
use crate::history;
use crate::imports;
use crate::live::events;
use crate::moves;
use crate::routes::routes;
use crate::statistics;

#[derive(OpenApi)]
#[openapi(paths(
    list::list,
    find::find,
    csv::csv,
    events::events,
    figures::find::find,
    figures::file::file,
    figures::picture::picture,
    history::find::find,
    history::file::file,
    history::picture::picture,
    statistics::find::find,
    archive::find::archive,
    imports::list::list,
    imports::create::create,
    imports::find::find,
    imports::csv::csv,
    imports::remove::remove,
    moves::find::find,
    audit::list::list,
    audit::export::export,
    audit::verify::verify
))]
struct Document;

/// The part of the API's document that this role answers for.
pub fn openapi() -> utoipa::openapi::OpenApi {
    molar_web_kit::openapi::complete(Document::openapi(), &routes().list())
}
