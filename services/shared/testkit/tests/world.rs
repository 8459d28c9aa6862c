//! The builders make rows that the schema accepts and the views show.

use molar_domain::attempt::AttemptState;
use molar_domain::phase::SubmissionKind;
use molar_domain::upload::UploadState;
use molar_service::Role;
use molar_testkit::{
    AttemptBuilder, ChallengeBuilder, EvaluationBuilder, PhaseBuilder, SubmissionBuilder,
    TeamBuilder, UserBuilder, WorkerBuilder, as_role, noon, token_for,
};
use serde_json::json;
use sqlx::PgPool;

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_team_with_a_token_has_its_rights_for_every_role(pool: PgPool) {
    let challenge = ChallengeBuilder::new("sts2024").insert(&pool).await;
    let ada = UserBuilder::new("Ada")
        .organizer_of(challenge.id)
        .insert(&pool)
        .await;
    let team = TeamBuilder::new(&challenge, "Molars")
        .member(ada.id)
        .insert(&pool)
        .await;
    let token = token_for(&pool, ada.id).await;

    for role in Role::ALL {
        let caller = sqlx::query!(
            r#"SELECT user_id AS "user_id!", team_ids AS "team_ids!", organizer_of AS "organizer_of!"
               FROM registration.callers
               WHERE token_hash = sha256(convert_to($1, 'UTF8')) AND expires_at > $2"#,
            token,
            noon(),
        )
        .fetch_one(&as_role(&pool, *role).await)
        .await
        .unwrap();
        assert_eq!(caller.user_id, ada.id.0);
        assert_eq!(
            (caller.team_ids, caller.organizer_of),
            (vec![team.id.0], vec![challenge.id.0])
        );
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_container_is_built_in_every_state_of_its_life(pool: PgPool) {
    let phase = PhaseBuilder::new("final")
        .kind(SubmissionKind::Container)
        .is_final();
    let challenge = ChallengeBuilder::new("sts2024")
        .canary()
        .phase(phase)
        .insert(&pool)
        .await;
    let team = TeamBuilder::new(&challenge, "Molars").insert(&pool).await;
    WorkerBuilder::new("w1").slots(2).insert(&pool).await;
    for state in AttemptState::ALL {
        let submission = SubmissionBuilder::new(&challenge, &team)
            .container()
            .insert(&pool)
            .await;
        let attempt = AttemptBuilder::new(&challenge, &submission)
            .state(*state)
            .insert(&pool)
            .await;
        let values = json!({ "image_DSC": 0.5 });
        EvaluationBuilder::new(&challenge, &submission, values)
            .attempt(&attempt)
            .insert(&pool)
            .await;

        let life = sqlx::query!(
            r#"SELECT attempt_state, scored_cases, runs FROM submission.life WHERE submission_id = $1"#,
            submission.id.0
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        assert_eq!(life.attempt_state.as_deref(), Some(state.as_str()));
        assert_eq!((life.scored_cases, life.runs), (Some(2), Some(3)));
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn an_upload_is_built_in_every_state(pool: PgPool) {
    let challenge = ChallengeBuilder::new("sts2024").insert(&pool).await;
    let team = TeamBuilder::new(&challenge, "Molars").insert(&pool).await;
    for state in UploadState::ALL {
        SubmissionBuilder::new(&challenge, &team)
            .state(*state)
            .insert(&pool)
            .await;
    }
    let accepted: Option<i64> = sqlx::query_scalar!("SELECT count(*) FROM submission.accepted")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(accepted, Some(1));
}
