use utoipa::OpenApi;

use crate::{
    accounts, agreements, announcements, faq, invitations, ledger, mails, participations,
    questions, requests, sessions, signs, teams, tokens,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Molar: registration"),
    tags(
        (name = "account", description = "Accounts, sessions and tokens"),
        (name = "teams", description = "Teams and invitations"),
        (name = "agreements", description = "Signed versions of data-use terms"),
        (name = "participations", description = "Places of teams in tracks"),
        (name = "ledger", description = "Who signed the agreement, and who was given which file"),
        (name = "questions", description = "Questions to the organizers, public answers and errata"),
        (name = "announcements", description = "What organizers tell everybody"),
        (name = "mail", description = "Mail that no server has taken"),
        (name = "requests", description = "Acts that need a second organizer"),
    ),
    paths(
        accounts::create::create,
        accounts::confirm::confirm,
        accounts::confirm::ask_again,
        accounts::reset::ask,
        accounts::reset::finish,
        accounts::me::me,
        accounts::notices::change,
        accounts::password::change,
        accounts::email::change,
        accounts::delete::delete,
        sessions::create::create,
        sessions::list::list,
        sessions::end::end,
        sessions::end_one::end_one,
        sessions::end_all::end_all,
        tokens::create::create,
        tokens::list::list,
        tokens::revoke::revoke,
        announcements::create::create,
        announcements::list::list,
        announcements::withdraw::withdraw,
        mails::list::list,
        mails::retry::retry,
        teams::create::create,
        teams::list::list,
        teams::find::find,
        teams::leave::leave,
        teams::remove::remove,
        teams::hand_over::hand_over,
        teams::rename::rename,
        teams::unlock::unlock,
        invitations::create::create,
        invitations::list::list,
        invitations::revoke::revoke,
        invitations::accept::accept,
        agreements::create::create,
        agreements::list::list,
        participations::create::create,
        participations::list::list,
        participations::decide::approve,
        participations::decide::refuse,
        participations::decide::disqualify,
        participations::decide::reinstate,
        participations::eligibility::rule_out,
        participations::eligibility::rule_in,
        participations::bulk::decide_many,
        signs::list,
        ledger::people::people,
        ledger::signatures::signatures,
        ledger::downloads::downloads,
        ledger::export::signatures,
        ledger::export::downloads,
        questions::create::create,
        questions::list::list,
        questions::answer::answer,
        faq::list::list,
        faq::create::create,
        faq::retract::retract,
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
