//! Why cases failed, each reason once and in plain words.

use std::collections::BTreeMap;

use super::advice;
use crate::submissions::cases::CaseView;

/// Named at most; the table has all.
const NAMED: usize = 12;

pub struct Failure {
    pub code: String,
    pub advice: &'static str,
    /// `3 cases`
    pub count: String,
    /// Which, as the phase lets them be called.
    pub cases: String,
}

/// The most frequent first.
pub fn failures(cases: &[CaseView]) -> Vec<Failure> {
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for case in cases {
        if let Some(code) = &case.failure {
            found.entry(code).or_default().push(&case.name);
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(code, names)| (std::cmp::Reverse(names.len()), *code));
    let failure = |(code, names): (&str, Vec<&str>)| Failure {
        code: code.to_owned(),
        advice: advice(Some(code)).unwrap_or_default(),
        count: match names.len() {
            1 => "1 case".to_owned(),
            many => format!("{many} cases"),
        },
        cases: listed(&names),
    };
    found.into_iter().map(failure).collect()
}

fn listed(names: &[&str]) -> String {
    let shown = names.len().min(NAMED);
    let mut text = names[..shown].join(", ");
    if names.len() > shown {
        text += &format!(" and {} more", names.len() - shown);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_stands_once_with_what_to_do_and_the_most_frequent_first() {
        let case = |name: usize, failure: Option<&str>| CaseView {
            name: format!("case {name}"),
            failure: failure.map(str::to_owned),
            ..CaseView::default()
        };
        let mut cases = vec![case(1, None), case(2, Some("timed-out"))];
        cases.extend((3..17).map(|name| case(name, Some("no-prediction"))));
        let told = failures(&cases);
        assert_eq!(told.len(), 2);
        assert_eq!(
            (&*told[0].code, &*told[0].count),
            ("no-prediction", "14 cases")
        );
        assert!(
            told[0].advice.contains("/outputs") && told[0].cases.ends_with("case 14 and 2 more")
        );
        assert_eq!((&*told[1].count, &*told[1].cases), ("1 case", "case 2"));
    }
}
