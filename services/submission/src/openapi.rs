use utoipa::OpenApi;

use crate::routes::routes;
use crate::submissions::{
    cancel, cases, changes, choose, complete, console, create, events, files, find, list, measures,
    quota, sign, unfinished, upload, withdraw,
};

#[derive(OpenApi)]
#[openapi(paths(
    create::create,
    list::list,
    console::all,
    events::events,
    changes::events::events,
    files::files,
    find::find,
    upload::upload,
    unfinished::unfinished,
    quota::quota,
    sign::sign,
    complete::complete,
    cases::cases,
    measures::measures,
    cancel::cancel,
    withdraw::withdraw,
    choose::choose
))]
struct Document;

/// The part of the API's document that this role answers for.
pub fn openapi() -> utoipa::openapi::OpenApi {
    molar_web_kit::openapi::complete(Document::openapi(), &routes().list())
}
