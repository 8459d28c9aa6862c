use std::fmt;

/// What an instance is called in its file.
///
/// Labels match by being equal, so a JSON number never matches the text of the same digits, and
/// `"11 "` never matches `"11"`: the challenge's own evaluation does not match them either.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Label {
    /// The value of a voxel.
    Value(i32),
    /// The usual label of a shape, as written.
    Text(String),
    /// A label that is a JSON number, as digits: `11` and `11.0` are one label.
    Number(String),
}

impl Label {
    /// The number that this label stands for; `None` if it cannot be one of a track's labels.
    pub fn number(&self) -> Option<i32> {
        match self {
            Self::Value(value) => Some(*value),
            Self::Text(text) => {
                let number: i32 = text.parse().ok()?;
                // "011" and "+11" parse, but match no reference.
                (number.to_string() == *text).then_some(number)
            }
            Self::Number(_) => None,
        }
    }
}

/// Never more than a line, whatever the file holds.
impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => write!(f, "{value}"),
            Self::Text(text) if self.number().is_some() => f.write_str(text),
            Self::Text(text) => write!(f, "{}", Quoted(text)),
            Self::Number(digits) => write!(f, "{} (a number)", Cut(digits)),
        }
    }
}

/// How many characters of a participant's text are shown.
pub(crate) const SHOWN: usize = 40;

/// A participant's text between quotes: escaped, and cut.
pub(crate) struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, rest) = cut(self.0);
        write!(f, "{shown:?}{rest}")
    }
}

/// A participant's digits: cut.
pub(crate) struct Cut<'a>(pub &'a str);

impl fmt::Display for Cut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, rest) = cut(self.0);
        write!(f, "{shown}{rest}")
    }
}

fn cut(text: &str) -> (&str, &str) {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => (&text[..end], "…"),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Label {
        Label::Text(text.to_owned())
    }

    #[test]
    fn only_plain_digits_are_a_number() {
        assert_eq!(text("11").number(), Some(11));
        assert_eq!(Label::Value(-1).number(), Some(-1));
        for other in ["11 ", "011", "+11", "11.0", "", "tooth", "99999999999"] {
            assert_eq!(text(other).number(), None, "{other:?}");
        }
        assert_eq!(Label::Number("11".to_owned()).number(), None);
    }

    #[test]
    fn a_label_is_shown_on_one_short_line() {
        assert_eq!(text("11").to_string(), "11");
        assert_eq!(text("1\n1").to_string(), r#""1\n1""#);
        assert_eq!(
            text(&"x".repeat(99)).to_string(),
            format!("{:?}…", "x".repeat(40))
        );
        let number = |digits: &str| Label::Number(digits.to_owned()).to_string();
        assert_eq!(number("11"), "11 (a number)");
        assert_eq!(
            number(&"1".repeat(300)),
            format!("{}… (a number)", "1".repeat(40))
        );
    }
}
