//! Who gets which edition of an archive.
//!
//! A container sees the image of a hidden case and could write it into the digits of what it uses there. So everybody gets
//! of that what the board tells, which is means, and organizers alone have what was measured in each case.

use sqlx::PgPool;

use super::content::{Content, Edition};
use super::rows;
use crate::boards::Board;
use crate::entries::is_of_run;
use crate::figures::address;
use crate::rows::phases::Phase;
use crate::statistics::scored;

impl Edition {
    /// Which one whoever sees this board gets. Nothing else of the archive is read.
    pub async fn find(db: &PgPool, phase: &Phase, board: &Board) -> sqlx::Result<Self> {
        let mut of_runs = metrics(phase, board);
        of_runs.retain(|name| is_of_run(name));
        let is_measured = match board.version {
            Some(version) if !of_runs.is_empty() => {
                rows::is_measured(db, phase.id, version, &of_runs).await?
            }
            _ => false,
        };
        Ok(Self::of(is_measured, board.sight.is_reviewer))
    }

    /// Of a phase in which what containers used was measured in some case, or was not.
    fn of(is_measured: bool, is_for_organizers: bool) -> Self {
        match (is_measured, is_for_organizers) {
            (false, _) => Self::Common,
            (true, true) => Self::Organizers,
            (true, false) => Self::Public,
        }
    }
}

/// Metrics that an archive of the board tells of.
pub fn metrics(phase: &Phase, board: &Board) -> Vec<String> {
    match board.rows.is_empty() {
        // Everybody has left since: all of them are left out.
        true => phase.metrics.clone(),
        false => scored::names(
            board.rows.iter().flat_map(|row| row.values.keys()),
            &phase.metrics,
        ),
    }
}

impl Content {
    /// As organizers get it, or as everybody else does.
    pub fn edition(mut self, is_for_organizers: bool) -> Self {
        let measured: Vec<String> = self.of_runs().into_iter().map(str::to_owned).collect();
        self.phase.edition = Edition::of(!measured.is_empty(), is_for_organizers);
        if self.phase.edition == Edition::Public {
            measured.iter().for_each(|name| self.withhold(name));
        }
        self
    }

    /// Metrics of what containers used, as far as it was measured in some case.
    pub fn of_runs(&self) -> Vec<&str> {
        let metrics = self.phase.metrics.iter();
        let of_runs = metrics.filter(|metric| is_of_run(&metric.name));
        of_runs
            .filter(|metric| metric.is_withheld || self.scores.is_measured(&metric.name))
            .map(|metric| metric.name.as_str())
            .collect()
    }

    /// A quartile may be the value of a case, and the figure by case has a point for each.
    fn withhold(&mut self, name: &str) {
        self.scores.remove(name);
        let metrics = self.phase.metrics.iter_mut();
        for metric in metrics.filter(|metric| metric.name == name) {
            metric.is_withheld = true;
        }
        for entry in &mut self.ranking.entries {
            entry.spreads.remove(name);
        }
        let figure = address(name);
        self.figures.retain(|one| one.name != figure);
    }
}
