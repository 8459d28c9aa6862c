//! What the containers run, and what they said.

use molar_sandbox::Finished;

use crate::common::Image;

pub fn script(text: &str) -> Image {
    Image::with_script(text)
}

pub fn log(finished: &Finished) -> String {
    finished.log.to_text()
}
