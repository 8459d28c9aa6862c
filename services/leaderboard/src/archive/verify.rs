//! Whether an archive is whole, and whether what it says of ranks follows from its scores. Needs nothing but the archive.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use serde_json::{Value, json};

use super::content::{Entry, MetricFacts, Ranking};
use super::differences::Differences;
use super::names::{CHECKSUMS, CRATE, LONG, PHASE, RANKING, STATISTICS, WIDE};
use super::phase::Phase;
use super::read::{Files, Unreadable, read};
use super::recompute::{self, Measured};
use super::redrawn::statistics;
use super::report::Report;
use super::scores::{Metric, Scores};
use super::scores_csv::{read_long, read_wide};
use crate::entries::is_of_run;

/// More than are ever made.
const MOST_ENTRIES: usize = 20_000;

/// Looks at everything, and goes on where something differs. `begins` hears what is looked at next.
pub fn verify(from: impl Read + Seek, begins: &dyn Fn(&'static str)) -> Result<Report, Unreadable> {
    begins("files and checksums");
    let files = read(from)?;
    for name in [CRATE, CHECKSUMS] {
        if !files.contains_key(name) {
            return Err(Unreadable::Other(name));
        }
    }
    let mut report = Report {
        is_equal: true,
        checks: Vec::new(),
        notes: Vec::new(),
    };
    report.add("files", listed(&files));
    report.add("checksums", checksums(&files));
    begins("scores per case");
    match (
        document::<Phase>(&files, PHASE),
        document::<Ranking>(&files, RANKING),
    ) {
        (Ok(phase), Ok(ranking)) => scores(&files, &phase, &ranking, &mut report, begins),
        (Err(why), _) | (_, Err(why)) => report.fail("documents", why),
    }
    Ok(report)
}

/// Files against the RO-Crate's list.
fn listed(files: &Files) -> Differences {
    let mut found = Differences::default();
    let crate_: Value = match document(files, CRATE) {
        Ok(crate_) => crate_,
        Err(why) => {
            found.add(|| why);
            return found;
        }
    };
    let graph = crate_["@graph"].as_array().into_iter().flatten();
    let of_root = graph.filter(|entity| entity["@id"] == "./");
    let parts = of_root.flat_map(|root| root["hasPart"].as_array().into_iter().flatten());
    let listed: BTreeSet<&str> = parts.filter_map(|part| part["@id"].as_str()).collect();
    let present: BTreeSet<&str> = files
        .keys()
        .map(String::as_str)
        .filter(|name| *name != CRATE)
        .collect();
    for name in listed.difference(&present) {
        found.add(|| format!("{name} is listed in {CRATE} and missing"));
    }
    for name in present.difference(&listed) {
        found.add(|| format!("{name} is not listed in {CRATE}"));
    }
    found
}

/// Files against the list of checksums, which has all but itself.
fn checksums(files: &Files) -> Differences {
    let mut found = Differences::default();
    let text = String::from_utf8_lossy(&files[CHECKSUMS].bytes);
    let mut known = BTreeSet::new();
    for line in text.lines() {
        let Some((sha256, name)) = line.split_once("  ") else {
            found.add(|| format!("{CHECKSUMS}: {line:?} is no line of it"));
            continue;
        };
        known.insert(name);
        match files.get(name) {
            None => found.add(|| format!("{name} is missing")),
            Some(file) if file.sha256 != sha256 => {
                found.add(|| format!("{name} is not as it was: its SHA-256 is {}", file.sha256));
            }
            Some(_) => {}
        }
    }
    let unknown = files
        .keys()
        .filter(|name| *name != CHECKSUMS && !known.contains(name.as_str()));
    unknown.for_each(|name| found.add(|| format!("{name} has no checksum: it was put in later")));
    found
}

fn document<T: serde::de::DeserializeOwned>(files: &Files, name: &str) -> Result<T, String> {
    let file = files
        .get(name)
        .ok_or_else(|| format!("{name} is missing"))?;
    serde_json::from_slice(&file.bytes).map_err(|error| format!("{name}: {error}"))
}

fn scores(
    files: &Files,
    phase: &Phase,
    ranking: &Ranking,
    report: &mut Report,
    begins: &dyn Fn(&'static str),
) {
    let metrics = phase.told();
    if ranking.entries.len() > MOST_ENTRIES {
        return report.fail(
            "scores",
            format!("{RANKING} has more than {MOST_ENTRIES} entries"),
        );
    }
    let teams = ranking.entries.iter().map(|entry| entry.team.clone());
    let teams: Vec<String> = teams.collect();
    let table = |name: &str| {
        let file = files
            .get(name)
            .ok_or_else(|| format!("{name} is missing"))?;
        let scores = match name {
            LONG => read_long(&*file.bytes, &metrics, &teams),
            _ => read_wide(&*file.bytes, &metrics, &teams),
        };
        scores.map_err(|why| format!("{name}: {why}"))
    };
    // Without a metric the long table has no line, and does not tell that there are cases.
    let (first, second) = match metrics.is_empty() {
        true => (WIDE, LONG),
        false => (LONG, WIDE),
    };
    let scores = match table(first) {
        Ok(scores) => scores,
        Err(why) => return report.fail("scores", why),
    };
    let mut differences = Differences::default();
    match table(second) {
        Ok(other) if other == scores || metrics.is_empty() => {}
        Ok(_) => differences.add(|| format!("{second} does not say what {first} says")),
        Err(why) => differences.add(|| why),
    }
    for name in phase.withheld().filter(|name| !is_of_run(name)) {
        differences.add(|| format!("{PHASE}: {name} is no metric whose values are withheld"));
    }
    for (place, entry) in (1..).zip(&ranking.entries) {
        if entry.entry != place {
            differences.add(|| format!("{RANKING}: entry {} stands in place {place}", entry.entry));
        }
    }
    report.add("scores", differences);
    begins("means and ranks");
    let made = document::<Value>(files, STATISTICS);
    let library = made.as_ref().ok().and_then(|made| made["library"].as_str());
    ranks(&scores, phase, ranking, library, report);
    begins("statistics");
    match made {
        Ok(archived) => statistics(&scores, phase, ranking, &archived, report),
        Err(why) => report.fail("statistics", why),
    }
}

fn ranks(
    scores: &Scores,
    phase: &Phase,
    ranking: &Ranking,
    library: Option<&str>,
    report: &mut Report,
) {
    let each = || (1..).zip(&ranking.entries);
    let mut measured = measured(scores, phase, ranking, report);
    if library.is_some_and(|library| library.starts_with(ROUNDED_SUMS)) {
        each().for_each(|(number, entry)| settle(&mut measured[number as usize - 1], entry));
        let note = "last digits of means and deviations taken as given: the library that wrote them rounded its sums";
        report.notes.push(note.to_owned());
    }
    let mut means = Differences::default();
    for ((number, entry), measured) in each().zip(&measured) {
        let archived = json!({"values": entry.values, "spreads": entry.spreads,
                              "cases": entry.cases, "failed_cases": entry.failed_cases});
        let recomputed = json!({"values": measured.values, "spreads": measured.spreads,
                                "cases": measured.cases, "failed_cases": measured.failed_cases});
        means.compare(&format!("entry {number}"), &archived, &recomputed);
    }
    report.add("means", means);

    let competes: Vec<bool> = ranking
        .entries
        .iter()
        .map(|one| one.out_reason.is_none())
        .collect();
    let metrics: Vec<Metric> = phase.metrics.iter().map(MetricFacts::metric).collect();
    let found = match recompute::places(&metrics, &measured, &competes) {
        Ok(found) => found,
        Err(error) => return report.fail("ranks", error.to_string()),
    };
    let [mut by_metric, mut mean_ranks, mut finals] = [(); 3].map(|()| Differences::default());
    for ((number, entry), place) in each().zip(&found.places) {
        let at = format!("entry {number}");
        by_metric.compare(&at, &json!(entry.ranks), &json!(place.ranks));
        mean_ranks.compare(&at, &json!(entry.mean_rank), &json!(place.mean_rank));
        finals.compare(&at, &json!(entry.rank), &json!(place.rank));
    }
    by_metric.compare("left_out", &json!(ranking.left_out), &json!(found.left_out));
    report.add("ranks by metric", by_metric);
    report.add("mean ranks", mean_ranks);
    report.add("final ranks", finals);
}

/// Before 1.0 means were sums in the order of the cases, of which the last digits depend on it.
const ROUNDED_SUMS: &str = "molar-ranking 0.";

/// Takes what is about the same as the entry has it.
fn settle(measured: &mut Measured, entry: &Entry) {
    let is_about = |one: f64, other: f64, of: f64| (one - other).abs() <= 1e-12 * of.abs();
    for (name, value) in &mut measured.values {
        let archived = entry.values.get(name).copied().flatten();
        let (Some(mean), Some(archived)) = (*value, archived) else {
            continue;
        };
        if let (Some(spread), Some(of_entry)) =
            (measured.spreads.get_mut(name), entry.spreads.get(name))
            && is_about(spread.sd, of_entry.sd, mean)
        {
            spread.sd = of_entry.sd;
        }
        if is_about(mean, archived, mean) {
            *value = Some(archived);
        }
    }
}

/// From the scores, and of metrics that are withheld from what the archive says.
fn measured(
    scores: &Scores,
    phase: &Phase,
    ranking: &Ranking,
    report: &mut Report,
) -> Vec<Measured> {
    let withheld: Vec<&str> = phase.withheld().collect();
    if !withheld.is_empty() {
        report.notes.push(format!(
            "means of {} taken as given: their values per case only organizers have",
            withheld.join(" and "),
        ));
    }
    let entries = ranking.entries.iter().enumerate();
    let each = entries.map(|(at, entry)| {
        let mut measured = recompute::measured(scores, at);
        let given = |name: &&str| {
            let value = entry.values.get(*name).copied().flatten();
            ((*name).to_owned(), value)
        };
        measured.values.extend(withheld.iter().map(given));
        measured
    });
    each.collect()
}
