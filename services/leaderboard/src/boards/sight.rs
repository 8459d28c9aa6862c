//! What one caller may see of one board.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use molar_domain::board::{BoardRules, Names, Values};
use molar_domain::phase::{Visibility, board_moment};
use molar_web_kit::Caller;
use sqlx::PgPool;

use crate::error::Error;
use crate::rows::phases::{self, Phase};

const FOR_PARTICIPANTS: &str =
    "This board is for the teams of the track. Sign in as a member of one.";

const HELD: &str =
    "This phase opens when the results of another are published; there is nothing to see before.";

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
    /// Whether that is when this day began, since it is an anonymous board and no past one was asked for.
    pub is_of_today: bool,
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
            is_of_today: false,
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
        sight.is_of_today = asked.is_none() && sight.is_daily(phase);
        let shown = asked.or_else(|| sight.is_of_today.then(|| midnight(now, phase)));
        sight.moment = board_moment(phase.freezes_at, sees_past_freeze, now, shown);
        Ok(sight)
    }

    /// When a row changes, whoever knows when a team handed in knows whose it is. Once it is published nothing moves any
    /// more.
    fn is_daily(&self, phase: &Phase) -> bool {
        !self.has_names() && !phase.window.is_published
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

    /// With what movement compares. 24 hours after a change it would end, to the second, and so tell when that was: where
    /// times are not told it is against the beginning of the day.
    pub fn day_before(&self, phase: &Phase, as_of: DateTime<Utc>) -> DateTime<Utc> {
        match self.has_details() {
            true => as_of - TimeDelta::days(1),
            // A past board is itself one of a day's beginning.
            false => midnight(as_of - TimeDelta::milliseconds(1), phase),
        }
    }

    /// Whether it may be told how an entry does in each case, and what is made of that: statistics and figures.
    pub fn has_cases(&self) -> bool {
        self.has_details() && self.has_spreads()
    }

    /// A Ladder shows one mean for each large step. Whatever else follows from the values of the cases would be a look below
    /// it.
    pub fn has_spreads(&self) -> bool {
        self.has_values() && self.rules.ladder_step.is_none()
    }
}

/// Past boards without names or values are shown day by day: minute by minute they would tell when each team handed in.
fn midnight(at: DateTime<Utc>, phase: &Phase) -> DateTime<Utc> {
    start_of_day(at, phase.zone.parse().unwrap_or(Tz::UTC))
}

/// Where clocks are put forward at midnight, the day begins an hour or two later.
fn start_of_day(at: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let midnight = at
        .with_timezone(&zone)
        .date_naive()
        .and_time(NaiveTime::MIN);
    let quarters = (0..12).map(|quarter| midnight + TimeDelta::minutes(15 * quarter));
    let mut starts = quarters.filter_map(|time| time.and_local_timezone(zone).earliest());
    starts
        .next()
        .map_or(midnight.and_utc(), |start| start.to_utc())
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
    // Whatever stands there, such as baselines, is about hidden cases of results that are to come.
    if phase.window.opening.is_held && !is_reviewer {
        return Ok(Some(HELD));
    }
    let (is_final, is_published) = (phase.is_final, phase.window.is_published);
    let is_shown = is_reviewer || phase.board.shows_rows(is_final, is_published);
    Ok((!is_shown).then_some(HIDDEN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_its_first_moment_also_where_it_has_no_midnight() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let berlin = start_of_day(at("2026-08-31T20:00:00Z"), Tz::Europe__Berlin);
        assert_eq!(berlin, at("2026-08-30T22:00:00Z"));
        // Clocks went from 0:00 to 1:00 there on 26 March 2023.
        for hour in [0, 9, 20] {
            let during = at(&format!("2023-03-26T{hour:02}:07:09Z"));
            let beirut = start_of_day(during, Tz::Asia__Beirut);
            assert_eq!(beirut, at("2023-03-25T22:00:00Z"));
        }
    }
}
