//! Runs every variant on phantoms and prints its mean scores: `compare opg|cbct|cbct-small COUNT SEED`.
//! With a folder as a fourth argument the cases and predictions stay there; a fifth names another
//! folder of variants.

use std::fs::{self, File};
use std::path::Path;

use molar_example_algorithm::{Params, run};
use molar_phantom::{CbctOptions, OpgOptions, Track, write_set};
use molar_volumes::{Format, Reference};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (Some(track), Some(count), Some(seed)) = (args.first(), args.get(1), args.get(2)) else {
        return Err("usage: compare opg|cbct|cbct-small COUNT SEED [FOLDER [VARIANTS]]".into());
    };
    let (format, track) = match track.as_str() {
        "opg" => (Format::Labelme, Track::Opg(OpgOptions::default())),
        "cbct" => (Format::Nifti, Track::Cbct(CbctOptions::default())),
        "cbct-small" => (Format::Nifti, Track::Cbct(CbctOptions::small())),
        _ => return Err("the track is opg, cbct or cbct-small".into()),
    };
    let scratch = tempfile::tempdir()?;
    let dir = args.get(3).map_or(scratch.path(), Path::new);
    let set = write_set(dir, &track, count.parse()?, seed.parse()?, |_| {})?;
    let variants = args
        .get(4)
        .map_or(concat!(env!("CARGO_MANIFEST_DIR"), "/variants"), |dir| dir);
    for entry in fs::read_dir(variants)? {
        let variant = entry?.path();
        let mut params = Params::default();
        params.read(&fs::read_to_string(&variant)?)?;
        let name = variant
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let outputs = dir.join("predictions").join(&name);
        fs::create_dir_all(&outputs)?;
        let mut sum = [0.0; 7];
        for case in &set.cases {
            let inputs = tempfile::tempdir()?;
            let image = dir.join(&case.image);
            fs::copy(
                &image,
                inputs.path().join(image.file_name().unwrap_or_default()),
            )?;
            let started = std::time::Instant::now();
            let prediction = run(inputs.path(), &outputs, &params)?;
            let took = started.elapsed();
            let reference = Reference::read(format, File::open(dir.join(&case.reference))?, None)?;
            let scores = reference.score(File::open(prediction)?, |_| true)?.scores;
            let values = [
                scores.image_dsc,
                scores.image_iou,
                scores.image_nsd,
                scores.instance_dsc,
                scores.instance_iou,
                scores.instance_nsd,
                scores.ia,
            ];
            println!("{name:10} {} {values:.3?} {took:.2?}", case.name);
            for (sum, value) in sum.iter_mut().zip(values) {
                *sum += value / set.cases.len() as f64;
            }
        }
        println!("{name:10} mean         {sum:.4?}");
    }
    Ok(())
}
