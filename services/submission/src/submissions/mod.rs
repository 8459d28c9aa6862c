//! Submissions over HTTP, one operation a file. Who may see and change which is decided in [`access`].

pub mod access;
pub mod admission;
#[cfg(test)]
mod after_final;
pub mod cancel;
pub mod cases;
pub mod changes;
pub mod choose;
pub mod complete;
pub mod console;
pub mod create;
pub mod events;
pub mod files;
pub mod find;
pub mod image;
pub mod labels;
pub mod list;
pub mod measures;
pub mod parts;
pub mod queue;
pub mod quota;
#[cfg(test)]
mod reruns;
mod rounding;
pub mod sign;
pub mod unfinished;
pub mod upload;
pub mod view;
pub mod withdraw;
