//! A part on its way, until it has arrived.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use futures_util::stream;
use indicatif::ProgressBar;
use serde::Deserialize;
use serde_json::json;

use super::limit::{self, Limit};
use super::resume::Plan;
use super::source::Piece;
use super::{PAUSES_S, insist, pause};
use crate::client::api::Api;

/// Handed to the socket at a time where nothing limits the rate.
const CHUNK: usize = 256 * 1024;

/// A URL for exactly one content of one part.
#[derive(Debug, Clone, Deserialize)]
pub struct Signed {
    number: u32,
    url: String,
    headers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Answer {
    parts: Vec<Signed>,
}

/// Sends parts of one submission's file.
pub struct Sender<'a> {
    pub api: &'a Api,
    pub submission_id: &'a str,
    pub limit: Option<Arc<Limit>>,
    pub bar: ProgressBar,
    pub is_quiet: bool,
}

enum Outcome {
    Arrived,
    /// Worth another try, with a URL that is signed anew.
    Passing(anyhow::Error),
    Final(anyhow::Error),
}

impl Sender<'_> {
    /// Whether the store has this very part already.
    pub fn is_present(&self, plan: &Plan, piece: &Piece) -> bool {
        let is_present = plan.is_whole || plan.present.get(&piece.number) == Some(&piece.sha256);
        if is_present {
            self.bar.inc(piece.bytes.len() as u64);
        }
        is_present
    }

    pub async fn sign(&self, pieces: Vec<Piece>) -> anyhow::Result<Vec<(Piece, Signed)>> {
        let wanted: Vec<_> = pieces
            .iter()
            .map(|piece| json!({"number": piece.number, "sha256": piece.sha256}))
            .collect();
        let path = format!("/api/v1/submissions/{}/sign", self.submission_id);
        let body = json!({"parts": wanted});
        let answer: Answer = insist(&self.bar, async || self.api.post(&path, &body).await).await?;
        let mut signed: HashMap<u32, Signed> = (answer.parts.into_iter())
            .map(|signed| (signed.number, signed))
            .collect();
        let pair = |piece: Piece| {
            let signed = signed.remove(&piece.number);
            let signed = signed.with_context(|| format!("part {} was not signed", piece.number))?;
            Ok((piece, signed))
        };
        pieces.into_iter().map(pair).collect()
    }

    pub async fn put(&self, piece: Piece, mut signed: Signed) -> anyhow::Result<()> {
        let number = piece.number;
        let failed = || format!("part {number} could not be sent");
        for turn in 0.. {
            match self.try_put(&piece, &signed).await {
                Outcome::Arrived => break,
                Outcome::Final(error) => return Err(error).with_context(failed),
                Outcome::Passing(error) if turn == PAUSES_S.len() => {
                    return Err(error).with_context(failed);
                }
                Outcome::Passing(error) => {
                    let say = || eprintln!("part {number}: {error:#}; trying again");
                    if !self.is_quiet {
                        self.bar.suspend(say);
                    }
                    pause(turn).await;
                    signed = self.sign_one(piece.clone()).await?;
                }
            }
        }
        Ok(())
    }

    async fn sign_one(&self, piece: Piece) -> anyhow::Result<Signed> {
        let signed = self.sign(vec![piece]).await?;
        let (_, signed) = signed.into_iter().next().context("nothing was signed")?;
        Ok(signed)
    }

    async fn try_put(&self, piece: &Piece, signed: &Signed) -> Outcome {
        let sent = Arc::new(AtomicU64::new(0));
        let outcome = match self.request(piece, signed, &sent).await {
            Ok((200..=299, _)) => return Outcome::Arrived,
            // Completed by another, cancelled or expired.
            Ok((404, _)) => Outcome::Final(anyhow!("the upload is no longer open")),
            Ok((status, said)) => {
                Outcome::Passing(anyhow!("the object store answered {status}: {said}"))
            }
            Err(error) => Outcome::Passing(error.into()),
        };
        self.bar.dec(sent.load(Ordering::Relaxed));
        outcome
    }

    async fn request(
        &self,
        piece: &Piece,
        signed: &Signed,
        sent: &Arc<AtomicU64>,
    ) -> reqwest::Result<(u16, String)> {
        let mut request = self.api.http().put(&signed.url);
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        let body = self.body(piece.bytes.clone(), sent.clone());
        let answer = request.body(body).send().await?;
        let status = answer.status().as_u16();
        Ok((status, answer.text().await?))
    }

    fn body(&self, bytes: Bytes, sent: Arc<AtomicU64>) -> reqwest::Body {
        let (limit, bar) = (self.limit.clone(), self.bar.clone());
        let most = limit.as_ref().map_or(CHUNK, |_| limit::CHUNK);
        let chunks = stream::unfold(bytes, move |mut rest| {
            let (limit, bar, sent) = (limit.clone(), bar.clone(), sent.clone());
            async move {
                if rest.is_empty() {
                    return None;
                }
                let chunk = rest.split_to(rest.len().min(most));
                if let Some(limit) = limit {
                    limit.pass(chunk.len()).await;
                }
                bar.inc(chunk.len() as u64);
                sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                Some((Ok::<_, Infallible>(chunk), rest))
            }
        });
        reqwest::Body::wrap_stream(chunks)
    }
}
