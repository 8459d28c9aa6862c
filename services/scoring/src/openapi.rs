use utoipa::OpenApi;

use crate::evaluations::{cases, list};
use crate::exports;
use crate::rescorings;
use crate::routes::routes;
use crate::viewer;

#[derive(OpenApi)]
#[openapi(paths(
    list::list,
    cases::cases,
    exports::outputs::outputs,
    exports::scores::scores,
    rescorings::create::create,
    rescorings::list::list,
    rescorings::find::find,
    rescorings::compute::compute,
    rescorings::publish::publish,
    rescorings::discard::discard,
    viewer::picture,
))]
struct Document;

/// The part of the API's document that this role answers for.
pub fn openapi() -> utoipa::openapi::OpenApi {
    molar_web_kit::openapi::complete(Document::openapi(), &routes().list())
}
