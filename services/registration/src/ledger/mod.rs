//! The agreement ledger: who signed what, who was given which file.

pub mod downloads;
pub mod export;
pub mod people;
pub mod rows;
pub mod signatures;

use molar_domain::UserId;
use molar_web_kit::page::Cursor;
use molar_web_kit::{ApiError, PageQuery};
use serde::Deserialize;

/// Pages of a ledger, of all people or of one.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LedgerQuery {
    #[param(value_type = Option<uuid::Uuid>)]
    pub user_id: Option<UserId>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
    /// 1 to 100, by default 50.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u16>,
}

impl LedgerQuery {
    pub fn paging(&self) -> Result<PageQuery, ApiError> {
        PageQuery::new(self.cursor, self.limit)
    }
}
