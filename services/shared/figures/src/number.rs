//! Numbers as text: the same everywhere, whatever the locale.

/// Larger ones are shown as powers of ten, and no coordinate overflows.
const LARGEST: f64 = 1e300;
const SMALLEST: f64 = 1e-300;

/// A value that can be drawn: NaN and infinities are missing, the extreme ones are brought near.
pub(crate) fn drawable(value: Option<f64>) -> Option<f64> {
    let value = value.filter(|value| value.is_finite())?;
    match value.abs() < SMALLEST {
        true => Some(0.0),
        false => Some(value.clamp(-LARGEST, LARGEST)),
    }
}

/// With so many digits after the point; from ten million on as a power of ten; a dash for no number.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value.abs() >= 1e7 {
        return format!("{value:.1e}").replace('-', "−");
    }
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|byte| matches!(byte, b'0' | b'.')) => rest.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

/// A rank: whole, or with the fraction that ties gave it.
pub(crate) fn rank(rank: f64) -> String {
    match rank.fract().abs() < 1e-9 {
        true => fixed(rank, 0),
        false => {
            let text = fixed(rank, 2);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}

/// `1,234`
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share as per cent: no more than 0 is "0 %", and only all is "100 %".
pub(crate) fn percent(part: usize, of: usize) -> String {
    if of == 0 {
        return "–".to_owned();
    }
    let share = part as f64 / of as f64 * 100.0;
    match share {
        share if share > 0.0 && share < 1.0 => "< 1 %".to_owned(),
        share if share > 99.0 && share < 100.0 => "> 99 %".to_owned(),
        share => format!("{share:.0} %"),
    }
}

/// A coordinate, to a tenth.
pub(crate) fn tenth(value: f64) -> String {
    let tenth = (value * 10.0).round() / 10.0;
    // Not "-0".
    format!("{}", tenth + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_stable() {
        assert_eq!(fixed(-0.0004, 3), "0.000");
        assert_eq!(fixed(-1.5, 1), "−1.5");
        assert_eq!(fixed(3.2e9, 2), "3.2e9");
        assert_eq!(
            (rank(2.0), rank(1.5), rank(7.0 / 3.0)),
            ("2".into(), "1.5".into(), "2.33".into())
        );
        assert_eq!(
            (thousands(999), thousands(1_234_567)),
            ("999".into(), "1,234,567".into())
        );
        assert_eq!(
            (tenth(-0.01), tenth(3.0), tenth(2.26)),
            ("0".into(), "3".into(), "2.3".into())
        );
    }

    #[test]
    fn almost_none_is_not_none_and_almost_all_not_all() {
        assert_eq!(percent(1, 1000), "< 1 %");
        assert_eq!(percent(999, 1000), "> 99 %");
        assert_eq!(
            (percent(0, 7), percent(7, 7), percent(1, 3)),
            ("0 %".into(), "100 %".into(), "33 %".into())
        );
        assert_eq!(percent(0, 0), "–");
    }

    #[test]
    fn what_cannot_be_drawn_is_missing() {
        assert_eq!(drawable(Some(f64::NAN)), None);
        assert_eq!(drawable(Some(f64::NEG_INFINITY)), None);
        assert_eq!(drawable(Some(f64::MAX)), Some(LARGEST));
        assert_eq!(drawable(Some(5e-324)), Some(0.0));
    }
}
