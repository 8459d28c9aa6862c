//! Observed against written. With `MOLAR_TEST_ROUTES` set to a part of a method and path, those rows only, and
//! each answer is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use reqwest::{Client, Response};
use sqlx::{AssertSqlSafe, PgPool};

use crate::requests::{Served, class, send};
use crate::system::System;
use crate::world::{Kind, World};
use crate::{client, routes};

/// By method and path: one class for each kind of caller.
pub type Matrix = BTreeMap<String, Vec<String>>;

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/authorization-matrix.csv")
}

pub fn read() -> Matrix {
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_path(file())
        .unwrap();
    let columns: Vec<&str> = Kind::ALL.iter().map(|(_, name)| *name).collect();
    let header = reader.headers().unwrap();
    assert_eq!(header.iter().skip(2).collect::<Vec<_>>(), columns);
    let mut matrix = Matrix::new();
    for row in reader.records() {
        let row = row.unwrap();
        let name = format!("{} {}", &row[0], &row[1]);
        let cells = row.iter().skip(2).map(str::to_owned).collect();
        assert!(
            matrix.insert(name.clone(), cells).is_none(),
            "{name} is there twice"
        );
    }
    matrix
}

struct Prover {
    owner: PgPool,
    client: Client,
    system: System,
    worlds: usize,
    /// What is only read is read in one.
    reading: Option<World>,
    /// Routes where a refused request changed something.
    touched: Vec<String>,
    /// What is wrong with answers, whoever gets them.
    wrong: BTreeSet<String>,
}

impl Prover {
    async fn world(&mut self) -> World {
        self.worlds += 1;
        World::new(&self.owner, &self.system.store, self.worlds).await
    }

    async fn observe(&mut self, world: &World, kind: Kind, served: &Served) -> String {
        let answer = send(&self.client, &self.system, world, kind, served).await;
        let class = class(&answer);
        check_headers(&answer, kind, served, &mut self.wrong);
        if std::env::var_os("MOLAR_TEST_ROUTES").is_some() {
            let status = answer.status();
            let said = answer.text().await.unwrap_or_default();
            println!("{kind:?} {}: {status} {said}", served.name());
            return class;
        }
        if class == "ok" && served.is_page() && served.is_safe() {
            check_page(&answer.text().await.unwrap(), served, &mut self.wrong);
        }
        class
    }

    async fn reads(&mut self, served: &Served) -> Vec<String> {
        let world = match self.reading.take() {
            Some(world) => world,
            None => self.world().await,
        };
        let mut seen = Vec::with_capacity(Kind::ALL.len());
        for (kind, _) in Kind::ALL {
            seen.push(self.observe(&world, kind, served).await);
        }
        self.reading = Some(world);
        seen
    }

    /// One row. What is refused is tried first, on one world that must stay as it was; each
    /// permitted change then gets a world of its own.
    async fn row(&mut self, served: &Served, written: Option<&Vec<String>>) -> Vec<String> {
        if served.is_safe() {
            return self.reads(served).await;
        }
        let mut seen = vec![String::new(); Kind::ALL.len()];
        let is_open = |at: usize| written.is_some_and(|cells| cells[at] == "ok");
        for again in [true, true, false] {
            // A new one each time: what is changed already may look unchanged.
            let world = self.world().await;
            let before = self.digest().await;
            for (at, (kind, _)) in Kind::ALL.into_iter().enumerate() {
                if !is_open(at) {
                    seen[at] = self.observe(&world, kind, served).await;
                }
            }
            let is_settled = written.is_none() || before == self.digest().await;
            if is_settled {
                break;
            }
            // The processes have work of their own, and may have done it in between; twice is no chance.
            if !again {
                self.touched.push(served.name());
            }
        }
        for (at, (kind, _)) in Kind::ALL.into_iter().enumerate() {
            if is_open(at) {
                let world = self.world().await;
                seen[at] = self.observe(&world, kind, served).await;
            }
        }
        seen
    }

    /// Of every row that a request may write, but when somebody was last seen.
    async fn digest(&self) -> String {
        let tables: Vec<String> = sqlx::query_scalar!(
            r#"SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) AS "name!"
               FROM information_schema.tables
               WHERE (table_schema IN ('registration', 'tracks', 'submission', 'execution', 'audit')
                      OR table_schema = 'leaderboard' AND table_name = 'imports')
                 AND table_type = 'BASE TABLE'
                 AND table_name NOT IN ('outbox', 'inbox', 'places', 'typical_times', 'noticed')
               ORDER BY 1"#
        )
        .fetch_all(&self.owner)
        .await
        .unwrap();
        let parts: Vec<String> = tables
            .iter()
            .map(|table| {
                // News is written by a loop, when its time has come.
                let of = match table.as_str() {
                    "registration.mails" => "WHERE t.kind <> 'notice'",
                    _ => "",
                };
                format!(
                    "SELECT '{table}' AS name, md5(string_agg(row::text, '' ORDER BY row::text)) AS sum
                     FROM (SELECT to_jsonb(t) - '{{last_used_at,last_seen_at}}'::text[] AS row FROM {table} t {of}) r"
                )
            })
            .collect();
        let statement = format!(
            "SELECT string_agg(name || coalesce(sum, ''), ' ' ORDER BY name) FROM ({}) sums",
            parts.join(" UNION ALL ")
        );
        sqlx::query_scalar(AssertSqlSafe(statement))
            .fetch_one(&self.owner)
            .await
            .unwrap()
    }
}

fn check_headers(answer: &Response, kind: Kind, served: &Served, wrong: &mut BTreeSet<String>) {
    let headers = answer.headers();
    let told = |name: &str| {
        headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    };
    let name = served.name();
    let mut require = |is_good: bool, what: String| {
        if !is_good {
            wrong.insert(format!("{name}: {what}"));
        }
    };
    let kind_of_content = told("x-content-type-options");
    require(kind_of_content == "nosniff", kind_of_content.to_owned());
    let policy = told("content-security-policy");
    let is_strict = policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe");
    require(is_strict, policy.to_owned());
    for header in ["referrer-policy", "permissions-policy", "x-request-id"] {
        require(headers.contains_key(header), format!("lacks {header}"));
    }
    let is_known = !matches!(kind, Kind::Anonymous | Kind::Worker);
    let is_open = matches!(served.info.access, molar_web_kit::Access::Public);
    if is_known && !is_open && served.listener != "worker-api" {
        let cache = told("cache-control");
        let is_kept = !cache.contains("no-store") && !cache.contains("no-cache");
        require(!is_kept, format!("may be kept on the way: {cache}"));
    }
}

/// The policy forbids what is inline: it would be dead.
fn check_page(page: &str, served: &Served, wrong: &mut BTreeSet<String>) {
    let lower = page.to_lowercase();
    for dead in [
        "<style",
        " style=",
        "<script>",
        " onclick=",
        " onchange=",
        " onsubmit=",
        "\"javascript:",
    ] {
        if lower.contains(dead) {
            let name = served.name();
            wrong.insert(format!("{name}: {dead} is not run by a browser"));
        }
    }
}

fn line(name: &str, cells: &[String]) -> String {
    let (method, path) = name.split_once(' ').unwrap();
    format!("{method},{path},{}", cells.join(","))
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn every_route_lets_in_whom_the_matrix_says_and_nobody_else(owner: PgPool) {
    let (routes, mut written) = (routes(), read());
    let wanted = std::env::var("MOLAR_TEST_ROUTES").unwrap_or_default();
    let mut prover = Prover {
        client: client(),
        system: System::start(&owner).await,
        owner,
        worlds: 0,
        reading: None,
        touched: Vec::new(),
        wrong: BTreeSet::new(),
    };
    let (mut missing, mut different) = (String::new(), String::new());
    for served in &routes {
        let name = served.name();
        let cells = written.remove(&name);
        if !name.contains(&wanted) {
            continue;
        }
        let seen = Box::pin(prover.row(served, cells.as_ref())).await;
        match cells {
            Some(cells) if cells == seen => {}
            Some(cells) => {
                let _ = writeln!(
                    different,
                    "- {}\n+ {}",
                    line(&name, &cells),
                    line(&name, &seen)
                );
            }
            None => {
                let _ = writeln!(missing, "{}", line(&name, &seen));
            }
        }
    }
    let stale: Vec<&String> = written.keys().collect();
    assert!(
        missing.is_empty()
            && different.is_empty()
            && stale.is_empty()
            && prover.touched.is_empty()
            && prover.wrong.is_empty(),
        "tests/authorization-matrix.csv does not fit.\n\
         Not in it; here as observed, to be judged and pasted:\n{missing}\n\
         Written (-) and observed (+):\n{different}\n\
         In it, and no route: {stale:?}\nRefused, and changed something: {:?}\n\
         Wrong, whoever is answered: {:#?}",
        prover.touched,
        prover.wrong
    );
}
