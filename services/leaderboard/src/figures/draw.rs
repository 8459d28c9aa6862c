//! From inputs to figures. Pure; takes seconds where teams are many.

use molar_domain::metric::Metric;
use molar_figures::{
    BoxPlot, Figure, History, Line, Offer, Placed, Podium, Quantity, RankShare, Sample, Schemes,
    Sheet, SignificanceMap, Stability, Track, TradeOff,
};
use molar_ranking::{Direction, Error};

use super::inputs::{Inputs, Team, Values};
use super::rows::Drawn;
use super::stability::{ALPHA, Measured, SCHEMES, Sureness, sureness};

/// The sheets of one ranking. Teams without a name are left out of each.
struct Book<'a> {
    inputs: &'a Inputs,
    figures: Vec<Drawn>,
}

/// In the order of the page; none where nobody is ranked.
pub fn draw(inputs: &Inputs, seed: u64) -> Result<Vec<Drawn>, Error> {
    let mut book = Book {
        inputs,
        figures: Vec::new(),
    };
    if inputs.teams.iter().all(|team| team.name.is_none()) {
        return Ok(book.figures);
    }
    book.podium();
    book.sure(seed)?;
    book.history();
    book.trade_offs();
    for values in inputs.metrics.iter().filter(|values| values.is_measured()) {
        book.cases(values);
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

    /// Their places, names and themselves.
    fn named(&self) -> impl Iterator<Item = (usize, &'a str, &'a Team)> + use<'a> {
        let teams = self.inputs.teams.iter().enumerate();
        teams.filter_map(|(at, team)| Some((at, team.name.as_deref()?, team)))
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

    fn sure(&mut self, seed: u64) -> Result<(), Error> {
        let counted = || self.inputs.metrics.iter().filter(|values| values.counts());
        let measured: Vec<_> = counted().map(measured).collect();
        let titles: Vec<_> = counted().map(|values| values.metric.title()).collect();
        if let Some(found) = sureness(&measured, seed)? {
            self.stability(&found, &titles);
            self.significance(&found, &titles);
            self.schemes(&found, &titles);
        }
        Ok(())
    }

    fn stability(&mut self, found: &Sureness, metrics: &[String]) {
        let shares = self.named().map(|(at, name, team)| RankShare {
            name,
            rank: Some(f64::from(team.rank)),
            counts: &found.teams[at].counts,
            unranked: found.teams[at].unranked,
            median: found.teams[at].median,
            interval: found.teams[at].interval,
        });
        let entries: Vec<_> = shares.collect();
        let title = "How sure the ranks are";
        let figure = Stability {
            title,
            entries: &entries,
        };
        let note = format!(
            "The {} cases were drawn anew 1,000 times, with replacement, and everybody ranked by what was drawn: the \
             larger a blob, the more often an entry had that rank. {}",
            self.inputs.cases,
            by(metrics),
        );
        self.add("stability", title, note, &figure);
    }

    fn significance(&mut self, found: &Sureness, metrics: &[String]) {
        let mapped = || {
            self.named()
                .take_while(|(at, ..)| *at < found.adjusted.len())
        };
        let places: Vec<usize> = mapped().map(|(at, ..)| at).collect();
        let names: Vec<_> = mapped().map(|(_, name, _)| name).collect();
        if names.len() < 2 {
            return;
        }
        let row = |row: &usize| -> Vec<Option<f64>> {
            let columns = places.iter();
            columns
                .map(|column| found.adjusted[*row][*column])
                .collect()
        };
        let adjusted: Vec<_> = places.iter().map(row).collect();
        let adjusted: Vec<_> = adjusted.iter().map(Vec::as_slice).collect();
        let title = "Who is better than whom";
        let figure = SignificanceMap {
            title,
            names: &names,
            adjusted: &adjusted,
            alpha: ALPHA,
        };
        let note = format!(
            "One-sided Wilcoxon signed-rank tests over the cases by {}, adjusted for their number (Holm).",
            metrics[0],
        );
        self.add("significance", title, note, &figure);
    }

    fn schemes(&mut self, found: &Sureness, metrics: &[String]) {
        let ranks = self.named().map(|(at, name, _)| {
            let ranks: Vec<_> = found.schemes.iter().map(|ranks| ranks[at]).collect();
            (name, ranks)
        });
        let ranks: Vec<_> = ranks.collect();
        let lines = ranks.iter().map(|(name, ranks)| Line { name, ranks });
        let entries: Vec<_> = lines.collect();
        let title = "The ranking by other rules";
        let figure = Schemes {
            title,
            schemes: &SCHEMES,
            entries: &entries,
        };
        let note = format!("The first rule is that of the board. {}", by(metrics));
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
    fn trade_offs(&mut self) {
        let metrics = &self.inputs.metrics;
        let Some(gain) = metrics.iter().find(|values| !values.metric.is_of_run()) else {
            return;
        };
        for cost in metrics.iter().filter(|values| values.metric.is_of_run()) {
            let offers = self.named().map(|(_, name, team)| Offer {
                name,
                gain: team.means.get(&gain.name).copied(),
                cost: team.means.get(&cost.name).copied(),
                is_baseline: false,
            });
            let entries: Vec<_> = offers.collect();
            let is_both = |offer: &Offer<'_>| offer.gain.is_some() && offer.cost.is_some();
            if !entries.iter().any(is_both) {
                continue;
            }
            let (name, what) = match cost.metric {
                Metric::GpuMemoryArea => ("gpu-area", "GPU area"),
                _ => ("time", "running time"),
            };
            let (gain_title, cost_title) = (gain.metric.title(), cost.metric.title());
            let title = format!("{gain_title} and {what}");
            let figure = TradeOff {
                title: &title,
                gain: quantity(&gain.metric, &gain_title),
                cost: quantity(&cost.metric, &cost_title),
                entries: &entries,
            };
            let note = "Means over the cases. Nobody beats those on the line in both.";
            self.add(name, &title, note.to_owned(), &figure);
        }
    }

    fn cases(&mut self, values: &Values) {
        let samples = self.named().map(|(at, name, _)| Sample {
            name,
            values: &values.rows[at],
        });
        let entries: Vec<_> = samples.collect();
        let name = values.metric.title();
        let title = format!("{name} by case");
        let figure = BoxPlot {
            title: &title,
            quantity: quantity(&values.metric, &name),
            entries: &entries,
        };
        let note = "A point a case; boxes from the first to the third quartile, with the median.";
        self.add(&address(&values.name), &title, note.to_owned(), &figure);
    }
}

/// A metric's name may have a slash before the group of labels that it is about.
fn address(metric: &str) -> String {
    format!("cases-{}", metric.replace('/', "."))
}

fn measured(values: &Values) -> Measured<'_> {
    Measured {
        direction: match values.metric.is_higher_better() {
            true => Direction::HigherIsBetter,
            false => Direction::LowerIsBetter,
        },
        rows: &values.rows,
    }
}

fn quantity<'t>(metric: &Metric, title: &'t str) -> Quantity<'t> {
    let quantity = match metric.is_higher_better() {
        true => Quantity::higher_is_better(title),
        false => Quantity::lower_is_better(title),
    };
    let quantity = quantity.decimals(metric.decimals());
    match metric.unit() {
        Some(unit) => quantity.unit(unit),
        None => quantity,
    }
}

fn by(metrics: &[String]) -> String {
    match metrics {
        [one] => format!("By {one}, which every entry has in every case."),
        many => format!(
            "By {}, which every entry has in every case.",
            many.join(", ")
        ),
    }
}
