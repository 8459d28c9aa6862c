//! Imported boards over HTTP.

mod bad_input;
mod organize;
mod page;
mod published;
mod read;
mod rights;

use actix_web::dev::ServiceResponse;
use actix_web::test::{TestRequest, call_service, read_body};
use molar_service::Role;
use molar_testkit::{Challenge, ChallengeBuilder, MockClock, as_role, noon};
use molar_web_kit::testing::{self, Person};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::routes;

const SMALL: &str = "team,IA,IA_rank,final_rank\nA,0.9,1,1\nB,0.8,2,1\n";

struct World {
    owner: PgPool,
    challenge: Challenge,
    olga: Person,
}

impl World {
    async fn new(owner: PgPool) -> Self {
        let challenge = ChallengeBuilder::new("sts").insert(&owner).await;
        Self {
            olga: testing::organizer(&owner, "Olga", challenge.id).await,
            challenge,
            owner,
        }
    }

    /// What is sent for a table.
    fn body(&self, table: &str) -> Value {
        json!({"challenge": self.challenge.slug, "slug": "final", "title": "Final", "table": table})
    }

    /// By the organizer.
    async fn import(&self, body: &Value) -> (u16, Value) {
        self.post("/api/v1/boards/imported", Some(&self.olga), None, body)
            .await
    }

    /// Which has to succeed; its id.
    async fn imported(&self, body: &Value) -> String {
        let (status, made) = self.import(body).await;
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    async fn post(
        &self,
        path: &str,
        person: Option<&Person>,
        key: Option<&str>,
        body: &Value,
    ) -> (u16, Value) {
        let mut request = TestRequest::post().uri(path).set_json(body);
        if let Some(key) = key {
            request = request.insert_header(("idempotency-key", key));
        }
        let (status, _, text) = self.send(request, person).await;
        (status, serde_json::from_str(&text).unwrap())
    }

    /// As whoever is not signed in.
    async fn get(&self, path: &str) -> (u16, String) {
        let (status, _, text) = self.send(TestRequest::get().uri(path), None).await;
        (status, text)
    }

    async fn json(&self, path: &str) -> Value {
        let (status, text) = self.get(path).await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The name of the file that is answered.
    async fn named(&self, path: &str) -> String {
        let answer = self.answer(TestRequest::get().uri(path), None).await;
        let name = answer.headers().get("content-disposition").unwrap();
        name.to_str().unwrap().to_owned()
    }

    /// With the tag of what is answered.
    async fn send(&self, request: TestRequest, person: Option<&Person>) -> (u16, String, String) {
        let answer = self.answer(request, person).await;
        let tag = answer.headers().get("etag");
        let tag = tag.map_or(String::new(), |tag| tag.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        let text = String::from_utf8(read_body(answer).await.to_vec()).unwrap();
        (status, tag, text)
    }

    async fn answer(&self, mut request: TestRequest, person: Option<&Person>) -> ServiceResponse {
        let db = as_role(&self.owner, Role::Leaderboard).await;
        let kit = testing::kit(Role::Leaderboard, db, MockClock::at(noon()));
        let app = testing::app(kit, routes(), |_| {}).await;
        if let Some(person) = person {
            request = request.insert_header(person.bearer());
        }
        let answer = call_service(&app, request.to_request()).await;
        answer.map_into_boxed_body()
    }

    /// Boards that are kept, and entries of the audit log about them.
    async fn kept(&self) -> (i64, i64) {
        let found = sqlx::query!(
            r#"SELECT (SELECT count(*) FROM leaderboard.imports) AS "boards!",
                      (SELECT count(*) FROM audit.entries WHERE action LIKE 'board.%') AS "entries!""#
        )
        .fetch_one(&self.owner)
        .await
        .unwrap();
        (found.boards, found.entries)
    }
}

/// As many boards as a challenge may have, where it has one.
async fn fill(owner: &PgPool) {
    sqlx::query!(
        "INSERT INTO leaderboard.imports (id, challenge_id, slug, title, table_sha256, metrics, left_out, rows, imported_by, imported_at)
         SELECT gen_random_uuid(), challenge_id, 'board-' || n, title, table_sha256, metrics, left_out, rows, imported_by, imported_at
         FROM leaderboard.imports, generate_series(1, 99) n"
    )
    .execute(owner)
    .await
    .unwrap();
}
