//! What lies outside, as a type: tests put a network of their own in its place.

use std::io;
use std::net::{IpAddr, SocketAddr};

use futures_util::future::BoxFuture;
use url::Url;

use super::address;

pub trait Network: Send + Sync {
    /// Why a link is not followed, whatever it leads to.
    fn objection(&self, url: &Url) -> Option<&'static str>;

    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;

    /// Whether an address may be connected to.
    fn is_outside(&self, address: IpAddr) -> bool;
}

/// The Internet, by the system's resolver.
#[derive(Debug, Clone, Copy)]
pub struct Internet;

impl Network for Internet {
    fn objection(&self, url: &Url) -> Option<&'static str> {
        if url.scheme() != "https" {
            return Some("it has to begin with https://");
        }
        url.port().map(|_| "it names a port; leave that out")
    }

    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }

    fn is_outside(&self, address: IpAddr) -> bool {
        address::is_public(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_on_its_own_port_is_followed() {
        let objects = |text: &str| Internet.objection(&text.parse().unwrap()).is_some();
        assert!(!objects("https://github.com/a/b"));
        assert!(!objects("https://github.com:443/a/b"));
        assert!(objects("http://github.com/a/b"));
        assert!(objects("https://github.com:8443/a/b"));
        assert!(objects("ftp://github.com/a/b"));
        assert!(objects("file:///etc/passwd"));
    }
}
