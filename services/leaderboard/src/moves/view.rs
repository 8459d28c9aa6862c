//! Two boards, team by team.

use std::collections::{BTreeMap, BTreeSet};

use molar_domain::{RescoringId, TeamId};
use molar_web_kit::Caller;
use serde::Serialize;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::rows::{self, Pair, Rescoring};
use crate::entries::Candidate;
use crate::error::Error;
use crate::fold;
use crate::rows::candidates;
use crate::rows::phases::{self, Phase, metrics_by};

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Moves {
    pub rescoring_id: Uuid,
    pub phase_id: Uuid,
    /// `challenge/track/phase`
    pub phase: String,
    /// Of the re-scoring. Once it is published both boards are the same.
    pub state: String,
    /// Whether everything is measured: what is not yet is missing in the board after.
    pub is_complete: bool,
    /// Of the board before and of the one after.
    pub metrics_before: Vec<String>,
    pub metrics_after: Vec<String>,
    /// Teams whose rank changes.
    pub moved: usize,
    /// All teams of either board, by their rank after.
    pub teams: Vec<Move>,
}

/// What becomes of a team's entry.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Move {
    pub team_id: Uuid,
    pub team: String,
    /// Absent where the team has no entry, or competes for no rank.
    pub rank_before: Option<u32>,
    pub rank_after: Option<u32>,
    /// Of the entry. It can be another where the best one counts.
    pub submission_before: Option<Uuid>,
    pub submission_after: Option<Uuid>,
    /// By metric.
    pub values: BTreeMap<String, Change>,
    /// Cases of the entry with other values than before.
    pub cases: Vec<CaseChange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Change {
    pub before: Option<f64>,
    pub after: Option<f64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CaseChange {
    pub case: String,
    /// By metric, only those that differ.
    pub values: BTreeMap<String, Change>,
}

impl Move {
    pub fn is_moved(&self) -> bool {
        self.rank_before != self.rank_after
    }

    /// Whether anything of the entry differs.
    pub fn is_touched(&self) -> bool {
        self.is_moved()
            || !self.cases.is_empty()
            || self.submission_before != self.submission_after
            || self
                .values
                .values()
                .any(|change| change.before != change.after)
    }
}

/// For those who organize or review the challenge; to anybody else there is no such re-scoring.
pub async fn see(db: &PgPool, id: RescoringId, caller: &Caller) -> Result<Moves, Error> {
    let missing = Error::NotFound("re-scoring");
    // One snapshot: both boards are of one moment.
    let mut tx = db
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    let Some(of) = rows::find(&mut tx, id).await? else {
        return Err(missing);
    };
    let phase = phases::find(&mut *tx, of.phase_id).await?;
    if !caller.may_review(phase.challenge_id) {
        return Err(missing);
    }
    let names = rows::team_names(&mut tx, phase.track_id).await?;
    let before = before(&mut tx, &phase).await?;
    let after = after(&mut tx, &phase, id, &of).await?;
    let pairs = pairs(&mut tx, &before, &after).await?;
    let mut teams = moves(&names, &before, &after, pairs);
    teams.sort_by_key(|one| (one.rank_after.is_none(), one.rank_after, one.team.clone()));
    Ok(Moves {
        rescoring_id: id.0,
        phase_id: phase.id.0,
        phase: format!(
            "{}/{}/{}",
            phase.challenge_slug, phase.track_slug, phase.slug
        ),
        is_complete: of.running == 0 && !["draft", "computing"].contains(&of.state.as_str()),
        state: of.state,
        metrics_before: before.metrics,
        metrics_after: after.metrics,
        moved: teams.iter().filter(|one| one.is_moved()).count(),
        teams,
    })
}

/// A board that is not kept.
struct Standing {
    metrics: Vec<String>,
    by_team: BTreeMap<TeamId, (Candidate, Option<u32>)>,
}

impl Standing {
    async fn of(
        tx: &mut PgConnection,
        phase: &Phase,
        metrics: Vec<String>,
        candidates: Vec<Candidate>,
    ) -> Result<Self, Error> {
        let mut entries = fold::entries(phase, candidates)?;
        candidates::complete(tx, &mut entries, &metrics).await?;
        let table = fold::table(&metrics, &entries)?;
        let ranks: BTreeMap<usize, u32> = table
            .rows
            .iter()
            .map(|row| (row.id, row.final_rank))
            .collect();
        let ranked = entries
            .into_iter()
            .enumerate()
            .map(|(place, entry)| (entry.team, (entry, ranks.get(&place).copied())));
        Ok(Self {
            by_team: ranked.collect(),
            metrics,
        })
    }

    fn entry(&self, team: TeamId) -> Option<&Candidate> {
        self.by_team.get(&team).map(|(entry, _)| entry)
    }

    fn rank(&self, team: TeamId) -> Option<u32> {
        self.by_team.get(&team).and_then(|(_, rank)| *rank)
    }

    fn value(&self, team: TeamId, metric: &str) -> Option<f64> {
        self.entry(team)?.means.get(metric).copied().flatten()
    }
}

async fn before(tx: &mut PgConnection, phase: &Phase) -> Result<Standing, Error> {
    let teams = phases::participants(&mut *tx, phase).await?;
    let candidates = candidates::list(tx, phase, &teams).await?;
    Standing::of(tx, phase, phase.metrics.clone(), candidates).await
}

async fn after(
    tx: &mut PgConnection,
    phase: &Phase,
    id: RescoringId,
    of: &Rescoring,
) -> Result<Standing, Error> {
    let metrics = metrics_by(&phase.file_metrics, Some(&of.parameters));
    let candidates = candidates::list_rescored(tx, phase, id.0, &metrics).await?;
    Standing::of(tx, phase, metrics, candidates).await
}

/// Cases that changed, of teams whose entry is the same submission.
async fn pairs(
    tx: &mut PgConnection,
    before: &Standing,
    after: &Standing,
) -> Result<BTreeMap<Uuid, Vec<Pair>>, Error> {
    let same = after.by_team.iter().filter_map(|(team, (entry, _))| {
        let old = before.entry(*team)?;
        (old.submission == entry.submission).then_some((old.evaluation.0, entry.evaluation.0))
    });
    let (old, new): (Vec<_>, Vec<_>) = same.unzip();
    let mut by_evaluation: BTreeMap<Uuid, Vec<Pair>> = BTreeMap::new();
    for pair in rows::changed_cases(tx, &old, &new).await? {
        by_evaluation.entry(pair.after_id).or_default().push(pair);
    }
    Ok(by_evaluation)
}

fn moves(
    names: &BTreeMap<Uuid, String>,
    before: &Standing,
    after: &Standing,
    mut pairs: BTreeMap<Uuid, Vec<Pair>>,
) -> Vec<Move> {
    let metrics: BTreeSet<&String> = before.metrics.iter().chain(&after.metrics).collect();
    let teams: BTreeSet<TeamId> = before
        .by_team
        .keys()
        .chain(after.by_team.keys())
        .copied()
        .collect();
    let one = |team: TeamId| {
        let entry = after.entry(team);
        let cases = entry.and_then(|entry| pairs.remove(&entry.evaluation.0));
        Move {
            team_id: team.0,
            team: names.get(&team.0).cloned().unwrap_or_default(),
            rank_before: before.rank(team),
            rank_after: after.rank(team),
            submission_before: before.entry(team).map(|entry| entry.submission.0),
            submission_after: entry.map(|entry| entry.submission.0),
            values: metrics
                .iter()
                .map(|metric| {
                    let change = Change {
                        before: before.value(team, metric),
                        after: after.value(team, metric),
                    };
                    ((*metric).clone(), change)
                })
                .collect(),
            cases: cases
                .unwrap_or_default()
                .into_iter()
                .map(|pair| case_change(pair, &metrics))
                .filter(|case| !case.values.is_empty())
                .collect(),
        }
    };
    teams.into_iter().map(one).collect()
}

fn case_change(pair: Pair, metrics: &BTreeSet<&String>) -> CaseChange {
    let number = |values: &Value, metric: &str| values.get(metric).and_then(Value::as_f64);
    let values = metrics.iter().filter_map(|metric| {
        let change = Change {
            before: number(&pair.before, metric),
            after: number(&pair.after, metric),
        };
        (change.before != change.after).then(|| ((*metric).clone(), change))
    });
    CaseChange {
        values: values.collect(),
        case: pair.case,
    }
}
