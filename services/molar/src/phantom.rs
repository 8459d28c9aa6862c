//! `molar phantom`: draws cases to try things with.

use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};
use molar_phantom::{CbctOptions, OpgOptions, Track, write_set};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    kind: Kind,
    /// Folder for `images/`, `references/` and `manifest.json`.
    #[arg(long, global = true, default_value = "phantoms")]
    out: PathBuf,
    #[arg(long, global = true, default_value_t = 10)]
    count: usize,
    /// The same seed gives the same cases.
    #[arg(long, global = true, default_value_t = 2024)]
    seed: u64,
    /// Answer with the manifest as JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Kind {
    /// Panoramic X-rays with labelme references.
    Opg {
        #[arg(long, default_value_t = 2000)]
        width: u32,
        #[arg(long, default_value_t = 1200)]
        height: u32,
    },
    /// Cone-beam CT volumes with label volumes.
    Cbct {
        /// Voxels along x, y and z.
        #[arg(long, num_args = 3, default_values_t = [400, 400, 300])]
        dims: Vec<usize>,
        #[arg(long, default_value_t = 0.3)]
        spacing_mm: f64,
    },
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let track = match args.kind {
        Kind::Opg { width, height } => Track::Opg(OpgOptions {
            width,
            height,
            ..OpgOptions::default()
        }),
        Kind::Cbct { dims, spacing_mm } => Track::Cbct(CbctOptions {
            dims: [dims[0], dims[1], dims[2]],
            spacing_mm,
            ..CbctOptions::default()
        }),
    };
    let bar = if args.json {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(args.count as u64)
    };
    let style = ProgressStyle::with_template("drawing {bar:40} {pos}/{len} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let manifest = write_set(&args.out, &track, args.count, args.seed, |done| {
        bar.set_position(done as u64)
    })?;
    bar.finish_and_clear();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&manifest)?);
    } else {
        println!(
            "{} {} cases in {}",
            manifest.cases.len(),
            manifest.track,
            args.out.display()
        );
    }
    Ok(())
}
