//! `molar try`: a container on one's own Docker, as the platform would check, run and score it.

mod cases;
mod engine;
mod figures;
mod limits;
mod print;
mod run;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use molar_domain::FailureCode;
use molar_domain::challenge::Format;
use molar_sandbox::image::{self, ArchiveError, ArchiveFacts, inspect_archive};
use molar_worker::open_room;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::score;
use cases::Case;
use run::{Played, Stage};

/// What the platform would say no to.
const REFUSED: u8 = 3;

const HELP: &str = "\
IMAGE.tar.gz is what would be handed in: `docker save IMAGE | gzip > IMAGE.tar.gz`. It is looked into without being \
run, loaded into your own Docker by its digest, and run once for each case without a network, with the case \
alone in /inputs. Nothing is sent anywhere. The image is removed again unless Docker had it.

A case is an image (.jpg, .jpeg, .png) or a volume (.nii.gz); a reference is a labelme .json or a .nii.gz named \
after its case, with or without `_Mask`. Limits are those of the STS 2024 final phases unless --limits or a flag says \
otherwise; --limits takes the fields of a phase's `limits` in a challenge file, such as `wall_s = 600`.

Docker is looked for at DOCKER_HOST (unix:// only) or /var/run/docker.sock. With root and overlay2, what the container \
writes is bounded by a file system of its own, as on the platform; without, it is looked at twice a second.

Exit codes: 0 every case gave a prediction, and each could be scored where it has a reference; 1 Docker or \
this machine failed; 2 the command line is wrong; 3 the platform would refuse the image, a case failed, or its \
prediction cannot be scored; 4 a reference cannot be scored against.

Example: molar try image.tar.gz --case Trial_OPG.jpg --reference Trial_OPG.json";

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// What `docker save IMAGE | gzip` wrote.
    image: PathBuf,
    /// A case to run it on; more than one can be given.
    #[arg(long = "case", value_name = "FILE", required = true, num_args = 1..)]
    cases: Vec<PathBuf>,
    /// What to score the predictions against, named after their cases.
    #[arg(long = "reference", value_name = "FILE", num_args = 1..)]
    references: Vec<PathBuf>,
    /// Keep the predictions here.
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    #[command(flatten)]
    limits: limits::Flags,
    /// Answer in JSON, with every digit.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let cases = cases::find(&args.cases, &args.references)?;
    let limits = args.limits.of(cases[0].format)?;
    let bar = bar();
    bar.set_message("looking into the archive");
    let facts = match check(&args.image, limits.image_bytes).await? {
        Ok(facts) => facts,
        Err(error) => {
            bar.finish_and_clear();
            let code = error.code().parse().unwrap_or(FailureCode::BadArchive);
            print::refused(args.json, code, &error)?;
            return Ok(REFUSED.into());
        }
    };
    let stage = engine::find(limits).await?;
    if facts.is_root() && !stage.engine.keeps_root_out(None) {
        eprintln!(
            "molar: the image runs as root: a platform whose machines cannot keep root out refuses it (root-image); \
             a USER of its own in the Dockerfile is safe everywhere"
        );
    }
    bar.set_message("loading the image");
    let had = stage.load(&args.image, &facts.image_digest).await?;
    let played = play_all(&stage, &facts, &cases, &bar).await;
    if !had {
        stage.remove(&facts.image_digest).await;
    }
    bar.finish_and_clear();
    let played = played?;
    let predictions = keep(&cases, &played, args.output.as_deref())?;
    let scores = scores(&cases, predictions.path())?;
    let is_failed = played.iter().any(|played| played.failure.is_some());
    print::all(args.json, &facts, &stage, &played, scores.as_ref())?;
    Ok(match scores.map(|scores| scores.code()) {
        Some(code) if code != 0 => code.into(),
        _ if is_failed => REFUSED.into(),
        _ => ExitCode::SUCCESS,
    })
}

/// Ours are errors; what the platform would refuse is the answer.
pub(crate) async fn check(
    archive: &Path,
    uncompressed_bytes: u64,
) -> anyhow::Result<Result<ArchiveFacts, ArchiveError>> {
    let limits = image::Limits {
        uncompressed_bytes,
        ..image::Limits::default()
    };
    let file = engine::open(archive)?;
    let checked = tokio::task::spawn_blocking(move || inspect_archive(file, &limits)).await?;
    match checked {
        Err(ArchiveError::Io(error)) => Err(error.into()),
        checked => Ok(checked),
    }
}

async fn play_all(
    stage: &Stage,
    facts: &ArchiveFacts,
    cases: &[Case],
    bar: &ProgressBar,
) -> anyhow::Result<Vec<Played>> {
    let cancel = CancellationToken::new();
    let pressed = cancel.clone();
    let listener = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            pressed.cancel();
        }
    });
    let mut played = Vec::new();
    for case in cases {
        bar.set_message(format!("running {}", case.name));
        let folder = tempfile::tempdir()?;
        let done = play(stage, facts, case, folder.path(), &cancel).await;
        let cleared = molar_sandbox::clear(folder.path());
        if let Err(error) = cleared {
            eprintln!("molar: {} stays: {error}", folder.path().display());
        }
        played.push(done?);
    }
    listener.abort();
    Ok(played)
}

async fn play(
    stage: &Stage,
    facts: &ArchiveFacts,
    case: &Case,
    folder: &Path,
    cancel: &CancellationToken,
) -> anyhow::Result<Played> {
    let grant = stage.grant(case, &facts.image_digest);
    let room = open_room(&stage.engine, &grant, folder).await?;
    run::play(stage, &grant, case, folder, room, cancel.clone()).await
}

/// Where `molar score` finds them: in a folder of theirs, or in the one that is asked for.
fn keep(cases: &[Case], played: &[Played], output: Option<&Path>) -> anyhow::Result<Kept> {
    let kept = match output {
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            Kept::Folder(folder.to_owned())
        }
        None => Kept::Temporary(tempfile::tempdir()?),
    };
    for (case, played) in cases.iter().zip(played) {
        if let Some(prediction) = &played.prediction {
            let name = case.format.prediction_name(&case.name);
            let mut from = prediction.file.try_clone()?;
            std::io::Seek::rewind(&mut from)?;
            let mut to = std::fs::File::create(kept.path().join(name))?;
            std::io::copy(&mut from, &mut to)?;
        }
    }
    Ok(kept)
}

enum Kept {
    Folder(PathBuf),
    Temporary(TempDir),
}

impl Kept {
    fn path(&self) -> &Path {
        match self {
            Self::Folder(folder) => folder,
            Self::Temporary(folder) => folder.path(),
        }
    }
}

/// None where no case has a reference.
fn scores(cases: &[Case], predictions: &Path) -> anyhow::Result<Option<score::Scores>> {
    let pairs = cases.iter().filter_map(|case| {
        let name = case.format.prediction_name(&case.name);
        let prediction = predictions.join(name);
        Some((case.name.clone(), case.reference.clone()?, prediction))
    });
    let pairs: Vec<_> = pairs.collect();
    match pairs.is_empty() {
        true => Ok(None),
        false => {
            let format = match cases[0].format {
                Format::Labelme => molar_volumes::Format::Labelme,
                Format::Nifti => molar_volumes::Format::Nifti,
            };
            tokio::task::block_in_place(|| score::score(format, pairs)).map(Some)
        }
    }
}

/// On standard error, and only where that is a terminal.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}
