//! Every path of the role.

use molar_service::Role;
use molar_web_kit::{Access, Routes};

use crate::{
    archive, audit, boards, compare, figures, history, imports, live, moves, pages, statistics,
};

pub fn routes() -> Routes {
    Routes::new(Role::Leaderboard)
        .get(
            "/api/v1/boards",
            Access::SignedInOrPublic,
            boards::list::list,
        )
        .get(
            "/api/v1/boards/{phase_id}.csv",
            Access::SignedInOrPublic,
            boards::csv::csv,
        )
        .get(
            "/api/v1/boards/{phase_id}",
            Access::SignedInOrPublic,
            boards::find::find,
        )
        .get(
            "/api/v1/boards/{phase_id}/events",
            Access::SignedInOrPublic,
            live::events::events,
        )
        .get(
            "/api/v1/boards/{phase_id}/statistics",
            Access::SignedInOrPublic,
            statistics::find::find,
        )
        .get(
            "/api/v1/boards/{phase_id}/figures",
            Access::SignedInOrPublic,
            figures::find::find,
        )
        .get(
            "/api/v1/boards/{phase_id}/figures/{name}.svg",
            Access::SignedInOrPublic,
            figures::file::file,
        )
        .get(
            "/api/v1/boards/{phase_id}/figures/{name}.png",
            Access::SignedInOrPublic,
            figures::picture::picture,
        )
        .get(
            "/api/v1/boards/{phase_id}/history",
            Access::SignedInOrPublic,
            history::find::find,
        )
        .get(
            "/api/v1/boards/{phase_id}/history/{name}.svg",
            Access::SignedInOrPublic,
            history::file::file,
        )
        .get(
            "/api/v1/boards/{phase_id}/history/{name}.png",
            Access::SignedInOrPublic,
            history::picture::picture,
        )
        .get(
            "/boards/{challenge}/{track}/{phase}/figures",
            Access::SignedInOrPublic,
            figures::page::page,
        )
        .get(
            "/boards/{challenge}/{track}/{phase}/compare",
            Access::SignedInOrPublic,
            compare::page::page,
        )
        .get(
            "/boards/{challenge}/{track}/{phase}/history",
            Access::SignedInOrPublic,
            history::page::page,
        )
        .get(
            "/boards/{challenge}/{track}/{phase}/report",
            Access::SignedInOrPublic,
            pages::report::report,
        )
        .get(
            "/api/v1/boards/{phase_id}/archive",
            Access::SignedInOrPublic,
            archive::find::archive,
        )
        .get(
            "/api/v1/rescorings/{id}/moves",
            Access::SignedIn,
            moves::find::find,
        )
        .get(
            "/organize/rescorings/{id}/moves",
            Access::SignedIn,
            pages::moves::moves,
        )
        .get("/boards", Access::SignedInOrPublic, pages::index::index)
        .get(
            "/boards/{challenge}/{track}/{phase}",
            Access::SignedInOrPublic,
            pages::board::board,
        )
        .get(
            "/api/v1/boards/imported",
            Access::SignedInOrPublic,
            imports::list::list,
        )
        .post(
            "/api/v1/boards/imported",
            Access::Organizer,
            imports::create::create,
        )
        .get(
            "/api/v1/boards/imported/{id}.csv",
            Access::SignedInOrPublic,
            imports::csv::csv,
        )
        .get(
            "/api/v1/boards/imported/{id}",
            Access::SignedInOrPublic,
            imports::find::find,
        )
        .post(
            "/api/v1/boards/imported/{id}/remove",
            Access::Organizer,
            imports::remove::remove,
        )
        .get(
            "/boards/{challenge}/{board}",
            Access::SignedInOrPublic,
            imports::page::page,
        )
        .get(
            "/organize/boards/{challenge}/import",
            Access::Organizer,
            imports::organize::show,
        )
        .post(
            "/organize/boards/{challenge}/import/plan",
            Access::Organizer,
            imports::organize::plan,
        )
        .post(
            "/organize/boards/{challenge}/import",
            Access::Organizer,
            imports::organize::import,
        )
        .get("/api/v1/audit", Access::Organizer, audit::list::list)
        .get(
            "/api/v1/audit/export",
            Access::Organizer,
            audit::export::export,
        )
        .get("/api/v1/audit/verify", Access::Admin, audit::verify::verify)
        .get("/organize/audit", Access::Organizer, audit::page::page)
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
