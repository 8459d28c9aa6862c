//! Figures of two entries.

use molar_domain::metric::Metric;
use molar_figures::{Duel, Pair, Tooth, responsive};

use super::matched::Both;
use crate::figures::quantity;
use crate::teeth;

/// A point a case, for windows of any width.
pub fn duel(metric: &Metric, (a, b): (&str, &str), cases: &[Both]) -> String {
    let name = metric.title();
    let title = format!("{name}, case by case");
    let pairs = cases.iter().map(|both| Pair {
        case: &both.case,
        a: both.a,
        b: both.b,
    });
    let duel = Duel {
        title: &title,
        quantity: quantity(metric, &name),
        a,
        b,
        cases: &pairs.collect::<Vec<_>>(),
    };
    responsive(&duel, "duel")
}

/// A mouth each, in colours that mean the same in both.
pub fn mouths(names: [&str; 2], teeth: [Vec<Tooth>; 2]) -> Vec<String> {
    let values = teeth.iter().flatten().filter_map(|tooth| tooth.value);
    let range = values.fold(None, |range: Option<(f64, f64)>, value| {
        let (low, high) = range.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    });
    let both = names.into_iter().zip(&teeth).zip(["teeth-a", "teeth-b"]);
    let drawn = both.map(|((name, teeth), id)| {
        let title = format!("Dice by tooth, {name}");
        responsive(&teeth::chart(&title, teeth, range), id)
    });
    drawn.collect()
}
