//! When a phase takes submissions, and who sees its scores.

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::spelled_enum;

spelled_enum! {
    pub enum SubmissionKind as "submission kind" {
        Predictions = "predictions",
        Container = "container",
    }
}

spelled_enum! {
    /// Which of a team's submissions is its entry.
    pub enum Keep as "keep" {
        Latest = "latest",
        /// By one metric: a rank cannot choose itself. The earlier wins a tie.
        Best = "best",
        Chosen = "chosen",
    }
}

spelled_enum! {
    /// Who sees the board of a phase. One for organizers is for their own trials: teams do not see the
    /// phase, either.
    #[derive(Default)]
    pub enum Visibility as "visibility" {
        #[default]
        Public = "public",
        Participants = "participants",
        Organizers = "organizers",
    }
}

impl Visibility {
    /// Reviewers see what organizers see.
    pub const fn shows_board(self, is_participant: bool, is_organizer: bool) -> bool {
        match self {
            Self::Public => true,
            Self::Participants => is_participant || is_organizer,
            Self::Organizers => is_organizer,
        }
    }

    pub const fn shows_phase(self, is_organizer: bool) -> bool {
        is_organizer || !matches!(self, Self::Organizers)
    }
}

spelled_enum! {
    /// ```text
    /// planned ─opens─▶ open ─closes─▶ closing ─last work ends─▶ closed ─Publish─▶ published
    /// ```
    pub enum PhaseState as "phase state" {
        Planned = "planned",
        Open = "open",
        Paused = "paused",
        /// No new submissions; work in flight.
        Closing = "closing",
        Closed = "closed",
        Published = "published",
    }
}

/// When a phase opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// Inclusive.
    pub at: DateTime<Utc>,
    /// Whether it opens after another phase (`opens_after`) that is not published yet: until then it is planned,
    /// whatever the clock says.
    pub is_held: bool,
}

impl Opening {
    pub fn has_come(&self, now: DateTime<Utc>) -> bool {
        !self.is_held && self.at <= now
    }
}

/// What decides the state of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub opening: Opening,
    /// Exclusive.
    pub closes_at: DateTime<Utc>,
    pub upload_grace_s: i32,
    pub is_paused: bool,
    pub is_published: bool,
}

impl Window {
    pub fn state(&self, now: DateTime<Utc>, is_work_in_flight: bool) -> PhaseState {
        if now < self.closes_at {
            if !self.opening.has_come(now) {
                PhaseState::Planned
            } else if self.is_paused {
                PhaseState::Paused
            } else {
                PhaseState::Open
            }
        } else if is_work_in_flight {
            PhaseState::Closing
        } else if self.is_published {
            PhaseState::Published
        } else {
            PhaseState::Closed
        }
    }

    pub fn takes_submissions(&self, now: DateTime<Utc>) -> bool {
        self.state(now, false) == PhaseState::Open
    }

    /// Until when an upload that was created in time may complete.
    pub fn uploads_until(&self) -> DateTime<Utc> {
        self.closes_at + TimeDelta::seconds(self.upload_grace_s.into())
    }
}

/// Whether teams and the public see the scores of a phase.
pub const fn shows_scores(is_final: bool, is_published: bool) -> bool {
    !is_final || is_published
}

/// As of when a board is read; none: as it is now. Frozen it stands still for all but organizers, who
/// see past it, until it is published.
pub fn board_moment(
    freezes_at: Option<DateTime<Utc>>,
    is_past_freeze_seen: bool,
    now: DateTime<Utc>,
    asked: Option<DateTime<Utc>>,
) -> Option<DateTime<Utc>> {
    let frozen = freezes_at.filter(|at| !is_past_freeze_seen && *at <= now);
    match (frozen, asked) {
        (Some(frozen), Some(asked)) => Some(frozen.min(asked)),
        (frozen, asked) => frozen.or(asked),
    }
}

/// Whether teams have begun under the rules of a phase, so that a change of them needs a reason.
pub fn is_running(opening: Opening, has_submissions: bool, now: DateTime<Utc>) -> bool {
    has_submissions || opening.has_come(now)
}

/// Whether the place on the board of the phase before is good enough for the next; who is out of
/// competition there has none.
pub fn is_finalist(rank: Option<i32>, top: i32) -> bool {
    rank.is_some_and(|rank| rank <= top)
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unlicensed {
    #[error("say under which licence your code is public; this phase takes {0}")]
    Missing(String),
    #[error("`{0}` is not among the licences of this phase, which are {1}")]
    Other(String, String),
}

/// The allowed licence that was meant, as it is spelled; none where the phase asks for none.
pub fn licence<'a>(
    allowed: &'a [String],
    given: Option<&str>,
) -> Result<Option<&'a str>, Unlicensed> {
    if allowed.is_empty() {
        return Ok(None);
    }
    let all = || allowed.join(", ");
    let Some(given) = given.map(str::trim).filter(|given| !given.is_empty()) else {
        return Err(Unlicensed::Missing(all()));
    };
    let found = allowed.iter().find(|id| id.eq_ignore_ascii_case(given));
    found
        .map(|id| Some(id.as_str()))
        .ok_or_else(|| Unlicensed::Other(given.to_owned(), all()))
}

/// The day that a moment falls on in a zone.
pub fn day(now: DateTime<Utc>, zone: Tz) -> NaiveDate {
    now.with_timezone(&zone).date_naive()
}

/// Seconds until the next day begins in a zone; at least one.
pub fn seconds_to_midnight(now: DateTime<Utc>, zone: Tz) -> i64 {
    let tomorrow = day(now, zone) + chrono::Days::new(1);
    // Where midnight does not exist (a change to summer time), the day begins an hour later.
    let start = (0..=3).find_map(|hour| {
        let at = tomorrow.and_hms_opt(hour, 0, 0)?;
        zone.from_local_datetime(&at).earliest()
    });
    start.map_or(86_400, |start| {
        (start.with_timezone(&Utc) - now).num_seconds().max(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn window() -> Window {
        Window {
            opening: Opening {
                at: at("2024-07-15T07:00:00Z"),
                is_held: false,
            },
            closes_at: at("2024-09-16T07:00:00Z"),
            upload_grace_s: 3600,
            is_paused: false,
            is_published: false,
        }
    }

    #[test]
    fn opening_is_inclusive_and_closing_exclusive() {
        let window = window();
        let second = TimeDelta::seconds(1);
        assert_eq!(
            window.state(window.opening.at - second, false),
            PhaseState::Planned
        );
        assert_eq!(window.state(window.opening.at, false), PhaseState::Open);
        assert_eq!(
            window.state(window.closes_at - second, false),
            PhaseState::Open
        );
        assert_eq!(window.state(window.closes_at, false), PhaseState::Closed);
        assert_eq!(window.state(window.closes_at, true), PhaseState::Closing);
    }

    #[test]
    fn a_paused_phase_takes_nothing_and_a_published_one_stays_open_in_its_window() {
        let paused = Window {
            is_paused: true,
            ..window()
        };
        assert!(!paused.takes_submissions(paused.opening.at));
        let published = Window {
            is_published: true,
            ..window()
        };
        assert!(published.takes_submissions(published.opening.at));
        assert_eq!(
            published.state(published.closes_at, false),
            PhaseState::Published
        );
    }

    #[test]
    fn a_day_is_the_zones_day() {
        let pacific: Tz = "America/Los_Angeles".parse().unwrap();
        assert_eq!(
            day(at("2024-09-16T06:59:59Z"), pacific).to_string(),
            "2024-09-15"
        );
        assert_eq!(
            day(at("2024-09-16T07:00:00Z"), pacific).to_string(),
            "2024-09-16"
        );
        assert_eq!(seconds_to_midnight(at("2024-09-16T06:59:00Z"), pacific), 60);
    }

    #[test]
    fn a_day_has_23_hours_when_summer_time_begins_and_25_when_it_ends() {
        let zone = |name: &str| name.parse::<Tz>().unwrap();
        for (name, begin, date, hours) in [
            (
                "America/Los_Angeles",
                "2026-03-08T08:00:00Z",
                "2026-03-08",
                23,
            ),
            (
                "America/Los_Angeles",
                "2026-11-01T07:00:00Z",
                "2026-11-01",
                25,
            ),
            ("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29", 23),
            ("Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25", 25),
        ] {
            let (zone, begin) = (zone(name), at(begin));
            let end = begin + TimeDelta::hours(hours);
            let second = TimeDelta::seconds(1);
            assert_eq!(day(begin, zone).to_string(), date, "{name}");
            assert_eq!(day(end - second, zone).to_string(), date, "{name}");
            assert_ne!(day(begin - second, zone), day(begin, zone), "{name}");
            assert_ne!(day(end, zone), day(begin, zone), "{name}");
            assert_eq!(seconds_to_midnight(begin, zone), hours * 3600, "{name}");
            assert_eq!(seconds_to_midnight(end - second, zone), 1, "{name}");
        }
    }

    #[test]
    fn midnight_is_found_where_the_clock_jumps_over_it() {
        let havana: Tz = "America/Havana".parse().unwrap();
        // On 10 March 2024 the clock there went from 00:00 to 01:00.
        assert_eq!(seconds_to_midnight(at("2024-03-10T04:59:00Z"), havana), 60);
    }

    #[test]
    fn a_frozen_board_stands_still_until_it_is_published_and_organizers_see_past_it() {
        let freeze = at("2024-09-10T00:00:00Z");
        let (before, after) = (freeze - TimeDelta::seconds(1), freeze + TimeDelta::days(1));
        let seen = |now, asked| board_moment(Some(freeze), false, now, asked);
        assert_eq!(seen(before, None), None);
        assert_eq!(seen(freeze, None), Some(freeze));
        assert_eq!(seen(after, Some(before)), Some(before));
        assert_eq!(seen(after, Some(after)), Some(freeze));
        assert_eq!(board_moment(Some(freeze), true, after, None), None);
        assert_eq!(board_moment(None, false, after, Some(before)), Some(before));
    }

    #[test]
    fn a_phase_runs_from_its_opening_or_its_first_submission() {
        let opening = window().opening;
        let before = opening.at - TimeDelta::seconds(1);
        assert!(!is_running(opening, false, before));
        assert!(is_running(opening, true, before));
        assert!(is_running(opening, false, opening.at));
        assert!(!is_running(held(opening), false, opening.at));
        assert!(is_running(held(opening), true, opening.at));
    }

    fn held(opening: Opening) -> Opening {
        Opening {
            is_held: true,
            ..opening
        }
    }

    #[test]
    fn a_phase_that_is_held_is_planned_whatever_the_clock_says_and_closes_all_the_same() {
        let open = window();
        let held = Window {
            opening: held(open.opening),
            ..open
        };
        let last = held.closes_at - TimeDelta::seconds(1);
        for now in [held.opening.at, last] {
            assert_eq!(held.state(now, false), PhaseState::Planned);
            assert!(!held.takes_submissions(now));
            // In the moment in which it is let go.
            assert_eq!(open.state(now, false), PhaseState::Open);
        }
        let early = open.opening.at - TimeDelta::seconds(1);
        assert_eq!(open.state(early, false), PhaseState::Planned);
        assert_eq!(held.state(held.closes_at, false), PhaseState::Closed);
        let paused = Window {
            is_paused: true,
            ..held
        };
        assert_eq!(paused.state(last, false), PhaseState::Planned);
    }

    #[test]
    fn who_let_go_of_a_phase_after_its_close_has_not_opened_it() {
        let mut late = window();
        late.opening.at = late.closes_at + TimeDelta::days(1);
        assert_eq!(late.state(late.closes_at, false), PhaseState::Closed);
        assert!(!late.takes_submissions(late.opening.at));
    }

    #[test]
    fn finalists_are_ranks_up_to_the_last_one_ties_included() {
        assert!(is_finalist(Some(10), 10));
        assert!(!is_finalist(Some(11), 10));
        assert!(!is_finalist(None, 10));
    }

    #[test]
    fn a_licence_is_one_of_the_allowed_ones() {
        let allowed = ["MIT".to_owned(), "Apache-2.0".to_owned()];
        assert_eq!(
            licence(&allowed, Some(" apache-2.0")),
            Ok(Some("Apache-2.0"))
        );
        assert_eq!(licence(&[], Some("GPL-3.0-only")), Ok(None));
        let missing = Unlicensed::Missing("MIT, Apache-2.0".into());
        assert_eq!(licence(&allowed, Some(" ")), Err(missing.clone()));
        assert_eq!(licence(&allowed, None), Err(missing));
        assert!(licence(&allowed, Some("MIT-0")).is_err());
    }

    #[test]
    fn a_board_is_seen_by_those_it_is_for() {
        use Visibility::{Organizers, Participants, Public};
        for (visibility, anybody, participant) in [
            (Public, true, true),
            (Participants, false, true),
            (Organizers, false, false),
        ] {
            assert_eq!(visibility.shows_board(false, false), anybody);
            assert_eq!(visibility.shows_board(true, false), participant);
            assert!(visibility.shows_board(false, true));
        }
        assert!(!Organizers.shows_phase(false) && Participants.shows_phase(false));
    }
}
