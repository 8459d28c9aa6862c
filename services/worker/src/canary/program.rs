//! The process that reads a stranger's prediction: the file on its standard input, a verdict on its standard
//! output.

use std::io::{self, Read, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use molar_domain::challenge::Format;
use molar_service::bounds::bound;
use molar_volumes::{Error, Geometry, check_prediction, labelme, nifti};

use super::input;
use super::reader::Verdict;

/// What reading takes beside the voxels: buffers, stacks, polygons.
const MEMORY_BASE: u64 = 1 << 30;
/// What reading takes of an image, or of a plane of a volume, see `molar_volumes::nifti::Limits`.
const BYTES_PER_PIXEL: u64 = 16;
/// Ten times what an honest file takes on a slow machine; beside it, 2 million voxels a second.
const CPU_BASE_S: u64 = 30;
const VOXELS_A_SECOND: u64 = 2_000_000;
const NOTES_MAX: usize = 20;

#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    format: Format,
    /// The image of the case.
    image: PathBuf,
}

/// What `molar read-prediction` does. Anything but a verdict on standard output means that there is none.
pub fn read_main(args: &Args) -> ExitCode {
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("read-prediction: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> io::Result<()> {
    let geometry = input::geometry(args.format, &args.image);
    bound_for(geometry)?;
    let verdict = look(args.format, geometry, io::stdin().lock())?;
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &verdict)?;
    out.flush()
}

/// As much as a file of that size takes, and no more: asked for before the file is looked at.
fn bound_for(geometry: Option<Geometry>) -> io::Result<()> {
    let [_, height, width] = geometry.map_or([0; 3], |geometry| geometry.grid().map(u64::from));
    let voxels = geometry.map_or(0, Geometry::elements);
    bound(
        MEMORY_BASE + BYTES_PER_PIXEL * height * width,
        CPU_BASE_S + voxels / VOXELS_A_SECOND,
    )
}

/// The scorer takes whatever can be read; what it would find odd is told and no reason to refuse the image.
fn look(format: Format, geometry: Option<Geometry>, file: impl Read) -> io::Result<Verdict> {
    match read(format, geometry, file) {
        Ok(notes) => Ok(Verdict::Readable { notes }),
        Err(Error::Source(error)) => Err(error),
        Err(error) => Ok(Verdict::Unreadable {
            detail: error.to_string(),
        }),
    }
}

fn read(format: Format, geometry: Option<Geometry>, file: impl Read) -> Result<Vec<String>, Error> {
    let Some(geometry) = geometry else {
        match format {
            Format::Labelme => drop(labelme::read(file, &labelme::Limits::default())?),
            Format::Nifti => drop(nifti::read_labels(file, &nifti::Limits::default())?),
        }
        return Ok(Vec::new());
    };
    let format = match format {
        Format::Labelme => molar_volumes::Format::Labelme,
        Format::Nifti => molar_volumes::Format::Nifti,
    };
    // Which labels a track has is the scorer's to say.
    let checked = check_prediction(format, file, geometry, |_| true)?;
    let complaints = checked.complaints.iter().map(ToString::to_string);
    let notes = checked.notes.iter().map(ToString::to_string);
    Ok(complaints.chain(notes).take(NOTES_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Geometry = Geometry::Image {
        height: 20,
        width: 20,
    };

    fn verdict(file: &str, geometry: Option<Geometry>) -> Verdict {
        look(Format::Labelme, geometry, file.as_bytes()).unwrap()
    }

    fn polygons(extent: u32, label: &str) -> String {
        format!(
            r#"{{"imageHeight": {extent}, "imageWidth": {extent}, "shapes": [{{"label": {label}, "points": [[2, 2], [9, 2], [9, 9]]}}]}}"#
        )
    }

    #[test]
    fn a_prediction_is_read_as_the_scorer_reads_it() {
        let readable = Verdict::Readable { notes: Vec::new() };
        assert_eq!(verdict(&polygons(20, r#""11""#), Some(SIZE)), readable);
        assert_eq!(verdict(&polygons(8, r#""11""#), None), readable);
        for (file, reason) in [
            (
                polygons(8, r#""11""#),
                "it is 8 × 8 (height × width), the case is 20 × 20",
            ),
            ("not a file of polygons".to_owned(), "JSON"),
        ] {
            let Verdict::Unreadable { detail } = verdict(&file, Some(SIZE)) else {
                panic!("{file} is readable");
            };
            assert!(detail.contains(reason), "{detail}");
        }
    }

    #[test]
    fn what_the_scorer_takes_and_finds_odd_is_told() {
        let Verdict::Readable { notes } = verdict(&polygons(20, "11"), Some(SIZE)) else {
            panic!("it is not readable");
        };
        assert!(!notes.is_empty());
    }

    #[test]
    fn a_volume_of_the_images_size_is_readable() {
        let mut file = Vec::new();
        let volume = ndarray::Array3::<i16>::zeros((2, 3, 4));
        nifti::write_labels(&mut file, volume.view(), [0.3; 3]).unwrap();
        let size = |size| look(Format::Nifti, Some(Geometry::volume(size)), &*file).unwrap();
        assert_eq!(size([4, 3, 2]), Verdict::Readable { notes: Vec::new() });
        assert!(matches!(size([2, 3, 4]), Verdict::Unreadable { .. }));
    }
}
