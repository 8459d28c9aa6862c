//! A phase that is scored, and its organizer.

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

pub struct Stage {
    pub world: World,
    pub challenge: Challenge,
    pub olga: Person,
    pub submission: Submission,
}

impl Stage {
    /// A submission that is scored: both cases as the reference has them.
    pub async fn set(owner: PgPool) -> Self {
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
    pub async fn work(&self) {
        for _ in 0..6 {
            self.world.objects.clock.advance(TimeDelta::minutes(1));
            self.world.step().await;
        }
    }

    /// Replaces the reference of the first case: the second tooth was drawn half.
    pub async fn correct(&self) {
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

    pub async fn post(&self, who: &Person, path: &str, body: Value) -> (u16, Value) {
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

    pub async fn draft(&self, more: Value) -> (u16, Value) {
        let mut body = json!({"phase_id": self.challenge.phase_id, "reason": "the wrong tooth"});
        let all = body.as_object_mut().unwrap();
        all.extend(more.as_object().unwrap().clone());
        self.post(&self.olga, "/api/v1/rescorings", body).await
    }

    /// Drafted, measured and ready; its path.
    pub async fn ready(&self, more: Value) -> String {
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

    pub async fn publish(&self, who: &Person, path: &str, body: Value) -> (u16, Value) {
        self.post(who, &format!("{path}/publish"), body).await
    }

    /// State and whether it counts, of each evaluation that others see, by age.
    pub async fn counting(&self) -> Vec<String> {
        sqlx::query_scalar!(
            r#"SELECT format('%s %s', state, is_current) AS "text!" FROM scoring.evaluation_facts ORDER BY evaluation_id"#
        )
        .fetch_all(&self.world.owner)
        .await
        .unwrap()
    }

    /// The same of all there are, with the cases that were taken over.
    pub async fn rows(&self) -> Vec<String> {
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
    pub async fn shown(&self) -> f64 {
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

    pub async fn actions(&self) -> Vec<String> {
        sqlx::query_scalar!("SELECT action FROM audit.entries ORDER BY seq")
            .fetch_all(&self.world.owner)
            .await
            .unwrap()
    }
}

pub async fn submit(world: &World, challenge: &Challenge, team: &str) -> Submission {
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
