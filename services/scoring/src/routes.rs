//! Every path of the role.

use molar_service::Role;
use molar_web_kit::{Access, Routes};

use crate::evaluations::{cases, list};
use crate::{exports, rescorings, viewer};

pub fn routes() -> Routes {
    Routes::new(Role::Scoring)
        .get("/api/v1/evaluations", Access::SignedIn, list::list)
        .get(
            "/api/v1/evaluations/{id}/cases",
            Access::SignedIn,
            cases::cases,
        )
        .get(
            "/api/v1/evaluations/outputs",
            Access::Organizer,
            exports::outputs::outputs,
        )
        .get(
            "/api/v1/evaluations/scores.csv",
            Access::SignedIn,
            exports::scores::scores,
        )
        .post(
            "/api/v1/rescorings",
            Access::Organizer,
            rescorings::create::create,
        )
        .get(
            "/api/v1/rescorings",
            Access::SignedIn,
            rescorings::list::list,
        )
        .get(
            "/api/v1/rescorings/{id}",
            Access::SignedIn,
            rescorings::find::find,
        )
        .post(
            "/api/v1/rescorings/{id}/compute",
            Access::Organizer,
            rescorings::compute::compute,
        )
        .post(
            "/api/v1/rescorings/{id}/publish",
            Access::Organizer,
            rescorings::publish::publish,
        )
        .post(
            "/api/v1/rescorings/{id}/drop",
            Access::Organizer,
            rescorings::discard::discard,
        )
        .get(
            "/api/v1/submissions/{id}/cases/{case}/picture",
            Access::SignedIn,
            viewer::picture,
        )
        .get(
            "/organize/submissions/{id}/cases/{case}",
            Access::SignedIn,
            viewer::page,
        )
        .get(
            "/organize/rescorings",
            Access::SignedIn,
            rescorings::pages::list,
        )
        .post(
            "/organize/rescorings",
            Access::Organizer,
            rescorings::pages::create,
        )
        .get(
            "/organize/rescorings/{id}",
            Access::SignedIn,
            rescorings::pages::show,
        )
        .post(
            "/organize/rescorings/{id}/compute",
            Access::Organizer,
            rescorings::pages::compute,
        )
        .post(
            "/organize/rescorings/{id}/publish",
            Access::Organizer,
            rescorings::pages::publish,
        )
        .post(
            "/organize/rescorings/{id}/drop",
            Access::Organizer,
            rescorings::pages::discard,
        )
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, read_body};
    use molar_domain::{EvaluationId, SubmissionId, TeamId};
    use molar_testkit::{
        Challenge, ChallengeBuilder, EvaluationBuilder, MockClock, PhaseBuilder, SubmissionBuilder,
        TeamBuilder, as_role, noon,
    };
    use molar_web_kit::testing::{self, Person};
    use serde_json::{Value, json};
    use sqlx::PgPool;

    use super::*;

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn every_route_denies_whom_it_should(db: PgPool) {
        testing::every_route_denies(db, routes).await;
    }

    #[test]
    fn the_whole_api_is_documented() {
        testing::every_api_route_is_documented(&routes(), &crate::openapi());
    }

    struct World {
        owner: PgPool,
        challenge: Challenge,
        member: Person,
        submission: SubmissionId,
        evaluation: EvaluationId,
        team: TeamId,
    }

    async fn world(owner: PgPool, phase: PhaseBuilder) -> World {
        let challenge = ChallengeBuilder::new("teeth")
            .phase(phase)
            .insert(&owner)
            .await;
        let member = testing::person(&owner, "Ada").await;
        let team = TeamBuilder::new(&challenge, "Molars").member(member.id);
        let team = team.insert(&owner).await;
        let submission = SubmissionBuilder::new(&challenge, &team)
            .insert(&owner)
            .await;
        let values = json!({"image_DSC": 0.5, "IA": 0.25});
        let evaluation = EvaluationBuilder::new(&challenge, &submission, values);
        let evaluation = evaluation.insert(&owner).await;
        World {
            team: team.id,
            submission: submission.id,
            evaluation: evaluation.id,
            owner,
            challenge,
            member,
        }
    }

    impl World {
        async fn get(&self, path: &str, person: &Person) -> (u16, Value) {
            let db = as_role(&self.owner, Role::Scoring).await;
            let kit = testing::kit(Role::Scoring, db, MockClock::at(noon()));
            let app = testing::app(kit, routes(), |_| {}).await;
            let request = TestRequest::get().uri(path).insert_header(person.bearer());
            let response = call_service(&app, request.to_request()).await;
            let status = response.status().as_u16();
            let body = read_body(response).await;
            (status, serde_json::from_slice(&body).unwrap())
        }

        fn paths(&self) -> [String; 2] {
            [
                format!("/api/v1/evaluations?submission_id={}", self.submission),
                format!("/api/v1/evaluations/{}/cases", self.evaluation),
            ]
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn a_team_sees_its_cases_where_the_phase_shows_scores(owner: PgPool) {
        let world = world(owner, PhaseBuilder::new("validation")).await;
        let [list, cases] = world.paths();
        let (status, body) = world.get(&list, &world.member).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(body[0]["id"], json!(world.evaluation));
        assert_eq!(
            (&body[0]["cases"], &body[0]["state"]),
            (&json!(2), &json!("finished"))
        );

        let (status, body) = world.get(&format!("{cases}?limit=1"), &world.member).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(
            body["items"][0]["values"],
            json!({"image_DSC": 0.5, "IA": 0.25})
        );
        let next = body["next"].as_str().unwrap();
        let (_, rest) = world
            .get(&format!("{cases}?cursor={next}"), &world.member)
            .await;
        assert_eq!(rest["items"].as_array().unwrap().len(), 1);
        assert_ne!(rest["items"][0]["case"], body["items"][0]["case"]);
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn where_the_board_hides_values_a_team_sees_none_of_its_own(owner: PgPool) {
        let world = world(owner, PhaseBuilder::new("validation").published()).await;
        for (board, expected) in [
            (json!({"values": "order"}), 403),
            (json!({"values": "rounded", "decimals": 2}), 403),
            (json!({"ladder_step": 0.01}), 403),
            (json!({"names": "anonymous", "is_hidden": true}), 200),
        ] {
            sqlx::query!("UPDATE tracks.phases SET board = $1", board)
                .execute(&world.owner)
                .await
                .unwrap();
            for path in world.paths() {
                let (status, body) = world.get(&path, &world.member).await;
                assert_eq!(status, expected, "{board}: {body}");
            }
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn an_unpublished_final_shows_its_organizer_only(owner: PgPool) {
        let world = world(owner, PhaseBuilder::new("final").is_final()).await;
        let organizer = testing::organizer(&world.owner, "Olga", world.challenge.id).await;
        for path in world.paths() {
            let (status, body) = world.get(&path, &world.member).await;
            assert_eq!(status, 403);
            insta::allow_duplicates! {
                insta::assert_json_snapshot!(body, @r#"
                {
                  "detail": "the rules of this phase hide the scores of single submissions; where it is a final one, until the organizers publish it",
                  "status": 403,
                  "title": "This is not yours to do",
                  "type": "/problems/forbidden"
                }
                "#);
            }
            assert_eq!(world.get(&path, &organizer).await.0, 200);
        }
    }

    #[sqlx::test(migrator = "molar_service::MIGRATOR")]
    async fn others_learn_nothing_not_even_that_it_is_there(owner: PgPool) {
        let world = world(owner, PhaseBuilder::new("validation")).await;
        let other = testing::person(&world.owner, "Eve").await;
        let nothing = uuid::Uuid::from(world.team);
        let unknown = [
            format!("/api/v1/evaluations?submission_id={nothing}"),
            format!("/api/v1/evaluations/{nothing}/cases"),
        ];
        for (there, unknown) in world.paths().iter().zip(&unknown) {
            let answer = world.get(there, &other).await;
            assert_eq!(answer, world.get(unknown, &other).await);
            assert_eq!(answer.0, 404);
        }
        let (status, body) = world
            .get("/api/v1/evaluations?submission_id=7", &other)
            .await;
        assert_eq!(status, 400);
        insta::assert_json_snapshot!(body["type"], @r#""/problems/bad-request""#);
    }
}
