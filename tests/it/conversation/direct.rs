//! A private chat: one conversation for ever between the same two people.

use serde_json::json;
use world::{World, fresh_id};

#[tokio::test]
async fn im_01_im_i01_a_private_chat_is_one_conversation_from_both_sides() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let chat = zhang.direct(&li).await;
    assert_eq!(chat, li.direct(&zhang).await);
    zhang.writes(&li, "你好").await;
    li.writes(&zhang, "在呢").await;
    let again = zhang
        .does("conversation.open_direct", json!({"user_id": li.id}))
        .await;
    assert_eq!(again["conversation_id"], chat.as_str());
    assert_eq!(again["head_seq"], 2);
    assert_eq!((zhang.list().await.len(), li.list().await.len()), (1, 1));
}

#[tokio::test]
async fn im_i01_opening_a_private_chat_writes_nothing() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let opened = zhang
        .does("conversation.open_direct", json!({"user_id": li.id}))
        .await;
    assert_eq!(opened["head_seq"], 0);
    assert_eq!(opened["peer_id"], li.id.as_str());
    assert!(zhang.list().await.is_empty() && li.list().await.is_empty());
    assert!(li.self_log().await.is_empty());
    let params = json!({"conversation_id": opened["conversation_id"]});
    assert_eq!(
        li.is_refused("conversation.get", params).await.kind(),
        ("not_found", "not_found")
    );
}

#[tokio::test]
async fn im_i01_two_first_messages_at_once_make_one_chat() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    for round in 0..5 {
        let wang = zhang.adds("王五").await;
        let (mine, yours) = (format!("甲{round}"), format!("乙{round}"));
        let (one, other) = tokio::join!(li.writes(&wang, &mine), wang.writes(&li, &yours));
        let mut numbers = [one["seq"].as_u64(), other["seq"].as_u64()];
        numbers.sort_unstable();
        assert_eq!(numbers, [Some(1), Some(2)]);
        let chat = li.direct(&wang).await;
        assert_eq!(li.log(&chat).await, wang.log(&chat).await);
        for (person, text, own) in [(&li, &yours, &one), (&wang, &mine, &other)] {
            person.sees(text).await;
            assert_eq!(person.times("joined", &chat).await, 1, "{}", person.name);
            // Sending moves one's read position: what stood before it was answered.
            let unread = 2 - own["seq"].as_u64().unwrap();
            assert_eq!(person.unread(&chat).await, unread, "{}", person.name);
        }
    }
}

#[tokio::test]
async fn a_third_person_is_told_that_there_is_no_such_chat() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    zhang.writes(&li, "只给你看").await;
    let chat = zhang.direct(&li).await;
    let here = json!({"conversation_id": chat});
    let calls = [
        ("conversation.get", here.clone()),
        ("conversation.members", here.clone()),
        ("conversation.typing", here.clone()),
        ("conversation.leave", here.clone()),
        ("message.list", here),
        (
            "conversation.mark_read",
            json!({"conversation_id": chat, "seq": 1}),
        ),
        (
            "conversation.add_members",
            json!({"conversation_id": chat, "user_ids": [li.id]}),
        ),
        (
            "message.send",
            json!({"conversation_id": chat, "client_msg_id": "x", "text": "x", "peer_id": li.id}),
        ),
    ];
    for (method, params) in calls {
        let refusal = wang.is_refused(method, params).await;
        assert_eq!(refusal.kind(), ("not_found", "not_found"), "{method}");
    }
    assert_eq!(wang.device().events("message.created").len(), 0);
}

#[tokio::test]
async fn the_first_message_must_name_the_other_one() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    let chat = zhang.direct(&li).await;
    let send = |peer: Option<&str>| {
        let mut params =
            json!({"conversation_id": chat, "client_msg_id": fresh_id("m"), "text": "你好"});
        if let Some(peer) = peer {
            params["peer_id"] = peer.into();
        }
        params
    };
    for peer in [None, Some(wang.id.as_str()), Some(zhang.id.as_str())] {
        let refusal = zhang.is_refused("message.send", send(peer)).await;
        assert_eq!(refusal.kind(), ("not_found", "not_found"), "{peer:?}");
    }
    assert!(zhang.list().await.is_empty() && li.list().await.is_empty());
    zhang.does("message.send", send(Some(&li.id))).await;
    li.sees("你好").await;
    // Later it may be left out.
    li.says(&chat, "在呢").await;
}

#[tokio::test]
async fn a_private_chat_is_no_discussion() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    zhang.writes(&li, "你好").await;
    let chat = zhang.direct(&li).await;
    for (method, more) in [
        ("conversation.leave", json!({})),
        ("conversation.add_members", json!({"user_ids": [wang.id]})),
        ("conversation.remove_member", json!({"user_id": li.id})),
        ("conversation.rename", json!({"name": "新名"})),
        ("conversation.transfer", json!({"user_id": li.id})),
    ] {
        let mut params = more;
        params["conversation_id"] = chat.clone().into();
        let refusal = zhang.is_refused(method, params).await;
        assert_eq!(refusal.kind(), ("conflict", "not_a_discussion"), "{method}");
    }
    let own = zhang
        .is_refused("conversation.open_direct", json!({"user_id": zhang.id}))
        .await;
    assert_eq!(own.kind(), ("invalid", "own_user"));
    assert_eq!(zhang.log(&chat).await.len(), 1);
}
