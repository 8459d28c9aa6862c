//! The files of one kind, as the server lists them in pages.

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;

use super::manifest::Row;
use crate::client::Api;

/// A file, and where the store has it for an hour.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Listed {
    pub id: String,
    pub submission_id: String,
    pub team: String,
    #[serde(default)]
    pub case: String,
    pub path: String,
    pub size_bytes: u64,
    pub sha256: Option<String>,
    pub url: String,
}

impl Listed {
    pub fn row(&self, sha256: String) -> Row {
        Row {
            submission: self.submission_id.clone(),
            team: self.team.clone(),
            case: self.case.clone(),
            path: self.path.clone(),
            bytes: self.size_bytes,
            sha256,
        }
    }
}

#[derive(Deserialize)]
pub struct Page {
    pub items: Vec<Listed>,
    pub next: Option<String>,
}

pub struct Listing<'a> {
    pub api: &'a Api,
    /// Of the list, with its query.
    pub path: String,
}

impl Listing<'_> {
    pub async fn page(&self, cursor: Option<&str>) -> anyhow::Result<Page> {
        let cursor = cursor.map_or(String::new(), |cursor| format!("&cursor={cursor}"));
        let page: Value = self.api.find(&format!("{}{cursor}", self.path)).await?;
        serde_json::from_value(page).context("the list of files is not what was expected")
    }

    /// A file of a page with a new link; none where it is gone.
    pub async fn again(&self, cursor: Option<&str>, id: &str) -> anyhow::Result<Option<Listed>> {
        let page = self.page(cursor).await?;
        Ok(page.items.into_iter().find(|file| file.id == id))
    }
}
