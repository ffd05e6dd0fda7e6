//! Ordered keys: a tuple codec whose byte order is the order of the tuples.
//!
//! Numbers are fixed-width big-endian; text and bytes are escaped (`00` becomes `00 FF`) and closed by
//! `00 00`, so that no encoding is a prefix of another and `("a", "b")` never equals `("ab", "")`.

use bytes::Bytes;

/// Why bytes are not the key they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes end inside a part.
    #[error("the key ends too early")]
    Short,
    /// Bytes are left over after the last part.
    #[error("the key has {0} bytes too many")]
    Trailing(usize),
    /// A part holds what its type cannot be: no UTF-8, a broken escape, a truth value above 1.
    #[error("a part of the key is malformed")]
    Malformed,
}

/// One part of a key, or a tuple of parts.
pub trait KeyPart: Sized {
    /// Adds the encoding to `out`. For `a < b` the encodings compare alike, byte by byte.
    fn encode(&self, out: &mut Vec<u8>);

    /// Takes the part from the front of `input`.
    ///
    /// # Errors
    /// [`KeyError`] when the bytes are no encoding of this type.
    fn decode(input: &mut &[u8]) -> Result<Self, KeyError>;
}

/// The encoding of a whole key.
pub fn encode<K: KeyPart>(key: &K) -> Bytes {
    let mut out = Vec::new();
    key.encode(&mut out);
    Bytes::from(out)
}

/// What the encodings of all texts that begin with `text` begin with, for [`crate::KeyRange::prefix`].
#[must_use]
pub fn text_prefix(text: &str) -> Bytes {
    let whole = encode(&text.to_owned());
    // Without the two bytes that close it.
    whole.slice(..whole.len() - 2)
}

/// Reads a whole key; nothing may be left over.
///
/// # Errors
/// [`KeyError`] when the bytes are no encoding of `K`.
pub fn decode<K: KeyPart>(bytes: &[u8]) -> Result<K, KeyError> {
    let mut rest = bytes;
    let key = K::decode(&mut rest)?;
    if rest.is_empty() {
        Ok(key)
    } else {
        Err(KeyError::Trailing(rest.len()))
    }
}

const ESCAPED: u8 = 0x00;
const ESCAPED_ZERO: u8 = 0xFF;
const CLOSED: u8 = 0x00;

/// Adds `bytes` escaped and closed.
pub(crate) fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() + 2);
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == ESCAPED) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(&[ESCAPED, ESCAPED_ZERO]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(&[ESCAPED, CLOSED]);
}

/// Takes what [`escape`] wrote from the front of `input`.
pub(crate) fn unescape(input: &mut &[u8]) -> Result<Vec<u8>, KeyError> {
    let mut out = Vec::new();
    loop {
        let at = input
            .iter()
            .position(|byte| *byte == ESCAPED)
            .ok_or(KeyError::Short)?;
        out.extend_from_slice(&input[..at]);
        let mark = *input.get(at + 1).ok_or(KeyError::Short)?;
        *input = &input[at + 2..];
        match mark {
            ESCAPED_ZERO => out.push(0),
            CLOSED => return Ok(out),
            _ => return Err(KeyError::Malformed),
        }
    }
}

fn take<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], KeyError> {
    let (head, rest) = input.split_first_chunk::<N>().ok_or(KeyError::Short)?;
    *input = rest;
    Ok(*head)
}

impl KeyPart for () {
    fn encode(&self, _out: &mut Vec<u8>) {}

    fn decode(_input: &mut &[u8]) -> Result<Self, KeyError> {
        Ok(())
    }
}

impl KeyPart for bool {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn decode(input: &mut &[u8]) -> Result<Self, KeyError> {
        match take::<1>(input)? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(KeyError::Malformed),
        }
    }
}

macro_rules! unsigned {
    ($($number:ty),*) => {$(
        impl KeyPart for $number {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn decode(input: &mut &[u8]) -> Result<Self, KeyError> {
                Ok(Self::from_be_bytes(take(input)?))
            }
        }
    )*};
}

unsigned!(u8, u16, u32, u64);

/// With the sign bit turned, negative numbers sort before positive ones.
const SIGN: u64 = 1 << 63;

impl KeyPart for i64 {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.cast_unsigned() ^ SIGN).to_be_bytes());
    }

    fn decode(input: &mut &[u8]) -> Result<Self, KeyError> {
        Ok((u64::from_be_bytes(take(input)?) ^ SIGN).cast_signed())
    }
}

impl KeyPart for String {
    fn encode(&self, out: &mut Vec<u8>) {
        escape(self.as_bytes(), out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, KeyError> {
        Self::from_utf8(unescape(input)?).map_err(|_| KeyError::Malformed)
    }
}

impl KeyPart for Vec<u8> {
    fn encode(&self, out: &mut Vec<u8>) {
        escape(self, out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, KeyError> {
        unescape(input)
    }
}

impl<const N: usize> KeyPart for [u8; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, KeyError> {
        take(input)
    }
}

macro_rules! tuple {
    ($($part:ident $at:tt),*) => {
        impl<$($part: KeyPart),*> KeyPart for ($($part,)*) {
            fn encode(&self, out: &mut Vec<u8>) {
                $(self.$at.encode(out);)*
            }

            fn decode(input: &mut &[u8]) -> Result<Self, KeyError> {
                Ok(($($part::decode(input)?,)*))
            }
        }
    };
}

tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words() -> impl Strategy<Value = Vec<u8>> {
        // Few letters, so that prefixes, zeros and 0xFF meet often.
        proptest::collection::vec(prop_oneof![Just(0), Just(1), Just(0xFE), Just(0xFF)], 0..5)
    }

    proptest! {
        #[test]
        fn byte_order_is_the_order_of_the_tuples(
            a in (words(), any::<i64>(), words(), any::<bool>()),
            b in (words(), any::<i64>(), words(), any::<bool>()),
        ) {
            prop_assert_eq!(encode(&a).cmp(&encode(&b)), a.cmp(&b));
            prop_assert_eq!(decode::<(Vec<u8>, i64, Vec<u8>, bool)>(&encode(&a)), Ok(a));
        }

        #[test]
        fn text_and_numbers_come_back(
            a in (".{0,6}", any::<u16>(), any::<[u8; 16]>()),
            b in (any::<u8>(), any::<u32>(), any::<u64>(), any::<[u8; 32]>()),
        ) {
            prop_assert_eq!(decode::<(String, u16, [u8; 16])>(&encode(&a)), Ok(a));
            prop_assert_eq!(decode::<(u8, u32, u64, [u8; 32])>(&encode(&b)), Ok(b));
        }

        #[test]
        fn text_sorts_by_its_bytes(a in "\\PC{0,4}", b in "\\PC{0,4}") {
            prop_assert_eq!(encode(&a).cmp(&encode(&b)), a.cmp(&b));
        }

        #[test]
        fn any_bytes_are_refused_or_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(key) = decode::<(String, i64, Vec<u8>)>(&bytes) {
                prop_assert_eq!(encode(&key).to_vec(), bytes);
            }
        }
    }

    #[test]
    fn the_empty_key_has_no_bytes() {
        assert!(encode(&()).is_empty());
        assert_eq!(decode::<()>(&[1]), Err(KeyError::Trailing(1)));
        assert_eq!(decode::<u16>(&[1]), Err(KeyError::Short));
        assert_eq!(decode::<bool>(&[2]), Err(KeyError::Malformed));
    }
}
