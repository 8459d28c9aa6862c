//! `/organize/participations`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::ParticipationId;
use molar_web_kit::page::{Cursor, LIMIT_MAX};
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery, names};
use serde::Deserialize;

use super::{next_page, page, see_other};
use crate::challenges;
use crate::participations::bulk::{DecideMany, Outcome, each};
use crate::participations::decide::{Decision, Disqualification, Disqualified, decide, take_away};
use crate::participations::eligibility::rule;
use crate::participations::rows::{self, Filter, Sight};
use crate::participations::{ParticipationView, State, Step, list};

#[derive(Deserialize)]
pub struct Query {
    state: Option<State>,
    cursor: Option<Cursor>,
}

#[derive(Template)]
#[template(path = "organize.html")]
struct Body<'a> {
    csrf: &'a str,
    state: State,
    rows: Vec<Row>,
    /// Address of the next page.
    next: Option<String>,
    /// By their slugs, for the other pages.
    challenges: Vec<String>,
    outcomes: Vec<Told>,
}

/// What became of one of many.
struct Told {
    team: String,
    is_done: bool,
    what: String,
}

impl Body<'_> {
    /// What can be done with many at once.
    fn bulk(&self) -> &'static [(Step, &'static str)] {
        match self.state {
            State::Requested => &[(Step::Approve, "Approve"), (Step::Refuse, "Refuse")],
            State::Approved => &[(Step::Disqualify, "Disqualify")],
            State::Disqualified => &[(Step::Reinstate, "Reinstate")],
            State::Refused | State::Withdrawn => &[],
        }
    }
}

struct Row {
    view: ParticipationView,
    may_decide: bool,
}

impl Row {
    fn can(&self, step: Step) -> bool {
        self.may_decide && self.view.state.apply(step).is_ok()
    }
}

pub async fn show(
    kit: web::Data<Kit>,
    caller: Caller,
    query: web::Query<Query>,
) -> Result<HttpResponse, ApiError> {
    let state = query.state.unwrap_or(State::Requested);
    respond(&kit, &caller, state, query.cursor, Vec::new()).await
}

async fn respond(
    kit: &Kit,
    caller: &Caller,
    state: State,
    cursor: Option<Cursor>,
    outcomes: Vec<Told>,
) -> Result<HttpResponse, ApiError> {
    let paging = PageQuery::new(cursor, Some(LIMIT_MAX))?;
    let filter = Filter {
        state: Some(state),
        ..Filter::default()
    };
    // An organizer's own teams are not theirs to decide on by being members.
    let sight = Sight {
        teams: Vec::new(),
        ..Sight::of(caller)
    };
    let rows = rows::list(&kit.db, &sight, &filter, paging.after(), paging.fetch()).await?;
    let found = Page::of(rows, &paging, |row| row.id.0);

    let body = Body {
        csrf: caller.csrf_token(),
        state,
        rows: found
            .items
            .into_iter()
            .map(|view| Row {
                may_decide: caller.is_organizer(view.challenge_id),
                view,
            })
            .collect(),
        next: next_page(found.next, &format!("?state={state}&"))?,
        challenges: challenges::reviewed(&kit.db, caller).await?,
        outcomes,
    };
    Ok(page(Some(caller), "Places in tracks", &body)?.respond())
}

#[derive(Deserialize)]
pub struct Form {
    decision: Step,
    reason: Option<String>,
    out_reason: Option<String>,
    /// Of a checkbox: there or not.
    is_public: Option<String>,
    /// Of a disqualification: the request of another organizer.
    confirms: Option<uuid::Uuid>,
}

#[tracing::instrument(name = "pages.organize.decide", skip_all)]
pub async fn submit(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<ParticipationId>,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    let Form {
        decision: step,
        reason,
        out_reason,
        is_public,
        confirms,
    } = form.into_inner();
    if !step.is_decision() {
        return Err(ApiError::invalid("/decision", "is not an organizer's"));
    }
    // The form has both fields and each belongs to one button.
    let out_reason = out_reason.filter(|_| step == Step::Approve);
    let reason = reason.filter(|_| step.needs_reason());
    if step == Step::Disqualify {
        let body = Disqualification {
            reason,
            is_public: is_public.is_some(),
            confirms,
        };
        return Ok(see_other(
            match take_away(&kit, &caller, *id, &body).await? {
                Disqualified::Now(_) => "/organize/participations",
                Disqualified::Waits(_) => "/organize/requests",
            },
        ));
    }
    let decision = Decision {
        reason,
        out_reason,
        is_public: false,
    };
    decide(&kit, &caller, *id, step, &decision).await?;
    Ok(see_other("/organize/participations"))
}

#[derive(Deserialize)]
pub struct RulingForm {
    /// `out` or `in`.
    ruling: String,
    reason: String,
}

#[tracing::instrument(name = "pages.organize.rule", skip_all)]
pub async fn rule_on(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<ParticipationId>,
    form: web::Form<RulingForm>,
) -> Result<HttpResponse, ApiError> {
    let is_out = form.ruling == "out";
    let view = rule(&kit, &caller, *id, is_out, &form.reason).await?;
    Ok(see_other(&format!(
        "/organize/participations?state={}",
        view.state
    )))
}

/// The checked ones, in one form whose fields repeat.
#[tracing::instrument(name = "pages.organize.decide_many", skip_all)]
pub async fn submit_many(
    kit: web::Data<Kit>,
    caller: Caller,
    body: web::Bytes,
) -> Result<HttpResponse, ApiError> {
    let mut request = DecideMany {
        ids: Vec::new(),
        step: Step::Request,
        reason: None,
        out_reason: None,
        is_public: false,
    };
    let mut state = State::Requested;
    for (name, value) in url::form_urlencoded::parse(&body) {
        match &*name {
            "id" => request.ids.extend(value.parse().ok().map(ParticipationId)),
            "decision" => request.step = value.parse().unwrap_or(Step::Request),
            "state" => state = value.parse().unwrap_or(state),
            "reason" => request.reason = Some(value.into_owned()),
            "is_public" => request.is_public = true,
            _ => {}
        }
    }
    if !request.step.needs_reason() {
        request.reason = None;
    }
    request.is_public &= request.step == Step::Disqualify;
    if request.ids.is_empty() {
        return Err(ApiError::invalid(
            "/id",
            "check the teams that you mean first",
        ));
    }
    let told = each(&kit, &caller, &request).await?;
    let mut outcomes = Vec::with_capacity(told.len());
    for outcome in told {
        outcomes.push(tell(&kit, &caller, outcome).await);
    }
    respond(&kit, &caller, state, None, outcomes).await
}

/// Of whom it is, and in which track.
fn place(view: &ParticipationView) -> String {
    let (team, track) = (names::plain(&view.team), names::plain(&view.track));
    format!("{team} ({track})")
}

async fn tell(kit: &Kit, caller: &Caller, outcome: Outcome) -> Told {
    match (outcome.participation, outcome.problem) {
        (Some(view), _) => Told {
            team: place(&view),
            is_done: true,
            what: view.state.to_string(),
        },
        (None, problem) => {
            let waits = outcome.waiting.map(|waiting| waiting.detail);
            let seen = list::find(kit, caller, outcome.id).await.ok();
            let errors = problem.iter().flat_map(|problem| &problem.errors);
            let errors = errors.map(|error| error.detail.clone());
            let detail = problem.as_ref().and_then(|problem| problem.detail.clone());
            Told {
                team: seen.as_ref().map_or_else(String::new, place),
                is_done: false,
                what: waits
                    .into_iter()
                    .chain(detail)
                    .chain(errors)
                    .collect::<Vec<_>>()
                    .join("; "),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{organizer, person};
    use sqlx::PgPool;

    use crate::testing::{Api, challenge, participation, set_state, sign, team};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_organizer_decides_on_the_page(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let ada = person(&pool, "Ada").await;
        sign(&api, &ada).await;
        let molars = team(&api, &ada, "Molars").await;
        let place = participation(&api, &ada, &molars, demo.track).await;
        assert_eq!(
            api.browser(&ada).page("/organize/participations").await.0,
            403
        );

        let olga = api.browser(&organizer(&pool, "Olga", demo.id).await);
        let list = "/organize/participations";
        let path = format!("{list}/{place}");
        let silent = [("decision", "refuse"), ("reason", ""), ("out_reason", "")];
        let (status, html) = olga.submit(list, &path, &silent).await;
        assert_eq!(status, 422);
        assert!(html.contains("tell the team why"), "{html}");
        let odd = [("decision", "withdraw")];
        assert_eq!(olga.submit(list, &path, &odd).await.0, 422);
        let approve = [
            ("decision", "approve"),
            ("reason", ""),
            ("out_reason", "own team"),
        ];
        assert_eq!(olga.submit(list, &path, &approve).await, (303, list.into()));

        let (_, html) = olga.page("/organize/participations?state=approved").await;
        assert!(
            html.contains("Molars") && html.contains("own team"),
            "{html}"
        );
        let (_, html) = olga.page(list).await;
        assert!(html.contains("Nothing"), "{html}");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_organizer_decides_on_many_and_sees_what_became_of_each(pool: PgPool) {
        let api = Api::new(&pool).await;
        let demo = challenge(&pool).await;
        let mut places = Vec::new();
        for name in ["Molars", "Canines", "Incisors"] {
            let captain = person(&pool, name).await;
            sign(&api, &captain).await;
            let team = team(&api, &captain, name).await;
            places.push(participation(&api, &captain, &team, demo.track).await);
        }
        let olga = api.browser(&organizer(&pool, "Olga", demo.id).await);
        let list = "/organize/participations";
        let (_, html) = olga.page(list).await;
        assert!(html.contains(r#"type="checkbox" name="id""#), "{html}");
        set_state(&pool, &places[0], "withdrawn").await;
        let fields = [
            ("state", "requested"),
            ("decision", "approve"),
            ("reason", ""),
            ("id", places[0].as_str()),
            ("id", places[1].as_str()),
        ];
        let (status, html) = olga.submit(list, list, &fields).await;
        assert_eq!(status, 200, "{html}");
        assert!(
            html.contains("<bdi>Canines (opg)</bdi>: approved"),
            "{html}"
        );
        assert!(
            html.contains("<bdi>Molars (opg)</bdi>: a participation that is withdrawn"),
            "{html}"
        );
        assert!(html.contains("/organize/ledger/demo"), "{html}");
        let none = [("decision", "approve")];
        assert_eq!(olga.submit(list, list, &none).await.0, 422);

        let rule = format!("{list}/{}/eligibility", places[1]);
        let out = [("ruling", "out"), ("reason", "own group")];
        let back = (303, format!("{list}?state=approved"));
        assert_eq!(olga.submit(list, &rule, &out).await, back);
        let (_, html) = olga.page("/organize/participations?state=approved").await;
        assert!(html.contains("own group"), "{html}");

        let path = format!("{list}/{}", places[1]);
        let public = [
            ("decision", "disqualify"),
            ("reason", "shared accounts"),
            ("is_public", "on"),
        ];
        assert_eq!(olga.submit(list, &path, &public).await.0, 303);
        let (_, html) = olga
            .page("/organize/participations?state=disqualified")
            .await;
        assert!(
            html.contains("shared accounts") && html.contains("on the boards"),
            "{html}"
        );
    }
}
