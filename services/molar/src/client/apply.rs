//! `molar apply FILE` and `molar cases upload`: what an organizer does from a terminal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::upload::{fingerprint_of, put_object};
use super::{Api, Connection, lookup, print, text};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// The challenge file.
    file: PathBuf,
    /// A second file whose values replace those of the first.
    #[arg(long)]
    overlay: Option<PathBuf>,
    /// Apply without asking.
    #[arg(long)]
    yes: bool,
    /// Why a running phase is changed; kept in the audit log.
    #[arg(long)]
    reason: Option<String>,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub struct UploadArgs {
    #[command(flatten)]
    connection: Connection,
    /// challenge/track/split
    split: String,
    /// A folder with `images/` and, for labelled splits, `references/`.
    folder: PathBuf,
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    let read = |path: &Path| {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let file = read(&args.file)?;
    let overlay = args.overlay.as_deref().map(read).transpose()?;
    let body = |dry_run| json!({"file": file, "overlay": overlay, "dry_run": dry_run, "reason": args.reason});
    if !args.yes {
        let plan: Value = api.put("/api/v1/challenges", &body(true)).await?;
        show_plan(&plan);
        eprint!("Apply? Type yes: ");
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        anyhow::ensure!(answer.trim() == "yes", "nothing was changed");
    }
    let applied: Value = api.put("/api/v1/challenges", &body(false)).await?;
    print(args.json, &applied, show_plan)
}

fn show_plan(plan: &Value) {
    let steps = plan["plan"].as_array().map_or(&[][..], Vec::as_slice);
    if steps.is_empty() {
        say!("Nothing changes.");
    }
    for step in steps {
        match step.as_str() {
            Some(line) => say!("  {line}"),
            None => say!(
                "  {} {} {}",
                text(step, "change"),
                text(step, "what"),
                text(step, "detail")
            ),
        }
    }
}

pub async fn upload_cases(args: UploadArgs) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    let split = lookup::split(&api, &args.split).await?;
    let count = case_files(&args.folder)?.len() as u64;
    let bar = if args.json {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(count)
    };
    let stored = upload_folder(&api, lookup::id(&split)?, &args.folder, &bar).await?;
    bar.finish_and_clear();
    print(args.json, &json!({"stored": stored}), |_| {
        say!("{stored} cases stored.")
    })
}

/// Cases announced in one request.
const BATCH: usize = 50;

struct CaseFiles {
    name: String,
    image: PathBuf,
    reference: Option<PathBuf>,
}

/// Uploads every case of `images/` and `references/`; returns how many.
pub async fn upload_folder(
    api: &Api,
    split_id: &str,
    folder: &Path,
    bar: &ProgressBar,
) -> anyhow::Result<usize> {
    let cases = case_files(folder)?;
    for batch in cases.chunks(BATCH) {
        upload_batch(api, split_id, batch, bar).await?;
    }
    Ok(cases.len())
}

async fn upload_batch(
    api: &Api,
    split_id: &str,
    batch: &[CaseFiles],
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let mut announced = Vec::new();
    for case in batch {
        let image = fingerprint_of(&tokio::fs::read(&case.image).await?);
        let reference = match &case.reference {
            Some(path) => {
                let print = fingerprint_of(&tokio::fs::read(path).await?);
                Some(json!({"size_bytes": print.size_bytes, "sha256": print.sha256}))
            }
            None => None,
        };
        announced.push(json!({
            "name": case.name,
            "image_name": case.image.file_name().and_then(|n| n.to_str()).unwrap_or_default(),
            "size_bytes": image.size_bytes,
            "sha256": image.sha256,
            "reference": reference,
        }));
    }
    let answer: Value = api
        .post(
            &format!("/api/v1/splits/{split_id}/cases"),
            &json!({ "cases": announced }),
        )
        .await?;
    let urls: BTreeMap<&str, &Value> = lookup::items(&answer)
        .iter()
        .map(|u| (text(u, "name"), u))
        .collect();
    futures_util::stream::iter(batch)
        .map(|case| put_case(api, case, urls.get(case.name.as_str()).copied(), bar))
        .buffer_unordered(4)
        .try_collect::<Vec<()>>()
        .await?;
    let names: Vec<&str> = batch.iter().map(|c| c.name.as_str()).collect();
    let _: Value = api
        .post(
            &format!("/api/v1/splits/{split_id}/cases/stored"),
            &json!({ "names": names }),
        )
        .await?;
    Ok(())
}

async fn put_case(
    api: &Api,
    case: &CaseFiles,
    urls: Option<&Value>,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let urls = urls.with_context(|| format!("the server gave no URLs for {}", case.name))?;
    // Null says that this content is stored already.
    if !urls["image"].is_null() {
        put_object(api, &urls["image"], tokio::fs::read(&case.image).await?)
            .await
            .with_context(|| format!("image of {}", case.name))?;
    }
    if let Some(reference) = case
        .reference
        .as_ref()
        .filter(|_| !urls["reference"].is_null())
    {
        put_object(api, &urls["reference"], tokio::fs::read(reference).await?)
            .await
            .with_context(|| format!("reference of {}", case.name))?;
    }
    bar.inc(1);
    Ok(())
}

fn case_files(folder: &Path) -> anyhow::Result<Vec<CaseFiles>> {
    let images = folder.join("images");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&images)
        .with_context(|| format!("there is no folder {}", images.display()))?
    {
        let image = entry?.path();
        let Some(file) = image.file_name().and_then(|n| n.to_str()) else {
            continue;
        };
        let Some(name) = [".nii.gz", ".png", ".jpg", ".jpeg"]
            .iter()
            .find_map(|end| file.strip_suffix(end))
        else {
            continue;
        };
        let reference = [".json", ".nii.gz"]
            .iter()
            .map(|end| folder.join("references").join(format!("{name}_Mask{end}")))
            .find(|path| path.exists());
        found.push(CaseFiles {
            name: name.to_owned(),
            image: image.clone(),
            reference,
        });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    anyhow::ensure!(
        !found.is_empty(),
        "{} holds no .nii.gz, .png or .jpg",
        images.display()
    );
    Ok(found)
}
