//! Texts that people wrote, as pages show them: their addresses can be followed.

/// A piece of a text. Templates escape both kinds; only an address becomes a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    Text(&'a str),
    /// Begins with `http://` or `https://`.
    Link(&'a str),
}

/// Splits a text at its addresses.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = next_link(rest) {
        let length = length_of(&rest[start..]);
        if start > 0 {
            pieces.push(Piece::Text(&rest[..start]));
        }
        pieces.push(Piece::Link(&rest[start..start + length]));
        rest = &rest[start + length..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// Where an address with something behind its scheme begins.
fn next_link(text: &str) -> Option<usize> {
    let starts = text.match_indices("http").map(|(at, _)| at);
    starts
        .filter(|at| !text[..*at].ends_with(|c: char| c.is_ascii_alphanumeric()))
        .find(|at| {
            ["http://", "https://"].iter().any(|scheme| {
                let host = text[*at..].strip_prefix(scheme);
                host.is_some_and(|host| host.starts_with(|c: char| c.is_ascii_alphanumeric()))
            })
        })
}

/// Up to a space, a quote or a bracket, without the full stop of the sentence.
fn length_of(link: &str) -> usize {
    let is_outside = |c: char| c.is_whitespace() || c.is_control() || "<>\"'`()[]{}".contains(c);
    let end = link.find(is_outside).unwrap_or(link.len());
    link[..end]
        .trim_end_matches(['.', ',', ';', ':', '!', '?'])
        .len()
}

#[cfg(test)]
mod tests {
    use super::Piece::{Link, Text};
    use super::*;

    #[test]
    fn addresses_are_told_from_the_sentence_around_them() {
        assert_eq!(
            pieces("See https://molar.test/a?b=1, or (http://x.org/)."),
            [
                Text("See "),
                Link("https://molar.test/a?b=1"),
                Text(", or ("),
                Link("http://x.org/"),
                Text(")."),
            ]
        );
        assert_eq!(pieces(""), []);
        assert_eq!(pieces("ü https://ä"), [Text("ü https://ä")]);
    }

    #[test]
    fn nothing_else_becomes_a_link() {
        for text in [
            "javascript:alert(1)",
            "https://",
            "xhttps://a.b",
            "http://<b>",
            "data:text/html,x",
        ] {
            assert_eq!(pieces(text), [Text(text)], "{text}");
        }
        let quoted = pieces(r#"https://a.b/"onclick="x"#);
        assert_eq!(quoted, [Link("https://a.b/"), Text(r#""onclick="x"#)]);
    }
}
