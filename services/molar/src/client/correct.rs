//! `molar correct SPLIT --from FOLDER --reason WHY`: wrong references replaced, checked and accepted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use super::upload::{fingerprint_of, put_object};
use super::{Api, Connection, lookup, print, text};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// challenge/track/split, or the id of the split.
    split: String,
    /// A folder with the corrected files, named as references are: CASE_Mask.json or CASE_Mask.nii.gz.
    #[arg(long)]
    from: PathBuf,
    /// What was wrong; kept with the new version and in the audit log.
    #[arg(long)]
    reason: String,
    /// Upload and check, and leave it to somebody to accept.
    #[arg(long)]
    no_accept: bool,
    #[arg(long)]
    json: bool,
}

/// The scorer reads some cases a second.
const PAUSE: Duration = Duration::from_secs(1);

struct Corrected {
    name: String,
    bytes: Vec<u8>,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    let split_id = match args.split.parse::<uuid::Uuid>() {
        Ok(id) => id.to_string(),
        Err(_) => lookup::id(&lookup::split(&api, &args.split).await?)?.to_owned(),
    };
    let files = corrected(&args.from)?;
    let path = upload(&api, &split_id, &args.reason, &files).await?;
    let read = until_read(&api, &path).await?;
    let done = match args.no_accept {
        true => read,
        false => api.post(&format!("{path}/accept"), &json!({})).await?,
    };
    print(args.json, &done, |done| match done["version"].as_i64() {
        Some(version) => say!(
            "Version {version} of the references, {} corrected. What is on boards stays: /organize/rescorings measures beside it.",
            files.len()
        ),
        None => say!("All of it was read and is good; nobody accepted it yet."),
    })
}

/// Puts the files and returns the path of the correction.
async fn upload(
    api: &Api,
    split_id: &str,
    reason: &str,
    files: &[Corrected],
) -> anyhow::Result<String> {
    let cases: Vec<Value> = files
        .iter()
        .map(|file| {
            let print = fingerprint_of(&file.bytes);
            json!({"name": file.name, "size_bytes": print.size_bytes, "sha256": print.sha256})
        })
        .collect();
    let body = json!({"reason": reason, "cases": cases});
    let made: Value = api
        .post(&format!("/api/v1/splits/{split_id}/corrections"), &body)
        .await?;
    for (file, item) in files.iter().zip(lookup::items(&made)) {
        put_object(api, &item["reference"], file.bytes.clone())
            .await
            .with_context(|| format!("reference of {}", file.name))?;
    }
    let path = format!("/api/v1/corrections/{}", lookup::id(&made)?);
    let _: Value = api.post(&format!("{path}/stored"), &json!({})).await?;
    Ok(path)
}

async fn until_read(api: &Api, path: &str) -> anyhow::Result<Value> {
    loop {
        let seen: Value = api.find(path).await?;
        let cases = seen["cases"].as_array().map_or(&[][..], Vec::as_slice);
        let bad: Vec<_> = cases
            .iter()
            .filter(|case| text(case, "state") == "bad")
            .map(|case| format!("{}: {}", text(case, "name"), text(case, "complaint")))
            .collect();
        if !bad.is_empty() {
            bail!(
                "not accepted, since not all of it is good:\n  {}",
                bad.join("\n  ")
            );
        }
        if seen["can_be_accepted"] == true {
            return Ok(seen);
        }
        ensure!(
            text(&seen, "state") == "open",
            "another correction took the place of this one"
        );
        tokio::time::sleep(PAUSE).await;
    }
}

fn corrected(folder: &Path) -> anyhow::Result<Vec<Corrected>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)
        .with_context(|| format!("there is no folder {}", folder.display()))?
    {
        let path = entry?.path();
        let file = path.file_name().and_then(|n| n.to_str());
        let name = file.and_then(|file| {
            ["_Mask.json", "_Mask.nii.gz"]
                .iter()
                .find_map(|end| file.strip_suffix(end))
        });
        if let Some(name) = name {
            found.push(Corrected {
                name: name.to_owned(),
                bytes: std::fs::read(&path)?,
            });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    ensure!(
        !found.is_empty(),
        "{} holds no CASE_Mask.json and no CASE_Mask.nii.gz",
        folder.display()
    );
    Ok(found)
}
