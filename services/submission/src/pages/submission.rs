//! `GET /submissions/{id}`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::submission::SubmissionState;
use molar_service::db;
use molar_web_kit::{ApiError, Caller, Kit, layout};
use uuid::Uuid;

use crate::pages::cases::Cases;
use crate::pages::curves::Curves;
use crate::pages::teeth::{self, Labels};
use crate::pages::wanted::Wanted;
use crate::pages::{moment, size};
use crate::rows::phases::Phase;
use crate::state::State;
use crate::submissions::access::see;
use crate::submissions::cases;
use crate::submissions::view::SubmissionView;
use crate::submissions::{cancel, changes, find, labels, measures, withdraw};

#[derive(Template)]
#[template(path = "submission.html")]
struct SubmissionPage<'a> {
    submission: &'a SubmissionView,
    phase: &'a Phase,
    size: String,
    steps: Vec<StepView<'a>>,
    done: i64,
    all: i64,
    quota: Option<&'static str>,
    cases: Cases,
    labels: Labels,
    curves: Curves,
    csrf: &'a str,
    can_cancel: bool,
    can_withdraw: bool,
    can_choose: bool,
    created: String,
    /// When its next case is expected to begin.
    queue_starts: String,
    /// Of what is shown, while more may come.
    seen: Option<u64>,
}

struct StepView<'a> {
    at: String,
    what: &'a str,
    detail: &'a str,
}

#[tracing::instrument(name = "pages.submission", skip_all)]
pub async fn submission(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    caller: Caller,
    id: web::Path<Uuid>,
    wanted: web::Query<Wanted>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.acquire().await?;
    let seen = see(&mut conn, &caller, *id).await?;
    // Taken before the rest: what moves in between is told, and not missed.
    let number = changes::number(&mut conn, &kit, seen).await?;
    let seen = see(&mut conn, &caller, *id).await?;
    let list = cases::list(&mut conn, &seen).await?;
    let of_labels = labels::list(&mut conn, &seen).await?;
    let measured = measures::list(&mut conn, &seen).await?;
    let is_reviewer = seen.is_reviewer;
    let (phase, is_member, is_organizer) = (seen.phase.clone(), seen.is_member, seen.is_organizer);
    let now = db::now(&mut *conn).await?;
    let is_kept = cancel::is_kept(&seen, now);
    let view = find::view(&mut conn, seen).await?;
    drop(conn);
    let curves = Curves::of(&state.store, &measured, wanted.curves, is_reviewer).await;
    let is_withdrawn = view.withdrawn_at.is_some();
    let is_run_again = view.rerun.as_ref().is_some_and(|rerun| rerun.is_going_on);
    // What it costs is settled a moment after its end.
    let is_over = view.is_final && view.quota.as_deref() != Some("reserved");
    let page = SubmissionPage {
        can_cancel: !view.is_final
            && view.rerun.is_none()
            && (is_organizer || (is_member && !is_kept)),
        can_withdraw: (view.state == SubmissionState::Scored || is_run_again)
            && !is_withdrawn
            && (is_organizer || (is_member && withdraw::refusal(&phase.window, now).is_none())),
        can_choose: phase.keep == "chosen"
            && now < phase.window.uploads_until()
            && !view.is_chosen
            && !view.is_trial
            && !is_withdrawn
            && is_member
            && (view.state == SubmissionState::Scored || !view.is_final),
        csrf: caller.csrf_token(),
        curves,
        cases: Cases::of(list, &wanted, &teeth::told(&of_labels)),
        labels: Labels::of(&of_labels, &wanted),
        seen: (!is_over).then_some(number),
        ..page(&view, &phase)
    };
    let title = format!("Submission of {}", view.team);
    let mut framed = layout::Page::new(title, page.render()?)
        .crumb(
            phase.challenge_title.clone(),
            format!("/challenges/{}", phase.challenge_slug),
        )
        .crumb("Submissions", "/submissions")
        .caller(Some(&caller));
    if !is_over {
        framed = framed.refresh_s(5).live();
    }
    Ok(framed.respond())
}

fn page<'a>(view: &'a SubmissionView, phase: &'a Phase) -> SubmissionPage<'a> {
    let steps = view.history.iter().map(|step| StepView {
        at: moment(step.at, phase.zone),
        what: step.what,
        detail: &step.detail,
    });
    SubmissionPage {
        size: size(view.size_bytes.unsigned_abs()),
        steps: steps.collect(),
        done: view.progress.final_runs + view.progress.scored_cases,
        all: view.progress.runs + view.progress.cases,
        cases: Cases::default(),
        labels: Labels::default(),
        created: moment(view.created_at, phase.zone),
        queue_starts: view
            .queue
            .as_ref()
            .and_then(|queue| queue.expected_start_at)
            .map_or(String::new(), |at| moment(at, phase.zone)),
        quota: view.quota.as_deref().map(quota_in_words),
        csrf: "",
        curves: Curves::default(),
        can_cancel: false,
        can_withdraw: false,
        can_choose: false,
        seen: None,
        submission: view,
        phase,
    }
}

fn quota_in_words(kind: &str) -> &'static str {
    match kind {
        "spent" => "counts",
        "returned" => "given back, it does not count",
        _ => "held until this ends",
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use molar_service::Pending;
    use molar_testkit::{EvaluationBuilder, SubmissionBuilder, noon};
    use serde_json::json;
    use sqlx::PgPool;

    use crate::quota;
    use crate::testing::{World, predictions_zip};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_page_shows_the_complaints_and_the_way_out(pool: PgPool) {
        let world = World::new(&pool).await;
        let id = world
            .submit(&predictions_zip(&["Case_01", "<script>"]))
            .await;
        let path = format!("/submissions/{id}");
        let (_, moving) = world.page(&path).await;
        assert!(
            moving.contains("http-equiv=\"refresh\"") && moving.contains(&format!("{path}/cancel"))
        );
        world.run_checks().await;
        let (status, page) = world.page(&path).await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            page.contains("Case_02_Mask.json") && page.contains("is missing"),
            "{page}"
        );
        assert!(
            !page.contains("<script>") && !page.contains("http-equiv=\"refresh\""),
            "{page}"
        );
    }

    /// It is scored first and settled then; a page that stopped in between would say "held" for ever.
    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_page_goes_on_until_its_quota_is_settled(pool: PgPool) {
        let world = World::new(&pool).await;
        let new = SubmissionBuilder::new(&world.challenge, &world.team);
        let submission = new.insert(&pool).await;
        EvaluationBuilder::new(&world.challenge, &submission, json!({"IA": 0.25}))
            .insert(&pool)
            .await;
        let goes_on = async || {
            let (_, page) = world.page(&format!("/submissions/{}", submission.id)).await;
            page.contains("data-live") && page.contains("http-equiv=\"refresh\"")
        };
        assert!(goes_on().await);
        quota::settle_all(&world.db, &Pending::default(), noon())
            .await
            .unwrap();
        assert!(!goes_on().await);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_scored_submission_shows_each_case_and_metric(pool: PgPool) {
        let world = World::new(&pool).await;
        let submission = SubmissionBuilder::new(&world.challenge, &world.team)
            .insert(&pool)
            .await;
        EvaluationBuilder::new(&world.challenge, &submission, json!({"IA": 0.25}))
            .insert(&pool)
            .await;
        let (_, page) = world.page(&format!("/submissions/{}", submission.id)).await;
        assert!(
            page.contains("Case_01") && page.contains("0.2500") && page.contains("badge-scored"),
            "{page}"
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_browser_cancels_by_a_form_of_our_own_only(pool: PgPool) {
        let world = World::new(&pool).await;
        let id = world.create("{}").await;
        let path = format!("/submissions/{id}");
        assert_eq!(
            world.form(&format!("{path}/cancel"), "forged").await,
            StatusCode::FORBIDDEN
        );
        let (_, page) = world.page(&path).await;
        let csrf = page
            .split("name=\"_csrf\" value=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        assert_eq!(
            world.form(&format!("{path}/cancel"), csrf).await,
            StatusCode::SEE_OTHER
        );
        assert_eq!(world.find(id).await["state"], "cancelled");
    }
}
