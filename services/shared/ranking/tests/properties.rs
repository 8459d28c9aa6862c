//! What must hold of every ranking, whatever the values.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on is a failed test"
)]

use molar_ranking::{
    Aggregate, Bootstrap, Combine, Direction, Draws, Entry, Method, MetricColumn, Missing, Rule,
    Scheme, Scores, Test, Ties, bootstrap, rank_table, significance,
};
use proptest::prelude::*;

/// Values by metric, entry and case.
type Board = Vec<Vec<Vec<Option<f64>>>>;

/// Some metrics of the same entries and cases; few distinct values, so that ties are common.
fn board(cases: std::ops::Range<usize>) -> impl Strategy<Value = Board> {
    (1usize..4, 0usize..6, cases).prop_flat_map(|(metrics, entries, cases)| {
        let value = prop::option::weighted(0.85, (0i8..6).prop_map(|v| f64::from(v) / 4.0));
        let rows = prop::collection::vec(prop::collection::vec(value, cases), entries);
        prop::collection::vec(rows, metrics)
    })
}

fn ties() -> impl Strategy<Value = Ties> {
    prop::sample::select(vec![Ties::Min, Ties::Max, Ties::Average, Ties::Dense])
}

fn missing() -> impl Strategy<Value = Missing> {
    prop::sample::select(vec![Missing::Last, Missing::Worst(0.0), Missing::Excluded])
}

fn scheme() -> impl Strategy<Value = Scheme> {
    prop::sample::select(vec![
        Scheme::AggregateThenRank(Aggregate::Mean),
        Scheme::AggregateThenRank(Aggregate::Median),
        Scheme::RankThenAggregate(Aggregate::Mean),
        Scheme::RankThenAggregate(Aggregate::Median),
        Scheme::TestThenRank(Test {
            alpha: 0.3,
            method: Method::Normal,
        }),
        Scheme::TestThenRank(Test {
            alpha: 0.3,
            method: Method::Auto,
        }),
    ])
}

fn combine() -> impl Strategy<Value = Combine> {
    prop::sample::select(vec![
        Combine::MeanOfRanks,
        // Only the first metric is always there.
        Combine::Lexicographic(vec![0]),
    ])
}

fn rule() -> impl Strategy<Value = Rule> {
    (scheme(), combine(), ties()).prop_map(|(scheme, combine, ties)| Rule {
        scheme,
        combine,
        ties,
    })
}

fn scores(board: &Board, missing: Missing) -> Vec<Scores> {
    let of = |rows: &Vec<Vec<Option<f64>>>| Scores::new(Direction::HigherIsBetter, missing, rows);
    board.iter().map(|rows| of(rows).unwrap()).collect()
}

fn map(board: &Board, change: impl Fn(f64) -> f64) -> Board {
    let row = |row: &Vec<Option<f64>>| row.iter().map(|value| value.map(&change)).collect();
    board
        .iter()
        .map(|rows| rows.iter().map(row).collect())
        .collect()
}

fn permuted<T: Clone>(values: &[T], order: &[usize]) -> Vec<T> {
    order.iter().map(|&at| values[at].clone()).collect()
}

fn with_order(
    cases: std::ops::Range<usize>,
    of: fn(&Board) -> usize,
) -> impl Strategy<Value = (Board, Vec<usize>)> {
    board(cases).prop_flat_map(move |board| {
        let order: Vec<usize> = (0..of(&board)).collect();
        (Just(board), Just(order).prop_shuffle())
    })
}

proptest! {
    #[test]
    fn relabelling_the_teams_relabels_the_ranking(
        (board, order) in with_order(0..6, |board| board[0].len()), rule in rule(), missing in missing()
    ) {
        let given = rule.rank(&scores(&board, missing)).unwrap();
        let other: Board = board.iter().map(|rows| permuted(rows, &order)).collect();
        let other = rule.rank(&scores(&other, missing)).unwrap();
        prop_assert_eq!(permuted(&given.ranks, &order), other.ranks);
        prop_assert_eq!(permuted(&given.scores, &order), other.scores);
    }

    #[test]
    fn the_order_of_the_cases_changes_nothing(
        (board, order) in with_order(1..7, |board| board[0].first().map_or(0, Vec::len)),
        rule in rule(), missing in missing(),
    ) {
        let given = rule.rank(&scores(&board, missing)).unwrap();
        let other: Board = board.iter().map(|rows| rows.iter().map(|row| permuted(row, &order)).collect()).collect();
        prop_assert_eq!(given, rule.rank(&scores(&other, missing)).unwrap());
    }

    #[test]
    fn a_monotone_transform_changes_no_rank_where_only_ranks_count(
        board in board(1..6), by in prop::sample::select(vec![Aggregate::Mean, Aggregate::Median]),
        combine in combine(), ties in ties(), is_excluding in any::<bool>(),
    ) {
        let missing = if is_excluding { Missing::Excluded } else { Missing::Last };
        let rule = Rule { scheme: Scheme::RankThenAggregate(by), combine, ties };
        let raised = map(&board, |value| value.exp() * 7.0 - 3.0);
        prop_assert_eq!(
            rule.rank(&scores(&board, missing)).unwrap(),
            rule.rank(&scores(&raised, missing)).unwrap()
        );
    }

    #[test]
    fn the_lower_of_a_metric_turned_round_is_the_higher(board in board(0..6), rule in rule()) {
        let turned = map(&board, |value| -value);
        let turned: Vec<_> = turned.iter().map(|rows| Scores::new(Direction::LowerIsBetter, Missing::Last, rows).unwrap()).collect();
        let (given, turned) = (rule.rank(&scores(&board, Missing::Last)).unwrap(), rule.rank(&turned).unwrap());
        prop_assert_eq!(given.ranks, turned.ranks);
        prop_assert_eq!(given.scores, turned.scores);
    }

    #[test]
    fn all_cases_twice_change_no_rank_where_their_number_does_not_count(
        board in board(1..6), scheme in scheme(), ties in ties(), missing in missing(),
    ) {
        prop_assume!(!matches!(scheme, Scheme::TestThenRank(_)));
        let rule = Rule { scheme, ties, ..Rule::default() };
        let twice: Board = board.iter().map(|rows| rows.iter().map(|row| [&row[..], row].concat()).collect()).collect();
        let (once, twice) = (rule.rank(&scores(&board, missing)).unwrap(), rule.rank(&scores(&twice, missing)).unwrap());
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn a_case_that_was_drawn_twice_is_two_cases(
        board in board(1..7), rule in rule(), missing in missing(), seed in any::<u64>()
    ) {
        let metrics = scores(&board, missing);
        let draws = Draws::seeded(seed, 5, metrics[0].cases().max(1)).unwrap();
        prop_assume!(metrics[0].cases() > 0);
        let found = bootstrap(&rule, &metrics, &draws).unwrap();
        for at in 0..draws.count() {
            let drawn: Vec<_> = metrics.iter().map(|m| m.of_cases(&draws.draw(at)).unwrap()).collect();
            prop_assert_eq!(found.ranks(at), rule.rank(&drawn).unwrap().ranks, "draw {}", at);
        }
    }

    #[test]
    fn teams_with_equal_values_in_any_order_tie(
        board in board(1..7), scheme in scheme(), ties in ties(), by in 0usize..7
    ) {
        prop_assume!(!board[0].is_empty());
        // A copy of the first team, its cases turned: means and medians are the same.
        let is_by_case = !matches!(scheme, Scheme::AggregateThenRank(_));
        let with_copy: Board = board.iter().map(|rows| {
            let mut copy = rows[0].clone();
            let by = if is_by_case { 0 } else { by % copy.len() };
            copy.rotate_left(by);
            let mut rows = rows.clone();
            rows.push(copy);
            rows
        }).collect();
        let rule = Rule { scheme, ties, ..Rule::default() };
        let found = rule.rank(&scores(&with_copy, Missing::Last)).unwrap();
        prop_assert_eq!(found.ranks.first(), found.ranks.last());
        prop_assert_eq!(found.scores.first(), found.scores.last());
    }

    #[test]
    fn of_one_case_the_protocols_rule_is_the_boards_table(board in board(1..2)) {
        let columns: Vec<_> = (0..board.len()).map(|m| MetricColumn::new(m.to_string(), Direction::HigherIsBetter)).collect();
        let entries: Vec<_> = (0..board[0].len()).map(|id| Entry {
            id,
            values: board.iter().map(|rows| rows[id][0]).collect(),
        }).collect();
        let table = rank_table(&columns, &entries).unwrap();
        let found = Rule::default().rank(&scores(&board, Missing::Last)).unwrap();
        let left_out: Vec<_> = (0..board.len()).filter(|&m| found.columns[m].is_none()).map(|m| m.to_string()).collect();
        prop_assert_eq!(left_out, table.left_out);
        for row in &table.rows {
            prop_assert_eq!(found.ranks[row.id], Some(f64::from(row.final_rank)));
            prop_assert_eq!(found.scores[row.id], Some(row.mean_rank));
            for (rank, column) in row.ranks.iter().zip(&found.columns) {
                let column = column.as_ref().map(|column| column.ranks[row.id].unwrap());
                prop_assert_eq!(rank.map(f64::from), column);
            }
        }
    }

    #[test]
    fn who_is_better_is_not_worse_and_holm_only_raises(board in board(1..9), missing in missing()) {
        let map = significance(&Test { alpha: 0.4, method: Method::Normal }, &scores(&board, missing)[0]).unwrap();
        for row in 0..map.entries() {
            for column in (0..map.entries()).filter(|&column| column != row) {
                prop_assert!(!(map.is_better(row, column) && map.is_better(column, row)));
                prop_assert!(map.adjusted(row, column) >= map.p(row, column));
            }
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing(
        board in board(1..6), rule in rule(), missing in missing(), seed in any::<u64>()
    ) {
        let metrics = scores(&board, missing);
        let draws = Draws::seeded(seed, 40, metrics[0].cases().max(1)).unwrap();
        prop_assume!(metrics[0].cases() > 0);
        let [one, two, three] = [1, 2, 3].map(|threads| -> Bootstrap {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| bootstrap(&rule, &metrics, &draws).unwrap())
        });
        prop_assert_eq!(&one, &two);
        prop_assert_eq!(&one, &three);
    }
}
