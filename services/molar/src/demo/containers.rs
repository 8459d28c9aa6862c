//! The images of the example algorithm, built by `make example-image`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};

use super::TEAMS;

/// By variant.
pub type Images = BTreeMap<&'static str, PathBuf>;

pub fn find() -> anyhow::Result<Images> {
    let folder = match std::env::var_os("MOLAR_EXAMPLE_IMAGES") {
        Some(folder) => PathBuf::from(folder),
        // target/debug/molar → target/example-image
        None => std::env::current_exe()?
            .ancestors()
            .nth(2)
            .context("the binary lies in no build folder")?
            .join("example-image"),
    };
    TEAMS
        .iter()
        .map(|(_, variant)| {
            let path = folder.join(format!("{variant}.tar.gz"));
            ensure!(
                path.exists(),
                "{} is missing: `make example-image` builds it",
                path.display()
            );
            Ok((*variant, path))
        })
        .collect()
}
