//! `GET /api/v1/audit`

use actix_web::web;
use molar_domain::ChallengeId;
use molar_web_kit::{ApiError, Caller, Kit};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::rows::{self, Entry, Filter};
use super::scope;

const MOST: i64 = 100;

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAudit {
    #[param(value_type = Option<Uuid>)]
    pub challenge_id: Option<ChallengeId>,
    pub actor_id: Option<Uuid>,
    pub subject_id: Option<Uuid>,
    /// The action, or how it begins: `phase.`
    pub action: Option<String>,
    /// `next` of the page before.
    pub before: Option<i64>,
}

impl ListAudit {
    /// What the caller may see of what was asked for.
    pub fn filter(&self, caller: &Caller) -> Result<Filter, ApiError> {
        Ok(Filter {
            challenge: scope(caller, self.challenge_id)?,
            actor: self.actor_id,
            action: self.action.clone().filter(|action| !action.is_empty()),
            subject: self.subject_id,
        })
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Audit {
    pub items: Vec<Entry>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// Who did what and why, newest first: to organizers in their challenge, to administrators everywhere.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(ListAudit),
    responses((status = 200, body = Audit)))]
#[tracing::instrument(name = "audit.list", skip_all)]
pub async fn list(
    kit: web::Data<Kit>,
    caller: Caller,
    query: web::Query<ListAudit>,
) -> Result<web::Json<Audit>, ApiError> {
    let filter = query.filter(&caller)?;
    Ok(web::Json(read(&kit, &filter, query.before).await?))
}

pub async fn read(kit: &Kit, filter: &Filter, before: Option<i64>) -> Result<Audit, ApiError> {
    let mut items = rows::list(&kit.db, filter, before, MOST + 1).await?;
    let has_more = items.len() > usize::try_from(MOST).unwrap_or(usize::MAX);
    if has_more {
        items.pop();
    }
    let next = items.last().map(|entry| entry.seq).filter(|_| has_more);
    Ok(Audit { items, next })
}
