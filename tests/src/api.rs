//! The HTTP API, as a stranger's program would use it.

use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::{Method, header};
use serde_json::Value;

#[derive(Clone)]
pub struct Api {
    base: String,
    token: Option<String>,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Method and path, for messages.
    pub asked: String,
    pub status: u16,
    pub content_type: String,
    pub retry_after: Option<String>,
    pub text: String,
    pub body: Value,
}

/// One client for the whole process; its connections are not kept, since servers come and go.
pub fn client() -> &'static reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
        // Wanted even where nobody speaks TLS; an error says that there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(120))
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none());
        // Unwrap safety: the options are constants, and a provider is installed.
        builder.build().expect("an HTTP client")
    });
    &CLIENT
}

impl Api {
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            token: None,
        }
    }

    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// The same caller at another address: a system that was started again may have moved.
    pub fn at(&self, base: &str) -> Self {
        Self {
            base: base.to_owned(),
            ..self.clone()
        }
    }

    /// What tells `molar` where to ask, and as whom.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let token = self.token.clone().map(|token| ("MOLAR_TOKEN", token));
        let url = Some(("MOLAR_URL", self.base.clone()));
        url.into_iter().chain(token).collect()
    }

    /// Where a path is, and the token: for requests that are not answered at once.
    pub fn address(&self, path: &str) -> (String, Option<&str>) {
        (format!("{}{path}", self.base), self.token.as_deref())
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let asked = format!("{method} {path}");
        let mut request = client().request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.with_context(|| asked.clone())?;
        let of = |name| {
            answer
                .headers()
                .get(name)
                .and_then(|v| v.to_str().ok())
                .map(str::to_owned)
        };
        let content_type = of(header::CONTENT_TYPE).unwrap_or_default();
        let (retry_after, status) = (of(header::RETRY_AFTER), answer.status().as_u16());
        let text = answer.text().await.with_context(|| asked.clone())?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Answer {
            asked,
            status,
            content_type,
            retry_after,
            text,
            body,
        })
    }
}

impl Answer {
    pub fn ok(self) -> anyhow::Result<Value> {
        ensure!(
            (200..300).contains(&self.status),
            "{} answered {}: {}",
            self.asked,
            self.status,
            self.text
        );
        Ok(self.body)
    }

    /// Insists on a problem document that says what is wrong, with one of these statuses.
    pub fn problem(self, statuses: &[u16]) -> anyhow::Result<Value> {
        let seen = format!("{} answered {} {}", self.asked, self.status, self.text);
        ensure!(
            statuses.contains(&self.status),
            "{seen}; expected {statuses:?}"
        );
        ensure!(
            self.content_type.starts_with("application/problem+json"),
            "{seen} as {}",
            self.content_type
        );
        ensure!(
            self.body["status"] == self.status,
            "{seen}: the document has another status"
        );
        let text = |name: &str| self.body[name].as_str().unwrap_or_default();
        ensure!(text("type").starts_with("/problems/"), "{seen}: type");
        ensure!(!text("title").is_empty(), "{seen}: title");
        // "Please sign in" says it all.
        let says_more = self.status == 401
            || !text("detail").is_empty()
            || self.body["errors"]
                .as_array()
                .is_some_and(|e| !e.is_empty());
        ensure!(says_more, "{seen}: neither detail nor errors");
        Ok(self.body)
    }
}

/// The rows of a list, whether bare or in a page.
pub fn items(list: &Value) -> &[Value] {
    list.as_array()
        .or_else(|| list["items"].as_array())
        .map_or(&[], Vec::as_slice)
}

pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

pub fn id(value: &Value) -> anyhow::Result<String> {
    Ok(value["id"]
        .as_str()
        .with_context(|| format!("no id in {value}"))?
        .to_owned())
}
