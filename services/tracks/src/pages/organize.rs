//! `GET /organize`: where organizers and reviewers begin; and the form that confirms a publication.

use actix_web::{HttpResponse, web};
use askama::Template;
use molar_domain::{ChallengeId, PhaseId};
use molar_web_kit::{ApiError, Caller, Kit, layout};
use serde::Deserialize;
use uuid::Uuid;

use crate::challenges::rows;
use crate::phases::publish::{Publication, Published, take};
use crate::phases::rows as phases;

#[derive(Template)]
#[template(path = "organize.html")]
struct Home {
    challenges: Vec<Card>,
}

struct Card {
    slug: String,
    title: String,
    may_change: bool,
    phases: Vec<Line>,
    splits: Vec<SplitLine>,
}

struct Line {
    id: Uuid,
    track: String,
    title: String,
    state: String,
    board: String,
}

struct SplitLine {
    id: Uuid,
    name: String,
    corrections: i64,
}

#[tracing::instrument(name = "pages.organize", skip_all)]
pub async fn home(kit: web::Data<Kit>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let now = kit.clock.now();
    let mut challenges = Vec::new();
    for row in rows::list(&kit.db).await? {
        let id = ChallengeId(row.id);
        if !caller.may_review(id) {
            continue;
        }
        let phases = phases::list(&kit.db, Some(row.id), now).await?;
        let lines = phases.iter().map(|phase| Line {
            id: phase.id,
            track: phase.track.clone(),
            title: phase.title.clone(),
            state: phase.state(now).to_string(),
            board: format!("/boards/{}/{}/{}", row.slug, phase.track, phase.slug),
        });
        challenges.push(Card {
            phases: lines.collect(),
            splits: splits(&kit, row.id).await?,
            may_change: caller.is_organizer(id),
            slug: row.slug,
            title: row.title,
        });
    }
    if challenges.is_empty() {
        return Err(ApiError::forbidden(
            "this is for organizers and reviewers of a challenge; an administrator or organizer makes you one",
        ));
    }
    let body = Home { challenges }.render()?;
    Ok(layout::page(Some(&caller), "Organize", body))
}

/// Those that have references.
async fn splits(kit: &Kit, challenge: Uuid) -> sqlx::Result<Vec<SplitLine>> {
    sqlx::query_as!(
        SplitLine,
        r#"SELECT s.id, t.slug || '/' || s.slug AS "name!",
                  (SELECT count(*) FROM tracks.reference_sets r WHERE r.split_id = s.id AND r.based_on IS NOT NULL) AS "corrections!"
           FROM tracks.splits s JOIN tracks.tracks t ON t.id = s.track_id
           WHERE t.challenge_id = $1 AND EXISTS (SELECT FROM tracks.reference_sets r WHERE r.split_id = s.id)
           ORDER BY t.position, s.slug"#,
        challenge,
    )
    .fetch_all(&kit.db)
    .await
}

#[derive(Deserialize)]
pub struct Form {
    reason: Option<String>,
    confirms: Option<Uuid>,
}

#[tracing::instrument(name = "pages.organize.publish", skip_all)]
pub async fn publish(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<PhaseId>,
    form: web::Form<Form>,
) -> Result<HttpResponse, ApiError> {
    let Form { reason, confirms } = form.into_inner();
    let published = take(&kit, &caller, *id, &Publication { reason, confirms }).await?;
    Ok(layout::see_other(match published {
        Published::Now(_) => "/organize",
        Published::Waits(_) => "/organize/requests",
    }))
}
