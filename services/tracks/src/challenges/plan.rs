//! What applying a file does, said so that an organizer can decide.

use serde::Serialize;
use serde_json::Value;

use crate::Error;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Create,
    Update,
    Remove,
    /// Not in the file, and stays.
    Keep,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Step {
    pub change: Change,
    /// "phase opg/validation"
    pub what: String,
    pub detail: String,
}

#[derive(Debug, Default)]
pub struct Plan {
    pub steps: Vec<Step>,
}

impl Plan {
    pub fn add(&mut self, change: Change, what: &str, detail: impl Into<String>) {
        self.steps.push(Step {
            change,
            what: what.to_owned(),
            detail: detail.into(),
        });
    }

    pub fn changes_anything(&self) -> bool {
        self.steps.iter().any(|step| step.change != Change::Keep)
    }
}

/// Longer values are not repeated in the plan.
const SHOWN: usize = 60;

/// The fields in which two versions of a thing differ, with both values.
pub fn difference<T: Serialize>(old: &T, new: &T) -> Result<Option<String>, Error> {
    let (old, new) = (serde_json::to_value(old)?, serde_json::to_value(new)?);
    let mut found = Vec::new();
    compare("", &old, &new, &mut found);
    Ok((!found.is_empty()).then(|| found.join("; ")))
}

fn compare(name: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in new {
                let name = [name, key].join(if name.is_empty() { "" } else { "." });
                compare(&name, old.get(key).unwrap_or(&Value::Null), value, found);
            }
        }
        (old, new) if old == new => {}
        (old, new) => {
            let (old, new) = (old.to_string(), new.to_string());
            found.push(match old.len().max(new.len()) <= SHOWN {
                true => format!("{name}: {old} → {new}"),
                false => format!("{name} changes"),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_names_fields_and_both_values() {
        let old =
            json!({"title": "A", "limits": {"wall_s": 300, "gpus": 1}, "labels": vec![11; 40]});
        let mut new = old.clone();
        assert_eq!(difference(&old, &new).unwrap(), None);
        new["limits"]["wall_s"] = json!(900);
        new["labels"] = json!(vec![12; 40]);
        assert_eq!(
            difference(&old, &new).unwrap().unwrap(),
            "labels changes; limits.wall_s: 300 → 900"
        );
    }
}
