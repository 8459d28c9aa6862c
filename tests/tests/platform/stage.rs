//! What all scenarios share: the system, an open challenge, two teams that take part in everything.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use molar_tests::api::{Api, text};
use molar_tests::challenge::{LEASED, SLOW, TRACKS, Track};
use molar_tests::image::Image;
use molar_tests::people::{Organizer, Team, open_challenge};
use molar_tests::predictions::{self, Case, Splits, Values, draw, predict};
use molar_tests::rows::Rows;
use molar_tests::submit::{hand_in, scored};
use molar_tests::system::System;
use molar_tests::until;
use serde_json::Value;

/// A machine with two busy cores is slow; nothing here takes a tenth of it.
pub const PATIENCE: Duration = Duration::from_secs(90);

pub struct Stage {
    pub system: System,
    pub organizer: Organizer,
    pub drawn: BTreeMap<Track, Splits>,
    /// The better one.
    pub ridge: Team,
    pub arch: Team,
    pub rows: Rows,
}

/// A submission on its way, and what it must come to.
#[derive(Clone)]
pub struct Handed {
    pub id: String,
    pub track: Track,
    pub phase: &'static str,
    /// By case.
    pub truth: BTreeMap<String, Values>,
}

impl Stage {
    pub async fn set() -> anyhow::Result<Self> {
        let mut drawn = BTreeMap::new();
        for track in TRACKS {
            drawn.insert(track, draw(track)?);
        }
        let system = System::start().await?;
        match Self::open(&system, drawn).await {
            Ok((organizer, drawn, ridge, arch, rows)) => Ok(Self {
                system,
                organizer,
                drawn,
                ridge,
                arch,
                rows,
            }),
            Err(error) => {
                tell(&system);
                Err(error)
            }
        }
    }

    async fn open(
        system: &System,
        drawn: BTreeMap<Track, Splits>,
    ) -> anyhow::Result<(Organizer, BTreeMap<Track, Splits>, Team, Team, Rows)> {
        let organizer = open_challenge(system, &drawn).await?;
        let ridge = organizer.team(system, "Molar Ridge", &TRACKS).await?;
        let arch = organizer.team(system, "Even Arch", &TRACKS).await?;
        let rows = Rows::open(system).await?;
        Ok((organizer, drawn, ridge, arch, rows))
    }

    /// Stops the system and looks whether anything is left.
    pub async fn strike(mut self) -> anyhow::Result<()> {
        self.rows.release().await;
        let status = self.system.stop().await?;
        ensure!(status.success(), "`molar up` ended with {status}");
        let left = self.system.left_running();
        ensure!(left.is_empty(), "left running: {left:#?}");
        Ok(())
    }

    /// After a failure: the ends of the logs.
    pub fn tell(&self) {
        tell(&self.system);
    }

    /// Anybody, without a token.
    pub fn public(&self) -> Api {
        Api::new(self.system.url())
    }

    pub fn cases(&self, track: Track, split: &str) -> &[Case] {
        &self.drawn[&track][split]
    }

    /// By name, of every case of a split.
    pub fn predictions(
        &self,
        track: Track,
        split: &str,
    ) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
        predict(track, self.cases(track, split), 1)
    }

    pub async fn hand_in_zip(
        &self,
        team: &Team,
        track: Track,
        fault: usize,
    ) -> anyhow::Result<Handed> {
        let cases = self.cases(track, "validation");
        let files = predict(track, cases, fault)?;
        let phase_id = self.organizer.phase_id(track, "validation")?;
        let id = hand_in(team, &phase_id, &predictions::zip_of(&files)?).await?;
        let truth = predictions::truth(track, cases, &files)?;
        Ok(Handed {
            id,
            track,
            phase: "validation",
            truth,
        })
    }

    /// Each case takes `sleep_s` and its start.
    pub async fn hand_in_image(
        &self,
        team: &Team,
        track: Track,
        fault: usize,
        sleep_s: u32,
    ) -> anyhow::Result<Handed> {
        let hidden = self.cases(track, "test");
        let all: Vec<Case> = self
            .cases(track, "trial")
            .iter()
            .chain(hidden)
            .cloned()
            .collect();
        let files = predict(track, &all, fault)?;
        let phase_id = self.organizer.phase_id(track, "final")?;
        let archive = Image::predicting(&files, sleep_s).archive()?;
        let id = hand_in(team, &phase_id, &archive).await?;
        let truth = predictions::truth(track, hidden, &files)?;
        Ok(Handed {
            id,
            track,
            phase: "final",
            truth,
        })
    }

    /// In the phase for which the test starts the workers. The first case takes `canary_s`.
    pub async fn hand_in_slow(
        &self,
        team: &Team,
        fault: usize,
        canary_s: u32,
    ) -> anyhow::Result<Handed> {
        let track = Track::Opg;
        let hidden = self.cases(track, "trial");
        let canary = &self.cases(track, "validation")[..1];
        let files = predict(track, &[canary, hidden].concat(), fault)?;
        let archive = Image::slow_at(&files, SLOW, canary_s).archive()?;
        let phase_id = self.organizer.phase_id(track, LEASED)?;
        let id = hand_in(team, &phase_id, &archive).await?;
        let truth = predictions::truth(track, hidden, &files)?;
        Ok(Handed {
            id,
            track,
            phase: LEASED,
            truth,
        })
    }

    /// Waits for the end, then insists on one score per case, each exactly what its file is worth.
    pub async fn ends_scored_once(
        &self,
        team: &Team,
        handed: &Handed,
        patience: Duration,
    ) -> anyhow::Result<()> {
        let what = format!("{} {} of {}", handed.track.slug(), handed.phase, team.name);
        scored(team, &handed.id, patience)
            .await
            .with_context(|| what.clone())?;
        self.rows
            .scored_once(&handed.id, handed.truth.len() as i64)
            .await
            .with_context(|| what.clone())?;
        let values = self.rows.values(&handed.id).await?;
        for (case, truth) in &handed.truth {
            let found = values
                .get(case)
                .with_context(|| format!("{what}: no values of {case}"))?;
            for (metric, value) in truth {
                ensure!(
                    found.get(*metric) == Some(value),
                    "{what}, {case}, {metric}: {found:?}, measured here: {value}"
                );
            }
            let is_timed = found.contains_key("running_time_s");
            ensure!(
                is_timed == (handed.phase != "validation"),
                "{what}, {case}: {found:?}"
            );
        }
        if handed.phase != "validation" {
            let runs = self.rows.runs(&handed.id).await?;
            let is_whole = runs.len() == handed.truth.len() + 1
                && runs.iter().all(|(state, _)| state == "finished");
            ensure!(is_whole, "{what}: the case runs are {runs:?}");
        }
        Ok(())
    }

    /// The board as `api` sees it, once the submissions stand on it.
    pub async fn board_with(&self, api: &Api, handed: &[&Handed]) -> anyhow::Result<Value> {
        let phase_id = self.organizer.phase_id(handed[0].track, handed[0].phase)?;
        until("the board", Duration::from_secs(20), async || {
            let board = api.get(&format!("/api/v1/boards/{phase_id}")).await?.ok()?;
            // Whose submissions they are is told to organizers only.
            let inside = self
                .organizer
                .api
                .get(&format!("/api/v1/boards/{phase_id}"))
                .await?
                .ok()?;
            let on_it = |one: &&Handed| {
                rows_of(&inside)
                    .iter()
                    .any(|row| text(row, "submission_id") == one.id)
            };
            let is_current =
                board["version"] == inside["version"] || !text(&board, "hidden").is_empty();
            Ok((handed.iter().all(on_it) && is_current).then_some(board))
        })
        .await
    }
}

pub fn rows_of(board: &Value) -> &[Value] {
    board["rows"].as_array().map_or(&[], Vec::as_slice)
}

/// Version and rows without their intervals, which follow within a minute whether or not anything else changes.
pub fn ranking_of(board: &Value) -> (&Value, Vec<Value>) {
    let mut rows = rows_of(board).to_vec();
    for row in rows.iter_mut().filter_map(Value::as_object_mut) {
        row.remove("interval");
    }
    (&board["version"], rows)
}

/// What the supervisor and the processes complained of.
fn tell(system: &System) {
    for child in system.children() {
        let log = system.log_of(&child);
        let is_bad = |line: &&str| {
            [" WARN ", "ERROR", "panicked"]
                .iter()
                .any(|word| line.contains(word))
        };
        for line in log
            .lines()
            .filter(is_bad)
            .rev()
            .take(8)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
        {
            println!("    {child}: {line:.400}");
        }
    }
    for line in system.said().lines().filter(|line| line.starts_with('!')) {
        println!("    {line}");
    }
}
