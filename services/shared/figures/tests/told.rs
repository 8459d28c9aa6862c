//! What figures say to who does not see them.

use chrono::{DateTime, TimeDelta, Utc};
use molar_figures::*;
use roxmltree::Document;

/// The description, without the marks around names.
fn told(figure: &dyn Figure) -> String {
    let svg = figure.svg(&Sheet::file("a"));
    let document = Document::parse(&svg).expect("XML");
    let description = document
        .descendants()
        .find(|node| node.tag_name().name() == "desc")
        .and_then(|node| node.text())
        .expect("a description");
    description
        .replace(['\u{2068}', '\u{2069}'], "")
        .replace('\u{a0}', " ")
}

/// The first sentences.
fn begins(figure: &dyn Figure, with: &str) {
    let told = told(figure);
    assert!(told.starts_with(with), "{told}");
}

fn dice() -> Quantity<'static> {
    Quantity::higher_is_better("Dice").decimals(2)
}

#[test]
fn boxes_tell_the_best_median_and_whose_box_overlaps() {
    let sample = |name, values| Sample { name, values };
    let a = sample("a", &[Some(0.9), Some(0.92), Some(0.94)]);
    let b = sample("b", &[Some(0.8), Some(0.91), Some(0.92)]);
    let c = sample("c", &[Some(0.1), Some(0.2), None]);
    let boxes = |entries: &[Sample<'_>], with: &str| {
        let title = "";
        begins(
            &BoxPlot {
                title,
                quantity: dice(),
                entries,
            },
            with,
        );
    };
    boxes(
        &[b, a, c],
        "a has the best median of Dice, 0.92, but the box of b overlaps its own. b: median 0.91",
    );
    boxes(
        &[a, c],
        "a has the best median of Dice, 0.92; its box overlaps no other. a: median 0.92, quartiles 0.91 to 0.93, 3 cases; c: median 0.15, quartiles 0.12 to 0.18, 2 cases, 1 without a value.",
    );
    boxes(
        &[a],
        "a has the best median of Dice, 0.92; it is the only one with values.",
    );
    boxes(&[a, a], "a and a share the best median of Dice, 0.92.");
    let lower = Quantity::lower_is_better("HD95").unit("mm").decimals(1);
    let figure = BoxPlot {
        title: "",
        quantity: lower,
        entries: &[a, c],
    };
    begins(&figure, "c has the best median of HD95, 0.2 mm;");
}

#[test]
fn ranks_are_told_with_their_share_of_draws_and_whose_intervals_overlap() {
    let share = |name, rank, counts, interval| RankShare {
        name,
        rank,
        counts,
        unranked: 0,
        median: rank,
        interval: Some(interval),
    };
    let a = share("a", Some(1.0), &[(1.0, 830), (2.0, 170)], (1.0, 2.0));
    let b = share("b", Some(2.0), &[(1.0, 170), (2.0, 830)], (1.0, 2.025));
    let c = share("c", Some(3.0), &[(3.0, 1000)], (3.0, 3.0));
    let ranks =
        |entries: &[RankShare<'_>], with: &str| begins(&Stability { title: "", entries }, with);
    ranks(
        &[a, b, c],
        "a is first by all cases and in 83 % of 1,000 draws; its interval and that of b overlap. a: rank 1 by all cases, median 1, 95 % between 1 and 2; b: rank 2 by all cases, median 2, 95 % between 1 and 2;",
    );
    ranks(
        &[a, c],
        "a is first by all cases and in 83 % of 1,000 draws; its interval overlaps no other.",
    );
    ranks(&[a, a, c], "a and a share the first place by all cases.");
    let unranked = RankShare {
        rank: None,
        counts: &[],
        unranked: 9,
        ..c
    };
    ranks(&[unranked], "No entry was ranked in any draw.");
}

#[test]
fn a_map_tells_whom_the_first_is_not_better_than() {
    let map = |adjusted: &[&[Option<f64>]], with: &str| {
        let names = ["a", "b", "c"];
        let (title, names) = ("", &names[..]);
        begins(
            &SignificanceMap {
                title,
                names,
                tested: Tested::Adjusted(adjusted),
                alpha: 0.05,
            },
            with,
        );
    };
    let (sure, not) = (Some(0.05), Some(0.051));
    map(
        &[&[None, not, sure], &[], &[]],
        "a is better than 1 of 2 others beyond chance, but not than b. One-sided tests of all pairs, Holm-adjusted, at most 0.050. a is better than 1: c; b is better than nobody;",
    );
    map(
        &[&[None, sure, sure]],
        "a is better than all 2 others beyond chance.",
    );
    map(&[], "a is first, but better than nobody beyond chance.");
    // Better than itself is nobody.
    map(
        &[&[sure, not, not]],
        "a is first, but better than nobody beyond chance.",
    );
}

#[test]
fn a_map_without_p_values_tells_who_is_better_and_no_p() {
    let names = ["a", "b", "c"];
    // To be better than itself, or than who is not there, is to be better than nobody.
    let better: [&[usize]; 2] = [&[0, 2, 9], &[2]];
    let map = |tested| SignificanceMap {
        title: "",
        names: &names,
        tested,
        alpha: 0.05,
    };
    let without = map(Tested::BetterThan(&better));
    begins(
        &without,
        "a is better than 1 of 2 others beyond chance, but not than b. One-sided tests of all pairs, Holm-adjusted, at most 0.050. a is better than 1: c; b is better than 1: c; c is better than nobody.",
    );
    let filled = |figure: &SignificanceMap<'_>, tip: &str| {
        let svg = figure.svg(&Sheet::wide("a"));
        let svg = svg.replace(['\u{2068}', '\u{2069}'], "");
        svg.matches(&format!("{tip}</title>")).count()
    };
    assert_eq!(filled(&without, "is better than c"), 2);
    let adjusted: [&[Option<f64>]; 1] = [&[None, None, Some(0.012)]];
    let with = map(Tested::Adjusted(&adjusted));
    assert_eq!(filled(&with, "a is better than c, p = 0.012"), 1);
}

#[test]
fn schemes_are_told_by_who_is_first_and_who_moves() {
    let schemes = |entries: &[Line<'_>], with: &str| {
        let (title, schemes) = ("", &["mean", "median"][..]);
        begins(
            &Schemes {
                title,
                schemes,
                entries,
            },
            with,
        );
    };
    let line = |name, ranks| Line { name, ranks };
    let (a, b) = (
        line("a", &[Some(1.0), Some(1.0)]),
        line("b", &[Some(2.0), Some(4.0)]),
    );
    let c = line("c", &[Some(2.0), Some(1.0)]);
    schemes(
        &[a, b],
        "a is first by all 2 schemes; b moves most, between 2 and 4. a: 1 by mean, 1 by median;",
    );
    schemes(
        &[c, line("d", &[Some(1.0), None])],
        "c is first by 1 of 2 schemes, d by some; c moves most, between 1 and 2.",
    );
    let far = line("far", &[Some(3.0), Some(9.0)]);
    schemes(
        &[a, b, far],
        "a is first by all 2 schemes; far moves most, between 3 and 9.",
    );
    schemes(
        &[a],
        "a is first by all 2 schemes; no rank depends on the scheme.",
    );
    schemes(&[line("e", &[])], "Nobody is first by any scheme.");
}

#[test]
fn a_history_tells_from_where_to_where_and_its_best() {
    let begin: DateTime<Utc> = "2026-03-01T08:00:00Z".parse().expect("a moment");
    let after = |days, value| Change {
        at: begin + TimeDelta::days(days),
        value: Some(value),
    };
    let history = |changes: &[Change], is_rank, with: &str| {
        let tracks = [Track { name: "a", changes }];
        let until = begin + TimeDelta::days(9);
        begins(
            &History {
                title: "",
                quantity: dice(),
                is_rank,
                tracks: &tracks,
                until,
            },
            with,
        );
    };
    let changes = [after(0, 0.5), after(2, 0.9), after(3, 0.8)];
    history(
        &changes,
        false,
        "a improved from 0.50 to 0.80 in 3 steps; its best was 0.90, on 3 Mar 2026.",
    );
    let ranks = [after(0, 4.0), after(2, 7.0)];
    history(
        &ranks,
        true,
        "a fell from rank 4 to rank 7 in 2 steps; its best was rank 4, on 1 Mar 2026.",
    );
    history(&ranks[..1], true, "a is at rank 4 as at first, in 1 step.");
    history(&[], true, "a has no value yet.");
}

#[test]
fn a_short_history_of_ranks_names_whole_places() {
    let at: DateTime<Utc> = "2026-03-01T08:00:00Z".parse().expect("a moment");
    let changes = [1.0, 2.0].map(|rank| Change {
        at: at + TimeDelta::days(rank as i64),
        value: Some(rank),
    });
    let tracks = [Track {
        name: "a",
        changes: &changes,
    }];
    let history = History {
        title: "",
        quantity: Quantity::lower_is_better("rank").decimals(0),
        is_rank: true,
        tracks: &tracks,
        until: at + TimeDelta::days(9),
    };
    let svg = history.svg(&Sheet::file("a"));
    for place in ["1", "2", "3"] {
        assert!(svg.contains(&format!(">{place}</text>")), "{place}: {svg}");
        assert!(!svg.contains(&format!(">{place}.0</text>")), "{svg}");
    }
}

#[test]
fn a_trade_off_tells_the_front_and_a_duel_who_wins() {
    let offer = |name, gain, cost| Offer {
        name,
        gain: Some(gain),
        cost: Some(cost),
        is_baseline: false,
    };
    let entries = [
        offer("a", 0.9, 10.0),
        offer("b", 0.8, 5.0),
        offer("c", 0.7, 7.0),
    ];
    let cost = Quantity::lower_is_better("time").unit("s").decimals(1);
    let figure = TradeOff {
        title: "",
        gain: dice(),
        cost,
        entries: &entries,
    };
    begins(
        &figure,
        "2 of 3 entries are on the Pareto front of Dice and time: b and a. On the front: b: 0.80, 5.0 s and a: 0.90, 10.0 s. Others: c: 0.70, 7.0 s.",
    );

    let pair = |case, a, b| Pair {
        case,
        a: Some(a),
        b,
    };
    let cases = [
        pair("one", 0.9, Some(0.8)),
        pair("two", 0.9, Some(0.95)),
        pair("three", 0.7, Some(0.4)),
        pair("four", 0.5, Some(0.5)),
        pair("five", 0.5, None),
    ];
    let duel = |quantity, with: &str| {
        begins(
            &Duel {
                title: "",
                quantity,
                a: "A",
                b: "B",
                cases: &cases,
            },
            with,
        )
    };
    duel(
        dice(),
        "A is better in 2 of 4 cases, B in 1, and 1 is equal. 1 case is not compared for want of a value. By Dice, higher is better, the largest differences: three: A 0.70, B 0.40. two: A 0.90, B 0.95.",
    );
    duel(
        Quantity::lower_is_better("HD95"),
        "B is better in 2 of 4 cases, A in 1, and 1 is equal.",
    );
}

#[test]
fn a_mouth_is_told_from_the_best_tooth_on() {
    let tooth = |number, value| Tooth { number, value };
    let teeth = [tooth(36, Some(0.7)), tooth(11, Some(0.9)), tooth(48, None)];
    let figure = Dentition {
        title: "",
        quantity: dice(),
        teeth: &teeth,
        range: None,
    };
    begins(
        &figure,
        "Dice is best at tooth 11 (0.90) and worst at tooth 36 (0.70). The mean is 0.80. From the best: 11: 0.90 and 36: 0.70. Without a value: 12, 13,",
    );
    let one = Dentition {
        teeth: &teeth[..1],
        ..figure
    };
    begins(&one, "Dice is 0.70 at tooth 36, the only one with a value.");
}
