//! The tag of another team's image, which an archive of the table would like to have.

use bollard::Docker;
use bollard::query_parameters::{ImportImageOptions, RemoveImageOptions};
use futures_util::StreamExt as _;

use super::build::build;
use super::case::{Case, Packing};
use super::flaw::{ANOTHERS, Flaw};

const MARK: &str = "another";

/// Gives it to an honest image.
pub async fn give(docker: &Docker, honest: &Case) -> anyhow::Result<()> {
    let mut tagged = honest.clone();
    tagged.image.flaw = Some(Flaw::AnothersTag);
    tagged.image.packing = Packing::None;
    load_as_it_is(docker, build(&tagged, MARK)?.archive).await
}

pub async fn is_anothers(docker: &Docker) -> anyhow::Result<bool> {
    let found = docker.inspect_image(ANOTHERS).await?;
    let variables = found.config.and_then(|config| config.env);
    let mark = format!("MOLAR_TEST={MARK}");
    Ok(variables.unwrap_or_default().contains(&mark))
}

pub async fn take_back(docker: &Docker) -> anyhow::Result<()> {
    docker
        .remove_image(ANOTHERS, None::<RemoveImageOptions>, None)
        .await?;
    Ok(())
}

/// As `docker load` does, unchecked.
pub async fn load_as_it_is(docker: &Docker, archive: Vec<u8>) -> anyhow::Result<()> {
    let options = ImportImageOptions {
        quiet: true,
        platform: None,
    };
    let body = bollard::body_full(archive.into());
    let mut load = Box::pin(docker.import_image(options, body, None));
    while let Some(step) = load.next().await {
        let said = step?.error_detail.and_then(|error| error.message);
        anyhow::ensure!(said.is_none(), "{}", said.unwrap_or_default());
    }
    Ok(())
}
