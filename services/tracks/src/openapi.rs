use utoipa::OpenApi;

use crate::{awards, cases, challenges, corrections, dossiers, finals, packs, pages, phases};

#[derive(OpenApi)]
#[openapi(
    info(title = "Molar: tracks"),
    tags(
        (name = "challenges", description = "Challenges and what their files say"),
        (name = "phases", description = "Phases: windows, limits, readiness"),
        (name = "cases", description = "Cases and their references"),
        (name = "packs", description = "What participants begin with: one zip a track"),
        (name = "finals", description = "Finalists, their dossiers, awards"),
        (name = "corrections", description = "Wrong references and what replaces them"),
    ),
    paths(
        challenges::list::list,
        challenges::find::find,
        challenges::apply::apply,
        challenges::complaints::complaints,
        challenges::changes::changes,
        phases::find::look_up,
        phases::find::find,
        phases::change::change,
        phases::publish::publish,
        phases::pause::pause,
        phases::pause::resume,
        cases::announce::announce,
        cases::stored::stored,
        cases::list::list,
        cases::manifest::manifest,
        cases::download::image,
        cases::download::reference,
        cases::remove::remove,
        packs::announce::announce,
        packs::stored::stored,
        packs::download::download,
        corrections::create::create,
        corrections::list::list,
        corrections::find::find,
        corrections::stored::stored,
        corrections::accept::accept,
        finals::name::name,
        finals::find::find,
        finals::strike::strike,
        awards::set::set,
        dossiers::find::find,
        dossiers::find::download_report,
        dossiers::find::download_code,
        dossiers::save::save,
        dossiers::report::announce,
        dossiers::report::stored,
        dossiers::code::fetch,
        dossiers::lock::lock,
        dossiers::lock::unlock,
        pages::docs::docs,
    )
)]
struct Document;

/// The part of the API that this role serves.
pub fn openapi() -> utoipa::openapi::OpenApi {
    molar_web_kit::openapi::complete(Document::openapi(), &crate::routes().list())
}
