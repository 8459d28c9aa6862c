//! ORCID identifiers: sixteen digits, the last of which is a check over the others (ISO 7064, MOD 11-2).

/// As it is written, `0000-0002-1825-0097`; none where it is none. An address of it is taken, too.
pub fn parse(text: &str) -> Option<String> {
    let text = text.trim();
    let bare = ["https://orcid.org/", "http://orcid.org/", "orcid.org/"]
        .iter()
        .find_map(|before| text.strip_prefix(before))
        .unwrap_or(text);
    let groups: Vec<&str> = bare.split('-').collect();
    if groups.len() != 4 || groups.iter().any(|group| group.len() != 4) {
        return None;
    }
    let digits = groups.concat().to_ascii_uppercase();
    let (body, check) = digits.split_at_checked(15)?;
    let mut total = 0;
    for digit in body.chars() {
        total = (total + digit.to_digit(10)?) * 2;
    }
    let expected = match (12 - total % 11) % 11 {
        10 => "X".to_owned(),
        digit => digit.to_string(),
    };
    (check == expected).then(|| {
        format!(
            "{}-{}-{}-{}",
            &digits[..4],
            &digits[4..8],
            &digits[8..12],
            &digits[12..]
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_of_orcids_own_documents_are_right() {
        for good in [
            "0000-0002-1825-0097",
            "0000-0001-5109-3700",
            "0000-0002-1694-233X",
        ] {
            assert_eq!(parse(good).as_deref(), Some(good));
        }
        assert_eq!(
            parse(" https://orcid.org/0000-0002-1694-233x ").as_deref(),
            Some("0000-0002-1694-233X")
        );
    }

    #[test]
    fn one_wrong_digit_or_two_that_changed_places_are_seen() {
        for bad in [
            "0000-0002-1825-0098",
            "0000-0002-1852-0097",
            "0000-0002-1825-009X",
            "0000-0002-1825-009",
            "0000000218250097",
            "0000-0002-18250-097",
            "000X-0002-1825-0097",
            "0000-0002-1825-00é7",
            "",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
