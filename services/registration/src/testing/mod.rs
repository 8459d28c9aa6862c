//! For the tests of this role: its API as its callers see it, and what they call it about.

mod accounts;
mod answers;
mod api;
mod challenges;
mod teams;

pub use accounts::{link_of, registered, sign_in};
pub use answers::{blank, id_of};
pub use api::{Api, As};
pub use challenges::{
    Challenge, challenge, challenge_named, closed_phase, handed_out, locking_phase, new_agreement,
    phase, signature,
};
pub use teams::{
    approved_team, handed_in, invitation, invitation_of, join, participation, participation_of,
    set_state, sign, sign_as, team, team_of,
};
