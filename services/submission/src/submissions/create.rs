//! `POST /api/v1/submissions`

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use molar_domain::phase::{SubmissionKind, day};
use molar_domain::submission::SubmissionState;
use molar_domain::{SubmissionId, TeamId};
use molar_objects::{Bucket, Store};
use molar_service::db;
use molar_web_kit::{ApiError, Begun, Caller, Complaints, Kit, Once};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::admission::{New, admit};
use super::parts::{self, PartView, UploadView, Wanted, sha256_of_hex};
use crate::rows::phases::Phase;
use crate::rows::uploads::{self, Upload};
use crate::rows::{ledger, life, submissions};
use crate::state::{State, ask};

/// Nobody needs longer for a file, and the parts of it cost space.
const OPEN_MAX: TimeDelta = TimeDelta::hours(uploads::OPEN_HOURS as i64);

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSubmission {
    phase_id: Uuid,
    team_id: Uuid,
    size_bytes: u64,
    /// Of the whole file, 64 hexadecimal digits; may be told on `complete` instead. The check refuses a file of another.
    #[serde(default)]
    sha256: Option<String>,
    /// 64 hexadecimal digits by which the sender knows its file again, see `unfinished`.
    #[serde(default)]
    resume_key: Option<String>,
    /// Your own words, shown to your team.
    #[serde(default)]
    note: String,
    /// Where the code is public; some phases ask for it.
    #[serde(default)]
    code_url: Option<String>,
    /// Under which licence, as an SPDX identifier; some phases name those that they take.
    #[serde(default)]
    licence: Option<String>,
    /// Of a container: run the public case alone. Costs no chance, is never ranked, and has a daily limit of its own.
    #[serde(default)]
    is_trial: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Created {
    id: Uuid,
    #[schema(value_type = String)]
    state: SubmissionState,
    /// Absent in a repeated answer once the upload is no longer open.
    #[serde(skip_serializing_if = "Option::is_none")]
    upload: Option<UploadView>,
}

impl CreateSubmission {
    fn validate(self) -> Result<New, ApiError> {
        let mut wrong = Complaints::new();
        let sizes = 1..=i64::MAX as u64;
        wrong.check(
            sizes.contains(&self.size_bytes),
            "/size_bytes",
            "must be at least 1",
        );
        let sha256 = digits(&mut wrong, "/sha256", self.sha256, WHOLE);
        let resume_key = digits(
            &mut wrong,
            "/resume_key",
            self.resume_key,
            "must be 64 hexadecimal digits",
        );
        let note = wrong.text("/note", &self.note, 0..=500);
        let code_url = self.code_url.filter(|url| !url.trim().is_empty());
        if let Some(url) = &code_url {
            let parsed = url.parse::<url::Url>();
            let is_public = parsed.is_ok_and(|url| url.scheme() == "https" && url.has_host());
            wrong.check(
                is_public && url.len() <= 500,
                "/code_url",
                "must be an https:// address of at most 500 characters",
            );
        }
        wrong.finish()?;
        Ok(New {
            phase_id: self.phase_id,
            team_id: self.team_id,
            size_bytes: self.size_bytes,
            sha256,
            resume_key,
            note,
            code_url,
            licence: self.licence,
            is_trial: self.is_trial,
        })
    }
}

pub const WHOLE: &str = "must be the 64 hexadecimal digits that `sha256sum FILE` prints";

/// A hash as people write it, in lower case.
pub fn digits(
    wrong: &mut Complaints,
    pointer: &str,
    text: Option<String>,
    complaint: &str,
) -> Option<String> {
    let text = text?.to_ascii_lowercase();
    wrong.check(sha256_of_hex(&text).is_some(), pointer, complaint);
    Some(text)
}

/// Reserves a place in the quota, unless it is a trial, and opens an upload for the file.
///
/// Call `sign` with the hashes of some parts, put each at its URL, and so on; then call `complete`. With an `Idempotency-Key` a
/// repeated request is answered with the same submission and freshly signed URLs.
#[utoipa::path(post, path = "/api/v1/submissions", tag = "submission", request_body = CreateSubmission,
    responses((status = 201, body = Created)))]
#[tracing::instrument(name = "submissions.create", skip_all, fields(submission.id))]
pub async fn create(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    caller: Caller,
    once: Once,
    body: web::Json<CreateSubmission>,
) -> Result<HttpResponse, ApiError> {
    let mut new = body.into_inner().validate()?;
    let mut tx = kit.db.begin().await?;
    let once = match once.begin(&mut tx).await? {
        Begun::Replay(answer) => {
            return replay(&mut tx, &state, &caller, &answer).await;
        }
        Begun::Fresh(once) => once,
    };
    let now = db::now(&mut *tx).await?;
    let (phase, licence) = admit(&mut tx, &caller, &new, now).await?;
    new.licence = licence;
    let id = SubmissionId::at(now).0;
    tracing::Span::current().record("submission.id", tracing::field::display(id));

    let upload = open(&state.store, id, &new, &phase, now).await?;
    insert(&mut tx, &caller, &new, &phase, &upload, now).await?;
    let kept = serde_json::json!({ "id": id });
    let location = Some(path(id));
    once.finish(&mut tx, StatusCode::CREATED, location, &kept)
        .await?;
    tx.commit().await?;

    answer(&state, &upload, SubmissionState::Uploading, now, false).await
}

fn path(id: Uuid) -> String {
    format!("/api/v1/submissions/{id}")
}

/// Opened before the row is there: if the transaction fails, an empty upload is left to the store's own
/// rule for unfinished ones, and nothing else.
async fn open(
    store: &Store,
    id: Uuid,
    new: &New,
    phase: &Phase,
    now: DateTime<Utc>,
) -> Result<Upload, ApiError> {
    // Ours, never the caller's.
    let object_key = format!("submission/{id}");
    let content_type = match phase.kind {
        SubmissionKind::Predictions => "application/zip",
        SubmissionKind::Container => "application/gzip",
    };
    let opened = store.create_multipart(Bucket::Uploads, &object_key, content_type);
    Ok(Upload {
        submission_id: id,
        state: "open".to_owned(),
        multipart_id: ask(Box::pin(opened)).await?,
        object_key,
        part_size_bytes: parts::part_size(new.size_bytes).cast_signed(),
        size_bytes: new.size_bytes.cast_signed(),
        sha256: new.sha256.clone(),
        open_until: (now + OPEN_MAX).min(phase.window.uploads_until()),
    })
}

async fn insert(
    tx: &mut PgConnection,
    caller: &Caller,
    new: &New,
    phase: &Phase,
    upload: &Upload,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let id = upload.submission_id;
    let submission = submissions::New {
        id,
        phase_id: phase.id,
        team_id: new.team_id,
        created_by: caller.user_id.0,
        kind: phase.kind.as_str(),
        is_trial: new.is_trial,
        note: &new.note,
        code_url: new.code_url.as_deref(),
        licence: new.licence.as_deref(),
        created_at: now,
    };
    submissions::insert(&mut *tx, &submission).await?;
    let row = uploads::New {
        submission_id: id,
        object_key: &upload.object_key,
        multipart_id: &upload.multipart_id,
        part_size_bytes: upload.part_size_bytes,
        size_bytes: upload.size_bytes,
        sha256: new.sha256.as_deref(),
        resume_key: new.resume_key.as_deref(),
        open_until: upload.open_until,
        now,
    };
    uploads::insert(&mut *tx, &row).await?;
    if new.is_trial {
        return Ok(());
    }
    let place = (phase.id, new.team_id);
    ledger::reserve(&mut *tx, id, place, day(now, phase.zone), now).await?;
    Ok(())
}

async fn answer(
    state: &State,
    upload: &Upload,
    stands: SubmissionState,
    now: DateTime<Utc>,
    is_replayed: bool,
) -> Result<HttpResponse, ApiError> {
    let is_open = stands == SubmissionState::Uploading && now < upload.open_until;
    let view = Created {
        id: upload.submission_id,
        state: stands,
        upload: match is_open {
            true => Some(UploadView::of(upload, only_part(state, upload, now).await?)),
            false => None,
        },
    };
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, path(upload.submission_id)));
    if is_replayed {
        response.insert_header(("idempotent-replayed", "true"));
    }
    Ok(response.json(view))
}

/// Of most predictions all is known on create: they need no call to sign.
async fn only_part(
    state: &State,
    upload: &Upload,
    now: DateTime<Utc>,
) -> Result<Vec<PartView>, ApiError> {
    let sha256 = upload.sha256.as_deref().and_then(sha256_of_hex);
    match sha256 {
        Some(sha256) if upload.size_bytes <= upload.part_size_bytes => {
            let whole = Wanted { number: 1, sha256 };
            parts::sign(state, upload, &[whole], now).await
        }
        _ => Ok(Vec::new()),
    }
}

/// The kept answer holds no URL: they are secrets, and would have run out.
async fn replay(
    tx: &mut PgConnection,
    state: &State,
    caller: &Caller,
    kept: &HttpResponse,
) -> Result<HttpResponse, ApiError> {
    let location = kept.headers().get(header::LOCATION);
    let id = location.and_then(|path| path.to_str().ok()?.rsplit('/').next()?.parse().ok());
    let id: Uuid = id.ok_or_else(|| ApiError::internal("a kept answer without its submission"))?;
    let gone = || ApiError::NotFound("submission");
    let life = life::find(&mut *tx, id).await?.ok_or_else(gone)?;
    // Whoever left the team since then gets no new URLs for its file.
    caller.require_member(TeamId(life.team_id))?;
    let upload = uploads::find(&mut *tx, id).await?;
    let now = db::now(&mut *tx).await?;
    answer(state, &upload, life.state()?, now, true).await
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use molar_domain::phase::SubmissionKind;
    use molar_domain::quota::Quota;
    use molar_testkit::{ChallengeBuilder, PhaseBuilder, TeamBuilder};
    use serde_json::{Value, json};
    use sqlx::PgPool;

    use crate::testing::{World, open_phase};

    fn stable(mut problem: Value) -> String {
        if let Some(seconds) = problem.get_mut("retry_after_s") {
            *seconds = json!("until midnight");
        }
        serde_json::to_string_pretty(&problem).unwrap()
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_member_of_an_approved_team_gets_the_parts_of_an_upload(pool: PgPool) {
        let world = World::new(&pool).await;
        let (status, created) = world
            .post("/api/v1/submissions", &world.body(17_000_000))
            .await;
        assert_eq!(status, StatusCode::CREATED, "{created:#}");
        assert_eq!(created["state"], "uploading");
        assert_eq!(created["upload"]["part_count"], 3);
        // Of several parts the hashes are told as they are read.
        assert_eq!(created["upload"]["parts"], Value::Null);
        let path = format!(
            "/api/v1/submissions/{}/sign",
            created["id"].as_str().unwrap()
        );
        let body = json!({"parts": [{"number": 3, "sha256": "ab".repeat(32)}]});
        let (status, signed) = world.post(&path, &body).await;
        assert_eq!(status, StatusCode::OK, "{signed:#}");
        let part = &signed["parts"][0];
        assert_eq!(part["size_bytes"], 17_000_000 - 16 * 1024 * 1024);
        assert!(part["url"].as_str().unwrap().contains("partNumber=3"));
        assert!(
            part["headers"]["x-amz-checksum-sha256"].is_string(),
            "{part}"
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_same_key_makes_one_submission(pool: PgPool) {
        let world = World::new(&pool).await;
        let body = world.body(10);
        let first = world.post_keyed("/api/v1/submissions", &body, "k1").await.1;
        let again = world.post_keyed("/api/v1/submissions", &body, "k1").await;
        assert_eq!(again.0, StatusCode::CREATED);
        assert_eq!(again.1["id"], first["id"]);
        assert_eq!(again.1["upload"]["parts"][0]["number"], 1);
        let (status, _) = world
            .post_keyed("/api/v1/submissions", &world.body(11), "k1")
            .await;
        assert_eq!(status, StatusCode::CONFLICT);
        let count = sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM submission.submissions"#);
        assert_eq!(count.fetch_one(&pool).await.unwrap(), 1);

        sqlx::query!(
            "DELETE FROM registration.memberships WHERE user_id = $1",
            world.member.id.0
        )
        .execute(&pool)
        .await
        .unwrap();
        let left = world.post_keyed("/api/v1/submissions", &body, "k1").await;
        assert_eq!(left.0, StatusCode::FORBIDDEN);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn the_quota_is_told_with_when_to_come_again(pool: PgPool) {
        let quota = Quota {
            per_day: Some(2),
            concurrent: 2,
            ..Quota::default()
        };
        let world = World::with(
            &pool,
            ChallengeBuilder::new("sts").phase(open_phase().quota(quota)),
        )
        .await;
        for _ in 0..2 {
            assert_eq!(
                world.post("/api/v1/submissions", &world.body(5)).await.0,
                StatusCode::CREATED
            );
        }
        let (status, problem) = world.post("/api/v1/submissions", &world.body(5)).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
        assert!(problem["retry_after_s"].as_u64().unwrap() > 0);
        insta::assert_snapshot!(stable(problem), @r#"
        {
          "detail": "your team has used its 2 submissions of today; the day ends at midnight in the challenge's time zone",
          "retry_after_s": "until midnight",
          "status": 429,
          "title": "The quota is used up",
          "type": "/problems/quota-exceeded"
        }
        "#);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_file_too_large_or_wrongly_described_is_refused(pool: PgPool) {
        let world = World::new(&pool).await;
        let (status, problem) = world
            .post("/api/v1/submissions", &world.body(40 << 30))
            .await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        insta::assert_snapshot!(stable(problem), @r#"
        {
          "detail": "the file has 42949672960 bytes, the phase takes at most 32212254720; leave out what is not needed",
          "status": 413,
          "title": "The request is too large",
          "type": "/problems/too-large"
        }
        "#);
        let mut body = world.body(0);
        body["sha256"] = json!("abc");
        body["code_url"] = json!("http://example.org");
        let (status, problem) = world.post("/api/v1/submissions", &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        insta::assert_snapshot!(stable(problem), @r#"
        {
          "errors": [
            {
              "detail": "must be at least 1",
              "pointer": "/size_bytes"
            },
            {
              "detail": "must be the 64 hexadecimal digits that `sha256sum FILE` prints",
              "pointer": "/sha256"
            },
            {
              "detail": "must be an https:// address of at most 500 characters",
              "pointer": "/code_url"
            }
          ],
          "status": 422,
          "title": "The request is not valid",
          "type": "/problems/invalid-request"
        }
        "#);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn who_may_not_submit_is_told_why(pool: PgPool) {
        let world = World::new(&pool).await;
        let other = TeamBuilder::new(&world.challenge, "Others")
            .insert(&pool)
            .await;
        let mut body = world.body(5);
        body["team_id"] = json!(other.id.0);
        let (status, problem) = world.post("/api/v1/submissions", &body).await;
        assert_eq!(
            (status, &problem["detail"]),
            (
                StatusCode::FORBIDDEN,
                &json!("you are not a member of this team")
            )
        );

        for (state, code) in [
            ("requested", "not-approved"),
            ("disqualified", "not-approved"),
        ] {
            sqlx::query!(
                "UPDATE registration.participations SET state = $2, reason = 'shared accounts' WHERE team_id = $1",
                world.team.id.0,
                state
            )
            .execute(&pool)
            .await
            .unwrap();
            let (status, problem) = world.post("/api/v1/submissions", &world.body(5)).await;
            assert_eq!(
                (status, &problem["code"]),
                (StatusCode::FORBIDDEN, &json!(code)),
                "{problem:#}"
            );
        }
        sqlx::query!("UPDATE registration.participations SET state = 'approved'")
            .execute(&pool)
            .await
            .unwrap();
        sqlx::query!("DELETE FROM registration.agreements")
            .execute(&pool)
            .await
            .unwrap();
        let (status, problem) = world.post("/api/v1/submissions", &world.body(5)).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        insta::assert_snapshot!(stable(problem), @r#"
        {
          "code": "agreement-not-signed",
          "detail": "sign version 1 of the data-use terms first, at /join/sts",
          "status": 403,
          "title": "This is not yours to do",
          "type": "/problems/forbidden"
        }
        "#);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_new_version_of_the_agreement_stops_creates_until_it_is_signed(pool: PgPool) {
        let world = World::new(&pool).await;
        let challenge = world.challenge.id.0;
        sqlx::query!(
            "INSERT INTO tracks.agreement_texts (challenge_id, version, text, sha256, created_at)
             VALUES ($1, '2', 'Be better.', 'ab', now())",
            challenge
        )
        .execute(&pool)
        .await
        .unwrap();
        let (status, problem) = world.post("/api/v1/submissions", &world.body(5)).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::FORBIDDEN, &json!("agreement-not-signed"))
        );
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains("version 2") && detail.contains("/join/sts"),
            "{detail}"
        );

        sqlx::query!(
            "INSERT INTO registration.agreements
                 (id, user_id, challenge_id, version, text_sha256, signed_name, affiliation, signed_at)
             SELECT gen_random_uuid(), user_id, challenge_id, '2', 'ab', 'Again', '', now()
             FROM registration.agreements",
        )
        .execute(&pool)
        .await
        .unwrap();
        let (status, created) = world.post("/api/v1/submissions", &world.body(5)).await;
        assert_eq!(status, StatusCode::CREATED, "{created:#}");
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_phase_takes_files_only_while_it_is_open_and_ready(pool: PgPool) {
        // The builder's own window lies in the tests' year, which the database's clock is beyond or before.
        let world = World::new(&pool).await;
        let long_ago = "2001-01-01T00:00:00Z".parse().unwrap();
        let closed =
            PhaseBuilder::new("closed").window(long_ago, "2002-01-01T00:00:00Z".parse().unwrap());
        let planned = PhaseBuilder::new("planned").window(
            "2101-01-01T00:00:00Z".parse().unwrap(),
            "2102-01-01T00:00:00Z".parse().unwrap(),
        );
        for (phase, code) in [(closed, "phase-closed"), (planned, "phase-not-open")] {
            let id = phase.insert(&pool, &world.challenge).await;
            let mut body = world.body(5);
            body["phase_id"] = json!(id.0);
            let (status, problem) = world.post("/api/v1/submissions", &body).await;
            assert_eq!(
                (status, &problem["code"]),
                (StatusCode::CONFLICT, &json!(code)),
                "{problem:#}"
            );
        }
        sqlx::query!("UPDATE scoring.reference_facts SET is_good = false, complaint = 'no tooth' WHERE case_id = $1", world.challenge.cases[0].id.0)
            .execute(&pool)
            .await
            .unwrap();
        let (status, problem) = world.post("/api/v1/submissions", &world.body(5)).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::CONFLICT, &json!("phase-not-ready"))
        );
        let mut body = world.body(5);
        body["phase_id"] = json!(world.team.id.0);
        assert_eq!(
            world.post("/api/v1/submissions", &body).await.0,
            StatusCode::NOT_FOUND
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_phase_may_ask_for_the_code(pool: PgPool) {
        let phase = open_phase()
            .kind(SubmissionKind::Container)
            .requires_code_url();
        let world = World::with(&pool, ChallengeBuilder::new("sts").canary().phase(phase)).await;
        let (status, problem) = world.post("/api/v1/submissions", &world.body(5)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["errors"][0]["pointer"], "/code_url");
        let mut body = world.body(5);
        body["code_url"] = json!("https://example.org/code");
        assert_eq!(
            world.post("/api/v1/submissions", &body).await.0,
            StatusCode::CREATED
        );
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn no_container_is_taken_without_a_public_case_to_try_it_on(pool: PgPool) {
        let phase = open_phase().kind(SubmissionKind::Container);
        let world = World::with(&pool, ChallengeBuilder::new("sts").phase(phase)).await;
        let (status, problem) = world.post("/api/v1/submissions", &world.body(5)).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::CONFLICT, &json!("phase-not-ready"))
        );
    }
}
