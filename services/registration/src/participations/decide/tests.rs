use molar_web_kit::testing::{Person, admin, organizer, person};
use serde_json::json;
use sqlx::PgPool;

use crate::testing::{Api, Challenge, blank, challenge, participation, sign, team};

struct Asked {
    api: Api,
    demo: Challenge,
    ada: Person,
    /// Path of the participation.
    path: String,
}

async fn asked(pool: &PgPool) -> Asked {
    let api = Api::new(pool).await;
    let demo = challenge(pool).await;
    let ada = person(pool, "Ada").await;
    sign(&api, &ada).await;
    let molars = team(&api, &ada, "Molars").await;
    let place = participation(&api, &ada, &molars, demo.track).await;
    Asked {
        api,
        demo,
        ada,
        path: format!("/api/v1/participations/{place}"),
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn an_approval_is_announced_and_on_the_record(pool: PgPool) {
    let Asked {
        api,
        demo,
        ada,
        path,
    } = asked(&pool).await;
    let olga = organizer(&pool, "Olga", demo.id).await;
    let (_, approved) = api
        .of(&olga)
        .post(&format!("{path}/approve"), json!({}))
        .await;
    insta::assert_json_snapshot!(blank(approved), @r#"
    {
      "answers": [],
      "challenge": "demo",
      "challenge_id": "[id]",
      "decided_at": "2026-09-01T12:00:00Z",
      "id": "[id]",
      "is_out_of_competition": false,
      "is_reason_public": false,
      "members": 1,
      "out_reason": null,
      "reason": null,
      "requested_at": "2026-09-01T12:00:00Z",
      "state": "approved",
      "team": "Molars",
      "team_id": "[id]",
      "track": "opg",
      "track_id": "[id]"
    }
    "#);

    let announced = sqlx::query_scalar!("SELECT routing_key FROM registration.outbox")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(announced, ["participation.decided"]);
    let audited = sqlx::query!("SELECT action, actor_id FROM audit.entries");
    let audited = audited.fetch_one(&pool).await.unwrap();
    assert_eq!(audited.action, "participation.approved");
    assert_eq!(audited.actor_id, Some(olga.id.0));

    let (_, teams) = api.of(&ada).get("/api/v1/teams").await;
    assert_eq!(teams["items"][0]["participations"][0]["state"], "approved");
    let (_, again) = api
        .of(&olga)
        .post(&format!("{path}/approve"), json!({}))
        .await;
    insta::assert_json_snapshot!(again, @r#"
    {
      "code": "invalid-transition",
      "detail": "a participation that is approved cannot be changed by `approve`",
      "status": 409,
      "title": "This does not fit the present state",
      "type": "/problems/conflict"
    }
    "#);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn only_organizers_of_the_challenge_decide(pool: PgPool) {
    let Asked { api, ada, path, .. } = asked(&pool).await;
    let approve = format!("{path}/approve");
    let (_, own) = api.of(&ada).post(&approve, json!({})).await;
    insta::assert_json_snapshot!(own, @r#"
    {
      "detail": "you are not an organizer of this challenge",
      "status": 403,
      "title": "This is not yours to do",
      "type": "/problems/forbidden"
    }
    "#);

    let elsewhere = crate::testing::challenge_named(&pool, "elsewhere").await;
    let foreign = organizer(&pool, "Fritz", elsewhere.id).await;
    assert_eq!(api.of(&foreign).post(&approve, json!({})).await.0, 404);
    let root = admin(&pool, "Root").await;
    assert_eq!(api.of(&root).post(&approve, json!({})).await.0, 200);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_refusal_says_why_and_frees_the_members(pool: PgPool) {
    let Asked {
        api,
        demo,
        ada,
        path,
    } = asked(&pool).await;
    let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
    let (status, silent) = olga
        .post(&format!("{path}/refuse"), json!({"reason": " "}))
        .await;
    assert_eq!(
        (status, &silent["errors"][0]["pointer"]),
        (422, &json!("/reason"))
    );

    let why = json!({"reason": "we know nobody of you"});
    assert_eq!(olga.post(&format!("{path}/refuse"), why).await.0, 200);
    let (_, teams) = api.of(&ada).get("/api/v1/teams").await;
    let place = &teams["items"][0]["participations"][0];
    assert_eq!(place["reason"], "we know nobody of you");
    let bound = sqlx::query_scalar!("SELECT count(*) FROM registration.track_memberships");
    assert_eq!(bound.fetch_one(&pool).await.unwrap(), Some(0));
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_disqualified_team_stays_bound_and_may_be_reinstated(pool: PgPool) {
    let Asked {
        api,
        demo,
        ada,
        path,
    } = asked(&pool).await;
    let olga = api.of(&organizer(&pool, "Olga", demo.id).await);
    let out = json!({"out_reason": "organizers' own team"});
    let (_, approved) = olga.post(&format!("{path}/approve"), out).await;
    assert_eq!(approved["is_out_of_competition"], true);
    let why = json!({"reason": "trained on the test set", "is_public": true});
    let refuse = olga.post(&format!("{path}/reinstate"), why.clone()).await;
    assert_eq!(refuse.0, 422, "only a disqualification is public");
    let (status, gone) = olga.post(&format!("{path}/disqualify"), why).await;
    assert_eq!((status, &gone["is_reason_public"]), (200, &json!(true)));
    let (status, _) = api
        .of(&ada)
        .post(&format!("{path}/withdraw"), json!({}))
        .await;
    assert_eq!(status, 409);
    let bound = sqlx::query_scalar!("SELECT count(*) FROM registration.track_memberships");
    assert_eq!(bound.fetch_one(&pool).await.unwrap(), Some(1));
    let reinstate = format!("{path}/reinstate");
    assert_eq!(olga.post(&reinstate, json!({})).await.0, 422);
    let why = json!({"reason": "it was another team"});
    let (status, back) = olga.post(&reinstate, why).await;
    assert_eq!((status, &back["state"]), (200, &json!("approved")));
    assert_eq!(back["is_reason_public"], false);
    assert_eq!(back["out_reason"], "organizers' own team", "that stays");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn another_organizer_confirms_a_disqualification_where_the_file_says_so(pool: PgPool) {
    let Asked {
        api, demo, path, ..
    } = asked(&pool).await;
    let olga = organizer(&pool, "Olga", demo.id).await;
    let bob = organizer(&pool, "Bob", demo.id).await;
    sqlx::query!("UPDATE tracks.challenges SET second_organizer = '{disqualify}'")
        .execute(&pool)
        .await
        .unwrap();
    let (status, _) = api
        .of(&olga)
        .post(&format!("{path}/approve"), json!({}))
        .await;
    assert_eq!(status, 200, "an approval needs one");
    let disqualify = format!("{path}/disqualify");
    let (status, _) = api.of(&olga).post(&disqualify, json!({})).await;
    assert_eq!(status, 422, "a request needs its reason");
    let why = json!({"reason": "trained on the test set"});
    let (status, asked) = api.of(&olga).post(&disqualify, why).await;
    assert_eq!(status, 202, "{asked}");

    let (_, list) = api.of(&bob).get("/api/v1/requests").await;
    let request = &list["items"][0];
    assert_eq!(
        (&request["may_confirm"], &request["subject"]),
        (&json!(true), &json!("Molars in opg"))
    );
    let (_, list) = api.of(&olga).get("/api/v1/requests").await;
    assert_eq!(list["items"][0]["may_confirm"], false);

    // From the page, as a person does.
    let form = format!(
        "/organize/participations/{}",
        &path[path.rfind('/').unwrap() + 1..]
    );
    let id = asked["request_id"].as_str().unwrap();
    let (_, html) = api.browser(&bob).page("/organize/requests").await;
    assert!(
        html.contains(r#"type="checkbox" name="is_public""#),
        "{html}"
    );
    let fields = [
        ("confirms", id),
        ("decision", "disqualify"),
        ("is_public", "on"),
    ];
    let (status, to) = api
        .browser(&bob)
        .submit("/organize/requests", &form, &fields)
        .await;
    assert_eq!((status, to.as_str()), (303, "/organize/participations"));
    let row =
        sqlx::query!("SELECT state, reason, is_reason_public FROM registration.participations");
    let row = row.fetch_one(&pool).await.unwrap();
    assert_eq!(
        (row.state.as_str(), row.reason.as_deref()),
        ("disqualified", Some("trained on the test set"))
    );
    assert!(row.is_reason_public, "the one who confirms says it");
    let (_, list) = api.of(&olga).get("/api/v1/requests").await;
    assert_eq!(
        (&list["items"][0]["state"], &list["items"][0]["decided_by"]),
        (&json!("confirmed"), &json!("Bob"))
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_declined_disqualification_changes_nothing(pool: PgPool) {
    let Asked {
        api,
        demo,
        ada,
        path,
    } = asked(&pool).await;
    let olga = organizer(&pool, "Olga", demo.id).await;
    let bob = organizer(&pool, "Bob", demo.id).await;
    sqlx::query!("UPDATE tracks.challenges SET second_organizer = '{disqualify}'")
        .execute(&pool)
        .await
        .unwrap();
    api.of(&olga)
        .post(&format!("{path}/approve"), json!({}))
        .await;
    let disqualify = format!("{path}/disqualify");
    let why = json!({"reason": "trained on the test set"});
    let (_, asked) = api.of(&olga).post(&disqualify, why).await;
    let decline = format!(
        "/api/v1/requests/{}/decline",
        asked["request_id"].as_str().unwrap()
    );
    let no = json!({"reason": "they did not"});
    assert_eq!(api.of(&ada).post(&decline, no.clone()).await.0, 403);
    let (status, declined) = api.of(&bob).post(&decline, no.clone()).await;
    assert_eq!((status, &declined["state"]), (200, &json!("declined")));
    assert_eq!(
        api.of(&bob).post(&decline, no).await.1["code"],
        "request-over"
    );
    let confirms = json!({"confirms": asked["request_id"]});
    let (status, over) = api.of(&bob).post(&disqualify, confirms).await;
    assert_eq!((status, &over["code"]), (409, &json!("request-over")));
    let state = sqlx::query_scalar!("SELECT state FROM registration.participations");
    assert_eq!(state.fetch_one(&pool).await.unwrap(), "approved");
}
