//! Frames of the wire contract as a client sees them: calls out, answers and pushes in.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use tokio_tungstenite::tungstenite::Message;

use crate::trouble::{Outcome, Trouble};

/// How frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Codec {
    /// Binary frames.
    Msgpack,
    /// Text frames.
    Json,
}

impl Codec {
    /// The WebSocket subprotocol.
    pub(crate) fn subprotocol(self) -> &'static str {
        match self {
            Self::Msgpack => "chaoke.v1.msgpack",
            Self::Json => "chaoke.v1.json",
        }
    }

    /// `[id, method, params]`.
    pub(crate) fn call(self, id: u32, method: &str, params: &impl Serialize) -> Outcome<Message> {
        let frame = (id, method, params);
        match self {
            Self::Msgpack => rmp_serde::to_vec_named(&frame)
                .map(Message::binary)
                .map_err(Trouble::at("a call that can't be written")),
            Self::Json => serde_json::to_string(&frame)
                .map(Message::text)
                .map_err(Trouble::at("a call that can't be written")),
        }
    }

    /// `[0]`.
    pub(crate) fn heartbeat(self) -> Message {
        match self {
            Self::Msgpack => Message::binary(vec![0x91, 0x00]),
            Self::Json => Message::text("[0]"),
        }
    }

    /// Reads a frame; `None` for one that is not of the contract (a ping, a close).
    pub(crate) fn read<A: DeserializeOwned>(self, message: &Message) -> Outcome<Option<Frame<A>>> {
        let failed = "a frame of the server that can't be read";
        match (self, message) {
            (Self::Msgpack, Message::Binary(bytes)) => rmp_serde::from_slice(bytes)
                .map(Some)
                .map_err(Trouble::at(failed)),
            (Self::Json, Message::Text(text)) => serde_json::from_str(text)
                .map(Some)
                .map_err(Trouble::at(failed)),
            _ => Ok(None),
        }
    }
}

/// What the server sent; `A` is the form of the answers that one waits for.
#[derive(Debug, PartialEq)]
pub(crate) enum Frame<A> {
    /// It is alive.
    Heartbeat,
    /// It answers a call.
    Answer(u32, Result<A, Refusal>),
    /// A message in one's conversations.
    Heard(Heard),
    /// Pushes were left out.
    Resync,
    /// Any other push.
    Other,
}

/// A refusal, as far as a client acts on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Refusal {
    /// What to do.
    #[serde(default)]
    pub(crate) class: String,
    /// What happened.
    #[serde(default)]
    pub(crate) code: String,
    /// When to try again.
    #[serde(default)]
    pub(crate) retry_after_ms: Option<u64>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.class, self.code)
    }
}

/// A message, as far as an audit needs it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Heard {
    /// Where.
    pub(crate) conversation_id: String,
    /// Its number.
    pub(crate) seq: u64,
    /// Counted entries up to this one.
    #[serde(default)]
    pub(crate) count: u64,
    /// The author's id for it.
    #[serde(default)]
    pub(crate) client_msg_id: Option<String>,
}

#[derive(Deserialize)]
struct Created {
    message: Heard,
}

/// The first part of a frame.
enum First {
    Number(u32),
    Created,
    Resync,
    Other,
}

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = First;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a call's number or an event's name")
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<First, E> {
                u32::try_from(number)
                    .map(First::Number)
                    .map_err(|_| E::custom("a call's number is below 2^31"))
            }

            fn visit_str<E: serde::de::Error>(self, event: &str) -> Result<First, E> {
                Ok(match event {
                    "message.created" => First::Created,
                    "connection.resync" => First::Resync,
                    _ => First::Other,
                })
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl<'de, A: DeserializeOwned> Deserialize<'de> for Frame<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<A>(PhantomData<A>);
        impl<'de, A: DeserializeOwned> Visitor<'de> for Reader<A> {
            type Value = Frame<A>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a frame of the contract")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut parts: S) -> Result<Frame<A>, S::Error> {
                match part(&mut parts)? {
                    First::Number(0) => Ok(Frame::Heartbeat),
                    First::Number(id) => {
                        let outcome = if part(&mut parts)? {
                            Ok(part(&mut parts)?)
                        } else {
                            Err(part(&mut parts)?)
                        };
                        Ok(Frame::Answer(id, outcome))
                    }
                    First::Created => {
                        part(&mut parts).map(|Created { message }| Frame::Heard(message))
                    }
                    First::Resync => part(&mut parts).map(|IgnoredAny| Frame::Resync),
                    First::Other => part(&mut parts).map(|IgnoredAny| Frame::Other),
                }
            }
        }
        deserializer.deserialize_seq(Reader(PhantomData))
    }
}

fn part<'de, T: Deserialize<'de>, S: SeqAccess<'de>>(parts: &mut S) -> Result<T, S::Error> {
    parts
        .next_element()?
        .ok_or_else(|| S::Error::custom("a frame that ends early"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[derive(Debug, PartialEq, Deserialize)]
    struct Sent {
        seq: u64,
    }

    fn both(frame: &Value) -> [Frame<Sent>; 2] {
        let text = Message::text(frame.to_string());
        let binary = Message::binary(rmp_serde::to_vec_named(frame).unwrap());
        [
            Codec::Json.read(&text).unwrap().unwrap(),
            Codec::Msgpack.read(&binary).unwrap().unwrap(),
        ]
    }

    #[test]
    fn answers_pushes_and_heartbeats_are_told_apart_in_both_codecs() {
        let heard = json!({"message": {"conversation_id": "c", "seq": 3, "count": 2, "text": "x"}});
        let cases = [
            (json!([0]), Frame::Heartbeat),
            (
                json!([5, true, {"seq": 9, "more": [1]}]),
                Frame::Answer(5, Ok(Sent { seq: 9 })),
            ),
            (
                json!([5, false, {"class": "limited", "code": "rate_limited", "retry_after_ms": 50}]),
                Frame::Answer(
                    5,
                    Err(Refusal {
                        class: "limited".into(),
                        code: "rate_limited".into(),
                        retry_after_ms: Some(50),
                    }),
                ),
            ),
            (
                json!(["message.created", heard]),
                Frame::Heard(Heard {
                    conversation_id: "c".into(),
                    seq: 3,
                    count: 2,
                    client_msg_id: None,
                }),
            ),
            (json!(["connection.resync", {}]), Frame::Resync),
            (
                json!(["self.appended", {"seq": 1, "deep": {"a": [null]}}]),
                Frame::Other,
            ),
        ];
        for (frame, expected) in cases {
            for read in both(&frame) {
                assert_eq!(read, expected, "{frame}");
            }
        }
    }

    #[test]
    fn a_frame_of_the_other_codec_is_none_of_ours() {
        let read = Codec::Json.read::<Sent>(&Message::binary(vec![0x91, 0x00]));
        assert!(matches!(read, Ok(None)));
    }
}
