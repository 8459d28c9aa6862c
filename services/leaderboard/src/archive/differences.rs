//! Where two documents differ.

use serde_json::Value;

/// How many are told of one thing.
const TOLD: usize = 20;

#[derive(Debug, Clone, Default)]
pub struct Differences {
    told: Vec<String>,
    all: usize,
}

impl Differences {
    pub fn add(&mut self, what: impl FnOnce() -> String) {
        self.all += 1;
        if self.told.len() < TOLD {
            self.told.push(what());
        }
    }

    /// Told where they are not equal to the last digit.
    pub fn compare(&mut self, at: &str, archived: &Value, recomputed: &Value) {
        match (archived, recomputed) {
            (Value::Object(one), Value::Object(other)) => {
                let names = one
                    .keys()
                    .chain(other.keys().filter(|name| !one.contains_key(*name)));
                for name in names {
                    let member = |object: &serde_json::Map<_, _>| {
                        object.get(name).cloned().unwrap_or_default()
                    };
                    self.compare(&format!("{at}/{name}"), &member(one), &member(other));
                }
            }
            (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
                for (place, (one, other)) in one.iter().zip(other).enumerate() {
                    self.compare(&format!("{at}/{place}"), one, other);
                }
            }
            (one, other) if one == other => {}
            (one, other) => self.add(|| {
                format!(
                    "{at}: the archive has {}, from its scores comes {}",
                    short(one),
                    short(other)
                )
            }),
        }
    }

    /// What to tell, the first of them and how many there are more.
    pub fn into_lines(self) -> Vec<String> {
        let mut lines = self.told;
        let more = self.all - lines.len();
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        lines
    }
}

fn short(value: &Value) -> String {
    match value {
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(_) => "an object".to_owned(),
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_digit_a_missing_member_and_another_length_are_told() {
        let mut found = Differences::default();
        let one = json!({"a": [1.0, 0.1], "b": [1], "c": null});
        let other = json!({"a": [1.0, 0.10000000000000002], "b": [], "d": 2});
        found.compare("", &one, &other);
        assert_eq!(
            found.into_lines(),
            [
                "/a/1: the archive has 0.1, from its scores comes 0.10000000000000002",
                "/b: the archive has a list of 1, from its scores comes a list of 0",
                "/d: the archive has null, from its scores comes 2",
            ]
        );
    }

    #[test]
    fn of_many_the_first_are_told() {
        let mut found = Differences::default();
        (0..30).for_each(|n| found.add(|| n.to_string()));
        let lines = found.into_lines();
        assert_eq!((lines.len(), lines[20].as_str()), (21, "and 10 more"));
    }
}
