//! Rows and endpoints of the role together: from evaluations to what callers see.

mod columns;
mod following;
mod hidden;
mod live;
mod modes;
mod past;
mod ranks;
mod rescored;
mod spied;
mod unchanged;
mod unheard;
mod world;
