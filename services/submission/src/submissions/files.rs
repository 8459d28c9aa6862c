//! `GET /api/v1/submissions/files`

use std::time::Duration;

use actix_web::web;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use molar_domain::{ChallengeId, spelled_enum};
use molar_objects::Bucket;
use molar_web_kit::page::Cursor;
use molar_web_kit::{ApiError, Caller, Kit, Page, PageQuery};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::rows::files::{self, File};
use crate::rows::phases;
use crate::state::{State, ask, store_error};

const GOOD_FOR: Duration = Duration::from_secs(3600);

/// Questions to the store at a time.
const AT_ONCE: usize = 16;

spelled_enum! {
    /// What of a phase is taken out in bulk.
    pub enum What as "kind of file" {
        /// Zips as they were handed in.
        Predictions = "predictions",
        /// What each run of a container used, a value every 0.1 s.
        Runs = "runs",
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Query {
    phase_id: Uuid,
    /// `predictions` or `runs`
    #[param(value_type = String)]
    what: What,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// 1 to 100, by default 50.
    limit: Option<u16>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SubmissionFile)]
pub struct FileView {
    /// The submission, or the case run.
    pub id: Uuid,
    pub submission_id: Uuid,
    pub team: String,
    /// Of a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// Where an export puts it: names joined by `/`.
    pub path: String,
    pub size_bytes: i64,
    /// Where it is known before one reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    pub url: String,
    /// Of the link.
    pub expires_at: DateTime<Utc>,
}

/// Links to the predictions of a phase, or to the series of its runs, the oldest first, each good for an hour; for
/// its organizers. Each link is written to the ledger of data before it is told. Trials and what was refused are
/// left out.
#[utoipa::path(get, path = "/api/v1/submissions/files", tag = "submission", params(Query),
    responses((status = 200, body = Page<FileView>)))]
#[tracing::instrument(name = "submissions.files", skip_all)]
pub async fn files(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    caller: Caller,
    query: web::Query<Query>,
) -> Result<web::Json<Page<FileView>>, ApiError> {
    let paging = PageQuery::new(query.cursor, query.limit)?;
    let mut conn = kit.db.acquire().await?;
    let phase = phases::find(&mut *conn, query.phase_id).await?;
    drop(conn);
    let challenge = ChallengeId(phase.challenge_id);
    if !caller.may_review(challenge) {
        return Err(ApiError::NotFound("phase"));
    }
    caller.require_organizer(challenge)?;
    let found = match query.what {
        What::Predictions => files::predictions(&kit.db, query.phase_id, &paging).await?,
        What::Runs => files::runs(&kit.db, query.phase_id, &paging).await?,
    };
    let page = Page::of(found, &paging, |file| file.id);
    let now = kit.clock.now();
    let expires_at = now + TimeDelta::from_std(GOOD_FOR).unwrap_or(TimeDelta::MAX);
    let signed: Vec<Option<FileView>> = stream::iter(page.items)
        .map(|file| sign(&state, query.what, file, expires_at))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let items: Vec<FileView> = signed.into_iter().flatten().collect();
    note(&kit, &caller, challenge, query.what, &items, now).await?;
    Ok(web::Json(Page {
        items,
        next: page.next,
    }))
}

/// None where the store has it no more: what is gone is no reason to keep the rest.
async fn sign(
    state: &State,
    what: What,
    file: File,
    expires_at: DateTime<Utc>,
) -> Result<Option<FileView>, ApiError> {
    let bucket = match what {
        What::Predictions => Bucket::Uploads,
        What::Runs => Bucket::Logs,
    };
    let asked = ask(async { Ok(state.store.head(bucket, &file.object_key).await) });
    let head = match asked.await? {
        Ok(head) => head,
        Err(molar_objects::Error::NotFound) => {
            tracing::warn!(key = file.object_key, "an object is missing");
            return Ok(None);
        }
        Err(error) => return Err(store_error(error)),
    };
    let name = file.path.rsplit('/').next();
    let link = state
        .store
        .presign_get(bucket, &file.object_key, GOOD_FOR, name);
    let url = link.await.map_err(store_error)?.url;
    Ok(Some(FileView {
        id: file.id,
        submission_id: file.submission_id,
        team: file.team,
        case: file.case,
        path: file.path,
        size_bytes: i64::try_from(head.size).map_err(ApiError::internal)?,
        sha256: file.sha256.or(head.sha256.map(hex::encode)),
        url,
        expires_at,
    }))
}

async fn note(
    kit: &Kit,
    caller: &Caller,
    challenge: ChallengeId,
    what: What,
    items: &[FileView],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let kind = match what {
        What::Predictions => "prediction",
        What::Runs => "run",
    };
    let mut tx = kit.db.begin().await?;
    for item in items {
        let link = files::Link {
            challenge,
            user: caller.user_id,
            kind,
            file: item.id,
            path: &item.path,
            size_bytes: item.size_bytes,
            expires_at: item.expires_at,
        };
        files::note(&mut *tx, &link, now).await?;
    }
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use molar_web_kit::testing::organizer;
    use sqlx::PgPool;

    use crate::testing::{World, predictions_zip};

    async fn ledger(pool: &PgPool) -> Vec<(String, String)> {
        sqlx::query!(
            r#"SELECT kind AS "kind!", place AS "place!" FROM tracks.handed_out ORDER BY place"#
        )
        .fetch_all(pool)
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.kind, row.place))
        .collect()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn organizers_are_given_links_in_pages_and_each_stands_in_the_ledger(pool: PgPool) {
        let world = World::new(&pool).await;
        let olga = organizer(&pool, "Olga", world.challenge.id).await;
        let zip = predictions_zip(&["Case_01", "Case_02"]);
        let mut ids = Vec::new();
        for _ in 0..2 {
            ids.push(world.submit(&zip).await);
        }
        sqlx::query!("UPDATE submission.uploads SET state = 'accepted', decided_at = now(), failure = NULL, failure_detail = NULL")
            .execute(&pool)
            .await
            .unwrap();
        let path = format!(
            "/api/v1/submissions/files?phase_id={}&what=predictions&limit=1",
            world.challenge.phase_id
        );
        let (status, first) = world.get_as(&olga, &path).await;
        assert_eq!(status, StatusCode::OK, "{first}");
        let item = &first["items"][0];
        assert_eq!(item["submission_id"], ids[0].to_string());
        assert_eq!(item["path"], format!("predictions/{}.zip", ids[0]));
        assert_eq!(item["size_bytes"], zip.len());
        let cursor = first["next"].as_str().unwrap();
        let (_, last) = world
            .get_as(&olga, &format!("{path}&cursor={cursor}"))
            .await;
        assert_eq!(last["items"][0]["submission_id"], ids[1].to_string());
        assert!(last["next"].is_null());
        let expected: Vec<_> = ids
            .iter()
            .map(|id| ("prediction".to_owned(), format!("predictions/{id}.zip")))
            .collect();
        assert_eq!(ledger(&pool).await, expected);

        assert_eq!(world.get(&path).await.0, StatusCode::FORBIDDEN);
        assert_eq!(ledger(&pool).await.len(), 2, "a refusal hands out nothing");
    }
}
