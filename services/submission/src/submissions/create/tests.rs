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
