//! Molar's HTTP API as its own commands use it.

use anyhow::{Context as _, bail};
use bytes::Bytes;
use futures_util::Stream;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A connection to one Molar, with or without a token.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: url::Url,
    token: Option<String>,
}

/// What the server said no with, as it said it.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub struct Refusal {
    pub status: u16,
    pub problem: Value,
}

impl Refusal {
    fn text(&self) -> String {
        let field = |name| self.problem.get(name).and_then(Value::as_str);
        let mut text = match (field("title"), field("detail")) {
            // The title only names the kind; the detail says what it is about.
            (_, Some(one)) | (Some(one), None) => one.to_owned(),
            (None, None) => format!("the server answered {}", self.status),
        };
        for error in self
            .problem
            .get("errors")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let part = |name| error.get(name).and_then(Value::as_str).unwrap_or_default();
            let place = part("pointer").trim_start_matches('/').replace('/', ".");
            text.push_str("\n  ");
            if !place.is_empty() {
                text.push_str(&format!("{place}: "));
            }
            text.push_str(part("detail"));
        }
        text
    }
}

/// How long a read waits for a server that is away: half a minute or so.
const READ_TRIES: u32 = 15;
const READ_PAUSE: std::time::Duration = std::time::Duration::from_secs(2);

fn is_passing(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<Refusal>() {
        Some(refusal) => matches!(refusal.status, 502..=504),
        None => error
            .downcast_ref::<reqwest::Error>()
            .is_some_and(|e| e.is_request() && !e.is_connect()),
    }
}

impl Api {
    pub fn new(base: &str, token: Option<String>) -> anyhow::Result<Self> {
        let base = base
            .trim_end_matches('/')
            .parse()
            .with_context(|| format!("`{base}` is no URL"))?;
        let http = reqwest::Client::builder()
            .user_agent(concat!("molar/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(std::time::Duration::from_secs(10))
            // A line that takes nothing any more is broken; bytes on their way tell nobody otherwise.
            .tcp_user_timeout(std::time::Duration::from_secs(60))
            .build()?;
        Ok(Self { http, base, token })
    }

    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self {
            token: Some(token.into()),
            ..self.clone()
        }
    }

    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    pub fn base(&self) -> &url::Url {
        &self.base
    }

    /// The plain HTTP client, for URLs of the object store.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub async fn find<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        parsed(path, &self.read(path).await?)
    }

    /// The bytes of an answer. Reading is safe to repeat, so a server that is restarting is asked again for a while.
    pub async fn read(&self, path: &str) -> anyhow::Result<Bytes> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.answer(Method::GET, path, None, None).await {
                Err(error) if tries < READ_TRIES && is_passing(&error) => {
                    tokio::time::sleep(READ_PAUSE).await;
                }
                done => return done,
            }
        }
    }

    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> anyhow::Result<T> {
        self.send(Method::POST, path, Some(body), None).await
    }

    /// A POST that creates, and may be sent again with the same key.
    pub async fn create<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
        key: &str,
    ) -> anyhow::Result<T> {
        self.send(Method::POST, path, Some(body), Some(key)).await
    }

    pub async fn put<T: DeserializeOwned>(&self, path: &str, body: &Value) -> anyhow::Result<T> {
        self.send(Method::PUT, path, Some(body), None).await
    }

    pub async fn delete(&self, path: &str) -> anyhow::Result<()> {
        let _: Value = self.send(Method::DELETE, path, None, None).await?;
        Ok(())
    }

    pub async fn text(&self, path: &str) -> anyhow::Result<String> {
        let response = self
            .request(Method::GET, path)?
            .send()
            .await
            .with_context(|| self.unreachable())?;
        let status = response.status();
        let text = response.text().await?;
        if !status.is_success() {
            bail!(Refusal {
                status: status.as_u16(),
                problem: serde_json::from_str(&text).unwrap_or_default()
            });
        }
        Ok(text)
    }

    /// The bytes of an answer as they come, for as long as it lasts.
    pub async fn stream(
        &self,
        path: &str,
        last_event_id: Option<&str>,
    ) -> anyhow::Result<impl Stream<Item = reqwest::Result<Bytes>> + Unpin + use<>> {
        let mut request = self.request(Method::GET, path)?;
        if let Some(id) = last_event_id {
            request = request.header("Last-Event-ID", id);
        }
        let response = request.send().await.with_context(|| self.unreachable())?;
        let status = response.status();
        if !status.is_success() {
            let problem = response.bytes().await.unwrap_or_default();
            bail!(Refusal {
                status: status.as_u16(),
                problem: serde_json::from_slice(&problem).unwrap_or_default(),
            });
        }
        Ok(Box::pin(response.bytes_stream()))
    }

    fn request(&self, method: Method, path: &str) -> anyhow::Result<reqwest::RequestBuilder> {
        let request = self.http.request(method, self.base.join(path)?);
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> anyhow::Result<T> {
        parsed(path, &self.answer(method, path, body, key).await?)
    }

    async fn answer(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> anyhow::Result<Bytes> {
        let mut request = self.request(method, path)?;
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let response = request.send().await.with_context(|| self.unreachable())?;
        let status = response.status();
        let bytes = response.bytes().await?;
        if !status.is_success() {
            bail!(Refusal {
                status: status.as_u16(),
                problem: serde_json::from_slice(&bytes).unwrap_or_default(),
            });
        }
        Ok(bytes)
    }

    fn unreachable(&self) -> String {
        format!(
            "no Molar answers at {}; is it running, and is the URL right?",
            self.base
        )
    }
}

/// An answer without a body is `null`.
fn parsed<T: DeserializeOwned>(path: &str, bytes: &[u8]) -> anyhow::Result<T> {
    let bytes: &[u8] = if bytes.is_empty() { b"null" } else { bytes };
    serde_json::from_slice(bytes)
        .with_context(|| format!("the answer of {path} is not what was expected"))
}
