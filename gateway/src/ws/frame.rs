//! Frames: call `[id, method, params, key?]`, reply `[id, true, result]` or `[id, false, error]`, push
//! `[event, data]`, heartbeat `[0]`. `MessagePack` uses maps with string keys and no extension types.

use bytes::{BufMut, Bytes, BytesMut};
use chat_core::api::codec::Params;
use chat_core::api::{ApiError, Codec};
use serde_json::{Map, Number, Value};

/// Ids of calls are 1 to 2³¹ − 1.
const LARGEST_ID: u64 = (1 << 31) - 1;
/// Values inside values of a frame.
const DEPTH: usize = 64;
/// What keeps the reader's stack small: it counts twice for each value. JSON has serde's own bound of 128.
const READER_DEPTH: usize = 2 * DEPTH + 2;

/// What a client sent.
#[derive(Debug, PartialEq)]
pub enum Incoming {
    /// It is alive.
    Heartbeat,
    /// It calls a method.
    Call(Call),
}

/// A call.
#[derive(Debug, PartialEq)]
pub struct Call {
    /// Chosen by the client, unique among its calls under way.
    pub id: u32,
    /// The method's name.
    pub method: String,
    /// Its parameters; `None` when they are no map.
    pub params: Option<Params>,
    /// The client id.
    pub key: Option<String>,
}

/// No frame of this contract: the connection closes with 4400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a frame of this contract")]
pub struct BadFrame;

/// Reads a frame.
///
/// # Errors
/// [`BadFrame`] for anything but one whole frame.
pub fn read(codec: Codec, bytes: &[u8]) -> Result<Incoming, BadFrame> {
    let value = match codec {
        Codec::Json => serde_json::from_slice(bytes).map_err(|_| BadFrame)?,
        Codec::Msgpack => from_msgpack(bytes)?,
    };
    if !is_shallow(&value, DEPTH) {
        return Err(BadFrame);
    }
    let Value::Array(parts) = value else {
        return Err(BadFrame);
    };
    if parts.len() == 1 && parts[0] == 0 {
        return Ok(Incoming::Heartbeat);
    }
    let mut parts = parts.into_iter();
    let id = parts
        .next()
        .as_ref()
        .and_then(Value::as_u64)
        .filter(|id| (1..=LARGEST_ID).contains(id))
        .ok_or(BadFrame)?;
    let Some(Value::String(method)) = parts.next() else {
        return Err(BadFrame);
    };
    let params = match parts.next() {
        Some(Value::Object(params)) => Some(params),
        Some(_) => None,
        None => return Err(BadFrame),
    };
    let key = match parts.next() {
        None => None,
        Some(Value::String(key)) => Some(key),
        Some(_) => return Err(BadFrame),
    };
    if parts.next().is_some() {
        return Err(BadFrame);
    }
    Ok(Incoming::Call(Call {
        id: u32::try_from(id).map_err(|_| BadFrame)?,
        method,
        params,
        key,
    }))
}

/// Whether values stand in values at most `depth` deep.
fn is_shallow(value: &Value, depth: usize) -> bool {
    let Some(left) = depth.checked_sub(1) else {
        return false;
    };
    match value {
        Value::Array(items) => items.iter().all(|item| is_shallow(item, left)),
        Value::Object(fields) => fields.values().all(|field| is_shallow(field, left)),
        _ => true,
    }
}

fn from_msgpack(bytes: &[u8]) -> Result<Value, BadFrame> {
    let mut rest = bytes;
    let value =
        rmpv::decode::read_value_with_max_depth(&mut rest, READER_DEPTH).map_err(|_| BadFrame)?;
    if rest.is_empty() {
        plain(value)
    } else {
        Err(BadFrame)
    }
}

/// The same value as JSON has it. No parameter is bytes so far; bytes and extensions are refused.
fn plain(value: rmpv::Value) -> Result<Value, BadFrame> {
    Ok(match value {
        rmpv::Value::Nil => Value::Null,
        rmpv::Value::Boolean(value) => Value::Bool(value),
        rmpv::Value::Integer(value) => match (value.as_u64(), value.as_i64()) {
            (Some(value), _) => Value::from(value),
            (_, Some(value)) => Value::from(value),
            _ => return Err(BadFrame),
        },
        rmpv::Value::F32(value) => {
            Value::Number(Number::from_f64(f64::from(value)).ok_or(BadFrame)?)
        }
        rmpv::Value::F64(value) => Value::Number(Number::from_f64(value).ok_or(BadFrame)?),
        rmpv::Value::String(text) => Value::String(text.into_str().ok_or(BadFrame)?),
        rmpv::Value::Array(items) => {
            Value::Array(items.into_iter().map(plain).collect::<Result<_, _>>()?)
        }
        rmpv::Value::Map(entries) => {
            let mut map = Map::with_capacity(entries.len());
            for (key, value) in entries {
                let rmpv::Value::String(key) = key else {
                    return Err(BadFrame);
                };
                if map
                    .insert(key.into_str().ok_or(BadFrame)?, plain(value)?)
                    .is_some()
                {
                    return Err(BadFrame);
                }
            }
            Value::Object(map)
        }
        rmpv::Value::Binary(_) | rmpv::Value::Ext(..) => return Err(BadFrame),
    })
}

/// The frame that answers call `id` with a result that is written already.
pub fn reply(codec: Codec, id: u32, result: &[u8]) -> Bytes {
    wrap(codec, id, true, result)
}

/// The frame that answers call `id` with an error.
pub fn refusal(codec: Codec, id: u32, error: &ApiError) -> Bytes {
    let error = codec.encode(error).unwrap_or_default();
    wrap(codec, id, false, &error)
}

fn wrap(codec: Codec, id: u32, ok: bool, body: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(body.len() + 20);
    match codec {
        Codec::Json => {
            frame.put_slice(format!("[{id},{ok},").as_bytes());
            frame.put_slice(body);
            frame.put_u8(b']');
        }
        Codec::Msgpack => {
            frame.put_u8(0x93);
            frame.put_u8(0xce);
            frame.put_u32(id);
            frame.put_u8(if ok { 0xc3 } else { 0xc2 });
            frame.put_slice(body);
        }
    }
    frame.freeze()
}

/// The heartbeat.
pub fn heartbeat(codec: Codec) -> Bytes {
    match codec {
        Codec::Json => Bytes::from_static(b"[0]"),
        Codec::Msgpack => Bytes::from_static(&[0x91, 0x00]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn msgpack(value: &Value) -> Vec<u8> {
        rmp_serde::to_vec_named(value).unwrap()
    }

    fn both(value: &Value) -> [Result<Incoming, BadFrame>; 2] {
        [
            read(Codec::Json, &serde_json::to_vec(value).unwrap()),
            read(Codec::Msgpack, &msgpack(value)),
        ]
    }

    #[test]
    fn both_codecs_read_the_same_call() {
        let frame = json!([7, "message.send", {"text": "你好", "seq": 3, "deep": {"a": [1, -2, true]}}, "key"]);
        let [one, other] = both(&frame);
        assert_eq!(one, other);
        let Ok(Incoming::Call(call)) = one else {
            panic!("a call")
        };
        assert_eq!(
            (call.id, call.method.as_str(), call.key.as_deref()),
            (7, "message.send", Some("key"))
        );
    }

    #[test]
    fn what_is_no_frame_is_refused_in_both_codecs() {
        for bad in [
            json!({}),
            json!([]),
            json!([0, "x", {}]),
            json!([1]),
            json!([1, "x"]),
            json!([1, 2, {}]),
            json!([1, "x", {}, 5]),
            json!([1, "x", {}, "k", 1]),
            json!([2_147_483_648_u64, "x", {}]),
            json!([-1, "x", {}]),
            json!([1.5, "x", {}]),
            json!(["1", "x", {}]),
            json!("[0]"),
        ] {
            assert_eq!(both(&bad), [Err(BadFrame), Err(BadFrame)], "{bad}");
        }
        assert!(matches!(
            both(&json!([2_147_483_647, "x", {}])),
            [Ok(_), Ok(_)]
        ));
    }

    #[test]
    fn parameters_that_are_no_map_are_told_in_the_reply() {
        for params in [json!([]), json!(null), json!(3)] {
            let [one, other] = both(&json!([1, "x", params]));
            assert_eq!(one, other);
            assert!(matches!(one, Ok(Incoming::Call(Call { params: None, .. }))));
        }
    }

    #[test]
    fn trailing_bytes_are_refused() {
        assert_eq!(read(Codec::Json, b"[0] [0]"), Err(BadFrame));
        assert_eq!(read(Codec::Msgpack, &[0x91, 0x00, 0x00]), Err(BadFrame));
        assert_eq!(read(Codec::Msgpack, &[0x91, 0x00]), Ok(Incoming::Heartbeat));
        assert_eq!(read(Codec::Json, b"[0]"), Ok(Incoming::Heartbeat));
    }

    #[test]
    fn a_frame_is_64_values_deep_at_most_in_both_codecs() {
        // The frame, its parameters and the innermost value are three.
        let nested = |lists: usize| {
            let inside = (0..lists).fold(json!(7), |value, _| json!([value]));
            both(&json!([1, "x", {"a": inside}]))
        };
        for outcome in nested(DEPTH - 3) {
            assert!(outcome.is_ok());
        }
        for lists in [DEPTH - 2, 100, 1_000] {
            assert_eq!(nested(lists), [Err(BadFrame), Err(BadFrame)], "{lists}");
        }
    }

    #[test]
    fn msgpack_keeps_to_string_keys_and_no_extensions() {
        let call = |params: rmpv::Value| {
            let frame = rmpv::Value::Array(vec![1.into(), "x".into(), params]);
            let mut bytes = Vec::new();
            rmpv::encode::write_value(&mut bytes, &frame).unwrap();
            read(Codec::Msgpack, &bytes)
        };
        assert_eq!(
            call(rmpv::Value::Map(vec![(1.into(), 2.into())])),
            Err(BadFrame)
        );
        assert_eq!(
            call(rmpv::Value::Map(vec![
                ("a".into(), 1.into()),
                ("a".into(), 2.into())
            ])),
            Err(BadFrame)
        );
        assert_eq!(
            call(rmpv::Value::Map(vec![(
                "a".into(),
                rmpv::Value::Ext(1, vec![1])
            )])),
            Err(BadFrame)
        );
        assert_eq!(
            call(rmpv::Value::Map(vec![(
                "a".into(),
                rmpv::Value::Binary(vec![1])
            )])),
            Err(BadFrame)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_frame_or_refused(bytes: Vec<u8>) {
            let _ = read(Codec::Json, &bytes);
            let _ = read(Codec::Msgpack, &bytes);
        }

        #[test]
        fn a_reply_reads_back_in_both_codecs(id in 1..=2_147_483_647_u32, text: String) {
            for codec in [Codec::Json, Codec::Msgpack] {
                let frame = reply(codec, id, &codec.encode(&json!({"text": text})).unwrap());
                let read: Value = match codec {
                    Codec::Json => serde_json::from_slice(&frame).unwrap(),
                    Codec::Msgpack => rmp_serde::from_slice(&frame).unwrap(),
                };
                prop_assert_eq!(read, json!([id, true, {"text": text}]));
            }
        }
    }
}
