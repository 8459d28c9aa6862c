//! `molar report FINALIST FILE`: the report of a finalist's method.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::upload::{fingerprint_of, put_object};
use super::{Connection, print};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// The id in the address of the dossier's page.
    finalist: uuid::Uuid,
    /// A PDF of 20 MiB at most.
    file: PathBuf,
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    let file = args.file.display();
    let bytes = std::fs::read(&args.file).with_context(|| format!("cannot read {file}"))?;
    ensure!(
        bytes.starts_with(b"%PDF-"),
        "{file} is no PDF; export the report as one"
    );
    let print_of = fingerprint_of(&bytes);
    let path = format!("/api/v1/finalists/{}/report", args.finalist);
    let name = args.file.file_name().and_then(|name| name.to_str());
    let name = name.map(|name| {
        name.chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect::<String>()
    });
    let new = json!({"size_bytes": print_of.size_bytes, "sha256": print_of.sha256, "name": name});
    let announced: Value = api.post(&path, &new).await?;
    put_object(&api, &announced["upload"], bytes).await?;
    let said = json!({"sha256": print_of.sha256});
    let dossier: Value = api.post(&format!("{path}/stored"), &said).await?;
    print(args.json, &dossier, |dossier| {
        let missing = dossier["missing"].as_array().into_iter().flatten();
        let missing: Vec<_> = missing.filter_map(Value::as_str).collect();
        match missing.is_empty() {
            true => say!("The report is stored, and the dossier is complete."),
            false => say!(
                "The report is stored. Still missing: {}.",
                missing.join("; ")
            ),
        }
    })
}
