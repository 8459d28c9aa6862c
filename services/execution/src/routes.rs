//! Every path of the role, on its two listeners.

use std::sync::Arc;

use molar_service::Role;
use molar_web_kit::routes::WorkerGate;
use molar_web_kit::{Access, Routes};

use crate::logs::{events, find, page, release};
use crate::pages;
use crate::queue;
use crate::reruns;
use crate::series;
use crate::worker_api::{beat, claim, enrol, finish, heartbeat, log_piece, put, urls};
use crate::workers::{drain, enrolment_tokens, list, revoke};

/// For people. Workers are the platform's: whoever adds one is handed the hidden images of every
/// challenge, so that is not for the organizers of one.
pub fn routes() -> Routes {
    Routes::new(Role::Execution)
        .get("/api/v1/workers", Access::Organizer, list::list)
        .post(
            "/api/v1/workers/enrolment-tokens",
            Access::Admin,
            enrolment_tokens::create,
        )
        .post("/api/v1/workers/{id}/drain", Access::Admin, drain::drain)
        .post("/api/v1/workers/{id}/revoke", Access::Admin, revoke::revoke)
        .get("/api/v1/queue", Access::Organizer, queue::find)
        .get(
            "/api/v1/case-runs/{id}/series",
            Access::SignedIn,
            series::find,
        )
        .get("/api/v1/case-runs/{id}/log", Access::SignedIn, find::find)
        .get(
            "/api/v1/case-runs/{id}/log/events",
            Access::SignedIn,
            events::events,
        )
        .post(
            "/api/v1/case-runs/{id}/log/release",
            Access::Organizer,
            release::release,
        )
        .post(
            "/api/v1/submissions/{id}/rerun",
            Access::Organizer,
            reruns::create::create,
        )
        .get(
            "/organize/submissions/{id}/rerun",
            Access::Organizer,
            reruns::page::show,
        )
        .post(
            "/organize/submissions/{id}/rerun",
            Access::Organizer,
            reruns::page::form,
        )
        .get("/organize/queue", Access::SignedIn, pages::queue::show)
        .get("/case-runs/{id}/log", Access::SignedIn, page::page)
        .post(
            "/case-runs/{id}/log/release",
            Access::Organizer,
            release::form,
        )
}

/// For workers, on the listener `worker-api`.
pub fn worker_routes(gate: Arc<dyn WorkerGate>) -> Routes {
    Routes::new(Role::Execution)
        .worker_gate(gate)
        .post("/worker/v1/enrol", Access::Public, enrol::enrol)
        .post("/worker/v1/beat", Access::Worker, beat::beat)
        .post("/worker/v1/claims", Access::Worker, claim::claim)
        .post(
            "/worker/v1/case-runs/{id}/heartbeat",
            Access::Worker,
            heartbeat::heartbeat,
        )
        .post("/worker/v1/case-runs/{id}/urls", Access::Worker, urls::urls)
        .post(
            "/worker/v1/case-runs/{id}/output",
            Access::Worker,
            put::output,
        )
        .post("/worker/v1/case-runs/{id}/log", Access::Worker, put::log)
        .post(
            "/worker/v1/case-runs/{id}/series",
            Access::Worker,
            put::series,
        )
        .post(
            "/worker/v1/case-runs/{id}/finish",
            Access::Worker,
            finish::finish,
        )
        .post(
            "/worker/v1/case-runs/{id}/log-pieces",
            Access::Worker,
            log_piece::log_piece,
        )
        .post(
            "/worker/v1/case-runs/{id}/release",
            Access::Worker,
            crate::worker_api::release::release,
        )
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::future::BoxFuture;
    use molar_domain::WorkerId;
    use molar_web_kit::caller::TokenHash;
    use molar_web_kit::{ApiError, testing};
    use sqlx::PgPool;

    use super::*;

    struct NoWorkers;

    impl WorkerGate for NoWorkers {
        fn find<'a>(
            &'a self,
            _: &'a TokenHash,
        ) -> BoxFuture<'a, Result<Option<WorkerId>, ApiError>> {
            async { Ok(None) }.boxed()
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn every_route_denies_whom_it_should(db: PgPool) {
        testing::every_route_denies(db.clone(), routes).await;
        testing::every_route_denies(db, || worker_routes(Arc::new(NoWorkers))).await;
    }

    #[test]
    fn the_whole_api_is_documented() {
        testing::every_api_route_is_documented(&routes(), &crate::openapi());
    }
}
