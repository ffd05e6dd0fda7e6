//! A message is written once, numbered without gaps, and told to everybody in that order.

use std::time::Duration;

use serde_json::{Value, json};
use world::{Codec, Opening, Setup, World, eventually, fresh_id};

fn numbers(messages: &[Value]) -> Vec<u64> {
    messages
        .iter()
        .map(|m| m["seq"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn im_i02_a_resend_over_another_device_returns_the_first_message() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let chat = zhang.direct(&li).await;
    let params =
        json!({"conversation_id": chat, "client_msg_id": "一", "text": "你好", "peer_id": li.id});
    let first = zhang.does("message.send", params.clone()).await;
    let (_, phone) = zhang.also_on(Opening::fresh().over(Codec::Msgpack)).await;
    zhang.says(&chat, "又一条").await;
    assert_eq!(phone.does("message.send", params.clone()).await, first);
    assert_eq!(zhang.http("message.send", params).await.ok(), first);
    li.sees("又一条").await;
    assert_eq!(numbers(&li.device().messages_of(&chat)), [1, 2]);
    assert_eq!(li.log(&chat).await.len(), 2);
}

#[tokio::test]
async fn im_i02_a_resend_after_a_restart_returns_the_first_message() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let chat = zhang.direct(&li).await;
    let params =
        json!({"conversation_id": chat, "client_msg_id": "一", "text": "你好", "peer_id": li.id});
    let first = zhang.does("message.send", params.clone()).await;
    world.stop().await;
    world.starts_again().await;
    zhang.comes(Opening::fresh()).await;
    assert_eq!(zhang.does("message.send", params).await, first);
    assert_eq!(zhang.log(&chat).await, [first["message"].clone()]);
    assert_eq!(li.times("joined", &chat).await, 1);
}

#[tokio::test]
async fn im_i02_the_same_client_id_with_another_text_is_a_conflict() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let chat = zhang.direct(&li).await;
    let send = |text: &str, peer: &str| json!({"conversation_id": chat, "client_msg_id": "一", "text": text, "peer_id": peer});
    zhang.does("message.send", send("你好", &li.id)).await;
    let refusal = zhang.is_refused("message.send", send("再见", &li.id)).await;
    assert_eq!(refusal.kind(), ("conflict", "client_id_reused"));
    // The id belongs to its author: another one may use the same.
    li.does("message.send", send("再见", &zhang.id)).await;
    assert_eq!(numbers(&zhang.log(&chat).await), [1, 2]);
}

#[tokio::test]
async fn im_i02_many_senders_at_once_make_one_order_without_gaps() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    let group = zhang.gathers(&[&li, &wang], "项目组").await;
    let (_, phone) = li.also_on(Opening::fresh().over(Codec::Msgpack)).await;
    let devices = [zhang.device(), li.device(), wang.device(), phone];
    let mut asked = Vec::new();
    for turn in 0..15 {
        for (at, device) in devices.iter().enumerate() {
            let text = format!("{at}-{turn}");
            let params = json!({"conversation_id": group, "client_msg_id": text, "text": text});
            asked.push((device, device.ask("message.send", params).await));
        }
    }
    let mut given = Vec::new();
    for (device, id) in asked {
        given.push(device.answer(id).await.unwrap()["seq"].as_u64().unwrap());
    }
    given.sort_unstable();
    // The first entry tells of the beginning.
    let all: Vec<u64> = (1..=61).collect();
    assert_eq!(given, all[1..]);
    for device in &devices {
        let whole = || async { (device.messages_of(&group).len() == 61).then_some(()) };
        let whole = eventually("every message is pushed", whole);
        // The phone opened after the beginning; the others saw all of it.
        if device.codec() == Codec::Json {
            whole.await;
            assert_eq!(numbers(&device.messages_of(&group)), all);
        }
    }
    let log = wang.log(&group).await;
    assert_eq!(numbers(&log), all);
    for at in 0..4 {
        let own = log.iter().filter_map(|m| m["text"].as_str());
        let own: Vec<&str> = own
            .filter(|text| text.starts_with(&format!("{at}-")))
            .collect();
        let sent: Vec<String> = (0..15).map(|turn| format!("{at}-{turn}")).collect();
        assert_eq!(own, sent, "one device's messages keep their order");
    }
}

#[tokio::test]
async fn im_i02_the_reply_leaves_after_all_pushes_of_lower_numbers() {
    for codec in Codec::BOTH {
        let world = World::start().await;
        let zhang = world.company("超客").admin("张三").await;
        let li = zhang.adds("李四").await;
        let group = zhang.gathers(&[&li], "项目组").await;
        let (_, device) = zhang.also_on(Opening::fresh().over(codec)).await;
        let chatter = async {
            for n in 0..20 {
                li.says(&group, &format!("插话{n}")).await;
            }
        };
        let own = async {
            for n in 0..20 {
                let params = json!({"conversation_id": group, "client_msg_id": fresh_id("m"), "text": format!("我说{n}")});
                device.does("message.send", params).await;
            }
        };
        tokio::join!(chatter, own);
        let mut pushed = 1;
        for frame in device.frames() {
            if frame[0] == "message.created" {
                assert_eq!(frame[1]["message"]["seq"], pushed + 1, "{codec:?}");
                pushed += 1;
            } else if let Some(seq) = frame[2]["seq"].as_u64() {
                assert!(
                    pushed >= seq,
                    "{codec:?}: the reply for {seq} came after push {pushed}"
                );
            }
        }
    }
}

#[tokio::test]
async fn html_and_emoji_come_back_as_they_were_typed() {
    let world = World::start().await;
    let company = "<script>alert(1)</script>公司";
    let zhang = world.company(company).admin("<b>张三</b>").await;
    let li = zhang.adds("李&四\"'").await;
    let text = "<img src=x onerror=alert(1)> & \"引号\" '单' \\ 😀👨‍👩‍👧 {{x}} %3Cb%3E\n第二行";
    zhang.writes(&li, text).await;
    assert_eq!(li.sees(text).await["text"], text);
    let (_, phone) = li.also_on(Opening::fresh().over(Codec::Msgpack)).await;
    assert_eq!(phone.opened["space"]["name"], company);
    assert_eq!(phone.opened["user"]["name"], "李&四\"'");
    let found = phone
        .does("directory.get", json!({"user_ids": [zhang.id]}))
        .await;
    assert_eq!(found["items"][0]["name"], "<b>张三</b>");
    let chat = li.direct(&zhang).await;
    assert_eq!(li.log(&chat).await[0]["text"], text);
}

#[tokio::test]
async fn a_text_has_5000_characters_and_no_more() {
    for codec in Codec::BOTH {
        let world = World::memory().await;
        let zhang = world.company("超客").admin("张三").await;
        let li = zhang.adds("李四").await;
        let (_, device) = zhang.also_on(Opening::fresh().over(codec)).await;
        let chat = zhang.direct(&li).await;
        let send = |text: &str, id: &str| json!({"conversation_id": chat, "client_msg_id": id, "text": text, "peer_id": li.id});
        let longest = "汉".repeat(5_000);
        device
            .does("message.send", send(&longest, &fresh_id("m")))
            .await;
        li.sees(&longest).await;
        for (text, code) in [
            ("汉".repeat(5_001), "too_long"),
            (String::new(), "required"),
            (" \n\u{3000} ".to_owned(), "required"),
            ("a\u{0}b".to_owned(), "unprintable"),
        ] {
            let refusal = device
                .call("message.send", send(&text, &fresh_id("m")))
                .await;
            let refusal = refusal.unwrap_err();
            assert_eq!(refusal.kind(), ("invalid", code));
            assert_eq!(refusal.field.as_deref(), Some("text"));
        }
        device
            .does("message.send", send("64", &"x".repeat(64)))
            .await;
        for id in ["".to_owned(), "x".repeat(65)] {
            let refusal = device
                .call("message.send", send("65", &id))
                .await
                .unwrap_err();
            assert_eq!(refusal.kind(), ("invalid", "client_id_length"));
            assert_eq!(refusal.field.as_deref(), Some("client_msg_id"));
        }
        assert_eq!(li.log(&chat).await.len(), 2);
    }
}

#[tokio::test]
async fn plat_i16_a_client_id_older_than_30_days_is_refused_by_its_own_time() {
    let world = Setup::memory().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let now_ms = world.server().now_ms();
    let uuid = |ms: i64| {
        let hex = format!("{ms:012x}");
        format!("{}-{}-7000-8000-000000000000", &hex[..8], &hex[8..])
    };
    let day_ms = 24 * 60 * 60 * 1_000;
    let chat = zhang.direct(&li).await;
    let send = |id: String| json!({"conversation_id": chat, "client_msg_id": id, "text": "你好", "peer_id": li.id});
    zhang
        .does("message.send", send(uuid(now_ms - 30 * day_ms)))
        .await;
    let old = uuid(now_ms - 30 * day_ms - 1);
    let refusal = zhang.is_refused("message.send", send(old)).await;
    assert_eq!(refusal.kind(), ("conflict", "expired"));
    world.passes(Duration::from_secs(1));
    let first = uuid(now_ms - 30 * day_ms);
    let refusal = zhang.is_refused("message.send", send(first)).await;
    assert_eq!(refusal.kind(), ("conflict", "expired"), "the clock went on");
    assert_eq!(li.log(&chat).await.len(), 1);
}
