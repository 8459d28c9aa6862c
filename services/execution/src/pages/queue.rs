//! `GET /organize/queue`: who waits, who serves, and what runs.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::ChallengeId;
use molar_web_kit::{ApiError, Caller, Kit, layout};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::queue::{Class, classes};
use crate::workers::list::{Item, items};

/// More are told by the API.
const WORKERS: i64 = 100;
const RUNS: i64 = 100;

#[derive(Template)]
#[template(path = "queue.html")]
struct Body {
    classes: Vec<Class>,
    workers: Vec<Item>,
    runs: Vec<Run>,
    now: DateTime<Utc>,
}

/// A case that runs, of a challenge that the caller may see.
struct Run {
    submission_id: Uuid,
    phase: String,
    team: Option<String>,
    case: Option<String>,
    worker: Option<String>,
    claimed_at: Option<DateTime<Utc>>,
}

impl Body {
    fn ago(&self, at: &DateTime<Utc>) -> String {
        spell(self.now - *at)
    }

    fn since(&self, at: &Option<DateTime<Utc>>) -> String {
        at.as_ref().map_or("–".to_owned(), |at| self.ago(at))
    }
}

/// "45 s", "12 min", "3 h".
fn spell(span: TimeDelta) -> String {
    match span.num_seconds().max(0) {
        s if s < 120 => format!("{s} s"),
        s if s < 7200 => format!("{} min", s / 60),
        s => format!("{} h", s / 3600),
    }
}

#[tracing::instrument(name = "pages.queue", skip_all)]
pub async fn show(kit: web::Data<Kit>, caller: Caller) -> Result<HttpResponse, ApiError> {
    if !caller.organizes_anything() && caller.reviewer_of.is_empty() {
        return Err(ApiError::forbidden(
            "the queue of everybody is for organizers and reviewers; your submissions' pages say where they stand",
        ));
    }
    let now = kit.clock.now();
    let body = Body {
        classes: classes(&kit.db, now).await?,
        workers: items(&kit.db, now, None, WORKERS).await?,
        runs: runs(&kit.db, &caller).await?,
        now,
    };
    Ok(layout::Page::new("Queue and workers", body.render()?)
        .crumb("Organize", "/organize")
        .caller(Some(&caller))
        .refresh_s(15)
        .live()
        .respond())
}

async fn runs(db: impl PgExecutor<'_>, caller: &Caller) -> sqlx::Result<Vec<Run>> {
    let challenges: Vec<Uuid> = caller
        .organizer_of
        .iter()
        .chain(&caller.reviewer_of)
        .map(|ChallengeId(id)| *id)
        .collect();
    sqlx::query_as!(
        Run,
        r#"SELECT a.submission_id, p.challenge_slug || '/' || p.track_slug || '/' || p.phase_slug AS "phase!",
                  (SELECT t.team_name FROM registration.participants t
                   WHERE t.team_id = a.team_id AND t.track_id = p.track_id) AS team,
                  c.name AS "case?", w.name AS "worker?", r.claimed_at
           FROM execution.case_runs r
           JOIN execution.attempts a ON a.id = r.attempt_id
           JOIN tracks.phase_facts p ON p.phase_id = a.phase_id
           LEFT JOIN tracks.stored_cases c ON c.case_id = r.case_id
           LEFT JOIN execution.workers w ON w.id = r.worker_id
           WHERE r.state = 'running' AND ($1 OR p.challenge_id = ANY ($2))
           ORDER BY r.claimed_at LIMIT $3"#,
        caller.is_admin,
        &challenges,
        RUNS,
    )
    .fetch_all(db)
    .await
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, read_body};
    use molar_domain::attempt::AttemptState;
    use molar_domain::case_run::CaseRunState;
    use molar_domain::phase::SubmissionKind;
    use molar_service::Role;
    use molar_testkit::{
        AttemptBuilder, ChallengeBuilder, MockClock, PhaseBuilder, SubmissionBuilder, TeamBuilder,
        WorkerBuilder, as_role, noon,
    };
    use molar_web_kit::testing::{self, Person};
    use sqlx::PgPool;

    use super::*;

    async fn page(owner: &PgPool, person: &Person) -> (u16, String) {
        let db = as_role(owner, Role::Execution).await;
        let kit = testing::kit(Role::Execution, db, MockClock::at(noon()));
        let app = testing::app(kit, crate::routes(), |_| {}).await;
        let request = TestRequest::get()
            .uri("/organize/queue")
            .insert_header(person.bearer());
        let response = call_service(&app, request.to_request()).await;
        let status = response.status().as_u16();
        let body = read_body(response).await;
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_organizer_sees_workers_and_the_runs_of_their_own_challenge_only(owner: PgPool) {
        let phase = PhaseBuilder::new("final").kind(SubmissionKind::Container);
        let challenge = ChallengeBuilder::new("teeth")
            .phase(phase)
            .insert(&owner)
            .await;
        let other = ChallengeBuilder::new("other").insert(&owner).await;
        let team = TeamBuilder::new(&challenge, "Molars").insert(&owner).await;
        let submission = SubmissionBuilder::new(&challenge, &team)
            .container()
            .insert(&owner)
            .await;
        AttemptBuilder::new(&challenge, &submission)
            .state(AttemptState::Running)
            .case_runs(CaseRunState::Running)
            .insert(&owner)
            .await;
        WorkerBuilder::new("Big Iron").insert(&owner).await;

        let olga = testing::organizer(&owner, "Olga", challenge.id).await;
        let (status, html) = page(&owner, &olga).await;
        assert_eq!(status, 200, "{html}");
        for part in ["Big Iron", "Molars", "teeth/teeth/final", "Case_01"] {
            assert!(html.contains(part), "{part} in {html}");
        }
        let fritz = testing::organizer(&owner, "Fritz", other.id).await;
        let (status, html) = page(&owner, &fritz).await;
        assert!(status == 200 && !html.contains("Molars"), "{html}");
        let ada = testing::person(&owner, "Ada").await;
        assert_eq!(page(&owner, &ada).await.0, 403);
    }

    #[test]
    fn a_span_is_told_in_its_own_size() {
        assert_eq!(spell(TimeDelta::seconds(45)), "45 s");
        assert_eq!(spell(TimeDelta::minutes(12)), "12 min");
        assert_eq!(spell(TimeDelta::hours(30)), "30 h");
        assert_eq!(spell(TimeDelta::seconds(-3)), "0 s");
    }
}
