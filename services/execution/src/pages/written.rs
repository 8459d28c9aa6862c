//! Whatever teams and workers are called: pages show it as text that turns nothing beside it.

use actix_web::test::{TestRequest, call_service, read_body};
use molar_domain::attempt::AttemptState;
use molar_domain::case_run::CaseRunState;
use molar_domain::phase::SubmissionKind;
use molar_service::Role;
use molar_testkit::{
    AttemptBuilder, ChallengeBuilder, MockClock, PhaseBuilder, SubmissionBuilder, TeamBuilder,
    WorkerBuilder, as_role, noon,
};
use molar_web_kit::testing::{self, TURNING, turned};
use sqlx::PgPool;

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn no_name_turns_what_stands_beside_it(owner: PgPool) {
    let phase = PhaseBuilder::new("final").kind(SubmissionKind::Container);
    let challenge = ChallengeBuilder::new("teeth").phase(phase);
    let challenge = challenge.insert(&owner).await;
    let team = TeamBuilder::new(&challenge, TURNING).insert(&owner).await;
    let submission = SubmissionBuilder::new(&challenge, &team).container();
    let submission = submission.insert(&owner).await;
    AttemptBuilder::new(&challenge, &submission)
        .state(AttemptState::Running)
        .case_runs(CaseRunState::Running)
        .insert(&owner)
        .await;
    WorkerBuilder::new(TURNING).insert(&owner).await;
    let olga = testing::organizer(&owner, TURNING, challenge.id).await;
    let db = as_role(&owner, Role::Execution).await;
    let kit = testing::kit(Role::Execution, db, MockClock::at(noon()));
    let app = testing::app(kit, crate::routes(), |_| {}).await;
    let rerun = format!("/organize/submissions/{}/rerun", submission.id);
    // Who looks is named above each page.
    for (path, names) in [("/organize/queue", 3), (rerun.as_str(), 2)] {
        let request = TestRequest::get().uri(path).insert_header(olga.bearer());
        let response = call_service(&app, request.to_request()).await;
        assert_eq!(response.status(), 200, "{path}");
        let html = String::from_utf8(read_body(response).await.to_vec()).unwrap();
        assert!(turned(&html).is_empty(), "{path}: {:?}", turned(&html));
        let shown = html.matches(&format!("<bdi>{TURNING}</bdi>")).count();
        assert!(shown >= names, "{path} shows it {shown} times: {html}");
    }
}
