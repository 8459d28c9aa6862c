//! Each figure of a small made board, byte for byte as it was last looked at.
//!
//! `UPDATE_GOLDEN=1 cargo test -p molar-figures --test golden` writes them anew: look at every one.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use molar_figures::*;

fn same(name: &str, figure: &dyn Figure) {
    for (end, sheet) in [("", Sheet::file(name)), ("-page", Sheet::narrow(name))] {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}{end}.svg"));
        let svg = figure.svg(&sheet) + "\n";
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &svg).expect("a folder that can be written to");
        }
        let kept = std::fs::read_to_string(&path).expect("a figure that was kept");
        // Not assert_eq: the whole of both would hide the difference.
        let differs = kept
            .lines()
            .zip(svg.lines())
            .find(|(kept, now)| kept != now);
        assert_eq!(differs, None, "{name}{end}");
        assert_eq!(kept.len(), svg.len(), "{name}{end}");
    }
}

const A: [Option<f64>; 6] = [
    Some(0.91),
    Some(0.95),
    Some(0.93),
    Some(0.97),
    Some(0.94),
    Some(0.61),
];
const B: [Option<f64>; 6] = [
    Some(0.90),
    Some(0.96),
    Some(0.89),
    None,
    Some(0.92),
    Some(0.88),
];
const C: [Option<f64>; 6] = [
    Some(0.71),
    Some(0.75),
    Some(f64::NAN),
    Some(0.7),
    Some(0.72),
    Some(0.69),
];

#[test]
fn box_plot() {
    let entries = [("incisor", &A), ("Zahn & Co.", &B), ("cusp", &C)];
    let entries = entries.map(|(name, values)| Sample { name, values });
    let quantity = Quantity::higher_is_better("Dice");
    same(
        "boxes",
        &BoxPlot {
            title: "Dice by case",
            quantity,
            entries: &entries,
        },
    );
}

#[test]
fn stability() {
    let share = |name, rank, counts, interval: (f64, f64)| RankShare {
        name,
        rank: Some(rank),
        counts,
        unranked: 0,
        median: Some(rank),
        interval: Some(interval),
    };
    let entries = [
        share(
            "incisor",
            1.0,
            &[(1.0, 830), (2.0, 160), (3.0, 10)],
            (1.0, 2.0),
        ),
        share(
            "Zahn & Co.",
            2.0,
            &[(1.0, 170), (2.0, 700), (3.0, 130)],
            (1.0, 3.0),
        ),
        share("cusp", 3.0, &[(2.0, 140), (3.0, 860)], (2.0, 3.0)),
    ];
    same(
        "stability",
        &Stability {
            title: "How sure are the ranks?",
            entries: &entries,
        },
    );
}

#[test]
fn significance_map() {
    let rows: [&[Option<f64>]; 3] = [
        &[None, Some(0.2), Some(0.0004)],
        &[Some(1.0), None, Some(0.012)],
        &[Some(1.0), Some(1.0), None],
    ];
    let names = ["incisor", "Zahn & Co.", "cusp"];
    let title = "Who is better than whom?";
    same(
        "significance",
        &SignificanceMap {
            title,
            names: &names,
            tested: Tested::Adjusted(&rows),
            alpha: 0.05,
        },
    );
}

#[test]
fn podium() {
    let placed = |name, rank, value| Placed {
        name,
        rank: Some(rank),
        value: Some(value),
    };
    let entries = [
        placed("incisor", 1.0, 1.5),
        placed("Zahn & Co.", 1.0, 1.5),
        placed("cusp", 3.0, 3.0),
    ];
    let quantity = Quantity::lower_is_better("mean rank").decimals(2);
    same(
        "podium",
        &Podium {
            title: "Final ranking",
            quantity,
            entries: &entries,
        },
    );
}

#[test]
fn schemes() {
    let entries = [
        Line {
            name: "incisor",
            ranks: &[Some(1.0), Some(2.0), Some(1.0)],
        },
        Line {
            name: "Zahn & Co.",
            ranks: &[Some(2.0), Some(1.0), Some(1.0)],
        },
        Line {
            name: "cusp",
            ranks: &[Some(3.0), Some(3.0), None],
        },
    ];
    let schemes = ["mean, then rank", "median, then rank", "test, then rank"];
    same(
        "schemes",
        &Schemes {
            title: "The ranking by other schemes",
            schemes: &schemes,
            entries: &entries,
        },
    );
}

#[test]
fn history() {
    let begin: DateTime<Utc> = "2026-09-01T10:00:00Z".parse().expect("a moment");
    let after = |days, value| Change {
        at: begin + TimeDelta::days(days),
        value,
    };
    let mine = [
        after(9, Some(0.83)),
        after(2, Some(0.71)),
        after(15, None),
        after(20, Some(0.81)),
    ];
    let best = [after(0, Some(0.8)), after(12, Some(0.9))];
    let tracks = [
        Track {
            name: "incisor",
            changes: &mine,
        },
        Track {
            name: "Zahn & Co.",
            changes: &best,
        },
    ];
    let quantity = Quantity::higher_is_better("Dice");
    let until = begin + TimeDelta::days(25);
    same(
        "history",
        &History {
            title: "incisor over time",
            quantity,
            is_rank: false,
            tracks: &tracks,
            until,
        },
    );
}

#[test]
fn trade_off() {
    let offer = |name, gain, cost| Offer {
        name,
        gain: Some(gain),
        cost: Some(cost),
        is_baseline: name == "baseline",
    };
    let entries = [
        offer("incisor", 0.93, 80.0),
        offer("Zahn & Co.", 0.90, 4.0),
        offer("cusp", 0.81, 20.0),
        offer("baseline", 0.85, 12.0),
    ];
    let gain = Quantity::higher_is_better("Dice");
    let cost = Quantity::lower_is_better("running time")
        .unit("s")
        .decimals(1);
    same(
        "time",
        &TradeOff {
            title: "Accuracy against running time",
            gain,
            cost,
            entries: &entries,
        },
    );
}

#[test]
fn dentition() {
    let teeth = [
        (11, 0.93),
        (16, 0.85),
        (26, 0.9),
        (36, 0.71),
        (55, 0.8),
        (99, 0.1),
    ];
    let teeth = teeth.map(|(number, value)| Tooth {
        number,
        value: Some(value),
    });
    let quantity = Quantity::higher_is_better("Dice").decimals(2);
    same(
        "teeth",
        &Dentition {
            title: "Dice by tooth",
            quantity,
            teeth: &teeth,
            range: Some((0.5, 1.0)),
        },
    );
}

#[test]
fn duel() {
    let cases = ["one", "two", "three", "four", "five", "six"];
    let pairs = (0..6).map(|at| Pair {
        case: cases[at],
        a: A[at],
        b: B[at],
    });
    let pairs: Vec<Pair<'_>> = pairs.collect();
    let quantity = Quantity::higher_is_better("Dice");
    same(
        "duel",
        &Duel {
            title: "Two entries, case by case",
            quantity,
            a: "incisor",
            b: "Zahn & Co.",
            cases: &pairs,
        },
    );
}
