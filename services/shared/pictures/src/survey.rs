use std::ops::Range;

use molar_metrics::LabelRun;
use molar_volumes::Label;

use crate::cells::Plane;
use crate::front::Front;
use crate::joint::each_segment;
use crate::sheet::{Picture, Stack};
use crate::tally::{Counts, Tally};

/// Looks through a volume for the slice that says most; planes are pushed in order, and one of them is
/// held.
pub struct Survey {
    /// Voxels along x, y and z.
    size: [u32; 3],
    pushed: u32,
    tally: Tally,
    front: Front,
    bounds: [Range<u32>; 3],
    chosen: Chosen,
}

#[derive(Default)]
struct Chosen {
    counts: Counts,
    z: u32,
    plane: Plane,
}

impl Survey {
    pub fn new(size: [u32; 3]) -> Self {
        Self {
            size,
            pushed: 0,
            tally: Tally::default(),
            front: Front::new(size[0], size[2]),
            bounds: [0..0, 0..0, 0..0],
            chosen: Chosen::default(),
        }
    }

    pub fn push(&mut self, reference: &[LabelRun], prediction: &[LabelRun]) {
        let z = self.pushed;
        self.pushed += 1;
        let mut counts = Counts::default();
        each_segment(reference, prediction, |segment| {
            counts.add(segment);
            self.tally.add(segment);
            self.front.add(z, segment);
            let place = [segment.x.clone(), segment.y..segment.y + 1, z..z + 1];
            for (bounds, place) in self.bounds.iter_mut().zip(place) {
                *bounds = both(bounds, &place);
            }
        });
        // Of slices without an error, the one that shows most.
        let rank = |counts: &Counts| (counts.errors(), counts.all());
        if rank(&counts) > rank(&self.chosen.counts) {
            let plane = Plane {
                reference: reference.to_vec(),
                prediction: prediction.to_vec(),
            };
            self.chosen = Chosen { counts, z, plane };
        }
    }

    /// `spacing` in millimetres along x, y and z.
    pub fn finish(self, case: &str, spacing: [f64; 3]) -> Picture {
        let [width, height, depth] = self.size;
        Picture {
            case: case.to_owned(),
            plane: self.chosen.plane,
            size: [width, height],
            tally: self.tally,
            name: Box::new(Label::Value),
            stack: Some(Stack {
                depth,
                z: self.chosen.z,
                slice: self.chosen.counts,
                spacing,
                front: self.front,
                bounds: self.bounds,
            }),
        }
    }
}

/// The smallest range around both; an empty one adds nothing.
fn both(a: &Range<u32>, b: &Range<u32>) -> Range<u32> {
    match a.is_empty() {
        true => b.clone(),
        false => a.start.min(b.start)..a.end.max(b.end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(y: u32, x: Range<u32>, label: i32) -> LabelRun {
        LabelRun {
            y,
            start: x.start,
            end: x.end,
            label,
        }
    }

    #[test]
    fn the_slice_with_the_most_errors_is_drawn() {
        let tooth = |x| [run(4, x, 11)];
        let mut survey = Survey::new([20, 10, 4]);
        survey.push(&[], &[]);
        survey.push(&tooth(2..12), &tooth(2..12));
        survey.push(&tooth(2..6), &tooth(5..9));
        survey.push(&tooth(2..6), &tooth(3..7));
        let picture = survey.finish("A", [1.0; 3]);
        assert_eq!(picture.plane.prediction, tooth(5..9));
        let stack = picture.stack.unwrap();
        assert_eq!((stack.z, stack.slice.errors()), (2, 6));
        assert_eq!(stack.bounds, [2..12, 4..5, 1..4]);
        assert_eq!(
            (picture.tally.counts.all(), picture.tally.counts.errors()),
            (22, 8)
        );
    }

    #[test]
    fn without_errors_it_is_the_fullest_slice() {
        let mut survey = Survey::new([20, 10, 3]);
        for end in [3, 9, 5] {
            let tooth = [run(0, 0..end, 11)];
            survey.push(&tooth, &tooth);
        }
        assert_eq!(survey.finish("A", [1.0; 3]).stack.unwrap().z, 1);
    }
}
