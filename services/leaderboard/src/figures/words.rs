//! How figures call what they show.

use molar_domain::metric::Metric;
use molar_figures::Quantity;
use sha2::{Digest, Sha256};

use crate::error::Error;

pub fn title(metric: &str) -> Result<String, Error> {
    Ok(metric.parse::<Metric>()?.title())
}

/// Of an address, in bytes. Metrics are ASCII.
const LONGEST: usize = 80;

/// Of the values by case.
pub fn address(metric: &str) -> String {
    address_of("cases", metric)
}

/// Of who is better than whom, where that is not by the first metric.
pub fn map_address(metric: &str) -> String {
    address_of("significance", metric)
}

/// A metric's name may have a slash before the group of labels that it is about, and a group a long name.
fn address_of(figure: &str, metric: &str) -> String {
    let address = format!("{figure}-{}", metric.replace('/', "."));
    match address.get(..LONGEST) {
        Some(first) => format!("{first}-{}", hex::encode(&Sha256::digest(metric)[..8])),
        None => address,
    }
}

pub fn quantity<'t>(metric: &Metric, title: &'t str) -> Quantity<'t> {
    let quantity = match metric.is_higher_better() {
        true => Quantity::higher_is_better(title),
        false => Quantity::lower_is_better(title),
    };
    let quantity = quantity.decimals(metric.decimals());
    match metric.unit() {
        Some(unit) => quantity.unit(unit),
        None => quantity,
    }
}
