use chrono::TimeDelta;
use molar_domain::attempt::AttemptState;
use molar_domain::phase::SubmissionKind;
use molar_domain::upload::UploadState;
use molar_testkit::{
    AttemptBuilder, Challenge, ChallengeBuilder, EvaluationBuilder, PhaseBuilder,
    SubmissionBuilder, Team, TeamBuilder,
};
use molar_web_kit::testing::{noon, organizer, person};
use serde_json::json;
use sqlx::PgPool;

use super::*;
use crate::testing::Api;

/// As a process does that has just begun.
async fn round(kit: &Kit) -> Result<(), Error> {
    super::round(kit, &Pending::default()).await
}

/// What was queued: to whom, the subject, the text.
async fn queued(pool: &PgPool) -> Vec<(String, String, String)> {
    let rows = sqlx::query!(
        "SELECT u.name, m.subject, m.text FROM registration.mails m
         JOIN registration.users u ON u.id = m.user_id ORDER BY m.subject, u.name"
    );
    let rows = rows.fetch_all(pool).await.unwrap();
    rows.into_iter()
        .map(|row| (row.name, row.subject, row.text))
        .collect()
}

fn subjects(queued: &[(String, String, String)]) -> Vec<String> {
    let lines = queued
        .iter()
        .map(|(name, subject, _)| format!("{name}: {subject}"));
    lines.collect()
}

async fn team(pool: &PgPool, challenge: &Challenge) -> Team {
    let (ada, grace) = (person(pool, "Ada").await, person(pool, "Grace").await);
    let team = TeamBuilder::new(challenge, "Molars").member(ada.id);
    team.member(grace.id).insert(pool).await
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn each_end_of_a_submission_is_told_once_to_each_member(pool: PgPool) {
    let api = Api::new(&pool).await;
    let challenge = ChallengeBuilder::new("teeth").insert(&pool).await;
    let team = team(&pool, &challenge).await;
    let new = || SubmissionBuilder::new(&challenge, &team);
    let scored = new().insert(&pool).await;
    new().state(UploadState::Refused).insert(&pool).await;
    new().state(UploadState::Open).insert(&pool).await;
    new()
        .state(UploadState::Cancelled)
        .cancelled()
        .insert(&pool)
        .await;
    let values = json!({"image_DSC": 0.765});
    let running = EvaluationBuilder::new(&challenge, &scored, values.clone()).running();
    running.insert(&pool).await;

    round(&api.kit).await.unwrap();
    let first = queued(&pool).await;
    assert_eq!(first.len(), 2, "{first:?}");
    sqlx::query!("DELETE FROM scoring.case_scores")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query!("DELETE FROM scoring.evaluations")
        .execute(&pool)
        .await
        .unwrap();
    EvaluationBuilder::new(&challenge, &scored, values)
        .insert(&pool)
        .await;
    for _ in 0..2 {
        round(&api.kit).await.unwrap();
    }
    let all = queued(&pool).await;
    let place = &all[0].1.split_once(": ").unwrap().1.to_owned();
    assert_eq!(
        subjects(&all),
        [
            format!("Ada: Submission refused: {place}"),
            format!("Grace: Submission refused: {place}"),
            format!("Ada: Submission scored: {place}"),
            format!("Grace: Submission scored: {place}"),
        ]
    );
    assert!(
        all[0].2.contains("bad-archive: The file is damaged"),
        "{}",
        all[0].2
    );
    assert!(
        all[2].2.contains("Its scores are on its page."),
        "{}",
        all[2].2
    );
    assert!(
        all[2]
            .2
            .contains(&format!("http://molar.test/submissions/{}", scored.id))
    );
    assert!(
        all.iter()
            .all(|(_, subject, text)| !format!("{subject}{text}").contains("0.765"))
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_end_of_a_rerun_is_told_once_more_with_its_reason(pool: PgPool) {
    let (api, untold) = (Api::new(&pool).await, Pending::default());
    let round = async || super::round(&api.kit, &untold).await.unwrap();
    let phase = PhaseBuilder::new("final").kind(SubmissionKind::Container);
    let challenge = ChallengeBuilder::new("teeth").phase(phase);
    let challenge = challenge.insert(&pool).await;
    let team = team(&pool, &challenge).await;
    let new = SubmissionBuilder::new(&challenge, &team).container();
    let submission = new.insert(&pool).await;
    let attempt = || AttemptBuilder::new(&challenge, &submission);
    let first = attempt().state(AttemptState::Finished).insert(&pool).await;
    EvaluationBuilder::new(&challenge, &submission, json!({"image_DSC": 0.5}))
        .attempt(&first)
        .insert(&pool)
        .await;
    round().await;
    assert_eq!(queued(&pool).await.len(), 2);

    let again = attempt().rerun(2, "the engine had crashed");
    let again = again.created_at(noon() + TimeDelta::hours(1));
    let again = again.insert(&pool).await;
    round().await;
    assert_eq!(queued(&pool).await.len(), 2, "it has not ended");
    sqlx::query!(
        "UPDATE execution.attempts SET state = 'failed', failure = 'worker-lost', finished_at = created_at WHERE id = $1",
        again.id.0
    )
    .execute(&pool)
    .await
    .unwrap();
    for _ in 0..2 {
        round().await;
    }
    let all = queued(&pool).await;
    assert_eq!(all.len(), 4, "{all:?}");
    let told = all.iter().filter(|(_, subject, text)| {
        subject.starts_with("Submission scored")
            && text.contains("run again, at no cost to you: the engine had crashed")
            && text.contains("That run failed with worker-lost, so the earlier scores stand.")
    });
    assert_eq!(told.count(), 2, "{all:?}");
}

/// What is untold again behind the rounds' back is told by whoever reads it.
#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn only_a_full_look_reads_what_was_made_long_ago(pool: PgPool) {
    let (api, untold) = (Api::new(&pool).await, Pending::default());
    let round = async || super::round(&api.kit, &untold).await.unwrap();
    let challenge = ChallengeBuilder::new("teeth").insert(&pool).await;
    let team = team(&pool, &challenge).await;
    let new = || SubmissionBuilder::new(&challenge, &team).state(UploadState::Refused);
    let long_ago = noon() - TimeDelta::hours(2);
    new().created_at(long_ago).insert(&pool).await;
    round().await;
    assert_eq!(queued(&pool).await.len(), 2);
    sqlx::raw_sql("DELETE FROM registration.mails; DELETE FROM registration.noticed")
        .execute(&pool)
        .await
        .unwrap();
    new().insert(&pool).await;
    api.clock.advance(TimeDelta::minutes(9));
    round().await;
    assert_eq!(queued(&pool).await.len(), 2, "of the new one");
    api.clock.advance(TimeDelta::minutes(1));
    round().await;
    assert_eq!(queued(&pool).await.len(), 4);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn an_end_that_cannot_be_told_keeps_no_other_from_its_turn(pool: PgPool) {
    let (api, untold) = (Api::new(&pool).await, Pending::default());
    let round = async || super::round(&api.kit, &untold).await;
    let challenge = ChallengeBuilder::new("teeth").insert(&pool).await;
    let team = team(&pool, &challenge).await;
    let new = || SubmissionBuilder::new(&challenge, &team).state(UploadState::Refused);
    let raw = async |sql: String| {
        let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&pool).await;
        done.unwrap();
    };
    // Whichever of the two comes first.
    for (broken, before) in [(0, 0), (1, 4)] {
        let mut ids = [
            new().insert(&pool).await.id.0,
            new().insert(&pool).await.id.0,
        ];
        ids.sort_unstable();
        raw(format!(
            "CREATE FUNCTION registration.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF NEW.subject_id = '{}' THEN RAISE EXCEPTION 'of a test'; END IF; RETURN NEW; END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON registration.noticed
             FOR EACH ROW EXECUTE FUNCTION registration.refuse()",
            ids[broken]
        ))
        .await;
        for _ in 0..2 {
            assert!(round().await.is_err());
            assert_eq!(queued(&pool).await.len(), before + 2, "of the other");
        }
        raw("DROP FUNCTION registration.refuse CASCADE".to_owned()).await;
        round().await.unwrap();
        assert_eq!(queued(&pool).await.len(), before + 4);
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn what_was_made_long_ago_is_told_once_and_soon_after_it_ends(pool: PgPool) {
    let (api, untold) = (Api::new(&pool).await, Pending::default());
    let round = async || super::round(&api.kit, &untold).await.unwrap();
    let challenge = ChallengeBuilder::new("teeth").insert(&pool).await;
    let team = team(&pool, &challenge).await;
    let new = SubmissionBuilder::new(&challenge, &team);
    let submission = new.insert(&pool).await;
    for _ in 0..3 {
        round().await;
        api.clock.advance(TimeDelta::hours(1));
    }
    round().await;
    assert_eq!(queued(&pool).await, [], "it has not ended");
    EvaluationBuilder::new(&challenge, &submission, json!({"image_DSC": 0.5}))
        .insert(&pool)
        .await;
    for _ in 0..2 {
        api.clock.advance(TimeDelta::seconds(5));
        round().await;
        assert_eq!(queued(&pool).await.len(), 2);
    }
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn of_a_final_phase_no_mail_promises_a_score(pool: PgPool) {
    let api = Api::new(&pool).await;
    let phase = PhaseBuilder::new("final").is_final();
    let challenge = ChallengeBuilder::new("teeth")
        .phase(phase)
        .insert(&pool)
        .await;
    let team = team(&pool, &challenge).await;
    let submission = SubmissionBuilder::new(&challenge, &team)
        .insert(&pool)
        .await;
    let evaluation = EvaluationBuilder::new(&challenge, &submission, json!({"image_DSC": 0.765}));
    evaluation.insert(&pool).await;
    round(&api.kit).await.unwrap();
    let all = queued(&pool).await;
    assert_eq!(all.len(), 2);
    assert!(
        all[0].2.contains("shown when the organizers publish"),
        "{}",
        all[0].2
    );
    assert!(!all[0].2.contains("0.765"), "{}", all[0].2);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn where_the_board_hides_values_no_mail_promises_a_score_for_later(pool: PgPool) {
    let api = Api::new(&pool).await;
    let challenge = ChallengeBuilder::new("teeth").insert(&pool).await;
    sqlx::query!(r#"UPDATE tracks.phases SET board = '{"values": "order"}'"#)
        .execute(&pool)
        .await
        .unwrap();
    let team = team(&pool, &challenge).await;
    let submission = SubmissionBuilder::new(&challenge, &team)
        .insert(&pool)
        .await;
    let evaluation = EvaluationBuilder::new(&challenge, &submission, json!({"image_DSC": 0.765}));
    evaluation.insert(&pool).await;
    round(&api.kit).await.unwrap();
    let all = queued(&pool).await;
    let text = &all[0].2;
    assert!(
        text.contains("shows no scores of single submissions"),
        "{text}"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn who_wants_no_mail_gets_none_and_none_later(pool: PgPool) {
    let api = Api::new(&pool).await;
    let challenge = ChallengeBuilder::new("teeth").insert(&pool).await;
    let team = team(&pool, &challenge).await;
    let wants = |wants: bool| {
        let captain = team.captain.0;
        let pool = pool.clone();
        async move {
            sqlx::query!(
                "UPDATE registration.users SET wants_notices = $2 WHERE id = $1",
                captain,
                wants
            )
            .execute(&pool)
            .await
            .unwrap();
        }
    };
    wants(false).await;
    let refused = SubmissionBuilder::new(&challenge, &team).state(UploadState::Refused);
    refused.insert(&pool).await;
    round(&api.kit).await.unwrap();
    wants(true).await;
    round(&api.kit).await.unwrap();
    let all = queued(&pool).await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].0, "Grace");
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_decision_is_told_with_its_reason_and_the_next_one_again(pool: PgPool) {
    let api = Api::new(&pool).await;
    let challenge = ChallengeBuilder::new("teeth").insert(&pool).await;
    let team = team(&pool, &challenge).await;
    round(&api.kit).await.unwrap();
    assert_eq!(queued(&pool).await, [], "nobody decided anything");

    let decide = async |state: &str, reason: Option<&str>, at: DateTime<Utc>| {
        sqlx::query!(
            "UPDATE registration.participations
             SET state = $2, reason = $3, decided_by = $4, decided_at = $5 WHERE id = $1",
            team.participation_id.0,
            state,
            reason,
            team.captain.0,
            at,
        )
        .execute(&pool)
        .await
        .unwrap();
        round(&api.kit).await.unwrap();
        round(&api.kit).await.unwrap();
    };
    decide("refused", Some("no lab is named"), noon()).await;
    let all = queued(&pool).await;
    assert_eq!(all.len(), 2);
    assert!(all[0].1.starts_with("Molars was refused: "), "{}", all[0].1);
    assert!(
        all[0].2.contains("Their reason: no lab is named"),
        "{}",
        all[0].2
    );
    decide("approved", None, noon() + TimeDelta::hours(1)).await;
    assert_eq!(queued(&pool).await.len(), 4);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn the_close_of_a_phase_that_waits_for_a_publication_is_not_told(pool: PgPool) {
    let api = Api::new(&pool).await;
    let phase = PhaseBuilder::new("open")
        .window(noon() - TimeDelta::days(1), noon() + TimeDelta::hours(20));
    let challenge = ChallengeBuilder::new("teeth").phase(phase);
    let challenge = challenge.insert(&pool).await;
    team(&pool, &challenge).await;
    let last = PhaseBuilder::new("final")
        .is_final()
        .window(noon() - TimeDelta::days(2), noon() - TimeDelta::days(1));
    let last = last.insert(&pool, &challenge).await;
    sqlx::query!(
        "UPDATE tracks.phases SET opens_after = $1 WHERE id <> $1",
        last.0
    )
    .execute(&pool)
    .await
    .unwrap();
    round(&api.kit).await.unwrap();
    assert_eq!(queued(&pool).await, []);
    sqlx::query!(
        "UPDATE tracks.phases SET published_at = $2 WHERE id = $1",
        last.0,
        noon()
    )
    .execute(&pool)
    .await
    .unwrap();
    round(&api.kit).await.unwrap();
    assert_eq!(queued(&pool).await.len(), 2);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn a_close_is_told_a_day_ahead_to_teams_that_take_part(pool: PgPool) {
    let api = Api::new(&pool).await;
    let closes = noon() + TimeDelta::days(5);
    let phase = PhaseBuilder::new("validation").window(noon() - TimeDelta::days(1), closes);
    let challenge = ChallengeBuilder::new("teeth")
        .zone("Europe/Berlin")
        .phase(phase);
    let challenge = challenge.insert(&pool).await;
    team(&pool, &challenge).await;
    let late = TeamBuilder::new(&challenge, "Lateral").state("requested");
    late.insert(&pool).await;

    api.clock
        .set(closes - TimeDelta::hours(24) - TimeDelta::seconds(1));
    round(&api.kit).await.unwrap();
    assert_eq!(queued(&pool).await, []);
    api.clock.advance(TimeDelta::seconds(1));
    for _ in 0..2 {
        round(&api.kit).await.unwrap();
    }
    let all = queued(&pool).await;
    assert_eq!(all.len(), 2, "{all:?}");
    let moment = "Sunday, 6 September 2026, 14:00 (Europe/Berlin)";
    assert!(all[0].2.contains(moment), "{}", all[0].2);

    let later = closes + TimeDelta::days(2);
    sqlx::query!("UPDATE tracks.phases SET closes_at = $1", later)
        .execute(&pool)
        .await
        .unwrap();
    round(&api.kit).await.unwrap();
    assert_eq!(queued(&pool).await.len(), 2);
    api.clock.set(later - TimeDelta::hours(3));
    sqlx::query!("UPDATE tracks.phases SET visibility = 'organizers'")
        .execute(&pool)
        .await
        .unwrap();
    round(&api.kit).await.unwrap();
    assert_eq!(
        queued(&pool).await.len(),
        2,
        "of a phase that they do not see"
    );
    sqlx::query!("UPDATE tracks.phases SET visibility = 'public'")
        .execute(&pool)
        .await
        .unwrap();
    round(&api.kit).await.unwrap();
    assert_eq!(
        queued(&pool).await.len(),
        4,
        "an extended phase is told anew"
    );
    api.clock.set(later);
    round(&api.kit).await.unwrap();
    assert_eq!(queued(&pool).await.len(), 4);
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn organizers_hear_once_and_a_week_ahead_that_files_go_and_of_another_date_anew(
    pool: PgPool,
) {
    let api = Api::new(&pool).await;
    let challenge = ChallengeBuilder::new("teeth").insert(&pool).await;
    organizer(&pool, "Olga", challenge.id).await;
    let team = team(&pool, &challenge).await;
    let submission = SubmissionBuilder::new(&challenge, &team)
        .insert(&pool)
        .await;
    sqlx::query!("INSERT INTO registration.noticed (subject_id, occasion, noticed_at) SELECT id, 'ended', now() FROM submission.submissions")
        .execute(&pool).await.unwrap();
    let keep = async |days: i32, closed: DateTime<Utc>| {
        sqlx::query!("UPDATE tracks.phases SET retention_days = $1, closes_at = $2, opens_at = $2::timestamptz - interval '1 day'", days, closed)
            .execute(&pool)
            .await
            .unwrap();
        round(&api.kit).await.unwrap();
    };
    let told = async || {
        let rows = sqlx::query!(
            "SELECT removes_at, files, size_bytes FROM registration.retention_notices ORDER BY told_at, due_at"
        );
        let rows = rows.fetch_all(&pool).await.unwrap();
        rows.into_iter()
            .map(|row| (row.removes_at, row.files))
            .collect::<Vec<_>>()
    };
    let day = TimeDelta::days(1);
    // More than two weeks ahead: not yet.
    keep(30, noon() - day * 15).await;
    assert_eq!(told().await, []);
    // What is not scored yet is not counted yet.
    keep(30, noon() - day * 16).await;
    assert_eq!(told().await, []);
    EvaluationBuilder::new(&challenge, &submission, json!({"image_DSC": 0.5}))
        .insert(&pool)
        .await;
    sqlx::query!("UPDATE registration.users SET wants_notices = false")
        .execute(&pool)
        .await
        .unwrap();
    round(&api.kit).await.unwrap();
    round(&api.kit).await.unwrap();
    assert_eq!(told().await, [(noon() + day * 14, 1)]);
    // Shorter, so that it is overdue: a week from now all the same.
    keep(1, noon() - day * 16).await;
    // The date that is no more is forgotten: it would be told anew.
    assert_eq!(told().await, [(noon() + day * 7, 1)]);
    let mails: Vec<_> = queued(&pool)
        .await
        .into_iter()
        .filter(|mail| mail.0 == "Olga")
        .collect();
    assert_eq!(mails.len(), 2, "{mails:?}");
    assert!(mails[0].1.starts_with("Files of "), "{}", mails[0].1);
    assert!(mails[0].2.contains("1 files of "), "{}", mails[0].2);
    assert!(
        !queued(&pool)
            .await
            .iter()
            .any(|mail| mail.0 == "Ada" && mail.1.starts_with("Files"))
    );
}
