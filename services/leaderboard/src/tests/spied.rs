//! A board that is worth spying on, and all that can be asked of it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use molar_service::Role;
use molar_testkit::{
    Challenge, EvaluationBuilder, MockClock, PhaseBuilder, SubmissionBuilder, Team, TeamBuilder,
    as_role, noon,
};
use molar_web_kit::live::testing::next;
use molar_web_kit::testing::{self, Person};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::following::Following;
use super::world::{asked, fold_at};
use crate::kept::Boards;
use crate::patience::Patience;
use crate::{figures, statistics};

/// Three teams that compete, two of them equal, and one that does not. Their names are in no order of their making.
pub struct World {
    pub challenge: Challenge,
    pub first: Team,
    /// Equal to another, and behind the first.
    pub tied: Team,
    /// A member of a team that stands on the board.
    pub member: Person,
    pub olga: Person,
    pub stranger: Person,
    /// What a process remembers from one question to the next.
    pub boards: Boards,
    /// All that tells a team: names, code, reasons, ids.
    pub names: Vec<String>,
    /// All digits of values, and what is made of them.
    pub values: Vec<String>,
    pub times: Vec<String>,
}

fn days_before(days: i64) -> DateTime<Utc> {
    noon() - TimeDelta::days(days)
}

impl World {
    pub async fn new(db: &PgPool) -> Self {
        let phase = PhaseBuilder::new("validation")
            .metrics(&["IA", "image_DSC"])
            .keep_best("IA");
        let challenge = molar_testkit::ChallengeBuilder::new("sts")
            .phase(phase)
            .insert(db)
            .await;
        let member = testing::person(db, "Mia").await;
        let first = TeamBuilder::new(&challenge, "Walruses").insert(db).await;
        let tied = TeamBuilder::new(&challenge, "Otters").insert(db).await;
        let equal = TeamBuilder::new(&challenge, "Badgers").member(member.id);
        let equal = equal.insert(db).await;
        let guests = TeamBuilder::new(&challenge, "Ibexes")
            .out_of_competition("of the organizers' institute")
            .insert(db)
            .await;
        let gone = TeamBuilder::new(&challenge, "Vultures").state("disqualified");
        let gone = gone.insert(db).await;
        let mut world = Self {
            olga: testing::organizer(db, "Olga", challenge.id).await,
            stranger: testing::person(db, "Stranger").await,
            boards: Boards::looked_at_every(Duration::ZERO),
            names: [
                "Walruses",
                "Otters",
                "Badgers",
                "Ibexes",
                "Vultures",
                "institute",
                "code.test",
            ]
            .map(str::to_owned)
            .to_vec(),
            values: [
                "83517",
                "71934",
                "60251",
                "55778",
                "44412",
                "33391",
                "failed_cases",
            ]
            .map(str::to_owned)
            .to_vec(),
            times: [
                "2026-08-29",
                "29 Aug",
                "11:58",
                "version",
                "made_at",
                "Version",
            ]
            .map(str::to_owned)
            .to_vec(),
            challenge,
            first,
            tied,
            member,
        };
        let (first, tied) = (world.first.clone(), world.tied.clone());
        world.hand_in(db, &first, 3, 0.83517, 0.55778).await;
        world.hand_in(db, &tied, 3, 0.71934, 0.44412).await;
        world.hand_in(db, &equal, 3, 0.71934, 0.44412).await;
        world.hand_in(db, &guests, 3, 0.60251, 0.33391).await;
        world.hand_in(db, &gone, 3, 0.60251, 0.33391).await;
        sqlx::query!("UPDATE registration.participations SET is_reason_public = true WHERE state = 'disqualified'")
            .execute(db)
            .await
            .unwrap();
        sqlx::query!("INSERT INTO tracks.baselines (phase_id, name, position, values) VALUES ($1, 'Plain', 1, $2)",
            world.challenge.phase_id.0, json!({"IA": 0.5}))
            .execute(db)
            .await
            .unwrap();
        world.fold(db, 2).await;
        world.draw(db, noon()).await;
        world
    }

    pub async fn hand_in(&mut self, db: &PgPool, team: &Team, days: i64, ia: f64, dsc: f64) {
        let at = days_before(days);
        let submission = SubmissionBuilder::new(&self.challenge, team).created_at(at);
        let submission = submission.insert(db).await;
        let values = json!({"IA": ia, "image_DSC": dsc});
        let evaluation = EvaluationBuilder::new(&self.challenge, &submission, values);
        let evaluation = evaluation.at(at).insert(db).await;
        sqlx::query!(
            "UPDATE submission.submissions SET code_url = 'https://code.test/' || team_id"
        )
        .execute(db)
        .await
        .unwrap();
        for id in [team.id.0, submission.id.0, evaluation.id.0] {
            self.names.push(id.to_string());
        }
    }

    pub async fn fold(&self, db: &PgPool, days: i64) -> bool {
        fold_at(db, self.challenge.phase_id, days_before(days)).await
    }

    /// Statistics and figures of what is ranked.
    pub async fn draw(&self, db: &PgPool, at: DateTime<Utc>) {
        let role = as_role(db, Role::Leaderboard).await;
        let statistics = statistics::all(&role, &MockClock::at(at), 20, &Patience::default()).await;
        statistics.unwrap();
        figures::all(&role, at, &Patience::default()).await.unwrap();
    }

    /// Whatever may be asked of a board, and of the list of all.
    fn routes(&self) -> Vec<String> {
        let api = format!("/api/v1/boards/{}", self.challenge.phase_id);
        let page = "/boards/sts/teeth/validation";
        vec![
            "/boards".into(),
            "/api/v1/boards".into(),
            "/api/v1/boards/imported".into(),
            api.clone(),
            format!("{api}?baseline=Plain"),
            format!("{api}?at=2026-09-01T11:59:59Z"),
            format!("{api}?at=2026-08-31T09:00:00Z&baseline=Plain"),
            format!("{api}.csv"),
            format!("{api}.csv?details=true&baseline=Plain"),
            format!("{api}.csv?shape=long&details=true&baseline=Plain"),
            format!("{api}.csv?details=true&at=2026-09-01T11:59:59Z"),
            page.into(),
            format!("{page}?sort=submitted&dir=desc"),
            format!(
                "{page}?sort=image_DSC&column=image_DSC&column=spread&column=submissions&column=submitted"
            ),
            format!("{page}?baseline=Plain&who=out"),
            format!("{page}?at=2026-09-01T13:59"),
            format!("{api}/statistics"),
            format!("{api}/figures"),
            format!("{api}/figures/podium.svg"),
            format!("{api}/figures/cases-IA.svg"),
            format!("{api}/figures/podium.png"),
            format!("{api}/figures/cases-IA.png?scale=1"),
            format!("{page}/figures"),
            format!("{page}/compare"),
            format!("{page}/compare?a=Walruses&b=Otters&metric=image_DSC"),
            format!("{page}/compare?a=Walruses&b=Vultures"),
            format!("{api}/history"),
            format!("{api}/history?team=Walruses&metric=image_DSC"),
            format!("{api}/history?team=Vultures"),
            format!("{api}/history/rank.svg?team=Otters"),
            format!("{api}/history/value.svg?team=Walruses&metric=image_DSC"),
            format!("{api}/history/value.png?scale=1"),
            format!("{page}/history"),
            format!("{page}/history?team=Walruses&metric=image_DSC"),
            format!("{page}/history?team=Vultures"),
            format!("{api}/archive"),
            format!("{page}/report"),
        ]
    }

    /// Each route with all that comes back.
    pub async fn answers(&self, db: &PgPool, person: Option<&Person>) -> Vec<(String, String)> {
        let role = as_role(db, Role::Leaderboard).await;
        let mut all = Vec::new();
        for route in self.routes() {
            let answer = asked(&role, Some(&self.boards), &route, person, &[]).await;
            let headers = answer.headers.join("\n");
            let told = format!("{}\n{headers}\n\n{}", answer.status, answer.body);
            all.push((route, told));
        }
        let following = Following::of(role);
        let mut events = following.follow(self.challenge.phase_id, person).await;
        all.push(("events".into(), next(&mut events).await.unwrap()));
        all
    }

    pub fn all(&self) -> Vec<String> {
        [self.names.clone(), self.values.clone(), self.times.clone()].concat()
    }
}

pub fn rules(board: Value) -> String {
    format!("board = '{board}'")
}
