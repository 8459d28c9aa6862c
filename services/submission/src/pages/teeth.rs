//! The labels on the page of their submission: of all cases, or of one, the worst first; a mouth, where they are teeth.

use std::collections::BTreeMap;

use molar_domain::labels::{deciduous, permanent};
use molar_figures::{Dentition, Quantity, Tooth, responsive};
use molar_web_kit::names;

use super::wanted::Wanted;
use crate::submissions::labels::{CaseLabels, LabelScore};

/// What the part `labels.html` shows.
#[derive(Default)]
pub struct Labels {
    pub are_teeth: bool,
    /// The one that is shown.
    pub case: Option<String>,
    /// The page with those of all.
    pub link: String,
    pub wrong: Option<String>,
    /// Cases that have none.
    pub without: usize,
    pub figure: Option<String>,
    pub rows: Vec<Row>,
}

pub struct Row {
    pub label: String,
    pub dsc: String,
    pub iou: String,
    pub nsd: String,
    /// Cases whose reference has it, those of them in which it was missed, and others in which it was invented.
    pub cases: usize,
    pub missed: usize,
    pub invented: usize,
}

#[derive(Default)]
struct Sum {
    dsc: f64,
    iou: f64,
    nsd: f64,
    cases: usize,
    missed: usize,
    invented: usize,
}

impl Labels {
    pub fn of(all: &[CaseLabels], wanted: &Wanted) -> Self {
        let asked = wanted.labels.as_deref().filter(|name| !name.is_empty());
        let found = asked.and_then(|name| all.iter().find(|case| case.case == name));
        let wrong = asked.filter(|_| found.is_none() && !all.is_empty());
        let shown: Vec<&CaseLabels> = match found {
            Some(case) => vec![case],
            None => all.iter().collect(),
        };
        let sums = sums(&shown);
        let are_teeth = !sums.is_empty() && numbers(&sums).is_some();
        let title = match found {
            Some(case) => format!("Dice by tooth, {}", case.case),
            None => "Dice by tooth".to_owned(),
        };
        let without = shown.iter().filter(|case| case.labels.is_none()).count();
        Self {
            figure: numbers(&sums)
                .filter(|teeth| !teeth.is_empty())
                .map(|teeth| draw(&title, &teeth)),
            case: found.map(|case| case.case.clone()),
            link: wanted.of_case(None),
            wrong: wrong.map(|name| {
                format!(
                    "No case “{}” of this submission is scored. Below are those of all cases.",
                    names::plain(name)
                )
            }),
            without,
            rows: rows(sums),
            are_teeth,
        }
    }
}

fn sums<'a>(cases: &[&'a CaseLabels]) -> BTreeMap<&'a str, Sum> {
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for score in cases
        .iter()
        .filter_map(|case| case.labels.as_ref())
        .flatten()
    {
        let sum = sums.entry(&score.label).or_default();
        if score.present_in_reference {
            sum.cases += 1;
            sum.missed += usize::from(!score.present_in_prediction);
            sum.dsc += score.dsc;
            sum.iou += score.iou;
            sum.nsd += score.nsd;
        } else {
            sum.invented += 1;
        }
    }
    sums
}

impl Sum {
    fn mean(&self, sum: f64) -> Option<f64> {
        (self.cases > 0).then(|| sum / self.cases as f64)
    }
}

/// None where a label that some reference has is no tooth.
fn numbers(sums: &BTreeMap<&str, Sum>) -> Option<Vec<Tooth>> {
    let known = [permanent(), deciduous()].concat();
    let measured = sums.iter().filter(|(_, sum)| sum.cases > 0);
    let tooth = |(label, sum): (&&str, &Sum)| {
        let number = label.parse().ok().filter(|number| known.contains(number))?;
        Some(Tooth {
            number,
            value: sum.mean(sum.dsc),
        })
    };
    measured.map(tooth).collect()
}

fn draw(title: &str, teeth: &[Tooth]) -> String {
    let chart = Dentition {
        title,
        quantity: Quantity::higher_is_better("Dice"),
        teeth,
        range: None,
    };
    responsive(&chart, "teeth")
}

/// The worst first; what no reference has last.
fn rows(sums: BTreeMap<&str, Sum>) -> Vec<Row> {
    let mut sums: Vec<_> = sums.into_iter().collect();
    let key = |sum: &Sum| sum.mean(sum.dsc).unwrap_or(f64::INFINITY);
    sums.sort_by(|(_, a), (_, b)| key(a).total_cmp(&key(b)));
    let told = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.4}"));
    let row = |(label, sum): (&str, Sum)| Row {
        label: label.to_owned(),
        dsc: told(sum.mean(sum.dsc)),
        iou: told(sum.mean(sum.iou)),
        nsd: told(sum.mean(sum.nsd)),
        cases: sum.cases,
        missed: sum.missed,
        invented: sum.invented,
    };
    sums.into_iter().map(row).collect()
}

/// By case, in a few words, what to look at.
pub fn told(all: &[CaseLabels]) -> BTreeMap<String, String> {
    let told = all.iter().filter_map(|case| {
        let labels = case.labels.as_deref().filter(|labels| !labels.is_empty())?;
        Some((case.case.clone(), in_words(labels)))
    });
    told.collect()
}

fn in_words(labels: &[LabelScore]) -> String {
    let count = |is_meant: &dyn Fn(&&LabelScore) -> bool| labels.iter().filter(is_meant).count();
    let missed = count(&|one| one.present_in_reference && !one.present_in_prediction);
    let invented = count(&|one| !one.present_in_reference);
    let met = labels
        .iter()
        .filter(|one| one.present_in_reference && one.present_in_prediction);
    let lowest = met.min_by(|a, b| a.dsc.total_cmp(&b.dsc));
    let mut parts = Vec::new();
    if missed > 0 {
        parts.push(format!("{missed} missed"));
    }
    if invented > 0 {
        parts.push(format!("{invented} invented"));
    }
    parts.extend(lowest.map(|one| format!("{} lowest, {:.2}", one.label, one.dsc)));
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(label: &str, dsc: f64, sides: [bool; 2]) -> LabelScore {
        LabelScore {
            label: label.to_owned(),
            present_in_reference: sides[0],
            present_in_prediction: sides[1],
            dsc,
            iou: dsc / 2.0,
            nsd: dsc,
        }
    }

    fn cases() -> Vec<CaseLabels> {
        let case = |name: &str, labels| CaseLabels {
            case: name.to_owned(),
            labels,
        };
        vec![
            case(
                "A",
                Some(vec![
                    score("11", 0.8, [true, true]),
                    score("12", 0.0, [true, false]),
                    score("99", 0.0, [false, true]),
                ]),
            ),
            case("B", Some(vec![score("11", 0.4, [true, true])])),
            case("C", None),
        ]
    }

    #[test]
    fn a_tooth_has_the_mean_of_the_cases_that_have_it_and_the_worst_stands_first() {
        let labels = Labels::of(&cases(), &Wanted::default());
        let told: Vec<_> = labels
            .rows
            .iter()
            .map(|row| (&*row.label, &*row.dsc, row.cases, row.missed, row.invented))
            .collect();
        assert_eq!(
            told,
            [
                ("12", "0.0000", 1, 1, 0),
                ("11", "0.6000", 2, 0, 0),
                ("99", "–", 0, 0, 1)
            ]
        );
        assert_eq!(labels.without, 1);
        // What was invented is in no mouth, whatever it is called.
        assert!(labels.are_teeth);
        let figure = labels.figure.unwrap();
        assert!(
            figure.contains("11: 0.600") && !figure.contains("no tooth"),
            "{figure}"
        );
    }

    #[test]
    fn one_case_is_shown_where_it_is_asked_for_and_all_where_there_is_no_such() {
        let of = |name: &str| {
            let labels = Some(name.to_owned());
            let wanted = Wanted {
                labels,
                ..Wanted::default()
            };
            Labels::of(&cases(), &wanted)
        };
        let one = of("B");
        assert_eq!((one.case.as_deref(), one.rows.len()), (Some("B"), 1));
        let none = of("<Z>");
        assert_eq!((none.case, none.rows.len()), (None, 3));
        assert!(none.wrong.unwrap().contains("“<Z>”"));
        let failed = of("C");
        assert_eq!((failed.without, failed.rows.len()), (1, 0));
    }

    #[test]
    fn labels_that_are_no_teeth_have_a_table_and_no_mouth() {
        let case = CaseLabels {
            case: "A".to_owned(),
            labels: Some(vec![score("liver", 0.5, [true, true])]),
        };
        let labels = Labels::of(&[case], &Wanted::default());
        assert!(!labels.are_teeth && labels.figure.is_none() && labels.rows.len() == 1);
    }

    #[test]
    fn a_case_is_told_by_what_was_missed_invented_and_met_worst() {
        let told = told(&cases());
        assert_eq!(told["A"], "1 missed; 1 invented; 11 lowest, 0.80");
        assert_eq!(told["B"], "11 lowest, 0.40");
        assert!(!told.contains_key("C"));
    }
}
