//! The whole way on real rows and a real store: from a wrong reference to what counts.

use actix_web::test::{TestRequest, call_service, read_body};
use chrono::TimeDelta;
use molar_objects::{Bucket, Role as Holder};
use molar_service::Role;
use molar_testkit::{Challenge, PhaseBuilder, Submission, SubmissionBuilder, TeamBuilder, as_role};
use molar_web_kit::testing::{self, Person};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::cases::tests::world::World;
use crate::routes;
use crate::testing::{polygons, sha256, zip_of};

struct Stage {
    world: World,
    challenge: Challenge,
    olga: Person,
    submission: Submission,
}

impl Stage {
    /// A submission that is scored: both cases as the reference has them.
    async fn set(owner: PgPool) -> Self {
        let world = World::new(owner).await;
        let challenge = world.challenge(PhaseBuilder::new("validation")).await;
        let olga = testing::organizer(&world.owner, "Olga", challenge.id).await;
        let submission = submit(&world, &challenge, "Molars").await;
        world.read_references().await;
        let stage = Self {
            world,
            challenge,
            olga,
            submission,
        };
        stage.work().await;
        assert_eq!(stage.counting().await, ["finished t"]);
        stage
    }

    /// Rounds until nothing is left to do, each a minute after the one before.
    async fn work(&self) {
        for _ in 0..6 {
            self.world.objects.clock.advance(TimeDelta::minutes(1));
            self.world.step().await;
        }
    }

    /// Replaces the reference of the first case: the second tooth was drawn half.
    async fn correct(&self) {
        let content = polygons((8, 16), &[("11", [1, 1, 4, 4]), ("12", [8, 1, 11, 2])]);
        let owner = &self.world.owner;
        let set = Uuid::new_v4();
        sqlx::query!(
            "INSERT INTO tracks.reference_sets
                 (id, split_id, version, created_at, based_on, reason, created_by, accepted_by, accepted_at)
             SELECT $1, split_id, 2, created_at, id, 'wrong', $2, $2, created_at FROM tracks.reference_sets",
            set,
            self.olga.id.0,
        )
        .execute(owner)
        .await
        .unwrap();
        sqlx::query!(
            "INSERT INTO tracks.case_references (id, reference_set_id, case_id, object_key, size_bytes, sha256, state, stored_at)
             SELECT gen_random_uuid(), $1, case_id,
                    CASE WHEN case_id = $2 THEN 'corrected' ELSE object_key END,
                    CASE WHEN case_id = $2 THEN $3 ELSE size_bytes END,
                    CASE WHEN case_id = $2 THEN $4 ELSE sha256 END, 'stored', stored_at
             FROM tracks.case_references",
            set,
            self.challenge.cases[0].id.0,
            content.len() as i64,
            sha256(content.as_bytes()),
        )
        .execute(owner)
        .await
        .unwrap();
        let (role, bucket) = (Holder::Tracks, Bucket::References);
        let objects = &self.world.objects;
        objects
            .put(role, bucket, "corrected", content.as_bytes())
            .await;
        self.world.read_references().await;
    }

    async fn post(&self, who: &Person, path: &str, body: Value) -> (u16, Value) {
        let db = as_role(&self.world.owner, Role::Scoring).await;
        let clock = self.world.objects.clock.clone();
        let kit = testing::kit(Role::Scoring, db, clock);
        let app = testing::app(kit, routes(), |_| {}).await;
        let request = TestRequest::post()
            .uri(path)
            .set_json(body)
            .insert_header(who.bearer());
        let response = call_service(&app, request.to_request()).await;
        let status = response.status().as_u16();
        let body = read_body(response).await;
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn draft(&self, more: Value) -> (u16, Value) {
        let mut body = json!({"phase_id": self.challenge.phase_id, "reason": "the wrong tooth"});
        let all = body.as_object_mut().unwrap();
        all.extend(more.as_object().unwrap().clone());
        self.post(&self.olga, "/api/v1/rescorings", body).await
    }

    /// Drafted, measured and ready; its path.
    async fn ready(&self, more: Value) -> String {
        let (status, made) = self.draft(more).await;
        assert_eq!(status, 201, "{made}");
        let path = format!("/api/v1/rescorings/{}", made["id"].as_str().unwrap());
        let (status, begun) = self
            .post(&self.olga, &format!("{path}/compute"), json!({}))
            .await;
        assert_eq!((status, &begun["state"]), (200, &json!("computing")));
        self.work().await;
        path
    }

    async fn publish(&self, who: &Person, path: &str, body: Value) -> (u16, Value) {
        self.post(who, &format!("{path}/publish"), body).await
    }

    /// State and whether it counts, of each evaluation that others see, by age.
    async fn counting(&self) -> Vec<String> {
        sqlx::query_scalar!(
            r#"SELECT format('%s %s', state, is_current) AS "text!" FROM scoring.evaluation_facts ORDER BY evaluation_id"#
        )
        .fetch_all(&self.world.owner)
        .await
        .unwrap()
    }

    /// The same of all there are, with the cases that were taken over.
    async fn rows(&self) -> Vec<String> {
        sqlx::query_scalar!(
            r#"SELECT format('%s %s of %s', e.state, count(c.copied_from), count(*)) AS "text!"
               FROM scoring.evaluations e JOIN scoring.case_scores c ON c.evaluation_id = e.id
               GROUP BY e.id ORDER BY e.id"#
        )
        .fetch_all(&self.world.owner)
        .await
        .unwrap()
    }

    /// The overlap of the first case, by what the submission's page shows.
    async fn shown(&self) -> f64 {
        let values = sqlx::query_scalar!(
            r#"SELECT c.values AS "values!" FROM submission.life l
               JOIN scoring.scored_cases c ON c.evaluation_id = l.evaluation_id
               WHERE l.submission_id = $1 AND c.case_id = $2"#,
            self.submission.id.0,
            self.challenge.cases[0].id.0,
        );
        let values = values.fetch_one(&self.world.owner).await.unwrap();
        values["image_DSC"].as_f64().unwrap()
    }

    async fn actions(&self) -> Vec<String> {
        sqlx::query_scalar!("SELECT action FROM audit.entries ORDER BY seq")
            .fetch_all(&self.world.owner)
            .await
            .unwrap()
    }
}

async fn submit(world: &World, challenge: &Challenge, team: &str) -> Submission {
    let exact = polygons((8, 16), &[("11", [1, 1, 4, 4]), ("12", [8, 1, 11, 4])]);
    let zip = zip_of(&[("Case_01_Mask.json", &exact), ("Case_02_Mask.json", &exact)]);
    let team = TeamBuilder::new(challenge, team).insert(&world.owner).await;
    let submission = SubmissionBuilder::new(challenge, &team)
        .insert(&world.owner)
        .await;
    world
        .objects
        .put_upload(&world.owner, &submission, &zip)
        .await;
    submission
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_corrected_reference_counts_when_it_is_published_and_not_before(owner: PgPool) {
    let stage = Stage::set(owner).await;
    stage.correct().await;
    stage.work().await;
    assert_eq!(stage.rows().await, ["finished 0 of 2"]);

    let path = stage.ready(json!({})).await;
    // Only the corrected case was measured again.
    assert_eq!(stage.rows().await, ["finished 0 of 2", "finished 1 of 2"]);
    assert_eq!(stage.counting().await, ["finished t"]);
    assert_eq!(stage.shown().await, 1.0);

    let (status, published) = stage.publish(&stage.olga, &path, json!({})).await;
    assert_eq!(
        (status, &published["state"]),
        (200, &json!("published")),
        "{published}"
    );
    assert_eq!(published["copied_cases"], 1);
    stage.work().await;
    assert_eq!(stage.counting().await, ["finished f", "finished t"]);
    assert!(stage.shown().await < 1.0);
    assert_eq!(
        stage.actions().await,
        [
            "rescoring.created",
            "rescoring.started",
            "rescoring.published"
        ]
    );
    let announced = sqlx::query_scalar!(
        r#"SELECT count(*) AS "n!" FROM scoring.outbox WHERE routing_key = 'rescoring.published'"#
    );
    assert_eq!(announced.fetch_one(&stage.world.owner).await.unwrap(), 1);

    // What comes later is measured by what counts now.
    submit(&stage.world, &stage.challenge, "Late").await;
    stage.work().await;
    assert_eq!(
        stage.counting().await,
        ["finished f", "finished t", "finished t"]
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_is_dropped_stays_on_record_and_never_counts(owner: PgPool) {
    let stage = Stage::set(owner).await;
    stage.correct().await;
    let path = stage.ready(json!({})).await;
    let (status, dropped) = stage
        .post(
            &stage.olga,
            &format!("{path}/drop"),
            json!({"reason": "it was right"}),
        )
        .await;
    assert_eq!(
        (status, &dropped["state"]),
        (200, &json!("dropped")),
        "{dropped}"
    );
    stage.work().await;
    assert_eq!(stage.counting().await, ["finished t"]);
    assert_eq!(stage.shown().await, 1.0);
    assert_eq!(stage.rows().await, ["finished 0 of 2", "finished 1 of 2"]);
    let (status, late) = stage.publish(&stage.olga, &path, json!({})).await;
    assert_eq!((status, &late["code"]), (409, &json!("wrong-state")));

    // Nor is anything taken over from it.
    stage.ready(json!({})).await;
    assert_eq!(
        stage.rows().await,
        ["finished 0 of 2", "finished 1 of 2", "finished 1 of 2"]
    );
    let from = sqlx::query_scalar!(
        r#"SELECT count(DISTINCT copied_from) AS "n!" FROM scoring.case_scores WHERE copied_from IS NOT NULL"#
    );
    assert_eq!(from.fetch_one(&stage.world.owner).await.unwrap(), 1);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_dropped_one_stops_measuring(owner: PgPool) {
    let stage = Stage::set(owner).await;
    stage.correct().await;
    let (_, made) = stage.draft(json!({})).await;
    let path = format!("/api/v1/rescorings/{}", made["id"].as_str().unwrap());
    stage
        .post(&stage.olga, &format!("{path}/compute"), json!({}))
        .await;
    let reconciler = crate::rescorings::round;
    let db = as_role(&stage.world.owner, Role::Scoring).await;
    let now = molar_domain::Clock::now(&stage.world.objects.clock);
    reconciler(&db, now).await.unwrap();
    assert_eq!(stage.rows().await, ["finished 0 of 2", "running 1 of 2"]);
    stage
        .post(
            &stage.olga,
            &format!("{path}/drop"),
            json!({"reason": "no"}),
        )
        .await;
    stage.work().await;
    assert_eq!(stage.rows().await, ["finished 0 of 2", "cancelled 1 of 2"]);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn everything_again_asks_for_the_name_of_the_phase(owner: PgPool) {
    let stage = Stage::set(owner).await;
    let (status, same) = stage.draft(json!({})).await;
    assert_eq!((status, &same["code"]), (409, &json!("nothing-differs")));
    for confirm in [Value::Null, json!("validation"), json!("teeth/teeth/final")] {
        let (status, refused) = stage
            .draft(json!({"scope": "everything", "confirm": confirm}))
            .await;
        assert_eq!(status, 422, "{refused}");
        assert_eq!(refused["errors"][0]["pointer"], "/confirm");
    }
    // Other metrics leave no score to take over.
    sqlx::query!("UPDATE tracks.phases SET metrics = '{IA,image_HD95}'")
        .execute(&stage.world.owner)
        .await
        .unwrap();
    let (status, refused) = stage.draft(json!({})).await;
    assert_eq!(
        (status, &refused["errors"][0]["pointer"]),
        (422, &json!("/confirm"))
    );
    let name = "teeth/teeth/validation";
    let path = stage
        .ready(json!({"scope": "everything", "confirm": name}))
        .await;
    assert_eq!(stage.rows().await, ["finished 0 of 2", "finished 0 of 2"]);
    let (status, second) = stage.draft(json!({"confirm": name})).await;
    assert_eq!((status, &second["code"]), (409, &json!("rescoring-open")));
    assert_eq!(stage.publish(&stage.olga, &path, json!({})).await.0, 200);
    assert_eq!(stage.counting().await, ["finished f", "finished t"]);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn everything_again_with_nothing_changed_counts_once_it_is_published(owner: PgPool) {
    let stage = Stage::set(owner).await;
    let path = stage
        .ready(json!({"scope": "everything", "confirm": "teeth/teeth/validation"}))
        .await;
    assert_eq!(stage.counting().await, ["finished t"]);
    assert_eq!(stage.publish(&stage.olga, &path, json!({})).await.0, 200);
    stage.work().await;
    // Both were measured by what counts; the newer is shown.
    assert_eq!(stage.counting().await, ["finished t", "finished t"]);
    let shown = sqlx::query_scalar!(
        r#"SELECT e.rescoring_id IS NOT NULL AS "is!" FROM submission.life l
           JOIN scoring.evaluations e ON e.id = l.evaluation_id"#
    );
    assert!(shown.fetch_one(&stage.world.owner).await.unwrap());
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn another_organizer_confirms_where_the_file_says_so(owner: PgPool) {
    let stage = Stage::set(owner).await;
    sqlx::query!("UPDATE tracks.challenges SET second_organizer = '{rescore}'")
        .execute(&stage.world.owner)
        .await
        .unwrap();
    let bob = testing::organizer(&stage.world.owner, "Bob", stage.challenge.id).await;
    stage.correct().await;
    let path = stage.ready(json!({})).await;

    let (status, asked) = stage
        .publish(&stage.olga, &path, json!({"reason": "now"}))
        .await;
    assert_eq!(status, 202, "{asked}");
    assert_eq!(
        asked["detail"],
        "publishing this re-scoring waits for a second organizer; ask Bob to confirm it under /organize/requests"
    );
    assert_eq!(stage.counting().await, ["finished t"]);
    let confirms = json!({"confirms": asked["request_id"]});
    let (status, own) = stage.publish(&stage.olga, &path, confirms.clone()).await;
    assert_eq!(
        (status, &own["code"]),
        (409, &json!("second-organizer-is-the-first"))
    );
    let (status, again) = stage.publish(&stage.olga, &path, json!({})).await;
    assert_eq!(
        (status, &again["code"]),
        (409, &json!("waits-for-second-organizer"))
    );
    assert_eq!(stage.publish(&bob, &path, json!({})).await.0, 409);
    assert_eq!(stage.counting().await, ["finished t"]);

    let (status, done) = stage.publish(&bob, &path, confirms).await;
    assert_eq!(
        (status, &done["state"]),
        (200, &json!("published")),
        "{done}"
    );
    assert_eq!(stage.counting().await, ["finished f", "finished t"]);
    let actions = stage.actions().await;
    assert_eq!(
        actions[2..],
        ["request.made", "request.confirmed", "rescoring.published"]
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_submission_that_is_scored_meanwhile_is_measured_too_before_it_is_published(
    owner: PgPool,
) {
    let stage = Stage::set(owner).await;
    stage.correct().await;
    let path = stage.ready(json!({})).await;
    submit(&stage.world, &stage.challenge, "Late").await;
    // It is scored by what counts, and one round is missing until it is measured beside.
    stage.world.objects.clock.advance(TimeDelta::minutes(1));
    stage.world.step().await;
    let (status, early) = stage.publish(&stage.olga, &path, json!({})).await;
    assert_eq!(
        (status, &early["code"]),
        (409, &json!("preview-not-complete"))
    );
    assert_eq!(stage.counting().await, ["finished t", "finished t"]);
    stage.work().await;
    assert_eq!(stage.publish(&stage.olga, &path, json!({})).await.0, 200);
    assert_eq!(
        stage
            .counting()
            .await
            .iter()
            .filter(|one| *one == "finished t")
            .count(),
        2
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_teams_hand_in_is_measured_before_a_rescoring_the_oldest_first(owner: PgPool) {
    let stage = Stage::set(owner).await;
    stage.correct().await;
    let (_, made) = stage.draft(json!({})).await;
    let path = format!(
        "/api/v1/rescorings/{}/compute",
        made["id"].as_str().unwrap()
    );
    assert_eq!(stage.post(&stage.olga, &path, json!({})).await.0, 200);
    stage.world.make_evaluations().await;
    let mut waiting = Vec::new();
    for team in ["Early", "Late"] {
        let submission = submit(&stage.world, &stage.challenge, team).await;
        stage.world.objects.clock.advance(TimeDelta::minutes(1));
        stage.world.make_evaluations().await;
        waiting.extend([Some(submission.id.0); 2]);
    }
    waiting.extend([Some(stage.submission.id.0), None]);
    let mut taken = Vec::new();
    for _ in 0..waiting.len() {
        let submission = match stage.world.claim().await {
            Some(evaluation) => sqlx::query_scalar!(
                "SELECT submission_id FROM scoring.evaluations WHERE id = $1",
                evaluation.0
            )
            .fetch_optional(&stage.world.owner)
            .await
            .unwrap(),
            None => None,
        };
        taken.push(submission);
    }
    assert_eq!(taken, waiting);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_new_scorer_never_stands_beside_an_old_one(owner: PgPool) {
    let stage = Stage::set(owner).await;
    sqlx::query!("UPDATE scoring.evaluations SET scorer_version = 'old'")
        .execute(&stage.world.owner)
        .await
        .unwrap();
    sqlx::query!("UPDATE scoring.frames SET scorer_version = 'old'")
        .execute(&stage.world.owner)
        .await
        .unwrap();
    submit(&stage.world, &stage.challenge, "Late").await;
    stage.work().await;
    // Measured, and named by whom; the board takes only what is current.
    assert_eq!(stage.counting().await, ["finished t", "finished f"]);
    let path = stage
        .ready(json!({"confirm": "teeth/teeth/validation"}))
        .await;
    // Of the late one the score is taken over: it was measured by the new scorer already.
    assert_eq!(
        stage.rows().await[..2],
        ["finished 0 of 2", "finished 0 of 2"]
    );
    let mut rescored = stage.rows().await[2..].to_vec();
    rescored.sort();
    assert_eq!(rescored, ["finished 0 of 2", "finished 2 of 2"]);
    assert_eq!(stage.publish(&stage.olga, &path, json!({})).await.0, 200);
    stage.work().await;
    assert_eq!(
        stage.counting().await,
        ["finished f", "finished t", "finished t", "finished t"]
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn reviewers_read_and_change_nothing_and_others_find_nothing(owner: PgPool) {
    let stage = Stage::set(owner).await;
    stage.correct().await;
    let path = stage.ready(json!({})).await;
    let rita = testing::organizer(&stage.world.owner, "Rita", stage.challenge.id).await;
    sqlx::query!(
        "UPDATE registration.challenge_roles SET role = 'reviewer' WHERE user_id = $1",
        rita.id.0
    )
    .execute(&stage.world.owner)
    .await
    .unwrap();
    assert_eq!(stage.publish(&rita, &path, json!({})).await.0, 403);
    let elsewhere = molar_testkit::ChallengeBuilder::new("other")
        .insert(&stage.world.owner)
        .await;
    let eve = testing::organizer(&stage.world.owner, "Eve", elsewhere.id).await;
    assert_eq!(stage.publish(&eve, &path, json!({})).await.0, 404);
    assert_eq!(stage.counting().await, ["finished t"]);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_phase_whose_predictions_are_gone_says_so_and_is_not_measured_again(pool: PgPool) {
    let stage = Stage::set(pool).await;
    stage.correct().await;
    let (status, made) = stage.draft(json!({})).await;
    assert_eq!(status, 201, "{made}");
    sqlx::query!(
        "INSERT INTO submission.removals (id, phase_id, retention_days, begun_at)
         SELECT gen_random_uuid(), id, 90, '2027-03-02T05:00:00Z' FROM tracks.phases"
    )
    .execute(&stage.world.owner)
    .await
    .unwrap();
    let path = format!("/api/v1/rescorings/{}", made["id"].as_str().unwrap());
    let computed = stage
        .post(&stage.olga, &format!("{path}/compute"), json!({}))
        .await;
    let drafted = stage.draft(json!({})).await;
    for (status, problem) in [computed, drafted] {
        assert_eq!(
            (status, &problem["code"]),
            (409, &json!("files-removed")),
            "{problem}"
        );
        let told = problem["detail"].as_str().unwrap();
        assert!(
            told.contains("removed on 2 March 2027 under the phase's retention of 90 days"),
            "{told}"
        );
    }
    stage.work().await;
    assert_eq!(stage.counting().await, ["finished t"]);
}
