//! The protocol's seven metrics in one pass over the planes of two volumes.

mod channel;
mod places;
mod plane;

use std::collections::HashMap;
use std::ops::Range;

use ndarray::{ArrayView2, ArrayView3};

use crate::labels::{MAX_LABELS, MAX_SPANNING};
use crate::scores::{LabelScore, Pair};
use crate::tally::Tally;
use crate::{CaseScores, Error, Mask, Voxel};
use channel::{Channel, Of};
use places::Places;

/// Words of one plane of each label that are granted in a grid however small: 48 MiB in all planes.
const HELD_ANYWAY: usize = 1 << 18;

/// Voxels of one row of a plane that have one label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LabelRun {
    pub y: u32,
    pub start: u32,
    /// Excluded.
    pub end: u32,
    pub label: i32,
}

impl LabelRun {
    pub(crate) fn x(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Scores a volume while it is read: planes are pushed in order, and of each label only the last few are
/// held, cropped to it. The result is that of [`protocol_scores`](crate::protocol_scores), bit for bit.
///
/// The labels of the reference have to be known beforehand. Other labels of the prediction are counted,
/// but no plane of theirs is held, however many there are (up to [`MAX_LABELS`]).
///
/// ```
/// use molar_metrics::{LabelRun, StreamScorer};
///
/// let run = |start, end, label| LabelRun { y: 0, start, end, label };
/// let mut scorer = StreamScorer::new([1, 1, 8], [11]);
/// scorer.push(&[run(2, 6, 11)], &[run(2, 4, 11), run(4, 6, 12)])?;
/// let scores = scorer.finish()?;
/// assert_eq!((scores.image_iou, scores.instance_iou), (1.0, 0.5));
/// # Ok::<(), molar_metrics::Error>(())
/// ```
#[derive(Debug)]
pub struct StreamScorer {
    grid: [usize; 3],
    pushed: usize,
    foreground: Channel,
    /// Of the reference's labels.
    channels: Vec<Channel>,
    places: Places,
    /// Voxels of the prediction's other labels.
    others: HashMap<i32, u64>,
    /// Channels with voxels in the plane at hand.
    touched: Vec<usize>,
    /// Words of one plane of each channel.
    held: usize,
}

impl StreamScorer {
    /// `grid` is `[z, y, x]`.
    pub fn new(grid: [usize; 3], reference_labels: impl IntoIterator<Item = i32>) -> Self {
        let places = Places::of(reference_labels);
        Self {
            grid,
            pushed: 0,
            foreground: Channel::default(),
            channels: places.labels().map(|_| Channel::default()).collect(),
            places,
            others: HashMap::new(),
            touched: Vec::new(),
            held: 0,
        }
    }

    /// Takes the next plane: all its runs that are not background (label 0 is left out), none of them
    /// overlapping within a side.
    ///
    /// Fails on a run outside the grid, on a plane too many, on a label of the reference that was not
    /// announced, and on noise that would take many times a plane's memory.
    pub fn push(&mut self, reference: &[LabelRun], prediction: &[LabelRun]) -> Result<(), Error> {
        self.check(reference, prediction)?;
        let sides = [(Of::Reference, reference), (Of::Prediction, prediction)];
        for (of, runs) in sides {
            self.measure(of, runs)?;
        }
        let z = self.pushed;
        self.pushed += 1;
        if reference.is_empty() && prediction.is_empty() {
            return Ok(());
        }
        self.open(z)?;
        for (of, runs) in sides {
            self.fill(of, runs);
        }
        self.foreground.close();
        for channel in self.touched.drain(..) {
            self.channels[channel].close();
        }
        Ok(())
    }

    /// Takes the next planes of two volumes in memory, axes z, y, x.
    pub fn push_slab<R: Voxel, P: Voxel>(
        &mut self,
        reference: ArrayView3<'_, R>,
        prediction: ArrayView3<'_, P>,
    ) -> Result<(), Error> {
        let extent = |(z, y, x): (usize, usize, usize)| [z, y, x];
        let (a, b) = (extent(reference.dim()), extent(prediction.dim()));
        if a != b || a[1..] != self.grid[1..] {
            return Err(Error::GridMismatch {
                reference: a,
                prediction: b,
            });
        }
        let mut runs = [Vec::new(), Vec::new()];
        for (a, b) in reference.outer_iter().zip(prediction.outer_iter()) {
            label_runs(a, &mut runs[0]);
            label_runs(b, &mut runs[1]);
            self.push(&runs[0], &runs[1])?;
        }
        Ok(())
    }

    /// The scores, after the last plane.
    ///
    /// Fails where planes are missing, where the reference has no label, and where one that was announced
    /// has no voxel.
    pub fn finish(self) -> Result<CaseScores<i32>, Error> {
        if self.pushed != self.grid[0] {
            return Err(Error::Planes {
                expected: self.grid[0],
                found: self.pushed,
            });
        }
        if self.channels.is_empty() {
            return Err(Error::EmptyReference);
        }
        let labelled = self.places.labels().zip(self.channels);
        let mut scores = Vec::with_capacity(self.others.len() + labelled.len());
        for (label, channel) in labelled {
            let voxels = [Of::Reference, Of::Prediction].map(|of| channel.count(of));
            if voxels[0] == 0 {
                return Err(Error::EmptyReferenceLabel {
                    label: label.to_string(),
                });
            }
            let found = voxels.map(|voxels| (voxels > 0).then_some(voxels));
            scores.push(LabelScore::of(label, channel.finish(), found));
        }
        for (label, voxels) in self.others {
            scores.push(LabelScore::of(label, Pair::default(), [None, Some(voxels)]));
        }
        scores.sort_unstable_by_key(|score| score.label);
        Ok(CaseScores::of(self.foreground.finish(), scores))
    }

    fn check(&self, reference: &[LabelRun], prediction: &[LabelRun]) -> Result<(), Error> {
        let [depth, height, width] = self.grid;
        if self.pushed == depth {
            return Err(Error::Planes {
                expected: depth,
                found: depth + 1,
            });
        }
        let is_outside = |run: &LabelRun| {
            run.y as usize >= height || run.end as usize > width || run.start >= run.end
        };
        if reference.iter().chain(prediction).any(is_outside) {
            return Err(Error::OutsideGrid { grid: self.grid });
        }
        let unknown = |run: &&LabelRun| run.label != 0 && self.places.find(run.label).is_none();
        match reference.iter().find(unknown) {
            Some(run) => Err(Error::MaskNotKept {
                label: run.label.to_string(),
            }),
            None => Ok(()),
        }
    }

    fn measure(&mut self, of: Of, runs: &[LabelRun]) -> Result<(), Error> {
        for run in runs.iter().filter(|run| run.label != 0) {
            self.foreground.measure(of, run);
            match self.places.find(run.label) {
                Some(at) => {
                    let channel = &mut self.channels[at];
                    if !channel.is_touched() {
                        self.touched.push(at);
                    }
                    channel.measure(of, run);
                }
                None => *self.others.entry(run.label).or_default() += run.x().len() as u64,
            }
        }
        let is_found = |channel: &&Channel| channel.count(of) > 0;
        let found = self.channels.iter().filter(is_found).count();
        if found + self.others.len() > MAX_LABELS {
            return Err(Error::TooManyLabels);
        }
        Ok(())
    }

    fn open(&mut self, z: usize) -> Result<(), Error> {
        let [_, height, width] = self.grid;
        let size: usize = self
            .touched
            .iter()
            .map(|&at| self.channels[at].size())
            .sum();
        let limit = (2 * MAX_SPANNING * height * width.div_ceil(64)).max(HELD_ANYWAY);
        if size > limit {
            return Err(Error::Scattered {
                limit: MAX_SPANNING,
            });
        }
        self.foreground.open(z);
        for &at in &self.touched {
            let channel = &mut self.channels[at];
            self.held -= channel.frame_size();
            channel.open(z);
            self.held += channel.frame_size();
            if self.held > limit {
                return Err(Error::Scattered {
                    limit: MAX_SPANNING,
                });
            }
        }
        Ok(())
    }

    fn fill(&mut self, of: Of, runs: &[LabelRun]) {
        for run in runs.iter().filter(|run| run.label != 0) {
            self.foreground.fill(of, run);
            if let Some(at) = self.places.find(run.label) {
                self.channels[at].fill(of, run);
            }
        }
    }
}

/// The surface elements of two masks, and which of them are near.
pub(crate) fn tally_of(a: &Mask, b: &Mask) -> Tally {
    Channel::tally_of(a, b)
}

/// The runs of a plane with axes y, x, background left out; what `runs` held is replaced.
pub fn label_runs<V: Voxel>(plane: ArrayView2<'_, V>, runs: &mut Vec<LabelRun>) {
    runs.clear();
    V::each_run(plane, &mut |y, x, label| {
        // Unwrap safety (of the casts): an extent beyond 32 bits has no plane in memory.
        runs.push(LabelRun {
            y: y as u32,
            start: x.start as u32,
            end: x.end as u32,
            label,
        });
    });
}
