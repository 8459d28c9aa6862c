//! The roles as processes on a database of the test's own.
//!
//! Who may call what, proven: every route of every role as every kind of caller, against the written
//! matrix `tests/authorization-matrix.csv`. That every create is safe to repeat. Disks that are full. A platform that
//! is destroyed and comes back from its backup. Every page in a real browser.
//! A new route needs a row in the matrix
//! (the failure prints it as observed: judge it, then paste it), a body in `requests.rs` if `{}` is not enough,
//! and a value in `World::parameter` for a parameter of a new noun.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on is a failed test"
)]

mod backup;
mod full;
mod imports;
mod matrix;
mod pages;
mod repeats;
mod requests;
mod system;
mod world;

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use molar_domain::WorkerId;
use molar_web_kit::ApiError;
use molar_web_kit::caller::TokenHash;
use molar_web_kit::routes::WorkerGate;
use requests::Served;

/// The routes are only read here, not served.
struct Nobody;

impl WorkerGate for Nobody {
    fn find<'a>(&'a self, _: &'a TokenHash) -> BoxFuture<'a, Result<Option<WorkerId>, ApiError>> {
        async { Ok(None) }.boxed()
    }
}

/// Every route of every listener, as the code lists them. The assets, which every role serves, once.
fn routes() -> Vec<Served> {
    let listeners = [
        ("registration", molar_registration::routes()),
        ("tracks", molar_tracks::routes()),
        ("submission", molar_submission::routes()),
        ("execution", molar_execution::routes()),
        (
            "worker-api",
            molar_execution::worker_routes(Arc::new(Nobody)),
        ),
        ("scoring", molar_scoring::routes()),
        ("leaderboard", molar_leaderboard::routes()),
    ];
    let mut all: Vec<Served> = Vec::new();
    for (listener, routes) in listeners {
        for info in routes.list() {
            if all.iter().all(|known| known.info != info) {
                all.push(Served { listener, info });
            }
        }
    }
    all
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

#[test]
fn the_one_origin_leads_every_path_to_its_role() {
    for served in routes().iter().filter(|r| r.listener != "worker-api") {
        let path = served.info.path;
        let leads = molar::roles::PREFIXES
            .iter()
            .filter(|(prefix, _)| {
                let mut ours = path.split('/');
                prefix
                    .split('/')
                    .all(|part| ours.next().is_some_and(|is| part == is || part == "*"))
            })
            .max_by_key(|(prefix, _)| prefix.split('/').count());
        let role = leads.map_or("tracks", |(_, role)| role);
        assert!(
            role == served.listener || path.starts_with("/assets/"),
            "{path} is of {}, and the front sends it to {role}: see PREFIXES in roles.rs",
            served.listener
        );
    }
}
