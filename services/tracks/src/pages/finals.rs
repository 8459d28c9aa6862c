//! `/finals/{phase}`: finalists and awards, and for organizers the acts that make them.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::PhaseId;
use molar_domain::challenge::time;
use molar_web_kit::{ApiError, Caller, Kit, layout};
use serde::Deserialize;
use uuid::Uuid;

use super::slips;
use crate::awards::set::{self, NewAward, NewPlace, SetAwards};
use crate::dossiers::code;
use crate::dossiers::lock::{self, Step};
use crate::finals::find::{self, FinalsView};
use crate::finals::name::{self, NameFinalists};
use crate::finals::{rows, strike};
use crate::phases::publish::reason;
use crate::phases::rows::{self as phases, Phase};
use crate::state::AppState;

#[derive(Template)]
#[template(path = "finals.html")]
struct Body<'a> {
    csrf: &'a str,
    phase: &'a Phase,
    finals: Option<FinalsView>,
    sees_all: bool,
    /// Whether the public is told names without ranks and places.
    hides_ranks: bool,
    may_change: bool,
    /// Titles of the phases that open with its publication.
    opens: Vec<String>,
    slips: Vec<String>,
}

#[tracing::instrument(name = "pages.finals", skip_all)]
pub async fn show(
    kit: web::Data<Kit>,
    caller: Option<Caller>,
    id: web::Path<PhaseId>,
) -> Result<HttpResponse, ApiError> {
    let phase = phases::find(&kit.db, *id, kit.clock.now()).await?;
    page(&kit, caller.as_ref(), &phase, Vec::new()).await
}

async fn page(
    kit: &Kit,
    caller: Option<&Caller>,
    phase: &Phase,
    slips: Vec<String>,
) -> Result<HttpResponse, ApiError> {
    let not_there = ApiError::NotFound("finalists of this phase");
    if !phase.is_shown(caller) {
        return Err(not_there);
    }
    let sees_all = caller.is_some_and(|caller| caller.may_review(phase.challenge_id()));
    let mut conn = kit.db.acquire().await?;
    let finals = match find::of(&mut conn, phase, caller).await {
        Ok(finals) => Some(finals),
        Err(crate::Error::NotFound(_)) if sees_all => None,
        Err(error) => return Err(error.into()),
    };
    let opens = phases::opened_by(&mut *conn, phase.id, kit.clock.now()).await?;
    let status = match slips.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let body = Body {
        csrf: caller.map_or("", |caller| caller.csrf_token()),
        opens: opens.into_iter().map(|(_, title)| title).collect(),
        phase,
        finals,
        sees_all,
        hides_ranks: !find::tells_ranks(phase, false),
        may_change: caller.is_some_and(|caller| caller.is_organizer(phase.challenge_id())),
        slips,
    };
    let title = format!("Finalists of {}", phase.title);
    Ok(layout::Page::new(title, body.render()?)
        .crumb(&phase.challenge, format!("/challenges/{}", phase.challenge))
        .caller(caller)
        .status(status)
        .respond())
}

/// Back to the page, or the page with what was wrong.
async fn answer(
    kit: &Kit,
    caller: &Caller,
    phase: Uuid,
    done: Result<(), ApiError>,
) -> Result<HttpResponse, ApiError> {
    let Err(error) = done else {
        return Ok(layout::see_other(&format!("/finals/{phase}")));
    };
    let slips = slips(error)?;
    let phase = phases::find(&kit.db, phase.into(), kit.clock.now()).await?;
    page(kit, Some(caller), &phase, slips).await
}

#[derive(Deserialize)]
pub struct NameForm {
    top: Option<String>,
    due_at: Option<String>,
    reason: Option<String>,
}

impl NameForm {
    fn read(self, phase: &Phase) -> Result<NameFinalists, ApiError> {
        let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let top = filled(self.top).map(|text| text.trim().parse());
        let top = top.transpose();
        let top = top.map_err(|_| ApiError::invalid("/top", "must be a number"))?;
        let zone = phase.zone.parse().unwrap_or(chrono_tz::UTC);
        let due = filled(self.due_at).map(|text| time(text.trim(), zone));
        let due = due.transpose();
        Ok(NameFinalists {
            top,
            dossiers_due_at: due.map_err(|why| ApiError::invalid("/dossiers_due_at", why))?,
            reason: self.reason,
        })
    }
}

#[tracing::instrument(name = "pages.finals.name", skip_all)]
pub async fn name(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<PhaseId>,
    form: web::Form<NameForm>,
) -> Result<HttpResponse, ApiError> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let phase = phases::find(&mut *tx, *id, now).await?;
    caller.require_organizer(phase.challenge_id())?;
    let done = match form.into_inner().read(&phase) {
        Ok(body) => name::take(&mut tx, &caller, *id, &body, now)
            .await
            .map(drop),
        Err(error) => Err(error),
    };
    match &done {
        Ok(()) => tx.commit().await?,
        Err(_) => tx.rollback().await?,
    }
    answer(&kit, &caller, phase.id, done).await
}

#[derive(Deserialize)]
pub struct ActForm {
    act: String,
    reason: Option<String>,
}

/// What an organizer does with one finalist.
#[tracing::instrument(name = "pages.finals.act", skip_all)]
pub async fn act(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<Uuid>,
    form: web::Form<ActForm>,
) -> Result<HttpResponse, ApiError> {
    let finalist = rows::find(&kit.db, *id).await?;
    caller.require_organizer(finalist.challenge_id())?;
    let done = match form.act.as_str() {
        "fetch" => code::take(&kit, &state, &caller, *id).await.map(drop),
        _ => decide(&kit, &caller, *id, &form).await,
    };
    answer(&kit, &caller, finalist.phase_id, done).await
}

async fn decide(kit: &Kit, caller: &Caller, id: Uuid, form: &ActForm) -> Result<(), ApiError> {
    let now = kit.clock.now();
    let reason = reason(form.reason.as_deref())?;
    let mut tx = kit.db.begin().await?;
    match form.act.as_str() {
        "strike" => drop(strike::take(&mut tx, caller, id, reason, now).await?),
        "lock" => drop(lock::take(&mut tx, caller, id, reason, Step::Lock, now).await?),
        "unlock" => drop(lock::take(&mut tx, caller, id, reason, Step::Unlock, now).await?),
        _ => {
            return Err(ApiError::invalid(
                "/act",
                "is not among the buttons of the page",
            ));
        }
    }
    tx.commit().await?;
    Ok(())
}

/// One more award, or one less: a field a finalist, so that it works without a script.
#[tracing::instrument(name = "pages.finals.award", skip_all)]
pub async fn award(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<PhaseId>,
    form: web::Form<Vec<(String, String)>>,
) -> Result<HttpResponse, ApiError> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let phase = phases::find(&mut *tx, *id, now).await?;
    caller.require_organizer(phase.challenge_id())?;
    rows::lock(&mut tx, phase.id).await?;
    let present = crate::awards::list(&mut *tx, phase.id).await?;
    let mut awards: Vec<NewAward> = present.into_iter().map(again).collect();
    let remove = field(&form, "remove").and_then(|text| text.parse::<usize>().ok());
    let changed = match remove {
        Some(at) if at < awards.len() => {
            awards.remove(at);
            Ok(())
        }
        Some(_) => Err(ApiError::conflict("that award is not there any more")),
        None => new_award(&form).map(|award| awards.push(award)),
    };
    let instead_of = Some(field(&form, "instead_of").unwrap_or_default().to_owned());
    let done = match changed {
        Ok(()) => {
            set::take(
                &mut tx,
                &caller,
                &phase,
                SetAwards { awards, instead_of },
                now,
            )
            .await
        }
        Err(error) => Err(error),
    };
    match &done {
        Ok(()) => tx.commit().await?,
        Err(_) => tx.rollback().await?,
    }
    answer(&kit, &caller, phase.id, done).await
}

fn field<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = form.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.trim())
}

fn new_award(form: &[(String, String)]) -> Result<NewAward, ApiError> {
    let mut places = Vec::new();
    for (key, value) in form {
        let Some(finalist) = key.strip_prefix("place-") else {
            continue;
        };
        if value.trim().is_empty() {
            continue;
        }
        let wrong = |_| ApiError::invalid("/place", "must be a number, such as 1");
        let unknown = |_| ApiError::NotFound("finalist");
        places.push(NewPlace {
            finalist_id: finalist.parse().map_err(unknown)?,
            place: value.trim().parse().map_err(wrong)?,
        });
    }
    Ok(NewAward {
        title: field(form, "title").unwrap_or_default().to_owned(),
        places,
    })
}

fn again(award: crate::awards::AwardView) -> NewAward {
    let places = award.places.iter().filter_map(|of| {
        Some(NewPlace {
            finalist_id: of.finalist_id,
            place: of.place?,
        })
    });
    NewAward {
        places: places.collect(),
        title: award.title,
    }
}
