//! Taking somebody out while messages are under way: each message comes before the removal for
//! everybody, or it is refused.

use std::time::Duration;

use serde_json::{Value, json};
use world::{Setup, World, fresh_id, within};

/// The number of the system line that tells the removal.
fn removal(log: &[Value]) -> u64 {
    let line = log.iter().find(|m| m["system"]["what"] == "removed");
    line.expect("the removal is told")["seq"].as_u64().unwrap()
}

#[tokio::test]
async fn a_message_of_one_who_is_removed_comes_before_it_or_is_refused() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    let group = zhang.gathers(&[&li, &wang], "项目组").await;
    let device = li.device();
    let mut asked = Vec::new();
    for n in 0..40 {
        let params = json!({"conversation_id": group, "client_msg_id": format!("m{n}"), "text": format!("第{n}条")});
        asked.push(device.ask("message.send", params).await);
        if n == 15 {
            let remove = json!({"conversation_id": group, "user_id": li.id});
            zhang.does("conversation.remove_member", remove).await;
        }
    }
    let mut accepted = Vec::new();
    for id in asked {
        match device.answer(id).await {
            Ok(sent) => accepted.push(sent["seq"].as_u64().unwrap()),
            Err(refusal) => assert_eq!(refusal.kind(), ("not_found", "not_found")),
        }
    }
    let log = wang.log(&group).await;
    let end = removal(&log);
    assert!(
        accepted.iter().all(|seq| *seq < end),
        "{accepted:?} before {end}"
    );
    let of_li = log.iter().filter(|m| m["author_id"] == li.id.as_str());
    let written: Vec<u64> = of_li.map(|m| m["seq"].as_u64().unwrap()).collect();
    assert_eq!(written, accepted, "what was acknowledged and nothing else");
    assert!(accepted.len() < 40, "the rest was refused");
    let refusal = li
        .is_refused("message.list", json!({"conversation_id": group}))
        .await;
    assert_eq!(refusal.kind(), ("not_found", "not_found"));
}

#[tokio::test]
async fn one_who_is_removed_gets_what_came_before_it_and_nothing_after() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    let group = zhang.gathers(&[&li, &wang], "项目组").await;
    let mut asked = Vec::new();
    for n in 0..40 {
        let params = json!({"conversation_id": group, "client_msg_id": format!("m{n}"), "text": format!("第{n}条")});
        asked.push(wang.device().ask("message.send", params).await);
    }
    let remove = json!({"conversation_id": group, "user_id": li.id});
    zhang.does("conversation.remove_member", remove).await;
    for id in asked {
        wang.device().answer(id).await.unwrap();
    }
    wang.says(&group, "他听不见了").await;
    zhang.sees("他听不见了").await;
    let end = removal(&wang.log(&group).await);
    li.device().sees_self("left", &group).await;
    let pushed = li.device().messages_of(&group);
    let pushed: Vec<u64> = pushed.iter().map(|m| m["seq"].as_u64().unwrap()).collect();
    assert_eq!(pushed, (1..end).collect::<Vec<_>>());
}

#[tokio::test]
async fn adding_and_removing_the_same_one_at_once_leaves_list_and_roster_in_step() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    let group = zhang.gathers(&[&li, &wang], "项目组").await;
    let add = json!({"conversation_id": group, "user_ids": [li.id]});
    let remove = json!({"conversation_id": group, "user_id": li.id});
    for _ in 0..8 {
        tokio::join!(
            zhang.does("conversation.remove_member", remove.clone()),
            wang.does("conversation.add_members", add.clone()),
        );
        let members = zhang
            .does("conversation.members", json!({"conversation_id": group}))
            .await;
        let members = members["items"].as_array().unwrap();
        let member = members.iter().any(|m| m["user_id"] == li.id.as_str());
        assert_eq!(li.row(&group).await.is_some(), member);
        let (joined, left) = (
            li.times("joined", &group).await,
            li.times("left", &group).await,
        );
        assert_eq!(
            joined,
            left + usize::from(member),
            "the log self tells the same"
        );
    }
}

#[tokio::test]
async fn an_answer_that_does_not_wait_for_the_lists_says_so_and_they_follow() {
    let world = Setup::embedded().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    world.stop().await;
    world.starts_again_as(Setup::embedded().impatient()).await;
    let params = json!({"user_ids": [li.id], "name": "项目组"});
    let begun = zhang
        .http("conversation.create_discussion", params)
        .await
        .ok();
    assert_eq!(begun["pending"], true);
    let group = begun["conversation_id"].as_str().unwrap();
    let add = json!({"conversation_id": group, "user_ids": [wang.id]});
    assert_eq!(
        zhang.http("conversation.add_members", add).await.ok()["pending"],
        true
    );
    let listed = || async { wang.row(group).await };
    within(Duration::from_secs(10), "the list follows", listed).await;
    let remove = json!({"conversation_id": group, "user_id": wang.id});
    assert_eq!(
        zhang.http("conversation.remove_member", remove).await.ok()["pending"],
        true
    );
    let gone = || async { wang.row(group).await.is_none().then_some(()) };
    within(Duration::from_secs(10), "and again", gone).await;
}

/// What stands in the way of every change of a person's list, until it is taken away again.
async fn blocks_the_list(world: &World, user: &str, blocks: bool) {
    let store = world.server().node.store.clone();
    let home = storage::Home::new("user", user);
    let count = storage::RowAt {
        table: storage::TableId::new(chat_core::tables::JOINED_COUNT),
        partition: storage::key::encode(&()),
        key: storage::key::encode(&()),
    };
    let mut t = store.transaction(&home);
    t.delete(count.clone());
    t.commit().await.unwrap();
    let mut t = store.transaction(&home);
    if blocks {
        t.put(count, storage::Value::bytes(b"no number".to_vec()));
    } else {
        t.add(count, 1, None, None);
    }
    t.commit().await.unwrap();
}

#[tokio::test]
async fn a_removal_that_a_list_refuses_is_told_as_pending_as_often_as_it_is_asked() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let group = zhang.gathers(&[&li], "项目组").await;
    blocks_the_list(&world, &li.id, true).await;
    let remove = json!({"conversation_id": group, "user_id": li.id});
    let key = fresh_id("key");
    let asks = || async {
        let token = zhang.tokens().access;
        let wire = world.wire();
        let answer = wire.http_keyed(
            Some(&token),
            &key,
            "conversation.remove_member",
            remove.clone(),
        );
        answer.await.ok()
    };
    let node = world.server().node.clone();
    for _ in 0..2 {
        assert_eq!(asks().await["pending"], true);
        // The runner has passed it: its home is parked.
        let last = node.store.last_position().await;
        let passed = || async { node.effects.passed(last).await.then_some(()) };
        within(Duration::from_secs(30), "its home is parked", passed).await;
    }
    assert!(li.row(&group).await.is_none(), "the roster decides");
    blocks_the_list(&world, &li.id, false).await;
    let settled = || async { asks().await.get("pending").is_none().then_some(()) };
    for letter in zhang.does("admin.dead_letter.list", json!({})).await["items"]
        .as_array()
        .unwrap()
    {
        let again = json!({"letter_id": letter["letter_id"]});
        zhang.does("admin.dead_letter.retry", again).await;
    }
    within(Duration::from_secs(30), "it is in the list", settled).await;
}
