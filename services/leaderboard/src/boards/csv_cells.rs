//! What stands in the cells of a table.

/// Empty where there is none.
pub fn text(value: Option<impl ToString>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

/// Names, reasons and links are texts that strangers chose; a spreadsheet must not take them for a formula.
pub fn unarmed(name: &str) -> String {
    if name.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{name}")
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_that_looks_like_a_formula_is_text() {
        assert_eq!(super::unarmed("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(super::unarmed("Team-1"), "Team-1");
    }
}
