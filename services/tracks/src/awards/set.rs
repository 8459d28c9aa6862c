//! `PUT /api/v1/phases/{id}/awards`

use std::collections::BTreeSet;

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_domain::{PhaseId, uuid_at};
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::rows::{self, AwardView};
use crate::finals::rows as finals;
use crate::phases::rows::{self as phases, Phase};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetAwards {
    #[schema(max_items = 20)]
    pub awards: Vec<NewAward>,
    /// `awards_tag` of what this takes the place of: 409 where another organizer has changed it since.
    pub instead_of: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAward {
    #[schema(min_length = 1, max_length = 120)]
    pub title: String,
    #[schema(min_items = 1)]
    pub places: Vec<NewPlace>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPlace {
    pub finalist_id: Uuid,
    #[schema(minimum = 1, maximum = 100)]
    pub place: i32,
}

/// Says what is awarded to which finalists, all at once, in place of what was said before. Nobody but
/// organizers and reviewers sees it until the phase is published; then it stays.
#[utoipa::path(
    put,
    path = "/api/v1/phases/{id}/awards",
    tag = "finals",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = Vec<AwardView>))
)]
#[tracing::instrument(name = "awards.set", skip_all)]
pub async fn set(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<PhaseId>,
    body: web::Json<SetAwards>,
) -> Result<web::Json<Vec<AwardView>>, ApiError> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let phase = phases::find(&mut *tx, *id, now).await?;
    take(&mut tx, &caller, &phase, body.into_inner(), now).await?;
    let awards = rows::list(&mut *tx, phase.id).await?;
    tx.commit().await?;
    Ok(web::Json(awards))
}

pub async fn take(
    tx: &mut PgConnection,
    caller: &Caller,
    phase: &Phase,
    body: SetAwards,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    caller.require_organizer(phase.challenge_id())?;
    if finals::lock(tx, phase.id).await?.published_at.is_some() {
        let why = "the awards are published and stay as they are";
        return Err(ApiError::conflict(why).with_code("finals-published"));
    }
    let present = rows::tag(&rows::list(&mut *tx, phase.id).await?);
    if body.instead_of.as_ref().is_some_and(|tag| *tag != present) {
        let why = "the awards have changed since you looked, perhaps by another organizer: look at them again, and repeat what is still to be done";
        return Err(ApiError::conflict(why).with_code("awards-changed"));
    }
    let standing = finals::list(&mut *tx, phase.id).await?.into_iter();
    let standing = standing.filter(|of| !of.is_struck() && of.is_approved);
    let awards = body.validate(&standing.map(|of| of.id).collect())?;
    write(tx, phase.id, &awards, now).await?;
    let after = rows::list(&mut *tx, phase.id).await?;
    let details = json!({"challenge_id": phase.challenge_id, "awards": after});
    let actor = Some(caller.user_id);
    audit::append(tx, now, actor, "awards.set", phase.id, details, None).await?;
    Ok(())
}

impl SetAwards {
    fn validate(self, standing: &BTreeSet<Uuid>) -> Result<Vec<NewAward>, ApiError> {
        let mut wrong = Complaints::new();
        wrong.check(
            self.awards.len() <= 20,
            "/awards",
            "there can be 20 at most",
        );
        let mut awards = self.awards;
        for (a, award) in awards.iter_mut().enumerate() {
            let at = format!("/awards/{a}");
            award.title = wrong.text(&format!("{at}/title"), &award.title, 1..=120);
            let none = "names nobody: give at least one finalist a place";
            wrong.check(!award.places.is_empty(), &format!("{at}/places"), none);
            let mut seen = BTreeSet::new();
            for (p, place) in award.places.iter().enumerate() {
                let at = format!("{at}/places/{p}");
                wrong.check(
                    (1..=100).contains(&place.place),
                    &format!("{at}/place"),
                    "must be 1 to 100",
                );
                let id = place.finalist_id;
                let at = format!("{at}/finalist_id");
                wrong.check(
                    standing.contains(&id),
                    &at,
                    "is no finalist of this phase who stands and is in competition",
                );
                wrong.check(seen.insert(id), &at, "has a place in this award already");
            }
        }
        wrong.finish()?;
        Ok(awards)
    }
}

async fn write(
    tx: &mut PgConnection,
    phase_id: Uuid,
    awards: &[NewAward],
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    sqlx::query!("DELETE FROM tracks.awards WHERE phase_id = $1", phase_id)
        .execute(&mut *tx)
        .await?;
    for (position, award) in (0..).zip(awards) {
        let id = uuid_at(now);
        sqlx::query!(
            "INSERT INTO tracks.awards (id, phase_id, position, title) VALUES ($1, $2, $3, $4)",
            id,
            phase_id,
            position,
            award.title,
        )
        .execute(&mut *tx)
        .await?;
        let finalists: Vec<Uuid> = award.places.iter().map(|of| of.finalist_id).collect();
        let places: Vec<i32> = award.places.iter().map(|of| of.place).collect();
        sqlx::query!(
            "INSERT INTO tracks.award_places (award_id, finalist_id, place)
             SELECT $1, finalist, place FROM unnest($2::uuid[], $3::int[]) AS u (finalist, place)",
            id,
            &finalists,
            &places,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
