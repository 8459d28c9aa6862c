//! Text of strangers, shown to people.

/// The text without what could do something to a terminal or fool an eye: control characters as pictures of
/// themselves, a carriage return as the end of its line, marks that turn the direction of writing replaced.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\n' | '\t' => shown.push(c),
            '\r' if rest.peek() == Some(&'\n') => {}
            '\r' => shown.push('\n'),
            '\u{7f}' => shown.push('␡'),
            '\0'..='\u{1f}' => shown.push(picture(c)),
            c if c.is_control() || is_deceptive(c) => shown.push(char::REPLACEMENT_CHARACTER),
            c => shown.push(c),
        }
    }
    shown
}

/// The block of pictures lies in the order of what it shows.
fn picture(control: char) -> char {
    char::from_u32(0x2400 + u32::from(control)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::printable;

    #[test]
    fn an_escape_sequence_is_seen_and_not_obeyed() {
        assert_eq!(printable("\u{1b}[2J\u{1b}]0;title\u{7}"), "␛[2J␛]0;title␇");
        assert_eq!(printable("\u{9b}31m"), "\u{fffd}31m");
        assert_eq!(printable("name\u{202e}gpj.exe"), "name\u{fffd}gpj.exe");
    }

    #[test]
    fn lines_stay_lines_and_a_progress_bar_becomes_some() {
        assert_eq!(printable("a\tb\r\nc\n"), "a\tb\nc\n");
        assert_eq!(printable("10 %\r20 %\r"), "10 %\n20 %\n");
        assert_eq!(printable("Zähne · 牙齿"), "Zähne · 牙齿");
    }

    proptest! {
        #[test]
        fn nothing_that_controls_comes_through(text in "\\PC*|.*|[\\x00-\\x9f]*") {
            let shown = printable(&text);
            prop_assert!(shown.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
            prop_assert_eq!(printable(&shown), shown);
        }
    }
}
