//! The last minutes of a phase: 220 teams, 2,000 submissions, 64 connections.

#![expect(
    clippy::disallowed_methods,
    reason = "the rush looks at rows of every role, past their checked queries"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use comfy_table::Table;
use molar_phantom::{ImageFormat, OpgOptions};
use molar_tests::api::{id, text};
use molar_tests::challenge::{self, CANARY, Track};
use molar_tests::people::{Organizer, Team, sha256};
use molar_tests::predictions::{Case, Splits, predict, zip_of};
use molar_tests::rows::Rows;
use molar_tests::system::System;
use molar_tests::until;
use rand::RngExt as _;
use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::sync::Mutex;
use tokio::time::sleep_until;

use crate::stage::table;
use crate::{setting, teams};

const CASES: usize = 5;
const CONNECTIONS: usize = 64;
/// Of a team, a day. One team of eleven uses it up and then tries twice more, the others leave one.
const QUOTA: usize = 10;
const TOO_MANY: usize = 2;
/// Between the last arrival and the close.
const MARGIN: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(1800);

/// 220 teams make 2,000 submissions.
#[derive(Debug, Clone, Copy)]
struct Size {
    teams: usize,
    greedy: usize,
    submissions: usize,
    spread: Duration,
}

impl Size {
    fn wanted() -> anyhow::Result<Self> {
        let teams = usize::try_from(setting("MOLAR_BENCH_RUSH_TEAMS", 220))?;
        let greedy = teams / 11;
        Ok(Self {
            teams,
            greedy,
            submissions: teams * (QUOTA - 1) + greedy,
            spread: Duration::from_secs(setting("MOLAR_BENCH_RUSH_S", 120)),
        })
    }
}

/// One submission that somebody wants to hand in.
struct Wish {
    team: usize,
    at: Duration,
    zip: Arc<Vec<u8>>,
}

/// How long each request took, by route.
type Times = BTreeMap<&'static str, Vec<Duration>>;

#[derive(Default)]
struct Seen {
    times: Times,
    created: usize,
    over_quota: usize,
    completed: usize,
    other: Vec<String>,
    late: Duration,
}

pub async fn measure() -> anyhow::Result<Table> {
    let mut system = System::start_with(&[]).await?;
    let measured = both(&system).await;
    system.stop().await?;
    measured
}

async fn both(system: &System) -> anyhow::Result<Table> {
    let (size, splits) = (Size::wanted()?, draw()?);
    let organizer = open(system, &splits).await?;
    let teams = teams::make(system, &organizer, size.teams).await?;
    let zips = zips(&splits["validation"])?;
    let rows = Rows::open(system).await?;
    let mut table = table(&["rush", "n", "p50", "p95", "p99", "max"]);
    for (phase, is_paused) in [("validation", true), ("tight", false)] {
        play(
            system,
            &organizer,
            &teams,
            &zips,
            (phase, is_paused, size),
            &rows,
            &mut table,
        )
        .await?;
    }
    rows.release().await;
    Ok(table)
}

/// Of a quarter of the size of the real ones, so that scoring ends.
fn draw() -> anyhow::Result<Splits> {
    let options = OpgOptions {
        width: 800,
        height: 400,
        format: ImageFormat::Jpeg,
        ..OpgOptions::default()
    };
    let one = |name: String, seed| {
        let case = molar_phantom::opg(seed, &options)?.named(&name)?;
        anyhow::Ok(Case {
            image_name: format!("{name}.{}", case.extension),
            image: case.image_bytes,
            reference: case.labelme_json.into_bytes(),
            name,
        })
    };
    let validation = (1..=CASES)
        .zip(100..)
        .map(|(n, seed)| one(format!("Val_{n:02}"), seed));
    Ok(Splits::from([
        ("trial", vec![one(CANARY.to_owned(), 1)?]),
        ("validation", validation.collect::<anyhow::Result<_>>()?),
        ("test", vec![one("Test_01".to_owned(), 2)?]),
    ]))
}

async fn open(system: &System, splits: &Splits) -> anyhow::Result<Organizer> {
    let mut organizer = Organizer::enter(system).await?;
    let quota =
        format!("quota = {{ per_day = {QUOTA}, concurrent = 50, free_failures_per_day = 50");
    let file = challenge::file()
        .replace(
            "quota = { per_day = 200, concurrent = 50, free_failures_per_day = 200",
            &quota,
        )
        .replace("quota = { per_day = 1, concurrent = 1", &quota);
    organizer.apply(&file).await?;
    organizer.upload(Track::Opg, splits).await?;
    for phase in ["validation", "tight"] {
        organizer.until_ready(Track::Opg, phase).await?;
    }
    Ok(organizer)
}

/// Some good and some less good ones.
fn zips(cases: &[Case]) -> anyhow::Result<Vec<Arc<Vec<u8>>>> {
    (1..=8)
        .map(|fault| Ok(Arc::new(zip_of(&predict(Track::Opg, cases, fault)?)?)))
        .collect()
}

/// In a random order, spread evenly over the time; the greedy teams' last tries come last.
fn wishes(zips: &[Arc<Vec<u8>>], size: Size) -> Vec<Wish> {
    let mut order: Vec<usize> = (0..size.teams)
        .flat_map(|team| vec![team; QUOTA - 1 + usize::from(team < size.greedy)])
        .collect();
    let mut rng = rand::rng();
    for place in (1..order.len()).rev() {
        order.swap(place, rng.random_range(0..=place));
    }
    order.extend((0..size.greedy).flat_map(|team| vec![team; TOO_MANY]));
    let step = size.spread.div_f64(order.len() as f64);
    let wish = |(place, team): (usize, usize)| Wish {
        team,
        at: step.mul_f64(place as f64 + rng.random_range(0.0..1.0)),
        zip: zips[place % zips.len()].clone(),
    };
    order.into_iter().enumerate().map(wish).collect()
}

async fn play(
    system: &System,
    organizer: &Organizer,
    teams: &[Team],
    zips: &[Arc<Vec<u8>>],
    (phase, is_paused, size): (&str, bool, Size),
    rows: &Rows,
    table: &mut Table,
) -> anyhow::Result<()> {
    let phase_id = organizer.phase_id(Track::Opg, phase)?;
    let scoring = system.child("scoring")?;
    if is_paused {
        scoring.signal(Signal::STOP)?;
    }
    close_in(rows.pool(), &phase_id, size.spread + MARGIN).await?;
    let begun = Instant::now();
    eprintln!(
        "{phase}: {} submissions in {}",
        size.submissions,
        seconds(size.spread)
    );
    let seen = hand_in_all(teams, &phase_id, wishes(zips, size)).await?;
    let handed_in = begun.elapsed();
    eprintln!(
        "{phase}: handed in after {}; waiting for the scores",
        seconds(handed_in)
    );
    if is_paused {
        scoring.signal(Signal::CONT)?;
    }
    let what = if is_paused {
        "scoring paused"
    } else {
        "scoring running"
    };
    for (route, times) in &seen.times {
        let [p50, p95, p99, max] = percentiles(times.clone());
        table.add_row([
            format!("{what}: {route}"),
            times.len().to_string(),
            p50,
            p95,
            p99,
            max,
        ]);
    }
    let after = Instant::now();
    let scored = all_scored(rows.pool(), &phase_id, size.submissions).await?;
    let scored_after = after.elapsed();
    let over = over_quota(rows.pool(), &phase_id).await?;
    ensure!(
        seen.other.is_empty(),
        "{} answers: {:?}",
        seen.other.len(),
        &seen.other[..1]
    );
    ensure!(
        seen.over_quota == size.greedy * TOO_MANY,
        "{} were refused",
        seen.over_quota
    );
    let mut say = |name: &str, value: String| {
        table.add_row([
            format!("{what}: {name}"),
            value,
            String::new(),
            String::new(),
            String::new(),
            String::new(),
        ]);
    };
    say(
        "created, completed",
        format!("{}, {}", seen.created, seen.completed),
    );
    say("refused for the quota", seen.over_quota.to_string());
    say("teams over their quota", over.to_string());
    say("lost", (size.submissions as i64 - scored).to_string());
    say("time until all were handed in", seconds(handed_in));
    say("latest start behind its time", milliseconds(seen.late));
    say("then until all were scored", seconds(scored_after));
    until("the close", size.spread + MARGIN, async || {
        let sql = "SELECT closes_at <= now() FROM tracks.phases WHERE id = $1";
        let closed = sqlx::query_scalar(sql).bind(phase_id.parse::<uuid::Uuid>()?);
        let is_closed: bool = closed.fetch_one(rows.pool()).await?;
        Ok(is_closed.then_some(()))
    })
    .await?;
    let after_close = create_one(teams, &phase_id, &zips[0]).await?;
    ensure!(
        after_close == "phase-closed",
        "after the close: {after_close}"
    );
    Ok(())
}

async fn hand_in_all(teams: &[Team], phase_id: &str, wishes: Vec<Wish>) -> anyhow::Result<Seen> {
    let seen = Mutex::new(Seen::default());
    let queue = Mutex::new(wishes.into_iter());
    // Each a connection of its own. Made before the clock starts: it takes longer than what is measured.
    let clients: Vec<reqwest::Client> = (0..CONNECTIONS)
        .map(|_| reqwest::Client::builder().no_proxy().build())
        .collect::<Result<_, _>>()?;
    let begun = tokio::time::Instant::now();
    let (seen, queue, teams) = (&seen, &queue, &teams);
    let connection = |http: reqwest::Client| async move {
        loop {
            let Some(wish) = queue.lock().await.next() else {
                return anyhow::Ok(());
            };
            sleep_until(begun + wish.at).await;
            let late = begun.elapsed().saturating_sub(wish.at);
            let mut mine = Seen::default();
            if let Err(error) =
                hand_in(&http, &teams[wish.team], phase_id, &wish.zip, &mut mine).await
            {
                mine.other.push(format!("{error:#}"));
            }
            let mut seen = seen.lock().await;
            seen.late = seen.late.max(late);
            seen.created += mine.created;
            seen.over_quota += mine.over_quota;
            seen.completed += mine.completed;
            seen.other.extend(mine.other);
            for (route, times) in mine.times {
                seen.times.entry(route).or_default().extend(times);
            }
        }
    };
    futures_util::future::try_join_all(clients.into_iter().map(connection)).await?;
    Ok(std::mem::take(&mut *seen.lock().await))
}

async fn hand_in(
    http: &reqwest::Client,
    team: &Team,
    phase_id: &str,
    zip: &[u8],
    seen: &mut Seen,
) -> anyhow::Result<()> {
    let base = team.api.environment();
    let of = |name| {
        base.iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.clone())
    };
    let (url, token) = (
        of("MOLAR_URL").context("no URL")?,
        of("MOLAR_TOKEN").context("no token")?,
    );
    let body = declaration(team, phase_id, zip);
    let create = http.post(format!("{url}/api/v1/submissions")).json(&body);
    let create = create.header("idempotency-key", uuid::Uuid::new_v4().to_string());
    let (status, created) = timed(seen, "POST create", create.bearer_auth(&token)).await?;
    if status == 429 {
        seen.over_quota += 1;
        return Ok(());
    }
    ensure!(status == 201, "create answered {status}: {created}");
    seen.created += 1;
    let part = &created["upload"]["parts"][0];
    let mut put = http.put(text(part, "url"));
    for (name, value) in part["headers"].as_object().context("no headers")? {
        put = put.header(name, value.as_str().unwrap_or_default());
    }
    let (status, said) = timed(seen, "PUT part (store)", put.body(zip.to_vec())).await?;
    ensure!(status == 200, "the store answered {status}: {said}");
    let path = format!("{url}/api/v1/submissions/{}", id(&created)?);
    let complete = http.post(format!("{path}/complete")).json(&json!({}));
    let (status, said) = timed(seen, "POST complete", complete.bearer_auth(&token)).await?;
    ensure!(status == 200, "complete answered {status}: {said}");
    seen.completed += 1;
    let (status, said) = timed(seen, "GET submission", http.get(path).bearer_auth(&token)).await?;
    ensure!(status == 200, "the submission answered {status}: {said}");
    Ok(())
}

async fn timed(
    seen: &mut Seen,
    route: &'static str,
    request: reqwest::RequestBuilder,
) -> anyhow::Result<(u16, Value)> {
    let begun = Instant::now();
    let answer = request.send().await?;
    let (status, bytes) = (answer.status().as_u16(), answer.bytes().await?);
    seen.times.entry(route).or_default().push(begun.elapsed());
    Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
}

fn declaration(team: &Team, phase_id: &str, zip: &[u8]) -> Value {
    json!({"phase_id": phase_id, "team_id": team.id, "size_bytes": zip.len(), "sha256": sha256(zip)})
}

/// The code of the refusal.
async fn create_one(teams: &[Team], phase_id: &str, zip: &[u8]) -> anyhow::Result<String> {
    let body = declaration(&teams[0], phase_id, zip);
    let answer = teams[0].api.post("/api/v1/submissions", &body).await?;
    Ok(text(&answer.body, "code").to_owned())
}

async fn close_in(db: &PgPool, phase_id: &str, time: Duration) -> anyhow::Result<()> {
    sqlx::query(
        "UPDATE tracks.phases SET closes_at = now() + make_interval(secs => $2) WHERE id = $1",
    )
    .bind(phase_id.parse::<uuid::Uuid>()?)
    .bind(time.as_secs_f64())
    .execute(db)
    .await?;
    Ok(())
}

/// Waits for the end of all evaluations; returns how many submissions have one.
async fn all_scored(db: &PgPool, phase_id: &str, wanted: usize) -> anyhow::Result<i64> {
    let id: uuid::Uuid = phase_id.parse()?;
    until("all to be scored", PATIENCE, async || {
        let scored: i64 = sqlx::query_scalar(
            "SELECT count(DISTINCT s.id) FROM submission.submissions s
             JOIN scoring.evaluations e ON e.submission_id = s.id AND e.state = 'finished'
             WHERE s.phase_id = $1",
        )
        .bind(id)
        .fetch_one(db)
        .await?;
        Ok((scored >= wanted as i64).then_some(scored))
    })
    .await
}

async fn over_quota(db: &PgPool, phase_id: &str) -> anyhow::Result<i64> {
    let over = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT team_id FROM submission.quota_ledger
             WHERE phase_id = $1 AND entry = 'reserved' GROUP BY team_id HAVING count(*) > $2) over",
    );
    let over = over
        .bind(phase_id.parse::<uuid::Uuid>()?)
        .bind(QUOTA as i64);
    Ok(over.fetch_one(db).await?)
}

fn percentiles(mut times: Vec<Duration>) -> [String; 4] {
    times.sort();
    let at = |share: f64| {
        let place = (times.len() as f64 * share).ceil() as usize;
        milliseconds(times[place.clamp(1, times.len()) - 1])
    };
    [at(0.5), at(0.95), at(0.99), at(1.0)]
}

fn milliseconds(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1e3)
}

fn seconds(time: Duration) -> String {
    format!("{:.0} s", time.as_secs_f64())
}
