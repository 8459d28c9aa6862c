//! Figures of one team's history.

use chrono::{DateTime, Utc};
use molar_domain::metric::Metric;
use molar_figures::{Change, Figure, History, Quantity, Track};

use super::see::TeamHistory;
use super::steps::Step;
use crate::boards::Board;
use crate::error::Error;
use crate::figures::quantity;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Rank,
    Value,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Rank, Self::Value];

    /// In its address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rank => "rank",
            Self::Value => "value",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub fn title(self, metric: &str) -> String {
        match self {
            Self::Rank => "Rank, version by version".to_owned(),
            Self::Value => format!("{metric}, version by version"),
        }
    }

    fn of(self, step: &Step) -> Option<f64> {
        match self {
            Self::Rank => step.rank.map(f64::from),
            Self::Value => step.value,
        }
    }
}

/// What `show` makes of the figure; none where the team never had such a thing, as a rank out of competition.
pub fn draw<T>(
    kind: Kind,
    history: &TeamHistory,
    until: DateTime<Utc>,
    show: impl FnOnce(&dyn Figure) -> T,
) -> Result<Option<T>, Error> {
    let changes = changes(kind, &history.steps);
    if changes.iter().all(|change| change.value.is_none()) {
        return Ok(None);
    }
    let metric: Metric = history.metric.parse()?;
    let name = metric.title();
    let title = kind.title(&name);
    let tracks = [Track {
        name: &history.team,
        changes: &changes,
    }];
    let figure = History {
        title: &title,
        quantity: match kind {
            Kind::Rank => Quantity::lower_is_better("rank").decimals(0),
            Kind::Value => quantity(&metric, &name),
        },
        is_rank: kind == Kind::Rank,
        tracks: &tracks,
        until,
    };
    Ok(Some(show(&figure)))
}

/// A step may be one of the other figure alone.
fn changes(kind: Kind, steps: &[Step]) -> Vec<Change> {
    let changes = steps.iter().map(|step| Change {
        at: step.at,
        value: kind.of(step),
    });
    let mut changes: Vec<Change> = changes.collect();
    changes.dedup_by(|later, earlier| later.value == earlier.value);
    changes
}

/// Until when the last step holds, to the minute, so that what is drawn within one is the same.
pub fn until(board: &Board, history: &TeamHistory, now: DateTime<Utc>) -> DateTime<Utc> {
    let until = board.as_of.unwrap_or(now);
    let minute = until.timestamp().div_euclid(60) * 60;
    let until = DateTime::from_timestamp(minute, 0).unwrap_or(until);
    let last = history.steps.last();
    last.map_or(until, |step| until.max(step.at))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use molar_figures::Sheet;
    use molar_testkit::noon;

    use super::*;

    #[test]
    fn who_was_not_there_for_a_while_has_a_gap_and_a_rank_that_stays_no_step() {
        let step = |version: i32, rank: Option<i32>, value: Option<f64>| Step {
            version,
            at: noon() + TimeDelta::hours(version.into()),
            is_there: value.is_some(),
            rank,
            value,
        };
        let steps = [
            step(1, Some(2), Some(0.5)),
            step(2, Some(2), Some(0.6)),
            step(3, None, None),
            step(5, Some(2), Some(0.6)),
        ];
        let found = |kind| -> Vec<(i64, Option<f64>)> {
            let changes = changes(kind, &steps);
            let changes = changes.iter();
            let after = |change: &Change| (change.at - noon()).num_hours();
            changes
                .map(|change| (after(change), change.value))
                .collect()
        };
        let ranks = [(1, Some(2.0)), (3, None), (5, Some(2.0))];
        assert_eq!(found(Kind::Rank), ranks);
        let values = [(1, Some(0.5)), (2, Some(0.6)), (3, None), (5, Some(0.6))];
        assert_eq!(found(Kind::Value), values);
        let history = TeamHistory {
            team: "Ants".to_owned(),
            metric: "IA".to_owned(),
            version: 5,
            changes: steps.len(),
            steps: steps.to_vec(),
        };
        let until = noon() + TimeDelta::hours(9);
        let show = |figure: &dyn Figure| figure.svg(&Sheet::file("a"));
        let svg = draw(Kind::Rank, &history, until, show).unwrap().unwrap();
        // The line begins, ends, and begins anew.
        let mut paths = svg.split(" d=\"").filter_map(|part| part.split('"').next());
        let line = paths.find(|d| d.matches('H').count() == 2);
        assert_eq!(line.map(|d| d.matches('M').count()), Some(2), "{svg}");
    }
}
