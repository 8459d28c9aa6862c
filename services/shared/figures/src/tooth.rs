//! Teeth by their numbers after FDI (ISO 3950), and where they stand in an open mouth.

/// A permanent (11–48) or deciduous (51–85) tooth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fdi {
    pub quadrant: u8,
    /// From the midline, 1 on.
    pub place: u8,
}

impl Fdi {
    pub fn of(number: i32) -> Option<Self> {
        let (quadrant, place) = (number.div_euclid(10), number.rem_euclid(10));
        let last = match quadrant {
            1..=4 => 8,
            5..=8 => 5,
            _ => return None,
        };
        let place = u8::try_from(place)
            .ok()
            .filter(|place| (1..=last).contains(place))?;
        Some(Self {
            quadrant: u8::try_from(quadrant).ok()?,
            place,
        })
    }

    pub fn number(self) -> u8 {
        self.quadrant * 10 + self.place
    }

    pub fn is_deciduous(self) -> bool {
        self.quadrant > 4
    }

    pub fn is_upper(self) -> bool {
        matches!(self.quadrant, 1 | 2 | 5 | 6)
    }

    /// Of the patient, and so on the left of who looks.
    pub fn is_right(self) -> bool {
        matches!(self.quadrant, 1 | 4 | 5 | 8)
    }

    pub fn all(is_deciduous: bool) -> impl Iterator<Item = Self> {
        let (quadrants, last) = match is_deciduous {
            true => (5..=8, 5),
            false => (1..=4, 8),
        };
        quadrants.flat_map(move |quadrant| (1..=last).map(move |place| Self { quadrant, place }))
    }

    /// How much of its arch it takes, and how deep it is, to that of a molar.
    fn size(self) -> (f64, f64) {
        match (self.is_deciduous(), self.place) {
            (_, 1) if self.is_upper() => (0.88, 0.86),
            (_, 1 | 2) => (0.82, 0.86),
            (_, 3) => (0.86, 0.92),
            (false, 4 | 5) => (0.88, 0.96),
            _ => (1.0, 1.0),
        }
    }
}

/// One arch of an open mouth, the upper above the lower.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arch {
    /// Of both arches together.
    pub centre: (f64, f64),
    /// Half the width, and the height of one arch.
    pub half: (f64, f64),
    /// Between the last teeth of the two.
    pub gap: f64,
    /// How far around it goes; a quarter turn is the whole side.
    pub turn: f64,
}

/// Where a tooth stands and how it is turned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spot {
    pub x: f64,
    pub y: f64,
    /// Along the arch and across it.
    pub size: (f64, f64),
    pub degrees: f64,
}

const STEPS: usize = 240;

impl Arch {
    pub fn spot(&self, tooth: Fdi) -> Spot {
        let row = Fdi::all(tooth.is_deciduous()).filter(|other| other.quadrant == tooth.quadrant);
        let widths: Vec<f64> = row.map(|other| other.size().0).collect();
        let place = usize::from(tooth.place - 1);
        let before: f64 = widths[..place].iter().sum();
        let whole: f64 = widths.iter().sum();
        let (angle, length) = self.along((before + widths[place] / 2.0) / whole);
        let (across, up) = (self.half.0 * angle.sin(), self.half.1 * angle.cos());
        let side = if tooth.is_right() { -1.0 } else { 1.0 };
        let jaw = if tooth.is_upper() { -1.0 } else { 1.0 };
        // The direction of the arch at the tooth.
        let slope = (self.half.1 * angle.sin()).atan2(self.half.0 * angle.cos());
        let along = length * widths[place] / whole - 2.5;
        Spot {
            x: self.centre.0 + side * across,
            y: self.centre.1 + jaw * (up + self.gap / 2.0),
            size: (along, length / whole * tooth.size().1),
            degrees: (side * -jaw * slope).to_degrees(),
        }
    }

    /// The angle from the midline at a share of one side's length, and that length.
    fn along(&self, share: f64) -> (f64, f64) {
        let angle = |step: usize| self.turn * step as f64 / STEPS as f64;
        let point = |step: usize| {
            (
                self.half.0 * angle(step).sin(),
                self.half.1 * angle(step).cos(),
            )
        };
        let pieces = (1..=STEPS).map(|step| {
            let ((ax, ay), (bx, by)) = (point(step - 1), point(step));
            (bx - ax).hypot(by - ay)
        });
        let pieces: Vec<f64> = pieces.collect();
        let length: f64 = pieces.iter().sum();
        let mut left = share * length;
        for (step, piece) in pieces.iter().enumerate() {
            if left <= *piece {
                return (
                    angle(step) + (angle(step + 1) - angle(step)) * left / piece,
                    length,
                );
            }
            left -= piece;
        }
        (self.turn, length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_no_teeth_are_none() {
        for number in [0, 10, 19, 49, 50, 56, 86, 91, -11, 811] {
            assert_eq!(Fdi::of(number), None, "{number}");
        }
        let numbers = Fdi::all(false).chain(Fdi::all(true)).map(Fdi::number);
        assert_eq!(
            numbers.filter(|n| Fdi::of(i32::from(*n)).is_some()).count(),
            52
        );
    }

    #[test]
    fn the_patients_right_is_on_the_left_and_the_upper_jaw_above() {
        let arch = Arch {
            centre: (100.0, 200.0),
            half: (80.0, 100.0),
            gap: 20.0,
            turn: 1.5,
        };
        let at = |number| arch.spot(Fdi::of(number).unwrap());
        for (number, is_left, is_above) in [
            (18, true, true),
            (28, false, true),
            (38, false, false),
            (48, true, false),
            (11, true, true),
            (31, false, false),
        ] {
            let spot = at(number);
            assert_eq!(
                (spot.x < 100.0, spot.y < 200.0),
                (is_left, is_above),
                "{number}"
            );
        }
        assert!(
            at(11).y < at(13).y && at(13).y < at(18).y,
            "incisors are in front"
        );
        assert!(at(41).y > at(48).y);
        let (left, right) = (at(14), at(24));
        assert!((left.x + right.x - 200.0).abs() < 1e-9 && left.degrees == -right.degrees);
    }

    #[test]
    fn neighbours_do_not_overlap() {
        let arch = Arch {
            centre: (0.0, 0.0),
            half: (150.0, 200.0),
            gap: 24.0,
            turn: 1.5,
        };
        for tooth in Fdi::all(false).filter(|tooth| tooth.place < 8) {
            let next = Fdi {
                place: tooth.place + 1,
                ..tooth
            };
            let (a, b) = (arch.spot(tooth), arch.spot(next));
            let apart = (a.x - b.x).hypot(a.y - b.y);
            assert!(apart >= (a.size.0 + b.size.0) / 2.0, "{tooth:?} {apart}");
        }
    }
}
