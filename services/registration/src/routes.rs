//! Every path of the role.

use molar_service::Role;
use molar_web_kit::Access::{Account, Admin, Organizer, Public, SignedIn, SignedInOrPublic};
use molar_web_kit::Routes;

use crate::{
    accounts, agreements, announcements, faq, invitations, ledger, mails, pages, participations,
    questions, requests, sessions, signs, teams, tokens,
};

pub fn routes() -> Routes {
    Routes::new(Role::Registration)
        .post("/api/v1/accounts", Public, accounts::create::create)
        .post(
            "/api/v1/accounts/confirm",
            Public,
            accounts::confirm::confirm,
        )
        .post("/api/v1/accounts/reset", Public, accounts::reset::ask)
        .post(
            "/api/v1/accounts/reset/finish",
            Public,
            accounts::reset::finish,
        )
        .get("/api/v1/me", SignedIn, accounts::me::me)
        .patch("/api/v1/me", Account, accounts::notices::change)
        .post(
            "/api/v1/me/confirmation",
            Account,
            accounts::confirm::ask_again,
        )
        .post("/api/v1/me/password", Account, accounts::password::change)
        .post("/api/v1/me/email", Account, accounts::email::change)
        .post("/api/v1/me/delete", Account, accounts::delete::delete)
        .post("/api/v1/sessions", Public, sessions::create::create)
        .get("/api/v1/sessions", SignedIn, sessions::list::list)
        .delete("/api/v1/sessions", Account, sessions::end_all::end_all)
        .delete("/api/v1/sessions/current", Account, sessions::end::end)
        .delete("/api/v1/sessions/{id}", Account, sessions::end_one::end_one)
        .post("/api/v1/tokens", Account, tokens::create::create)
        .get("/api/v1/tokens", SignedIn, tokens::list::list)
        .delete("/api/v1/tokens/{id}", Account, tokens::revoke::revoke)
        .post(
            "/api/v1/announcements",
            Organizer,
            announcements::create::create,
        )
        .get("/api/v1/announcements", Public, announcements::list::list)
        .post(
            "/api/v1/announcements/{id}/withdraw",
            Organizer,
            announcements::withdraw::withdraw,
        )
        .get("/api/v1/mails", Admin, mails::list::list)
        .post("/api/v1/mails/{id}/retry", Admin, mails::retry::retry)
        .post("/api/v1/teams", SignedIn, teams::create::create)
        .get("/api/v1/teams", SignedIn, teams::list::list)
        .get("/api/v1/teams/{id}", SignedIn, teams::find::find)
        .delete(
            "/api/v1/teams/{id}/members/me",
            SignedIn,
            teams::leave::leave,
        )
        .post(
            "/api/v1/teams/{id}/invitations",
            SignedIn,
            invitations::create::create,
        )
        .get(
            "/api/v1/teams/{id}/invitations",
            SignedIn,
            invitations::list::list,
        )
        .delete(
            "/api/v1/teams/{id}/invitations/{invitation}",
            SignedIn,
            invitations::revoke::revoke,
        )
        .delete(
            "/api/v1/teams/{id}/members/{user}",
            SignedIn,
            teams::remove::remove,
        )
        .post(
            "/api/v1/teams/{id}/hand-over",
            SignedIn,
            teams::hand_over::hand_over,
        )
        .post("/api/v1/teams/{id}/rename", SignedIn, teams::rename::rename)
        .post("/api/v1/teams/{id}/unlock", SignedIn, teams::unlock::unlock)
        .post(
            "/api/v1/invitations/{token}/accept",
            SignedIn,
            invitations::accept::accept,
        )
        .post("/api/v1/agreements", SignedIn, agreements::create::create)
        .get("/api/v1/agreements", SignedIn, agreements::list::list)
        .post(
            "/api/v1/participations",
            SignedIn,
            participations::create::create,
        )
        .get(
            "/api/v1/participations",
            SignedIn,
            participations::list::list,
        )
        .post(
            "/api/v1/participations/{id}/approve",
            SignedIn,
            participations::decide::approve,
        )
        .post(
            "/api/v1/participations/{id}/refuse",
            SignedIn,
            participations::decide::refuse,
        )
        .post(
            "/api/v1/participations/{id}/disqualify",
            SignedIn,
            participations::decide::disqualify,
        )
        .post(
            "/api/v1/participations/{id}/reinstate",
            SignedIn,
            participations::decide::reinstate,
        )
        .post(
            "/api/v1/participations/{id}/rule-out",
            SignedIn,
            participations::eligibility::rule_out,
        )
        .post(
            "/api/v1/participations/{id}/rule-in",
            SignedIn,
            participations::eligibility::rule_in,
        )
        .post(
            "/api/v1/participations/decide",
            Organizer,
            participations::bulk::decide_many,
        )
        .get("/api/v1/challenges/{slug}/signs", SignedIn, signs::list)
        .get(
            "/api/v1/challenges/{slug}/ledger",
            SignedIn,
            ledger::people::people,
        )
        .get(
            "/api/v1/challenges/{slug}/ledger/signatures",
            SignedIn,
            ledger::signatures::signatures,
        )
        .get(
            "/api/v1/challenges/{slug}/ledger/downloads",
            SignedIn,
            ledger::downloads::downloads,
        )
        .get(
            "/api/v1/challenges/{slug}/ledger/signatures.csv",
            SignedIn,
            ledger::export::signatures,
        )
        .get(
            "/api/v1/challenges/{slug}/ledger/downloads.csv",
            SignedIn,
            ledger::export::downloads,
        )
        .post("/api/v1/questions", SignedIn, questions::create::create)
        .get("/api/v1/questions", SignedIn, questions::list::list)
        .post(
            "/api/v1/questions/{id}/answer",
            SignedIn,
            questions::answer::answer,
        )
        .get("/api/v1/challenges/{slug}/faq", Public, faq::list::list)
        .post(
            "/api/v1/challenges/{slug}/faq",
            Organizer,
            faq::create::create,
        )
        .delete(
            "/api/v1/challenges/{slug}/faq/{id}",
            Organizer,
            faq::retract::retract,
        )
        .post(
            "/api/v1/participations/{id}/withdraw",
            SignedIn,
            participations::withdraw::withdraw,
        )
        .get("/api/v1/requests", SignedIn, requests::list::list)
        .post(
            "/api/v1/requests/{id}/decline",
            Organizer,
            requests::decline::decline,
        )
        .get("/organize/requests", SignedIn, pages::requests::show)
        .post(
            "/organize/requests/{id}/decline",
            Organizer,
            pages::requests::decline,
        )
        .get("/register", SignedInOrPublic, pages::register::show)
        .post("/register", Public, pages::register::submit)
        .get("/login", SignedInOrPublic, pages::login::show)
        .post("/login", Public, pages::login::submit)
        .post("/logout", SignedInOrPublic, pages::login::logout)
        .get("/account", SignedIn, pages::account::show)
        .post("/account/tokens", Account, pages::account::make_token)
        .post(
            "/account/tokens/{id}/revoke",
            Account,
            pages::account::revoke_token,
        )
        .post(
            "/account/sessions/end",
            Account,
            pages::account::end_sessions,
        )
        .post(
            "/account/sessions/{id}/end",
            Account,
            pages::account::end_session,
        )
        .post("/account/notices", Account, pages::account::change_notices)
        .post(
            "/account/confirmation",
            Account,
            pages::account::ask_confirmation,
        )
        .get("/account/confirm", SignedInOrPublic, pages::confirm::show)
        .post("/account/confirm", Public, pages::confirm::submit)
        .get("/account/reset", SignedInOrPublic, pages::reset::show)
        .post("/account/reset", Public, pages::reset::submit)
        .post("/account/reset/finish", Public, pages::reset::finish)
        .get("/account/password", Account, pages::password::show)
        .post("/account/password", Account, pages::password::submit)
        .get("/account/email", Account, pages::email::show)
        .post("/account/email", Account, pages::email::submit)
        .get("/account/delete", Account, pages::delete::show)
        .post("/account/delete", Account, pages::delete::submit)
        .get(
            "/unsubscribe/{link}",
            SignedInOrPublic,
            pages::unsubscribe::show,
        )
        .post("/unsubscribe/{link}", Public, pages::unsubscribe::submit)
        .get(
            "/announcements/{challenge}",
            SignedInOrPublic,
            pages::announcements::show,
        )
        .get(
            "/organize/announcements",
            Organizer,
            pages::announcements::organize,
        )
        .post(
            "/organize/announcements",
            Organizer,
            pages::announcements::submit,
        )
        .post(
            "/organize/announcements/{id}/withdraw",
            Organizer,
            pages::announcements::withdraw,
        )
        .get("/organize/mails", Organizer, pages::mails::show)
        .post("/organize/mails/{id}/retry", Admin, pages::mails::retry)
        .get("/teams", SignedIn, pages::teams::show)
        .get("/teams/{id}", SignedIn, pages::team::show)
        .post(
            "/teams/{id}/invitations",
            SignedIn,
            pages::team::make_invitation,
        )
        .post(
            "/teams/{id}/invitations/{invitation}/revoke",
            SignedIn,
            pages::team::revoke_invitation,
        )
        .post("/teams/{id}/leave", SignedIn, pages::team::leave)
        .post("/teams/{id}/rename", SignedIn, pages::team::rename)
        .post("/teams/{id}/hand-over", SignedIn, pages::team::hand_over)
        .post("/teams/{id}/remove", SignedIn, pages::team::remove)
        .post("/teams/{id}/unlock", Organizer, pages::team::unlock)
        .post(
            "/teams/{id}/participations/{place}/withdraw",
            SignedIn,
            pages::team::withdraw,
        )
        .get("/invitations/{token}", SignedIn, pages::invitation::show)
        .post("/invitations/{token}", SignedIn, pages::invitation::accept)
        .get("/join/{challenge}", SignedIn, pages::join::show)
        .post(
            "/join/{challenge}/agreement",
            SignedIn,
            pages::join::sign_agreement,
        )
        .post("/join/{challenge}/team", SignedIn, pages::join::make_team)
        .post(
            "/join/{challenge}/participation",
            SignedIn,
            pages::join::ask,
        )
        .get("/questions", SignedIn, pages::questions::show)
        .post("/questions", SignedIn, pages::questions::submit)
        .get("/questions/new", SignedIn, pages::questions::new)
        .get("/challenges/{slug}/faq", SignedInOrPublic, pages::faq::show)
        .post("/challenges/{slug}/faq", Organizer, pages::faq::submit)
        .post(
            "/challenges/{slug}/faq/{id}/retract",
            Organizer,
            pages::faq::retract,
        )
        .get("/organize/ledger/{slug}", SignedIn, pages::ledger::show)
        .get("/organize/signs/{slug}", SignedIn, pages::signs::show)
        .get(
            "/organize/questions/{slug}",
            SignedIn,
            pages::organize_questions::show,
        )
        .post(
            "/organize/questions/{slug}/{id}",
            Organizer,
            pages::organize_questions::submit,
        )
        .get("/organize/participations", Organizer, pages::organize::show)
        .post(
            "/organize/participations",
            Organizer,
            pages::organize::submit_many,
        )
        .post(
            "/organize/participations/{id}/eligibility",
            Organizer,
            pages::organize::rule_on,
        )
        .post(
            "/organize/participations/{id}",
            Organizer,
            pages::organize::submit,
        )
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::every_route_denies;
    use sqlx::PgPool;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn routes_deny_by_default(pool: PgPool) {
        every_route_denies(pool, super::routes).await;
    }
}
