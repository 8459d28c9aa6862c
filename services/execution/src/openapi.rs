use utoipa::OpenApi;

use crate::routes::routes;
use crate::workers::{drain, enrolment_tokens, list, revoke};
use crate::{log, queue, series};

#[derive(OpenApi)]
#[openapi(paths(
    list::list,
    enrolment_tokens::create,
    drain::drain,
    revoke::revoke,
    queue::find,
    log::find,
    series::find
))]
struct Document;

/// The part of the API's document that this role answers for.
pub fn openapi() -> utoipa::openapi::OpenApi {
    molar_web_kit::openapi::complete(Document::openapi(), &routes().list())
}
