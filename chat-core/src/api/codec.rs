//! The two codecs of the wire: JSON in text frames, `MessagePack` (maps with string keys, no
//! extension types) in binary ones.

use std::fmt;
use std::sync::OnceLock;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::error::ApiError;

/// How a value is written on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// UTF-8 JSON.
    Json,
    /// `MessagePack`.
    Msgpack,
}

impl Codec {
    /// `value` as this codec writes it.
    ///
    /// # Errors
    /// `internal` when the value can't be written, which is a mistake in its type.
    pub fn encode<T: Serialize>(self, value: &T) -> Result<Vec<u8>, ApiError> {
        let written = match self {
            Self::Json => serde_json::to_vec(value).map_err(|error| error.to_string()),
            Self::Msgpack => rmp_serde::to_vec_named(value).map_err(|error| error.to_string()),
        };
        written.map_err(|error| {
            tracing::error!(%error, "a value can't be written");
            ApiError::internal()
        })
    }
}

type Encode = dyn Fn(Codec) -> Bytes + Send + Sync;

/// A pushed event. Its frame is written at most once per codec and shared by all who get it.
pub struct Push {
    event: &'static str,
    json: OnceLock<Bytes>,
    msgpack: OnceLock<Bytes>,
    encode: Box<Encode>,
}

impl Push {
    /// The event `event` with `data`.
    pub fn new<T: Serialize + Send + Sync + 'static>(event: &'static str, data: T) -> Self {
        let encode = move |codec: Codec| {
            codec
                .encode(&(event, &data))
                .map_or_else(|_| Bytes::new(), Bytes::from)
        };
        Self {
            event,
            json: OnceLock::new(),
            msgpack: OnceLock::new(),
            encode: Box::new(encode),
        }
    }

    /// An event that was written elsewhere: `[event, data]` in either codec.
    pub fn ready(json: Bytes, msgpack: Bytes) -> Self {
        Self {
            event: "",
            json: OnceLock::from(json),
            msgpack: OnceLock::from(msgpack),
            encode: Box::new(|_| Bytes::new()),
        }
    }

    /// The event's name; empty for one that was written elsewhere.
    pub fn event(&self) -> &'static str {
        self.event
    }

    /// The frame `[event, data]`.
    pub fn frame(&self, codec: Codec) -> Bytes {
        let cell = match codec {
            Codec::Json => &self.json,
            Codec::Msgpack => &self.msgpack,
        };
        cell.get_or_init(|| (self.encode)(codec)).clone()
    }
}

impl fmt::Debug for Push {
    // Only the name: a message body must not reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Push")
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

/// Parameters as they arrived, after either codec.
pub type Params = serde_json::Map<String, Value>;
