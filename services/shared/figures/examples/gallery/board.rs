//! What is drawn of a board: made scores, ranked as a board ranks them.

use molar_figures::{
    BoxPlot, Figure, Line, Quantity, RankShare, Sample, Schemes, SignificanceMap, Stability, Tested,
};
use molar_ranking::{
    Aggregate, Bootstrap, Direction, Draws, Missing, Rule, Scheme, Scores, Test, bootstrap,
    significance,
};

use crate::scores::{CASES, scores, team};

fn found(rows: &[Vec<Option<f64>>]) -> (Scores, Bootstrap) {
    let scores = Scores::new(Direction::HigherIsBetter, Missing::Worst(0.0), rows)
        .expect("rows of one length");
    let draws = Draws::seeded(2026, 1000, CASES).expect("cases");
    let found = bootstrap(&Rule::default(), std::slice::from_ref(&scores), &draws)
        .expect("a rule that fits");
    (scores, found)
}

/// Calls back with each figure and its name.
pub fn each(entries: usize, suffix: &str, show: &mut dyn FnMut(&str, &dyn Figure)) {
    let rows = scores(entries);
    let (scores, found) = found(&rows);
    let ranks = &found.full.ranks;
    let mut order: Vec<usize> = (0..entries).collect();
    order.sort_by(|a, b| {
        ranks[*a]
            .unwrap_or(1e9)
            .total_cmp(&ranks[*b].unwrap_or(1e9))
    });
    let names: Vec<String> = order.iter().map(|at| team(*at)).collect();
    let dice = Quantity::higher_is_better("Dice");

    let samples: Vec<Sample<'_>> = order
        .iter()
        .zip(&names)
        .map(|(at, name)| Sample {
            name,
            values: &rows[*at],
        })
        .collect();
    let title = "Dice by case, final phase";
    show(
        &format!("boxes{suffix}"),
        &BoxPlot {
            title,
            quantity: dice,
            entries: &samples,
        },
    );

    let distributions: Vec<_> = order.iter().map(|at| found.distribution(*at)).collect();
    let counts: Vec<_> = distributions.iter().map(|found| found.counts()).collect();
    let shares: Vec<RankShare<'_>> = (0..entries)
        .map(|at| RankShare {
            name: &names[at],
            rank: ranks[order[at]],
            counts: &counts[at],
            unranked: distributions[at].unranked(),
            median: distributions[at].median(),
            interval: distributions[at].interval(0.95),
        })
        .collect();
    let title = "How sure are the ranks?";
    show(
        &format!("stability{suffix}"),
        &Stability {
            title,
            entries: &shares,
        },
    );

    let map = significance(&Test::default(), &scores).expect("a level");
    let adjusted: Vec<Vec<Option<f64>>> = order
        .iter()
        .map(|row| {
            order
                .iter()
                .map(|column| map.adjusted(*row, *column))
                .collect()
        })
        .collect();
    let adjusted: Vec<&[Option<f64>]> = adjusted.iter().map(Vec::as_slice).collect();
    let plain: Vec<&str> = names.iter().map(String::as_str).collect();
    let title = "Who is better than whom?";
    let map = SignificanceMap {
        title,
        names: &plain,
        tested: Tested::Adjusted(&adjusted),
        alpha: 0.05,
    };
    show(&format!("significance{suffix}"), &map);

    let schemes = [
        (
            "mean, then rank",
            Scheme::AggregateThenRank(Aggregate::Mean),
        ),
        (
            "median, then rank",
            Scheme::AggregateThenRank(Aggregate::Median),
        ),
        (
            "rank, then mean",
            Scheme::RankThenAggregate(Aggregate::Mean),
        ),
        (
            "rank, then median",
            Scheme::RankThenAggregate(Aggregate::Median),
        ),
        ("test, then rank", Scheme::TestThenRank(Test::default())),
    ];
    let by: Vec<Vec<Option<f64>>> = schemes
        .iter()
        .map(|(_, scheme)| {
            let rule = Rule {
                scheme: *scheme,
                ..Rule::default()
            };
            rule.rank(std::slice::from_ref(&scores))
                .expect("a rule that fits")
                .ranks
        })
        .collect();
    let ranks: Vec<Vec<Option<f64>>> = order
        .iter()
        .map(|at| by.iter().map(|ranks| ranks[*at]).collect())
        .collect();
    let lines: Vec<Line<'_>> = names
        .iter()
        .zip(&ranks)
        .map(|(name, ranks)| Line { name, ranks })
        .collect();
    let title = "The ranking by other schemes";
    let labels = schemes.map(|(label, _)| label);
    show(
        &format!("schemes{suffix}"),
        &Schemes {
            title,
            schemes: &labels,
            entries: &lines,
        },
    );
}
