//! From rows to the documents of an archive, for whoever may have it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use molar_domain::PhaseId;
use molar_domain::metric::Metric;
use molar_domain::phase::PhaseState;
use molar_web_kit::{Caller, Kit};
use sqlx::PgPool;
use uuid::Uuid;

use super::content::{
    Baseline, Content, Edition, Entry, Found, MetricFacts, Participant, Phase, Ranking,
    RankingRule, Statistics,
};
use super::edition::metrics;
use super::rows;
use super::scores::{Case, Scores};
use crate::boards::{Board, Row};
use crate::error::Error;
use crate::figures::{Drawing, see};
use crate::rows::phases;
use crate::rows::reports::{self, Definition, Scorer};
use crate::statistics::{ALPHA, LEVEL, Stored, of, scored};

const WHAT: &str = "archive that you may have: it is there for all once the phase is published, if its board shows names \
     and values exactly";
const OPEN: &str =
    "the phase has not ended, or work of it is left: it is archived when its ranks are final";
const EMPTY: &str = "nothing of this phase was ranked, so there is nothing to archive";
const NOT_YET: &str =
    "statistics and figures of the last ranks are being made; ask again in two minutes";

/// A finished phase in the edition for this caller. To organizers and reviewers from its end, to all from its publication.
pub async fn gather(kit: &Kit, id: PhaseId, caller: Option<&Caller>) -> Result<Content, Error> {
    let phase = phases::find(&kit.db, id).await?;
    let seen = see(kit, &phase, caller).await?;
    let board = &seen.board;
    let is_for_caller = board.sight.is_reviewer || phase.window.is_published;
    if board.hidden.is_some() || !is_for_caller || !board.sight.has_cases() {
        return Err(Error::NotFound(WHAT));
    }
    if !matches!(board.state, PhaseState::Closed | PhaseState::Published) {
        return Err(Error::NotArchived(OPEN));
    }
    let version = board.version.ok_or(Error::NotArchived(EMPTY))?;
    let drawing = seen
        .drawing
        .as_ref()
        .filter(|drawing| drawing.version == version);
    let stored = of(&kit.db, phase.id, version).await?;
    let (Some(drawing), Some(stored)) = (drawing, stored) else {
        return Err(Error::NotArchived(NOT_YET));
    };
    let parts = Parts::read(&kit.db, &phase, board, version).await?;
    let until = moment(board, drawing, &stored, &parts.definition);
    let (db, challenge) = (&kit.db, phase.challenge_id.0);
    let url = kit
        .public_url
        .join(&format!("/challenges/{}", phase.challenge_slug));
    let content = Content {
        figures: rows::figures(db, id, version).await?,
        agreements: reports::agreements(db, challenge, until).await?,
        audit_head: rows::audit_head(db, until).await?,
        url: url.map_or(String::new(), String::from),
        statistics: statistics(stored, board),
        ranking: ranking(board, version, &parts.scores),
        participants: parts.participants,
        scores: parts.scores,
        phase: definition(
            &phase,
            board,
            parts.definition,
            parts.metrics,
            parts.scorers,
        ),
    };
    Ok(content.edition(board.sight.is_reviewer))
}

/// The moment of the archive: when the last of what is in it was made. Nothing later is told, so that it is the same
/// whenever it is asked for.
fn moment(
    board: &Board,
    drawing: &Drawing,
    stored: &Stored,
    definition: &Definition,
) -> DateTime<Utc> {
    let made = [board.made_at, definition.published_at]
        .into_iter()
        .flatten();
    let last = stored.computed_at.max(drawing.made_at);
    made.fold(last, DateTime::max)
}

struct Parts {
    definition: Definition,
    metrics: Vec<MetricFacts>,
    scores: Scores,
    participants: Vec<Participant>,
    scorers: Vec<Scorer>,
}

impl Parts {
    async fn read(
        db: &PgPool,
        phase: &phases::Phase,
        board: &Board,
        version: i32,
    ) -> Result<Self, Error> {
        let entries = rows::entries(db, phase.id, version).await?;
        if entries.iter().any(|entry| !entry.has_place) {
            return Err(Error::NotArchived(NOT_YET));
        }
        let mut by_team: BTreeMap<Uuid, _> = entries
            .into_iter()
            .map(|entry| (entry.team_id, entry))
            .collect();
        let entries = board
            .rows
            .iter()
            .filter_map(|row| Some((row, by_team.remove(&row.team_id)?)));
        let entries: Vec<_> = entries.collect();
        let evaluations: Vec<Uuid> = entries
            .iter()
            .map(|(_, entry)| entry.evaluation_id)
            .collect();
        let names = metrics(phase, board);
        let metrics = names.iter().map(|name| facts(name));
        let metrics = metrics.collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            definition: reports::definition(db, phase.id).await?,
            scores: scores(db, &metrics, &evaluations).await?,
            scorers: reports::scorers(db, phase.id, version).await?,
            participants: entries
                .into_iter()
                .map(|(row, entry)| Participant {
                    team: row.team.clone(),
                    code_url: entry.code_url,
                    licence: entry.licence,
                })
                .collect(),
            metrics,
        })
    }
}

fn facts(name: &str) -> Result<MetricFacts, Error> {
    let metric: Metric = name.parse()?;
    Ok(MetricFacts {
        name: name.to_owned(),
        title: metric.title(),
        is_higher_better: metric.is_higher_better(),
        unit: metric.unit().map(str::to_owned),
        is_withheld: false,
    })
}

async fn scores(
    db: &PgPool,
    metrics: &[MetricFacts],
    evaluations: &[Uuid],
) -> Result<Scores, Error> {
    let places: BTreeMap<Uuid, usize> = evaluations.iter().copied().zip(0..).collect();
    let mut scores = Scores {
        metrics: metrics.iter().map(MetricFacts::metric).collect(),
        cases: 0,
        entries: vec![Vec::new(); evaluations.len()],
    };
    let mut last = None;
    rows::cases(db, evaluations, |row| {
        if last.replace(row.case_id) != Some(row.case_id) {
            scores.cases += 1;
            scores.entries.iter_mut().for_each(|cases| cases.push(None));
        }
        let cells = metrics
            .iter()
            .map(|metric| scored::cell(&metric.name, &row.values));
        let case = Case {
            is_failed: row.is_failed,
            cells: cells.collect(),
        };
        let entry = places
            .get(&row.evaluation_id)
            .map(|&at| &mut scores.entries[at]);
        if let Some(place) = entry.and_then(|cases| cases.last_mut()) {
            *place = Some(case);
        }
    })
    .await?;
    Ok(scores)
}

fn ranking(board: &Board, version: i32, scores: &Scores) -> Ranking {
    let entries = (0..).zip(&board.rows);
    let baselines = board.baselines.iter().map(|baseline| Baseline {
        name: baseline.team.clone(),
        note: baseline.note.clone(),
        values: baseline.values.clone(),
    });
    Ranking {
        version,
        made_at: board.made_at.unwrap_or_default(),
        left_out: board.left_out.clone(),
        entries: entries.map(|(at, row)| entry(at, row, scores)).collect(),
        disqualified: board.disqualified.clone(),
        baselines: baselines.collect(),
    }
}

fn entry(at: usize, row: &Row, scores: &Scores) -> Entry {
    let cases = scores.entries.get(at).into_iter().flatten().flatten();
    Entry {
        entry: at + 1,
        team: row.team.clone(),
        rank: row.rank.map(i32::cast_unsigned),
        mean_rank: row.mean_rank,
        values: row.values.clone(),
        spreads: row.spreads.clone(),
        ranks: row.ranks.clone(),
        cases: cases.clone().count(),
        failed_cases: cases.filter(|case| case.is_failed).count(),
        submissions: row.submissions,
        submitted_at: row.submitted_at,
        out_reason: row.out_reason.clone(),
    }
}

fn statistics(stored: Stored, board: &Board) -> Statistics {
    let teams = board.rows.iter().map(|row| row.team_id).zip(1..);
    let teams: Vec<(Uuid, usize)> = teams.collect();
    Statistics {
        version: stored.version,
        as_of: stored.computed_at,
        seed: stored.seed,
        draws: stored.draws,
        library: stored.library,
        level: LEVEL,
        alpha: ALPHA,
        found: Found::of(&stored.document.0, &teams),
    }
}

fn definition(
    phase: &phases::Phase,
    board: &Board,
    more: Definition,
    metrics: Vec<MetricFacts>,
    scorers: Vec<Scorer>,
) -> Phase {
    Phase {
        edition: Edition::Common,
        phase_id: phase.id.0,
        challenge: phase.challenge_slug.clone(),
        challenge_title: phase.challenge_title.clone(),
        summary: more.summary,
        note: phase.challenge_note.clone(),
        track: phase.track_slug.clone(),
        track_title: phase.track_title.clone(),
        phase: phase.slug.clone(),
        phase_title: phase.title.clone(),
        kind: phase.kind.to_string(),
        format: more.format,
        labels: more.labels,
        groups: more.groups,
        pixel_spacing_mm: more.pixel_spacing_mm,
        zone: phase.zone.clone(),
        opens_at: phase.window.opening.at,
        closes_at: phase.window.closes_at,
        published_at: more.published_at,
        is_final: phase.is_final,
        metrics,
        ranking: RankingRule {
            keep: phase.keep.to_string(),
            keep_metric: phase.keep_metric.clone(),
            ..RankingRule::default()
        },
        quota: more.quota,
        limits: more.limits,
        device_class: phase.device_class.clone(),
        machines: board.machines.clone(),
        requires_code_url: more.requires_code_url,
        allowed_licences: more.allowed_licences,
        board: phase.board,
        scorers,
    }
}
