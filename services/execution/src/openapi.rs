use utoipa::OpenApi;

use crate::logs::{events, find, release};
use crate::queue;
use crate::reruns;
use crate::routes::routes;
use crate::series;
use crate::workers::{drain, enrolment_tokens, list, revoke};

#[derive(OpenApi)]
#[openapi(paths(
    list::list,
    enrolment_tokens::create,
    drain::drain,
    revoke::revoke,
    queue::find,
    find::find,
    events::events,
    release::release,
    series::find,
    reruns::create::create
))]
struct Document;

/// The part of the API's document that this role answers for.
pub fn openapi() -> utoipa::openapi::OpenApi {
    molar_web_kit::openapi::complete(Document::openapi(), &routes().list())
}
