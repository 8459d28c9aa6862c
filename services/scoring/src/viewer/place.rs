//! Which voxel of a volume is asked for.

use molar_web_kit::{ApiError, Complaints};

const AXES: [&str; 3] = ["x", "y", "z"];

/// Where a volume is looked at: as asked for, else where it is worst.
pub fn voxel(
    wanted: [Option<u32>; 3],
    size: [u32; 3],
    worst: [u32; 3],
) -> Result<[u32; 3], ApiError> {
    let mut wrong = Complaints::new();
    for ((axis, wanted), extent) in AXES.into_iter().zip(wanted).zip(size) {
        let last = extent.saturating_sub(1);
        let is_inside = wanted.is_none_or(|at| at <= last);
        let detail = format!("is beyond the volume: {axis} runs from 0 to {last}");
        wrong.check(is_inside, &format!("/{axis}"), detail);
    }
    wrong.finish()?;
    let mut at = worst;
    for (at, wanted) in at.iter_mut().zip(wanted) {
        *at = wanted.unwrap_or(*at);
    }
    Ok(at)
}

/// An image has no slices.
pub fn no_voxel(wanted: [Option<u32>; 3]) -> Result<(), ApiError> {
    let mut wrong = Complaints::new();
    for (axis, wanted) in AXES.into_iter().zip(wanted) {
        wrong.check(wanted.is_none(), &format!("/{axis}"), "belongs to volumes");
    }
    wrong.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_asked_for_is_where_it_is_worst_and_beyond_is_told() {
        let at = |wanted| voxel(wanted, [10, 20, 30], [1, 2, 3]);
        assert_eq!(at([None, Some(19), None]).unwrap(), [1, 19, 3]);
        let problem = at([Some(10), None, Some(99)]).unwrap_err().problem();
        let told: Vec<_> = problem.errors.iter().map(|error| &*error.detail).collect();
        assert_eq!(
            told,
            [
                "is beyond the volume: x runs from 0 to 9",
                "is beyond the volume: z runs from 0 to 29"
            ]
        );
        assert!(no_voxel([None; 3]).is_ok());
        assert!(no_voxel([None, None, Some(0)]).is_err());
    }
}
