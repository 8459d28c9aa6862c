//! Fetches a link, hop by hop.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use url::{Host, Url};

use super::Network;

/// After the first request.
const MOST_REDIRECTS: usize = 3;

#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub bytes: usize,
    /// For all hops together.
    pub time: Duration,
}

/// Why a link could not be fetched, in words for whoever gave it. Which addresses a name has is not told.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the link {0} is not followed: {1}")]
    Link(String, &'static str),

    #[error("no host has the name {0}; look whether the link is written rightly")]
    UnknownHost(String),

    #[error(
        "{0} leads to an address that is not public, and such are not fetched; put the code on a public host"
    )]
    Inside(String),

    #[error(
        "{0} does not answer; try again later, and look whether the link opens in a private window of a browser"
    )]
    Unreachable(String, #[source] reqwest::Error),

    #[error(
        "{0} answered {1}; look whether the repository is public and the commit is pushed: the link has to open in a private window of a browser"
    )]
    Status(String, StatusCode),

    #[error("{0} leads on without saying where to; give the link that it ends at")]
    Nowhere(String),

    #[error("the link leads on more than {MOST_REDIRECTS} times; give the link that it ends at")]
    TooFar,

    #[error(
        "it has more than {0} MiB; leave data and weights out of the repository, and name where they are"
    )]
    TooLarge(usize),

    #[error("it took more than {} s; try again later", .0.as_secs())]
    TooSlow(Duration),

    #[error("{0} stopped in the middle; try again later")]
    CutOff(String, #[source] reqwest::Error),

    #[error(transparent)]
    Client(reqwest::Error),
}

/// The body behind a link. Of what is inside our own network nothing is asked.
pub async fn fetch(network: &dyn Network, link: Url, bounds: Bounds) -> Result<Vec<u8>, Refusal> {
    let following = follow(network, link, bounds.bytes);
    let fetched = tokio::time::timeout(bounds.time, following).await;
    fetched.unwrap_or(Err(Refusal::TooSlow(bounds.time)))
}

async fn follow(network: &dyn Network, link: Url, most: usize) -> Result<Vec<u8>, Refusal> {
    let mut at = link;
    for _ in 0..=MOST_REDIRECTS {
        let hop = Hop::to(network, at).await?;
        let response = hop.ask().await?;
        if response.status().is_redirection() {
            at = hop.next(&response)?;
            continue;
        }
        if !response.status().is_success() {
            return Err(Refusal::Status(hop.host, response.status()));
        }
        return hop.read(response, most).await;
    }
    Err(Refusal::TooFar)
}

/// A link whose addresses were looked at.
struct Hop {
    url: Url,
    host: String,
    addresses: Vec<SocketAddr>,
}

impl Hop {
    async fn to(network: &dyn Network, url: Url) -> Result<Self, Refusal> {
        let no = |why| Refusal::Link(told(&url), why);
        if let Some(why) = network.objection(&url) {
            return Err(no(why));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(no("it holds a name or a password; give one without"));
        }
        // The parser reads also 2130706433 and 0x7f.1 as addresses.
        let Some(Host::Domain(host)) = url.host() else {
            return Err(no("it names an address; give the name of the host"));
        };
        let host = host.to_owned();
        let port = url
            .port_or_known_default()
            .ok_or_else(|| no("it names no port that is known"))?;
        let found = network.resolve(&host, port).await.unwrap_or_default();
        if found.is_empty() {
            return Err(Refusal::UnknownHost(host));
        }
        // One that is inside is enough: which of them would be taken is not ours to say.
        if !found.iter().all(|found| network.is_outside(found.ip())) {
            return Err(Refusal::Inside(host));
        }
        Ok(Self {
            url,
            host,
            addresses: found,
        })
    }

    /// By a client that knows one name, with the addresses that were looked at.
    async fn ask(&self) -> Result<Response, Refusal> {
        let client = Client::builder()
            .resolve_to_addrs(&self.host, &self.addresses)
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .user_agent(concat!("molar/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(Refusal::Client)?;
        let sent = client.get(self.url.clone()).send().await;
        sent.map_err(|error| Refusal::Unreachable(self.host.clone(), error.without_url()))
    }

    fn next(&self, response: &Response) -> Result<Url, Refusal> {
        let location = response.headers().get(LOCATION);
        location
            .and_then(|location| self.url.join(location.to_str().ok()?).ok())
            .ok_or_else(|| Refusal::Nowhere(self.host.clone()))
    }

    async fn read(&self, response: Response, most: usize) -> Result<Vec<u8>, Refusal> {
        let too_large = || Refusal::TooLarge(most >> 20);
        if response.content_length() > Some(most as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece =
                piece.map_err(|error| Refusal::CutOff(self.host.clone(), error.without_url()))?;
            if body.len() + piece.len() > most {
                return Err(too_large());
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
}

/// Without name, password and query, which may be secret.
fn told(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    format!("{}://{host}{}", url.scheme(), url.path())
}
