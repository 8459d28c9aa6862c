//! A team's place in a track.

use molar_domain::spelled_enum;

spelled_enum! {
    /// Where a team's place in a track stands.
    ///
    /// ```text
    ///     ┌──────────────Request───────────────┬───────────┐
    ///     ▼                                    │           │
    /// requested ──Approve──▶ approved ──Withdraw──▶ withdrawn
    ///   │    │                │    ▲           │           ▲
    ///   │    └──Refuse──▶ refused──┼───────────┘           │
    ///   │                     │    │                       │
    ///   │      Disqualify─────┘    └Reinstate─ disqualified
    ///   └──────────────────────Withdraw────────────────────┘
    /// ```
    ///
    /// Only who is approved can submit and is ranked. Members of a team that is refused or has
    /// withdrawn are free for another, unless it has handed something in; those of a disqualified team are not.
    /// Who stands in ranks that are final does not withdraw itself any more: [`super::withdraw`].
    #[derive(utoipa::ToSchema)]
    pub enum State as "participation" {
        Requested = "requested",
        Approved = "approved",
        Refused = "refused",
        Withdrawn = "withdrawn",
        Disqualified = "disqualified",
    }
}

spelled_enum! {
    pub enum Step as "step of a participation" {
        Request = "request",
        Approve = "approve",
        Refuse = "refuse",
        Withdraw = "withdraw",
        Disqualify = "disqualify",
        Reinstate = "reinstate",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.in_words())]
pub struct InvalidStep {
    pub from: State,
    pub step: Step,
}

impl InvalidStep {
    fn in_words(self) -> String {
        match (self.from, self.step) {
            (State::Requested, Step::Request) => {
                "the team has asked for this place already; an organizer decides".to_owned()
            }
            (State::Approved, Step::Request) => "the team has this place already".to_owned(),
            (State::Disqualified, Step::Request) => {
                "the team is disqualified in this track; ask the organizers".to_owned()
            }
            (from, step) => format!("a participation that is {from} cannot be changed by `{step}`"),
        }
    }
}

impl State {
    pub fn apply(self, step: Step) -> Result<Self, InvalidStep> {
        match (self, step) {
            (Self::Refused | Self::Withdrawn, Step::Request) => Ok(Self::Requested),
            (Self::Requested, Step::Approve) | (Self::Disqualified, Step::Reinstate) => {
                Ok(Self::Approved)
            }
            (Self::Requested, Step::Refuse) => Ok(Self::Refused),
            (Self::Requested | Self::Approved, Step::Withdraw) => Ok(Self::Withdrawn),
            (Self::Approved, Step::Disqualify) => Ok(Self::Disqualified),
            (from, step) => Err(InvalidStep { from, step }),
        }
    }

    /// Whether its members can have no other team in the track.
    pub fn binds_members(self) -> bool {
        matches!(self, Self::Requested | Self::Approved | Self::Disqualified)
    }
}

impl Step {
    /// Of the audit log.
    pub fn action(self) -> &'static str {
        match self {
            Self::Request => "participation.requested",
            Self::Approve => "participation.approved",
            Self::Refuse => "participation.refused",
            Self::Withdraw => "participation.withdrawn",
            Self::Disqualify => "participation.disqualified",
            Self::Reinstate => "participation.reinstated",
        }
    }

    /// Whether the team must be told why.
    pub fn needs_reason(self) -> bool {
        matches!(self, Self::Refuse | Self::Disqualify | Self::Reinstate)
    }

    /// Whether organizers take it; the others are the team's.
    pub fn is_decision(self) -> bool {
        match self {
            Self::Approve | Self::Refuse | Self::Disqualify | Self::Reinstate => true,
            Self::Request | Self::Withdraw => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_the_steps_of_the_picture() {
        let table: Vec<String> = State::ALL
            .iter()
            .map(|&from| {
                let steps = Step::ALL
                    .iter()
                    .filter_map(|&step| from.apply(step).ok().map(|to| format!("{step}>{to}")));
                format!("{from}: {}", steps.collect::<Vec<_>>().join(" "))
            })
            .collect();
        insta::assert_snapshot!(table.join("\n"), @"
        requested: approve>approved refuse>refused withdraw>withdrawn
        approved: withdraw>withdrawn disqualify>disqualified
        refused: request>requested
        withdrawn: request>requested
        disqualified: reinstate>approved
        ");
    }

    #[test]
    fn spellings_round_trip() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
    }

    #[test]
    fn whoever_may_be_ranked_is_bound() {
        assert!(State::Approved.binds_members() && State::Disqualified.binds_members());
        assert!(!State::Withdrawn.binds_members() && !State::Refused.binds_members());
    }
}
