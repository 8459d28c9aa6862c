//! Our values beside those of SciPy 1.17.1, NumPy 2.4.6 and R 4.2.2; `golden/generate.py` and
//! `golden/generate.R` made them.
//!
//! Ranks must be equal. Probabilities may differ by 1e-12, relatively: they go through functions
//! that the libraries compute in other ways. Everything else may differ by a rounding or two.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on is a failed test"
)]

use molar_ranking::{
    Aggregate, Combine, Direction, Draws, Method, Missing, Rule, Scheme, Scores, Test, Ties,
    bootstrap, holm, kendall_tau_b, rank_with, significance, wilcoxon,
};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/golden.json")).unwrap()
}

fn list(value: &Value) -> Vec<Option<f64>> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(Value::as_f64)
        .collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    list(value).into_iter().flatten().collect()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

fn close(found: &[Option<f64>], wanted: &[Option<f64>]) -> bool {
    let is_close = |(found, wanted): (&Option<f64>, &Option<f64>)| match (found, wanted) {
        (Some(found), Some(wanted)) => (found - wanted).abs() <= 1e-12 * wanted.abs(),
        _ => found == wanted,
    };
    found.len() == wanted.len() && found.iter().zip(wanted).all(is_close)
}

fn ties(word: &str) -> Ties {
    match word {
        "min" => Ties::Min,
        "max" => Ties::Max,
        "average" => Ties::Average,
        "dense" => Ties::Dense,
        other => panic!("{other}"),
    }
}

fn scheme(words: &str) -> Scheme {
    match words {
        "aggregate mean" => Scheme::AggregateThenRank(Aggregate::Mean),
        "aggregate median" => Scheme::AggregateThenRank(Aggregate::Median),
        "rank mean" => Scheme::RankThenAggregate(Aggregate::Mean),
        "rank median" => Scheme::RankThenAggregate(Aggregate::Median),
        "test" => Scheme::TestThenRank(Test::default()),
        other => panic!("{other}"),
    }
}

fn combine(board: &Value) -> Combine {
    let weights = numbers(&board["weights"]);
    match text(board, "combine") {
        "mean" => Combine::MeanOfRanks,
        "weighted" => Combine::Weighted(weights),
        "lexicographic" => Combine::Lexicographic(weights.iter().map(|&at| at as usize).collect()),
        other => panic!("{other}"),
    }
}

fn metrics(golden: &Value, missing: &str) -> Vec<Scores> {
    let of = |(name, direction, worst): (&str, Direction, f64)| {
        let missing = match missing {
            "last" => Missing::Last,
            "worst" => Missing::Worst(worst),
            "excluded" => Missing::Excluded,
            other => panic!("{other}"),
        };
        let rows = golden["rows"][name].as_array().unwrap();
        let rows: Vec<_> = rows.iter().map(list).collect();
        Scores::new(direction, missing, &rows).unwrap()
    };
    [
        ("dice", Direction::HigherIsBetter, 90.0),
        ("far", Direction::LowerIsBetter, 90.0),
        ("time", Direction::LowerIsBetter, 90.0),
    ]
    .map(of)
    .to_vec()
}

#[test]
fn ranks_are_those_of_scipys_rankdata() {
    let wanted = &golden()["rankdata"];
    let values = list(&wanted["values"]);
    for word in ["min", "max", "average", "dense"] {
        let found = rank_with(&values, Direction::LowerIsBetter, ties(word), Missing::Last);
        assert_eq!(found, list(&wanted[word]), "{word}");
    }
}

#[test]
fn every_scheme_combination_tie_and_missing_value_ranks_as_the_plain_definition() {
    let golden = golden();
    let boards = golden["boards"].as_array().unwrap();
    assert_eq!(boards.len(), 3 * 5 * 3 * 4);
    for board in boards {
        let rule = Rule {
            scheme: scheme(text(board, "scheme")),
            combine: combine(board),
            ties: ties(text(board, "ties")),
        };
        let missing = text(board, "missing");
        let found = rule.rank(&metrics(&golden, missing)).unwrap();
        assert_eq!(found.ranks, list(&board["ranks"]), "{rule:?} {missing}");
        if board["scores"].is_array() {
            assert!(
                close(&found.scores, &list(&board["scores"])),
                "{rule:?} {missing}"
            );
        }
    }
}

#[test]
fn given_draws_rank_as_sorted_and_added_up_again_for_each() {
    let golden = golden();
    let draws = golden["given"].as_array().unwrap().iter();
    let draws = draws.map(|draw| {
        numbers(draw)
            .into_iter()
            .map(|case| case as usize)
            .collect()
    });
    let draws = Draws::given(draws.collect(), 14).unwrap();
    for wanted in golden["bootstraps"].as_array().unwrap() {
        let rule = Rule {
            scheme: scheme(text(wanted, "scheme")),
            combine: Combine::MeanOfRanks,
            ties: ties(text(wanted, "ties")),
        };
        let metrics = metrics(&golden, text(wanted, "missing"));
        let found = bootstrap(&rule, &metrics, &draws).unwrap();
        for draw in 0..draws.count() {
            assert_eq!(
                found.ranks(draw),
                list(&wanted["ranks"][draw]),
                "{rule:?} {draw}"
            );
        }
        assert!(close(&found.tau, &list(&wanted["tau"])), "{rule:?}");
        for entry in 0..6 {
            let distribution = found.distribution(entry);
            let (low, high) = distribution.interval(0.95).unwrap();
            let percentiles = [Some(low), distribution.median(), Some(high)];
            assert!(
                close(&percentiles, &list(&wanted["percentiles"][entry])),
                "{rule:?} {entry}"
            );
        }
    }
}

#[test]
fn a_seed_gives_the_draws_of_another_chacha_for_good() {
    let golden = golden();
    let draws = Draws::seeded(2024, 4, 23).unwrap();
    for (at, wanted) in golden["draws"]["draws"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        let found: Vec<_> = draws.draw(at).iter().map(|&case| case as f64).collect();
        assert_eq!(found, numbers(wanted), "{at}");
    }
}

#[test]
fn wilcoxons_test_is_scipys_approximate_and_exact() {
    let golden = golden();
    let tests = golden["wilcoxon"].as_array().unwrap();
    assert!(tests.iter().filter(|test| test["exact"].is_array()).count() >= 5);
    for test in tests {
        let [left, right] = ["left", "right"].map(|side| numbers(&test[side]));
        let both = |method| {
            [(&left, &right), (&right, &left)]
                .map(|(left, right)| Some(wilcoxon(left, right, method).unwrap().p))
        };
        let n = left.len();
        let normal = list(&test["normal"]);
        assert!(
            close(&both(Method::Normal), &normal),
            "{n}: {:?} {normal:?}",
            both(Method::Normal)
        );
        let exact = test["exact"].is_array().then(|| list(&test["exact"]));
        assert!(close(&both(Method::Auto), &exact.unwrap_or(normal)), "{n}");
    }
}

#[test]
fn kendalls_tau_is_scipys() {
    for pair in golden()["kendall"].as_array().unwrap() {
        let found = kendall_tau_b(&list(&pair["left"]), &list(&pair["right"])).unwrap();
        assert!(
            close(&[found], &[pair["tau"].as_f64()]),
            "{found:?} {}",
            pair["tau"]
        );
    }
}

#[test]
fn the_significance_map_is_rs_with_holm_over_all_ordered_pairs() {
    let golden = golden();
    let dice = metrics(&golden, "last").remove(0);
    let map = |method| {
        significance(
            &Test {
                alpha: 0.05,
                method,
            },
            &dice,
        )
        .unwrap()
    };
    let (normal, auto) = (map(Method::Normal), map(Method::Auto));
    let row = |entry: usize| list(&golden["rows"]["dice"][entry]);

    let mut pairs = 0;
    let mut p = Vec::new();
    let mut adjusted = Vec::new();
    for record in csv::Reader::from_reader(include_bytes!("golden/r.csv").as_slice()).records() {
        let record = record.unwrap();
        let number = |column: usize| record[column].trim().parse::<f64>().unwrap();
        let (left, right) = (number(0) as usize, number(1) as usize);
        let found = [
            normal.p(left, right),
            auto.p(left, right),
            normal.adjusted(left, right),
            kendall_tau_b(&row(left), &row(right)).unwrap(),
        ];
        let wanted = [2, 3, 4, 5].map(|column| Some(number(column)));
        assert!(
            close(&found, &wanted),
            "{left} {right}: {found:?} {wanted:?}"
        );
        assert_eq!(normal.is_better(left, right), number(4) <= 0.05);
        p.push(number(2));
        adjusted.push(Some(number(4)));
        pairs += 1;
    }
    assert_eq!(pairs, 30);
    assert!(close(
        &holm(&p).into_iter().map(Some).collect::<Vec<_>>(),
        &adjusted
    ));
}
