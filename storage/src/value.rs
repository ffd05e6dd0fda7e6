//! Values that may contain what only the writer knows: the number of an entry, a count, a sum, the
//! position and the time of the commit.
//!
//! A value is a list of [`Part`]s. [`Value::fill`] makes one from any type whose fields of type [`Later`]
//! stand for such numbers: each is written as a MessagePack `u64` with a mark in its upper five bytes, then
//! the encoding is walked token by token and every marked `u64` is cut into a part. Text and binary are
//! stepped over whole, so what a user wrote is never taken for a mark; a real number that looks like a
//! mark is refused, because then more marks are found than were written.

use bytes::{Bytes, BytesMut};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::Cell;

use crate::contract::StoreError;

/// A piece of a value. Numbers are 8 bytes big-endian; an index counts the numbering operations
/// (`append`, `add`) of the commit from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// Bytes as they are.
    Bytes(Bytes),
    /// The number that an `append` gave its entry.
    SeqOf(u16),
    /// The count of the log's head after an `append`.
    CountOf(u16),
    /// The sum after an `add` (two's complement).
    SumOf(u16),
    /// The position of the commit.
    Position,
    /// The time of the commit in ms since 1970.
    Time,
}

/// A number in a typed value that may be known only when the commit runs.
///
/// It reads as `u64` into `Known`. `Known` writes a `u64`; the others write only inside [`Value::fill`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Later {
    /// A number that is there.
    Known(u64),
    /// The number that an `append` gives its entry.
    SeqOf(u16),
    /// The count of the log's head after an `append`.
    CountOf(u16),
    /// The sum after an `add` (two's complement).
    SumOf(u16),
    /// The position of the commit.
    Position,
    /// The time of the commit in ms since 1970.
    Time,
}

impl Later {
    /// The number if it is there.
    #[must_use]
    pub const fn known(self) -> Option<u64> {
        match self {
            Self::Known(number) => Some(number),
            _ => None,
        }
    }

    /// The number, 0 while it is not there. What was read from a row is always there.
    #[must_use]
    pub const fn get(self) -> u64 {
        match self {
            Self::Known(number) => number,
            _ => 0,
        }
    }

    pub(crate) fn part(self) -> Part {
        match self {
            Self::Known(number) => Part::Bytes(Bytes::copy_from_slice(&number.to_be_bytes())),
            Self::SeqOf(index) => Part::SeqOf(index),
            Self::CountOf(index) => Part::CountOf(index),
            Self::SumOf(index) => Part::SumOf(index),
            Self::Position => Part::Position,
            Self::Time => Part::Time,
        }
    }

    fn mark(self) -> Option<u64> {
        let (kind, index) = match self {
            Self::Known(_) => return None,
            Self::SeqOf(index) => (0, index),
            Self::CountOf(index) => (1, index),
            Self::SumOf(index) => (2, index),
            Self::Position => (3, 0),
            Self::Time => (4, 0),
        };
        Some(MARK | kind << 16 | u64::from(index))
    }

    fn from_mark(number: u64) -> Option<Self> {
        if number & MARK_MASK != MARK {
            return None;
        }
        let index = u16::try_from(number & 0xFFFF).ok()?;
        match (number >> 16) & 0xFF {
            0 => Some(Self::SeqOf(index)),
            1 => Some(Self::CountOf(index)),
            2 => Some(Self::SumOf(index)),
            3 if index == 0 => Some(Self::Position),
            4 if index == 0 => Some(Self::Time),
            _ => None,
        }
    }
}

impl Default for Later {
    fn default() -> Self {
        Self::Known(0)
    }
}

impl From<u64> for Later {
    fn from(number: u64) -> Self {
        Self::Known(number)
    }
}

/// Upper five bytes of a mark: far above any count, sum of money or time in ms that is ever written.
const MARK: u64 = 0xFFC7_A51E_D300_0000;
const MARK_MASK: u64 = 0xFFFF_FFFF_FF00_0000;

thread_local! {
    /// Marks written by the running `fill`; nothing while none runs.
    static FILLING: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Ends the filling also when a serializer panics.
struct Filling;

impl Filling {
    fn begin() -> Self {
        FILLING.set(Some(0));
        Self
    }

    fn marks(&self) -> usize {
        FILLING.get().unwrap_or(0)
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        FILLING.set(None);
    }
}

impl Serialize for Later {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let filling = FILLING.get();
        match (self.mark(), *self, filling) {
            (None, Self::Known(number), None) => serializer.serialize_u64(number),
            (None, Self::Known(number), Some(_)) if Self::from_mark(number).is_none() => {
                serializer.serialize_u64(number)
            }
            (Some(mark), _, Some(written)) => {
                FILLING.set(Some(written + 1));
                serializer.serialize_u64(mark)
            }
            (Some(_), _, None) => Err(serde::ser::Error::custom(
                "a number that is known later can be written by Value::fill only",
            )),
            _ => Err(serde::ser::Error::custom(
                "the number looks like a mark for a later number",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Later {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self::Known)
    }
}

/// A [`Later`] in a commit that travels: as its part, since by itself it can be written only while a value
/// is filled.
pub(crate) mod later_as_part {
    use super::{Later, Part};
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        later: &Option<Later>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        later.map(Later::part).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Later>, D::Error> {
        let later = |part| {
            Ok(match part {
                Part::Bytes(bytes) => {
                    let number = bytes.as_ref().try_into();
                    let number = number.map_err(|_| D::Error::custom("a number has 8 bytes"))?;
                    Later::Known(u64::from_be_bytes(number))
                }
                Part::SeqOf(index) => Later::SeqOf(index),
                Part::CountOf(index) => Later::CountOf(index),
                Part::SumOf(index) => Later::SumOf(index),
                Part::Position => Later::Position,
                Part::Time => Later::Time,
            })
        };
        Option::<Part>::deserialize(deserializer)?
            .map(later)
            .transpose()
    }
}

/// A value to be written: bytes with holes for what the writer knows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Value(Vec<Part>);

impl Value {
    /// Bytes as they are.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(vec![Part::Bytes(bytes.into())])
    }

    /// A list of parts.
    #[must_use]
    pub const fn parts(parts: Vec<Part>) -> Self {
        Self(parts)
    }

    /// MessagePack with named fields.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the type cannot be written.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Self, StoreError> {
        encode_named(value).map(Self::bytes)
    }

    /// MessagePack with named fields where every [`Later`] becomes a part of its own.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the type cannot be written, or when a plain number looks like a mark.
    pub fn fill<T: Serialize + ?Sized>(value: &T) -> Result<Self, StoreError> {
        let filling = Filling::begin();
        let encoded = encode_named(value)?;
        let marks = filling.marks();
        drop(filling);
        let parts = cut(encoded)?;
        let found = parts.iter().filter(|part| !matches!(part, Part::Bytes(_)));
        if found.count() != marks {
            return Err(StoreError::Invalid {
                what: "a number looks like a mark for a later number".to_owned(),
            });
        }
        Ok(Self(parts))
    }

    /// Length in bytes once it is filled.
    #[must_use]
    pub fn len(&self) -> usize {
        let length = |part: &Part| match part {
            Part::Bytes(bytes) => bytes.len(),
            _ => 8,
        };
        self.0.iter().map(length).sum()
    }

    /// True if it has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn prefixed(mut self, bytes: Bytes) -> Self {
        self.0.insert(0, Part::Bytes(bytes));
        self
    }

    /// The bytes, each later part written by `number`.
    pub(crate) fn resolve<E>(
        &self,
        mut number: impl FnMut(&Part) -> Result<[u8; 8], E>,
    ) -> Result<Bytes, E> {
        if let [Part::Bytes(bytes)] = self.0.as_slice() {
            return Ok(bytes.clone());
        }
        let mut out = BytesMut::with_capacity(self.len());
        for part in &self.0 {
            match part {
                Part::Bytes(bytes) => out.extend_from_slice(bytes),
                later => out.extend_from_slice(&number(later)?),
            }
        }
        Ok(out.freeze())
    }
}

/// MessagePack with named fields.
pub(crate) fn encode_named<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, StoreError> {
    rmp_serde::to_vec_named(value).map_err(|error| StoreError::Invalid {
        what: format!("the value cannot be written: {error}"),
    })
}

/// Reads what [`encode_named`] wrote.
pub(crate) fn decode_named<T: DeserializeOwned>(bytes: &[u8], of: &str) -> Result<T, StoreError> {
    rmp_serde::from_slice(bytes)
        .map_err(|error| StoreError::Corrupt(format!("a row of {of} cannot be read: {error}")))
}

/// Cuts an encoding at its marked numbers.
fn cut(encoded: Vec<u8>) -> Result<Vec<Part>, StoreError> {
    let encoded = Bytes::from(encoded);
    let mut parts = Vec::new();
    let mut kept = 0;
    let mut at = 0;
    while at < encoded.len() {
        let end = token_end(&encoded, at).ok_or_else(|| StoreError::Invalid {
            what: "the value is no MessagePack".to_owned(),
        })?;
        if encoded[at] == U64_MARKER
            && let Some(later) = encoded[at + 1..end]
                .try_into()
                .ok()
                .and_then(|bytes| Later::from_mark(u64::from_be_bytes(bytes)))
        {
            // The marker byte stays, so the filled value is a plain `u64`.
            parts.push(Part::Bytes(encoded.slice(kept..=at)));
            parts.push(later.part());
            kept = end;
        }
        at = end;
    }
    if kept < encoded.len() || parts.is_empty() {
        parts.push(Part::Bytes(encoded.slice(kept..)));
    }
    Ok(parts)
}

const U64_MARKER: u8 = 0xCF;

/// Where the token at `at` ends: of maps and arrays only the header, of text and binary the whole.
fn token_end(encoded: &[u8], at: usize) -> Option<usize> {
    let long = |width: usize, more: usize| {
        let bytes = encoded.get(at + 1..at + 1 + width)?;
        let length = bytes
            .iter()
            .fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        Some(1 + width + more + length)
    };
    let length = match encoded[at] {
        0x00..=0x9F | 0xC0..=0xC3 | 0xE0..=0xFF => 1,
        marker @ 0xA0..=0xBF => 1 + usize::from(marker & 0x1F),
        0xC4 | 0xD9 => long(1, 0)?,
        0xC5 | 0xDA => long(2, 0)?,
        0xC6 | 0xDB => long(4, 0)?,
        0xC7 => long(1, 1)?,
        0xC8 => long(2, 1)?,
        0xC9 => long(4, 1)?,
        0xCC | 0xD0 => 2,
        0xCD | 0xD1 | 0xD4 | 0xDC | 0xDE => 3,
        0xD5 => 4,
        0xCA | 0xCE | 0xD2 | 0xDD | 0xDF => 5,
        0xD6 => 6,
        0xCB | 0xCF | 0xD3 => 9,
        0xD7 => 10,
        0xD8 => 18,
    };
    Some(at + length).filter(|end| *end <= encoded.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Entry {
        seq: Later,
        text: String,
        #[serde(with = "blob")]
        blob: Vec<u8>,
        plain: u64,
        list: Vec<Later>,
        time: Later,
        nested: Option<Box<Entry>>,
    }

    mod blob {
        use serde::{Deserialize, Deserializer, Serializer};

        pub(super) fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
            s.serialize_bytes(bytes)
        }

        pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
            bytes::Bytes::deserialize(d).map(|bytes| bytes.to_vec())
        }
    }

    fn entry(blob: Vec<u8>, plain: u64, known: u64) -> Entry {
        Entry {
            seq: Later::SeqOf(3),
            text: "héllo".to_owned(),
            blob,
            plain,
            list: vec![
                Later::CountOf(1),
                Later::Known(known),
                Later::SumOf(0),
                Later::Position,
            ],
            time: Later::Time,
            nested: None,
        }
    }

    fn filled(entry: &Entry) -> Result<Entry, StoreError> {
        let value = Value::fill(entry)?;
        let bytes = value.resolve(|part| {
            Ok::<_, StoreError>(match part {
                Part::SeqOf(3) => 33_u64.to_be_bytes(),
                Part::CountOf(1) => 11_u64.to_be_bytes(),
                Part::SumOf(0) => 22_u64.to_be_bytes(),
                Part::Position => 5_000_u64.to_be_bytes(),
                Part::Time => 1_700_000_000_000_u64.to_be_bytes(),
                other => panic!("{other:?} was never asked for"),
            })
        })?;
        assert_eq!(bytes.len(), value.len());
        decode_named(&bytes, "test")
    }

    #[test]
    fn later_numbers_are_filled_in_and_the_rest_stays() {
        let mut wanted = entry(vec![1, 2], u64::from(u32::MAX) + 1, 7);
        wanted.nested = Some(Box::new(entry(vec![], 3, 300)));
        let read = filled(&wanted).unwrap();
        assert_eq!(read.seq, Later::Known(33));
        assert_eq!(read.list, [11, 7, 22, 5_000].map(Later::Known));
        assert_eq!(read.time, Later::Known(1_700_000_000_000));
        assert_eq!((read.text.as_str(), read.plain), ("héllo", 1 << 32));
        assert_eq!(read.nested.unwrap().list[1], Later::Known(300));
    }

    #[test]
    fn bytes_of_a_user_are_never_taken_for_a_mark() {
        let mut blob = vec![U64_MARKER];
        blob.extend_from_slice(&Later::Time.mark().unwrap().to_be_bytes());
        assert_eq!(filled(&entry(blob.clone(), 1, 1)).unwrap().blob, blob);
    }

    #[test]
    fn a_number_that_looks_like_a_mark_is_refused() {
        let mark = Later::SeqOf(3).mark().unwrap();
        assert!(matches!(
            filled(&entry(vec![], mark, 1)),
            Err(StoreError::Invalid { .. })
        ));
        assert!(matches!(
            filled(&entry(vec![], 1, mark)),
            Err(StoreError::Invalid { .. })
        ));
    }

    #[test]
    fn a_later_number_is_written_by_fill_only() {
        assert!(Value::encode(&Later::Time).is_err());
        assert!(Value::encode(&Later::Known(u64::MAX)).is_ok());
        // A refused fill leaves nothing behind.
        assert!(Value::fill(&entry(vec![], Later::Time.mark().unwrap(), 1)).is_err());
        assert!(Value::encode(&Later::Time).is_err());
    }

    proptest! {
        #[test]
        fn any_value_is_cut_and_joined_again(
            text in ".{0,40}",
            blob in proptest::collection::vec(any::<u8>(), 0..70_000),
            numbers in proptest::collection::vec(any::<u64>(), 0..20),
            float in any::<f64>(),
            signed in any::<i64>(),
            small in proptest::collection::btree_map(".{0,3}", any::<Option<i8>>(), 0..20),
        ) {
            let blob = Bytes::from(blob);
            let value = (text, blob, numbers, float, signed, small);
            let plain = encode_named(&value).unwrap();
            let filled = Value::fill(&value).unwrap().resolve(|_| Err(())).unwrap();
            prop_assert_eq!(filled.as_ref(), plain.as_slice());
        }
    }
}
