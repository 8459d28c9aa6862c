//! Names and sentences as they may stand in a figure, whoever wrote them.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Begins and ends a stretch whose direction is its own, so that a name in Arabic or Hebrew turns
/// nothing beside it.
const ISOLATE: (char, char) = ('\u{2068}', '\u{2069}');
/// Marks piled on one letter would climb over the lines above.
const MOST_OF_ONE_LETTER: usize = 12;

/// A name as one line of harmless characters.
///
/// What XML forbids becomes U+FFFD; controls of direction go, since they could end our isolation.
pub(crate) fn clean(name: &str) -> String {
    let characters = name.chars().filter_map(|c| match c {
        '\u{061c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => None,
        c if c.is_whitespace() => Some(' '),
        '\u{fffe}' | '\u{ffff}' => Some('\u{fffd}'),
        c if c.is_control() => Some('\u{fffd}'),
        c => Some(c),
    });
    let line: String = characters.collect();
    let letters = line.split(' ').filter(|word| !word.is_empty());
    let line = letters.collect::<Vec<_>>().join(" ");
    let tamed = line
        .graphemes(true)
        .flat_map(|letter| letter.chars().take(MOST_OF_ONE_LETTER));
    let line: String = tamed.collect();
    match line.is_empty() {
        true => "(no name)".to_owned(),
        false => line,
    }
}

pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            c => escaped.push(c),
        }
    }
    escaped
}

fn isolated(name: &str) -> String {
    format!("{}{name}{}", ISOLATE.0, ISOLATE.1)
}

/// A name as a part of a sentence, whole.
pub(crate) fn whole(name: &str) -> String {
    isolated(&clean(name))
}

/// A name that takes no more than `room` at a size, and whether that is less than all of it.
pub(crate) fn cut(name: &str, room: f64, size: f64) -> (String, bool) {
    let name = clean(name);
    if width(&name, size) <= room {
        return (isolated(&name), false);
    }
    let mut left = room - width("…", size);
    let begin: String = name
        .graphemes(true)
        .take_while(|letter| {
            left -= width(letter, size);
            left >= 0.0
        })
        .collect();
    (isolated(&format!("{}…", begin.trim_end())), true)
}

/// About how wide a text is; no font is at hand, so a wide one (DejaVu Sans) is taken.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.graphemes(true).map(of_letter).sum::<f64>() * size
}

fn of_letter(letter: &str) -> f64 {
    match letter.as_bytes() {
        [b'i' | b'j' | b'l' | b'I' | b'.' | b',' | b':' | b';' | b'\'' | b'|' | b' '] => 0.32,
        [b'f' | b't' | b'r' | b'(' | b')' | b'[' | b']' | b'/' | b'-' | b'"' | b'!'] => 0.40,
        [b'm' | b'w' | b'M' | b'W' | b'@' | b'%'] => 0.93,
        [b'A'..=b'Z'] => 0.70,
        [_] => 0.61,
        // U+00A0.
        [0xc2, 0xa0] => 0.32,
        _ => match letter.width() {
            0 => 0.0,
            1 => 0.68,
            _ => 1.3,
        },
    }
}

/// Lines of whole words, none wider than `room` unless a single word is. A name keeps together if
/// its spaces are U+00A0.
pub(crate) fn wrap(text: &str, room: f64, size: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out() {
        assert_eq!(
            clean("a\u{202e}b\u{2069}\u{0}\tc\u{ffff} "),
            "ab\u{fffd} c\u{fffd}"
        );
        assert_eq!(clean(" \n\u{200f}"), "(no name)");
        assert_eq!(escape("<b a='\"'>&"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
        let piled = format!("e{}", "\u{301}".repeat(400));
        assert_eq!(clean(&piled).chars().count(), MOST_OF_ONE_LETTER);
    }

    #[test]
    fn a_name_is_cut_between_letters_as_people_see_them() {
        let family = "👨‍👩‍👧‍👦";
        let (short, is_cut) = cut(&family.repeat(9), 60.0, 12.0);
        assert!(is_cut);
        let inside = short.trim_matches([ISOLATE.0, ISOLATE.1]);
        let letters: Vec<&str> = inside.graphemes(true).collect();
        assert!(letters.len() > 2, "{letters:?}");
        assert!(
            letters.iter().all(|letter| [family, "…"].contains(letter)),
            "{letters:?}"
        );
        assert_eq!(cut("Molar", 99.0, 12.0), (isolated("Molar"), false));
        assert_eq!(cut("Molar", 0.0, 12.0).0, isolated("…"));
    }

    #[test]
    fn a_line_is_not_longer_than_its_room() {
        let lines = wrap("the one before the other and so on", 80.0, 12.0);
        assert!(lines.len() > 2, "{lines:?}");
        assert!(
            lines.iter().all(|line| width(line, 12.0) <= 80.0),
            "{lines:?}"
        );
        assert_eq!(lines.join(" "), "the one before the other and so on");
        assert!(wrap("", 80.0, 12.0).is_empty());
    }
}
