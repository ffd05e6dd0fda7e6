//! How far one has read: the same on all devices, shown to the other one.

use serde_json::json;
use world::{Codec, Opening, World, eventually};

#[tokio::test]
async fn im_i05_unread_messages_are_counted_and_reading_clears_them_on_all_devices() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let (_, phone) = li.also_on(Opening::fresh().over(Codec::Msgpack)).await;
    for n in 1..=3 {
        zhang.writes(&li, &format!("第{n}条")).await;
    }
    let chat = li.direct(&zhang).await;
    phone.sees("第3条").await;
    assert_eq!(li.unread(&chat).await, 3);
    assert_eq!(zhang.unread(&chat).await, 0, "one's own messages are read");
    let marked = li.reads(&chat, 2).await;
    assert_eq!(marked["unread"], 1);
    let told = phone.sees_self("read", &chat).await;
    assert_eq!(
        (&told["read_seq"], &told["read_count"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(li.unread(&chat).await, 1);
    let params = json!({"conversation_id": chat, "seq": 3});
    assert_eq!(
        phone.does("conversation.mark_read", params).await["unread"],
        0
    );
    assert_eq!(li.unread(&chat).await, 0);
}

#[tokio::test]
async fn im_i05_a_read_position_never_moves_back_and_never_beyond_the_last_entry() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    for n in 1..=3 {
        zhang.writes(&li, &format!("第{n}条")).await;
    }
    let chat = li.direct(&zhang).await;
    assert_eq!(li.reads(&chat, 2).await["read_seq"], 2);
    assert_eq!(li.reads(&chat, 1).await["read_seq"], 2);
    assert_eq!(li.reads(&chat, 0).await["read_seq"], 2);
    assert_eq!(li.reads(&chat, 9_999).await["read_seq"], 3);
    assert_eq!(li.row(&chat).await.unwrap()["read_seq"], 3);
}

#[tokio::test]
async fn im_i05_reading_on_two_devices_at_once_ends_at_the_further_one() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let (_, phone) = li.also_on(Opening::fresh()).await;
    for n in 1..=20 {
        zhang.writes(&li, &format!("第{n}条")).await;
    }
    let chat = li.direct(&zhang).await;
    let here = async {
        for seq in [3, 9, 14] {
            li.reads(&chat, seq).await;
        }
    };
    let there = async {
        for seq in [5, 7, 20] {
            let params = json!({"conversation_id": chat, "seq": seq});
            phone.does("conversation.mark_read", params).await;
        }
    };
    tokio::join!(here, there);
    assert_eq!(li.unread(&chat).await, 0);
    for device in [&li.device(), &phone] {
        device
            .sees_push("the end of the log", |push| push.data["read_seq"] == 20)
            .await;
        let moves: Vec<u64> = device
            .events("self.appended")
            .iter()
            .filter(|entry| entry["what"] == "read")
            .map(|entry| entry["read_seq"].as_u64().unwrap())
            .collect();
        assert!(moves.is_sorted(), "{moves:?}");
    }
}

#[tokio::test]
async fn im_i04_what_one_sends_and_reads_shows_on_ones_other_devices() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let (_, phone) = zhang.also_on(Opening::fresh().over(Codec::Msgpack)).await;
    let sent = zhang.writes(&li, "电脑上发的").await;
    assert_eq!(phone.sees("电脑上发的").await, sent, "as it was answered");
    assert_eq!(
        zhang.sees("电脑上发的").await,
        sent,
        "the sending device is told too"
    );
    let chat = zhang.direct(&li).await;
    li.writes(&zhang, "收到").await;
    phone.sees("收到").await;
    let params = json!({"conversation_id": chat, "seq": 2});
    phone.does("conversation.mark_read", params).await;
    zhang
        .device()
        .sees_push("the phone's reading", |push| push.data["read_seq"] == 2)
        .await;
}

#[tokio::test]
async fn im_i05_ones_own_last_message_is_not_unread_after_a_restart() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    zhang.writes(&li, "停机前").await;
    world.stop().await;
    world.starts_again().await;
    zhang.comes(Opening::fresh()).await;
    let chat = zhang.direct(&li).await;
    assert_eq!((zhang.unread(&chat).await, li.unread(&chat).await), (0, 1));
}

#[tokio::test]
async fn im_i06_the_other_one_of_a_private_chat_sees_what_was_read() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    zhang.writes(&li, "看到了吗").await;
    let chat = zhang.direct(&li).await;
    let read_by_li = || async {
        let params = json!({"conversation_id": chat});
        let chat = zhang.does("conversation.get", params).await;
        let members = chat["members"].as_array().unwrap().clone();
        let li = members.iter().find(|m| m["user_id"] == li.id.as_str());
        li.unwrap()["read_seq"].as_u64().unwrap()
    };
    assert_eq!(read_by_li().await, 0);
    li.reads(&chat, 1).await;
    let told = zhang
        .device()
        .sees_push("the reading", |push| {
            push.event == "conversation.read" && push.data["user_id"] == li.id.as_str()
        })
        .await;
    assert_eq!(told.data["seq"], 1);
    assert_eq!(told.data["conversation_id"], chat.as_str());
    assert_eq!(read_by_li().await, 1);
}

#[tokio::test]
async fn im_i06_read_marks_are_told_to_members_only() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    zhang.writes(&li, "看到了吗").await;
    let chat = zhang.direct(&li).await;
    li.reads(&chat, 1).await;
    zhang.device().sees_event("conversation.read").await;
    zhang.writes(&wang, "过来").await;
    wang.sees("过来").await;
    let of_others = wang.device().events("conversation.read");
    assert!(
        of_others
            .iter()
            .all(|read| read["conversation_id"] != chat.as_str())
    );
}

#[tokio::test]
async fn a_late_mark_does_not_bring_back_a_discussion_that_was_left() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let group = zhang.gathers(&[&li], "项目组").await;
    for n in 0..5 {
        zhang.says(&group, &format!("第{n}条")).await;
    }
    // The first mark is written at once, the second waits for its turn while he leaves.
    li.reads(&group, 2).await;
    let device = li.device();
    let late = device
        .ask(
            "conversation.mark_read",
            json!({"conversation_id": group, "seq": 5}),
        )
        .await;
    li.http("conversation.leave", json!({"conversation_id": group}))
        .await
        .ok();
    let _either_is_right = device.answer(late).await;
    let refusal = li
        .is_refused(
            "conversation.mark_read",
            json!({"conversation_id": group, "seq": 6}),
        )
        .await;
    assert_eq!(refusal.kind(), ("not_found", "not_found"));
    assert!(li.row(&group).await.is_none());
    eventually("nothing is waiting to be written", || async {
        let node = &world.server().node;
        let (user, group) = (li.id.parse().unwrap(), group.parse().unwrap());
        node.cursors.waiting(user, group).is_none().then_some(())
    })
    .await;
    let log = li.self_log().await;
    let left = log
        .iter()
        .rposition(|entry| entry["what"] == "left")
        .unwrap();
    assert_eq!(left, log.len() - 1, "nothing of it comes after the leaving");
    assert!(li.row(&group).await.is_none());
}
