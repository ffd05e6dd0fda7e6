//! Coming back after a cut: exactly what was missed, or the word to load anew; never a part.

use serde_json::{Value, json};
use world::{Codec, Device, Opening, Person, World};

fn entries(log: &Value) -> Vec<u64> {
    assert_eq!(log["state"], "recovered", "{log}");
    let entries = log["entries"].as_array().unwrap().iter();
    entries
        .map(|entry| entry["seq"].as_u64().unwrap())
        .collect()
}

async fn back(person: &Person, chat: &str, seen: u64) -> Device {
    let opening = Opening::fresh().seen(chat, seen);
    person.opens(opening).await.unwrap()
}

#[tokio::test]
async fn im_i03_plat_i04_coming_back_gives_exactly_the_missing_entries() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let chat = zhang.direct(&li).await;
    for n in 1..=3 {
        zhang.writes(&li, &format!("第{n}条")).await;
    }
    li.sees("第3条").await;
    li.goes();
    for n in 4..=8 {
        zhang.writes(&li, &format!("第{n}条")).await;
    }
    for codec in Codec::BOTH {
        let opening = Opening::fresh().over(codec).seen(&chat, 3);
        let device = li.comes(opening).await;
        let log = device.resumed(&chat);
        assert_eq!(entries(log), [4, 5, 6, 7, 8]);
        assert_eq!(log["head_seq"], 8);
        assert_eq!(log["entries"], json!(zhang.log(&chat).await[3..]));
    }
    assert_eq!(
        entries(back(&li, &chat, 8).await.resumed(&chat)),
        [] as [u64; 0]
    );
    zhang.writes(&li, "接着说").await;
    li.sees("接着说").await;
}

#[tokio::test]
async fn plat_i04_two_hundred_entries_are_given_and_one_more_is_a_reload() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    for n in 1..=201 {
        zhang.writes(&li, &format!("{n}")).await;
    }
    let chat = zhang.direct(&li).await;
    assert_eq!(
        entries(back(&li, &chat, 1).await.resumed(&chat)),
        (2..=201).collect::<Vec<_>>()
    );
    let reload = json!({"state": "reload", "head_seq": 201});
    assert_eq!(*back(&li, &chat, 0).await.resumed(&chat), reload);
    assert_eq!(
        *back(&li, &chat, 202).await.resumed(&chat),
        reload,
        "ahead of the log"
    );
    assert_eq!(*back(&li, &chat, u64::MAX).await.resumed(&chat), reload);
}

#[tokio::test]
async fn plat_i04_all_logs_together_give_512_kib_and_what_does_not_fit_is_a_reload() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let long = "汉".repeat(5_000);
    let (first, second) = (
        zhang.gathers(&[&li], "甲").await,
        zhang.gathers(&[&li], "乙").await,
    );
    // 15 KB each: 20 fit, 40 do not.
    for group in [&first, &second] {
        for _ in 0..20 {
            zhang.says(group, &long).await;
        }
    }
    let opening = Opening::fresh().seen(&first, 0).seen(&second, 0);
    let device = li.opens(opening).await.unwrap();
    let states = [&first, &second].map(|group| device.resumed(group)["state"].clone());
    assert!(
        states.contains(&json!("recovered")) && states.contains(&json!("reload")),
        "{states:?}"
    );
    for group in [&first, &second] {
        if device.resumed(group)["state"] == "recovered" {
            assert_eq!(entries(device.resumed(group)), (1..=21).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn plat_i04_a_former_member_and_a_stranger_are_told_that_there_is_no_such_conversation() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    let group = zhang.gathers(&[&li], "项目组").await;
    zhang.says(&group, "第一句").await;
    li.goes();
    let remove = json!({"conversation_id": group, "user_id": li.id});
    zhang.does("conversation.remove_member", remove).await;
    zhang.says(&group, "第二句").await;
    let gone = json!({"state": "not_found"});
    let nowhere = "01kb0000000000000000000000";
    for (person, chat) in [(&li, group.as_str()), (&wang, &group), (&wang, nowhere)] {
        assert_eq!(*back(person, chat, 1).await.resumed(chat), gone);
    }
}

#[tokio::test]
async fn im_i13_one_who_joined_again_meanwhile_starts_at_the_new_joining() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let group = zhang.gathers(&[&li], "项目组").await;
    zhang.says(&group, "第一句").await;
    li.goes();
    let remove = json!({"conversation_id": group, "user_id": li.id});
    zhang.does("conversation.remove_member", remove).await;
    zhang.says(&group, "背后的话").await;
    let add = json!({"conversation_id": group, "user_ids": [li.id]});
    zhang.does("conversation.add_members", add).await;
    zhang.says(&group, "新的话").await;
    let device = back(&li, &group, 2).await;
    assert_eq!(
        *device.resumed(&group),
        json!({"state": "reload", "head_seq": 6})
    );
    // Whatever he says he has seen, nothing from before the joining comes.
    for seen in 3..=6 {
        let device = back(&li, &group, seen).await;
        let texts = device.resumed(&group)["entries"].to_string();
        assert!(!texts.contains("背后的话"), "{seen}: {texts}");
    }
    assert_eq!(entries(back(&li, &group, 4).await.resumed(&group)), [5, 6]);
}

#[tokio::test]
async fn im_i03_what_was_never_heard_of_stands_in_the_log_self() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    zhang.writes(&li, "你好").await;
    li.sees("你好").await;
    li.device()
        .sees_self("joined", &zhang.direct(&li).await)
        .await;
    let seen = li.goes().events("self.appended").len() as u64;
    let group = zhang.gathers(&[&li], "新组").await;
    zhang.says(&group, "欢迎").await;
    let other = zhang.gathers(&[&li], "散了").await;
    let remove = json!({"conversation_id": other, "user_id": li.id});
    zhang.does("conversation.remove_member", remove).await;
    let device = li.comes(Opening::fresh().self_seen(seen)).await;
    let told = device.resumed_self()["entries"].as_array().unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|entry| {
            (
                entry["what"].as_str().unwrap(),
                entry["conversation_id"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("joined", group.as_str()),
            ("joined", &other),
            ("left", &other)
        ]
    );
    assert_eq!(li.unread(&group).await, 1);
    assert_eq!(li.log(&group).await.len(), 2);
}

#[tokio::test]
async fn plat_i04_coming_back_after_a_restart_is_coming_back() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let chat = zhang.direct(&li).await;
    zhang.writes(&li, "一").await;
    let before = li.device().opened["incarnation"].clone();
    li.goes();
    zhang.writes(&li, "二").await;
    world.stop().await;
    world.starts_again().await;
    let device = li.comes(Opening::fresh().seen(&chat, 1).self_seen(1)).await;
    assert_eq!(entries(device.resumed(&chat)), [2]);
    assert_eq!(
        device.opened["incarnation"], before,
        "what one keeps is still good"
    );
    zhang.comes(Opening::fresh()).await;
    zhang.writes(&li, "三").await;
    li.sees("三").await;
}

#[tokio::test]
async fn plat_i04_a_hundred_cursors_may_be_named() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let id = |n: usize| format!("01kb00000000000000000000{}{}", n / 10 % 10, n % 10);
    let named = |count: usize| {
        (0..count).fold(Opening::fresh(), |opening, n| {
            opening.seen(
                &if n < 100 {
                    id(n)
                } else {
                    format!("01kc0000000000000000000{n}")
                },
                0,
            )
        })
    };
    let device = zhang.opens(named(100)).await.unwrap();
    assert_eq!(
        device.opened["logs"]["conversations"]
            .as_object()
            .unwrap()
            .len(),
        100
    );
    let refusal = zhang.opens(named(101)).await.err().unwrap();
    assert_eq!(refusal.kind(), ("invalid", "too_many"));
    assert_eq!(refusal.field.as_deref(), Some("cursors"));
}
