//! Whom the engine runs an image as, by the image's own `/etc/passwd`.

use serde::{Deserialize, Serialize};

/// Who a container's first process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Uid {
    Known(u32),
    /// The image's `/etc/passwd` has no such name: the engine will not start it.
    NoSuchName,
    /// The engine may find another `/etc/passwd` than a look at the layers does: it is a link, sparse or
    /// larger than is read.
    Unclear,
}

impl Uid {
    /// Whether it is root for all that is known.
    pub fn may_be_root(self) -> bool {
        matches!(self, Self::Known(0) | Self::Unclear)
    }
}

/// What the topmost layer that has an `/etc/passwd` says.
pub(crate) enum Passwd<'a> {
    Is(&'a [u8]),
    Absent,
    Unclear,
}

/// By runc's rules, which are the engine's: empty is root, what reads as a number is one even where it is
/// a name too, the first line of a name counts, and a uid that is no number is 0.
pub(crate) fn resolve(user: &str, passwd: &Passwd<'_>) -> Uid {
    let name = user.split(':').next().unwrap_or_default();
    if name.is_empty() {
        return Uid::Known(0);
    }
    if let Ok(number) = name.parse::<i64>() {
        return in_range(number);
    }
    let text = match passwd {
        Passwd::Is(bytes) => String::from_utf8_lossy(bytes),
        Passwd::Absent => return Uid::NoSuchName,
        Passwd::Unclear => return Uid::Unclear,
    };
    let mut lines = text.lines().map(|line| line.trim().split(':'));
    let Some(mut line) = lines.find(|line| line.clone().next() == Some(name)) else {
        return Uid::NoSuchName;
    };
    in_range(line.nth(2).unwrap_or_default().parse().unwrap_or(0))
}

/// The engine refuses to start what is beyond 31 bits.
fn in_range(number: i64) -> Uid {
    match u32::try_from(number) {
        Ok(uid) if uid <= i32::MAX.unsigned_abs() => Uid::Known(uid),
        _ => Uid::NoSuchName,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nalgo:x:1000:1000::/:/bin/sh\r\n\nalgo:x:0:0\n\
        toor:x:0:0\nbroken:x:one:1\nshort\n1001:x:0:0\n  padded:x:7:7\nhuge:x:4294967296:1\n";

    fn uid(user: &str) -> Uid {
        resolve(user, &Passwd::Is(PASSWD.as_bytes()))
    }

    #[test]
    fn a_user_is_resolved_as_the_engine_does_it() {
        for root in [
            "",
            "0",
            "00",
            "+0",
            "-0",
            "root",
            "toor",
            "0:1000",
            ":1000",
            "root:algo",
        ] {
            assert_eq!(uid(root), Uid::Known(0), "{root}");
        }
        assert_eq!(uid("algo"), Uid::Known(1000));
        assert_eq!(uid("algo:0"), Uid::Known(1000));
        assert_eq!(uid("padded"), Uid::Known(7));
        assert_eq!(uid("1001"), Uid::Known(1001));
        assert_eq!(uid("65534:65534"), Uid::Known(65_534));
    }

    #[test]
    fn a_line_without_a_number_is_roots() {
        assert_eq!(uid("broken"), Uid::Known(0));
        assert_eq!(uid("short"), Uid::Known(0));
    }

    #[test]
    fn whom_the_engine_will_not_start_is_not_root() {
        for user in ["nobody", "4294967296", "-1", "huge", "0x0"] {
            assert_eq!(uid(user), Uid::NoSuchName, "{user}");
            assert!(!uid(user).may_be_root());
        }
        assert_eq!(resolve("root", &Passwd::Absent), Uid::NoSuchName);
        assert_eq!(resolve("1000", &Passwd::Unclear), Uid::Known(1000));
        assert!(resolve("algo", &Passwd::Unclear).may_be_root());
    }
}
