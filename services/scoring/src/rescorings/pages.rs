//! `/organize/rescorings`

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::rescoring::Scope;
use molar_domain::{ChallengeId, RescoringId};
use molar_web_kit::{ApiError, Caller, Kit, layout};
use serde::Deserialize;
use uuid::Uuid;

use super::create::{CreateRescoring, draft};
use super::discard::DropRescoring;
use super::find::seen;
use super::list::of_caller;
use super::publish::{PublishRescoring, Published};
use super::{RescoringView, compute as begin, discard as end, publish as publication};
use crate::error::Result;
use crate::evaluations::frame;

#[derive(Template)]
#[template(path = "rescorings.html")]
struct ListBody<'a> {
    csrf: &'a str,
    phases: Vec<PhaseLine>,
    rescorings: Vec<RescoringView>,
}

/// A phase with scores, and what would be measured otherwise now.
struct PhaseLine {
    id: Uuid,
    name: String,
    differs: Vec<&'static str>,
    may_change: bool,
}

#[derive(Template)]
#[template(path = "rescoring.html")]
struct OneBody<'a> {
    csrf: &'a str,
    of: RescoringView,
    may_change: bool,
}

impl OneBody<'_> {
    fn is(&self, state: &str) -> bool {
        self.of.state == state
    }

    fn is_open(&self) -> bool {
        !self.is("published") && !self.is("dropped")
    }
}

#[tracing::instrument(name = "pages.rescorings", skip_all)]
pub async fn list(kit: web::Data<Kit>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let body = ListBody {
        csrf: caller.csrf_token(),
        phases: phases(&kit, &caller).await?,
        rescorings: of_caller(&kit.db, &caller, None).await?,
    };
    Ok(layout::Page::new("Re-scoring", body.render()?)
        .crumb("Organize", "/organize")
        .caller(Some(&caller))
        .respond())
}

async fn phases(kit: &Kit, caller: &Caller) -> Result<Vec<PhaseLine>> {
    let rows = sqlx::query!(
        r#"SELECT p.phase_id AS "id!", p.challenge_id AS "challenge_id!",
                  p.challenge_slug || '/' || p.track_slug || '/' || p.phase_slug AS "name!"
           FROM tracks.phase_facts p
           WHERE EXISTS (SELECT FROM scoring.evaluations e WHERE e.phase_id = p.phase_id AND e.state = 'finished')
           ORDER BY p.challenge_slug, p.track_position, p.phase_position"#
    )
    .fetch_all(&kit.db)
    .await?;
    let mut lines = Vec::new();
    for row in rows {
        let challenge = ChallengeId(row.challenge_id);
        if caller.may_review(challenge) {
            lines.push(PhaseLine {
                id: row.id,
                name: row.name,
                differs: differs(kit, row.id).await?,
                may_change: caller.is_organizer(challenge),
            });
        }
    }
    Ok(lines)
}

async fn differs(kit: &Kit, phase: Uuid) -> Result<Vec<&'static str>> {
    let Some(phase) = frame::phases(&kit.db, Some(phase)).await?.pop() else {
        return Ok(Vec::new());
    };
    let wanted = phase.wanted()?;
    let Some(held) = frame::held(&kit.db, &wanted).await? else {
        return Ok(Vec::new());
    };
    let all = [
        (
            held.reference_set_id != wanted.reference_set_id,
            "the references",
        ),
        (
            held.parameters_hash != wanted.parameters_hash,
            "metrics or limits",
        ),
        (held.scorer_version != wanted.scorer_version, "the scorer"),
    ];
    Ok(all
        .into_iter()
        .filter_map(|(differs, what)| differs.then_some(what))
        .collect())
}

#[tracing::instrument(name = "pages.rescoring", skip_all)]
pub async fn show(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<RescoringId>,
) -> Result<HttpResponse, ApiError> {
    let row = seen(&kit.db, &caller, *id).await?;
    let may_change = caller.is_organizer(row.challenge_id);
    let is_moving = row.state == molar_domain::rescoring::RescoringState::Computing;
    let body = OneBody {
        csrf: caller.csrf_token(),
        may_change,
        of: RescoringView::of(&kit.db, row).await?,
    };
    let title = format!("Re-scoring of {}", body.of.phase);
    let page = layout::Page::new(title, body.render()?)
        .crumb("Organize", "/organize")
        .crumb("Re-scoring", "/organize/rescorings")
        .caller(Some(&caller));
    Ok(match is_moving {
        true => page.refresh_s(5).respond(),
        false => page.respond(),
    })
}

#[derive(Deserialize)]
pub struct CreateForm {
    phase_id: Uuid,
    reason: String,
    scope: Scope,
    confirm: Option<String>,
}

#[tracing::instrument(name = "pages.rescorings.create", skip_all)]
pub async fn create(
    kit: web::Data<Kit>,
    caller: Caller,
    form: web::Form<CreateForm>,
) -> Result<HttpResponse, ApiError> {
    let form = form.into_inner();
    let body = CreateRescoring {
        phase_id: form.phase_id,
        reason: form.reason,
        scope: form.scope,
        confirm: form.confirm.map(|name| name.trim().to_owned()),
    };
    let mut tx = kit.db.begin().await?;
    let id = draft(&mut tx, &caller, &body, kit.clock.now()).await?;
    tx.commit().await?;
    Ok(back(id))
}

fn back(id: Uuid) -> HttpResponse {
    layout::see_other(&format!("/organize/rescorings/{id}"))
}

#[tracing::instrument(name = "pages.rescorings.compute", skip_all)]
pub async fn compute(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<RescoringId>,
) -> Result<HttpResponse, ApiError> {
    Ok(back(begin::take(&kit, &caller, *id).await?.id))
}

#[derive(Deserialize)]
pub struct PublishForm {
    reason: Option<String>,
    confirms: Option<Uuid>,
}

#[tracing::instrument(name = "pages.rescorings.publish", skip_all)]
pub async fn publish(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<RescoringId>,
    form: web::Form<PublishForm>,
) -> Result<HttpResponse, ApiError> {
    let PublishForm { reason, confirms } = form.into_inner();
    let body = PublishRescoring { reason, confirms };
    Ok(match publication::take(&kit, &caller, *id, &body).await? {
        Published::Now(row) => back(row.id),
        Published::Waits(_) => layout::see_other("/organize/requests"),
    })
}

#[derive(Deserialize)]
pub struct DropForm {
    reason: String,
}

#[tracing::instrument(name = "pages.rescorings.drop", skip_all)]
pub async fn discard(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<RescoringId>,
    form: web::Form<DropForm>,
) -> Result<HttpResponse, ApiError> {
    let body = DropRescoring {
        reason: form.into_inner().reason,
    };
    Ok(back(end::take(&kit, &caller, *id, &body).await?.id))
}
