use std::io::{self, Cursor, Read};
use std::mem;

use super::Fault;

const CHUNK: u64 = 16 << 10;

/// A document's bytes on their way to the JSON reader: no more than the limit, and UTF-8.
///
/// Python's `json` reads NaN and Infinity, and the challenge's own evaluation with it, wherever they
/// stand. The reader here gets a number for them that no `f64` holds, so that they are refused where
/// a number matters and passed over where none does.
pub(super) struct Source<R> {
    reader: R,
    limit: u64,
    bytes_read: u64,
    /// The start of a character whose end is in the next chunk.
    unfinished: Vec<u8>,
    ready: Cursor<Vec<u8>>,
    /// What follows `ready`.
    then: Then,
    words: Words,
}

enum Then {
    More,
    Refusal(Fault),
    End,
}

impl<R: Read> Source<R> {
    pub(super) fn new(reader: R, limit: u64) -> Self {
        Self {
            reader,
            limit,
            bytes_read: 0,
            unfinished: Vec::new(),
            ready: Cursor::default(),
            then: Then::More,
            words: Words::default(),
        }
    }

    /// The first byte that was handed out and is not white space.
    pub(super) fn first(&self) -> Option<u8> {
        self.words.first
    }

    fn refill(&mut self) -> io::Result<()> {
        let mut chunk = mem::take(&mut self.unfinished);
        let offset = self.bytes_read - chunk.len() as u64;
        let wanted = CHUNK.min((self.limit - self.bytes_read).saturating_add(1));
        let read = self.reader.by_ref().take(wanted).read_to_end(&mut chunk)? as u64;
        if read < wanted {
            self.then = Then::End;
        }
        if offset == 0 && chunk.starts_with(b"\xef\xbb\xbf") {
            return Err(io::Error::other(Fault::ByteOrderMark));
        }
        self.bytes_read += read;
        if self.bytes_read > self.limit {
            chunk.pop();
            let limit = self.limit;
            self.then = Then::Refusal(Fault::TooManyBytes { limit });
        }
        if let Err(error) = std::str::from_utf8(&chunk) {
            let rest = chunk.split_off(error.valid_up_to());
            if error.error_len().is_none() && !matches!(self.then, Then::End) {
                self.unfinished = rest;
            } else {
                let offset = offset as usize + error.valid_up_to();
                self.then = Then::Refusal(Fault::NotUtf8 { offset });
            }
        }
        let mut ready = mem::take(&mut self.ready).into_inner();
        ready.clear();
        self.words.translate(&chunk, &mut ready);
        if !matches!(self.then, Then::More) {
            self.words.give_up(&mut ready);
        }
        self.ready = Cursor::new(ready);
        Ok(())
    }
}

/// A refusal comes as an [`io::Error`] that holds the [`Fault`].
impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.ready.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            match mem::replace(&mut self.then, Then::End) {
                Then::More => {
                    self.then = Then::More;
                    self.refill()?;
                }
                Then::Refusal(fault) => return Err(io::Error::other(fault)),
                Then::End => return Ok(0),
            }
        }
    }
}

/// Finds the words of Python between JSON's tokens.
#[derive(Default)]
struct Words {
    place: Place,
    first: Option<u8>,
    previous: u8,
    /// A word that has begun, and how many of its letters were seen.
    begun: Option<(&'static [u8], usize)>,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum Place {
    #[default]
    Outside,
    Text,
    Escaped,
}

impl Words {
    /// White space keeps what follows from becoming a part of the number.
    const NOT_FINITE: &[u8] = b"1e999 ";

    fn translate(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for &byte in bytes {
            match self.begun {
                Some((word, seen)) if byte == word[seen] => {
                    self.begun = Some((word, seen + 1));
                    if seen + 1 == word.len() {
                        self.begun = None;
                        out.extend(Self::NOT_FINITE);
                    }
                }
                _ => {
                    self.give_up(out);
                    self.pass(byte, out);
                }
            }
            self.previous = byte;
        }
    }

    /// What looked like a word is handed out as it stands.
    fn give_up(&mut self, out: &mut Vec<u8>) {
        if let Some((word, seen)) = self.begun.take() {
            out.extend(&word[..seen]);
        }
    }

    fn pass(&mut self, byte: u8, out: &mut Vec<u8>) {
        if !byte.is_ascii_whitespace() {
            self.first.get_or_insert(byte);
        }
        let begins = matches!(
            self.previous,
            b'[' | b',' | b':' | b' ' | b'\t' | b'\r' | b'\n'
        );
        self.place = match (self.place, byte) {
            (Place::Outside, b'N') if begins => return self.begun = Some((b"NaN", 1)),
            (Place::Outside, b'I') if begins || self.previous == b'-' => {
                return self.begun = Some((b"Infinity", 1));
            }
            (Place::Outside, b'"') => Place::Text,
            (Place::Text, b'\\') => Place::Escaped,
            (Place::Text, b'"') => Place::Outside,
            (Place::Escaped, _) => Place::Text,
            (place, _) => place,
        };
        out.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handed_out(text: &str) -> String {
        let mut out = String::new();
        let mut source = Source::new(text.as_bytes(), 1 << 20);
        source.read_to_string(&mut out).unwrap();
        out
    }

    #[test]
    fn pythons_words_become_numbers_that_are_none() {
        assert_eq!(
            handed_out(r#"{"a":NaN, "b": [Infinity,-Infinity]}"#),
            r#"{"a":1e999 , "b": [1e999 ,-1e999 ]}"#
        );
    }

    #[test]
    fn what_only_looks_like_a_word_stays_as_it_is() {
        for text in [
            r#""NaN, \" Infinity \\""#,
            "[NaM, 1NaN, -NaN, Inf, NaNo",
            "[N",
            "[Infinit",
            "[NNaN]",
        ] {
            let expected = text.replace("NaNo", "1e999 o");
            assert_eq!(handed_out(text), expected);
        }
    }

    /// Characters, escapes and words fall across the ends of chunks in every way.
    #[test]
    fn nothing_is_lost_where_a_chunk_ends() {
        for shift in 0..40 {
            let text = " ".repeat(CHUNK as usize - shift) + r#""ä€😀\"", NaN, -Infinity"#;
            let expected = text.replace("NaN", "1e999 ").replace("Infinity", "1e999 ");
            assert_eq!(handed_out(&text), expected, "{shift}");
        }
    }
}
