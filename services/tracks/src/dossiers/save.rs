//! `PUT /api/v1/finalists/{id}/dossier`

use actix_web::web;
use chrono::{DateTime, Utc};
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::Deserialize;
use sqlx::PgConnection;
use sqlx::types::Json;
use url::{Host, Url};
use uuid::Uuid;

use super::find::DossierView;
use super::rows::{self, Author, Dossier};
use super::{archive, orcid};
use crate::finals::rows::{self as finals, Finalist};

/// What is written of a dossier. It may be saved with gaps; what is there has to be right.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveDossier {
    /// In the order in which they are printed.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub authors: Vec<Author>,
    /// Of a repository at github.com, gitlab.com, codeberg.org or bitbucket.org, or of the .tar.gz of the commit.
    pub code_url: Option<String>,
    /// 40 hexadecimal digits.
    pub commit: Option<String>,
    /// Which data beside ours were used; "none" is an answer.
    #[schema(max_length = 4000)]
    pub external_data: Option<String>,
    /// Which weights of others were used; "none" is an answer.
    #[schema(max_length = 4000)]
    pub external_weights: Option<String>,
    /// Whether the dossier may be published.
    pub consents: Option<bool>,
}

/// Writes the dossier of a finalist, in place of what was there, until it is locked or due. For its team.
#[utoipa::path(
    put,
    path = "/api/v1/finalists/{id}/dossier",
    tag = "finals",
    params(("id" = Uuid, Path)),
    responses((status = OK, body = DossierView))
)]
#[tracing::instrument(name = "dossiers.save", skip_all)]
pub async fn save(
    kit: web::Data<Kit>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: web::Json<SaveDossier>,
) -> Result<web::Json<DossierView>, ApiError> {
    let mut tx = kit.db.begin().await?;
    let now = kit.clock.now();
    let (finalist, dossier) = take(&mut tx, &caller, *id, body.into_inner(), now).await?;
    tx.commit().await?;
    Ok(web::Json(DossierView::of(&finalist, dossier)))
}

pub async fn take(
    tx: &mut PgConnection,
    caller: &Caller,
    id: Uuid,
    body: SaveDossier,
    now: DateTime<Utc>,
) -> Result<(Finalist, Dossier), ApiError> {
    let finalist = finals::find(&mut *tx, id).await?;
    rows::require_own(&finalist, caller)?;
    let before = rows::lock(tx, id, caller, now).await?;
    rows::require_open(&finalist, &before, now)?;
    let new = body.validate()?;
    // Who agreed, and when, stays with an answer that stays.
    sqlx::query!(
        "UPDATE tracks.dossiers
         SET authors = $2, code_url = $3, commit = $4, external_data = $5, external_weights = $6,
             consented_by = CASE WHEN consents IS NOT DISTINCT FROM $7 THEN consented_by WHEN $7::boolean IS NOT NULL THEN $8::uuid END,
             consented_at = CASE WHEN consents IS NOT DISTINCT FROM $7 THEN consented_at WHEN $7::boolean IS NOT NULL THEN $9::timestamptz END,
             consents = $7, changed_by = $8, changed_at = $9
         WHERE finalist_id = $1",
        id,
        Json(&new.authors) as _,
        new.code_url,
        new.commit,
        new.external_data,
        new.external_weights,
        new.consents,
        caller.user_id.0,
        now,
    )
    .execute(&mut *tx)
    .await?;
    let after = rows::find(&mut *tx, id).await?;
    Ok((finalist, after))
}

impl SaveDossier {
    fn validate(self) -> Result<Self, ApiError> {
        let mut wrong = Complaints::new();
        let most = self.authors.len() <= 50;
        wrong.check(most, "/authors", "there can be 50 at most");
        let authors = (0..).zip(self.authors);
        let authors = authors.map(|(n, author)| check_author(&mut wrong, n, author));
        let authors = authors.collect();
        let commit = self
            .commit
            .map(|text| text.trim().to_ascii_lowercase())
            .filter(|text| !text.is_empty());
        let is_commit = commit.as_deref().is_none_or(is_commit);
        let detail = "must be the 40 hexadecimal digits of a commit (git rev-parse HEAD), not a branch or a tag, which can move";
        wrong.check(is_commit, "/commit", detail);
        let code_url = self
            .code_url
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty());
        if let Some(text) = &code_url {
            let commit = commit.as_deref().filter(|_| is_commit);
            wrong.take("/code_url", check_link(text, commit));
        }
        let new = Self {
            authors,
            code_url,
            commit,
            external_data: text(&mut wrong, "/external_data", self.external_data),
            external_weights: text(&mut wrong, "/external_weights", self.external_weights),
            consents: self.consents,
        };
        wrong.finish()?;
        Ok(new)
    }
}

fn check_author(wrong: &mut Complaints, n: usize, author: Author) -> Author {
    let at = format!("/authors/{n}");
    let given = author.orcid.filter(|text| !text.trim().is_empty());
    let orcid = given.as_deref().map(orcid::parse);
    let detail = "is no ORCID such as 0000-0002-1825-0097: a digit is wrong, since the last one does not fit the others";
    wrong.check(orcid != Some(None), &format!("{at}/orcid"), detail);
    Author {
        name: wrong.text(&format!("{at}/name"), &author.name, 1..=100),
        affiliation: wrong.text(&format!("{at}/affiliation"), &author.affiliation, 1..=300),
        orcid: orcid.flatten(),
    }
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Without asking anybody: what can be seen of the link alone.
fn check_link(text: &str, commit: Option<&str>) -> Result<(), String> {
    let link: Url = text
        .parse()
        .map_err(|_| "is no address such as https://github.com/OWNER/NAME".to_owned())?;
    let is_named = matches!(link.host(), Some(Host::Domain(_)));
    if link.scheme() != "https" || !is_named || text.len() > 500 {
        return Err("must be a public https:// address with the name of a host".to_owned());
    }
    if !link.username().is_empty() || link.password().is_some() || link.port().is_some() {
        return Err("must have no user, no password and no port: everybody is told it".to_owned());
    }
    match commit {
        Some(commit) => archive::address(&link, commit).map(|_| ()),
        None => Ok(()),
    }
}

/// Several lines are fine; an empty text is none.
fn text(wrong: &mut Complaints, pointer: &str, given: Option<String>) -> Option<String> {
    let text = given?.trim().replace("\r\n", "\n");
    let length = text.chars().count();
    let detail = format!("must have 4000 characters at most, has {length}");
    wrong.check(length <= 4000, pointer, detail);
    let is_plain = !text
        .chars()
        .any(|c| c.is_control() && c != '\n' && c != '\t');
    wrong.check(is_plain, pointer, "must have no control characters");
    (length > 0).then_some(text)
}
