//! Looking into what was uploaded, before anybody else does.
//!
//! The role claims an upload, brings the file here and hashes it on the way; a process of its own, without
//! credentials and with bounded memory and time, reads it ([`check_main`]).

mod child;
mod container;
mod job;
mod layers;
mod names;
mod predictions;
mod program;
mod report;
mod root;
mod verdict;

pub use job::{Check, Checker, Lookup, prepare_folder};
pub use program::check_main;
pub use report::ImageReport;
pub use verdict::{Complaint, Image};
