//! From inputs to figures. Pure.

use std::collections::BTreeMap;

use molar_domain::metric::Metric;
use molar_figures::{
    BoxPlot, Figure, History, Line, Offer, Placed, Podium, Quantity, RankShare, Sample, Schemes,
    Sheet, SignificanceMap, Stability, Tested, Track, TradeOff,
};

use super::inputs::{Inputs, Team};
use super::rows::Drawn;
use super::words::{address, map_address, quantity, title};
use crate::digits;
use crate::error::Error;
use crate::statistics::scored::{Cell, Values};
use crate::statistics::{ALPHA, Figures};
use crate::teeth;

/// The sheets of one ranking. Teams without a name are left out of each.
struct Book<'a> {
    inputs: &'a Inputs,
    figures: Vec<Drawn>,
}

/// In the order of the page; none where nobody is ranked. `draws` is how often cases were drawn for the statistics.
pub fn draw(inputs: &Inputs, draws: i32) -> Result<Vec<Drawn>, Error> {
    let mut book = Book {
        inputs,
        figures: Vec::new(),
    };
    if inputs.teams.iter().all(|team| team.name.is_none()) {
        return Ok(book.figures);
    }
    let counted = &inputs.statistics.figures.metrics;
    let counted = counted.iter().map(|metric| title(&metric.name));
    let counted = counted.collect::<Result<Vec<_>, _>>()?;
    book.podium();
    if inputs.teams.len() > 1 && inputs.scored.cases > 1 && !counted.is_empty() {
        book.stability(&counted, draws);
        book.significance(&counted);
        book.schemes(&counted);
    }
    book.history();
    book.trade_offs()?;
    book.teeth();
    for values in inputs.scored.metrics.iter().filter(|one| one.is_measured()) {
        book.cases(values)?;
    }
    Ok(book.figures)
}

impl<'a> Book<'a> {
    fn add(&mut self, name: &str, title: &str, note: String, figure: &dyn Figure) {
        let (wide, narrow) = (format!("figure-{name}"), format!("figure-{name}-narrow"));
        self.figures.push(Drawn {
            name: name.to_owned(),
            title: title.to_owned(),
            note,
            wide: figure.svg(&Sheet::wide(&wide)),
            narrow: figure.svg(&Sheet::narrow(&narrow)),
            file: figure.svg(&Sheet::file(&wide)),
        });
    }

    /// Their places, names and themselves, by rank and then by name.
    fn named(&self) -> impl Iterator<Item = (usize, &'a str, &'a Team)> + use<'a> {
        let teams = self.inputs.teams.iter().enumerate();
        let mut teams: Vec<_> = teams
            .filter_map(|(at, team)| Some((at, team.name.as_deref()?, team)))
            .collect();
        teams.sort_by_key(|(_, name, team)| (team.rank, *name));
        teams.into_iter()
    }

    fn statistics(&self) -> &'a Figures {
        &self.inputs.statistics.figures
    }

    /// By all cases, and by the metrics by which everybody is ranked in the draws: not always the rank on the board.
    fn rank_in_draws(&self, at: usize, team: &Team) -> Option<f64> {
        let of_board = self.statistics().schemes.first();
        let rank = of_board.map_or(Some(team.rank.cast_unsigned()), |scheme| scheme.ranks[at]);
        rank.map(f64::from)
    }

    /// By what it was ranked, where that is not told by the board.
    fn by(&self, metrics: &[String]) -> String {
        let metrics = metrics.join(", ");
        let left_out = self.statistics().left_out.iter();
        let left_out = left_out.map(|one| title(&one.metric).unwrap_or(one.metric.clone()));
        let left_out: Vec<_> = left_out.collect();
        let lacking = match self.is_any_lacking() {
            true => " Who lacks one of them in some case is last in it, as on the board.",
            false => "",
        };
        if self.statistics().is_board_ranking || left_out.is_empty() {
            return format!("By {metrics}.{lacking}");
        }
        format!(
            "By {metrics} only: without {} the ranks are not those of the board.{lacking}",
            left_out.join(", "),
        )
    }

    /// Whether an entry has no value in some case of a metric that counts.
    fn is_any_lacking(&self) -> bool {
        let mut counted = self.statistics().metrics.iter();
        counted.any(|metric| self.is_lacking(&metric.name))
    }

    fn is_lacking(&self, metric: &str) -> bool {
        let mut all = self.inputs.scored.metrics.iter();
        let values = all.find(|values| values.name == metric);
        values.is_some_and(|values| values.rows.iter().any(|row| row.contains(&Cell::Missing)))
    }

    fn podium(&mut self) {
        let entries = self.named().map(|(_, name, team)| Placed {
            name,
            rank: Some(f64::from(team.rank)),
            value: team.mean_rank,
        });
        let entries: Vec<_> = entries.collect();
        let title = "The first three";
        let figure = Podium {
            title,
            quantity: Quantity::lower_is_better("mean rank").decimals(2),
            entries: &entries,
        };
        let note = "By the mean of the ranks in all metrics; equals share a place.";
        self.add("podium", title, note.to_owned(), &figure);
    }

    fn stability(&mut self, metrics: &[String], draws: i32) {
        let drawn = |at: usize| &self.inputs.statistics.teams[at].standing;
        let counts = |at: usize| -> Vec<(f64, usize)> {
            let ranks = drawn(at).distribution.iter();
            ranks
                .map(|one| (f64::from(one.rank), one.draws as usize))
                .collect()
        };
        let counts: Vec<_> = self.named().map(|(at, ..)| counts(at)).collect();
        let shares = self.named().zip(&counts).map(|((at, name, team), counts)| {
            let ranked: usize = counts.iter().map(|(_, draws)| draws).sum();
            RankShare {
                name,
                rank: self.rank_in_draws(at, team),
                counts,
                unranked: (draws as usize).saturating_sub(ranked),
                median: drawn(at).median,
                interval: drawn(at).interval.map(|one| (one.from, one.to)),
            }
        });
        let entries: Vec<_> = shares.collect();
        let title = "How sure the ranks are";
        let figure = Stability {
            title,
            entries: &entries,
        };
        let note = format!(
            "The {} cases were drawn anew {draws} times, with replacement, and everybody ranked by what was drawn: the \
             larger a blob, the more often an entry had that rank. {}",
            self.inputs.scored.cases,
            self.by(metrics),
        );
        self.add("stability", title, note, &figure);
    }

    /// A map for each metric; p-values are kept of the first alone.
    fn significance(&mut self, metrics: &[String]) {
        let adjusted_p = &self.statistics().adjusted_p;
        let mapped = self.named().filter(|(at, ..)| *at < adjusted_p.len());
        let (places, names): (Vec<usize>, Vec<&str>) =
            mapped.map(|(at, name, _)| (at, name)).unzip();
        if names.len() < 2 {
            return;
        }
        let row = |row: &usize| -> Vec<Option<f64>> {
            let columns = places.iter();
            columns.map(|column| adjusted_p[*row][*column]).collect()
        };
        let adjusted: Vec<_> = places.iter().map(row).collect();
        let adjusted: Vec<_> = adjusted.iter().map(Vec::as_slice).collect();
        let title = "Who is better than whom";
        let figure = map(title, &names, Tested::Adjusted(&adjusted));
        let inputs = self.inputs;
        let mut all = inputs.statistics.figures.metrics.iter().zip(metrics);
        let Some((tests, metric)) = all.next() else {
            return;
        };
        let note = tests_by(metric, self.is_lacking(&tests.name));
        self.add("significance", title, note, &figure);
        for (tests, metric) in all {
            let title = format!("{title} by {metric}");
            let better = better_than(&tests.better_than, &places);
            let better: Vec<_> = better.iter().map(Vec::as_slice).collect();
            let figure = map(&title, &names, Tested::BetterThan(&better));
            let note = tests_by(metric, self.is_lacking(&tests.name));
            self.add(&map_address(&tests.name), &title, note, &figure);
        }
    }

    fn schemes(&mut self, metrics: &[String]) {
        let schemes = &self.statistics().schemes;
        let ranks = self.named().map(|(at, name, _)| {
            let ranks = schemes.iter().map(|scheme| scheme.ranks[at].map(f64::from));
            (name, ranks.collect::<Vec<_>>())
        });
        let ranks: Vec<_> = ranks.collect();
        let lines = ranks.iter().map(|(name, ranks)| Line { name, ranks });
        let entries: Vec<_> = lines.collect();
        let names: Vec<_> = schemes.iter().map(|scheme| scheme.title.as_str()).collect();
        let title = "The ranking by other rules";
        let figure = Schemes {
            title,
            schemes: &names,
            entries: &entries,
        };
        let note = format!("The first rule is that of the board. {}", self.by(metrics));
        self.add("schemes", title, note, &figure);
    }

    fn history(&mut self) {
        let tracks = self.named().filter(|(.., team)| !team.ranks.is_empty());
        let tracks: Vec<_> = tracks
            .map(|(_, name, team)| Track {
                name,
                changes: &team.ranks,
            })
            .collect();
        let title = "How the first came to their ranks";
        let figure = History {
            title,
            quantity: Quantity::lower_is_better("rank").decimals(0),
            is_rank: true,
            tracks: &tracks,
            until: self.inputs.until,
        };
        let note = "Times are in UTC.";
        self.add("history", title, note.to_owned(), &figure);
    }

    /// By the first metric of accuracy, where it is on the board beside a cost.
    fn trade_offs(&mut self) -> Result<(), Error> {
        let metrics = self.inputs.scored.metrics.iter();
        let metrics = metrics.map(|values| Ok((values.name.as_str(), values.name.parse()?)));
        let metrics = metrics.collect::<Result<Vec<(&str, Metric)>, Error>>()?;
        let Some((gain_name, gain)) = metrics.iter().find(|(_, metric)| !metric.is_of_run()) else {
            return Ok(());
        };
        for (cost_name, cost) in metrics.iter().filter(|(_, metric)| metric.is_of_run()) {
            let offers = self.named().map(|(_, name, team)| Offer {
                name,
                gain: team.means.get(*gain_name).copied(),
                cost: team.means.get(*cost_name).copied(),
                is_baseline: false,
            });
            let mut entries: Vec<_> = offers.collect();
            let is_both = |offer: &Offer<'_>| offer.gain.is_some() && offer.cost.is_some();
            if !entries.iter().any(is_both) {
                continue;
            }
            entries.extend(self.inputs.baselines.iter().map(|baseline| Offer {
                name: &baseline.name,
                gain: baseline.values[*gain_name].as_f64(),
                cost: baseline.values[*cost_name].as_f64(),
                is_baseline: true,
            }));
            let (name, what) = match cost {
                Metric::GpuMemoryArea => ("gpu-area", "GPU area"),
                _ => ("time", "running time"),
            };
            let (gain_title, cost_title) = (gain.title(), cost.title());
            let title = format!("{gain_title} and {what}");
            let figure = TradeOff {
                title: &title,
                gain: quantity(gain, &gain_title),
                cost: quantity(cost, &cost_title),
                entries: &entries,
            };
            let has_baseline = entries.iter().any(|one| one.is_baseline && is_both(one));
            let mut note =
                "Means over the cases. Nobody beats those on the line in both.".to_owned();
            if has_baseline {
                note += " Squares are baselines, which are on no line.";
            }
            self.add(name, &title, note, &figure);
        }
        Ok(())
    }

    fn teeth(&mut self) {
        let teeth = teeth::of_all(&self.inputs.teeth);
        if teeth.is_empty() {
            return;
        }
        let title = "Dice by tooth";
        let whose = match (self.inputs.teeth.len(), self.named().count()) {
            (1, 1) => "Of the only entry".to_owned(),
            (some, all) if some < all => format!("Mean of the first {some} entries"),
            (some, _) => format!("Mean of the {some} ranked entries"),
        };
        let note = format!(
            "{whose}, over the cases whose reference has the tooth. A tooth that was missed counts 0, as does each of a \
             case that failed."
        );
        self.add("teeth", title, note, &teeth::chart(title, &teeth, None));
    }

    /// One drawing is for all, so it tells of single cases no digit more than everybody is told.
    fn cases(&mut self, values: &Values) -> Result<(), Error> {
        let metric: Metric = values.name.parse()?;
        let rows = self.named().map(|(at, name, _)| {
            let values = values.rows[at].iter().map(|cell| cell.value());
            let told = values.map(|value| Some(digits::rounded(&metric, value?)));
            (name, told.collect::<Vec<_>>())
        });
        let rows: Vec<_> = rows.collect();
        let samples = rows.iter().map(|(name, values)| Sample { name, values });
        let entries: Vec<_> = samples.collect();
        let name = metric.title();
        let title = format!("{name} by case");
        let figure = BoxPlot {
            title: &title,
            quantity: quantity(&metric, &name),
            entries: &entries,
        };
        let note = "A point a case; boxes from the first to the third quartile, with the median.";
        self.add(&address(&values.name), &title, note.to_owned(), &figure);
        Ok(())
    }
}

/// Of the teams at these places, in that order, those of them that each is better than.
fn better_than(of_all: &[Vec<usize>], places: &[usize]) -> Vec<Vec<usize>> {
    let columns: BTreeMap<usize, usize> = places.iter().copied().zip(0..).collect();
    let beaten = |row: &usize| {
        let beaten = of_all.get(*row).into_iter().flatten();
        beaten.filter_map(|at| columns.get(at).copied()).collect()
    };
    places.iter().map(beaten).collect()
}

fn map<'m>(title: &'m str, names: &'m [&'m str], tested: Tested<'m>) -> SignificanceMap<'m> {
    SignificanceMap {
        title,
        names,
        tested,
        alpha: ALPHA,
    }
}

fn tests_by(metric: &str, is_any_lacking: bool) -> String {
    let lacking = match is_any_lacking {
        true => " Who lacks it in some case is tested against nobody.",
        false => "",
    };
    format!(
        "One-sided Wilcoxon signed-rank tests over the cases by {metric}, adjusted for their number (Holm).{lacking}"
    )
}
