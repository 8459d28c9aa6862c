//! What applying a file does, said so that an organizer can decide.

use chrono::{DateTime, Utc};
use molar_domain::retention;
use molar_web_kit::{ApiError, Complaint};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Error;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Create,
    Update,
    Remove,
    /// Not in the file, and stays.
    Keep,
}

impl Change {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Remove => "remove",
            Self::Keep => "keep",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Step {
    pub change: Change,
    /// "phase opg/validation"
    pub what: String,
    pub detail: String,
    /// Of an update, each value before and after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touches: Option<Touches>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldChange {
    pub key: String,
    #[schema(value_type = Object)]
    pub from: Value,
    #[schema(value_type = Object)]
    pub to: Value,
}

/// Whom a change of a phase or a track concerns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Touches {
    /// Approved in the track.
    pub teams: i64,
    pub submissions: i64,
    /// Submissions that are measured again.
    pub evaluations: i64,
    /// Entries of boards that are ranked again.
    pub ranks: i64,
    /// Submissions whose files go sooner.
    #[serde(default)]
    pub kept_shorter: i64,
}

impl Touches {
    /// Of the counts of a phase, those that this change concerns.
    pub fn by(self, changes: &[FieldChange]) -> Self {
        let is_of = |c: &FieldChange, key: &str| {
            let rest = c.key.strip_prefix(key);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let is_any = |keys: &[&str]| changes.iter().any(|c| keys.iter().any(|key| is_of(c, key)));
        let is_measured = is_any(&["metrics", "limits.wall_s", "groups", "pixel_spacing_mm"]);
        let is_ranked = is_measured || is_any(&["keep", "keep_metric", "board.ladder_step"]);
        Self {
            evaluations: if is_measured { self.evaluations } else { 0 },
            ranks: if is_ranked { self.ranks } else { 0 },
            kept_shorter: if changes.iter().any(keeps_shorter) {
                self.kept_shorter
            } else {
                0
            },
            ..self
        }
    }

    pub fn sum(all: impl Iterator<Item = Self>) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            // The teams of a track are those of each of its phases.
            teams: sum.teams.max(one.teams),
            submissions: sum.submissions + one.submissions,
            evaluations: sum.evaluations + one.evaluations,
            ranks: sum.ranks + one.ranks,
            kept_shorter: sum.kept_shorter + one.kept_shorter,
        })
    }

    /// "12 teams, 40 submissions, 38 evaluations to redo, 11 ranks computed again"
    pub fn text(&self) -> String {
        let counted = |n: i64, one: &str, rest: &str| {
            (n > 0).then(|| format!("{n} {one}{}{rest}", if n == 1 { "" } else { "s" }))
        };
        let parts = [
            counted(self.teams, "team", ""),
            counted(self.submissions, "submission", ""),
            counted(self.evaluations, "evaluation", " to redo"),
            counted(self.ranks, "rank", " computed again"),
            counted(self.kept_shorter, "submission", " whose files go sooner"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

fn keeps_shorter(change: &FieldChange) -> bool {
    change.key == "retention_days"
        && retention::is_shorter(change.from.as_i64(), change.to.as_i64())
}

#[derive(Debug, Default)]
pub struct Plan {
    pub steps: Vec<Step>,
    /// Changes of what runs: for these somebody must say why.
    pub needs_reason: Vec<String>,
}

impl Plan {
    pub fn add(&mut self, change: Change, what: &str, detail: impl Into<String>) {
        self.steps.push(Step {
            change,
            what: what.to_owned(),
            detail: detail.into(),
            changes: Vec::new(),
            touches: None,
        });
    }

    pub fn update(&mut self, what: &str, changes: Vec<FieldChange>) {
        self.add(Change::Update, what, describe(&changes));
        if let Some(step) = self.steps.last_mut() {
            step.changes = changes;
        }
    }

    /// Whom the last step concerns.
    pub fn touch(&mut self, touches: Touches) {
        if let Some(step) = self.steps.last_mut() {
            step.touches = (touches != Touches::default()).then_some(touches);
        }
    }

    /// The last step changes what runs.
    pub fn explain(&mut self) {
        if let Some(step) = self.steps.last() {
            self.needs_reason
                .push(format!("{}: {}", step.what, step.detail));
        }
    }

    pub fn changes_anything(&self) -> bool {
        self.steps.iter().any(|step| step.change != Change::Keep)
    }

    /// Fails where a reason is needed, naming every change that needs it.
    pub fn require_reason(&self, reason: Option<&str>) -> Result<(), ApiError> {
        if reason.is_some() || self.needs_reason.is_empty() {
            return Ok(());
        }
        let complaints = self.needs_reason.iter().map(|change| Complaint {
            pointer: "/reason".into(),
            detail: format!("teams work under these rules; say why they change: {change}"),
        });
        Err(ApiError::Invalid(complaints.collect()))
    }

    /// Names what would be changed, from what to what: another present state gives another name. Also
    /// when the file was read, since an overlay may say `now`. How many teams have submitted meanwhile
    /// is no reason to show the plan anew.
    pub fn id(&self, read_at: DateTime<Utc>) -> Result<String, Error> {
        let mut hash = Sha256::new();
        for step in &self.steps {
            let what = (step.change, &step.what, &step.detail, &step.changes);
            hash.update(serde_json::to_vec(&what)?);
        }
        let hash = hex::encode(hash.finalize());
        Ok(format!("{}-{}", read_at.timestamp_micros(), &hash[..32]))
    }

    /// When the file of a plan was read.
    pub fn read_at(id: &str) -> Option<DateTime<Utc>> {
        let (micros, _) = id.split_once('-')?;
        DateTime::from_timestamp_micros(micros.parse().ok()?)
    }
}

/// Longer values are not repeated in the plan.
const SHOWN: usize = 60;

/// The fields in which two versions of a thing differ.
pub fn difference<T: Serialize>(old: &T, new: &T) -> Result<Vec<FieldChange>, Error> {
    let (old, new) = (serde_json::to_value(old)?, serde_json::to_value(new)?);
    let mut found = Vec::new();
    compare("", &old, &new, &mut found);
    Ok(found)
}

fn compare(name: &str, old: &Value, new: &Value, found: &mut Vec<FieldChange>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in new {
                let name = [name, key].join(if name.is_empty() { "" } else { "." });
                compare(&name, old.get(key).unwrap_or(&Value::Null), value, found);
            }
            let gone = old.iter().filter(|(key, _)| !new.contains_key(*key));
            found.extend(gone.map(|(key, value)| FieldChange {
                key: [name, key].join(if name.is_empty() { "" } else { "." }),
                from: value.clone(),
                to: Value::Null,
            }));
        }
        (old, new) if old == new => {}
        (old, new) => found.push(FieldChange {
            key: name.to_owned(),
            from: old.clone(),
            to: new.clone(),
        }),
    }
}

pub fn describe(changes: &[FieldChange]) -> String {
    let texts = changes.iter().map(|change| {
        let (from, to) = (change.from.to_string(), change.to.to_string());
        match from.len().max(to.len()) <= SHOWN {
            true => format!("{}: {from} → {to}", change.key),
            false => format!("{} changes", change.key),
        }
    });
    texts.collect::<Vec<_>>().join("; ")
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
        assert_eq!(difference(&old, &new).unwrap(), []);
        new["limits"]["wall_s"] = json!(900);
        new["labels"] = json!(vec![12; 40]);
        let changes = difference(&old, &new).unwrap();
        assert_eq!(
            describe(&changes),
            "labels changes; limits.wall_s: 300 → 900"
        );
        assert_eq!(changes[0].from, old["labels"]);
    }

    #[test]
    fn what_is_left_out_of_a_group_of_keys_is_a_change() {
        let (old, new) = (
            json!({"groups": {"a": [1], "b": [2]}}),
            json!({"groups": {"a": [1]}}),
        );
        let changes = difference(&old, &new).unwrap();
        assert_eq!(describe(&changes), "groups.b: [2] → null");
        let counts = Touches {
            evaluations: 4,
            ..Touches::default()
        };
        assert_eq!(counts.by(&changes).evaluations, 4);
    }

    #[test]
    fn what_is_only_shown_again_is_not_measured_again() {
        let counts = Touches {
            teams: 2,
            submissions: 5,
            evaluations: 4,
            ranks: 1,
            kept_shorter: 3,
        };
        let of = |key: &str| {
            let change = FieldChange {
                key: key.into(),
                from: json!(1),
                to: json!(2),
            };
            counts.by(&[change]).text()
        };
        assert_eq!(of("closes_at"), "2 teams, 5 submissions");
        assert_eq!(of("keep"), "2 teams, 5 submissions, 1 rank computed again");
        assert_eq!(
            of("limits.wall_s"),
            "2 teams, 5 submissions, 4 evaluations to redo, 1 rank computed again"
        );
        // From one day to two.
        assert_eq!(of("retention_days"), "2 teams, 5 submissions");
        let shorter = FieldChange {
            key: "retention_days".into(),
            from: Value::Null,
            to: json!(30),
        };
        assert_eq!(
            counts.by(&[shorter]).text(),
            "2 teams, 5 submissions, 3 submissions whose files go sooner"
        );
    }

    #[test]
    fn another_present_state_gives_a_plan_another_name() {
        let at = DateTime::UNIX_EPOCH;
        let plan = |from: i32, touches: Touches| {
            let mut plan = Plan::default();
            let change = FieldChange {
                key: "title".into(),
                from: json!(vec![from; 100]),
                to: json!(0),
            };
            plan.update("phase a/b", vec![change]);
            plan.touch(touches);
            plan.id(at).unwrap()
        };
        let one = plan(1, Touches::default());
        assert_ne!(one, plan(2, Touches::default()));
        let busy = Touches {
            submissions: 9,
            ..Touches::default()
        };
        assert_eq!(one, plan(1, busy));
        assert_eq!(Plan::read_at(&one), Some(at));
    }
}
