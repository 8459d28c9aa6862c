//! Every path of the role.

use molar_service::Role;
use molar_web_kit::{Access, Routes};

use crate::{awards, cases, challenges, corrections, dossiers, finals, packs, pages, phases};

pub fn routes() -> Routes {
    use Access::{Organizer, Public, SignedIn, SignedInOrPublic};

    Routes::new(Role::Tracks)
        .get("/api/v1/challenges", Public, challenges::list::list)
        .put("/api/v1/challenges", Organizer, challenges::apply::apply)
        .get(
            "/api/v1/challenges/{slug}",
            SignedInOrPublic,
            challenges::find::find,
        )
        .get(
            "/api/v1/challenges/{slug}/complaints",
            SignedIn,
            challenges::complaints::complaints,
        )
        .get(
            "/api/v1/challenges/{slug}/changes",
            SignedIn,
            challenges::changes::changes,
        )
        .get("/api/v1/phases", SignedInOrPublic, phases::find::look_up)
        .get("/api/v1/phases/{id}", SignedInOrPublic, phases::find::find)
        .patch("/api/v1/phases/{id}", Organizer, phases::change::change)
        .post(
            "/api/v1/phases/{id}/publish",
            Organizer,
            phases::publish::publish,
        )
        .post("/api/v1/phases/{id}/pause", Organizer, phases::pause::pause)
        .post(
            "/api/v1/phases/{id}/resume",
            Organizer,
            phases::pause::resume,
        )
        .get("/api/v1/splits/{id}/cases", SignedIn, cases::list::list)
        .post(
            "/api/v1/splits/{id}/cases",
            Organizer,
            cases::announce::announce,
        )
        .post(
            "/api/v1/splits/{id}/cases/stored",
            Organizer,
            cases::stored::stored,
        )
        .get(
            "/api/v1/splits/{id}/manifest",
            SignedIn,
            cases::manifest::manifest,
        )
        .post(
            "/api/v1/splits/{id}/corrections",
            Organizer,
            corrections::create::create,
        )
        .get(
            "/api/v1/splits/{id}/corrections",
            SignedIn,
            corrections::list::list,
        )
        .get(
            "/api/v1/corrections/{id}",
            SignedIn,
            corrections::find::find,
        )
        .post(
            "/api/v1/corrections/{id}/stored",
            Organizer,
            corrections::stored::stored,
        )
        .post(
            "/api/v1/corrections/{id}/accept",
            Organizer,
            corrections::accept::accept,
        )
        .get("/api/v1/cases/{id}/image", SignedIn, cases::download::image)
        .post(
            "/api/v1/tracks/{id}/packs",
            Organizer,
            packs::announce::announce,
        )
        .post(
            "/api/v1/tracks/{id}/packs/stored",
            Organizer,
            packs::stored::stored,
        )
        .get(
            "/api/v1/tracks/{id}/pack",
            SignedIn,
            packs::download::download,
        )
        .get(
            "/api/v1/cases/{id}/reference",
            SignedIn,
            cases::download::reference,
        )
        .post(
            "/api/v1/cases/{id}/remove",
            Organizer,
            cases::remove::remove,
        )
        .post(
            "/api/v1/phases/{id}/finalists",
            Organizer,
            finals::name::name,
        )
        .get(
            "/api/v1/phases/{id}/finalists",
            SignedInOrPublic,
            finals::find::find,
        )
        .put("/api/v1/phases/{id}/awards", Organizer, awards::set::set)
        .post(
            "/api/v1/finalists/{id}/strike",
            Organizer,
            finals::strike::strike,
        )
        .get(
            "/api/v1/finalists/{id}/dossier",
            SignedInOrPublic,
            dossiers::find::find,
        )
        .put(
            "/api/v1/finalists/{id}/dossier",
            SignedIn,
            dossiers::save::save,
        )
        .post(
            "/api/v1/finalists/{id}/report",
            SignedIn,
            dossiers::report::announce,
        )
        .post(
            "/api/v1/finalists/{id}/report/stored",
            SignedIn,
            dossiers::report::stored,
        )
        .get(
            "/api/v1/finalists/{id}/report",
            SignedInOrPublic,
            dossiers::find::download_report,
        )
        .post(
            "/api/v1/finalists/{id}/code",
            Organizer,
            dossiers::code::fetch,
        )
        .get(
            "/api/v1/finalists/{id}/code",
            SignedIn,
            dossiers::find::download_code,
        )
        .post(
            "/api/v1/finalists/{id}/lock",
            Organizer,
            dossiers::lock::lock,
        )
        .post(
            "/api/v1/finalists/{id}/unlock",
            Organizer,
            dossiers::lock::unlock,
        )
        .get("/finals/{id}", SignedInOrPublic, pages::finals::show)
        .post(
            "/organize/phases/{id}/finalists",
            Organizer,
            pages::finals::name,
        )
        .post(
            "/organize/phases/{id}/awards",
            Organizer,
            pages::finals::award,
        )
        .post("/organize/finalists/{id}", Organizer, pages::finals::act)
        .get("/finalists/{id}", SignedInOrPublic, pages::dossier::show)
        .post("/finalists/{id}", SignedIn, pages::dossier::save)
        .post("/finalists/{id}/report", SignedIn, pages::report::put)
        .get(
            "/finalists/{id}/certificates/{number}",
            SignedIn,
            pages::certificate::show,
        )
        .get(
            "/finalists/certificate.css",
            Public,
            pages::certificate::stylesheet,
        )
        .get("/api/openapi.json", Public, pages::docs::openapi)
        .get("/api/docs", SignedInOrPublic, pages::docs::docs)
        .get("/", SignedInOrPublic, pages::home::home)
        .get(
            "/challenges/{slug}",
            SignedInOrPublic,
            pages::challenge::challenge,
        )
        .get("/organize", SignedIn, pages::organize::home)
        .get(
            "/organize/splits/{id}/references",
            SignedIn,
            pages::references::show,
        )
        .post(
            "/organize/corrections/{id}/accept",
            Organizer,
            pages::references::accept,
        )
        .post(
            "/organize/phases/{id}/publish",
            Organizer,
            pages::organize::publish,
        )
        .get(
            "/organize/challenges",
            Organizer,
            pages::organize_challenges::index,
        )
        .post("/organize/file/plan", Organizer, pages::file::plan)
        .post("/organize/file/apply", Organizer, pages::file::apply)
        .get(
            "/organize/challenges/{slug}",
            SignedIn,
            pages::organize_challenges::show,
        )
        .post(
            "/organize/challenges/{slug}/phases/{id}",
            Organizer,
            pages::organize_challenges::change,
        )
        .get(
            "/organize/challenges/{slug}/data",
            SignedIn,
            pages::data::data,
        )
        .get("/organize/splits/{id}", SignedIn, pages::data::cases)
        .post(
            "/organize/cases/{id}/remove",
            Organizer,
            pages::data::remove,
        )
        .get("/problems", SignedInOrPublic, pages::problems::index)
        .get("/problems/{name}", SignedInOrPublic, pages::problems::kind)
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
