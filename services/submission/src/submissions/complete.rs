//! `POST /api/v1/submissions/{id}/complete`

use std::collections::HashMap;

use actix_web::web;
use molar_contracts::keys;
use molar_objects::{Bucket, Part, Store};
use molar_service::{db, outbox};
use molar_web_kit::{ApiError, Caller, Complaints, Kit};
use serde::Deserialize;
use uuid::Uuid;

use super::access::{see, see_own};
use super::create::{WHOLE, digits};
use super::find::view_of;
use super::parts;
use super::upload::{expired, require_open};
use super::view::SubmissionView;
use crate::rows::uploads::{self, Upload};
use crate::state::{State, ask, store_error};

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteUpload {
    /// What the sender thinks it put; without it what arrived counts, each part with the hash that was signed.
    #[serde(default)]
    parts: Option<Vec<CompletedPart>>,
    /// Of the whole file, 64 hexadecimal digits, unless it was told on create.
    #[serde(default)]
    sha256: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompletedPart {
    number: u32,
    /// As the store answered the `PUT`.
    etag: String,
}

impl CompletedPart {
    fn of(part: &Part) -> Self {
        Self {
            number: part.number,
            etag: part.etag.clone(),
        }
    }
}

/// Makes the file of its parts and queues its check. Saying it twice is fine.
#[utoipa::path(post, path = "/api/v1/submissions/{id}/complete", tag = "submission",
    params(("id" = Uuid, Path)), request_body = CompleteUpload,
    responses((status = 200, body = SubmissionView)))]
#[tracing::instrument(name = "submissions.complete", skip_all, fields(submission.id = %id))]
pub async fn complete(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    caller: Caller,
    id: web::Path<Uuid>,
    body: web::Json<CompleteUpload>,
) -> Result<web::Json<SubmissionView>, ApiError> {
    let mut conn = kit.db.acquire().await?;
    see_own(&mut conn, &caller, *id).await?;
    let upload = uploads::find(&mut *conn, *id).await?;
    if is_complete(&upload) {
        return Ok(web::Json(view_of(&mut conn, &caller, *id).await?));
    }
    require_open(&upload)?;
    let CompleteUpload { parts, sha256 } = body.into_inner();
    let sha256 = declared(&upload, sha256)?;
    if db::now(&mut *conn).await? >= upload.open_until {
        return Err(expired());
    }
    // Not across a transaction: the store may take minutes for a large file.
    drop(conn);
    if let Some(parts) = agree(&state.store, &upload, parts).await? {
        make(&state.store, &upload, parts).await?;
    }
    insist_on_size(&state.store, &upload).await?;

    let mut tx = kit.db.begin().await?;
    // Cancelled, expired or completed by another request in the meantime: the row decides.
    let now = db::now(&mut *tx).await?;
    let upload = uploads::lock(&mut tx, *id).await?;
    if !is_complete(&upload) {
        if require_open(&upload).is_err() {
            // The file was made whole after it had been dropped.
            uploads::drop_again(&mut *tx, *id).await?;
            tx.commit().await?;
            return Err(require_open(&upload).err().unwrap_or_else(expired));
        }
        if !uploads::complete(&mut *tx, *id, sha256.as_deref(), now).await? {
            return Err(expired());
        }
        let phase = see(&mut tx, &caller, *id).await?.phase.id;
        outbox::announce(&mut tx, now, keys::SUBMISSION_COMPLETED, *id, Some(phase)).await?;
    }
    let view = view_of(&mut tx, &caller, *id).await?;
    tx.commit().await?;
    Ok(web::Json(view))
}

fn is_complete(upload: &Upload) -> bool {
    matches!(
        upload.state.as_str(),
        "completed" | "checking" | "accepted" | "refused"
    )
}

/// Who declared a hash on create may not declare another.
fn declared(upload: &Upload, sha256: Option<String>) -> Result<Option<String>, ApiError> {
    let mut wrong = Complaints::new();
    let sha256 = digits(&mut wrong, "/sha256", sha256, WHOLE);
    if let (Some(before), Some(now)) = (&upload.sha256, &sha256) {
        let complaint = format!("is not the one declared before, {before}; the file has changed");
        wrong.check(before == now, "/sha256", complaint);
    }
    wrong.finish()?;
    Ok(sha256)
}

/// Goes on also when the caller, or a proxy, loses patience: the next request then finds the file made.
async fn make(store: &Store, upload: &Upload, parts: Vec<Part>) -> Result<(), ApiError> {
    let (store, upload) = (store.clone(), upload.clone());
    let made = tokio::spawn(async move {
        let (key, multipart) = (&upload.object_key, &upload.multipart_id);
        store
            .complete_multipart(Bucket::Uploads, key, multipart, &parts)
            .await
    });
    made.await
        .map_err(ApiError::internal)?
        .map_err(store_error)?;
    Ok(())
}

/// What the caller says must be what is declared and what arrived. While it is not, nothing is lost: the
/// upload stays open. `None` if the file was made of its parts before.
async fn agree(
    store: &Store,
    upload: &Upload,
    said: Option<Vec<CompletedPart>>,
) -> Result<Option<Vec<Part>>, ApiError> {
    let (key, multipart) = (&upload.object_key, &upload.multipart_id);
    let arrived = match ask(store.list_parts(Bucket::Uploads, key, multipart)).await {
        Ok(arrived) => arrived,
        // Made into a file already, by a request whose row we do not see yet.
        Err(ApiError::Gone(_)) if ask(store.head(Bucket::Uploads, key)).await.is_ok() => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let said = said.unwrap_or_else(|| arrived.iter().map(CompletedPart::of).collect());
    let places: HashMap<u32, usize> = (said.iter().enumerate())
        .map(|(place, part)| (part.number, place))
        .collect();
    let here: HashMap<u32, &Part> = arrived.iter().map(|part| (part.number, part)).collect();
    let mut wrong = Complaints::new();
    let mut parts = Vec::new();
    for (number, size) in parts::cut(upload) {
        let place = places.get(&number).copied();
        let here = here.get(&number).copied();
        match (place, here) {
            (_, None) => wrong.add(
                "/parts",
                format!("part {number} has not arrived; put it again"),
            ),
            (None, _) => wrong.add("/parts", format!("part {number} of the file is not named")),
            (Some(_), Some(part)) if part.size != size => wrong.add(
                "/parts",
                format!(
                    "part {number} has {} bytes, declared were {size}; put it again",
                    part.size
                ),
            ),
            (Some(place), Some(part)) if bare(&said[place].etag) != bare(&part.etag) => wrong.add(
                format!("/parts/{place}/etag"),
                format!("is not that of the part {number} that arrived; put it again"),
            ),
            (Some(_), Some(part)) => parts.push(part.clone()),
        }
    }
    if said.len() > parts.len() && wrong.is_empty() {
        wrong.add(
            "/parts",
            format!("the file has {} parts, each to be named once", parts.len()),
        );
    }
    wrong.finish()?;
    Ok(Some(parts))
}

/// Some clients strip the quotes.
fn bare(etag: &str) -> &str {
    etag.trim().trim_matches('"')
}

/// Every part was of its size, so that this fails only where the store lost something.
async fn insist_on_size(store: &Store, upload: &Upload) -> Result<(), ApiError> {
    let head = ask(store.head(Bucket::Uploads, &upload.object_key)).await?;
    if head.size == upload.size_bytes.unsigned_abs() {
        return Ok(());
    }
    Err(ApiError::internal(format!(
        "the store made {} bytes of parts of {}",
        head.size, upload.size_bytes
    )))
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use molar_domain::quota::Quota;
    use molar_testkit::ChallengeBuilder;
    use serde_json::json;
    use sha2::Digest as _;
    use sqlx::PgPool;

    use crate::testing::{World, open_phase, predictions_zip};

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn completing_twice_is_answered_alike_and_announced_once(pool: PgPool) {
        let world = World::new(&pool).await;
        let zip = predictions_zip(&["Case_01", "Case_02"]);
        let (id, parts) = world.put(&zip, &zip).await;
        let path = format!("/api/v1/submissions/{id}/complete");
        let first = world.post(&path, &parts).await;
        let second = world.post(&path, &parts).await;
        assert_eq!(first.0, StatusCode::OK, "{:#}", first.1);
        assert_eq!(first, second);
        assert_eq!(first.1["state"], "checking");
        let announced = sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM submission.outbox"#);
        assert_eq!(announced.fetch_one(&pool).await.unwrap(), 1);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_file_that_was_made_while_we_died_is_completed_by_the_next_request(pool: PgPool) {
        let world = World::new(&pool).await;
        let zip = predictions_zip(&["Case_01", "Case_02"]);
        let (id, parts) = world.put(&zip, &zip).await;
        let path = format!("/api/v1/submissions/{id}/complete");
        world.post(&path, &parts).await;
        // As if the process had ended between the store's answer and the commit.
        sqlx::query!("UPDATE submission.uploads SET state = 'open', completed_at = NULL")
            .execute(&pool)
            .await
            .unwrap();
        let (status, view) = world.post(&path, &parts).await;
        assert_eq!(
            (status, &view["state"]),
            (StatusCode::OK, &json!("checking")),
            "{view:#}"
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn parts_that_are_not_there_or_not_the_same_leave_the_upload_open(pool: PgPool) {
        let world = World::new(&pool).await;
        let id = world.create("{}").await;
        let path = format!("/api/v1/submissions/{id}/complete");
        let (status, problem) = world
            .post(&path, &json!({"parts": [{"number": 1, "etag": "x"}]}))
            .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        insta::assert_json_snapshot!(problem, @r#"
        {
          "errors": [
            {
              "detail": "part 1 has not arrived; put it again",
              "pointer": "/parts"
            }
          ],
          "status": 422,
          "title": "The request is not valid",
          "type": "/problems/invalid-request"
        }
        "#);

        let zip = predictions_zip(&["Case_01"]);
        let (id, good) = world.put(&zip, &zip).await;
        let path = format!("/api/v1/submissions/{id}/complete");
        for bad in [
            json!({"parts": []}),
            json!({"parts": [{"number": 1, "etag": "\"0123\""}]}),
            json!({"parts": [good["parts"][0], {"number": 2, "etag": "x"}]}),
        ] {
            let (status, problem) = world.post(&path, &bad).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem:#}");
        }
        assert_eq!(world.find(id).await["state"], "uploading");
        assert_eq!(world.post(&path, &good).await.0, StatusCode::OK);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_whole_hash_may_come_late_or_never_but_not_change(pool: PgPool) {
        let quota = Quota {
            concurrent: 9,
            ..Quota::default()
        };
        let challenge = ChallengeBuilder::new("sts").phase(open_phase().quota(quota));
        let world = World::with(&pool, challenge).await;
        let zip = predictions_zip(&["Case_01", "Case_02"]);
        let hash = hex::encode(sha2::Sha256::digest(&zip));
        let mut undeclared = world.body(zip.len() as u64);
        undeclared["sha256"] = json!(null);
        let begin = async || {
            let created = world.post("/api/v1/submissions", &undeclared).await.1;
            let id: uuid::Uuid = created["id"].as_str().unwrap().parse().unwrap();
            let part = world.sign(id, &zip).await;
            crate::testing::try_put(&part, &zip).await;
            id
        };
        let (late, never, wrong) = (begin().await, begin().await, world.put(&zip, &zip).await.0);
        let complete = |id: uuid::Uuid| format!("/api/v1/submissions/{id}/complete");
        let (status, problem) = world
            .post(&complete(wrong), &json!({"sha256": "00".repeat(32)}))
            .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["errors"][0]["pointer"], "/sha256");
        let (status, _) = world.post(&complete(late), &json!({"sha256": hash})).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(world.complete(never).await["sha256"], json!(null));
        while world.run_checks().await > 0 {}
        for id in [late, never] {
            let found = world.find(id).await;
            assert_eq!(
                (&found["state"], &found["sha256"]),
                (&json!("scoring"), &json!(hash))
            );
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_upload_past_its_time_and_a_strangers_are_refused(pool: PgPool) {
        let world = World::new(&pool).await;
        let zip = predictions_zip(&["Case_01"]);
        let (id, parts) = world.put(&zip, &zip).await;
        let path = format!("/api/v1/submissions/{id}/complete");
        let stranger = molar_web_kit::testing::person(&pool, "Stranger").await;
        let (status, problem) = world.post_as(&stranger, &path, &parts).await;
        assert_eq!(
            (status, &problem["detail"]),
            (StatusCode::NOT_FOUND, &json!("no such submission"))
        );

        sqlx::query!("UPDATE submission.uploads SET open_until = created.at FROM (SELECT now() - interval '1 s' AS at) created")
            .execute(&pool)
            .await
            .unwrap();
        let (status, problem) = world.post(&path, &parts).await;
        assert_eq!(status, StatusCode::GONE);
        insta::assert_json_snapshot!(problem, @r#"
        {
          "detail": "the upload was not completed in time; its quota was given back, submit the file again",
          "status": 410,
          "title": "This is no longer here",
          "type": "/problems/gone"
        }
        "#);
    }
}
