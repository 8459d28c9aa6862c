//! The worker API of the role `execution`, from the worker's side.

use std::time::Duration;

use molar_domain::worker_api::{
    Beat, BeatAnswer, Claim, Enrol, Enrolled, Extended, Finish, Grant, Leased, LogPiece, Put,
    PutUrl, Release, Urls,
};
use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;
use uuid::Uuid;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lease is somebody else's by now, or the case run is over: write nothing more.
    #[error("the case run is no longer ours")]
    Stale,

    /// The platform does not know this worker, or has revoked it.
    #[error("the platform refuses this worker: {0}")]
    Refused(String),

    /// The platform is away, or answered with an error of its own: ask again.
    #[error("the platform does not answer: {0}")]
    Away(String),
}

#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: Url,
    key: Option<SecretString>,
}

impl Api {
    pub fn new(base: &Url) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_secs(60))
            .build()?;
        Ok(Self {
            http,
            base: base.clone(),
            key: None,
        })
    }

    pub fn with_key(self, key: SecretString) -> Self {
        Self {
            key: Some(key),
            ..self
        }
    }

    /// For pre-signed URLs, which need no key.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub async fn enrol(&self, body: &Enrol) -> Result<Enrolled, Error> {
        self.call("/worker/v1/enrol", body)
            .await?
            .ok_or_else(|| Error::Away("no key came".into()))
    }

    pub async fn beat(&self, body: &Beat) -> Result<BeatAnswer, Error> {
        self.call("/worker/v1/beat", body)
            .await?
            .ok_or_else(|| Error::Away("no answer came".into()))
    }

    pub async fn claim(&self, body: &Claim) -> Result<Option<Grant>, Error> {
        self.call("/worker/v1/claims", body).await
    }

    pub async fn heartbeat(&self, case_run: Uuid, body: Leased) -> Result<Extended, Error> {
        self.of_run(case_run, "heartbeat", &body).await
    }

    pub async fn urls(&self, case_run: Uuid, body: Leased) -> Result<Urls, Error> {
        self.of_run(case_run, "urls", &body).await
    }

    pub async fn output(&self, case_run: Uuid, body: &Put) -> Result<PutUrl, Error> {
        self.of_run(case_run, "output", body).await
    }

    pub async fn log(&self, case_run: Uuid, body: &Put) -> Result<PutUrl, Error> {
        self.of_run(case_run, "log", body).await
    }

    pub async fn log_piece(&self, case_run: Uuid, body: &LogPiece) -> Result<(), Error> {
        let path = format!("/worker/v1/case-runs/{case_run}/log-pieces");
        self.call::<serde_json::Value>(&path, body).await.map(drop)
    }

    pub async fn series(&self, case_run: Uuid, body: &Put) -> Result<PutUrl, Error> {
        self.of_run(case_run, "series", body).await
    }

    pub async fn finish(&self, case_run: Uuid, body: &Finish) -> Result<(), Error> {
        let path = format!("/worker/v1/case-runs/{case_run}/finish");
        self.call::<serde_json::Value>(&path, body).await.map(drop)
    }

    pub async fn release(&self, case_run: Uuid, body: &Release) -> Result<(), Error> {
        let path = format!("/worker/v1/case-runs/{case_run}/release");
        self.call::<serde_json::Value>(&path, body).await.map(drop)
    }

    async fn of_run<T: DeserializeOwned>(
        &self,
        case_run: Uuid,
        verb: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let path = format!("/worker/v1/case-runs/{case_run}/{verb}");
        self.call(&path, body)
            .await?
            .ok_or_else(|| Error::Away(format!("{verb} was not answered")))
    }

    /// None for an answer without a body.
    async fn call<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Option<T>, Error> {
        let away = |error: reqwest::Error| Error::Away(error.without_url().to_string());
        let url = self
            .base
            .join(path)
            .map_err(|error| Error::Away(error.to_string()))?;
        let mut request = self
            .http
            .post(url)
            .json(body)
            .timeout(Duration::from_secs(30));
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose_secret());
        }
        let response = request.send().await.map_err(away)?;
        let status = response.status();
        if status == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        if status.is_success() {
            return response.json().await.map(Some).map_err(away);
        }
        let problem = response.text().await.unwrap_or_default();
        Err(match status {
            StatusCode::CONFLICT | StatusCode::GONE | StatusCode::NOT_FOUND => Error::Stale,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Error::Refused(problem),
            _ => Error::Away(format!("{status}: {problem}")),
        })
    }
}
