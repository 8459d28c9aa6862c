//! The public page of a challenge: questions with answers, and errata.

pub mod create;
pub mod list;
pub mod retract;
pub mod rows;

use molar_domain::spelled_enum;

spelled_enum! {
    #[derive(utoipa::ToSchema)]
    pub enum NoteKind as "kind of note" {
        /// A question and its answer.
        Faq = "faq",
        /// What was wrong, and what is right.
        Erratum = "erratum",
    }
}
