//! Draws a case: image, reference, prediction and errors, in colours that the colour-blind tell apart.
//!
//! Nothing here reads or writes a file. Whoever has the labels of a plane as runs can have a [`Picture`] of
//! it with the numbers that go with it, or the parts of one, each over the image ([`Overlay`]).

mod axis;
mod cells;
mod cross;
mod facts;
mod front;
mod joint;
mod layout;
mod numbers;
mod overlay;
mod palette;
mod panel;
mod polygons;
mod profile;
mod sheet;
mod survey;
mod tally;
mod text;

pub use cells::Plane;
pub use cross::Cross;
pub use joint::{Class, Segment, each_segment};
pub use overlay::{Overlay, Show};
pub use palette::{of_class, of_label};
pub use polygons::plane_of;
pub use profile::Profile;
pub use sheet::Picture;
pub use survey::Survey;
pub use tally::Counts;
