//! Free ports on the loopback.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::bail;

/// Below the range from which Linux hands out ports by itself (32768 and up), so that a port
/// chosen now is not taken by somebody's outgoing connection before the server listens on it.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A port that nobody listens on now.
pub fn free() -> anyhow::Result<u16> {
    for _ in 0..1000 {
        let port = rand::random_range(RANGE);
        if is_free(port) {
            return Ok(port);
        }
    }
    bail!(
        "no free port between {} and {} on 127.0.0.1",
        RANGE.start,
        RANGE.end
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_not_free() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(held.local_addr().unwrap().port()));
        assert!(is_free(free().unwrap()));
    }
}
