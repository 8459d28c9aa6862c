//! The cases on the page of their submission, the worst first.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use molar_domain::metric::Metric;
use molar_web_kit::names;
use serde_json::Value;

use super::failures::{Failure, failures};
use super::wanted::Wanted;
use crate::submissions::cases::{CaseList, CaseView};

/// What the part `cases.html` shows.
#[derive(Default)]
pub struct Cases {
    pub rows: Vec<CaseRow>,
    pub metrics: Vec<Heading>,
    pub names: Heading,
    pub is_hidden: bool,
    pub has_labels: bool,
    /// What was asked for and is not there.
    pub wrong: Option<String>,
    pub failures: Vec<Failure>,
}

/// Of a column by which the cases can stand.
#[derive(Default)]
pub struct Heading {
    pub title: String,
    pub unit: Option<&'static str>,
    pub link: String,
    pub class: &'static str,
    /// `ascending` or `descending`; empty where it is another column that orders.
    pub sorted: &'static str,
}

pub struct CaseRow {
    pub name: String,
    pub is_canary: bool,
    pub state: String,
    pub failure: Option<String>,
    pub detail: Option<String>,
    pub wall_s: String,
    pub values: Vec<String>,
    /// In a few words, and where all of them are.
    pub labels: Option<(String, String)>,
    pub notes: Vec<String>,
    /// Of the page that shows it.
    pub log: Option<String>,
    pub log_release_reason: Option<String>,
    /// Of the page with its pictures.
    pub page: Option<String>,
}

impl Cases {
    /// `labels`: what there is to say of the labels of a case, by its name.
    pub fn of(list: CaseList, wanted: &Wanted, labels: &BTreeMap<String, String>) -> Self {
        let metrics = metrics(&list);
        let (by, wrong) = order(&metrics, wanted.by.as_deref());
        let failures = failures(&list.items);
        let mut items = list.items;
        if let Some(metric) = by {
            sort(&mut items, metric);
        }
        let heading = |metric: &Metric| metric_heading(metric, by == Some(metric), wanted);
        Self {
            names: Heading {
                title: "Case".to_owned(),
                unit: None,
                link: wanted.ordered("case"),
                class: if by.is_none() { "asc" } else { "" },
                sorted: if by.is_none() { "ascending" } else { "" },
            },
            has_labels: !labels.is_empty(),
            is_hidden: list.is_hidden,
            rows: items
                .into_iter()
                .map(|case| row(case, &metrics, wanted, labels))
                .collect(),
            metrics: metrics.iter().map(heading).collect(),
            wrong,
            failures,
        }
    }
}

/// Every metric that any case has, always in the same order.
fn metrics(list: &CaseList) -> Vec<Metric> {
    let values = list.items.iter().filter_map(|case| case.values.as_ref());
    let entries = values.filter_map(Value::as_object).flatten();
    let measured = entries.filter(|(_, value)| !value.is_null());
    let metrics: BTreeSet<Metric> = measured.filter_map(|(name, _)| name.parse().ok()).collect();
    metrics.into_iter().collect()
}

/// The metric that was asked for, else the first of accuracy; none: by name.
fn order<'m>(metrics: &'m [Metric], asked: Option<&str>) -> (Option<&'m Metric>, Option<String>) {
    let first = || {
        let mut accurate = metrics.iter().filter(|metric| !metric.is_of_run());
        accurate.next().or(metrics.first())
    };
    match asked {
        None | Some("") => (first(), None),
        Some("case") => (None, None),
        Some(name) => match metrics.iter().find(|metric| metric.to_string() == name) {
            Some(metric) => (Some(metric), None),
            None => (
                first(),
                Some(format!(
                    "No case has a value by “{}”. Choose one of the columns.",
                    names::plain(name)
                )),
            ),
        },
    }
}

/// The worst first, of equals those that failed; then those without a value. The trial stays on top.
fn sort(cases: &mut [CaseView], by: &Metric) {
    let name = by.to_string();
    let value = |case: &CaseView| case.values.as_ref()?.get(&name)?.as_f64();
    cases.sort_by(|a, b| {
        let worst_first = match (value(a), value(b)) {
            (Some(a), Some(b)) if by.is_higher_better() => a.total_cmp(&b),
            (Some(a), Some(b)) => b.total_cmp(&a),
            (None, None) => Ordering::Equal,
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        let failed_first = b.failure.is_some().cmp(&a.failure.is_some());
        let trial_first = b.is_canary.cmp(&a.is_canary);
        trial_first.then(worst_first).then(failed_first)
    });
}

fn metric_heading(metric: &Metric, is_here: bool, wanted: &Wanted) -> Heading {
    let (class, sorted) = match (is_here, metric.is_higher_better()) {
        (false, _) => ("", ""),
        (true, true) => ("asc", "ascending"),
        (true, false) => ("desc", "descending"),
    };
    Heading {
        title: metric.title(),
        unit: metric.unit(),
        link: wanted.ordered(&metric.to_string()),
        class,
        sorted,
    }
}

/// A run that waits for a worker and one that is offered to them look alike from outside.
fn state_in_words(state: String) -> String {
    match state.as_str() {
        "released" => "queued".to_owned(),
        _ => state,
    }
}

fn row(
    case: CaseView,
    metrics: &[Metric],
    wanted: &Wanted,
    labels: &BTreeMap<String, String>,
) -> CaseRow {
    let value = |metric: &Metric| {
        let values = case.values.as_ref();
        let value = values.and_then(|values| values.get(metric.to_string()));
        match value.and_then(Value::as_f64) {
            Some(value) => format!("{value:.*}", metric.decimals()),
            None => "–".to_owned(),
        }
    };
    let of_case = labels.get(&case.name).filter(|_| !case.is_canary);
    CaseRow {
        values: metrics.iter().map(value).collect(),
        labels: of_case.map(|told| (told.clone(), wanted.of_case(Some(&case.name)))),
        name: case.name,
        is_canary: case.is_canary,
        state: state_in_words(case.state),
        failure: case.failure,
        detail: case.failure_detail,
        wall_s: case.wall_s.map_or(String::new(), |s| format!("{s:.1} s")),
        notes: case.notes,
        log: case
            .log
            .and_then(|path| Some(path.strip_prefix("/api/v1")?.to_owned())),
        log_release_reason: case.log_release_reason,
        page: case.page,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn case(name: &str, values: Option<Value>, failure: Option<&str>) -> CaseView {
        CaseView {
            name: name.to_owned(),
            values,
            failure: failure.map(str::to_owned),
            ..CaseView::default()
        }
    }

    fn list() -> CaseList {
        let of = |ia: f64, s: f64| Some(json!({"IA": ia, "running_time_s": s}));
        let trial = CaseView {
            is_canary: true,
            ..case("Trial", None, None)
        };
        CaseList {
            items: vec![
                trial,
                case("A", of(0.5, 3.0), None),
                case("B", of(0.0, 1.0), None),
                case("C", of(0.0, 2.0), Some("timed-out")),
                case("D", None, None),
            ],
            is_hidden: false,
        }
    }

    fn names(by: Option<&str>) -> (Vec<String>, Option<String>) {
        let wanted = Wanted {
            by: by.map(str::to_owned),
            ..Wanted::default()
        };
        let cases = Cases::of(list(), &wanted, &BTreeMap::new());
        let names = cases.rows.into_iter().map(|row| row.name).collect();
        (names, cases.wrong)
    }

    #[test]
    fn the_worst_stand_first_whichever_way_the_metric_goes() {
        assert_eq!(names(None).0, ["Trial", "C", "B", "A", "D"]);
        assert_eq!(
            names(Some("running_time_s")).0,
            ["Trial", "A", "C", "B", "D"]
        );
        assert_eq!(names(Some("case")).0, ["Trial", "A", "B", "C", "D"]);
        let (order, wrong) = names(Some("<x>"));
        assert_eq!(order, names(None).0);
        assert!(wrong.unwrap().contains("by “<x>”"));
    }

    #[test]
    fn the_column_that_orders_says_so_and_its_link_keeps_the_rest() {
        let wanted = Wanted {
            labels: Some("A b".to_owned()),
            ..Wanted::default()
        };
        let cases = Cases::of(list(), &wanted, &BTreeMap::new());
        let told: Vec<_> = cases
            .metrics
            .iter()
            .map(|heading| (&*heading.link, heading.sorted))
            .collect();
        assert_eq!(
            told,
            [
                ("?by=IA&labels=A+b#cases", "ascending"),
                ("?by=running_time_s&labels=A+b#cases", "")
            ]
        );
        assert_eq!(cases.names.sorted, "");
    }
}
