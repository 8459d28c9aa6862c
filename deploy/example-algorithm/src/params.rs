use crate::Error;

/// How neighbouring teeth are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Where the picture is darkest between them.
    Valley,
    /// Where average teeth would meet, whatever the picture shows.
    Even,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    /// Factor on the automatic threshold: below 1 finds more, above 1 less.
    pub threshold_scale: f64,
    /// Smallest tooth, in thousandths of an average one.
    pub min_size: f64,
    pub split: Split,
    /// Radius of the smoothing before the threshold, in pixels or voxels of the working grid.
    pub smooth: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            threshold_scale: 1.0,
            min_size: 150.0,
            split: Split::Valley,
            smooth: 1,
        }
    }
}

impl Params {
    pub const NAMES: [&str; 4] = ["threshold-scale", "min-size", "split", "smooth"];

    /// Reads lines of `name = value`; empty lines and lines with `#` in front are skipped.
    pub fn read(&mut self, text: &str) -> Result<(), Error> {
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line
                .split_once('=')
                .ok_or_else(|| Error::Argument(line.to_owned()))?;
            self.set(name.trim(), value.trim())?;
        }
        Ok(())
    }

    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let wrong = || Error::Argument(format!("{name} = {value}"));
        match (name, value) {
            ("threshold-scale", _) => self.threshold_scale = positive(value).ok_or_else(wrong)?,
            ("min-size", _) => self.min_size = positive(value).ok_or_else(wrong)?,
            ("split", "valley") => self.split = Split::Valley,
            ("split", "even") => self.split = Split::Even,
            ("smooth", _) => {
                self.smooth = value
                    .parse()
                    .ok()
                    .filter(|&radius| radius <= 8)
                    .ok_or_else(wrong)?;
            }
            _ => return Err(wrong()),
        }
        Ok(())
    }
}

fn positive(value: &str) -> Option<f64> {
    value
        .parse()
        .ok()
        .filter(|&number: &f64| number.is_finite() && number > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_parameters_is_read() {
        let mut params = Params::default();
        params
            .read("# a variant\n\nsplit = even\n threshold-scale=1.2\n")
            .unwrap();
        assert_eq!(params.split, Split::Even);
        assert_eq!(params.threshold_scale, 1.2);
    }

    #[test]
    fn nonsense_is_refused() {
        for (name, value) in [
            ("split", "sideways"),
            ("smooth", "-1"),
            ("min-size", "nan"),
            ("x", "1"),
        ] {
            assert!(
                Params::default().set(name, value).is_err(),
                "{name} = {value}"
            );
        }
    }
}
