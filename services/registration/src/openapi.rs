use utoipa::OpenApi;

use crate::{accounts, agreements, invitations, participations, requests, sessions, teams, tokens};

#[derive(OpenApi)]
#[openapi(
    info(title = "Molar: registration"),
    tags(
        (name = "account", description = "Accounts, sessions and tokens"),
        (name = "teams", description = "Teams and invitations"),
        (name = "agreements", description = "Signed versions of data-use terms"),
        (name = "participations", description = "Places of teams in tracks"),
        (name = "requests", description = "Acts that need a second organizer"),
    ),
    paths(
        accounts::create::create,
        accounts::me::me,
        sessions::create::create,
        sessions::end::end,
        tokens::create::create,
        tokens::list::list,
        tokens::revoke::revoke,
        teams::create::create,
        teams::list::list,
        teams::find::find,
        teams::leave::leave,
        invitations::create::create,
        invitations::accept::accept,
        agreements::create::create,
        agreements::list::list,
        participations::create::create,
        participations::list::list,
        participations::decide::approve,
        participations::decide::refuse,
        participations::decide::disqualify,
        participations::withdraw::withdraw,
        requests::list::list,
        requests::decline::decline,
    )
)]
struct Document;

/// The part of the API that this role serves.
pub fn openapi() -> utoipa::openapi::OpenApi {
    molar_web_kit::openapi::complete(Document::openapi(), &crate::routes().list())
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_path_of_the_api_is_documented() {
        let openapi = super::openapi();
        molar_web_kit::testing::every_api_route_is_documented(&crate::routes(), &openapi);
    }
}
