//! One curve as an inline SVG: steps over time, the area below filled, the peak marked.

/// Small, so that its letters can be read on a telephone.
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 48.0;
const RIGHT: f64 = WIDTH - 14.0;
/// Below the head and the label of a peak.
const TOP: f64 = 32.0;
const BOTTOM: f64 = HEIGHT - 34.0;

/// A value and the stretch that it holds for, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    pub from_s: f64,
    pub to_s: f64,
    pub value: f64,
}

pub struct Plot {
    /// Of the elements that name and describe it.
    pub id: &'static str,
    pub title: String,
    pub description: String,
    pub unit: &'static str,
    pub line: String,
    pub under: String,
    pub across: Vec<Tick>,
    pub up: Vec<Tick>,
    pub peak: Mark,
}

pub struct Tick {
    pub at: f64,
    pub label: String,
}

pub struct Mark {
    pub x: f64,
    pub y: f64,
    pub label: String,
    /// Which end of the label is at the mark.
    pub anchor: &'static str,
}

impl Plot {
    /// None without a value.
    pub fn new(
        id: &'static str,
        title: impl Into<String>,
        unit: &'static str,
        steps: &[Step],
    ) -> Option<Self> {
        let title = title.into();
        let peak = steps.iter().max_by(|a, b| a.value.total_cmp(&b.value))?;
        let end_s = steps.last()?.to_s.max(0.1);
        let (across, _) = ticks(end_s, 5);
        let (up, top) = ticks(peak.value, 4);
        let scale = Scale { end_s, top };
        let x = scale.x((peak.from_s + peak.to_s) / 2.0);
        let label = format!("peak {} {unit}", amount(peak.value));
        Some(Self {
            description: format!(
                "{title} over {} s: the {label} at {} s.",
                amount(end_s),
                amount(peak.from_s)
            ),
            line: scale.line(steps),
            under: scale.under(steps),
            across: labelled(&across, |s| scale.x(s)),
            up: labelled(&up, |value| scale.y(value)),
            peak: Mark {
                x: tenth(x),
                y: tenth(scale.y(peak.value)),
                label,
                anchor: match x {
                    x if x < LEFT + 70.0 => "start",
                    x if x > RIGHT - 70.0 => "end",
                    _ => "middle",
                },
            },
            id,
            title,
            unit,
        })
    }
}

struct Scale {
    end_s: f64,
    top: f64,
}

impl Scale {
    fn x(&self, s: f64) -> f64 {
        LEFT + (s / self.end_s).clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - (value / self.top).clamp(0.0, 1.0) * (BOTTOM - TOP)
    }

    fn line(&self, steps: &[Step]) -> String {
        let mut path = String::new();
        for step in steps {
            let (x, y) = (tenth(self.x(step.from_s)), tenth(self.y(step.value)));
            path += &match path.is_empty() {
                true => format!("M{x} {y}"),
                false => format!("V{y}"),
            };
            path += &format!("H{}", tenth(self.x(step.to_s)));
        }
        path
    }

    fn under(&self, steps: &[Step]) -> String {
        let from = steps.first().map_or(LEFT, |step| self.x(step.from_s));
        let line = self.line(steps);
        format!("{line}V{BOTTOM}H{}Z", tenth(from))
    }
}

/// Round values from 0 on, at most `most` steps of them up to `end`, and where the next one lies.
fn ticks(end: f64, most: u32) -> (Vec<f64>, f64) {
    let least = (end / f64::from(most)).max(1e-3);
    let power = 10_f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|times| times * power)
        .into_iter()
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power);
    let count = (end / step - 1e-9).ceil().max(1.0);
    let values = (0..=count as u32).map(|n| f64::from(n) * step);
    (values.collect(), count * step)
}

fn labelled(values: &[f64], place: impl Fn(f64) -> f64) -> Vec<Tick> {
    let decimals = match values.get(1) {
        Some(step) if *step < 0.1 => 2,
        Some(step) if *step < 1.0 => 1,
        _ => 0,
    };
    let inside = values.iter().filter(|value| {
        // The last across may lie beyond the end.
        let (last, before) = (place(**value), place(**value * 0.999));
        **value == 0.0 || (last - before).abs() > 1e-9
    });
    inside
        .map(|value| Tick {
            at: tenth(place(*value)),
            label: format!("{value:.decimals$}"),
        })
        .collect()
}

/// To three figures, for the eye.
pub fn amount(value: f64) -> String {
    match value {
        value if value.abs() >= 100.0 => format!("{value:.0}"),
        value if value.abs() >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from_s: f64, to_s: f64, value: f64) -> Step {
        Step {
            from_s,
            to_s,
            value,
        }
    }

    #[test]
    fn a_curve_is_drawn_in_steps_with_its_peak_marked() {
        let steps = [
            step(0.0, 5.0, 100.0),
            step(5.0, 8.0, 400.0),
            step(8.0, 10.0, 0.0),
        ];
        let plot = Plot::new("memory", "Memory", "MiB", &steps).unwrap();
        assert_eq!(plot.line, "M48 132.5H227V32H334.4V166H406");
        assert_eq!(plot.under, "M48 132.5H227V32H334.4V166H406V166H48Z");
        assert_eq!((plot.peak.x, plot.peak.y), (280.7, 32.0));
        assert_eq!(plot.peak.label, "peak 400 MiB");
        assert_eq!(
            plot.description,
            "Memory over 10.0 s: the peak 400 MiB at 5.00 s."
        );
        let labels = |ticks: &[Tick]| {
            let labels = ticks.iter().map(|tick| tick.label.clone());
            labels.collect::<Vec<_>>()
        };
        assert_eq!(labels(&plot.up), ["0", "100", "200", "300", "400"]);
        assert_eq!(labels(&plot.across), ["0", "2", "4", "6", "8", "10"]);
    }

    #[test]
    fn ticks_are_round_and_reach_the_end() {
        assert_eq!(ticks(3.1, 4), (vec![0.0, 1.0, 2.0, 3.0, 4.0], 4.0));
        assert_eq!(ticks(900.0, 5).0, [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]);
        assert_eq!(ticks(400.0, 4).1, 400.0);
        assert!(ticks(0.0, 4).1 > 0.0);
    }

    #[test]
    fn a_tick_beyond_the_end_is_not_drawn() {
        let plot = Plot::new("cpu", "CPU", "cores", &[step(0.0, 9.0, 1.0)]).unwrap();
        let last = plot.across.last().unwrap();
        assert_eq!(last.label, "8");
        assert!(last.at < RIGHT);
    }

    #[test]
    fn nothing_measured_is_nothing_drawn_and_zero_is_a_line() {
        assert!(Plot::new("cpu", "CPU", "cores", &[]).is_none());
        let flat = Plot::new("cpu", "CPU", "cores", &[step(0.0, 0.0, 0.0)]).unwrap();
        assert!(!flat.line.contains("NaN"), "{}", flat.line);
    }
}
