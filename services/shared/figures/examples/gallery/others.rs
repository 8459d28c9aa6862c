//! What is drawn beside a board.

use chrono::{DateTime, TimeDelta, Utc};
use molar_figures::{
    Change, Dentition, Duel, Figure, History, Offer, Pair, Placed, Podium, Quantity, Tooth, Track,
    TradeOff,
};

use crate::scores::{CASES, Dice, NAMES, scores, team};

/// Calls back with each figure and its name.
pub fn each(show: &mut dyn FnMut(&str, &dyn Figure)) {
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
