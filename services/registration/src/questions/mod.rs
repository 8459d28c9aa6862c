//! What people ask the organizers, and what they are answered. Never public: see [`crate::faq`].

pub mod answer;
pub mod create;
pub mod list;
pub mod rows;

/// Longest question and answer.
pub const TEXT_MAX: usize = 4000;
