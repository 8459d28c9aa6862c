//! Every path of the role.

use molar_service::Role;
use molar_web_kit::{Access, Routes};

use crate::{pages, submissions};

pub fn routes() -> Routes {
    use submissions::*;
    Routes::new(Role::Submission)
        .post("/api/v1/submissions", Access::SignedIn, create::create)
        .get("/api/v1/submissions", Access::SignedIn, list::list)
        .get(
            "/api/v1/submissions/unfinished",
            Access::SignedIn,
            unfinished::unfinished,
        )
        .get("/api/v1/submissions/quota", Access::SignedIn, quota::quota)
        .post(
            "/api/v1/submissions/{id}/sign",
            Access::SignedIn,
            sign::sign,
        )
        .get("/api/v1/submissions/all", Access::SignedIn, console::all)
        .get("/api/v1/submissions/files", Access::Organizer, files::files)
        .get(
            "/organize/submissions",
            Access::SignedIn,
            pages::console::console,
        )
        .get(
            "/organize/submissions/{id}",
            Access::SignedIn,
            pages::life::life,
        )
        .get(
            "/api/v1/submissions/{id}/events",
            Access::SignedIn,
            events::events,
        )
        .get(
            "/api/v1/submissions/{id}/changes/events",
            Access::SignedIn,
            changes::events::events,
        )
        .get("/api/v1/submissions/{id}", Access::SignedIn, find::find)
        .get(
            "/api/v1/submissions/{id}/upload",
            Access::SignedIn,
            upload::upload,
        )
        .post(
            "/api/v1/submissions/{id}/complete",
            Access::SignedIn,
            complete::complete,
        )
        .get(
            "/api/v1/submissions/{id}/cases",
            Access::SignedIn,
            cases::cases,
        )
        .get(
            "/api/v1/submissions/{id}/measures",
            Access::SignedIn,
            measures::measures,
        )
        .post(
            "/api/v1/submissions/{id}/cancel",
            Access::SignedIn,
            cancel::cancel,
        )
        .post(
            "/api/v1/submissions/{id}/withdraw",
            Access::SignedIn,
            withdraw::withdraw,
        )
        .post(
            "/api/v1/submissions/{id}/choose",
            Access::SignedIn,
            choose::choose,
        )
        .get("/submissions", Access::SignedIn, pages::index::index)
        .get("/submissions/new", Access::SignedIn, pages::new::new)
        .get(
            "/submissions/{id}",
            Access::SignedIn,
            pages::submission::submission,
        )
        .post(
            "/submissions/{id}/cancel",
            Access::SignedIn,
            pages::actions::cancel,
        )
        .post(
            "/submissions/{id}/withdraw",
            Access::SignedIn,
            pages::actions::withdraw,
        )
        .post(
            "/submissions/{id}/choose",
            Access::SignedIn,
            pages::actions::choose,
        )
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing;
    use sqlx::PgPool;

    use super::*;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn every_route_denies_whom_it_should(db: PgPool) {
        testing::every_route_denies(db, routes).await;
    }

    #[test]
    fn the_whole_api_is_documented() {
        testing::every_api_route_is_documented(&routes(), &crate::openapi());
    }
}
