//! Tooth numbering after FDI (ISO 3950): quadrant, then place from the midline.

/// Permanent teeth: 11–18, 21–28, 31–38, 41–48.
pub fn permanent() -> Vec<i32> {
    quadrants(1..=4, 8)
}

/// Deciduous teeth: 51–55, 61–65, 71–75, 81–85.
pub fn deciduous() -> Vec<i32> {
    quadrants(5..=8, 5)
}

fn quadrants(quadrants: std::ops::RangeInclusive<i32>, teeth: i32) -> Vec<i32> {
    quadrants
        .flat_map(|q| (1..=teeth).map(move |t| q * 10 + t))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_full_dentition_has_52_numbers() {
        assert_eq!(super::permanent().len(), 32);
        assert_eq!(super::deciduous().len(), 20);
        assert_eq!(super::deciduous()[..3], [51, 52, 53]);
    }
}
