//! The process that reads a team's file: a job on its standard input, a verdict on its standard output.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use molar_service::bounds::bound;

use super::verdict::{Job, Task, Verdict};
use super::{container, predictions};

/// By how much it stands back from the role that answers people.
const NICE: i32 = 10;

/// What `molar check` does. Anything but a verdict on standard output means that there is none.
pub fn check_main() -> ExitCode {
    match run(io::stdin().lock(), io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("check: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    let mut text = Vec::new();
    input.read_to_end(&mut text)?;
    let job: Job = serde_json::from_slice(&text)?;
    bound(job.memory_bytes, job.cpu_s)?;
    // Whoever asks the role something comes before what waits in line anyway.
    rustix::process::nice(NICE)?;
    let verdict = look(&job);
    serde_json::to_writer(&mut output, &verdict)?;
    output.flush()
}

/// The check itself, in whatever process.
pub(super) fn look(job: &Job) -> Verdict {
    let looked = match &job.task {
        Task::Predictions {
            format,
            labels,
            cases,
        } => predictions::check(&job.path, *format, labels, cases),
        Task::Container { uncompressed_bytes } => container::check(&job.path, *uncompressed_bytes),
        Task::Split {
            uncompressed_bytes,
            image,
            wanted,
            folder,
        } => container::split(&job.path, *uncompressed_bytes, image, wanted, folder),
    };
    looked.unwrap_or_else(|error| Verdict::Unreadable {
        detail: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::process::ExitStatusExt;
    use std::path::Path;
    use std::process::{Command, ExitStatus, Stdio};

    use molar_volumes::{Format, Geometry};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::super::verdict::Case;
    use super::*;

    /// Where the process below finds its job and leaves its verdict; unset in an ordinary run.
    const FOLDER: &str = "MOLAR_TEST_CHECK_FOLDER";

    /// Not a test but the process that one of them starts: limits hold for a whole process.
    #[test]
    fn in_a_process_of_its_own() {
        let Some(folder) = std::env::var_os(FOLDER) else {
            return;
        };
        let folder = Path::new(&folder);
        let job = File::open(folder.join("job")).unwrap();
        run(job, File::create(folder.join("verdict")).unwrap()).unwrap();
    }

    /// An image of that many pixels in height and width, without a shape.
    fn check(extent: u32, memory_bytes: u64) -> (ExitStatus, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("upload");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        zip.start_file("Case_01_Mask.json", SimpleFileOptions::default())
            .unwrap();
        write!(
            zip,
            r#"{{"imageHeight": {extent}, "imageWidth": {extent}, "shapes": [
                {{"label": "11", "points": [[0, 0], [{extent}, 0], [{extent}, {extent}], [0, {extent}]]}}]}}"#
        )
        .unwrap();
        zip.finish().unwrap();
        let job = Job {
            path,
            memory_bytes,
            cpu_s: 60,
            task: Task::Predictions {
                format: Format::Labelme,
                labels: vec![11],
                cases: vec![Case {
                    name: "Case_01".into(),
                    geometry: Geometry::image(extent, extent),
                }],
            },
        };
        std::fs::write(folder.path().join("job"), serde_json::to_vec(&job).unwrap()).unwrap();
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "checks::program::tests::in_a_process_of_its_own"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        let verdict = std::fs::read_to_string(folder.path().join("verdict"));
        (status, verdict.unwrap_or_default())
    }

    #[test]
    fn a_file_that_takes_more_than_the_limit_ends_the_process_and_not_the_machine() {
        let (status, verdict) = check(8, 256 << 20);
        assert!(
            status.success() && verdict.contains("accepted"),
            "{status} {verdict}"
        );

        // A bit a pixel is 200 MB.
        let (status, verdict) = check(40_000, 64 << 20);
        assert_eq!(status.signal(), Some(6), "{status} {verdict}");
        assert_eq!(verdict, "");
    }
}
