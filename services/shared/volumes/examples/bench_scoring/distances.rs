//! The surface distances, of masks in memory: nothing bounds how many planes they take.

use std::fs::File;
use std::hint::black_box;

use anyhow::Context as _;
use comfy_table::{Table, presets};
use molar_metrics::{Context, Groups, Measure, Segmentation, Spacing, measure};
use molar_volumes::{Format, Reference, nifti};

use crate::cases::Pair;
use crate::{ROUNDS, median, ms, peak, score, timed};

/// What is measured at once, by the name of its row.
const ROWS: [(&str, &[&str]); 8] = [
    ("both files read into masks", &[]),
    ("the seven metrics of masks", &SEVEN),
    ("HD of each tooth", &["instance_HD"]),
    (
        "HD, HD95, ASSD of each tooth",
        &["instance_HD", "instance_HD95", "instance_ASSD"],
    ),
    ("the same, and NSD at 0.25, 0.5, 1 and 2 mm", &TEETH),
    ("all these of the image", &IMAGE),
    (
        "PQ by label and by two ways of matching",
        &["PQ", "PQ@greedy", "PQ@optimal"],
    ),
    ("the whole catalogue", &["*"]),
];

const SEVEN: [&str; 7] = [
    "image_DSC",
    "image_IoU",
    "image_NSD",
    "instance_DSC",
    "instance_IoU",
    "instance_NSD",
    "IA",
];

const TEETH: [&str; 7] = [
    "instance_HD",
    "instance_HD95",
    "instance_ASSD",
    "instance_NSD@0.25mm",
    "instance_NSD@0.5mm",
    "instance_NSD@1mm",
    "instance_NSD@2mm",
];

const IMAGE: [&str; 7] = [
    "image_HD",
    "image_HD95",
    "image_ASSD",
    "image_NSD@0.25mm",
    "image_NSD@0.5mm",
    "image_NSD@1mm",
    "image_NSD@2mm",
];

/// Times are of masks that were read before, but for the first two rows; memory is that of the process
/// that reads them too.
pub fn table(case: &str, pair: &Pair) -> anyhow::Result<Table> {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header([case, "time", "peak memory"]);
    let streamed: anyhow::Result<Vec<_>> = (0..ROUNDS)
        .map(|_| timed(|| score(Format::Nifti, pair)))
        .collect();
    let streamed = ms(median(streamed?));
    table.add_row([
        "the seven metrics while both files are read",
        &streamed,
        &peak("ours", pair)?,
    ]);
    // What the scoring role saves by keeping it for the next submission.
    let reference: anyhow::Result<Vec<_>> = (0..ROUNDS)
        .map(|_| {
            timed(|| {
                let file = File::open(&pair[0])?;
                black_box(Reference::read(Format::Nifti, file, None)?);
                Ok(())
            })
        })
        .collect();
    let reference = ms(median(reference?));
    table.add_row(["of these, reading the reference", &reference, ""]);
    let read = Sides::read(pair)?;
    for (row, names) in ROWS {
        let times: anyhow::Result<Vec<_>> = (0..ROUNDS)
            .map(|_| {
                timed(|| match names {
                    [] => Sides::read(pair).map(|sides| drop(black_box(sides))),
                    _ => read.measure(names),
                })
            })
            .collect();
        table.add_row([row, &ms(median(times?)), &peak(row, pair)?]);
    }
    Ok(table)
}

/// The row of that name once.
pub fn alone(row: &str, pair: &Pair) -> anyhow::Result<()> {
    let (_, names) = ROWS
        .iter()
        .find(|(name, _)| *name == row)
        .context("no such job")?;
    Sides::read(pair)?.measure(names)
}

struct Sides {
    reference: Segmentation<i32>,
    prediction: Segmentation<i32>,
    spacing: Spacing,
}

impl Sides {
    fn read([reference, prediction]: &Pair) -> anyhow::Result<Self> {
        let read = |path| {
            let volume = nifti::read_labels(File::open(path)?, &nifti::Limits::default())?;
            anyhow::Ok(volume)
        };
        let (reference, prediction) = (read(reference)?, read(prediction)?);
        let [x, y, z] = reference.spacing();
        Ok(Self {
            spacing: Spacing::new([z, y, x])?,
            reference: reference.segmentation()?,
            prediction: prediction.segmentation()?,
        })
    }

    fn measure(&self, names: &[&str]) -> anyhow::Result<()> {
        let measures = match names {
            ["*"] => Measure::catalogue(),
            _ => names
                .iter()
                .map(|name| name.parse())
                .collect::<Result<_, _>>()?,
        };
        let context = Context {
            spacing: self.spacing,
            diagonal_mm: self.spacing.diagonal_mm(self.reference.grid()),
            groups: &Groups::default(),
            joint: None,
            scores: None,
        };
        black_box(measure(
            &self.reference,
            &self.prediction,
            &context,
            &measures,
        )?);
        Ok(())
    }
}
