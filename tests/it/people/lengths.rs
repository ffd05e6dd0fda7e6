//! Names and titles are as long as promised and not a character longer, in both codecs.

use serde_json::{Value, json};
use world::{Codec, Opening, Person, World};

/// A login of `chars` characters that differs with `mark`.
fn login(mark: &str, chars: usize) -> String {
    format!("{mark}{}", "x".repeat(chars - mark.len()))
}

#[tokio::test]
async fn a_new_colleague_has_a_name_of_30_a_title_of_50_and_a_login_of_64_characters_at_most() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    for (codec, mark) in Codec::BOTH.into_iter().zip(["a", "b"]) {
        let device = zhang.opens(Opening::fresh().over(codec)).await.unwrap();
        let person = |name: usize, title: usize, login: &str| -> Value {
            json!({"name": "名".repeat(name), "title": "职".repeat(title), "login": login})
        };
        let longest = person(30, 50, &login(mark, 64));
        device.does("space.add_member", longest).await;
        for (params, field) in [
            (person(31, 50, &login(mark, 63)), "name"),
            (person(30, 51, &login(mark, 63)), "title"),
            (person(30, 50, &login(mark, 65)), "login"),
            (person(30, 50, mark), "login"),
        ] {
            let refusal = device.call("space.add_member", params).await.unwrap_err();
            assert_eq!(refusal.class, "invalid", "{refusal:?}");
            assert_eq!(refusal.field.as_deref(), Some(field), "{refusal:?}");
        }
        device
            .does("space.add_member", person(1, 1, &login(mark, 2)))
            .await;
    }
}

#[tokio::test]
async fn a_discussion_has_a_name_of_50_characters_at_most_when_created_and_when_renamed() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    let (longest, longer) = ("组".repeat(50), "组".repeat(51));
    for codec in Codec::BOTH {
        let device = zhang.opens(Opening::fresh().over(codec)).await.unwrap();
        let create = |name: &str| json!({"user_ids": [li.id, wang.id], "name": name});
        let group = zhang.gathers(&[&li, &wang], "项目组").await;
        let rename = |name: &str| json!({"conversation_id": group, "name": name});
        for (method, fits, does_not) in [
            (
                "conversation.create_discussion",
                create(&longest),
                create(&longer),
            ),
            ("conversation.rename", rename(&longest), rename(&longer)),
        ] {
            device.does(method, fits).await;
            let refusal = device.call(method, does_not).await.unwrap_err();
            assert_eq!(refusal.kind(), ("invalid", "too_long"), "{method}");
            assert_eq!(refusal.field.as_deref(), Some("name"));
        }
    }
}

#[tokio::test]
async fn a_company_has_a_name_of_60_characters_at_most() {
    for (chars, fits) in [(60, true), (61, false)] {
        let world = World::memory().await;
        let params = json!({
            "token": world.setup_token(),
            "company_name": "司".repeat(chars),
            "name": "张三",
            "login": "zhangsan",
            "password": Person::PASSWORD,
        });
        let answer = world.wire().http("setup.complete", params).await;
        if fits {
            assert_eq!(answer.ok()["space"]["name"], "司".repeat(60));
        } else {
            let refusal = answer.refusal();
            assert_eq!(refusal.kind(), ("invalid", "too_long"));
            assert_eq!(refusal.field.as_deref(), Some("company_name"));
        }
    }
}

#[tokio::test]
async fn a_device_has_a_name_of_100_characters_at_most() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let sign_in = |chars: usize| json!({"login": zhang.login, "password": Person::PASSWORD, "device_name": "机".repeat(chars)});
    world
        .wire()
        .http("session.sign_in", sign_in(100))
        .await
        .ok();
    let refusal = world
        .wire()
        .http("session.sign_in", sign_in(101))
        .await
        .refusal();
    assert_eq!(refusal.kind(), ("invalid", "too_long"));
    assert_eq!(refusal.field.as_deref(), Some("device_name"));
}

#[tokio::test]
async fn a_list_row_shows_the_first_100_characters_of_a_message() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let chat = zhang.direct(&li).await;
    for chars in [100, 101] {
        zhang.writes(&li, &"长".repeat(chars)).await;
        let shown = li.row(&chat).await.unwrap()["last"]["text"].clone();
        assert_eq!(shown, "长".repeat(100));
    }
}

#[tokio::test]
async fn an_account_has_50_sessions_and_the_oldest_makes_room() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let first = zhang.signs_in().await;
    // With the one of the set-up there are 50 now.
    for _ in 0..48 {
        zhang.signs_in().await;
    }
    let listed = async || {
        let sessions = world
            .wire()
            .http_as(&first.access, "session.list", json!({}))
            .await;
        (sessions.status == 200).then(|| sessions.ok()["items"].as_array().unwrap().len())
    };
    assert_eq!(listed().await, Some(50));
    zhang.signs_in().await;
    // The one of the set-up was the oldest.
    assert_eq!(listed().await, Some(50));
    let refusal = zhang.http("session.list", json!({})).await.refusal();
    assert_eq!(refusal.class, "unauthenticated");
    zhang.signs_in().await;
    assert_eq!(listed().await, None);
}
