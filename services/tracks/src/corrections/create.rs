//! `POST /api/v1/splits/{id}/corrections`

use std::collections::{BTreeMap, BTreeSet};

use actix_web::web;
use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::{SplitId, uuid_at};
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::rows::{self, Base};
use crate::Error;
use crate::cases::announce::{Content, MOST, TTL, Upload, check_content};
use crate::cases::splits::{self, Split};
use crate::state::AppState;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCorrection {
    /// What was wrong; kept with the new version and in the audit log.
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
    #[schema(min_items = 1, max_items = 100)]
    pub cases: Vec<NewReference>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReference {
    /// Of the case.
    pub name: String,
    pub size_bytes: i64,
    /// 64 hexadecimal digits.
    pub sha256: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CreatedCorrection {
    pub id: Uuid,
    pub items: Vec<Wanted>,
}

/// Where the corrected reference of a case is to be put.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Wanted {
    pub name: String,
    pub case_id: Uuid,
    pub reference: Upload,
}

/// Begins the correction of some references of a split, and says where they are to be put. One that is not
/// accepted yet gives way to it.
#[utoipa::path(
    post,
    path = "/api/v1/splits/{id}/corrections",
    tag = "corrections",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = CreatedCorrection))
)]
#[tracing::instrument(name = "corrections.create", skip_all)]
pub async fn create(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<SplitId>,
    body: web::Json<CreateCorrection>,
) -> Result<web::Json<CreatedCorrection>, ApiError> {
    let now = kit.clock.now();
    let mut tx = kit.db.begin().await?;
    let split = splits::find(&mut *tx, *id).await?;
    caller.require_organizer(split.challenge_id())?;
    splits::lock(&mut tx, split.id).await?;
    let base = rows::base(&mut tx, split.id).await?.ok_or_else(|| {
        ApiError::conflict(
            "this split has no references to correct; upload them with its cases first",
        )
    })?;
    let reason = body.check(&base)?;
    let set = write(&mut tx, &split, &base, &body, &reason, &caller, now).await?;
    tx.commit().await?;

    let mut items = Vec::with_capacity(body.cases.len());
    for new in &body.cases {
        let content = new.content(&split);
        let case_id = base.references.get(&new.name).map(|known| known.case_id);
        items.push(Wanted {
            name: new.name.clone(),
            case_id: case_id.unwrap_or_default(),
            reference: content
                .sign(&state.store, split.reference_bucket(), TTL)
                .await?,
        });
    }
    Ok(web::Json(CreatedCorrection { id: set, items }))
}

async fn write(
    tx: &mut PgConnection,
    split: &Split,
    base: &Base,
    body: &CreateCorrection,
    reason: &str,
    caller: &Caller,
    now: DateTime<Utc>,
) -> Result<Uuid, Error> {
    rows::drop_open(tx, split.id, now).await?;
    let set = rows::NewSet {
        id: uuid_at(now),
        split: split.id,
        based_on: base.set,
        reason,
        by: caller.user_id.0,
    };
    rows::insert(tx, &set, now).await?;
    let mut corrected = BTreeMap::new();
    for (n, new) in (0..).zip(&body.cases) {
        let Some(known) = base.references.get(&new.name) else {
            continue;
        };
        let content = new.content(split);
        let id = uuid_at(now + TimeDelta::milliseconds(n));
        rows::insert_reference(tx, id, set.id, known.case_id, &content).await?;
        corrected.insert(new.name.as_str(), [&known.sha256, &new.sha256]);
    }
    rows::share(tx, base.set, set.id).await?;
    let details = json!({"split_id": split.id, "based_on": base.set, "cases": corrected});
    let actor = Some(caller.user_id);
    let action = "correction.created";
    audit::append(tx, now, actor, action, set.id, details, Some(reason)).await?;
    Ok(set.id)
}

impl CreateCorrection {
    /// Returns the reason, trimmed.
    fn check(&self, base: &Base) -> Result<String, ApiError> {
        let mut wrong = Complaints::new();
        let reason = wrong.text("/reason", &self.reason, 1..=1000);
        let count = self.cases.len();
        wrong.check(
            (1..=MOST).contains(&count),
            "/cases",
            format!("must be 1 to {MOST} cases, are {count}"),
        );
        let mut names = BTreeSet::new();
        for (n, new) in self.cases.iter().enumerate() {
            let at = format!("/cases/{n}");
            let is_new = names.insert(&new.name);
            wrong.check(is_new, &format!("{at}/name"), "is there twice");
            check_content(&at, new.size_bytes, &new.sha256, &mut wrong);
            match base.references.get(&new.name) {
                None => wrong.add(
                    format!("{at}/name"),
                    "names no case of this split that has a reference",
                ),
                Some(known) => wrong.check(
                    known.sha256 != new.sha256,
                    &format!("{at}/sha256"),
                    "is the reference as it is now: nothing would change",
                ),
            }
        }
        wrong.finish()?;
        Ok(reason)
    }
}

impl NewReference {
    /// By content, as with the references that were first.
    fn content(&self, split: &Split) -> Content {
        Content {
            key: format!("{}/{}/{}", split.id, self.name, self.sha256),
            size_bytes: self.size_bytes,
            sha256: self.sha256.clone(),
        }
    }
}
