//! What a reader asked of the page: all of it in the address, so that it works without a script and can be sent on.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use molar_domain::challenge::time;
use url::form_urlencoded;

use crate::boards::{Board, Row};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Who {
    #[default]
    All,
    Eligible,
    Out,
}

impl Who {
    pub const ALL: [(Self, &str, &str); 3] = [
        (Self::All, "all", "All"),
        (Self::Eligible, "eligible", "In the competition"),
        (Self::Out, "out", "Out of competition"),
    ];

    fn takes(self, row: &Row) -> bool {
        match self {
            Self::All => true,
            Self::Eligible => row.out_reason.is_none(),
            Self::Out => row.out_reason.is_some(),
        }
    }
}

/// Of a long board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// From one.
    Number(usize),
    All,
}

impl Default for Page {
    fn default() -> Self {
        Self::Number(1)
    }
}

impl Page {
    fn of(word: &str) -> Self {
        match word {
            "all" => Self::All,
            number => number.parse().map(Self::Number).unwrap_or_default(),
        }
    }

    fn word(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::All => "all".to_owned(),
        }
    }
}

/// Words that are not known count as if they were not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    pub sort: Option<String>,
    pub dir: Option<String>,
    /// Part of a team's name.
    pub team: String,
    pub who: Who,
    /// Names of columns; none: all.
    pub columns: Vec<String>,
    pub baseline: Option<String>,
    /// As it was typed.
    pub at: String,
    pub page: Page,
}

impl Wanted {
    pub fn of(query: &str) -> Self {
        let mut wanted = Self::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim().to_owned();
            match &*key {
                _ if value.is_empty() => {}
                "sort" => wanted.sort = Some(value),
                "dir" => wanted.dir = Some(value),
                "team" => wanted.team = value,
                "who" => {
                    let known = Who::ALL.into_iter().find(|(_, word, _)| *word == value);
                    wanted.who = known.map(|(who, ..)| who).unwrap_or_default();
                }
                "column" => wanted.columns.push(value),
                "baseline" => wanted.baseline = Some(value),
                "at" => wanted.at = value,
                "page" => wanted.page = Page::of(&value),
                _ => {}
            }
        }
        wanted
    }

    /// The moment in the phase's zone; what is wrong with it otherwise.
    pub fn moment(&self, zone: Tz) -> Result<Option<DateTime<Utc>>, String> {
        match self.at.as_str() {
            "" => Ok(None),
            text => time(text, zone).map(Some),
        }
    }

    /// Whether any row or column may be missing that would be there otherwise.
    pub fn is_filtered(&self) -> bool {
        let plain = Self {
            sort: None,
            dir: None,
            page: Page::default(),
            ..self.clone()
        };
        plain != Self::default()
    }

    /// Of the rows that are shown: a filter finds nothing that is not.
    pub fn filter(&self, board: &mut Board) {
        let part = self.team.to_lowercase();
        board
            .rows
            .retain(|row| self.who.takes(row) && row.team.to_lowercase().contains(&part));
    }

    pub fn shows(&self, column: &str) -> bool {
        self.columns.is_empty() || self.columns.iter().any(|name| name == column)
    }

    /// The address of another page in the same order.
    pub fn paged(&self, path: &str, page: Page) -> String {
        let order = [("sort", &self.sort), ("dir", &self.dir)];
        let order = order.into_iter();
        let order = order.filter_map(|(key, value)| Some((key, value.as_deref()?)));
        self.address(path, order, Some(page))
    }

    /// The address of the same board in another order, from its first page on.
    pub fn sorted(&self, path: &str, sort: &str, dir: &str) -> String {
        self.address(path, [("sort", sort), ("dir", dir)], None)
    }

    fn address<'a>(
        &self,
        path: &str,
        order: impl IntoIterator<Item = (&'a str, &'a str)>,
        page: Option<Page>,
    ) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(order).extend_pairs(self.kept());
        query.extend_pairs(page.map(|page| ("page", page.word())));
        format!("{path}?{}", query.finish())
    }

    /// What another order leaves as it is.
    fn kept(&self) -> Vec<(&'static str, String)> {
        let who = Who::ALL.into_iter().find(|(who, ..)| *who == self.who);
        let who = who.filter(|(who, ..)| *who != Who::All);
        let mut kept = Vec::new();
        if !self.team.is_empty() {
            kept.push(("team", self.team.clone()));
        }
        kept.extend(who.map(|(_, word, _)| ("who", word.to_owned())));
        kept.extend(self.columns.iter().map(|name| ("column", name.clone())));
        kept.extend(self.baseline.iter().map(|name| ("baseline", name.clone())));
        if !self.at.is_empty() {
            kept.push(("at", self.at.clone()));
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_is_wanted_and_keeps_it_in_another_order() {
        let wanted =
            Wanted::of("team=+R%26D+&who=out&column=IA&column=submitted&at=&other=1&sort=IA");
        assert_eq!((wanted.team.as_str(), wanted.who), ("R&D", Who::Out));
        assert!(wanted.shows("IA") && !wanted.shows("mean_rank") && wanted.is_filtered());
        assert_eq!(
            wanted.sorted("/b", "team", "asc"),
            "/b?sort=team&dir=asc&team=R%26D&who=out&column=IA&column=submitted"
        );
        let plain = Wanted::of("sort=IA&dir=desc&who=nobody&page=3");
        assert!(plain.shows("IA") && !plain.is_filtered());
        assert_eq!(plain.page, Page::Number(3));
        assert_eq!(plain.sorted("/b", "IA", "asc"), "/b?sort=IA&dir=asc");
        assert_eq!(plain.paged("/b", Page::All), "/b?sort=IA&dir=desc&page=all");
        assert_eq!(
            wanted.paged("/b", Page::Number(2)),
            "/b?sort=IA&team=R%26D&who=out&column=IA&column=submitted&page=2"
        );
        for nonsense in ["page=-1", "page=two", "page=99999999999999999999"] {
            assert_eq!(Wanted::of(nonsense).page, Page::Number(1));
        }
        assert_eq!(Wanted::of("page=all").page, Page::All);
    }

    #[test]
    fn a_moment_is_of_the_zone_and_nonsense_is_told() {
        let zone: Tz = "Europe/Berlin".parse().unwrap();
        let at = |text: &str| Wanted::of(&format!("at={text}")).moment(zone);
        let expected: DateTime<Utc> = "2026-11-20T11:00:00Z".parse().unwrap();
        assert_eq!(at("2026-11-20T12:00"), Ok(Some(expected)));
        assert_eq!(at("2026-11-20T11:00:00Z"), Ok(Some(expected)));
        assert_eq!(at(""), Ok(None));
        assert!(at("yesterday").unwrap_err().contains("is no time"));
    }
}
