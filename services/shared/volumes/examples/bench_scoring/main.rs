//! Scoring beside its floor, which is inflating the same files with the same inflater: `make bench`.
//!
//! Every time is the median of interleaved rounds, and one core's where `RAYON_NUM_THREADS` is 1: what the
//! process spent on processors, to which other load on the machine adds little. Only the batch, which is
//! about threads, goes by the clock. Memory is the peak of a process that does nothing else. A second
//! table has the surface distances beside the seven metrics.

mod cases;
mod distances;

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use comfy_table::{Table, presets};
use flate2::bufread::MultiGzDecoder;
use molar_metrics::{Mask, Overlap, protocol_scores, surface_dice};
use molar_volumes::nifti::{self, LabelVolume};
use molar_volumes::{Format, Reference, labelme};
use ndarray::Array3;
use rustix::time::{ClockId, clock_gettime};

use cases::Pair;

const ROUNDS: usize = 7;
const BATCH: usize = 20;
/// That of the reader.
const CHUNK: usize = 1 << 18;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [job, reference, prediction] = &arguments[..] {
        return alone(job, &[reference.into(), prediction.into()]);
    }
    let folder = tempfile::tempdir()?;
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    let head = [
        "case",
        "floor",
        "ours",
        "ratio",
        "goal",
        "peak memory",
        "naive",
        "its memory",
    ];
    table.set_header(head);
    let phantom = cases::draw(folder.path())?;
    let (name, pair) = match cases::demo("cbct", "nii.gz") {
        Some(pair) => {
            table.add_row(of_volume("CBCT demo case", "≤ 1.3", &pair)?);
            ("CBCT demo case", pair)
        }
        None => {
            println!("the CBCT demo case is not here: a phantom stands for it in what follows");
            ("phantom", phantom.clone())
        }
    };
    table.add_row(of_volume(
        "phantom 512 × 512 × 400, 32 teeth",
        "≤ 2",
        &phantom,
    )?);
    match cases::demo("opg", "json") {
        Some(pair) => of_polygons(&mut table, &pair)?,
        None => println!("the OPG demo case is not here"),
    }
    table.add_row(of_batch(&pair)?);
    println!("{table}\n\n{}", distances::table(name, &pair)?);
    Ok(())
}

/// One job in a process of its own, for its peak memory.
fn alone(job: &str, pair: &Pair) -> anyhow::Result<()> {
    match job {
        "ours" => score(Format::Nifti, pair)?,
        "naive" => naive(pair)?,
        _ => distances::alone(job, pair)?,
    }
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!(
        "{}",
        peak.context("no VmHWM")?.trim().trim_end_matches(" kB")
    );
    Ok(())
}

fn of_volume(case: &str, goal: &str, pair: &Pair) -> anyhow::Result<Vec<String>> {
    let (mut floors, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        floors.push(timed(|| pair.iter().try_for_each(|file| inflate(file)))?);
        ours.push(timed(|| score(Format::Nifti, pair))?);
    }
    let (floor, ours) = (median(floors), median(ours));
    let slow = timed(|| naive(pair))?;
    Ok(vec![
        case.to_owned(),
        ms(floor),
        ms(ours),
        ratio(ours, floor),
        goal.to_owned(),
        peak("ours", pair)?,
        ms(slow),
        peak("naive", pair)?,
    ])
}

fn of_polygons(table: &mut Table, pair: &Pair) -> anyhow::Result<()> {
    let whole: anyhow::Result<Vec<_>> = (0..ROUNDS)
        .map(|_| timed(|| score(Format::Labelme, pair)))
        .collect();
    let read = |path| {
        anyhow::Ok(labelme::read(
            File::open(path)?,
            &labelme::Limits::default(),
        )?)
    };
    let (reference, prediction) = (read(&pair[0])?, read(&pair[1])?);
    let parsed: anyhow::Result<Vec<_>> = (0..ROUNDS)
        .map(|_| {
            timed(|| {
                black_box(protocol_scores(
                    &reference.rasterise(),
                    &prediction.rasterise(),
                )?);
                Ok(())
            })
        })
        .collect();
    let rows = [
        (
            "OPG demo case, JSON to seven metrics",
            "≤ 15 ms",
            median(whole?),
        ),
        ("OPG demo case, without parsing", "≤ 5 ms", median(parsed?)),
    ];
    for (case, goal, time) in rows {
        table.add_row([case, "", &ms(time), "", goal, "", "", ""]);
    }
    Ok(())
}

fn of_batch(pair: &Pair) -> anyhow::Result<Vec<String>> {
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        one.push(timed_by_the_clock(|| batch(pair, 1))?);
        two.push(timed_by_the_clock(|| batch(pair, 2))?);
    }
    let (one, two) = (median(one), median(two));
    let times = format!("{:.2} ×", one.as_secs_f64() / two.as_secs_f64());
    let case = format!("batch of {BATCH} CBCT cases, two threads against one");
    let none = String::new;
    Ok(vec![
        case,
        ms(one),
        ms(two),
        times,
        "≥ 1.8 ×".to_owned(),
        none(),
        none(),
        none(),
    ])
}

fn batch(pair: &Pair, threads: usize) -> anyhow::Result<()> {
    let next = AtomicUsize::new(0);
    let work = || {
        while next.fetch_add(1, Ordering::Relaxed) < BATCH {
            score(Format::Nifti, pair)?;
        }
        anyhow::Ok(())
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut ended = running.into_iter().map(|one| one.join());
        ended.try_for_each(|one| one.map_err(|_| anyhow::anyhow!("a thread panicked"))?)
    })
}

fn score(format: Format, [reference, prediction]: &Pair) -> anyhow::Result<()> {
    let reference = Reference::read(format, File::open(reference)?, None)?;
    black_box(reference.score(File::open(prediction)?, |_| true)?);
    Ok(())
}

fn inflate(file: &Path) -> anyhow::Result<()> {
    let reader = BufReader::with_capacity(CHUNK, File::open(file)?);
    let mut inflated = MultiGzDecoder::new(reader);
    let mut chunk = vec![0; CHUNK];
    while inflated.read(&mut chunk)? > 0 {
        black_box(&mut chunk);
    }
    Ok(())
}

/// Both volumes in memory, and a mask as large as they are for each label.
fn naive(pair: &Pair) -> anyhow::Result<()> {
    let read = |path: &PathBuf| -> anyhow::Result<(LabelVolume, Array3<i32>)> {
        let volume = nifti::read_labels(File::open(path)?, &nifti::Limits::default())?;
        let grid = volume.geometry().grid().map(|extent| extent as usize);
        let mut voxels = Array3::zeros(grid);
        for (mut plane, z) in voxels.outer_iter_mut().zip(0..) {
            for run in volume.plane(z) {
                for x in run.start..run.end {
                    plane[[run.y as usize, x as usize]] = run.label;
                }
            }
        }
        Ok((volume, voxels))
    };
    let ((labels, a), (_, b)) = (read(&pair[0])?, read(&pair[1])?);
    let compare = |is_in: &dyn Fn(i32) -> bool| {
        let [a, b] = [&a, &b].map(|side| Mask::from_view(side.mapv(is_in).view()));
        let overlap = Overlap::of(&a, &b);
        black_box((overlap.dice(), overlap.iou(), surface_dice(&a, &b)));
    };
    compare(&|voxel| voxel != 0);
    for &label in labels.labels() {
        compare(&|voxel| voxel == label);
    }
    Ok(())
}

fn peak(job: &str, [reference, prediction]: &Pair) -> anyhow::Result<String> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.arg(job).arg(reference).arg(prediction).output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let kib: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
    Ok(format!("{:.0} MiB", kib / 1024.0))
}

fn timed(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let spent =
        || -> anyhow::Result<Duration> { Ok(clock_gettime(ClockId::ProcessCPUTime).try_into()?) };
    let begun = spent()?;
    work()?;
    Ok(spent()? - begun)
}

fn timed_by_the_clock(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn ratio(ours: Duration, floor: Duration) -> String {
    format!("{:.2}", ours.as_secs_f64() / floor.as_secs_f64())
}
