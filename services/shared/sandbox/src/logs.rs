use std::collections::VecDeque;

/// What a container wrote to stdout and stderr, as it came, at most so many bytes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// The first part, and if nothing was left out, all of it.
    pub head: Vec<u8>,
    /// The last part; empty if `head` holds all.
    pub tail: Vec<u8>,
    /// Between the two.
    pub dropped_bytes: u64,
}

impl Log {
    /// For people: bytes that are no text replaced, and a line where something was left out.
    pub fn to_text(&self) -> String {
        let head = String::from_utf8_lossy(&self.head);
        if self.dropped_bytes == 0 {
            let all = [self.head.as_slice(), &self.tail].concat();
            return String::from_utf8_lossy(&all).into_owned();
        }
        let tail = String::from_utf8_lossy(&self.tail);
        format!(
            "{head}\n[… {} bytes left out …]\n{tail}",
            self.dropped_bytes
        )
    }
}

/// Keeps the start, where an import fails, and the end, where a case does.
pub(crate) struct Keeper {
    head: Vec<u8>,
    head_room: usize,
    tail: VecDeque<u8>,
    tail_room: usize,
    dropped: u64,
}

impl Keeper {
    pub fn new(bytes: u64) -> Self {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        Self {
            head: Vec::new(),
            head_room: bytes / 2,
            tail: VecDeque::new(),
            tail_room: bytes - bytes / 2,
            dropped: 0,
        }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        let fits = bytes.len().min(self.head_room - self.head.len());
        let (to_head, rest) = bytes.split_at(fits);
        self.head.extend_from_slice(to_head);
        self.push_tail(rest);
    }

    fn push_tail(&mut self, bytes: &[u8]) {
        let surplus = bytes.len().saturating_sub(self.tail_room);
        let kept = &bytes[surplus..];
        let leave = (self.tail.len() + kept.len()).saturating_sub(self.tail_room);
        self.tail.drain(..leave);
        self.tail.extend(kept);
        self.dropped += (surplus + leave) as u64;
    }

    pub fn into_log(self) -> Log {
        Log {
            head: self.head,
            tail: self.tail.into(),
            dropped_bytes: self.dropped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(room: u64, pushes: &[&str]) -> Log {
        let mut keeper = Keeper::new(room);
        pushes
            .iter()
            .for_each(|bytes| keeper.push(bytes.as_bytes()));
        keeper.into_log()
    }

    #[test]
    fn a_log_that_fits_is_kept_whole() {
        let log = keep(10, &["abc", "defghi", "j"]);
        assert_eq!(log.to_text(), "abcdefghij");
        assert_eq!(log.dropped_bytes, 0);
    }

    #[test]
    fn of_a_long_log_the_start_and_the_end_are_kept() {
        let log = keep(4, &["ab", "cdefghijklmnop", "q", "r"]);
        assert_eq!(
            (log.head.as_slice(), log.tail.as_slice()),
            (&b"ab"[..], &b"qr"[..])
        );
        assert_eq!(log.dropped_bytes, 14);
        assert_eq!(log.to_text(), "ab\n[… 14 bytes left out …]\nqr");
    }
}
