use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::Error;
use crate::finals::rows::Finalist;
use molar_web_kit::{ApiError, Caller};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Author {
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    #[schema(min_length = 1, max_length = 300)]
    pub affiliation: String,
    /// Such as 0000-0002-1825-0097; absent: the author has none.
    pub orcid: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Dossier {
    pub authors: Json<Vec<Author>>,
    pub code_url: Option<String>,
    pub commit: Option<String>,
    pub external_data: Option<String>,
    pub external_weights: Option<String>,
    pub consents: Option<bool>,
    pub consented_at: Option<DateTime<Utc>>,
    pub report_key: Option<String>,
    pub report_bytes: Option<i64>,
    pub report_sha256: Option<String>,
    pub report_at: Option<DateTime<Utc>>,
    pub report_name: Option<String>,
    /// Where a report may be put that is not there yet, and its hash.
    pub announced_key: Option<String>,
    pub announced_sha256: Option<String>,
    pub code_key: Option<String>,
    pub code_bytes: Option<i64>,
    pub code_sha256: Option<String>,
    pub code_from: Option<String>,
    pub code_commit: Option<String>,
    pub code_at: Option<DateTime<Utc>>,
    pub locked_at: Option<DateTime<Utc>>,
}

impl Dossier {
    /// Whether the archive that we have is the one that the team names now.
    pub fn has_code(&self) -> bool {
        self.code_at.is_some() && self.code_from == self.code_url && self.code_commit == self.commit
    }

    /// What has to be there before it can be locked, in words.
    pub fn missing(&self) -> Vec<&'static str> {
        let wants = [
            (self.report_at.is_some(), "the report of the method, a PDF"),
            (!self.authors.is_empty(), "the authors"),
            (
                self.code_url.is_some() && self.commit.is_some(),
                "the link to the code and its commit",
            ),
            (
                self.external_data.is_some(),
                "which external data were used, or \u{201c}none\u{201d}",
            ),
            (
                self.external_weights.is_some(),
                "which weights of others were used, or \u{201c}none\u{201d}",
            ),
            (
                self.consents.is_some(),
                "whether the dossier may be published",
            ),
            (
                self.has_code(),
                "the snapshot of that commit, which the organizers fetch",
            ),
        ];
        wants
            .into_iter()
            .filter(|(is_there, _)| !is_there)
            .map(|(_, what)| what)
            .collect()
    }
}

/// One that nobody has begun is empty.
pub async fn find(db: impl PgExecutor<'_>, finalist: Uuid) -> sqlx::Result<Dossier> {
    let found = sqlx::query_as!(
        Dossier,
        r#"
        SELECT authors AS "authors: Json<Vec<Author>>", code_url, commit, external_data, external_weights, consents,
               consented_at, report_key, report_bytes, report_sha256, report_at, report_name, announced_key,
               announced_sha256, code_key, code_bytes, code_sha256,
               code_from, code_commit, code_at, locked_at
        FROM tracks.dossiers WHERE finalist_id = $1
        "#,
        finalist,
    )
    .fetch_optional(db)
    .await?;
    Ok(found.unwrap_or_default())
}

/// As [`find`], and nobody else writes it until the transaction ends. It is made where it was not begun.
pub async fn lock(
    conn: &mut PgConnection,
    finalist: Uuid,
    caller: &Caller,
    now: DateTime<Utc>,
) -> sqlx::Result<Dossier> {
    sqlx::query!(
        "INSERT INTO tracks.dossiers (finalist_id, changed_by, changed_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        finalist,
        caller.user_id.0,
        now,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "SELECT FROM tracks.dossiers WHERE finalist_id = $1 FOR UPDATE",
        finalist
    )
    .fetch_one(&mut *conn)
    .await?;
    find(conn, finalist).await
}

/// Whether somebody may still write it.
pub fn require_open(
    finalist: &Finalist,
    dossier: &Dossier,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let why = if finalist.is_struck() {
        "this team is no finalist any more, so its dossier stays as it is".to_owned()
    } else if dossier.locked_at.is_some() {
        "the dossier is locked; if something in it is wrong, ask an organizer to open it again"
            .to_owned()
    } else if let Some(due) = finalist.due_at.filter(|due| *due <= now) {
        format!(
            "the dossier could be changed until {}; write to the organizers if something is missing",
            due.format("%Y-%m-%d %H:%M UTC")
        )
    } else {
        return Ok(());
    };
    Err(ApiError::conflict(why).with_code("dossier-closed"))
}

/// The finalist, for its team: organizers and reviewers read its dossier and do not write it.
pub fn require_own(finalist: &Finalist, caller: &Caller) -> Result<(), ApiError> {
    if !finalist.is_open_to(caller) {
        return Err(Error::NotFound("finalist").into());
    }
    match finalist.is_own(caller) {
        true => Ok(()),
        false => Err(ApiError::forbidden(
            "only members of the team write its dossier",
        )),
    }
}
