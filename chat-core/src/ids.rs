//! Identifiers: 128 bits, written as 26 lower-case Crockford base-32 characters (as ULID writes
//! them). New ones are `UUIDv7`, so that they sort by the moment they were made; those that a call
//! creates are derived from what asked for them, so that a repeat finds the same thing.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use storage::key::{KeyError, KeyPart};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of a written id.
pub const ID_CHARS: usize = 26;

/// One identifier of any kind. The kind is told by the field that holds it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub [u8; 16]);

/// A person who signs in.
pub type AccountId = Id;
/// An account in one space; every author, roster and cursor names one.
pub type UserId = Id;
/// A company.
pub type SpaceId = Id;
/// A signed-in device.
pub type SessionId = Id;
/// A direct chat, a discussion, …
pub type ConversationId = Id;

/// Text that is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is 26 characters of lower-case Crockford base-32")]
pub struct NotAnId;

impl Id {
    /// A `UUIDv7` (RFC 9562 section 5.7) of the moment `now_ms` and ten random bytes.
    pub fn v7(now_ms: i64, random: [u8; 10]) -> Self {
        let mut bytes = [0; 16];
        let millis = u64::try_from(now_ms).unwrap_or(0);
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        Self(bytes).with_version(7)
    }

    /// The id that `parts` decide: the first 128 bits of their SHA-256, version 8. Each part is
    /// preceded by its length, so that no two lists of parts read alike.
    pub fn derived(label: &str, parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        hash.update(label.as_bytes());
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self::from_digest(&hash.finalize())
    }

    /// The one direct conversation of two people of a space, for ever (`IM-i01`).
    pub fn direct(space: SpaceId, one: UserId, other: UserId) -> ConversationId {
        let mut hash = Sha256::new();
        hash.update(b"direct");
        hash.update(space.0);
        hash.update(one.min(other).0);
        hash.update(one.max(other).0);
        Self::from_digest(&hash.finalize())
    }

    fn from_digest(digest: &[u8]) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(bytes).with_version(8)
    }

    fn with_version(mut self, version: u8) -> Self {
        self.0[6] = (self.0[6] & 0x0f) | (version << 4);
        self.0[8] = (self.0[8] & 0x3f) | 0x80;
        self
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = u128::from_be_bytes(self.0);
        let mut text = [0; ID_CHARS];
        for (place, char) in text.iter_mut().rev().enumerate() {
            *char = ALPHABET[((number >> (5 * place)) & 31) as usize];
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        // 26 characters hold 130 bits: the first may not be above 7.
        if text.len() != ID_CHARS || text.as_bytes()[0] > b'7' {
            return Err(NotAnId);
        }
        let mut number: u128 = 0;
        for char in text.bytes() {
            let digit = ALPHABET
                .iter()
                .position(|known| *known == char)
                .ok_or(NotAnId)?;
            number = (number << 5) | digit as u128;
        }
        Ok(Self(number.to_be_bytes()))
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Id {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-7][0-9a-hjkmnp-tv-z]{25}$",
            "description": "128 bits as 26 lower-case Crockford base-32 characters"
        })
    }
}

impl KeyPart for Id {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, KeyError> {
        <[u8; 16]>::decode(input).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_reads_back_as_it_was_written(bytes: [u8; 16]) {
            let id = Id(bytes);
            prop_assert_eq!(id.to_string().parse::<Id>(), Ok(id));
        }

        #[test]
        fn written_ids_sort_as_their_bytes(one: [u8; 16], other: [u8; 16]) {
            prop_assert_eq!(Id(one).cmp(&Id(other)), Id(one).to_string().cmp(&Id(other).to_string()));
        }

        #[test]
        fn im_i01_a_direct_chat_has_one_id_from_both_sides(space: [u8; 16], a: [u8; 16], b: [u8; 16]) {
            prop_assert_eq!(Id::direct(Id(space), Id(a), Id(b)), Id::direct(Id(space), Id(b), Id(a)));
        }
    }

    #[test]
    fn other_texts_are_no_ids() {
        for text in [
            "",
            "8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "0123456789ABCDEFGHJKMNPQRS",
            "0123456789abcdefghijklmnop",
            "💥💥💥💥💥💥aa",
        ] {
            assert_eq!(text.parse::<Id>(), Err(NotAnId), "{text}");
        }
    }

    #[test]
    fn the_version_stands_where_rfc_9562_puts_it() {
        let id = Id::v7(1_764_000_000_000, [0xff; 10]);
        assert_eq!(id.0[6] >> 4, 7);
        assert_eq!(id.0[8] >> 6, 0b10);
        assert_eq!(Id::derived("x", &[b"a"]).0[6] >> 4, 8);
        assert_ne!(
            Id::derived("x", &[b"ab", b"c"]),
            Id::derived("x", &[b"a", b"bc"])
        );
    }
}
