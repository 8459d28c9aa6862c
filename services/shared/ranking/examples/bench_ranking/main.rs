//! How long the bootstrap of a large board takes, beside a naive one in the same run.
//!
//! 114 teams, 200 cases, 9 metrics, 1000 draws; each pair of runs one after the other, medians of
//! all. The naive one does what the definition says: it copies each draw's cases, adds or sorts
//! them, sorts the entries, and starts again. Of the schemes whose naive version takes minutes it
//! runs a few draws, and the table says so. An argument is a word of the schemes to run.

mod naive;

use std::time::{Duration, Instant};

use molar_ranking::{
    Aggregate, DRAWS, Direction, Draws, Missing, Rule, Scheme, Scores, Test, bootstrap,
};

const TEAMS: usize = 114;
const CASES: usize = 200;
const METRICS: usize = 9;
const GOAL: Duration = Duration::from_secs(2);

struct Plan {
    name: &'static str,
    scheme: Scheme,
    pairs: usize,
    /// Of the naive version.
    draws: usize,
}

fn main() {
    let threads = rayon::current_num_threads();
    println!(
        "Bootstrap of {TEAMS} teams, {CASES} cases, {METRICS} metrics, {DRAWS} draws on {threads} threads."
    );
    println!(
        "Median of paired runs, the naive version on the same threads; goal {} s.",
        GOAL.as_secs()
    );
    println!(
        "{:<28} {:>9} {:>12} {:>7}",
        "scheme", "molar s", "naive s", "ratio"
    );
    let values = values();
    let metrics = metrics(&values);
    let plan = |name, scheme, pairs, draws| Plan {
        name,
        scheme,
        pairs,
        draws,
    };
    let plans = [
        plan(
            "mean, then ranks (protocol)",
            Scheme::AggregateThenRank(Aggregate::Mean),
            5,
            DRAWS,
        ),
        plan(
            "median, then ranks",
            Scheme::AggregateThenRank(Aggregate::Median),
            5,
            DRAWS,
        ),
        plan(
            "ranks, then mean",
            Scheme::RankThenAggregate(Aggregate::Mean),
            3,
            100,
        ),
        plan(
            "ranks, then median",
            Scheme::RankThenAggregate(Aggregate::Median),
            3,
            100,
        ),
        plan(
            "tests, then ranks",
            Scheme::TestThenRank(Test::default()),
            3,
            4,
        ),
    ];
    let word = std::env::args().nth(1).unwrap_or_default();
    for plan in plans.iter().filter(|plan| plan.name.contains(&word)) {
        compare(plan, &metrics, &values);
    }
}

fn compare(plan: &Plan, metrics: &[Scores], values: &naive::Values) {
    let rule = Rule {
        scheme: plan.scheme,
        ..Rule::default()
    };
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for seed in 0..plan.pairs as u64 {
        // As many as there are cases, of which there are some.
        let Ok(draws) = Draws::seeded(seed, DRAWS, CASES) else {
            return;
        };
        let start = Instant::now();
        let Ok(found) = bootstrap(&rule, metrics, &draws) else {
            return;
        };
        ours.push(start.elapsed());

        let start = Instant::now();
        let ranks = naive::ranks(plan.scheme, values, &draws, plan.draws);
        theirs.push(start.elapsed().mul_f64(DRAWS as f64 / plan.draws as f64));
        for (draw, ranks) in ranks.iter().enumerate() {
            let wanted: Vec<_> = ranks.iter().copied().map(Some).collect();
            assert_eq!(found.ranks(draw), wanted, "both rank draw {draw} alike");
        }
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let note = if plan.draws < DRAWS {
        format!(
            "  naive: {} draws, times {}",
            plan.draws,
            DRAWS / plan.draws
        )
    } else {
        String::new()
    };
    let verdict = if ours <= GOAL { "" } else { "  above the goal" };
    println!(
        "{:<28} {:>9.3} {:>12.3} {:>7.1}{note}{verdict}",
        plan.name,
        ours.as_secs_f64(),
        theirs.as_secs_f64(),
        theirs.as_secs_f64() / ours.as_secs_f64(),
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// By metric, team and case; teams differ in skill, cases in how hard they are.
fn values() -> naive::Values {
    let mut state = 2024u64;
    let mut random = move || {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    };
    let hard: Vec<f64> = (0..CASES).map(|_| random()).collect();
    let mut team = |team: usize| -> Vec<f64> {
        let skill = 0.5 * team as f64 / TEAMS as f64;
        hard.iter()
            .map(|hard| skill + 0.2 * hard + 0.3 * random())
            .collect()
    };
    (0..METRICS)
        .map(|_| (0..TEAMS).map(&mut team).collect())
        .collect()
}

fn metrics(values: &naive::Values) -> Vec<Scores> {
    let of = |rows: &Vec<Vec<f64>>| {
        let rows: Vec<Vec<_>> = rows
            .iter()
            .map(|row| row.iter().copied().map(Some).collect())
            .collect();
        Scores::new(Direction::HigherIsBetter, Missing::Last, &rows).ok()
    };
    values.iter().filter_map(of).collect()
}
