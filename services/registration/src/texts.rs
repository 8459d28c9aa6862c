//! Texts of several lines that people write.

use molar_web_kit::Complaints;

/// Trims a text, makes its ends of lines one kind, and complains about its length or odd characters.
pub fn prose(wrong: &mut Complaints, pointer: &str, given: &str, max: usize) -> String {
    let text = given.trim().replace("\r\n", "\n");
    let length = text.chars().count();
    wrong.check(
        (1..=max).contains(&length),
        pointer,
        format!("must have 1 to {max} characters, has {length}"),
    );
    let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    wrong.check(
        !text.chars().any(is_odd),
        pointer,
        "must have no control characters",
    );
    text
}

/// Whether `text` has `name` in it as words of their own, in whatever case.
pub fn mentions(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    !name.is_empty()
        && text.match_indices(&name).any(|(at, found)| {
            is_edge(text[..at].chars().next_back())
                && is_edge(text[at + found.len()..].chars().next())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_and_other_control_characters_are_not() {
        let mut wrong = Complaints::new();
        assert_eq!(prose(&mut wrong, "/text", " a\r\nb\tc ", 10), "a\nb\tc");
        assert!(wrong.is_empty());
        prose(&mut wrong, "/text", "a\u{7}", 10);
        assert!(!wrong.is_empty());
    }

    #[test]
    fn a_name_is_found_as_words_of_their_own() {
        assert!(mentions("As for MOLARS: yes", "Molars"));
        assert!(mentions("AI", "ai"));
        assert!(!mentions("it is said", "AI"));
        assert!(!mentions("premolars", "Molars"));
    }
}
