//! Whether what an image wrote for its canary can be scored.
//!
//! Judged where it was written: the public image lies here, nobody waits in the line of `scoring`, and a
//! machine that runs strangers' code is the right one to read a stranger's file. It is read by the readers that
//! score, in a process of its own whose memory and processor time are bounded.

mod input;
mod program;
mod reader;

pub use program::{Args, read_main};
pub use reader::{Reader, Verdict};
