//! Numbers without a database: small tables whose outcome is plain, and a large one.

use std::time::Instant;

use molar_ranking::Direction;
use uuid::Uuid;

use crate::statistics::compute::compute;
use crate::statistics::document::{Document, Interval, Standing};
use crate::statistics::scored::{Cell, Ranked, Scored, Values};

const SEED: u64 = 7;

/// Of one metric; `rows[team][case]`. Ranks as the board has them.
fn scored(ranks: &[u32], rows: Vec<Vec<Cell>>) -> Scored {
    let teams = ranks.iter().zip(0..).map(|(&rank, at)| Ranked {
        team_id: Uuid::from_u128(at),
        rank,
    });
    Scored {
        teams: teams.collect(),
        cases: rows.first().map_or(0, Vec::len),
        metrics: vec![Values {
            name: "IA".to_owned(),
            direction: Direction::HigherIsBetter,
            rows,
        }],
    }
}

fn values(row: &[f64]) -> Vec<Cell> {
    row.iter().copied().map(Cell::Value).collect()
}

fn drawn(scored: &Scored) -> Document {
    compute(scored, SEED, 200).unwrap()
}

fn standing(document: &Document, team: usize) -> &Standing {
    &document.teams[team].standing
}

/// Only the rank of the board, and why.
fn assert_undrawn(document: &Document, why: &str) {
    assert_eq!(document.figures.undrawn.as_deref(), Some(why));
    assert!(document.figures.schemes.is_empty() && document.figures.metrics.is_empty());
    for (team, rank) in document.teams.iter().zip(1..) {
        let expected = Standing {
            rank,
            ..Standing::default()
        };
        assert_eq!(team.standing, expected);
    }
}

#[test]
fn one_team_is_first_in_every_draw_and_agrees_with_nobody() {
    let made = drawn(&scored(&[1], vec![values(&[0.5, 0.9, 0.1])]));
    let alone = standing(&made, 0);
    assert_eq!(alone.interval, Some(Interval { from: 1.0, to: 1.0 }));
    assert_eq!((alone.stability, alone.median), (Some(1.0), Some(1.0)));
    assert_eq!(made.figures.mean_tau, None);
    assert_eq!(made.figures.adjusted_p, [[None]]);
    assert_eq!(made.figures.metrics[0].better_than, [Vec::<usize>::new()]);
    assert_eq!(made.figures.consensus, [Some(1)]);
}

#[test]
fn one_case_is_the_same_case_in_every_draw() {
    let made = drawn(&scored(&[1, 2], vec![values(&[0.5]), values(&[0.4])]));
    assert_eq!(standing(&made, 0).stability, Some(1.0));
    assert_eq!(made.figures.mean_tau, Some(1.0));
    assert_eq!(made.figures.adjusted_p[1][0], Some(1.0));
}

#[test]
fn who_ties_in_all_is_first_in_all() {
    let made = drawn(&scored(&[1, 1, 1], vec![values(&[0.5, 0.4]); 3]));
    for team in 0..3 {
        assert_eq!(
            standing(&made, team).interval,
            Some(Interval { from: 1.0, to: 1.0 })
        );
    }
    assert!(made.figures.is_board_ranking);
    assert_eq!(made.figures.mean_tau, None);
    assert!(
        made.figures
            .schemes
            .iter()
            .all(|scheme| scheme.ranks == [Some(1); 3])
    );
}

#[test]
fn without_a_team_a_case_or_a_metric_nothing_is_drawn() {
    assert_undrawn(&drawn(&scored(&[], vec![])), "no team is ranked");
    assert_undrawn(
        &drawn(&scored(&[1, 2], vec![vec![], vec![]])),
        "no case is scored",
    );
    let missing = vec![vec![Cell::Missing, Cell::Missing]; 2];
    let made = drawn(&scored(&[1, 2], missing));
    let why = "there is no metric that a ranked team has in every case";
    assert_undrawn(&made, why);
    assert_eq!(made.figures.left_out[0].reason, "no ranked team has it");
}

/// Its values in the other cases are better: else it would be first in every draw without the case that it lacks.
fn one_lacks_a_case() -> Scored {
    let lacking = vec![Cell::Value(0.9), Cell::Missing];
    let mut three = scored(
        &[1, 2, 2],
        vec![values(&[0.5, 0.4]), values(&[0.4, 0.3]), lacking],
    );
    let mut other = three.metrics[0].clone();
    other.name = "image_DSC".to_owned();
    other.rows = vec![
        values(&[0.3, 0.3]),
        values(&[0.1, 0.1]),
        values(&[0.2, 0.2]),
    ];
    three.metrics.push(other);
    three
}

#[test]
fn who_lacks_a_case_is_last_in_that_metric_in_every_draw_as_on_the_board() {
    let made = drawn(&one_lacks_a_case());
    assert!(made.figures.left_out.is_empty());
    assert!(made.figures.is_board_ranking, "(1+1, 2+3, 3+2)");
    assert_eq!(made.intervals().len(), 3, "nobody's are taken away");
    for team in 0..3 {
        assert_eq!(standing(&made, team).stability, Some(1.0), "{team}");
    }
    let lacked = &made.figures.metrics[0];
    assert_eq!(lacked.ranks, [Some(1), Some(2), Some(3)]);
    assert!(lacked.better_than[2].is_empty());
    for scheme in &made.figures.schemes {
        assert_eq!(scheme.ranks[0], Some(1), "{}", scheme.name);
    }
}

#[test]
fn a_metric_that_nobody_has_in_every_case_is_left_out_and_says_so() {
    let mut three = one_lacks_a_case();
    three.metrics[0].rows[0][0] = Cell::Missing;
    three.metrics[0].rows[1][1] = Cell::Missing;
    let made = drawn(&three);
    assert_eq!(made.figures.left_out[0].metric, "IA");
    let why = "no ranked team has it in every case";
    assert_eq!(made.figures.left_out[0].reason, why);
    assert_eq!(made.figures.metrics.len(), 1);
}

#[test]
fn a_metric_of_a_group_that_one_team_lacks_is_left_out_and_its_ranks_are_not_the_boards() {
    let mut three = one_lacks_a_case();
    three.metrics[0].name = "instance_DSC/upper".to_owned();
    let made = drawn(&three);
    assert_eq!(made.figures.left_out[0].metric, "instance_DSC/upper");
    let why = "not every ranked team has it in every case";
    assert_eq!(made.figures.left_out[0].reason, why);
    assert!(!made.figures.is_board_ranking);
    assert!(made.intervals().is_empty(), "they are of another ranking");
    assert_eq!(standing(&made, 0).rank, 1, "the board's");
    assert_eq!(
        made.figures.schemes[0].ranks,
        [Some(1), Some(3), Some(2)],
        "by the other metric"
    );
}

#[test]
fn a_case_without_the_labels_of_a_group_counts_for_nobody() {
    let group = |value: f64| vec![Cell::Value(value), Cell::None, Cell::Value(value)];
    let mut both = scored(&[1, 2], vec![group(0.5), group(0.4)]);
    both.metrics[0].name = "instance_DSC/upper".to_owned();
    let made = drawn(&both);
    assert!(made.figures.left_out.is_empty() && made.figures.is_board_ranking);
    let best = standing(&made, 0);
    assert_eq!(best.stability, Some(1.0));
    let ranked: u32 = best.distribution.iter().map(|one| one.draws).sum();
    assert!(
        ranked < 200 && ranked > 150,
        "some draw has only the case without: {ranked}"
    );
}

#[test]
fn less_is_better_where_it_is() {
    let mut times = scored(&[2, 1], vec![values(&[9.0, 8.0]), values(&[1.0, 2.0])]);
    times.metrics[0].direction = Direction::LowerIsBetter;
    let made = drawn(&times);
    assert_eq!(made.figures.schemes[0].ranks, [Some(2), Some(1)]);
    assert!(made.figures.is_board_ranking);
}

#[test]
fn who_is_better_in_twenty_cases_is_so_significantly() {
    let row = |by: f64| {
        (0..20)
            .map(|case| Cell::Value(by + f64::from(case) / 100.0))
            .collect()
    };
    let made = drawn(&scored(&[1, 2], vec![row(0.5), row(0.4)]));
    assert_eq!(made.figures.metrics[0].better_than, [vec![1], vec![]]);
    let p = made.figures.adjusted_p[0][1].unwrap();
    assert!(p > 0.0 && p < 0.001, "{p}");
    assert_eq!(made.figures.schemes.len(), 5);
    assert_eq!(made.figures.schemes[4].name, "test-then-rank");
}

#[test]
fn the_map_is_of_the_best_and_keeps_equals_together() {
    let board = |ranks: Vec<u32>| {
        let rows = ranks
            .iter()
            .map(|&rank| values(&[1.0 / f64::from(rank); 2]));
        let made = drawn(&scored(&ranks, rows.collect()));
        assert_eq!(made.figures.consensus.len(), ranks.len());
        let [p, better] = [
            made.figures.adjusted_p.len(),
            made.figures.metrics[0].better_than.len(),
        ];
        assert_eq!(p, better);
        p
    };
    assert_eq!(board((1..=150).collect()), 150);
    assert_eq!(board((1..=151).collect()), 150);
    let tied = (1..=149).chain([150, 150]).collect();
    assert_eq!(board(tied), 149);
    assert_eq!(board(vec![1; 151]), 0);
}

#[test]
fn only_where_teams_are_few_are_all_tested_against_all() {
    let schemes = |teams: u32| {
        let ranks: Vec<u32> = vec![1; teams as usize];
        let rows = vec![values(&[0.5]); teams as usize];
        compute(&scored(&ranks, rows), SEED, 1)
            .unwrap()
            .figures
            .schemes
    };
    assert_eq!(schemes(300).len(), 5);
    let without = schemes(301);
    assert_eq!(without.len(), 4);
    assert!(without.iter().all(|scheme| scheme.name != "test-then-rank"));
}

#[test]
fn the_same_seed_gives_the_same_and_another_another() {
    let mixed = scored(
        &[1, 2],
        vec![values(&[0.9, 0.1, 0.6, 0.5]), values(&[0.5, 0.5, 0.5, 0.4])],
    );
    assert_eq!(
        compute(&mixed, 1, 500).unwrap(),
        compute(&mixed, 1, 500).unwrap()
    );
    assert_ne!(
        compute(&mixed, 1, 500).unwrap(),
        compute(&mixed, 2, 500).unwrap()
    );
}

/// Prints how long it takes; run with `--nocapture`.
#[test]
fn a_large_board_is_drawn_whole() {
    const TEAMS: u32 = 114;
    const CASES: u32 = 50;
    let cell = |team: u32, case: u32, metric: u32| {
        let noise = (team * 7919 + case * 104_729 + metric * 1_299_709) % 1000;
        Cell::Value(1.0 - f64::from(team) / 200.0 - f64::from(noise) / 3000.0)
    };
    let row = |team, metric| (0..CASES).map(|case| cell(team, case, metric)).collect();
    let ranks: Vec<u32> = (1..=TEAMS).collect();
    let mut large = scored(&ranks, vec![Vec::new()]);
    large.cases = CASES as usize;
    let metrics = (0..9).map(|metric| Values {
        name: format!("metric {metric}"),
        direction: Direction::HigherIsBetter,
        rows: (0..TEAMS).map(|team| row(team, metric)).collect(),
    });
    large.metrics = metrics.collect();
    let begun = Instant::now();
    let made = compute(&large, SEED, 1000).unwrap();
    let took_ms = begun.elapsed().as_millis();
    let bytes = serde_json::to_vec(&made).unwrap().len();
    println!("{TEAMS} teams, {CASES} cases, 9 metrics, 1000 draws: {took_ms} ms, {bytes} bytes");
    for team in made.teams {
        let draws: u32 = team.standing.distribution.iter().map(|one| one.draws).sum();
        assert_eq!(draws, 1000);
    }
}
