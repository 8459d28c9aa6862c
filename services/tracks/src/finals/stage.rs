//! For tests: a final phase that has closed, with a ranking.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use molar_domain::TeamId;
use molar_testkit::{
    Challenge, ChallengeBuilder, EvaluationBuilder, PhaseBuilder, SubmissionBuilder, TeamBuilder,
};
use molar_web_kit::testing::{Person, noon, organizer, person};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;
use uuid::Uuid;

use crate::outside::Network;
use crate::testing::{As, World, put_at};

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

pub struct Stage {
    pub world: World,
    pub demo: Challenge,
    pub olga: Person,
    /// By the name of the team.
    pub people: BTreeMap<&'static str, Person>,
    teams: BTreeMap<&'static str, TeamId>,
}

impl Stage {
    /// Of these teams, each with its rank; none: out of competition.
    pub async fn of(pool: &PgPool, teams: &[(&'static str, Option<i32>)]) -> Self {
        Self::with(pool, teams, World::new(pool).await).await
    }

    pub async fn with(pool: &PgPool, teams: &[(&'static str, Option<i32>)], world: World) -> Self {
        let phase = PhaseBuilder::new("final")
            .is_final()
            .window(noon() - TimeDelta::days(9), noon() - TimeDelta::days(1));
        let demo = ChallengeBuilder::new("demo").phase(phase);
        let demo = demo.insert(pool).await;
        let ranking = Uuid::now_v7();
        sqlx::query!(
            "INSERT INTO leaderboard.rankings (id, phase_id, version, inputs_hash, left_out, created_at)
             VALUES ($1, $2, 7, '', '{}', now())",
            ranking,
            demo.phase_id.0,
        )
        .execute(pool)
        .await
        .unwrap();
        let mut stage = Self {
            world,
            olga: organizer(pool, "Olga", demo.id).await,
            demo,
            people: BTreeMap::new(),
            teams: BTreeMap::new(),
        };
        for (name, rank) in teams {
            stage.rank(pool, ranking, name, *rank).await;
        }
        stage
    }

    async fn rank(&mut self, pool: &PgPool, ranking: Uuid, name: &'static str, rank: Option<i32>) {
        let member = person(pool, name).await;
        let team = TeamBuilder::new(&self.demo, name).member(member.id);
        let team = match rank {
            Some(_) => team,
            None => team.out_of_competition("organizes it"),
        };
        let team = team.insert(pool).await;
        let submission = SubmissionBuilder::new(&self.demo, &team).insert(pool).await;
        let evaluation = EvaluationBuilder::new(&self.demo, &submission, json!({"IA": 0.5}));
        let evaluation = evaluation.insert(pool).await;
        sqlx::query!(
            "INSERT INTO leaderboard.entries
                 (ranking_id, team_id, submission_id, evaluation_id, values, ranks, mean_rank, final_rank, is_eligible,
                  out_reason, cases, failed_cases, submitted_at)
             VALUES ($1, $2, $3, $4, '{}', '{}', 1.0, $5, $5::int IS NOT NULL, CASE WHEN $5::int IS NULL THEN 'out' END, 1, 0, now())",
            ranking,
            team.id.0,
            submission.id.0,
            evaluation.id.0,
            rank,
        )
        .execute(pool)
        .await
        .unwrap();
        self.teams.insert(name, team.id);
        self.people.insert(name, member);
    }

    pub fn olga(&self) -> As {
        self.world.api.of(&self.olga)
    }

    pub fn member(&self, team: &str) -> As {
        self.world.api.of(&self.people[team])
    }

    pub fn team(&self, name: &str) -> TeamId {
        self.teams[name]
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/phases/{}/{rest}", self.demo.phase_id)
    }

    pub async fn name(&self, top: i32) -> Value {
        let (status, named) = self
            .olga()
            .post(&self.path("finalists"), json!({"top": top}))
            .await;
        assert_eq!(status, 201, "{named}");
        named
    }

    /// Of a team that was named.
    pub async fn finalist(&self, team: &str) -> String {
        let (_, finals) = self.olga().get(&self.path("finalists")).await;
        let all = finals["finalists"].as_array().unwrap();
        let found = all.iter().find(|of| of["team"] == team);
        found.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Everything but the snapshot of the code.
    pub async fn fill(&self, team: &str) -> String {
        let id = self.finalist(team).await;
        let member = self.member(team);
        let path = format!("/api/v1/finalists/{id}");
        let (status, saved) = member
            .put(&format!("{path}/dossier"), dossier(Some(true)))
            .await;
        assert_eq!(status, 200, "{saved}");
        let (status, put, stored) = self.put_report(team, b"%PDF-1.7 method %%EOF\n").await;
        assert_eq!((status, put), (200, 200), "{stored}");
        id
    }

    /// The statuses of the put and of what is said then, and that.
    pub async fn put_report(&self, team: &str, pdf: &[u8]) -> (u16, u16, Value) {
        use sha2::{Digest as _, Sha256};
        let path = format!("/api/v1/finalists/{}/report", self.finalist(team).await);
        let sha256 = hex::encode(Sha256::digest(pdf));
        let member = self.member(team);
        let new = json!({"size_bytes": pdf.len(), "sha256": sha256});
        let (status, announced) = member.post(&path, new).await;
        assert_eq!(status, 200, "{announced}");
        let put = put_at(&announced["upload"], pdf).await;
        let (status, stored) = member
            .post(&format!("{path}/stored"), json!({"sha256": sha256}))
            .await;
        (put, status, stored)
    }

    /// Complete and locked, by way of a row where the code would have been fetched.
    pub async fn lock(&self, pool: &PgPool, team: &str) -> String {
        let id = self.fill(team).await;
        sqlx::query!(
            "UPDATE tracks.dossiers SET code_key = 'k', code_bytes = 1, code_sha256 = 's', code_from = code_url,
                    code_commit = commit, code_at = now() WHERE finalist_id = $1",
            id.parse::<Uuid>().unwrap(),
        )
        .execute(pool)
        .await
        .unwrap();
        let path = format!("/api/v1/finalists/{id}/lock");
        let (status, locked) = self.olga().post(&path, json!({})).await;
        assert_eq!(status, 200, "{locked}");
        id
    }
}

pub fn dossier(consents: Option<bool>) -> Value {
    json!({
        "authors": [{"name": "Ada", "affiliation": "Lab", "orcid": "0000-0002-1825-0097"}],
        "code_url": "https://github.com/ada/net",
        "commit": COMMIT,
        "external_data": "none",
        "external_weights": "SAM ViT-B",
        "consents": consents,
    })
}

/// A code host in this process: every name leads to it, and it answers with the same.
pub struct CodeHost {
    port: u16,
}

impl CodeHost {
    pub async fn start(answer: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    answer.len()
                );
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(&answer).await;
            }
        });
        Self { port }
    }

    /// The archive's address at this host.
    pub fn link(&self, path: &str) -> String {
        format!("http://code.test:{}/{path}", self.port)
    }
}

impl Network for CodeHost {
    fn objection(&self, _: &Url) -> Option<&'static str> {
        None
    }

    fn resolve<'a>(&'a self, _: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]) })
    }

    fn is_outside(&self, _: IpAddr) -> bool {
        true
    }
}
