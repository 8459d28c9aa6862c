use std::collections::BTreeSet;
use std::io::Read;

use molar_metrics::{LabelRun, MAX_LABELS, Segmentation};

use super::planes::Planes;
use super::{Fault, Limits};
use crate::error::Result;
use crate::geometry::Geometry;

/// Of a volume that is held: 64 MiB. One of teeth has some ten thousand.
const RUNS_MAX: usize = 1 << 22;

/// A label volume as the runs of its planes: background takes nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelVolume {
    geometry: Geometry,
    /// Millimetres along x, y and z, as the header has it.
    spacing: [f64; 3],
    runs: Vec<LabelRun>,
    /// Where the runs of each plane end.
    ends: Vec<usize>,
    labels: BTreeSet<i32>,
}

/// Reads a label volume to its end, a chunk at a time.
pub fn read_labels(reader: impl Read, limits: &Limits) -> Result<LabelVolume> {
    read(Planes::open(reader, limits)?)
}

fn read(mut planes: Planes<'_>) -> Result<LabelVolume> {
    let (mut runs, mut ends, mut plane) = (Vec::new(), Vec::new(), Vec::new());
    let mut labels = Found::new();
    while planes.read(&mut plane)? {
        labels.add(&plane)?;
        if runs.len() + plane.len() > RUNS_MAX {
            return Err(Fault::Scattered.into());
        }
        runs.extend_from_slice(&plane);
        ends.push(runs.len());
    }
    runs.shrink_to_fit();
    Ok(LabelVolume {
        geometry: planes.geometry(),
        spacing: planes.header().spacing,
        runs,
        ends,
        labels: labels.all,
    })
}

/// The labels of a volume of which nothing else is wanted.
pub(crate) fn read_label_set(reader: impl Read, limits: &Limits) -> Result<BTreeSet<i32>> {
    let mut planes = Planes::open(reader, limits)?;
    let (mut labels, mut plane) = (Found::new(), Vec::new());
    while planes.read(&mut plane)? {
        labels.add(&plane)?;
    }
    Ok(labels.all)
}

/// The labels met so far.
struct Found {
    all: BTreeSet<i32>,
    /// The one that was met last at each remainder: those of teeth are not searched for again.
    recent: [i32; 128],
}

impl Found {
    fn new() -> Self {
        Self {
            all: BTreeSet::new(),
            recent: [0; 128],
        }
    }

    fn add(&mut self, runs: &[LabelRun]) -> Result<(), Fault> {
        for &LabelRun { label, .. } in runs {
            let recent = &mut self.recent[label as usize % 128];
            if *recent == label {
                continue;
            }
            *recent = label;
            self.all.insert(label);
            if self.all.len() > MAX_LABELS {
                return Err(Fault::TooManyLabels { limit: MAX_LABELS });
            }
        }
        Ok(())
    }
}

impl LabelVolume {
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Millimetres along x, y and z, which may be anything; the protocol ignores them.
    pub fn spacing(&self) -> [f64; 3] {
        self.spacing
    }

    pub(crate) fn size_bytes(&self) -> usize {
        size_of_val(&*self.runs) + size_of_val(&*self.ends)
    }

    /// The runs of plane `z`, in the order of the file; none beyond the last plane.
    pub fn plane(&self, z: usize) -> &[LabelRun] {
        match self.ends.get(z) {
            None => &[],
            Some(&end) => {
                let start = z.checked_sub(1).map_or(0, |before| self.ends[before]);
                &self.runs[start..end]
            }
        }
    }

    /// Value of the voxel in the header's axes; `None` outside.
    pub fn value(&self, [x, y, z]: [u32; 3]) -> Option<i32> {
        let [depth, height, width] = self.geometry.grid();
        if x >= width || y >= height || z >= depth {
            return None;
        }
        let plane = self.plane(z as usize);
        let after = plane.partition_point(|run| (run.y, run.start) <= (y, x));
        let run = after.checked_sub(1).map(|at| plane[at]);
        let run = run.filter(|run| run.y == y && x < run.end);
        Some(run.map_or(0, |run| run.label))
    }

    /// The values that occur, without 0.
    pub fn labels(&self) -> &BTreeSet<i32> {
        &self.labels
    }

    /// One mask per label; 0 is background.
    pub fn segmentation(&self) -> Result<Segmentation<i32>> {
        let grid = self.geometry.grid().map(|extent| extent as usize);
        let planes: Vec<_> = (0..self.ends.len()).map(|z| self.plane(z)).collect();
        Segmentation::from_label_runs(grid, &planes).map_err(|error| Fault::of(&error).into())
    }
}

impl Fault {
    /// What the voxels of a readable volume can be refused for.
    pub(crate) fn of(error: &molar_metrics::Error) -> Self {
        match error {
            molar_metrics::Error::Scattered { .. } => Self::Scattered,
            _ => Self::TooManyLabels { limit: MAX_LABELS },
        }
    }
}
