//! Lists in pages, by key: no offset, so nothing is shown twice or left out while rows arrive.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::ApiError;

pub const LIMIT_MAX: u16 = 100;
const LIMIT_DEFAULT: u16 = 50;

/// The id after which a page begins. Opaque to callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub Uuid);

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let id = bytes.and_then(|bytes| Uuid::from_slice(&bytes).ok());
        id.map(Self)
            .ok_or_else(|| de::Error::custom("cursor is not one of ours"))
    }
}

/// `?cursor=…&limit=…`, for `web::Query`.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
    /// 1 to 100, by default 50.
    #[serde(default, deserialize_with = "limit")]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
}

fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    let limit = u16::deserialize(deserializer)?;
    if (1..=LIMIT_MAX).contains(&limit) {
        return Ok(Some(limit));
    }
    Err(de::Error::custom(format!("limit must be 1 to {LIMIT_MAX}")))
}

impl PageQuery {
    /// For a list that takes more than paging: its own struct names `cursor` and `limit`, too.
    pub fn new(cursor: Option<Cursor>, limit: Option<u16>) -> Result<Self, ApiError> {
        if limit.is_some_and(|limit| !(1..=LIMIT_MAX).contains(&limit)) {
            return Err(ApiError::BadRequest(format!(
                "query: limit must be 1 to {LIMIT_MAX}"
            )));
        }
        Ok(Self { cursor, limit })
    }

    pub fn after(&self) -> Option<Uuid> {
        self.cursor.map(|cursor| cursor.0)
    }

    pub fn limit(&self) -> usize {
        usize::from(self.limit.unwrap_or(LIMIT_DEFAULT))
    }

    /// For SQL's `LIMIT`: one row more than the page, to know whether there is another.
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit.unwrap_or(LIMIT_DEFAULT)) + 1
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Of the rows that [`PageQuery::fetch`] asked for.
    pub fn of(mut rows: Vec<T>, query: &PageQuery, id: impl Fn(&T) -> Uuid) -> Self {
        let has_more = rows.len() > query.limit();
        rows.truncate(query.limit());
        let next = has_more
            .then(|| rows.last().map(|row| Cursor(id(row))))
            .flatten();
        Self { items: rows, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Result<PageQuery, String> {
        actix_web::web::Query::<PageQuery>::from_query(text)
            .map(actix_web::web::Query::into_inner)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_page_ends_where_the_next_begins() {
        let ids: Vec<Uuid> = (1..=3).map(Uuid::from_u128).collect();
        let two = query("limit=2").unwrap();
        assert_eq!(two.fetch(), 3);
        let page = Page::of(ids.clone(), &two, |id| *id);
        assert_eq!(page.items, ids[..2]);

        let text = serde_json::to_value(&page).unwrap()["next"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(
            query(&format!("cursor={text}")).unwrap().after(),
            Some(ids[1])
        );
        assert_eq!(Page::of(ids[2..].to_vec(), &two, |id| *id).next, None);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["limit=0", "limit=101", "limit=x", "cursor=abc", "page=2"] {
            assert!(query(text).is_err(), "{text}");
        }
        assert_eq!(query("").unwrap().limit(), 50);
    }
}
