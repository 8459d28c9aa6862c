//! `molar pack`: what a participant begins with, one zip a track, made and published by an organizer.

mod archive;
mod facts;
mod machine;
mod page;
mod samples;
mod send;
mod template;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use crate::client::upload::{bytes_bar, fingerprint};
use crate::client::{Api, Connection, print, text};
use crate::rehearse;
use archive::Entry;
use facts::{Challenge, Track};
use samples::Sample;

const HELP: &str = "\
The zip holds README.md (what a container is given and must write, the limits and machine of each phase, how to try and \
hand in), limits/PHASE.toml for `molar try --limits`, template/ (source, Dockerfile and build script of an example), \
samples/ with the cases and their references, and image.tar.gz where you give one. All of it but the samples and the \
image is made from what the platform says of the track: apply the challenge file first, and make the pack again when it \
changes. The same inputs give the same bytes.

Sample cases are of a public split with references, and byte for byte those that are stored. Teams that were approved \
and signed the agreement download the pack from the challenge's page. Publishing again replaces it, and is kept in the \
audit log.

Example: molar pack sts2024/opg --data opg/training --case training-labelled/Trial_OPG --case training-labelled/Case_02";

/// Below what S3 takes in one request.
const MOST_BYTES: u64 = 5 << 30;

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// challenge/track
    track: String,
    /// A folder with `images/` and `references/`, as `molar upload-cases` takes it; more than one can be given.
    #[arg(long, value_name = "FOLDER", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// A sample case, as split/case; two are usual.
    #[arg(long = "case", value_name = "SPLIT/CASE", required = true, num_args = 1..)]
    cases: Vec<String>,
    /// A ready-made image to begin with: what `docker save IMAGE | gzip` wrote.
    #[arg(long, value_name = "FILE.tar.gz")]
    image: Option<PathBuf>,
    /// A template of your own instead of the example in Rust; all files in it are taken.
    #[arg(long, value_name = "FOLDER")]
    template: Option<PathBuf>,
    /// Keep the zip here.
    #[arg(long, value_name = "FILE.zip")]
    output: Option<PathBuf>,
    /// Make the zip and do not publish it.
    #[arg(long, requires = "output")]
    no_publish: bool,
    /// Why the pack before is replaced; kept in the audit log.
    #[arg(long)]
    reason: Option<String>,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> anyhow::Result<()> {
    let api = args.connection.signed_in()?;
    let (challenge, track) = find(&api, &args.track).await?;
    let samples = samples::find(&track, &args.data, &args.cases)?;
    if let Some(image) = &args.image {
        check_image(image, &track).await?;
    }
    let entries = entries(&args, &challenge, &track, &samples)?;
    let folder = tempfile::tempdir()?;
    let path = match &args.output {
        Some(path) => path.clone(),
        None => folder.path().join("pack.zip"),
    };
    let top = format!("{}-{}", challenge.slug, track.slug);
    let bar = bytes_bar(archive::size(&entries)?, "packing", args.json);
    tokio::task::block_in_place(|| archive::write(&path, &top, &entries, &bar))
        .with_context(|| format!("cannot write {}", path.display()))?;
    bar.finish_and_clear();

    let bar = bytes_bar(std::fs::metadata(&path)?.len(), "hashing", args.json);
    let made = fingerprint(&path, &bar).await?;
    bar.finish_and_clear();
    ensure!(
        made.size_bytes <= MOST_BYTES,
        "the pack has {} bytes and 5 GiB is the most: leave the image out",
        made.size_bytes
    );
    let published = match args.no_publish {
        true => Value::Null,
        false => send::publish(&api, &track.id, &path, &made, &samples, &args).await?,
    };
    let answer = json!({
        "file": args.output,
        "size_bytes": made.size_bytes,
        "sha256": made.sha256,
        "files": entries.iter().map(|entry| &entry.name).collect::<Vec<_>>(),
        "published": published,
    });
    print(args.json, &answer, |answer| show(&api, &challenge, answer))
}

fn show(api: &Api, challenge: &Challenge, answer: &Value) {
    for file in answer["files"].as_array().into_iter().flatten() {
        say!("  {}", file.as_str().unwrap_or_default());
    }
    let (size, sha256) = (&answer["size_bytes"], text(answer, "sha256"));
    say!("{size} bytes, SHA-256 {sha256}");
    if let Some(file) = answer["file"].as_str() {
        say!("Kept as {file}.");
    }
    if answer["published"].is_null() {
        say!("Not published.");
    } else {
        let slug = &challenge.slug;
        say!(
            "Published: approved teams download it at {}challenges/{slug}",
            api.base()
        );
    }
}

async fn find(api: &Api, name: &str) -> anyhow::Result<(Challenge, Track)> {
    let Some((challenge, wanted)) = name.split_once('/').filter(|(_, t)| !t.contains('/')) else {
        bail!("a track is written challenge/track, such as sts2024/opg; `{name}` is not")
    };
    let path = format!("/api/v1/challenges/{challenge}");
    let found: Challenge = api.find(&path).await?;
    let known: Vec<_> = found.tracks.iter().map(|track| &*track.slug).collect();
    let track = found.tracks.iter().find(|track| track.slug == wanted);
    let track = track.cloned().with_context(|| {
        let known = known.join(", ");
        format!("{challenge} has no track `{wanted}`; it has {known}")
    })?;
    Ok((found, track))
}

/// A pack whose own image is refused would teach nobody.
async fn check_image(image: &Path, track: &Track) -> anyhow::Result<()> {
    let limits = track
        .container_phases()
        .map(|phase| phase.limits.image_bytes);
    let most = limits.min().unwrap_or(u64::MAX);
    let checked = rehearse::check(image, most).await?;
    checked.map_err(|error| anyhow::anyhow!("{} would be refused: {error}", image.display()))?;
    Ok(())
}

/// In the order of the zip.
fn entries(
    args: &Args,
    challenge: &Challenge,
    track: &Track,
    samples: &[Sample],
) -> anyhow::Result<Vec<Entry>> {
    let has_image = args.image.is_some();
    let mut entries = vec![Entry::text(
        "README.md",
        page::readme(challenge, track, samples, has_image),
    )];
    for phase in track.container_phases() {
        let name = format!("limits/{}.toml", phase.slug);
        entries.push(Entry::text(&name, page::limits_file(phase)?));
    }
    for sample in samples {
        entries.push(Entry::file(
            &format!("samples/{}", sample.image_name),
            &sample.image,
        ));
        let reference = track.format.prediction_name(&sample.case);
        entries.push(Entry::file(
            &format!("samples/{reference}"),
            &sample.reference,
        ));
    }
    match &args.template {
        Some(folder) => entries.extend(template::of_folder(folder)?),
        None => entries.extend(template::example()),
    }
    if let Some(image) = &args.image {
        entries.push(Entry::file("image.tar.gz", image));
    }
    Ok(entries)
}
