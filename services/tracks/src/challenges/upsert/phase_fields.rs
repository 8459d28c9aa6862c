//! What a file says of a phase, as its row keeps it.

use chrono::{DateTime, Utc};
use molar_domain::phase::Opening;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::refuse;
use crate::Error;

#[derive(Serialize)]
pub(super) struct PhaseFields {
    pub title: String,
    pub kind: String,
    #[serde(skip)]
    pub split_id: Uuid,
    pub split: String,
    pub canary_case: Option<String>,
    pub position: i16,
    pub opens_at: DateTime<Utc>,
    #[serde(skip)]
    pub opens_after_id: Option<Uuid>,
    /// Slug of the phase.
    pub opens_after: Option<String>,
    /// Whether that is not published yet.
    #[serde(skip)]
    pub is_held: bool,
    pub closes_at: DateTime<Utc>,
    pub upload_grace_s: i32,
    pub is_final: bool,
    pub metrics: Vec<String>,
    pub keep: String,
    pub keep_metric: Option<String>,
    pub quota: Value,
    pub limits: Value,
    pub device_class: String,
    pub requires_code_url: bool,
    pub locks_teams: bool,
    pub allowed_licences: Vec<String>,
    pub freezes_at: Option<DateTime<Utc>>,
    pub visibility: String,
    pub board: Value,
    #[serde(skip)]
    pub finalists_of: Option<Uuid>,
    /// Slug of the phase.
    pub finalists_phase: Option<String>,
    pub finalists_top: Option<i32>,
    pub retention_days: Option<i32>,
}

impl PhaseFields {
    pub fn opening(&self) -> Opening {
        Opening {
            at: self.opens_at,
            is_held: self.is_held,
        }
    }

    /// Whether it waited for a publication and then does so no more: what is hidden behind that is measured by others then.
    pub fn lets_go(&self, new: &Self) -> bool {
        self.is_held && !new.is_held
    }

    /// What teams have begun as one task never ends as another.
    pub fn require_same_task(&self, new: &Self, name: &str) -> Result<(), Error> {
        let old = self;
        if old.is_final && !new.is_final {
            return Err(refuse(format!(
                "the {name} has submissions; its scores are shown when it is published, not by a change of is_final"
            )));
        }
        let is_hidden = |of: &PhaseFields| of.board["is_hidden"] == json!(true);
        if is_hidden(old) && !is_hidden(new) {
            return Err(refuse(format!(
                "the {name} has submissions; its board is shown when it is published, not by a change of board.is_hidden"
            )));
        }
        if new.is_held && !old.is_held {
            return Err(refuse(format!(
                "the {name} has submissions; it has opened, and cannot open after a phase that is not published yet"
            )));
        }
        if old.kind != new.kind || old.split_id != new.split_id {
            return Err(refuse(format!(
                "the {name} has submissions; its kind and split cannot change any more"
            )));
        }
        Ok(())
    }
}
