//! A report that lies in the store: looked at, and written down in the place of the one before.

use actix_web::ResponseError as _;
use chrono::{DateTime, Utc};
use molar_domain::uuid_at;
use molar_objects::{Bucket, Store};
use molar_web_kit::multipart::File;
use molar_web_kit::{ApiError, Caller, Kit};
use uuid::Uuid;

use super::rows::{self, Dossier};
use crate::Error;
use crate::finals::rows::{self as finals, Finalist};

pub const MOST_BYTES: i64 = 20 << 20;

const NO_PDF: &str = "the file is no whole PDF: it has to begin with %PDF- and to end with %%EOF; export the report anew";

pub struct Report {
    pub key: String,
    pub size_bytes: i64,
    pub sha256: String,
    pub name: Option<String>,
    /// Whether it counts only as long as its announcement is the last.
    is_announced: bool,
}

/// Of its own, whatever is put there: what is replaced is deleted, and nothing else names it.
pub fn new_key(finalist: Uuid, now: DateTime<Utc>) -> String {
    format!("finals/{finalist}/{}.pdf", uuid_at(now))
}

/// Keeps a report that came whole.
pub async fn put(
    kit: &Kit,
    store: &Store,
    caller: &Caller,
    finalist: &Finalist,
    file: File,
) -> Result<Dossier, ApiError> {
    if !is_pdf(&file.content) {
        return Err(ApiError::invalid("/report", NO_PDF));
    }
    let now = kit.clock.now();
    let key = new_key(finalist.id, now);
    let kept = store.put_bytes(Bucket::Hidden, &key, "application/pdf", file.content);
    let kept = kept.await.map_err(Error::from)?;
    let report = Report {
        key,
        size_bytes: i64::try_from(kept.size).map_err(ApiError::internal)?,
        sha256: hex::encode(kept.sha256),
        name: file.name,
        is_announced: false,
    };
    let written = report.write(kit, store, caller, finalist, now).await;
    if written.as_ref().is_err_and(is_refused) {
        forget(store, Some(&report.key)).await;
    }
    written
}

/// Whether it is certain that nothing was written. Where the connection to the database breaks, a commit may have gone
/// through, and an object that nobody names costs less than a dossier without its file.
pub fn is_refused(error: &ApiError) -> bool {
    error.status_code().is_client_error()
}

impl Report {
    /// The one that was put where it was announced, if it is a report.
    pub async fn find(store: &Store, key: String, sha256: &str) -> Result<Self, ApiError> {
        let most = MOST_BYTES.unsigned_abs();
        let bytes = match store.get_bytes(Bucket::Hidden, &key, most).await {
            Ok(bytes) => bytes,
            Err(molar_objects::Error::NotFound) => {
                let why =
                    "the report is not in the store; put it first, at the URL of its announcement";
                return Err(ApiError::invalid("/sha256", why));
            }
            Err(error) => return Err(Error::from(error).into()),
        };
        if !is_pdf(&bytes) {
            return Err(ApiError::invalid("/sha256", NO_PDF));
        }
        Ok(Self {
            key,
            size_bytes: i64::try_from(bytes.len()).map_err(ApiError::internal)?,
            sha256: sha256.to_owned(),
            name: None,
            is_announced: true,
        })
    }

    /// In the place of the one before, which is deleted. An announcement of this one ends with it.
    pub async fn write(
        &self,
        kit: &Kit,
        store: &Store,
        caller: &Caller,
        finalist: &Finalist,
        now: DateTime<Utc>,
    ) -> Result<Dossier, ApiError> {
        let mut tx = kit.db.begin().await?;
        let before = rows::lock(&mut tx, finalist.id, caller, now).await?;
        // As it is now: the file took its time, and the team may have been struck meanwhile.
        let finalist = finals::find(&mut *tx, finalist.id).await?;
        rows::require_open(&finalist, &before, now)?;
        // Said twice at once.
        if self.is_announced && before.report_key.as_ref() == Some(&self.key) {
            return Ok(before);
        }
        // What was announced before is deleted.
        if self.is_announced && before.announced_key.as_ref() != Some(&self.key) {
            let why = "another report of your team was announced meanwhile: look at the dossier, and send yours again if it is to count";
            return Err(ApiError::conflict(why));
        }
        sqlx::query!(
            "UPDATE tracks.dossiers
             SET report_key = $2, report_bytes = $3, report_sha256 = $4, report_at = $5, changed_by = $6, changed_at = $5,
                 report_name = COALESCE($7, CASE WHEN announced_key = $2 THEN announced_name END),
                 announced_name = CASE WHEN announced_key = $2 THEN NULL ELSE announced_name END,
                 announced_sha256 = CASE WHEN announced_key = $2 THEN NULL ELSE announced_sha256 END,
                 announced_key = NULLIF(announced_key, $2)
             WHERE finalist_id = $1",
            finalist.id,
            self.key,
            self.size_bytes,
            self.sha256,
            now,
            caller.user_id.0,
            self.name,
        )
        .execute(&mut *tx)
        .await?;
        let dossier = rows::find(&mut *tx, finalist.id).await?;
        tx.commit().await?;
        let old = before.report_key.filter(|old| *old != self.key);
        forget(store, old.as_deref()).await;
        Ok(dossier)
    }
}

/// By its first and last marks; the last may be followed by some bytes, as by readers' custom.
fn is_pdf(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(1024)..];
    bytes.starts_with(b"%PDF-") && tail.windows(5).any(|at| at == b"%%EOF")
}

/// Nothing names the object any more: one that stays only takes space.
pub async fn forget(store: &Store, key: Option<&str>) {
    let Some(key) = key else { return };
    if let Err(error) = store.delete(Bucket::Hidden, key).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "an object of a dossier that was replaced stays in the store"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::is_pdf;

    #[test]
    fn a_pdf_is_known_by_both_its_ends() {
        assert!(is_pdf(b"%PDF-1.7 ... %%EOF\n"));
        assert!(!is_pdf(b"%PDF-1.7 cut off"));
        assert!(!is_pdf(b"<html> %PDF- %%EOF"));
        assert!(!is_pdf(b"PK\x03\x04"));
        assert!(!is_pdf(b""));
        let mut early = b"%PDF-1.7 %%EOF".to_vec();
        early.extend([b' '; 2000]);
        assert!(!is_pdf(&early));
    }
}
