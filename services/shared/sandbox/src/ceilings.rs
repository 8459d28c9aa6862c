//! What the engine cannot give because it may not raise its own limits.

use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::Spec;

const CAP_SYS_RESOURCE: u64 = 1 << 24;

/// An engine without the right to raise limits, as in some virtual machines, fails to start a
/// container that asks for more than it has itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ceilings {
    nofile: Option<u64>,
    memlock: Option<u64>,
}

impl Ceilings {
    /// Of the process that listens on the socket; none if that is not to be seen.
    pub fn of_engine(socket: &Path) -> Self {
        let found = peer(socket).and_then(|pid| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
            Some(Self::read(&status, &limits))
        });
        let ceilings = found.unwrap_or_default();
        if ceilings != Self::default() {
            tracing::warn!(?ceilings, "the docker engine may not raise its own limits");
        }
        ceilings
    }

    fn read(status: &str, limits: &str) -> Self {
        let capabilities = status
            .lines()
            .find_map(|line| u64::from_str_radix(line.strip_prefix("CapEff:")?.trim(), 16).ok());
        if capabilities.is_none_or(|set| set & CAP_SYS_RESOURCE != 0) {
            return Self::default();
        }
        // Columns are name, soft, hard, unit; `unlimited` is no number and no ceiling.
        let hard = |name: &str| {
            let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        Self {
            nofile: hard("Max open files"),
            memlock: hard("Max locked memory"),
        }
    }

    pub fn apply(self, spec: &Spec) -> Spec {
        let mut spec = spec.clone();
        if let Some(nofile) = self.nofile.and_then(|limit| u32::try_from(limit).ok()) {
            spec.nofile = spec.nofile.min(nofile);
        }
        if let Some(memlock) = self.memlock {
            spec.memlock_bytes = Some(spec.memlock_bytes.unwrap_or(u64::MAX).min(memlock));
        }
        spec
    }
}

/// The process that listens on a Unix socket.
pub(crate) fn peer(socket: &Path) -> Option<i32> {
    let stream = UnixStream::connect(socket).ok()?;
    let peer = rustix::net::sockopt::socket_peercred(&stream).ok()?;
    Some(peer.pid.as_raw_nonzero().get())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Labels, Room};

    const LIMITS: &str = "Limit                     Soft Limit           Hard Limit           Units\n\
        Max open files            1024                 20000                files\n\
        Max locked memory         8388608              unlimited            bytes\n";

    #[test]
    fn an_engine_that_may_raise_limits_has_no_ceilings() {
        assert_eq!(
            Ceilings::read("CapEff:\t000001ffffffffff\n", LIMITS),
            Ceilings::default()
        );
    }

    #[test]
    fn a_container_asks_for_no_more_than_the_engine_has() {
        let ceilings = Ceilings::read("CapEff:\t000001fffeffffff\n", LIMITS);
        assert_eq!(
            ceilings,
            Ceilings {
                nofile: Some(20_000),
                memlock: None
            }
        );
        let room = Room {
            folder: "/room".into(),
            is_bounded: true,
        };
        let spec = Spec::sts2024_defaults("sha256:1", Labels::default(), "/in", room);
        let applied = ceilings.apply(&spec);
        assert_eq!((applied.nofile, applied.memlock_bytes), (20_000, None));
    }
}
