//! The statistics of an archive beside those that are drawn again from its scores.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::content::Ranking;
use super::differences::Differences;
use super::phase::Phase;
use super::recompute;
use super::report::Report;
use super::scores::Scores;
use crate::statistics::{ALPHA, LEVEL, seed};

/// More than are ever made.
const MOST_DRAWS: u64 = 10_000;
/// Of all draws together, that are held at once.
const MOST_RANKS: usize = 100_000_000;

/// Of the statistics what does not follow from scores.
const BESIDE: [&str; 7] = [
    "version", "as_of", "seed", "draws", "library", "level", "alpha",
];
/// What is drawn again, and what is said beside it.
const TEAMS: &str = "intervals and stability";
const FIGURES: &str = "ranks by metric and scheme, tests, consensus";
/// What is left of both where a metric that counts is withheld.
const REST: &str = "statistics of single metrics";
/// By all metrics together, and so by those that are withheld.
const TOGETHER: [&str; 4] = ["is_board_ranking", "mean_tau", "schemes", "consensus"];

pub(super) fn statistics(
    scores: &Scores,
    phase: &Phase,
    ranking: &Ranking,
    archived: &Value,
    report: &mut Report,
) {
    let seed = seed(phase.phase_id.into(), ranking.version);
    let Some(draws) = draws(seed, ranking, archived, report) else {
        return;
    };
    // From the ranks that the archive claims: where those are wrong, that is told above.
    let ranks: Vec<_> = ranking.entries.iter().map(|entry| entry.rank).collect();
    let found = recompute::found(scores, &ranks, seed, draws)
        .map_err(|error| error.to_string())
        .and_then(|found| serde_json::to_value(found).map_err(|error| error.to_string()));
    let mut recomputed = match found {
        Ok(Value::Object(found)) => found,
        Ok(_) => return report.fail(FIGURES, "nothing comes out".to_owned()),
        Err(why) => return report.fail(FIGURES, why),
    };
    let archived = archived.as_object().into_iter().flatten();
    let archived = archived.filter(|(name, _)| !BESIDE.contains(&name.as_str()));
    let archived: Map<String, Value> = archived.map(|(k, v)| (k.clone(), v.clone())).collect();
    let counted = Counted { phase, ranking };
    counted.add_left_out(&archived, &mut recomputed, report);
    match counted.withheld().is_empty() {
        true => whole(archived, &recomputed, report),
        false => counted.rest(archived, &Value::Object(recomputed), report),
    }
}

/// How often cases were drawn, and by what.
fn draws(seed: u64, ranking: &Ranking, archived: &Value, report: &mut Report) -> Option<usize> {
    let mut draws = Differences::default();
    draws.compare("seed", &archived["seed"], &json!(seed));
    draws.compare("version", &archived["version"], &json!(ranking.version));
    draws.compare("level", &archived["level"], &json!(LEVEL));
    draws.compare("alpha", &archived["alpha"], &json!(ALPHA));
    let library = format!("molar-ranking {}", molar_ranking::VERSION);
    match archived["library"].as_str() {
        Some(writer) if writer == library => {}
        Some(writer) => {
            let note = format!("written by {writer}, recomputed by {library}");
            report.notes.push(note);
        }
        None => draws.add(|| "it is not said what library made them".to_owned()),
    }
    let number = archived["draws"]
        .as_u64()
        .filter(|draws| (1..=MOST_DRAWS).contains(draws))
        .filter(|draws| (*draws as usize).saturating_mul(ranking.entries.len()) <= MOST_RANKS);
    if number.is_none() {
        draws.add(|| format!("{} is no number of draws", archived["draws"]));
    }
    report.add("draws", draws);
    number.map(|number| number as usize)
}

/// Everything, member by member.
fn whole(mut archived: Map<String, Value>, recomputed: &Map<String, Value>, report: &mut Report) {
    let [mut teams, mut figures] = [(); 2].map(|()| Differences::default());
    for (name, value) in recomputed {
        let differences = if name == "teams" {
            &mut teams
        } else {
            &mut figures
        };
        differences.compare(name, &archived.remove(name).unwrap_or_default(), value);
    }
    for (name, value) in &archived {
        figures.compare(name, value, &Value::Null);
    }
    report.add(TEAMS, teams);
    report.add(FIGURES, figures);
}

/// Which metrics the statistics are about, where values per case of some are withheld.
struct Counted<'a> {
    phase: &'a Phase,
    ranking: &'a Ranking,
}

impl Counted<'_> {
    /// Those without values here that count: a ranked entry has a mean of them.
    fn withheld(&self) -> Vec<&str> {
        let ranked = || self.ranking.entries.iter().filter(|one| one.rank.is_some());
        let withheld = self.phase.withheld();
        withheld
            .filter(|name| ranked().any(|one| matches!(one.values.get(*name), Some(Some(_)))))
            .collect()
    }

    /// Why a metric without values here is left out does not follow from what is here, and is believed. That it must be is
    /// not.
    fn add_left_out(
        &self,
        archived: &Map<String, Value>,
        recomputed: &mut Map<String, Value>,
        report: &mut Report,
    ) {
        let counted = self.withheld();
        let left_out = self.phase.withheld().filter(|name| !counted.contains(name));
        let left_out: Vec<&str> = left_out.collect();
        let is_ranked = self.ranking.entries.iter().any(|one| one.rank.is_some());
        if left_out.is_empty() || !is_ranked {
            return;
        }
        let claimed = by_name(archived.get("left_out"), "metric");
        let found = by_name(recomputed.get("left_out"), "metric");
        let each = self.phase.metrics.iter().filter_map(|metric| {
            let name = metric.name.as_str();
            match left_out.contains(&name) {
                true => Some(claimed.get(name).copied().cloned().unwrap_or_default()),
                false => found.get(name).copied().cloned(),
            }
        });
        let all = Value::Array(each.collect());
        recomputed.insert("left_out".to_owned(), all);
        report.notes.push(format!(
            "why statistics leave out {} taken as given",
            left_out.join(" and ")
        ));
    }

    /// What does not depend on the metrics that are withheld.
    fn rest(&self, mut archived: Map<String, Value>, recomputed: &Value, report: &mut Report) {
        let withheld = self.withheld();
        let metrics = self.names(&withheld, recomputed);
        let mut found = Differences::default();
        let mut take = |name: &str| archived.remove(name).unwrap_or_default();
        let claimed = take("metrics");
        found.compare("metrics", &names(&claimed), &json!(metrics));
        let told = |list: &Value| singly(list, &withheld);
        found.compare("metrics", &told(&claimed), &told(&recomputed["metrics"]));
        found.compare(
            "teams",
            &ranks(&take("teams")),
            &ranks(&recomputed["teams"]),
        );
        for name in TOGETHER {
            take(name);
        }
        // Of the first metric.
        let p = take("adjusted_p");
        let has_tests = metrics.first().is_some_and(|name| !withheld.contains(name));
        if has_tests {
            found.compare("adjusted_p", &p, &recomputed["adjusted_p"]);
        }
        for name in ["cases", "left_out"] {
            found.compare(name, &take(name), &recomputed[name]);
        }
        // Nor is there a reason why nothing was drawn.
        for (name, value) in &archived {
            found.compare(name, value, &Value::Null);
        }
        report.add(REST, found);
        report.notes.push(format!(
            "intervals and stability, schemes and consensus{} not recomputed: needs per-case values of {} that only \
             organizers have",
            if has_tests { "" } else { ", tests" },
            withheld.join(" and "),
        ));
    }

    /// Those that count, in their order.
    fn names<'n>(&'n self, withheld: &[&str], recomputed: &Value) -> Vec<&'n str> {
        let drawn = by_name(recomputed.get("metrics"), "name");
        let names = self.phase.metrics.iter().map(|metric| metric.name.as_str());
        names
            .filter(|name| withheld.contains(name) || drawn.contains_key(*name))
            .collect()
    }
}

/// The members of a list by what they call themselves.
fn by_name<'a>(list: Option<&'a Value>, key: &str) -> BTreeMap<&'a str, &'a Value> {
    let members = list.and_then(Value::as_array).into_iter().flatten();
    members
        .filter_map(|one| Some((one[key].as_str()?, one)))
        .collect()
}

fn names(list: &Value) -> Value {
    let members = list.as_array().into_iter().flatten();
    members.map(|one| one["name"].clone()).collect()
}

/// Of each metric but those that are withheld what depends on no other.
fn singly(metrics: &Value, withheld: &[&str]) -> Value {
    let members = metrics.as_array().into_iter().flatten();
    let told = members.filter(|one| !withheld.iter().any(|name| one["name"] == *name));
    let each = told.map(|one| {
        json!({"name": one["name"], "ranks": one["ranks"], "better_than": one["better_than"]})
    });
    each.collect()
}

/// Of each team where it stands on the board.
fn ranks(teams: &Value) -> Value {
    let members = teams.as_array().into_iter().flatten();
    let each = members.map(|one| json!({"entry": one["entry"], "rank": one["rank"]}));
    each.collect()
}
