//! What a token may be used for.

use actix_web::http::Method;
use molar_domain::spelled_enum;

use crate::Access;

spelled_enum! {
    /// Sessions have all of them; a token of the API has those that it was made with.
    #[derive(utoipa::ToSchema)]
    pub enum Scope as "scope" {
        /// Sees what its owner sees as a participant.
        Read = "read",
        /// Acts as a participant: teams, agreements, submissions.
        Submit = "submit",
        /// Acts and sees as an organizer, a reviewer or an administrator.
        Organize = "organize",
        /// Changes the account itself, and makes tokens.
        Account = "account",
    }
}

impl Scope {
    /// What a route asks of a token. A route that asks for none is open to everybody, or is the
    /// way out.
    pub fn of(access: Access, method: &Method) -> Option<Self> {
        match access {
            Access::Public | Access::Worker => None,
            Access::SignedInOrPublic => method.is_safe().then_some(Self::Read),
            Access::SignedIn if method.is_safe() => Some(Self::Read),
            Access::SignedIn => Some(Self::Submit),
            Access::Account => Some(Self::Account),
            Access::Organizer | Access::Admin => Some(Self::Organize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_changes_something_asks_for_more_than_reading() {
        for access in [
            Access::SignedIn,
            Access::Account,
            Access::Organizer,
            Access::Admin,
        ] {
            let asked = Scope::of(access, &Method::POST);
            assert!(
                asked.is_some_and(|scope| scope != Scope::Read),
                "{access:?}"
            );
        }
    }
}
