//! From where a request comes: what a proxy that we know says, else the peer.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use actix_web::HttpRequest;

/// A proxy, or a network of them, whose `X-Forwarded-For` is believed: `10.0.0.7` or `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is neither an address nor a network such as 10.0.0.0/8")]
pub struct NotANetwork(String);

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        let (ours, theirs) = (self.address.to_canonical(), address.to_canonical());
        ours.is_ipv4() == theirs.is_ipv4()
            && (bits(ours) ^ bits(theirs))
                .checked_shr(128 - self.prefix)
                .unwrap_or(0)
                == 0
    }
}

/// The address's bits at the top.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => address.into(),
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let bad = || NotANetwork(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| bad())?,
            None => widest,
        };
        if prefix > widest {
            return Err(bad());
        }
        Ok(Self { address, prefix })
    }
}

/// The last address that a proxy of ours saw; without any proxy, the peer. A test has no peer.
///
/// From the right: whatever stands left of the first stranger is what that stranger claims.
pub fn of(request: &HttpRequest, proxies: &[Network]) -> IpAddr {
    let is_proxy = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    let peer = request.peer_addr().map(|peer| peer.ip());
    let mut address = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let headers = request.headers().get_all("x-forwarded-for");
    let told: Vec<&str> = headers
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .collect();
    for told in told.into_iter().rev() {
        let Ok(told) = told.trim().parse() else {
            break;
        };
        if !is_proxy(address) {
            break;
        }
        address = told;
    }
    address.to_canonical()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn from(peer: &str, forwarded: &str, proxies: &[&str]) -> String {
        let request = TestRequest::default()
            .peer_addr(peer.parse().unwrap())
            .insert_header(("x-forwarded-for", forwarded));
        let proxies: Vec<Network> = proxies.iter().map(|text| text.parse().unwrap()).collect();
        of(&request.to_http_request(), &proxies).to_string()
    }

    #[test]
    fn only_a_proxy_of_ours_is_believed_and_no_claim_before_it() {
        let ours = ["127.0.0.0/8", "10.1.0.0/16", "fd00::/8"];
        assert_eq!(from("127.0.0.1:5", "1.1.1.1, 2.2.2.2", &ours), "2.2.2.2");
        assert_eq!(from("9.9.9.9:5", "1.1.1.1, 2.2.2.2", &ours), "9.9.9.9");
        let chain = "1.1.1.1, 2.2.2.2, 10.1.2.3";
        assert_eq!(from("127.0.0.1:5", chain, &ours), "2.2.2.2");
        assert_eq!(from("10.2.0.1:5", "1.1.1.1", &ours), "10.2.0.1");
        assert_eq!(from("[fd00::1]:5", "2001:db8::7", &ours), "2001:db8::7");
        assert_eq!(from("127.0.0.1:5", "unknown", &ours), "127.0.0.1");
        assert_eq!(from("[::ffff:127.0.0.1]:5", "2.2.2.2", &ours), "2.2.2.2");
        assert_eq!(from("127.0.0.1:5", "2.2.2.2", &[]), "127.0.0.1");
        assert_eq!(from("7.7.7.7:5", "2.2.2.2", &["0.0.0.0/0"]), "2.2.2.2");
    }

    #[test]
    fn what_is_no_network_is_named() {
        for bad in ["proxy", "10.0.0.0/33", "10.0.0.0/", "::/129", ""] {
            let error = bad.parse::<Network>().unwrap_err();
            assert!(error.to_string().contains(bad), "{error}");
        }
    }
}
