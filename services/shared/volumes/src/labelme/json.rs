//! JSON whose values stay text until they are looked at: a wrong one can then be named with its
//! place, and what nobody asks for is skipped.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// What kind of JSON value stands where another was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Null,
    Boolean,
    Number,
    /// Python's `json` writes and reads NaN and Infinity. A number too large for an `f64` is Infinity.
    NotFinite,
    Text,
    List,
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "true or false",
            Self::Number => "a number",
            Self::NotFinite => "NaN or Infinity",
            Self::Text => "text",
            Self::List => "a list",
            Self::Object => "an object",
        })
    }
}

impl Kind {
    pub(super) fn starting_with(byte: u8) -> Self {
        match byte {
            b'n' => Self::Null,
            b't' | b'f' => Self::Boolean,
            b'"' => Self::Text,
            b'[' => Self::List,
            b'{' => Self::Object,
            _ => Self::Number,
        }
    }

    pub(super) fn of(raw: &RawValue) -> Self {
        number(raw).map_or_else(|kind| kind, |_| Self::Number)
    }
}

/// A finite number, read from its digits and not through JSON's fast path: a neighbour of 145 that
/// rounds to it would move a polygon by a pixel.
pub(super) fn number(raw: &RawValue) -> Result<f64, Kind> {
    let digits = raw.get();
    match Kind::starting_with(digits.as_bytes()[0]) {
        Kind::Number => {
            let number = digits
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite());
            number.ok_or(Kind::NotFinite)
        }
        other => Err(other),
    }
}

/// The values of these keys of an object; the others are skipped.
pub(super) struct Pick<const N: usize, T> {
    keys: [&'static str; N],
    value: PhantomData<T>,
}

pub(super) struct Picked<const N: usize, T> {
    pub(super) values: [Option<T>; N],
    /// A key that stands there more than once.
    pub(super) twice: Option<&'static str>,
}

impl<const N: usize, T> Pick<N, T> {
    pub(super) fn new(keys: [&'static str; N]) -> Self {
        Self {
            keys,
            value: PhantomData,
        }
    }
}

impl<'de, const N: usize, T: Deserialize<'de>> DeserializeSeed<'de> for Pick<N, T> {
    type Value = Picked<N, T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize, T: Deserialize<'de>> Visitor<'de> for Pick<N, T> {
    type Value = Picked<N, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = [const { None }; N];
        let mut twice = None;
        while let Some(known) = map.next_key_seed(OneOf(&self.keys))? {
            let Some(index) = known else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if values[index].replace(map.next_value()?).is_some() {
                twice = Some(self.keys[index]);
            }
        }
        Ok(Picked { values, twice })
    }
}

/// The index of a key that is known. As bytes: a key that nobody asks for need not be Unicode.
struct OneOf<'a>(&'a [&'static str]);

impl<'de> DeserializeSeed<'de> for OneOf<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for OneOf<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bytes<E: Error>(self, key: &[u8]) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| known.as_bytes() == key))
    }
}

/// The first items of a list, and how many there are in all.
pub(super) struct Capped<T> {
    pub(super) items: Vec<T>,
    pub(super) count: usize,
}

/// `None` if it is not a list. Holds no more than `limit` items, however long it is.
pub(super) fn list<'de, T: Deserialize<'de>>(
    raw: &'de RawValue,
    limit: usize,
) -> Option<Capped<T>> {
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    ListOf {
        limit,
        item: PhantomData,
    }
    .deserialize(&mut deserializer)
    .ok()
}

struct ListOf<T> {
    limit: usize,
    item: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for ListOf<T> {
    type Value = Capped<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListOf<T> {
    type Value = Capped<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() < self.limit {
            match list.next_element()? {
                Some(item) => items.push(item),
                None => {
                    return Ok(Capped {
                        count: items.len(),
                        items,
                    });
                }
            }
        }
        let mut count = items.len();
        while list.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Capped { items, count })
    }
}
