//! Figures of a board and its statistics, each an SVG that also says in words what it shows.
//!
//! Plain data in, text out: nothing here reads a file, asks a clock or ranks anybody. Which entries
//! may be shown, by which name and with which values, is decided by the caller.
//!
//! A [`Figure`] is drawn on a [`Sheet`], which says how wide it is and where it will be seen: on a
//! page that forbids inline styles and has the variables of our stylesheet, or in a file that
//! must look right by itself. The same input gives the same bytes. A value that is NaN or infinite
//! counts as missing; without anything to show a figure says so. More entries than a sheet holds
//! are cut, and the figure says how many. [`png`] makes pixels of what was drawn as a file.
//!
//! ```
//! use molar_figures::{Figure, Placed, Podium, Quantity, Sheet};
//!
//! let entries = [
//!     Placed { name: "incisor", rank: Some(1.0), value: Some(1.5) },
//!     Placed { name: "canine", rank: Some(2.0), value: Some(2.0) },
//! ];
//! let podium = Podium {
//!     title: "Final ranking",
//!     quantity: Quantity::lower_is_better("mean rank").decimals(2),
//!     entries: &entries,
//! };
//! let svg = podium.svg(&Sheet::file("podium"));
//! assert!(svg.contains("incisor") && svg.contains("is first"));
//! ```
//!
//! Why no crate that plots: `plotters` writes pixels and fixed colours, knows neither titles,
//! descriptions nor themes, and cuts no name; `svg` is a tree of nodes that escapes, which is the
//! smallest part of the work. What is left is ours, in `canvas` and `text`.

mod axis;
mod box_plot;
mod canvas;
mod dentition;
mod duel;
mod duel_gaps;
mod duel_point;
mod font;
mod history;
mod ink;
mod marker;
mod mouth;
mod number;
mod pareto;
mod pixels;
mod placing;
mod podium;
mod quantity;
mod rows;
mod scale_bar;
mod schemes;
mod sheet;
mod significance;
mod slots;
mod spread;
mod stability;
mod steps;
mod tag;
mod text;
mod time_axis;
mod tooth;
mod trade_off;
mod words;

pub use box_plot::{BoxPlot, Sample};
pub use dentition::Dentition;
pub use duel::{Duel, Pair};
pub use history::History;
pub use mouth::Tooth;
pub use pareto::Offer;
pub use pixels::{Undrawn, png};
pub use podium::{Placed, Podium};
pub use quantity::{Better, Quantity};
pub use schemes::Schemes;
pub use sheet::{Figure, Look, Sheet, responsive};
pub use significance::{SignificanceMap, Tested};
pub use slots::Line;
pub use stability::{RankShare, Stability};
pub use steps::{Change, Track};
pub use trade_off::TradeOff;
