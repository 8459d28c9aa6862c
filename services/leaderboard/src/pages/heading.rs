//! The heading of a column that can be ordered by a link.

pub struct Heading {
    pub title: String,
    pub note: String,
    pub link: String,
    pub class: &'static str,
    /// `ascending` or `descending`; empty where it is another column that orders.
    pub sorted: &'static str,
}

impl Heading {
    /// `is_descending` of the column that orders, and of no other.
    pub fn new(title: &str, note: &str, link: String, is_descending: Option<bool>) -> Self {
        let (class, sorted) = match is_descending {
            None => ("", ""),
            Some(false) => ("asc", "ascending"),
            Some(true) => ("desc", "descending"),
        };
        Self {
            title: title.to_owned(),
            note: note.to_owned(),
            link,
            class,
            sorted,
        }
    }
}
