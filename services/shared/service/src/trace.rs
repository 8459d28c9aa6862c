//! W3C trace context: one id from the browser's request to the last message it caused.
//! <https://www.w3.org/TR/trace-context/>

use std::fmt;
use std::future::Future;
use std::str::FromStr;

/// The header of HTTP requests and of messages.
pub const HEADER: &str = "traceparent";

tokio::task_local! {
    static CURRENT: TraceParent;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent")]
pub struct NotATraceParent;

impl TraceParent {
    /// The start of a new trace.
    pub fn root() -> Self {
        // All zeroes is the one id that the specification forbids.
        Self {
            trace_id: rand::random::<u128>().max(1),
            span_id: new_span(),
            flags: 1,
        }
    }

    /// The next step of the same trace.
    pub fn child(self) -> Self {
        Self {
            span_id: new_span(),
            ..self
        }
    }

    /// Continues the trace that `header` names, or starts one if it names none.
    pub fn continued_from(header: Option<&str>) -> Self {
        header
            .and_then(|text| text.parse().ok())
            .map_or_else(Self::root, Self::child)
    }

    /// As logs show it.
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace_id)
    }
}

fn new_span() -> u64 {
    rand::random::<u64>().max(1)
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace_id, self.span_id, self.flags
        )
    }
}

impl FromStr for TraceParent {
    type Err = NotATraceParent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut fields = text.split('-');
        let version = hex_field(fields.next(), 2)?;
        let trace_id = hex_field(fields.next(), 32)?;
        let span_id = hex_field(fields.next(), 16)?;
        let flags = hex_field(fields.next(), 2)?;
        // Later versions may append fields; version 00 has exactly these four.
        let is_whole = version != 0 || fields.next().is_none();
        if version == 0xff || trace_id == 0 || span_id == 0 || !is_whole {
            return Err(NotATraceParent);
        }
        // Lossless: the widths were checked.
        Ok(Self {
            trace_id,
            span_id: span_id as u64,
            flags: flags as u8,
        })
    }
}

fn hex_field(field: Option<&str>, width: usize) -> Result<u128, NotATraceParent> {
    let field = field.filter(|text| {
        text.len() == width && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    });
    u128::from_str_radix(field.ok_or(NotATraceParent)?, 16).map_err(|_| NotATraceParent)
}

/// Runs `work` as a part of `trace`; what it announces carries the trace on.
pub async fn scope<F: Future>(trace: TraceParent, work: F) -> F::Output {
    CURRENT.scope(trace, work).await
}

/// The trace this task is a part of, if any.
pub fn current() -> Option<TraceParent> {
    CURRENT.try_with(|trace| *trace).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_header_is_read_and_written_alike() {
        assert_eq!(EXAMPLE.parse::<TraceParent>().unwrap().to_string(), EXAMPLE);
        let root = TraceParent::root();
        assert_eq!(root.to_string().parse(), Ok(root));
    }

    #[test]
    fn a_child_keeps_the_trace_and_takes_a_new_span() {
        let child = TraceParent::continued_from(Some(EXAMPLE));
        assert_eq!(child.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(child.to_string(), EXAMPLE);
    }

    #[test]
    fn what_is_no_header_starts_a_new_trace() {
        for bad in [
            "",
            "00-0-0-0",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert_eq!(bad.parse::<TraceParent>(), Err(NotATraceParent), "{bad}");
        }
    }
}
