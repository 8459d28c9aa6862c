//! Made scores of a challenge, ranked as a board ranks them.

use chrono::{DateTime, TimeDelta, Utc};
use molar_figures::{
    BoxPlot, Change, Dentition, Duel, Figure, History, Line, Offer, Pair, Placed, Podium, Quantity,
    RankShare, Sample, Schemes, SignificanceMap, Stability, Tooth, Track, TradeOff,
};
use molar_ranking::{
    Aggregate, Bootstrap, Direction, Draws, Missing, Rule, Scheme, Scores, Test, bootstrap,
    significance,
};

const NAMES: [&str; 14] = [
    "incisor",
    "Canine Collective",
    "ToothFairy & Co.",
    "أسنان الرياض",
    "Zahn <b>um</b> Zahn",
    "🦷🦷 Molar Bears",
    "University of Somewhere Very Long, Department of Oral and Maxillofacial Imaging",
    "cusp",
    "plaque-to-the-future",
    "牙齿分割队",
    "enamel",
    "pulp fiction",
    "nnU-Net baseline+",
    "wisdom",
];
const CASES: usize = 50;

/// Numbers between 0 and 1 that look drawn.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1_u32 << 31)
    }
}

/// A row for each entry; some cases are hard for all.
fn scores(entries: usize) -> Vec<Vec<Option<f64>>> {
    let mut dice = Dice(7);
    let hard: Vec<f64> = (0..CASES).map(|_| dice.next().powi(4) * 0.2).collect();
    let rows = (0..entries).map(|entry| {
        let skill = 0.955 - 0.008 * (entry as f64).powf(0.9);
        let values = hard.iter().map(|hard| {
            let noise = (dice.next() + dice.next() - 1.0) * 0.05;
            let value = (skill - hard + noise).clamp(0.0, 1.0);
            (dice.next() > 0.004 * entry as f64).then_some(value)
        });
        values.collect()
    });
    rows.collect()
}

fn team(at: usize) -> String {
    NAMES
        .get(at)
        .map_or_else(|| format!("team {}", at + 1), |name| (*name).to_owned())
}

fn found(rows: &[Vec<Option<f64>>]) -> (Scores, Bootstrap) {
    let scores = Scores::new(Direction::HigherIsBetter, Missing::Worst(0.0), rows)
        .expect("rows of one length");
    let draws = Draws::seeded(2026, 1000, CASES).expect("cases");
    let found = bootstrap(&Rule::default(), std::slice::from_ref(&scores), &draws)
        .expect("a rule that fits");
    (scores, found)
}

/// Calls back with each figure and its name.
pub fn each(show: &mut dyn FnMut(&str, &dyn Figure)) {
    board(14, "", show);
    board(114, "-114", show);
    others(show);
}

fn board(entries: usize, suffix: &str, show: &mut dyn FnMut(&str, &dyn Figure)) {
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
        adjusted: &adjusted,
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

fn others(show: &mut dyn FnMut(&str, &dyn Figure)) {
    let placed = |name, rank, value| Placed {
        name,
        rank: Some(rank),
        value: Some(value),
    };
    let quantity = Quantity::lower_is_better("mean rank").decimals(2);
    let three = [
        placed(NAMES[0], 1.0, 1.33),
        placed(NAMES[6], 2.0, 2.0),
        placed(NAMES[3], 3.0, 2.67),
    ];
    show(
        "podium",
        &Podium {
            title: "Final ranking",
            quantity,
            entries: &three,
        },
    );
    let tied = [
        placed(NAMES[1], 1.0, 1.5),
        placed(NAMES[5], 1.0, 1.5),
        placed(NAMES[9], 3.0, 2.67),
        placed(NAMES[4], 3.0, 2.67),
    ];
    show(
        "podium-tied",
        &Podium {
            title: "Final ranking, preliminary phase",
            quantity,
            entries: &tied,
        },
    );
    history(show);
    trade_off(show);
    dentition(show);
    duel(show);
}

fn history(show: &mut dyn FnMut(&str, &dyn Figure)) {
    let begin: DateTime<Utc> = "2026-09-01T10:00:00Z".parse().expect("a moment");
    let after = |days: i64, value: f64| Change {
        at: begin + TimeDelta::days(days),
        value: Some(value),
    };
    let mine = [
        after(2, 0.71),
        after(9, 0.83),
        after(15, 0.88),
        after(31, 0.935),
        after(44, 0.928),
    ];
    let first = [
        after(0, 0.80),
        after(4, 0.86),
        after(22, 0.91),
        after(40, 0.951),
    ];
    let base = [after(0, 0.78)];
    let tracks = [
        Track {
            name: NAMES[1],
            changes: &mine,
        },
        Track {
            name: "best of the board",
            changes: &first,
        },
        Track {
            name: "baseline",
            changes: &base,
        },
    ];
    let until = begin + TimeDelta::days(50);
    let quantity = Quantity::higher_is_better("Dice");
    let title = "Canine Collective over time";
    show(
        "history",
        &History {
            title,
            quantity,
            is_rank: false,
            tracks: &tracks,
            until,
        },
    );
    let ranks = [
        after(2, 17.0),
        after(9, 9.0),
        after(15, 6.0),
        after(22, 8.0),
        after(31, 2.0),
        after(40, 3.0),
    ];
    let tracks = [Track {
        name: NAMES[1],
        changes: &ranks,
    }];
    let quantity = Quantity::lower_is_better("rank").decimals(0);
    show(
        "history-rank",
        &History {
            title: "Its rank",
            quantity,
            is_rank: true,
            tracks: &tracks,
            until,
        },
    );
}

fn trade_off(show: &mut dyn FnMut(&str, &dyn Figure)) {
    let mut dice = Dice(11);
    let names: Vec<String> = (0..24).map(team).collect();
    let entries: Vec<Offer<'_>> = names
        .iter()
        .map(|name| {
            let time = 3.0 * (dice.next() * 5.0).exp();
            let gain = 0.72 + 0.045 * time.ln() - dice.next() * 0.12;
            Offer {
                name,
                gain: Some(gain.min(0.97)),
                cost: Some(time),
                is_baseline: name.contains("baseline"),
            }
        })
        .collect();
    let gain = Quantity::higher_is_better("Dice");
    let cost = Quantity::lower_is_better("running time")
        .unit("s")
        .decimals(1);
    show(
        "time",
        &TradeOff {
            title: "Accuracy against running time",
            gain,
            cost,
            entries: &entries,
        },
    );
    let entries: Vec<Offer<'_>> = entries
        .iter()
        .take(9)
        .map(|offer| Offer {
            cost: offer
                .cost
                .map(|cost| 900.0 + cost.sqrt() * 300.0 * (0.6 + dice.next())),
            ..*offer
        })
        .collect();
    let cost = Quantity::lower_is_better("GPU memory area")
        .unit("MiB·s")
        .decimals(0);
    show(
        "gpu-area",
        &TradeOff {
            title: "Accuracy against GPU memory",
            gain,
            cost,
            entries: &entries,
        },
    );
}

fn dentition(show: &mut dyn FnMut(&str, &dyn Figure)) {
    let mut dice = Dice(5);
    let quantity = Quantity::higher_is_better("Dice").decimals(2);
    let mut teeth: Vec<Tooth> = Vec::new();
    for quadrant in 1..=4 {
        for place in 1..=8 {
            let value = 0.97
                - f64::from(place) * 0.012
                - dice.next() * 0.1
                - if place == 8 { 0.2 } else { 0.0 };
            let value = (!(place == 8 && quadrant % 2 == 0)).then_some(value);
            teeth.push(Tooth {
                number: quadrant * 10 + place,
                value,
            });
        }
    }
    let title = "Dice by tooth";
    show(
        "teeth",
        &Dentition {
            title,
            quantity,
            teeth: &teeth,
            range: None,
        },
    );
    for quadrant in 5..=8 {
        for place in 1..=5 {
            teeth.push(Tooth {
                number: quadrant * 10 + place,
                value: (place < 5).then_some(0.6 + dice.next() * 0.35),
            });
        }
    }
    let quantity = Quantity::lower_is_better("HD95").unit("mm").decimals(2);
    let teeth: Vec<Tooth> = teeth
        .iter()
        .map(|t| Tooth {
            value: t.value.map(|v| (1.0 - v) * 12.0),
            ..*t
        })
        .collect();
    show(
        "teeth-deciduous",
        &Dentition {
            title: "HD95 by tooth, mixed dentition",
            quantity,
            teeth: &teeth,
            range: Some((0.0, 6.0)),
        },
    );
}

fn duel(show: &mut dyn FnMut(&str, &dyn Figure)) {
    let rows = scores(4);
    let cases: Vec<String> = (0..CASES).map(|case| format!("case-{case:03}")).collect();
    let pairs: Vec<Pair<'_>> = cases
        .iter()
        .enumerate()
        .map(|(at, case)| Pair {
            case,
            a: rows[0][at],
            b: rows[2][at],
        })
        .collect();
    let quantity = Quantity::higher_is_better("Dice");
    let title = "Two entries, case by case";
    show(
        "duel",
        &Duel {
            title,
            quantity,
            a: NAMES[1],
            b: NAMES[2],
            cases: &pairs,
        },
    );
}
