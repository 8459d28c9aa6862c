//! `/organize/participations`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::ParticipationId;
use molar_web_kit::page::{Cursor, LIMIT_MAX};
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery};
use serde::Deserialize;

use super::{page, see_other};
use crate::participations::decide::{Decision, Disqualification, Disqualified, decide, take_away};
use crate::participations::list::{Filter, ParticipationView};
use crate::participations::rows::{self, Sight};
use crate::participations::{State, Step};

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
    let paging = PageQuery::new(query.cursor, Some(LIMIT_MAX))?;
    let filter = Filter {
        state: Some(state),
        ..Filter::default()
    };
    // An organizer's own teams are not theirs to decide on by being members.
    let sight = Sight {
        teams: Vec::new(),
        ..Sight::of(&caller)
    };
    let rows = rows::list(&kit.db, &sight, &filter, paging.after(), paging.fetch()).await?;
    let found = Page::of(rows, &paging, |row| row.id.0);

    let next = found
        .next
        .map(serde_json::to_value)
        .transpose()
        .map_err(ApiError::internal)?;
    let next = next.as_ref().and_then(serde_json::Value::as_str);
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
        next: next.map(|cursor| format!("?state={state}&cursor={cursor}")),
    };
    Ok(page(Some(&caller), "Places in tracks", &body)?.respond())
}

#[derive(Deserialize)]
pub struct Form {
    decision: Step,
    reason: Option<String>,
    out_reason: Option<String>,
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
        confirms,
    } = form.into_inner();
    if !matches!(step, Step::Approve | Step::Refuse | Step::Disqualify) {
        return Err(ApiError::invalid("/decision", "is not an organizer's"));
    }
    // The form has both fields and each belongs to one button.
    let out_reason = out_reason.filter(|_| step == Step::Approve);
    let reason = reason.filter(|_| step.needs_reason());
    if step == Step::Disqualify {
        let body = Disqualification { reason, confirms };
        return Ok(see_other(
            match take_away(&kit, &caller, *id, &body).await? {
                Disqualified::Now(_) => "/organize/participations",
                Disqualified::Waits(_) => "/organize/requests",
            },
        ));
    }
    decide(&kit, &caller, *id, step, &Decision { reason, out_reason }).await?;
    Ok(see_other("/organize/participations"))
}

#[cfg(test)]
mod tests {
    use molar_web_kit::testing::{organizer, person};
    use sqlx::PgPool;

    use crate::testing::{Api, challenge, participation, sign, team};

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
}
