//! `GET /api/v1/requests`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_domain::consent::Act;
use molar_domain::spelling::UnknownWord;
use molar_domain::{ChallengeId, UserId};
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery};
use serde::Serialize;
use uuid::Uuid;

use super::rows::{self, Request, Sight};
use crate::Error;

/// An act that one organizer asked for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RequestView {
    pub id: Uuid,
    /// `publish`, `disqualify` or `rescore`.
    #[schema(value_type = String)]
    pub act: Act,
    /// Phase, participation or re-scoring.
    pub subject_id: Uuid,
    /// In words.
    pub subject: Option<String>,
    #[schema(value_type = Uuid)]
    pub challenge_id: ChallengeId,
    pub challenge: String,
    pub requested_by: String,
    pub requested_at: DateTime<Utc>,
    /// Exclusive.
    pub expires_at: DateTime<Utc>,
    pub reason: Option<String>,
    /// `open`, `confirmed`, `declined` or `expired`.
    pub state: String,
    pub decided_by: Option<String>,
    pub decided_at: Option<DateTime<Utc>>,
    /// Whether you are the second organizer that it waits for.
    pub may_confirm: bool,
    pub may_decline: bool,
}

impl RequestView {
    /// Where it is confirmed, as a form; the API has the same below `/api/v1`, with `confirms`.
    pub fn form(&self) -> String {
        let id = self.subject_id;
        match self.act {
            Act::Publish => format!("/organize/phases/{id}/publish"),
            Act::Disqualify => format!("/organize/participations/{id}"),
            Act::Rescore => format!("/organize/rescorings/{id}/publish"),
        }
    }

    /// Where one reads what it is about.
    pub fn link(&self) -> Option<String> {
        (self.act == Act::Rescore)
            .then(|| format!("/organize/rescorings/{}/moves", self.subject_id))
    }
}

/// Acts that wait for a second organizer, and what became of earlier ones, in the challenges that you organize or
/// review; newest first.
#[utoipa::path(
    get,
    path = "/api/v1/requests",
    tag = "requests",
    params(PageQuery),
    responses((status = OK, body = Page<RequestView>))
)]
#[tracing::instrument(name = "requests.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    caller: Caller,
    query: web::Query<PageQuery>,
) -> Result<web::Json<Page<RequestView>>, ApiError> {
    Ok(web::Json(page(&kit, &caller, &query).await?))
}

pub async fn page(
    kit: &Kit,
    caller: &Caller,
    query: &PageQuery,
) -> Result<Page<RequestView>, Error> {
    let rows = seen(kit, caller, None, query.after(), query.fetch()).await?;
    Ok(Page::of(rows, query, |row| row.id))
}

/// Those that the caller may see.
pub async fn seen(
    kit: &Kit,
    caller: &Caller,
    id: Option<Uuid>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<RequestView>, Error> {
    let challenges: Vec<Uuid> = caller
        .organizer_of
        .iter()
        .chain(&caller.reviewer_of)
        .map(|ChallengeId(id)| *id)
        .collect();
    let sight = Sight {
        is_admin: caller.is_admin,
        challenges: &challenges,
    };
    let now = kit.clock.now();
    let rows = rows::list(&kit.db, sight, id, before, limit).await?;
    let views = rows.into_iter().map(|row| {
        let may_change = caller.is_organizer(ChallengeId(row.challenge_id));
        Ok(row.view(caller.user_id, may_change, now)?)
    });
    views.collect()
}

impl Request {
    fn view(
        self,
        caller: UserId,
        may_change: bool,
        now: DateTime<Utc>,
    ) -> Result<RequestView, UnknownWord> {
        let is_open = self.decision.is_none() && now < self.expires_at;
        Ok(RequestView {
            act: self.act.parse()?,
            state: match self.decision {
                None if is_open => "open".to_owned(),
                None => "expired".to_owned(),
                Some(decision) => decision,
            },
            may_confirm: is_open && may_change && self.requested_by != caller.0,
            may_decline: is_open && may_change,
            id: self.id,
            subject_id: self.subject_id,
            subject: self.subject,
            challenge_id: ChallengeId(self.challenge_id),
            challenge: self.challenge,
            requested_by: self.requester,
            requested_at: self.requested_at,
            expires_at: self.expires_at,
            reason: self.reason,
            decided_by: self.decider,
            decided_at: self.decided_at,
        })
    }
}
