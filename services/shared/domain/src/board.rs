//! What a board shows of what is ranked: under which names, with which values, and from when on.
//!
//! Who sees the board at all is [`Visibility`], and from when on it stands still is the phase's freeze. These rules hold
//! until the challenge file changes them, published or not, but for `is_hidden`, which ends when the phase is published.

use serde::{Deserialize, Serialize};

use crate::phase::{Keep, Visibility, shows_scores};
use crate::spelled_enum;

spelled_enum! {
    /// Under which names teams stand on a board.
    #[derive(Default)]
    pub enum Names as "names" {
        #[default]
        Shown = "shown",
        /// Under pseudonyms that are the team's own in this phase.
        Anonymous = "anonymous",
    }
}

spelled_enum! {
    /// What a board tells of the values behind its ranks.
    #[derive(Default)]
    pub enum Values as "values" {
        #[default]
        Shown = "shown",
        /// To some decimals; ranks are by the full values.
        Rounded = "rounded",
        /// Ranks and nothing else.
        Order = "order",
    }
}

/// More digits than a double of the size of a score has worth showing.
const MOST_DECIMALS: u8 = 6;

/// `board` of a phase in the challenge file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BoardRules {
    pub names: Names,
    pub values: Values,
    /// Of values that are rounded.
    pub decimals: Option<u8>,
    /// The entry of a team changes only where the metric that chooses the best improves by more than this: the Ladder of
    /// Blum and Hardt (2015), so that nobody climbs by many small guesses.
    pub ladder_step: Option<f64>,
    /// Nobody but organizers sees a row until the phase is published.
    pub is_hidden: bool,
}

/// What else of a phase these rules must fit.
#[derive(Debug, Clone, Copy)]
pub struct Beside {
    pub visibility: Visibility,
    pub is_final: bool,
    pub freezes: bool,
    pub keep: Keep,
}

impl BoardRules {
    /// Whether teams see the scores of their own submissions. Exact values of the own submissions would undo a board that
    /// rounds them, shows none, or takes only large steps. A board that is hidden or anonymous hides teams from each
    /// other, and nobody from itself.
    pub fn shows_own(&self, is_final: bool, is_published: bool) -> bool {
        shows_scores(is_final, is_published)
            && self.values == Values::Shown
            && self.ladder_step.is_none()
    }

    /// Whether teams and the public see rows.
    pub const fn shows_rows(&self, is_final: bool, is_published: bool) -> bool {
        shows_scores(is_final || self.is_hidden, is_published)
    }

    /// Everything that does not fit, each with its key.
    pub fn complaints(&self, beside: &Beside) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let mut say = |is_wrong: bool, key: &'static str, detail: &str| {
            if is_wrong {
                found.push((key, detail.to_owned()));
            }
        };
        let is_rounded = self.values == Values::Rounded;
        say(
            is_rounded && self.decimals.is_none(),
            "decimals",
            "values = \"rounded\" says to how many decimals: decimals = 2",
        );
        say(
            !is_rounded && self.decimals.is_some(),
            "decimals",
            "is for values = \"rounded\"; nothing is rounded here",
        );
        say(
            self.decimals.is_some_and(|n| n > MOST_DECIMALS),
            "decimals",
            "is 0 to 6; to show every digit leave values and decimals out",
        );
        say(
            self.ladder_step
                .is_some_and(|step| !(step.is_finite() && step > 0.0)),
            "ladder_step",
            "is above 0; to show every improvement leave it out",
        );
        say(
            self.ladder_step.is_some() && beside.keep != Keep::Best,
            "ladder_step",
            "is a step of the metric that chooses a team's best: set keep = \"best\" and keep_metric",
        );
        say(
            self.is_hidden && beside.is_final,
            "is_hidden",
            "a final phase is hidden until it is published in any case: leave is_hidden out",
        );
        say(
            self.is_hidden && beside.freezes,
            "is_hidden",
            "a board that nobody sees does not freeze: leave out is_hidden or freezes_at",
        );
        say(
            *self != Self::default() && beside.visibility == Visibility::Organizers,
            "",
            "only organizers see this phase, and they see all: leave board out, or visibility",
        );
        found
    }

    /// In sentences, for the page of a phase.
    pub fn sentences(&self) -> Vec<String> {
        let values = match (self.values, self.decimals) {
            (Values::Shown, _) => None,
            (Values::Rounded, decimals) => Some(format!(
                "The board rounds values to {} decimals; ranks are by the full values.",
                decimals.unwrap_or_default()
            )),
            (Values::Order, _) => Some("The board shows ranks and no values.".to_owned()),
        };
        let ladder = self.ladder_step.map(|step| {
            format!("A team's entry changes only when it improves by more than {step} (a Ladder).")
        });
        let names = (self.names == Names::Anonymous)
            .then(|| "Teams stand on the board under pseudonyms. Until it is published it is shown as it was when the day began.".to_owned());
        let hidden = self
            .is_hidden
            .then(|| "The board is hidden until the organizers publish it.".to_owned());
        let own = (!self.shows_own(false, false))
            .then(|| "Teams see no scores of single submissions.".to_owned());
        [names, values, ladder, hidden, own]
            .into_iter()
            .flatten()
            .collect()
    }

    /// As the board shows it; the same for what ranks apart and rounds alike.
    pub fn rounded(&self, value: f64) -> f64 {
        let Some(decimals) = self.decimals.filter(|_| self.values == Values::Rounded) else {
            return value;
        };
        let by = 10_f64.powi(i32::from(decimals));
        // No minus before a zero, which would tell on which side the value lay.
        (value * by).round() / by + 0.0
    }
}

/// Whether a value is more than a step better than the one that stands.
///
/// An improvement by the step itself is none, also where the difference of two decimal fractions comes out a little above.
pub fn is_step_up(new: f64, stands: f64, is_higher_better: bool, step: f64) -> bool {
    let gain = if is_higher_better {
        new - stands
    } else {
        stands - new
    };
    gain > step + 1e-9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside() -> Beside {
        Beside {
            visibility: Visibility::Public,
            is_final: false,
            freezes: false,
            keep: Keep::Best,
        }
    }

    fn keys(rules: &BoardRules, beside: &Beside) -> Vec<&'static str> {
        let complaints = rules.complaints(beside);
        complaints.into_iter().map(|(key, _)| key).collect()
    }

    fn rounded(decimals: u8) -> BoardRules {
        BoardRules {
            values: Values::Rounded,
            decimals: Some(decimals),
            ..BoardRules::default()
        }
    }

    #[test]
    fn what_makes_no_sense_together_is_refused_by_name() {
        let plain = BoardRules::default();
        let hidden = BoardRules {
            is_hidden: true,
            ..plain
        };
        let ladder = |step| BoardRules {
            ladder_step: Some(step),
            ..plain
        };
        let organizers = Beside {
            visibility: Visibility::Organizers,
            ..beside()
        };
        let is_final = Beside {
            is_final: true,
            ..beside()
        };
        let freezes = Beside {
            freezes: true,
            ..beside()
        };
        let latest = Beside {
            keep: Keep::Latest,
            ..beside()
        };
        let no_decimals = BoardRules {
            decimals: None,
            ..rounded(2)
        };
        let of_nothing = BoardRules {
            values: Values::Order,
            ..rounded(2)
        };
        for (rules, beside, expected) in [
            (no_decimals, beside(), "decimals"),
            (of_nothing, beside(), "decimals"),
            (rounded(7), beside(), "decimals"),
            (ladder(0.0), beside(), "ladder_step"),
            (ladder(f64::NAN), beside(), "ladder_step"),
            (ladder(0.01), latest, "ladder_step"),
            (hidden, is_final, "is_hidden"),
            (hidden, freezes, "is_hidden"),
            (rounded(2), organizers, ""),
        ] {
            assert_eq!(keys(&rules, &beside), [expected], "{rules:?} {beside:?}");
        }
        assert!(keys(&plain, &organizers).is_empty());
        let all = BoardRules {
            names: Names::Anonymous,
            ladder_step: Some(0.01),
            ..rounded(2)
        };
        for beside in [beside(), is_final, freezes] {
            assert!(keys(&all, &beside).is_empty());
        }
    }

    #[test]
    fn own_scores_are_shown_where_the_board_hides_no_value() {
        let plain = BoardRules::default();
        let shows = |rules: BoardRules| rules.shows_own(false, false);
        assert!(shows(plain) && !plain.shows_own(true, false) && plain.shows_own(true, true));
        assert!(shows(BoardRules {
            names: Names::Anonymous,
            is_hidden: true,
            ..plain
        }));
        assert!(!shows(rounded(1)));
        let ladder = BoardRules {
            ladder_step: Some(0.1),
            ..plain
        };
        assert!(!shows(ladder) && !ladder.shows_own(true, true));
    }

    #[test]
    fn a_rounded_value_tells_no_more_than_its_digits() {
        assert_eq!(rounded(2).rounded(0.8351), 0.84);
        assert_eq!(rounded(0).rounded(0.4), 0.0);
        assert!(rounded(1).rounded(-0.01).is_sign_positive());
        assert_eq!(BoardRules::default().rounded(0.8351), 0.8351);
    }

    #[test]
    fn a_step_is_taken_by_more_than_its_height() {
        assert!(!is_step_up(0.55, 0.5, true, 0.05));
        assert!(is_step_up(0.551, 0.5, true, 0.05));
        assert!(is_step_up(3.0, 4.0, false, 0.5) && !is_step_up(4.0, 3.0, false, 0.5));
    }

    #[test]
    fn a_file_that_says_nothing_shows_everything() {
        let rules: BoardRules = toml::from_str("").unwrap();
        assert_eq!(rules, BoardRules::default());
        let told = toml::from_str::<BoardRules>("name = \"anonymous\"").unwrap_err();
        assert!(told.to_string().contains("unknown field `name`"), "{told}");
    }
}
