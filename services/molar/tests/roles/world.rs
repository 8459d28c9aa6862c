//! Rows to be seen and changed: a challenge with two teams, another one, and everybody who may call.

use molar_domain::attempt::AttemptState;
use molar_domain::series::Series;
use molar_domain::{ChallengeId, UserId};
use molar_objects::{Bucket, Store};
use molar_testkit::{
    AttemptBuilder, Challenge, ChallengeBuilder, EvaluationBuilder, PhaseBuilder,
    SubmissionBuilder, Team, TeamBuilder, WorkerBuilder,
};
use molar_web_kit::caller::{TokenHash, new_token};
use molar_web_kit::testing::{Person, admin, organizer, person};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

/// Who calls; the columns of the matrix, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Anonymous,
    NoTeam,
    OtherTeam,
    Member,
    Captain,
    Reviewer,
    OtherOrganizer,
    Organizer,
    Admin,
    Worker,
}

impl Kind {
    pub const ALL: [(Self, &str); 10] = [
        (Self::Anonymous, "anonymous"),
        (Self::NoTeam, "no_team"),
        (Self::OtherTeam, "other_team"),
        (Self::Member, "member"),
        (Self::Captain, "captain"),
        (Self::Reviewer, "reviewer"),
        (Self::OtherOrganizer, "other_organizer"),
        (Self::Organizer, "organizer"),
        (Self::Admin, "admin"),
        (Self::Worker, "worker"),
    ];
}

/// By what a kind of caller is known.
pub enum Credential<'a> {
    Nothing,
    Person(&'a Person),
    Key(&'a str),
}

pub struct World {
    people: Vec<(Kind, Person)>,
    pub worker_key: String,
    pub worker: Uuid,
    pub challenge: Challenge,
    pub team: Team,
    pub submission: Uuid,
    pub submission_sha256: String,
    pub evaluation: Uuid,
    /// Of a public case of the team's container.
    pub case_run: Uuid,
    pub invitation: String,
    pub enrolment: String,
    /// Of the captain.
    pub token: Uuid,
}

impl World {
    /// The `number` keeps names apart where there can be only one.
    pub async fn new(owner: &PgPool, store: &Store, number: usize) -> Self {
        let at = |text: &str| text.parse().unwrap();
        let phase = PhaseBuilder::new("validation")
            .window(at("2020-01-01T00:00:00Z"), at("2100-01-01T00:00:00Z"));
        let challenge = ChallengeBuilder::new(&format!("teeth-{number}"))
            .phase(phase.clone())
            .canary()
            .insert(owner)
            .await;
        let other = ChallengeBuilder::new(&format!("jaws-{number}"))
            .phase(phase)
            .insert(owner)
            .await;
        let people = people(owner, &challenge, &other).await;
        let id = |kind| of(&people, kind).id;
        let captain = id(Kind::Captain);
        let team = TeamBuilder::new(&challenge, "Ours")
            .member(captain)
            .member(id(Kind::Member))
            .insert(owner)
            .await;
        TeamBuilder::new(&challenge, "Theirs")
            .member(id(Kind::OtherTeam))
            .insert(owner)
            .await;
        let worker = WorkerBuilder::new(&format!("node-{number}"))
            .insert(owner)
            .await;
        let mut world = Self {
            worker_key: worker.key,
            worker: worker.id.0,
            team,
            submission: Uuid::nil(),
            submission_sha256: String::new(),
            evaluation: Uuid::nil(),
            case_run: Uuid::nil(),
            invitation: String::new(),
            enrolment: String::new(),
            token: Uuid::nil(),
            people,
            challenge,
        };
        world.submit(owner, store).await;
        world.invite(owner, captain).await;
        world
    }

    /// A zip that is scored, and a container whose attempt is over, with the log of its canary.
    async fn submit(&mut self, owner: &PgPool, store: &Store) {
        // Cancelled until they are whole: the processes would make what is missing.
        let zip = SubmissionBuilder::new(&self.challenge, &self.team)
            .cancelled()
            .settled("spent")
            .insert(owner)
            .await;
        let values = json!({"image_DSC": 0.5, "IA": 0.25});
        let evaluation = EvaluationBuilder::new(&self.challenge, &zip, values)
            .insert(owner)
            .await;
        let container = SubmissionBuilder::new(&self.challenge, &self.team)
            .container()
            .cancelled()
            .settled("spent")
            .insert(owner)
            .await;
        let attempt = AttemptBuilder::new(&self.challenge, &container)
            .state(AttemptState::Finished)
            .insert(owner)
            .await;
        let canary = attempt.canary.unwrap().id.0;
        let curves = Series {
            wall_ms: 1500,
            t_ms: vec![100],
            cpu_percent: vec![50.0],
            memory_mib: vec![12.5],
            gpu_used_mib: Vec::new(),
        };
        let curves = curves.pack().unwrap();
        for (what, content) in [("log", b"done".to_vec()), ("series", curves)] {
            let key = format!("{canary}/{what}");
            store
                .put_bytes(Bucket::Logs, &key, "text/plain", content)
                .await
                .unwrap();
        }
        sqlx::query!(
            "UPDATE execution.case_runs SET log_key = $2, series_key = $3 WHERE id = $1",
            canary,
            format!("{canary}/log"),
            format!("{canary}/series"),
        )
        .execute(owner)
        .await
        .unwrap();
        sqlx::query!(
            "UPDATE submission.submissions SET cancelled_at = NULL, cancelled_by = NULL WHERE id = ANY ($1)",
            &[zip.id.0, container.id.0],
        )
        .execute(owner)
        .await
        .unwrap();
        self.submission = zip.id.0;
        self.submission_sha256 = zip.sha256;
        self.evaluation = evaluation.id.0;
        self.case_run = canary;
    }

    async fn invite(&mut self, owner: &PgPool, captain: UserId) {
        let (invitation, hash) = new_token();
        sqlx::query!(
            "INSERT INTO registration.invitations (id, team_id, token_hash, invited_by, created_at, expires_at)
             VALUES ($1, $2, $3, $4, now(), now() + interval '1 day')",
            Uuid::now_v7(),
            self.team.id.0,
            hash.as_bytes(),
            captain.0,
        )
        .execute(owner)
        .await
        .unwrap();
        let now = molar_service::db::now(owner).await.unwrap();
        self.enrolment = molar_execution::create_enrolment_token(owner, now)
            .await
            .unwrap();
        self.invitation = invitation;
        let hash = TokenHash::of(&of(&self.people, Kind::Captain).token);
        self.token = sqlx::query_scalar!(
            "SELECT id FROM registration.tokens WHERE token_hash = $1",
            hash.as_bytes()
        )
        .fetch_one(owner)
        .await
        .unwrap();
    }

    pub fn credential(&self, kind: Kind) -> Credential<'_> {
        match kind {
            Kind::Anonymous => Credential::Nothing,
            Kind::Worker => Credential::Key(&self.worker_key),
            kind => Credential::Person(of(&self.people, kind)),
        }
    }

    /// What stands for a parameter: its name, and the word before it in the path.
    pub fn parameter(&self, noun: &str, name: &str) -> Option<String> {
        let challenge = &self.challenge;
        Some(match (noun, name) {
            ("problems", "name") => "forbidden".to_owned(),
            ("challenges" | "join" | "boards", "slug" | "challenge") => challenge.slug.clone(),
            (_, "track") => "teeth".to_owned(),
            (_, "phase") => "validation".to_owned(),
            ("invitations", "token") => self.invitation.clone(),
            ("boards", "phase_id" | "phase_id}.csv") => challenge.phase_id.to_string(),
            ("phases", "id") => challenge.phase_id.to_string(),
            ("splits", "id") => challenge.split_id.to_string(),
            ("cases", "id") => challenge.cases[0].id.to_string(),
            ("teams", "id") => self.team.id.to_string(),
            ("participations", "id" | "place") => self.team.participation_id.to_string(),
            ("submissions", "id") => self.submission.to_string(),
            ("evaluations", "id") => self.evaluation.to_string(),
            ("case-runs", "id") => self.case_run.to_string(),
            ("workers", "id") => self.worker.to_string(),
            ("tokens", "id") => self.token.to_string(),
            _ => return None,
        })
    }
}

fn of(people: &[(Kind, Person)], wanted: Kind) -> &Person {
    let mut found = people.iter().filter(|(kind, _)| *kind == wanted);
    &found.next().unwrap().1
}

async fn people(owner: &PgPool, ours: &Challenge, other: &Challenge) -> Vec<(Kind, Person)> {
    let people = vec![
        (Kind::NoTeam, person(owner, "Noemi").await),
        (Kind::OtherTeam, person(owner, "Otto").await),
        (Kind::Member, person(owner, "Mary").await),
        (Kind::Captain, person(owner, "Cora").await),
        (Kind::Reviewer, reviewer(owner, ours.id).await),
        (
            Kind::OtherOrganizer,
            organizer(owner, "Orla", other.id).await,
        ),
        (Kind::Organizer, organizer(owner, "Olga", ours.id).await),
        (Kind::Admin, admin(owner, "Anna").await),
    ];
    // They live at a test's noon; the processes go by the real time.
    sqlx::query!("UPDATE registration.tokens SET expires_at = now() + interval '1 day'")
        .execute(owner)
        .await
        .unwrap();
    people
}

async fn reviewer(owner: &PgPool, challenge: ChallengeId) -> Person {
    let person = organizer(owner, "Rita", challenge).await;
    sqlx::query!(
        "UPDATE registration.challenge_roles SET role = 'reviewer' WHERE user_id = $1",
        person.id.0
    )
    .execute(owner)
    .await
    .unwrap();
    person
}
