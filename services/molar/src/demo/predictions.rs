//! Prediction zips, made by running the example algorithm on the validation images.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use super::cases::{REAL_CASE, reference_folder};
use super::{Stage, TEAMS, TRACKS};

/// By variant and track.
pub type Zips = BTreeMap<(&'static str, &'static str), PathBuf>;

pub async fn make(stage: &Stage<'_>) -> anyhow::Result<Zips> {
    let step = stage
        .terminal
        .begin("predictions", "running the example algorithm");
    let folder = stage.folder.clone();
    let zips = tokio::task::spawn_blocking(move || make_all(&folder)).await??;
    step.done(&format!("{} zips made", zips.len()), "");
    Ok(zips)
}

fn make_all(folder: &Path) -> anyhow::Result<Zips> {
    let program = program()?;
    let mut zips = Zips::new();
    for (_, variant) in TEAMS {
        let params = folder.join(format!("{variant}.params"));
        std::fs::write(&params, params_of(variant)?)?;
        for track in TRACKS {
            let zip = folder.join(format!("{variant}-{track}.zip"));
            if !zip.exists() {
                make_one(
                    &program,
                    &params,
                    &folder.join(track).join("validation/images"),
                    track,
                    &zip,
                )?;
            }
            zips.insert((variant, track), zip);
        }
    }
    Ok(zips)
}

/// What the images hold as /opt/algorithm/params.
fn params_of(variant: &str) -> anyhow::Result<&'static str> {
    Ok(match variant {
        "careful" => include_str!("../../../../deploy/example-algorithm/variants/careful.params"),
        "eager" => include_str!("../../../../deploy/example-algorithm/variants/eager.params"),
        "even" => include_str!("../../../../deploy/example-algorithm/variants/even.params"),
        "strict" => include_str!("../../../../deploy/example-algorithm/variants/strict.params"),
        _ => anyhow::bail!("no variant {variant}"),
    })
}

fn make_one(
    program: &Path,
    params: &Path,
    images: &Path,
    track: &str,
    zip: &Path,
) -> anyhow::Result<()> {
    let outputs = tempfile::tempdir()?;
    for entry in std::fs::read_dir(images)? {
        let image = entry?.path();
        let name = image
            .file_name()
            .and_then(|n| n.to_str())
            .context("a name")?;
        if name.starts_with(REAL_CASE) {
            continue;
        }
        run(program, params, &image, outputs.path()).with_context(|| name.to_owned())?;
    }
    if let Some(reference) = reference_folder() {
        let end = if track == "opg" { "json" } else { "nii.gz" };
        let file = format!("{REAL_CASE}_Mask.{end}");
        std::fs::copy(
            reference.join(track).join("prediction").join(&file),
            outputs.path().join(&file),
        )?;
    }
    pack(outputs.path(), zip)
}

/// One image at a time, as in the container.
fn run(program: &Path, params: &Path, image: &Path, outputs: &Path) -> anyhow::Result<()> {
    let inputs = tempfile::tempdir()?;
    let name = image.file_name().context("a name")?;
    std::fs::copy(image, inputs.path().join(name))?;
    let output = std::process::Command::new(program)
        .arg("--inputs")
        .arg(inputs.path())
        .arg("--outputs")
        .arg(outputs)
        .arg("--params")
        .arg(params)
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

fn pack(folder: &Path, to: &Path) -> anyhow::Result<()> {
    let partial = to.with_extension("part");
    let mut zip = zip::ZipWriter::new(File::create(&partial)?);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|e| e.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    for file in files {
        let name = file
            .file_name()
            .and_then(|n| n.to_str())
            .context("a name")?;
        zip.start_file(name, zip::write::SimpleFileOptions::default())?;
        zip.write_all(&std::fs::read(&file)?)?;
    }
    zip.finish()?;
    std::fs::rename(partial, to)?;
    Ok(())
}

/// Built beside this binary.
fn program() -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("molar-example-algorithm");
    ensure!(
        path.exists(),
        "{} is missing: `cargo build --workspace --bins` builds it",
        path.display()
    );
    Ok(path)
}
