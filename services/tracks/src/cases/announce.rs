//! `POST /api/v1/splits/{id}/cases`

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use actix_web::web;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt};
use molar_domain::challenge::{Format, is_case_name};
use molar_domain::{SplitId, uuid_at};
use molar_objects::{Bucket, Presigned, Store};
use molar_service::audit;
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::rows::{self, Case, NewReference, Reference, ReferenceSet};
use super::splits::{self, Split};
use crate::Error;
use crate::state::AppState;

/// Of one request.
pub const MOST: usize = 100;

/// What S3 takes in one PUT.
pub(crate) const MOST_BYTES: i64 = 5 << 30;

/// Long enough for a batch over a slow line.
pub const TTL: Duration = Duration::from_secs(6 * 3600);

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnounceCases {
    #[schema(max_items = 100)]
    pub cases: Vec<NewCase>,
    /// Takes another image for a case that is stored, as long as no phase on it has opened.
    #[serde(default)]
    pub replace: bool,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCase {
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub name: String,
    /// The case's name and `.png`, `.jpg`, `.jpeg` or `.nii.gz`.
    pub image_name: String,
    pub size_bytes: i64,
    /// 64 hexadecimal digits.
    pub sha256: String,
    pub reference: Option<NewContent>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContent {
    pub size_bytes: i64,
    pub sha256: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Announced {
    pub items: Vec<AnnouncedCase>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AnnouncedCase {
    pub name: String,
    pub case_id: Uuid,
    /// None where the image lies in the store already.
    pub image: Option<Upload>,
    /// None where there is none, or it is stored and good.
    pub reference: Option<Upload>,
}

/// A request that puts exactly the announced content, and nothing else, until it expires.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Upload {
    pub method: String,
    pub url: String,
    /// To be sent as they are: they are signed.
    pub headers: BTreeMap<String, String>,
}

/// Announces cases, and says where their images and references are to be put.
#[utoipa::path(
    post,
    path = "/api/v1/splits/{id}/cases",
    tag = "cases",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = Announced))
)]
#[tracing::instrument(name = "cases.announce", skip_all)]
pub async fn announce(
    kit: web::Data<Kit>,
    state: web::Data<AppState>,
    caller: Caller,
    id: web::Path<SplitId>,
    body: web::Json<AnnounceCases>,
) -> Result<web::Json<Announced>, ApiError> {
    let mut tx = kit.db.begin().await?;
    let split = splits::find(&mut *tx, *id).await?;
    caller.require_organizer(split.challenge_id())?;
    body.check(&split)?;
    splits::lock(&mut tx, split.id).await?;
    let now = kit.clock.now();
    if body.replace {
        replace(&mut tx, &split, &caller, &body.cases, now).await?;
    }
    let wanted = write(&mut tx, &split, &body.cases, now).await?;
    tx.commit().await?;

    let items = futures_util::stream::iter(wanted)
        .map(|case| case.sign(&state.store, &split))
        .buffered(8);
    let items = items.try_collect().await?;
    Ok(web::Json(Announced { items }))
}

/// Withdraws the stored images that are not those of the request.
async fn replace(
    conn: &mut PgConnection,
    split: &Split,
    caller: &Caller,
    cases: &[NewCase],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let names: Vec<String> = cases.iter().map(|case| case.name.clone()).collect();
    let mut others = rows::by_name(conn, split.id, &names).await?;
    others.retain(|known| {
        let is_same = |new: &NewCase| {
            new.name == known.name
                && new.sha256 == known.sha256
                && new.image_name == known.image_name
        };
        known.is_stored && !cases.iter().any(is_same)
    });
    if others.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = others.iter().map(|case| case.id).collect();
    splits::require_unopened(conn, split, &ids, now).await?;
    for case in others {
        rows::withdraw_image(conn, case.id).await?;
        let details = json!({
            "challenge_id": split.challenge_id, "split_id": split.id, "name": case.name, "sha256": case.sha256,
        });
        let actor = Some(caller.user_id);
        audit::append(conn, now, actor, "case.withdrawn", case.id, details, None).await?;
    }
    Ok(())
}

/// What is still to be put of a case.
struct Wanted {
    name: String,
    case_id: Uuid,
    /// Announced before, so that it may have been put.
    is_known: bool,
    image: Option<Content>,
    reference: Option<Content>,
}

/// Something that is still to be put.
pub struct Content {
    pub key: String,
    pub size_bytes: i64,
    pub sha256: String,
}

async fn write(
    conn: &mut PgConnection,
    split: &Split,
    cases: &[NewCase],
    now: DateTime<Utc>,
) -> Result<Vec<Wanted>, Error> {
    let names: Vec<String> = cases.iter().map(|case| case.name.clone()).collect();
    let known: BTreeMap<_, _> = rows::by_name(conn, split.id, &names)
        .await?
        .into_iter()
        .map(|case| (case.name.clone(), case))
        .collect();
    let mut wanted = Vec::with_capacity(cases.len());
    for (n, new) in (0..).zip(cases) {
        // A millisecond apart, so that ids keep the order of the request.
        let at = now + TimeDelta::milliseconds(n);
        wanted.push(write_image(conn, split, new, known.get(&new.name), at).await?);
    }
    if cases.iter().any(|case| case.reference.is_some()) {
        let set = set_to_fill(conn, split, &names, now).await?;
        let there: BTreeMap<_, _> = rows::references(conn, set.id, &names)
            .await?
            .into_iter()
            .map(|reference| (reference.case_id, reference))
            .collect();
        for (new, wanted) in cases.iter().zip(&mut wanted) {
            let there = there.get(&wanted.case_id);
            wanted.reference =
                write_reference(conn, split, set, new, wanted.case_id, there, now).await?;
        }
    }
    Ok(wanted)
}

async fn write_image(
    conn: &mut PgConnection,
    split: &Split,
    new: &NewCase,
    known: Option<&Case>,
    now: DateTime<Utc>,
) -> Result<Wanted, Error> {
    let case = Case {
        id: known.map_or_else(|| uuid_at(now), |known| known.id),
        name: new.name.clone(),
        // By content: a URL that was signed for other content cannot overwrite this.
        image_key: format!(
            "{}/{}/{}/{}",
            split.id, new.name, new.sha256, new.image_name
        ),
        image_name: new.image_name.clone(),
        size_bytes: new.size_bytes,
        sha256: new.sha256.clone(),
        is_stored: false,
    };
    let mut wanted = Wanted {
        name: new.name.clone(),
        case_id: case.id,
        is_known: known.is_some_and(|known| known.sha256 == case.sha256),
        image: None,
        reference: None,
    };
    match known {
        Some(known) if known.is_stored => {
            if known.sha256 != case.sha256 || known.image_name != case.image_name {
                return Err(ApiError::conflict(format!(
                    "the case {} is stored with another image; replace it on purpose, as long as no phase has opened on it, or give the new image a new name",
                    case.name
                ))
                .with_code("case-stored")
                .into());
            }
        }
        Some(_) | None => {
            rows::announce(conn, split.id, split.bucket().as_str(), &case, now).await?;
            wanted.image = Some(Content {
                key: case.image_key,
                size_bytes: case.size_bytes,
                sha256: case.sha256,
            });
        }
    }
    Ok(wanted)
}

/// The newest set, or a new one where a reference of these cases was found bad: what was read is on
/// record with its id, so that it is replaced by a version, not in place.
async fn set_to_fill(
    conn: &mut PgConnection,
    split: &Split,
    names: &[String],
    now: DateTime<Utc>,
) -> Result<ReferenceSet, Error> {
    let newest = rows::newest_set(conn, split.id).await?;
    if let Some(set) = newest {
        let there = rows::references(conn, set.id, names).await?;
        if there
            .iter()
            .all(|reference| reference.is_good != Some(false))
        {
            return Ok(set);
        }
    }
    Ok(rows::next_set(conn, split.id, newest, now).await?)
}

async fn write_reference(
    conn: &mut PgConnection,
    split: &Split,
    set: ReferenceSet,
    new: &NewCase,
    case_id: Uuid,
    there: Option<&Reference>,
    now: DateTime<Utc>,
) -> Result<Option<Content>, Error> {
    let Some(content) = &new.reference else {
        return Ok(None);
    };
    if let Some(there) = there.filter(|there| there.is_stored) {
        if there.sha256 != content.sha256 {
            return Err(ApiError::conflict(format!(
                "the case {} has another reference, on which scores may rest",
                new.name
            ))
            .with_code("reference-stored")
            .into());
        }
        if there.is_good == Some(true) {
            return Ok(None);
        }
    }
    let mut key = format!("{}/{}/{}", split.id, new.name, content.sha256);
    if split.are_references_public {
        // Beside the image, which may have the same bytes.
        key.push_str("/reference");
    }
    let row = NewReference {
        set: set.id,
        case: case_id,
        key: &key,
        size_bytes: content.size_bytes,
        sha256: &content.sha256,
    };
    rows::announce_reference(conn, &row, now).await?;
    Ok(Some(Content {
        key,
        size_bytes: content.size_bytes,
        sha256: content.sha256.clone(),
    }))
}

impl Wanted {
    async fn sign(self, store: &Store, split: &Split) -> Result<AnnouncedCase, Error> {
        let image = match self.image {
            Some(image) if self.is_known && image.is_put(store, split.bucket()).await? => None,
            Some(image) => Some(image.sign(store, split.bucket(), TTL).await?),
            None => None,
        };
        let reference = match self.reference {
            Some(reference) => Some(reference.sign(store, split.reference_bucket(), TTL).await?),
            None => None,
        };
        Ok(AnnouncedCase {
            name: self.name,
            case_id: self.case_id,
            image,
            reference,
        })
    }
}

impl Content {
    /// Whether a client that was killed had put it.
    async fn is_put(&self, store: &Store, bucket: Bucket) -> Result<bool, Error> {
        match store.head(bucket, &self.key).await {
            Ok(head) => Ok(i64::try_from(head.size) == Ok(self.size_bytes)
                && head.sha256.map(hex::encode).as_ref() == Some(&self.sha256)),
            Err(molar_objects::Error::NotFound) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub async fn sign(
        &self,
        store: &Store,
        bucket: Bucket,
        ttl: Duration,
    ) -> Result<Upload, Error> {
        let size = u64::try_from(self.size_bytes).map_err(ApiError::internal)?;
        let mut sha256 = [0; 32];
        hex::decode_to_slice(&self.sha256, &mut sha256).map_err(ApiError::internal)?;
        let signed = store
            .presign_put(bucket, &self.key, ttl, size, &sha256)
            .await?;
        Ok(signed.into())
    }
}

impl From<Presigned> for Upload {
    fn from(signed: Presigned) -> Self {
        Self {
            method: signed.method,
            url: signed.url,
            headers: signed.headers.into_iter().collect(),
        }
    }
}

impl AnnounceCases {
    fn check(&self, split: &Split) -> Result<(), ApiError> {
        let mut wrong = Complaints::new();
        let count = self.cases.len();
        wrong.check(
            (1..=MOST).contains(&count),
            "/cases",
            format!("must be 1 to {MOST} cases, are {count}"),
        );
        let mut names = BTreeSet::new();
        for (n, case) in self.cases.iter().enumerate() {
            let is_new = names.insert(&case.name);
            wrong.check(is_new, &format!("/cases/{n}/name"), "is there twice");
            case.check(&format!("/cases/{n}"), split, &mut wrong);
        }
        wrong.finish()
    }
}

impl NewCase {
    fn check(&self, at: &str, split: &Split, wrong: &mut Complaints) {
        wrong.check(
            is_case_name(&self.name),
            &format!("{at}/name"),
            "must be 1 to 64 of A-Z, a-z, 0-9, _ and -",
        );
        let format = split.format.parse().unwrap_or(Format::Labelme);
        let endings = format.image_endings();
        let is_named = endings
            .iter()
            .any(|end| self.image_name == format!("{}{end}", self.name));
        wrong.check(
            is_named,
            &format!("{at}/image_name"),
            format!(
                "must be {}{}",
                self.name,
                endings.join(&format!(" or {}", self.name))
            ),
        );
        check_content(at, self.size_bytes, &self.sha256, wrong);
        if let Some(reference) = &self.reference {
            let at = format!("{at}/reference");
            wrong.check(split.has_references, &at, "this split has no references");
            check_content(&at, reference.size_bytes, &reference.sha256, wrong);
        }
    }
}

pub fn check_content(at: &str, size_bytes: i64, sha256: &str, wrong: &mut Complaints) {
    wrong.check(
        (1..=MOST_BYTES).contains(&size_bytes),
        &format!("{at}/size_bytes"),
        "must be 1 byte to 5 GiB",
    );
    wrong.check(
        is_sha256(sha256),
        &format!("{at}/sha256"),
        "must be 64 hexadecimal digits in lower case",
    );
}

/// 64 hexadecimal digits in lower case.
pub(crate) fn is_sha256(text: &str) -> bool {
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.len() == 64 && text.bytes().all(is_digit)
}
