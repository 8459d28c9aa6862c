//! Names that people chose, where no `<bdi>` can keep their direction to themselves: in the choices of a list, in the
//! title of a window.

/// The name without the controls that would turn what stands beside it; "(no name)" where nothing else was in it.
pub fn plain(name: &str) -> String {
    let name: String = name.chars().filter(|c| !turns(*c)).collect();
    match name.trim().is_empty() {
        true => "(no name)".to_owned(),
        false => name,
    }
}

/// The marks, embeddings, overrides and isolates of Unicode's bidirectional algorithm (UAX #9, section 2).
const fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_name_keeps_its_letters_and_turns_nothing_else() {
        assert_eq!(plain("\u{202e}gnp\u{2069}.exe\u{200f}"), "gnp.exe");
        // Letters are written the way that they are, and signs of several code points stay one.
        assert_eq!(plain("فريق 👩\u{200d}👧"), "فريق 👩\u{200d}👧");
        assert_eq!(plain("\u{202e} \u{202c}"), "(no name)");
    }
}
