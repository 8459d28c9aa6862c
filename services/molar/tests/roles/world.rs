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
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::system::CSRF_KEY;

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
    /// Of the captain.
    pub session: Uuid,
    pub member: UserId,
    pub made: Made,
}

/// Rows that organizers and the platform make, of our challenge.
#[derive(Debug, Clone, Copy)]
pub struct Made {
    pub invitation: Uuid,
    /// Of the captain, not answered.
    pub question: Uuid,
    pub note: Uuid,
    pub announcement: Uuid,
    /// To the captain, given up.
    pub mail: Uuid,
    /// Of the validation split, not accepted.
    pub correction: Uuid,
    /// A draft.
    pub rescoring: Uuid,
    /// To publish the phase, asked by the admin.
    pub request: Uuid,
    /// The captain's team, named and not published.
    pub finalist: Uuid,
    /// A board from a published table.
    pub imported: Uuid,
}

impl Made {
    fn new() -> Self {
        Self {
            invitation: Uuid::now_v7(),
            question: Uuid::now_v7(),
            note: Uuid::now_v7(),
            announcement: Uuid::now_v7(),
            mail: Uuid::now_v7(),
            correction: Uuid::now_v7(),
            rescoring: Uuid::now_v7(),
            request: Uuid::now_v7(),
            finalist: Uuid::now_v7(),
            imported: Uuid::now_v7(),
        }
    }
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
            session: Uuid::nil(),
            member: id(Kind::Member),
            made: Made::new(),
            people,
            challenge,
        };
        world.submit(owner, store).await;
        world.invite(owner, captain).await;
        world.organize(owner, captain).await;
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
            self.made.invitation,
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
        let captain = of(&self.people, Kind::Captain);
        self.token = id_of(owner, &captain.token).await;
        self.session = id_of(owner, &captain.session).await;
    }

    /// What organizers did, and what waits for them.
    async fn organize(&self, owner: &PgPool, captain: UserId) {
        let Made {
            question,
            note,
            announcement,
            mail,
            correction,
            rescoring,
            request,
            finalist,
            imported,
            ..
        } = self.made;
        let (challenge, phase) = (self.challenge.id, self.challenge.phase_id);
        let (track, split) = (self.challenge.track_id, self.challenge.split_id);
        let (set, team) = (self.challenge.reference_set_id, self.team.id);
        let evaluation = self.evaluation;
        let admin = of(&self.people, Kind::Admin).id;
        let statements = format!(
            "DELETE FROM registration.tries;
             INSERT INTO registration.questions (id, challenge_id, team_id, asked_by, asked_at, text)
             VALUES ('{question}', '{challenge}', '{team}', '{captain}', now(), 'Why?');
             INSERT INTO registration.public_notes (id, challenge_id, kind, title, text, published_by, published_at)
             VALUES ('{note}', '{challenge}', 'faq', 'Why?', 'Because.', '{admin}', now());
             INSERT INTO registration.announcements (id, challenge_id, title, text, is_mailed, created_by, created_at)
             VALUES ('{announcement}', '{challenge}', 'News', 'There is news.', false, '{admin}', now());
             INSERT INTO registration.mails (id, cause, kind, user_id, recipient, subject, text, created_at, deadline,
                                             not_before, given_up_at)
             VALUES ('{mail}', 'test/{mail}', 'account', '{captain}', 'cora@molar.test', 'News', 'There is news.',
                     now(), now(), now(), now());
             INSERT INTO tracks.packs (id, track_id, object_key, size_bytes, sha256, samples, announced_by,
                                       announced_at, stored_at)
             VALUES (gen_random_uuid(), '{track}', 'packs/{track}/1.zip', 5, repeat('1', 64),
                     ARRAY['training/Canary_01'], '{admin}', now(), now());
             INSERT INTO tracks.reference_sets (id, split_id, version, created_at, based_on, reason, created_by)
             VALUES ('{correction}', '{split}', -1, now(), '{set}', 'a test', '{admin}');
             INSERT INTO scoring.frames (phase_id, scorer_version, reference_set_id, parameters_hash, parameters)
             SELECT phase_id, scorer_version, reference_set_id, parameters_hash, parameters
             FROM scoring.evaluations WHERE id = '{evaluation}' ON CONFLICT DO NOTHING;
             INSERT INTO scoring.rescorings (id, phase_id, state, scope, reason, scorer_version, reference_set_id,
                                             parameters_hash, parameters, from_scorer_version, from_reference_set_id,
                                             from_parameters_hash, created_by, created_at)
             SELECT '{rescoring}', phase_id, 'draft', 'everything', 'a test', scorer_version, reference_set_id,
                    parameters_hash, parameters, scorer_version, reference_set_id, parameters_hash, '{admin}', now()
             FROM scoring.evaluations WHERE id = '{evaluation}';
             INSERT INTO audit.requests (id, act, subject_id, challenge_id, requested_by, requested_at, expires_at)
             VALUES ('{request}', 'publish', '{phase}', '{challenge}', '{admin}', now(), now() + interval '1 day');
             INSERT INTO tracks.finals (phase_id, top, ranking_version, named_by, named_at)
             VALUES ('{phase}', 1, 1, '{admin}', now());
             INSERT INTO tracks.finalists (id, phase_id, team_id, rank, named_at)
             VALUES ('{finalist}', '{phase}', '{team}', 1, now());
             INSERT INTO tracks.dossiers (finalist_id, report_key, report_bytes, report_sha256, report_at, code_key, code_bytes,
                                          code_sha256, code_from, code_commit, code_at, changed_by, changed_at)
             VALUES ('{finalist}', 'finals/1.pdf', 1, '', now(), 'finals/1.tar.gz', 1, '', '', '', now(), '{admin}', now());
             INSERT INTO leaderboard.imports (id, challenge_id, slug, title, source, note, table_sha256, metrics, left_out,
                                              rows, imported_by, imported_at)
             VALUES ('{imported}', '{challenge}', 'past', 'Last year', 'https://example.test/table', 'A test.', repeat('1', 64),
                     jsonb_build_array(jsonb_build_object('name', 'IA', 'is_higher_better', true),
                                       jsonb_build_object('name', 'seconds', 'is_higher_better', false)),
                     ARRAY['seconds'],
                     jsonb_build_array(jsonb_build_object(
                         'team', 'Ours', 'values', jsonb_build_array(0.5, NULL), 'ranks', jsonb_build_array(1, NULL),
                         'mean_rank', 1.0, 'final_rank', 1, 'published', jsonb_build_object('final_rank', '2'))),
                     '{admin}', now())"
        );
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(owner)
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
        let (challenge, made) = (&self.challenge, &self.made);
        Some(match (noun, name) {
            ("problems", "name") => "forbidden".to_owned(),
            (_, "slug" | "challenge") => challenge.slug.clone(),
            (_, "track") => "teeth".to_owned(),
            (_, "phase") => "validation".to_owned(),
            ("invitations", "token") => self.invitation.clone(),
            ("boards", "phase_id" | "phase_id}.csv") => challenge.phase_id.to_string(),
            ("figures" | "history", "name") => "none".to_owned(),
            ("boards", "board") => "past".to_owned(),
            ("imported", "id") => made.imported.to_string(),
            ("phases", "id") => challenge.phase_id.to_string(),
            ("splits", "id") => challenge.split_id.to_string(),
            ("cases", "id" | "case") => challenge.cases[0].id.to_string(),
            ("teams", "id") => self.team.id.to_string(),
            ("participations", "id" | "place") => self.team.participation_id.to_string(),
            ("submissions", "id") => self.submission.to_string(),
            ("evaluations", "id") => self.evaluation.to_string(),
            ("case-runs", "id") => self.case_run.to_string(),
            ("workers", "id") => self.worker.to_string(),
            ("tokens", "id") => self.token.to_string(),
            ("sessions", "id") => self.session.to_string(),
            ("members", "user") => self.member.to_string(),
            ("invitations", "invitation") => made.invitation.to_string(),
            ("questions", "id") => made.question.to_string(),
            ("faq", "id") => made.note.to_string(),
            ("announcements", "id") => made.announcement.to_string(),
            ("mails", "id") => made.mail.to_string(),
            ("corrections", "id") => made.correction.to_string(),
            ("rescorings", "id") => made.rescoring.to_string(),
            ("requests", "id") => made.request.to_string(),
            ("finals", "id") => challenge.phase_id.to_string(),
            ("finalists", "id") => made.finalist.to_string(),
            ("certificates", "number") => "0".to_owned(),
            ("tracks", "id") => challenge.track_id.to_string(),
            ("unsubscribe", "link") => unsubscribe(of(&self.people, Kind::Captain).id),
            _ => return None,
        })
    }
}

async fn id_of(owner: &PgPool, token: &str) -> Uuid {
    let hash = TokenHash::of(token);
    sqlx::query_scalar!(
        "SELECT id FROM registration.tokens WHERE token_hash = $1",
        hash.as_bytes()
    )
    .fetch_one(owner)
    .await
    .unwrap()
}

/// As the platform signs it, HMAC-SHA256 with the key of the system under test.
fn unsubscribe(user: UserId) -> String {
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        for (at, key) in block.iter_mut().zip(CSRF_KEY.bytes()) {
            *at ^= key;
        }
        Sha256::new_with_prefix(block)
    };
    let inner = pad(0x36)
        .chain_update(b"unsubscribe\0")
        .chain_update(user.0.as_bytes());
    let outer = pad(0x5c).chain_update(inner.finalize()).finalize();
    format!("{}.{}", user.0.simple(), hex::encode(&outer[..16]))
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
    // They live at a test's noon; the processes go by the real time, and may have thrown away already what is over by it.
    for (_, person) in &people {
        for (kind, token) in [("api", &person.token), ("session", &person.session)] {
            let hash = TokenHash::of(token);
            sqlx::query!(
                "INSERT INTO registration.tokens (id, user_id, kind, name, token_hash, created_at, expires_at)
                 VALUES ($1, $2, $3, 'of a test', $4, now(), now() + interval '1 day')
                 ON CONFLICT (token_hash) DO UPDATE SET expires_at = excluded.expires_at",
                Uuid::new_v4(),
                person.id.0,
                kind,
                hash.as_bytes(),
            )
            .execute(owner)
            .await
            .unwrap();
        }
    }
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
