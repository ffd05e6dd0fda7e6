//! What is no frame of the contract closes the connection with 4400; what is one is answered.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use world::{Codec, Device, Opening, Person, Setup, World};

/// The longest message of a client.
const LONGEST: usize = 64 * 1024;

async fn device_of(person: &Person, codec: Codec) -> Device {
    person.opens(Opening::fresh().over(codec)).await.unwrap()
}

fn bytes(codec: Codec, value: &Value) -> Vec<u8> {
    match codec {
        Codec::Json => serde_json::to_vec(value).unwrap(),
        Codec::Msgpack => rmp_serde::to_vec_named(value).unwrap(),
    }
}

/// A call that is exactly so many bytes long.
fn call_of(codec: Codec, length: usize) -> Vec<u8> {
    let call = |filling: usize| json!([7, "directory.search", {"query": "x".repeat(filling)}]);
    let around = bytes(codec, &call(60_000)).len() - 60_000;
    let call = bytes(codec, &call(length - around));
    assert_eq!(call.len(), length);
    call
}

#[tokio::test]
async fn a_malformed_frame_closes_the_connection_with_4400_in_both_codecs() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let mut wrong: Vec<(Codec, Vec<u8>)> = vec![
        (Codec::Json, b"{".to_vec()),
        (Codec::Json, b"".to_vec()),
        (Codec::Json, b"[0] [0]".to_vec()),
        (Codec::Json, b"nonsense".to_vec()),
        (Codec::Msgpack, vec![0xc1]),
        (Codec::Msgpack, vec![]),
        (Codec::Msgpack, vec![0x91, 0x00, 0x00]),
        // An array that promises four thousand million items.
        (Codec::Msgpack, vec![0xdd, 0xff, 0xff, 0xff, 0xff]),
        // Text that promises more than there is.
        (
            Codec::Msgpack,
            vec![0x93, 0x01, 0xdb, 0xff, 0xff, 0xff, 0xff],
        ),
    ];
    for value in [
        json!({}),
        json!([]),
        json!(1),
        json!([1]),
        json!([1, "x"]),
        json!([0, "x", {}]),
        json!([-1, "x", {}]),
        json!([2_147_483_648_u64, "x", {}]),
        json!([1.5, "x", {}]),
        json!(["1", "x", {}]),
        json!([1, 2, {}]),
        json!([1, "x", {}, 5]),
        json!([1, "x", {}, "key", 1]),
    ] {
        wrong.extend(Codec::BOTH.map(|codec| (codec, bytes(codec, &value))));
    }
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    wrong.push((Codec::Msgpack, bytes(Codec::Msgpack, &deep)));
    for (codec, frame) in wrong {
        let device = device_of(&zhang, codec).await;
        device.send_bytes(frame.clone()).await;
        assert_eq!(device.closes().await.code, 4400, "{codec:?} {frame:02x?}");
    }
}

#[tokio::test]
async fn msgpack_takes_string_keys_and_no_bytes_and_no_extensions() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    for params in [
        rmpv::Value::Map(vec![(1.into(), 2.into())]),
        rmpv::Value::Map(vec![("a".into(), 1.into()), ("a".into(), 2.into())]),
        rmpv::Value::Map(vec![("a".into(), rmpv::Value::Ext(1, vec![1]))]),
        rmpv::Value::Map(vec![("a".into(), rmpv::Value::Binary(vec![1]))]),
    ] {
        let frame = rmpv::Value::Array(vec![9.into(), "directory.search".into(), params]);
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &frame).unwrap();
        let device = device_of(&zhang, Codec::Msgpack).await;
        device.send_bytes(bytes).await;
        assert_eq!(device.closes().await.code, 4400, "{frame}");
    }
}

#[tokio::test]
async fn the_other_type_of_frame_closes_the_connection_with_4400() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let json = device_of(&zhang, Codec::Json).await;
    json.send(Message::binary(b"[0]".to_vec())).await;
    assert_eq!(json.closes().await.code, 4400);
    let msgpack = device_of(&zhang, Codec::Msgpack).await;
    msgpack.send(Message::text("[0]")).await;
    assert_eq!(msgpack.closes().await.code, 4400);
}

#[tokio::test]
async fn a_message_of_64_kib_is_answered_and_a_byte_more_closes_with_4400() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    for codec in Codec::BOTH {
        let device = device_of(&zhang, codec).await;
        device.send_bytes(call_of(codec, LONGEST)).await;
        let refusal = device.answer(7).await.unwrap_err();
        assert_eq!(refusal.kind(), ("invalid", "too_long"), "{codec:?}");
        device.send_bytes(call_of(codec, LONGEST + 1)).await;
        assert_eq!(device.closes().await.code, 4400, "{codec:?}");
    }
}

#[tokio::test]
async fn an_unknown_method_and_wrong_parameters_are_answered_and_the_connection_stays() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    for codec in Codec::BOTH {
        let device = device_of(&zhang, codec).await;
        for (method, params, kind) in [
            ("no.such", json!({}), ("not_found", "unknown_method")),
            ("", json!({}), ("not_found", "unknown_method")),
            ("session.list", json!([]), ("invalid", "invalid_params")),
            ("session.list", json!(null), ("invalid", "invalid_params")),
            ("session.list", json!("x"), ("invalid", "invalid_params")),
            (
                "directory.search",
                json!({"query": 7}),
                ("invalid", "invalid_params"),
            ),
            (
                "directory.search",
                json!({"query": ["a"]}),
                ("invalid", "invalid_params"),
            ),
            (
                "directory.get",
                json!({"user_ids": ["no id"]}),
                ("invalid", "invalid_params"),
            ),
            (
                "conversation.mark_read",
                json!({"conversation_id": zhang.id, "seq": -1}),
                ("invalid", "invalid_params"),
            ),
            (
                "conversation.mark_read",
                json!({"conversation_id": zhang.id, "seq": 1.5}),
                ("invalid", "invalid_params"),
            ),
        ] {
            let refusal = device.call(method, params.clone()).await.unwrap_err();
            assert_eq!(refusal.kind(), kind, "{codec:?} {method} {params}");
        }
        assert!(device.closed().is_none(), "the connection stays");
    }
}

#[tokio::test]
async fn over_http_a_body_that_is_no_object_is_invalid() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let token = zhang.tokens().access;
    for body in ["[]", "null", "7", "{", "{} {}", "\u{feff}{}"] {
        let answer = world
            .wire()
            .http_raw(Some(&token), "session.list", body.into())
            .await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(
            answer.refusal().kind(),
            ("invalid", "invalid_params"),
            "{body}"
        );
    }
    let answer = world
        .wire()
        .http_raw(Some(&token), "session.list", vec![])
        .await;
    assert_eq!(answer.status, 200, "no body is no parameters");
    for (bytes, kind) in [
        // As large as a body may be; what stands in it is another matter.
        (256 * 1024, ("invalid", "too_long")),
        (256 * 1024 + 1, ("invalid", "too_large")),
    ] {
        let around = r#"{"query": ""}"#.len();
        let body = format!(r#"{{"query": "{}"}}"#, "x".repeat(bytes - around));
        let answer = world
            .wire()
            .http_raw(Some(&token), "directory.search", body.into())
            .await;
        assert_eq!(answer.refusal().kind(), kind, "{bytes} bytes");
    }
    let answer = zhang.http("no.such", json!({})).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.refusal().kind(), ("not_found", "unknown_method"));
}

#[tokio::test]
async fn sixty_four_calls_may_be_under_way_and_the_rest_is_asked_to_wait() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    zhang.writes(&li, "你好").await;
    let (chat, device) = (zhang.direct(&li).await, zhang.device());
    let mut asked = Vec::new();
    for n in 0..150 {
        let params = json!({"conversation_id": chat, "client_msg_id": format!("m{n}"), "text": format!("{n}")});
        asked.push(device.ask("message.send", params).await);
    }
    let mut numbers = Vec::new();
    for id in asked {
        match device.answer(id).await {
            Ok(sent) => numbers.push(sent["seq"].as_u64().unwrap()),
            Err(refusal) => {
                assert_eq!(refusal.kind(), ("limited", "too_many_in_flight"));
                assert_eq!(refusal.retry_after_ms, Some(100));
            }
        }
    }
    assert!(numbers.len() >= 64, "{}", numbers.len());
    assert_eq!(numbers, (2..numbers.len() as u64 + 2).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_call_id_that_is_under_way_twice_closes_with_4400() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let params = json!({"user_ids": [li.id]});
    let call = json!([77, "conversation.create_discussion", params]);
    let device = device_of(&zhang, Codec::Json).await;
    for _ in 0..20 {
        device.send_bytes(bytes(Codec::Json, &call)).await;
    }
    assert_eq!(device.closes().await.code, 4400);
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_given_up_with_the_advice_to_send_it_again() {
    let world = Setup::embedded().start().await;
    let zhang = world.company("超客").admin("张三").await;
    world.stop().await;
    // In service 10 seconds; a password takes longer than a thousandth of one.
    let hasty = Setup::embedded().call_deadline(Duration::from_millis(1));
    world.starts_again_as(hasty).await;
    let params = json!({"old_password": world::Person::PASSWORD, "new_password": "新的密码2026"});
    let answer = zhang.http("account.change_password", params.clone()).await;
    assert_eq!(answer.status, 504);
    assert_eq!(answer.refusal().kind(), ("unknown", "deadline"));
    for codec in Codec::BOTH {
        let device = zhang.opens(Opening::fresh().over(codec)).await.unwrap();
        let refusal = device
            .call("account.change_password", params.clone())
            .await
            .unwrap_err();
        assert_eq!(refusal.kind(), ("unknown", "deadline"));
        assert!(device.closed().is_none(), "the connection stays");
    }
}
