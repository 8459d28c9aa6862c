//! Makes a new version of a phase's ranking where what it is made from has changed.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::{DateTime, Utc};
use molar_domain::ids::uuid_at;
use molar_domain::metric::Metric;
use molar_domain::phase::Keep;
use molar_domain::{Clock, PhaseId, TeamId};
use molar_ranking::{Direction, Entry, MetricColumn, Table, rank_table};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::entries::{Candidate, Choice, kept};
use crate::error::Error;
use crate::rows::phases::Phase;
use crate::rows::stamps::{self, Inputs};
use crate::rows::{candidates, in_work, machines, means, phases, rankings};

/// What a phase was ranked from: where only some of its teams have changed since, only those are looked at again.
#[derive(Debug)]
pub struct Basis {
    phase: Phase,
    inputs: Inputs,
    /// As they were ranked, without their spreads.
    entries: Vec<Candidate>,
}

impl Basis {
    /// Whether ranking it now would come to the same. On a Ladder entries wait for what is in work, which nothing counts.
    pub fn stands(&self, phase: &Phase, inputs: &Inputs) -> bool {
        self.phase == *phase && self.inputs == *inputs && phase.board.ladder_step.is_none()
    }

    fn differs_by_teams(&self, phase: &Phase, inputs: &Inputs) -> bool {
        let same = Inputs {
            of_phase: self.inputs.of_phase,
            ..inputs.clone()
        };
        self.stands(phase, &same)
    }
}

/// Ranks one phase; returns whether there is a new version.
#[cfg(test)]
pub async fn one(db: &PgPool, phase_id: PhaseId, now: DateTime<Utc>) -> Result<bool, Error> {
    let clock = molar_testkit::MockClock::at(now);
    Ok(again(db, phase_id, None, &clock).await?.0)
}

/// Ranks one phase; returns whether there is a new version, and from what, unless it could not be ranked as it is.
pub async fn again(
    db: &PgPool,
    phase_id: PhaseId,
    before: Option<Basis>,
    clock: &dyn Clock,
) -> Result<(bool, Option<Basis>), Error> {
    let begun = Instant::now();
    let mut tx = db.begin().await?;
    // Two folds of one phase would both see the same last version.
    rankings::lock(&mut tx, phase_id).await?;
    let Some(basis) = basis(&mut tx, phase_id, before).await? else {
        return Ok((false, None));
    };
    // Not before what was read: a version from before a board is frozen holds nothing from after.
    let is_new = rank(&mut tx, &basis, clock.now()).await?;
    tx.commit().await?;
    if is_new {
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(phase.id = %phase_id, took_ms, "ranked");
    }
    Ok((is_new, Some(basis)))
}

/// The entries of a phase; none where it cannot be ranked by what it says, or says something else meanwhile.
async fn basis(
    tx: &mut PgConnection,
    phase_id: PhaseId,
    before: Option<Basis>,
) -> Result<Option<Basis>, Error> {
    let phase = phases::find(&mut *tx, phase_id).await?;
    // Before what is counted, so that what comes in between is seen by the next round.
    let inputs = stamps::inputs(&mut *tx, &phase).await?;
    // The file may name a metric for the best that what counts was not measured by: a re-scoring decides.
    let is_measured = |metric: &String| phase.metrics.contains(metric);
    if phase.keep == Keep::Best && !phase.keep_metric.as_ref().is_some_and(is_measured) {
        return Ok(None);
    }
    let before = before.filter(|before| before.differs_by_teams(&phase, &inputs));
    let (teams, mut entries) = match before {
        Some(mut before) => {
            let since = before.inputs.of_phase;
            let teams = stamps::changed_teams(&mut *tx, &phase, since).await?;
            before.entries.retain(|entry| !teams.contains(&entry.team));
            (teams, before.entries)
        }
        None => (phases::participants(&mut *tx, &phase).await?, Vec::new()),
    };
    entries.extend(entries_of(tx, &phase, &teams).await?);
    entries.sort_unstable_by_key(|entry| entry.team);
    // A re-scoring may have been published between the reads, or a place have changed.
    let (phase_now, inputs_now) = (
        phases::find(&mut *tx, phase_id).await?,
        stamps::inputs(&mut *tx, &phase).await?,
    );
    let is_one = phase_now == phase
        && (inputs_now.of_all, inputs_now.of_track) == (inputs.of_all, inputs.of_track);
    Ok(is_one.then_some(Basis {
        phase,
        inputs,
        entries,
    }))
}

/// Of each of these teams its one entry, with all that is measured of it.
async fn entries_of(
    tx: &mut PgConnection,
    phase: &Phase,
    teams: &[TeamId],
) -> Result<Vec<Candidate>, Error> {
    let candidates = candidates::list(&mut *tx, phase, teams).await?;
    means::keep(&mut *tx, &candidates).await?;
    let candidates = decided(&mut *tx, phase, candidates).await?;
    let mut entries = entries(phase, candidates)?;
    let made = candidates::complete(&mut *tx, &mut entries, &phase.metrics).await?;
    means::keep(&mut *tx, &made).await?;
    for entry in &mut entries {
        // Both are kept now.
        entry.spreads.clear();
        entry.is_new = false;
    }
    Ok(entries)
}

/// Writes the next version where it would differ from the last.
async fn rank(tx: &mut PgConnection, basis: &Basis, now: DateTime<Utc>) -> Result<bool, Error> {
    let Basis { phase, entries, .. } = basis;
    let inputs = inputs_hash(&phase.metrics, entries);
    let last = rankings::last(tx, phase.id).await?;
    let is_first = last.is_none();
    if last.as_ref().is_some_and(|last| last.inputs_hash == inputs)
        || (is_first && entries.is_empty())
    {
        return Ok(false);
    }
    // Another process may have begun later and come first: versions stay in the order of their times.
    let now = last.as_ref().map_or(now, |last| now.max(last.created_at));
    let table = table(&phase.metrics, entries)?;
    let evaluations: Vec<_> = entries.iter().map(|entry| entry.evaluation.0).collect();
    let machines = machines::list(tx, &evaluations).await?;
    let ranking = rankings::New {
        id: uuid_at(now),
        phase_id: phase.id,
        version: last.map_or(1, |last| last.version + 1),
        inputs_hash: inputs,
        left_out: &table.left_out,
        machines: &machines,
        now,
    };
    rankings::insert(tx, &ranking).await?;
    let ranks: BTreeMap<usize, _> = table.rows.iter().map(|row| (row.id, row)).collect();
    let rows = entries.iter().enumerate();
    let rows: Vec<_> = rows
        .map(|(place, entry)| (entry, ranks.get(&place).copied()))
        .collect();
    rankings::insert_entries(tx, ranking.id, &phase.metrics, &rows).await?;
    Ok(true)
}

/// On a Ladder only what was handed in before anything that is still in work. What is a rung is decided in the order of handing
/// in: in that of measuring, a slow submission beside a fast one would show two values within one step.
async fn decided(
    tx: &mut PgConnection,
    phase: &Phase,
    mut candidates: Vec<Candidate>,
) -> sqlx::Result<Vec<Candidate>> {
    if phase.board.ladder_step.is_some() {
        let scored: Vec<Uuid> = candidates.iter().map(|one| one.submission.0).collect();
        let since = in_work::since(tx, phase.id, &scored).await?;
        candidates.retain(|one| since.get(&one.team).is_none_or(|at| one.submitted_at < *at));
    }
    Ok(candidates)
}

/// Of each team its one entry.
pub fn entries(phase: &Phase, candidates: Vec<Candidate>) -> Result<Vec<Candidate>, Error> {
    let metric = phase
        .keep_metric
        .as_deref()
        .map(|name| Ok::<_, Error>((name, is_higher_better(name)?)));
    let metric = metric.transpose()?.filter(|_| phase.keep == Keep::Best);
    let choice = Choice {
        keep: phase.keep,
        metric,
        step: phase.board.ladder_step,
    };
    Ok(kept(candidates, choice))
}

/// Ranks those that compete; an entry's id in the table is its place in `entries`.
pub fn table(metrics: &[String], entries: &[Candidate]) -> Result<Table<usize>, Error> {
    let columns = metrics.iter().map(|name| {
        let direction = if is_higher_better(name)? {
            Direction::HigherIsBetter
        } else {
            Direction::LowerIsBetter
        };
        Ok::<_, Error>(MetricColumn::new(name.clone(), direction))
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let competing: Vec<Entry<usize>> = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| entry.out_reason.is_none())
        .map(|(place, entry)| Entry {
            id: place,
            values: metrics
                .iter()
                .map(|name| entry.means.get(name).copied().flatten())
                .collect(),
        })
        .collect();
    Ok(rank_table(&columns, &competing)?)
}

fn is_higher_better(name: &str) -> Result<bool, Error> {
    Ok(name.parse::<Metric>()?.is_higher_better())
}

/// Names everything that a ranking is made from: which evaluation stands for whom, and what counts.
fn inputs_hash(metrics: &[String], entries: &[Candidate]) -> String {
    let mut hash = Sha256::new();
    hash.update(metrics.join(","));
    for entry in entries {
        hash.update(entry.team.0);
        hash.update(entry.evaluation.0);
        hash.update(
            entry
                .out_reason
                .as_deref()
                .map_or("in".to_owned(), |reason| format!("out:{reason}")),
        );
        hash.update([0]);
    }
    hex::encode(hash.finalize())
}
