//! Draws a few cases into a folder: `draw FOLDER opg|cbct|cbct-small COUNT SEED`.

use std::path::Path;

use molar_phantom::{CbctOptions, OpgOptions, Track, write_set};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dir, track, count, seed] = args.as_slice() else {
        return Err("usage: draw FOLDER opg|cbct|cbct-small COUNT SEED".into());
    };
    let track = match track.as_str() {
        "opg" => Track::Opg(OpgOptions::default()),
        "cbct" => Track::Cbct(CbctOptions::default()),
        "cbct-small" => Track::Cbct(CbctOptions::small()),
        _ => return Err("the track is opg, cbct or cbct-small".into()),
    };
    let report = |done| eprintln!("{done} drawn");
    write_set(
        Path::new(dir),
        &track,
        count.parse()?,
        seed.parse()?,
        report,
    )?;
    Ok(())
}
