//! Every path of the role.

use molar_service::Role;
use molar_web_kit::Access::{Organizer, Public, SignedIn, SignedInOrPublic};
use molar_web_kit::Routes;

use crate::{
    accounts, agreements, invitations, pages, participations, requests, sessions, teams, tokens,
};

pub fn routes() -> Routes {
    Routes::new(Role::Registration)
        .post("/api/v1/accounts", Public, accounts::create::create)
        .get("/api/v1/me", SignedIn, accounts::me::me)
        .post("/api/v1/sessions", Public, sessions::create::create)
        .delete("/api/v1/sessions/current", SignedIn, sessions::end::end)
        .post("/api/v1/tokens", SignedIn, tokens::create::create)
        .get("/api/v1/tokens", SignedIn, tokens::list::list)
        .delete("/api/v1/tokens/{id}", SignedIn, tokens::revoke::revoke)
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
        .post("/account/tokens", SignedIn, pages::account::make_token)
        .post(
            "/account/tokens/{id}/revoke",
            SignedIn,
            pages::account::revoke_token,
        )
        .get("/teams", SignedIn, pages::teams::show)
        .get("/teams/{id}", SignedIn, pages::team::show)
        .post(
            "/teams/{id}/invitations",
            SignedIn,
            pages::team::make_invitation,
        )
        .post("/teams/{id}/leave", SignedIn, pages::team::leave)
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
        .get("/organize/participations", Organizer, pages::organize::show)
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
