//! Who is online, who is typing.

use std::time::Duration;

use serde_json::{Value, json};
use world::{Opening, Person, Setup, World, eventually};

async fn watches(person: &Person, whom: &[&Person]) -> Value {
    let ids: Vec<&str> = whom.iter().map(|person| person.id.as_str()).collect();
    person
        .does("presence.watch", json!({"user_ids": ids}))
        .await
}

#[tokio::test]
async fn im_i14_dir_i03_coming_and_going_is_told_to_those_who_watch() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    let now = watches(&zhang, &[&li]).await;
    assert_eq!(now["items"], json!([{"user_id": li.id, "online": true}]));
    li.goes();
    let gone = zhang
        .device()
        .sees_push("that he went", |push| {
            push.event == "presence.changed" && push.data["items"][0]["online"] == false
        })
        .await;
    assert_eq!(gone.data["items"][0]["user_id"], li.id.as_str());
    eventually("his last visit is noted", || async {
        let seen = watches(&zhang, &[&li]).await;
        seen["items"][0]["last_seen_at"].as_i64()
    })
    .await;
    zhang.device().forget();
    li.comes(Opening::fresh()).await;
    zhang
        .device()
        .sees_push("that he came", |push| {
            push.event == "presence.changed" && push.data["items"][0]["online"] == true
        })
        .await;
    assert!(wang.device().events("presence.changed").is_empty());
}

#[tokio::test]
async fn dir_i03_one_is_online_as_long_as_one_of_ones_devices_is() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let (_, phone) = li.also_on(Opening::fresh()).await;
    watches(&zhang, &[&li]).await;
    li.goes();
    let online = || async {
        let found = zhang
            .does("directory.get", json!({"user_ids": [li.id]}))
            .await;
        found["items"][0]["online"].as_bool().unwrap()
    };
    assert!(online().await);
    phone.cut();
    eventually("he is offline", || async {
        (!online().await).then_some(())
    })
    .await;
    zhang.device().sees_event("presence.changed").await;
    let told = zhang.device().events("presence.changed");
    assert_eq!(
        told.len(),
        1,
        "the first device's going was no news: {told:?}"
    );
}

#[tokio::test]
async fn im_i14_a_watch_is_replaced_by_the_next_and_ends_after_five_minutes() {
    let world = Setup::memory().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    watches(&zhang, &[&li]).await;
    watches(&zhang, &[&wang]).await;
    li.goes();
    wang.goes();
    zhang.device().sees_event("presence.changed").await;
    let told = zhang.device().events("presence.changed");
    assert!(
        told.iter()
            .all(|change| change["items"][0]["user_id"] == wang.id.as_str())
    );
    let (watched, fresh) = (zhang.adds("赵六").await, zhang.adds("孙七").await);
    let (_, other) = zhang.also_on(Opening::fresh()).await;
    watches(&zhang, &[&watched]).await;
    // In steps, so that both sides hear each other's heartbeats.
    for _ in 0..6 {
        world.passes(Duration::from_secs(51));
        for device in [zhang.device(), other.clone(), watched.device()] {
            device.does("session.list", json!({})).await;
        }
    }
    let params = json!({"user_ids": [watched.id, fresh.id]});
    other.does("presence.watch", params).await;
    zhang.device().forget();
    watched.goes();
    other
        .sees_push("that he went", |push| {
            push.data["items"][0]["user_id"] == watched.id.as_str()
        })
        .await;
    assert!(
        zhang.device().events("presence.changed").is_empty(),
        "the watch had ended"
    );
}

#[tokio::test]
async fn presence_takes_200_people_and_only_over_a_connection() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let ids = |count: usize| vec![zhang.id.clone(); count];
    let watch = |count: usize| json!({"user_ids": ids(count)});
    zhang.does("presence.watch", watch(200)).await;
    let refusal = zhang.is_refused("presence.watch", watch(201)).await;
    assert_eq!(refusal.kind(), ("invalid", "too_many"));
    let refusal = zhang.http("presence.watch", watch(1)).await.refusal();
    assert_eq!(refusal.kind(), ("invalid", "needs_connection"));
}

#[tokio::test]
async fn im_i14_typing_is_told_to_the_others_only() {
    let world = Setup::memory().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    let (_, phone) = zhang.also_on(Opening::fresh()).await;
    zhang.writes(&li, "你好").await;
    let chat = zhang.direct(&li).await;
    let typing = json!({"conversation_id": chat});
    for _ in 0..5 {
        zhang.does("conversation.typing", typing.clone()).await;
    }
    let told = li.device().sees_event("conversation.typed").await;
    assert_eq!(
        told.data,
        json!({"conversation_id": chat, "user_id": zhang.id})
    );
    world.passes(Duration::from_secs(2));
    zhang.does("conversation.typing", typing.clone()).await;
    zhang.writes(&li, "写完了").await;
    li.sees("写完了").await;
    assert_eq!(
        li.device().events("conversation.typed").len(),
        2,
        "once in two seconds"
    );
    phone.sees("写完了").await;
    for device in [zhang.device(), phone, wang.device()] {
        assert!(device.events("conversation.typed").is_empty());
    }
}

#[tokio::test]
async fn im_i14_typing_is_told_in_conversations_of_up_to_50_members() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let mut many = zhang.adds_many(49).await;
    many[0].clone_from(&li.id);
    let create = |people: &[String]| json!({"user_ids": people, "name": "全员"});
    let method = "conversation.create_discussion";
    let fifty = zhang.does(method, create(&many)).await;
    let mut more = many.clone();
    more.push(zhang.adds_many(1).await.remove(0));
    let large = zhang.does(method, create(&more)).await;
    assert_eq!(
        (&fifty["member_count"], &large["member_count"]),
        (&json!(50), &json!(51))
    );
    for group in [&large, &fifty] {
        let params = json!({"conversation_id": group["conversation_id"]});
        zhang.does("conversation.typing", params).await;
    }
    li.device().sees_event("conversation.typed").await;
    let told = li.device().events("conversation.typed");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["conversation_id"], fifty["conversation_id"]);
}
