//! Reading what was written, in pages.

use serde_json::{Value, json};
use world::{Codec, Opening, Person, World};

async fn page(person: &Person, chat: &str, mut params: Value) -> (Vec<u64>, bool, bool) {
    params["conversation_id"] = chat.into();
    let page = person.does("message.list", params).await;
    let items = page["items"].as_array().unwrap().iter();
    let numbers = items.map(|m| m["seq"].as_u64().unwrap()).collect();
    let flag = |name: &str| page[name].as_bool().unwrap();
    (numbers, flag("more_before"), flag("more_after"))
}

fn span(from: u64, to: u64) -> Vec<u64> {
    (from..=to).collect()
}

#[tokio::test]
async fn pages_of_messages_meet_without_gap_or_overlap() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    for n in 1..=25 {
        zhang.writes(&li, &format!("第{n}条")).await;
    }
    let chat = li.direct(&zhang).await;
    let of = |params: Value| page(&li, &chat, params);
    assert_eq!(of(json!({"limit": 10})).await, (span(16, 25), true, false));
    assert_eq!(
        of(json!({"limit": 10, "before": 16})).await,
        (span(6, 15), true, true)
    );
    assert_eq!(
        of(json!({"limit": 10, "before": 6})).await,
        (span(1, 5), false, true)
    );
    assert_eq!(
        of(json!({"limit": 10, "after": 20})).await,
        (span(21, 25), true, false)
    );
    assert_eq!(
        of(json!({"limit": 10, "around": 12})).await,
        (span(7, 16), true, true)
    );
    assert_eq!(of(json!({"after": 25})).await.0, span(1, 0));
    assert_eq!(of(json!({})).await.0, span(1, 25));
    for (params, field) in [
        (json!({"limit": 0}), "limit"),
        (json!({"limit": 201}), "limit"),
        (json!({"before": 3, "after": 1}), "around"),
    ] {
        let mut params = params;
        params["conversation_id"] = chat.clone().into();
        let refusal = li.is_refused("message.list", params).await;
        assert_eq!(
            (refusal.class.as_str(), refusal.field.as_deref()),
            ("invalid", Some(field))
        );
    }
}

#[tokio::test]
async fn a_list_of_conversations_is_ordered_by_activity_and_pages_name_each_once() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let mut groups = Vec::new();
    for n in 0..7 {
        groups.push(zhang.gathers(&[&li], &format!("第{n}组")).await);
    }
    // What happens in one millisecond has no order: he goes on until his words are later than all else.
    let begun_ms = li.list().await[0]["last"]["sent_at"].as_i64();
    while zhang.says(&groups[2], "最近的话").await["sent_at"].as_i64() <= begun_ms {}
    let first = li.list().await;
    assert_eq!(first[0]["conversation_id"], groups[2].as_str());
    assert_eq!(first[0]["last"]["text"], "最近的话");
    let (mut seen, mut params) = (Vec::new(), json!({"limit": 3}));
    loop {
        let page = li.does("conversation.list", params.clone()).await;
        let rows = page["items"].as_array().unwrap().iter();
        seen.extend(rows.map(|row| row["conversation_id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => params["cursor"] = next.into(),
            None => break,
        }
    }
    let mut all = groups.clone();
    all.sort_unstable();
    seen.sort_unstable();
    assert_eq!(seen, all);
    let refusal = li
        .is_refused("conversation.list", json!({"cursor": "?"}))
        .await;
    assert_eq!(refusal.kind(), ("invalid", "cursor_expired"));
}

#[tokio::test]
async fn a_page_of_long_messages_is_shorter_but_has_no_hole_and_stays_below_a_mebibyte() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let group = zhang.gathers(&[&li], "长谈").await;
    // A quotation mark takes two bytes in JSON, a 汉字 three in both codecs.
    for letter in ["\"", "长"] {
        for _ in 0..100 {
            zhang.says(&group, &letter.repeat(5_000)).await;
        }
    }
    for codec in Codec::BOTH {
        let device = li.opens(Opening::fresh().over(codec)).await.unwrap();
        let mut params = json!({"conversation_id": group, "limit": 200});
        let mut seen = Vec::new();
        loop {
            let page = device.does("message.list", params.clone()).await;
            assert!(page.to_string().len() <= 1024 * 1024);
            let items = page["items"].as_array().unwrap();
            assert!((10..200).contains(&items.len()));
            let numbers: Vec<u64> = items.iter().map(|m| m["seq"].as_u64().unwrap()).collect();
            params["before"] = numbers[0].into();
            seen.splice(0..0, numbers);
            if page["more_before"] != true {
                break;
            }
        }
        assert_eq!(seen, (1..=201).collect::<Vec<u64>>());
        let around = json!({"conversation_id": group, "around": 150, "limit": 200});
        let page = device.does("message.list", around).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.iter().any(|message| message["seq"] == 150));
        assert_eq!(
            (&page["more_before"], &page["more_after"]),
            (&json!(true), &json!(true))
        );
    }
}
