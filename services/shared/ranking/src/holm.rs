//! Many tests at once.

/// The p-values, adjusted so that the chance of one false rejection among all is kept.
///
/// Sorted, the i-th of m becomes the largest of (m − j + 1) pⱼ, j ≤ i, and 1 at most (Holm 1979,
/// *A Simple Sequentially Rejective Multiple Test Procedure*, section 3; as R's `p.adjust`). In the
/// order given; NaN stays NaN and is not counted; none give none.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).filter(|&at| !p[at].is_nan()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![f64::NAN; p.len()];
    let mut largest = 0.0f64;
    for (rejected, &at) in order.iter().enumerate() {
        largest = largest
            .max((order.len() - rejected) as f64 * p[at])
            .min(1.0);
        adjusted[at] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_worked_out_by_hand() {
        assert_eq!(holm(&[0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02]);
        assert_eq!(holm(&[0.5, 0.6]), [1.0, 1.0]);
        assert_eq!(holm(&[0.2]), [0.2]);
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn what_is_not_a_number_is_not_counted() {
        let adjusted = holm(&[0.01, f64::NAN, 0.02]);
        assert_eq!([adjusted[0], adjusted[2]], [0.02, 0.02]);
        assert!(adjusted[1].is_nan());
    }
}
