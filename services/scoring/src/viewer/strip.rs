//! Bars of the errors along an axis, each a link to the slice that it stands for.

use molar_pictures::Profile;

/// More slices than this share a bar.
const BARS: u64 = 96;
/// Of the drawing.
pub const HEIGHT: f64 = 24.0;

pub struct Bar {
    pub x: u64,
    /// From above.
    pub y: f64,
    pub height: f64,
    /// The slice with the most errors among those of the bar.
    pub slice: u32,
    pub errors: u64,
    pub is_here: bool,
}

/// `here` is the slice that is shown.
pub fn bars(profile: &Profile, axis: usize, here: u32) -> Vec<Bar> {
    let errors: Vec<u64> = profile.errors(axis).collect();
    let most = errors.iter().copied().max().unwrap_or(0).max(1);
    let number = (errors.len() as u64).min(BARS);
    let edge = |bar: u64| (bar * errors.len() as u64 / number) as usize;
    (0..number)
        .map(|x| {
            let slices = edge(x)..edge(x + 1);
            let worst = slices
                .clone()
                .rev()
                .max_by_key(|slice| errors[*slice])
                .unwrap_or(slices.start);
            let height = HEIGHT * errors[worst] as f64 / most as f64;
            Bar {
                x,
                y: HEIGHT - height,
                height,
                // Unwrap safety (of the cast): below an extent.
                slice: worst as u32,
                errors: errors[worst],
                is_here: slices.contains(&(here as usize)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use molar_metrics::LabelRun;

    use super::*;

    #[test]
    fn a_bar_stands_for_the_worst_of_its_slices() {
        let mut profile = Profile::new([1000, 1, 200]);
        let run = |end| {
            [LabelRun {
                y: 0,
                start: 0,
                end,
                label: 11,
            }]
        };
        profile.push(100, &run(400), &[]);
        profile.push(101, &run(800), &[]);
        let profile = profile.finish();
        let bars = bars(&profile, 2, 100);
        assert_eq!(bars.len(), 96);
        let tall: Vec<_> = bars.iter().filter(|bar| bar.errors > 0).collect();
        assert_eq!(tall.len(), 1, "two slices in one bar");
        assert_eq!(
            (tall[0].slice, tall[0].errors, tall[0].is_here),
            (101, 800, true)
        );
        assert_eq!((tall[0].y, tall[0].height), (0.0, HEIGHT));
        assert_eq!(super::bars(&profile, 1, 0).len(), 1);
    }
}
