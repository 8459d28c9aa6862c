//! Which rows of a long board one page shows.

use std::ops::Range;

use super::wanted::{Page, Wanted};
use crate::boards::Row;

/// The board of a usual challenge is one page. A thousand rows at once are a burden to a telephone.
const MOST: usize = 200;

/// Rows are counted from one, in the order in which they are shown.
pub struct Part {
    pub first: usize,
    pub last: usize,
    pub of: usize,
    pub before: Option<Link>,
    pub after: Option<Link>,
    /// To where the caller's team is, where that is on another page.
    pub mine: Option<Link>,
    /// To all rows on one page.
    pub all: String,
}

pub struct Link {
    pub path: String,
    pub first: usize,
    pub last: usize,
}

impl Part {
    /// Of the rows that the filter leaves. A page behind the last is the last.
    pub fn of(rows: &[Row], wanted: &Wanted, path: &str) -> Self {
        let pages = rows.len().div_ceil(MOST).max(1);
        let link = |page: usize| {
            let range = range(page, rows.len());
            Link {
                path: wanted.paged(path, Page::Number(page)),
                first: range.start + 1,
                last: range.end,
            }
        };
        let (shown, page) = match wanted.page {
            Page::Number(number) => {
                let number = number.clamp(1, pages);
                (range(number, rows.len()), Some(number))
            }
            Page::All => (0..rows.len(), None),
        };
        let is_shown = rows[shown.clone()].iter().any(|row| row.is_mine);
        let mine = rows.iter().position(|row| row.is_mine && !is_shown);
        Self {
            first: shown.start + 1,
            last: shown.end,
            of: rows.len(),
            before: page.filter(|page| *page > 1).map(|page| link(page - 1)),
            after: page.filter(|page| *page < pages).map(|page| link(page + 1)),
            mine: mine.map(|at| link(at / MOST + 1)),
            all: wanted.paged(path, Page::All),
        }
    }

    pub fn range(&self) -> Range<usize> {
        self.first - 1..self.last
    }

    /// Whether there are rows that another page shows.
    pub fn is_cut(&self) -> bool {
        self.range().len() < self.of
    }
}

fn range(page: usize, of: usize) -> Range<usize> {
    (page - 1) * MOST..(page * MOST).min(of)
}
