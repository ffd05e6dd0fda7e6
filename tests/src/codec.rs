//! The two codecs as a client writes them, independent of the server's.

use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

/// How frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Text frames.
    Json,
    /// Binary frames.
    Msgpack,
}

impl Codec {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Json, Self::Msgpack];

    /// Its subprotocol.
    pub fn protocol(self) -> &'static str {
        match self {
            Self::Json => "chaoke.v1.json",
            Self::Msgpack => "chaoke.v1.msgpack",
        }
    }

    /// A frame.
    ///
    /// # Panics
    /// Never: any JSON value can be written.
    pub fn frame(self, value: &Value) -> Message {
        self.message(match self {
            Self::Json => serde_json::to_vec(value).expect("a value is JSON"),
            Self::Msgpack => rmp_serde::to_vec_named(value).expect("a value is MessagePack"),
        })
    }

    /// These bytes as a message of this codec, whatever they are.
    ///
    /// # Panics
    /// For text that is not UTF-8, which the client library does not send.
    pub fn message(self, bytes: Vec<u8>) -> Message {
        match self {
            Self::Json => Message::text(String::from_utf8(bytes).expect("text is UTF-8")),
            Self::Msgpack => Message::binary(bytes),
        }
    }

    /// Reads a frame of the server.
    ///
    /// # Panics
    /// When the server sent something that is not of the contract.
    pub fn read(self, message: &Message) -> Value {
        match (self, message) {
            (Self::Json, Message::Text(text)) => {
                serde_json::from_str(text).expect("the server writes JSON")
            }
            (Self::Msgpack, Message::Binary(bytes)) => {
                let mut rest = &bytes[..];
                let value =
                    rmpv::decode::read_value(&mut rest).expect("the server writes MessagePack");
                assert!(rest.is_empty(), "one message is one value");
                plain(value)
            }
            other => panic!("the server sent a frame of the other kind: {other:?}"),
        }
    }
}

/// The same as JSON; string keys only, no extensions.
fn plain(value: rmpv::Value) -> Value {
    match value {
        rmpv::Value::Map(entries) => entries
            .into_iter()
            .map(|(key, value)| {
                (
                    key.as_str().expect("keys are strings").to_owned(),
                    plain(value),
                )
            })
            .collect(),
        rmpv::Value::Array(items) => items.into_iter().map(plain).collect(),
        rmpv::Value::Ext(..) => panic!("the server sent an extension type"),
        other => serde_json::to_value(other).expect("a plain value"),
    }
}
