use molar_metrics::LabelRun;

use crate::cells::Plane;

/// Three planes of a volume that meet in one voxel: axial, coronal and sagittal. The volume's planes are
/// pushed in order, and no more than these three are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cross {
    at: [u32; 3],
    /// Rows of the axial one run along y, those of the others along z.
    pub planes: [Plane; 3],
}

impl Cross {
    /// `at` is the voxel, x, y and z.
    pub fn new(at: [u32; 3]) -> Self {
        Self {
            at,
            planes: Default::default(),
        }
    }

    pub fn push(&mut self, z: u32, reference: &[LabelRun], prediction: &[LabelRun]) {
        let [x, y, axial] = self.at;
        let sides = [(reference, false), (prediction, true)];
        for (runs, is_prediction) in sides {
            let held = self.planes.each_mut().map(|plane| match is_prediction {
                true => &mut plane.prediction,
                false => &mut plane.reference,
            });
            if z == axial {
                held[0].extend_from_slice(runs);
            }
            held[1].extend(row(runs, y).iter().map(|run| LabelRun { y: z, ..*run }));
            held[2].extend(
                runs.iter()
                    .filter(|run| run.start <= x && x < run.end)
                    .map(|run| LabelRun {
                        y: z,
                        start: run.y,
                        end: run.y + 1,
                        label: run.label,
                    }),
            );
        }
    }
}

fn row(runs: &[LabelRun], y: u32) -> &[LabelRun] {
    let start = runs.partition_point(|run| run.y < y);
    let end = runs.partition_point(|run| run.y <= y);
    &runs[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(y: u32, start: u32, end: u32, label: i32) -> LabelRun {
        LabelRun {
            y,
            start,
            end,
            label,
        }
    }

    #[test]
    fn each_plane_is_what_a_cut_through_the_voxel_shows() {
        let mut cross = Cross::new([4, 2, 1]);
        cross.push(0, &[run(1, 0, 4, 11), run(2, 3, 9, 12)], &[]);
        cross.push(
            1,
            &[run(2, 0, 2, 11), run(3, 4, 5, 12)],
            &[run(0, 2, 6, 13)],
        );
        cross.push(2, &[], &[run(2, 1, 3, 13), run(2, 4, 5, 14)]);
        let [axial, coronal, sagittal] = cross.planes;
        assert_eq!(axial.reference, [run(2, 0, 2, 11), run(3, 4, 5, 12)]);
        assert_eq!(axial.prediction, [run(0, 2, 6, 13)]);
        assert_eq!(coronal.reference, [run(0, 3, 9, 12), run(1, 0, 2, 11)]);
        assert_eq!(coronal.prediction, [run(2, 1, 3, 13), run(2, 4, 5, 14)]);
        assert_eq!(sagittal.reference, [run(0, 2, 3, 12), run(1, 3, 4, 12)]);
        assert_eq!(sagittal.prediction, [run(1, 0, 1, 13), run(2, 2, 3, 14)]);
    }
}
