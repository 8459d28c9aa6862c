//! Server-sent events, as far as ours go: <https://html.spec.whatwg.org/multipage/server-sent-events.html>

use anyhow::ensure;

/// Ours are a few ten thousand bytes; a server that sends no end is not read on.
const LINE_BYTES_MAX: usize = 4 << 20;

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Event {
    pub name: String,
    pub id: Option<String>,
    pub data: String,
}

/// Events from the bytes of an answer, however these are cut.
#[derive(Default)]
pub struct Events {
    unread: Vec<u8>,
    event: Event,
}

impl Events {
    pub fn push(&mut self, bytes: &[u8]) -> anyhow::Result<Vec<Event>> {
        let mut events = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.unread.extend_from_slice(part);
            ensure!(
                self.unread.len() <= LINE_BYTES_MAX,
                "the server sends a line without an end"
            );
            if self.unread.ends_with(b"\n") {
                let line = String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned();
                events.extend(self.line(line.trim_end_matches(['\r', '\n'])));
            }
        }
        Ok(events)
    }

    /// An empty line ends an event; one without data is none.
    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return Some(event).filter(|event| !event.data.is_empty());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.event.name = value.to_owned(),
            "id" => self.event.id = Some(value.to_owned()),
            "data" => self.event.data.push_str(value),
            // A comment, or what we do not use.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_however_their_bytes_are_cut() {
        let stream =
            ": nothing new\n\nid: a.1\nevent: log\ndata: \"Zähne\"\n\nevent: end\ndata: \"\"\n\n";
        let event = |name: &str, id: Option<&str>, data: &str| Event {
            name: name.to_owned(),
            id: id.map(str::to_owned),
            data: data.to_owned(),
        };
        let expected = [
            event("log", Some("a.1"), "\"Zähne\""),
            event("end", None, "\"\""),
        ];
        for cut in 0..stream.len() {
            let (one, two) = stream.as_bytes().split_at(cut);
            let mut events = Events::default();
            let mut found = events.push(one).unwrap();
            found.extend(events.push(two).unwrap());
            assert_eq!(found, expected, "{cut}");
        }
    }

    #[test]
    fn a_line_without_an_end_is_not_read_on() {
        let mut events = Events::default();
        let mut read = || events.push(&[b'x'; 1 << 20]);
        assert!((0..4).all(|_| read().is_ok()) && read().is_err());
    }
}
