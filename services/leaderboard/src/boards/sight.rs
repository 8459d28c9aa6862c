//! What one caller may see of one board.

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use molar_domain::board::{BoardRules, Names, Values};
use molar_domain::phase::{Visibility, board_moment};
use molar_web_kit::Caller;
use sqlx::PgPool;

use crate::error::Error;
use crate::rows::phases::{self, Phase};

const FOR_PARTICIPANTS: &str =
    "This board is for the teams of the track. Sign in as a member of one.";

const HIDDEN: &str = "The scores of this phase are shown when the organizers publish it.";

/// Decided once for each answer; what is made of a ranking asks this and nothing else.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// Why this caller sees no row: no value, no count and no time of an entry.
    pub hidden: Option<&'static str>,
    /// Since when the board stands still for this caller.
    pub frozen_at: Option<DateTime<Utc>>,
    /// As of when it is read; none: as it is now.
    pub moment: Option<DateTime<Utc>>,
    /// Organizers and reviewers see all.
    pub is_reviewer: bool,
    /// What applies to this caller.
    pub rules: BoardRules,
}

/// Whether the caller is told that there is such a board.
pub fn is_listed(phase: &Phase, caller: Option<&Caller>) -> bool {
    phase.visibility.shows_phase(is_reviewer(phase, caller))
}

fn is_reviewer(phase: &Phase, caller: Option<&Caller>) -> bool {
    caller.is_some_and(|caller| caller.may_review(phase.challenge_id))
}

impl Sight {
    /// Fails as if there were no such board where the caller is not told of it.
    pub async fn of(
        db: &PgPool,
        phase: &Phase,
        caller: Option<&Caller>,
        now: DateTime<Utc>,
        asked: Option<DateTime<Utc>>,
    ) -> Result<Self, Error> {
        if !is_listed(phase, caller) {
            return Err(sqlx::Error::RowNotFound.into());
        }
        let is_reviewer = is_reviewer(phase, caller);
        let hidden = hidden(db, phase, caller, is_reviewer).await?;
        let rules = match is_reviewer {
            true => BoardRules::default(),
            false => phase.board,
        };
        let sees_past_freeze = is_reviewer || phase.window.is_published;
        let frozen_at = phase
            .freezes_at
            .filter(|at| *at <= now && !sees_past_freeze);
        let mut sight = Self {
            hidden,
            frozen_at,
            moment: None,
            is_reviewer,
            rules,
        };
        let asked = asked.filter(|at| *at < now);
        let asked = asked.map(|at| {
            if sight.has_details() {
                at
            } else {
                midnight(at, phase)
            }
        });
        sight.moment = board_moment(phase.freezes_at, sees_past_freeze, now, asked);
        Ok(sight)
    }

    pub fn has_names(&self) -> bool {
        self.rules.names == Names::Shown
    }

    /// Whether metrics have columns at all.
    pub fn has_values(&self) -> bool {
        self.rules.values != Values::Order
    }

    /// Whether everything beside name, rank and values is told: when an entry was handed in and how many there were, the
    /// mean of the ranks, the number of the version. Each would move where a hidden value does, or tell one team by what
    /// is known of it elsewhere.
    pub fn has_details(&self) -> bool {
        self.has_names() && self.rules.values == Values::Shown
    }
}

/// Past boards without names or values are shown day by day: minute by minute they would tell when each team handed in.
fn midnight(at: DateTime<Utc>, phase: &Phase) -> DateTime<Utc> {
    let zone: Tz = phase.zone.parse().unwrap_or(Tz::UTC);
    let local = at
        .with_timezone(&zone)
        .date_naive()
        .and_time(NaiveTime::MIN);
    let start = local.and_local_timezone(zone).earliest();
    start.map_or(at - chrono::TimeDelta::days(1), |start| start.to_utc())
}

/// Why this caller sees no row.
async fn hidden(
    db: &PgPool,
    phase: &Phase,
    caller: Option<&Caller>,
    is_reviewer: bool,
) -> Result<Option<&'static str>, Error> {
    let is_participant = match caller {
        Some(caller) if phase.visibility == Visibility::Participants => {
            phases::is_participant(db, phase.track_id, &caller.teams).await?
        }
        _ => false,
    };
    if !phase.visibility.shows_board(is_participant, is_reviewer) {
        return Ok(Some(FOR_PARTICIPANTS));
    }
    let (is_final, is_published) = (phase.is_final, phase.window.is_published);
    let is_shown = is_reviewer || phase.board.shows_rows(is_final, is_published);
    Ok((!is_shown).then_some(HIDDEN))
}
