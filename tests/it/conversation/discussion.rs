//! A discussion: several colleagues, an owner, a name.

use serde_json::{Value, json};
use world::{Person, World};

fn here(conversation: &str) -> Value {
    json!({"conversation_id": conversation})
}

fn with(conversation: &str, person: &Person) -> Value {
    json!({"conversation_id": conversation, "user_id": person.id})
}

async fn owner(person: &Person, conversation: &str) -> Value {
    person.does("conversation.get", here(conversation)).await["owner_id"].clone()
}

/// Three colleagues in a discussion of the first.
async fn three(world: &World) -> (Person, Person, Person, String) {
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    let group = zhang.gathers(&[&li, &wang], "项目组").await;
    (zhang, li, wang, group)
}

#[tokio::test]
async fn im_02_im_i12_several_colleagues_make_a_discussion_named_after_them() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    let params = json!({"user_ids": [li.id, wang.id]});
    let group = li.does(
        "conversation.create_discussion",
        json!({"user_ids": [zhang.id, wang.id]}),
    );
    let group = group.await;
    assert_eq!(group["owner_id"], li.id.as_str());
    assert_eq!(group["member_count"], 3);
    let name = group["name"].as_str().unwrap();
    assert!(name.starts_with("李四、"), "{name}");
    assert!(name.contains("张三") && name.contains("王五"), "{name}");
    let id = group["conversation_id"].as_str().unwrap();
    for person in [&zhang, &li, &wang] {
        person.device().sees_self("joined", id).await;
        assert_eq!(person.row(id).await.unwrap()["name"], name);
        assert_eq!(
            person.unread(id).await,
            0,
            "a line of the system counts for nothing"
        );
    }
    li.says(id, "开会").await;
    zhang.sees("开会").await;
    wang.sees("开会").await;
    // Another one of the same people is another discussion.
    let other = zhang.does("conversation.create_discussion", params).await;
    assert_ne!(other["conversation_id"], id);
}

#[tokio::test]
async fn im_i12_any_member_may_add_people_and_leave() {
    let world = World::memory().await;
    let (zhang, li, wang, group) = three(&world).await;
    let zhao = zhang.adds("赵六").await;
    let added = li
        .does(
            "conversation.add_members",
            json!({"conversation_id": group, "user_ids": [zhao.id, wang.id]}),
        )
        .await;
    assert_eq!(added, json!({"added": [zhao.id], "already": [wang.id]}));
    zhao.device().sees_self("joined", &group).await;
    zhao.says(&group, "大家好").await;
    zhang.sees("大家好").await;
    wang.does("conversation.leave", here(&group)).await;
    wang.device().sees_self("left", &group).await;
    assert!(wang.row(&group).await.is_none());
    let refusal = wang.tries_to_say(&group, "还在吗").await.unwrap_err();
    assert_eq!(refusal.kind(), ("not_found", "not_found"));
    zhang.says(&group, "他走了").await;
    zhao.sees("他走了").await;
    assert!(
        wang.device()
            .messages_of(&group)
            .iter()
            .all(|m| m["text"] != "他走了")
    );
}

#[tokio::test]
async fn im_i12_only_the_owner_removes_renames_transfers_and_dissolves() {
    let world = World::memory().await;
    let (zhang, li, wang, group) = three(&world).await;
    for (method, params) in [
        ("conversation.remove_member", with(&group, &wang)),
        (
            "conversation.rename",
            json!({"conversation_id": group, "name": "新名"}),
        ),
        ("conversation.transfer", with(&group, &li)),
        ("conversation.dissolve", here(&group)),
    ] {
        let refusal = li.is_refused(method, params).await;
        assert_eq!(refusal.kind(), ("forbidden", "not_owner"), "{method}");
    }
    let rename = json!({"conversation_id": group, "name": "<b>新名</b>"});
    zhang.does("conversation.rename", rename).await;
    li.device().sees_event("conversation.changed").await;
    assert_eq!(li.row(&group).await.unwrap()["name"], "<b>新名</b>");
    zhang.does("conversation.transfer", with(&group, &li)).await;
    assert_eq!(owner(&wang, &group).await, li.id.as_str());
    li.does("conversation.remove_member", with(&group, &zhang))
        .await;
    zhang.device().sees_self("left", &group).await;
    li.does("conversation.dissolve", here(&group)).await;
    let refusal = wang.tries_to_say(&group, "还能说吗").await.unwrap_err();
    assert_eq!(refusal.kind(), ("conflict", "dissolved"));
    let kinds: Vec<Value> = wang
        .log(&group)
        .await
        .iter()
        .map(|m| m["system"]["what"].clone())
        .collect();
    assert_eq!(
        kinds,
        ["created", "renamed", "transferred", "removed", "dissolved"]
    );
    assert_eq!(wang.row(&group).await.unwrap()["state"], "dissolved");
}

#[tokio::test]
async fn im_i12_ownership_passes_to_the_earliest_member_when_the_owner_leaves() {
    let world = World::start().await;
    let (zhang, li, wang, group) = three(&world).await;
    let zhao = zhang.adds("赵六").await;
    let add = json!({"conversation_id": group, "user_ids": [zhao.id]});
    zhang.does("conversation.add_members", add).await;
    zhang.does("conversation.leave", here(&group)).await;
    let heir = owner(&zhao, &group).await;
    assert!(
        [&li.id, &wang.id].contains(&&heir.as_str().unwrap().to_owned()),
        "not the newcomer"
    );
    let (first, second) = if heir == li.id.as_str() {
        (&li, &wang)
    } else {
        (&wang, &li)
    };
    first.does("conversation.leave", here(&group)).await;
    assert_eq!(owner(&zhao, &group).await, second.id.as_str());
    second.does("conversation.leave", here(&group)).await;
    assert_eq!(owner(&zhao, &group).await, zhao.id.as_str());
    zhao.does("conversation.leave", here(&group)).await;
    for person in [&zhang, &li, &wang, &zhao] {
        assert!(person.row(&group).await.is_none());
        let refusal = person.is_refused("conversation.get", here(&group)).await;
        assert_eq!(refusal.kind(), ("not_found", "not_found"));
    }
}

#[tokio::test]
async fn im_i12_owner_and_heir_leaving_together_leave_no_discussion_without_an_owner() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    for round in 0..5 {
        let group = zhang.gathers(&[&li, &wang], &format!("第{round}组")).await;
        tokio::join!(
            zhang.does("conversation.leave", here(&group)),
            li.does("conversation.leave", here(&group)),
        );
        assert_eq!(owner(&wang, &group).await, wang.id.as_str());
        let members = wang.does("conversation.members", here(&group)).await;
        assert_eq!(members["items"].as_array().unwrap().len(), 1);
        assert_eq!(members["items"][0]["role"], "owner");
    }
}

#[tokio::test]
async fn im_i13_a_new_member_sees_the_discussion_from_his_joining_on() {
    let world = World::memory().await;
    let (zhang, _li, _wang, group) = three(&world).await;
    zhang.says(&group, "旧事一").await;
    zhang.says(&group, "旧事二").await;
    let zhao = zhang.adds("赵六").await;
    let add = json!({"conversation_id": group, "user_ids": [zhao.id]});
    zhang.does("conversation.add_members", add).await;
    assert_eq!(zhao.unread(&group).await, 0);
    zhang.says(&group, "新事").await;
    zhao.sees("新事").await;
    let seen = zhao.log(&group).await;
    assert_eq!(
        seen.iter()
            .map(|m| m["seq"].as_u64().unwrap())
            .collect::<Vec<_>>(),
        [4, 5]
    );
    assert_eq!(zhao.unread(&group).await, 1);
    for page in [
        json!({"before": 4}),
        json!({"around": 1}),
        json!({"after": 0}),
    ] {
        let mut params = page;
        params["conversation_id"] = group.clone().into();
        let items = zhao.does("message.list", params).await["items"].clone();
        assert!(
            items
                .as_array()
                .unwrap()
                .iter()
                .all(|m| m["seq"].as_u64().unwrap() >= 4),
            "{items}"
        );
    }
}

#[tokio::test]
async fn im_i13_one_who_joins_again_sees_only_from_the_new_joining_on() {
    let world = World::start().await;
    let (zhang, li, _wang, group) = three(&world).await;
    zhang.says(&group, "第一段").await;
    li.sees("第一段").await;
    zhang
        .does("conversation.remove_member", with(&group, &li))
        .await;
    zhang.says(&group, "背后的话").await;
    let add = json!({"conversation_id": group, "user_ids": [li.id]});
    zhang.does("conversation.add_members", add).await;
    assert_eq!(li.unread(&group).await, 0);
    zhang.says(&group, "第二段").await;
    li.sees("第二段").await;
    let texts: Vec<Value> = li
        .log(&group)
        .await
        .iter()
        .map(|m| m["text"].clone())
        .collect();
    assert_eq!(texts, [Value::Null, json!("第二段")]);
    assert_eq!(li.unread(&group).await, 1);
    assert_eq!(li.times("joined", &group).await, 2);
    assert_eq!(li.times("left", &group).await, 1);
    assert!(
        li.device()
            .messages_of(&group)
            .iter()
            .all(|m| m["text"] != "背后的话")
    );
}

#[tokio::test]
async fn im_i12_a_discussion_has_500_members_and_no_more() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let many = zhang.adds_many(501).await;
    let create = |people: &[String]| json!({"user_ids": people, "name": "全员"});
    let refusal = zhang
        .is_refused("conversation.create_discussion", create(&many[..500]))
        .await;
    assert_eq!(refusal.kind(), ("invalid", "too_many"));
    assert_eq!(refusal.field.as_deref(), Some("user_ids"));
    let group = zhang
        .does("conversation.create_discussion", create(&many[..498]))
        .await;
    assert_eq!(group["member_count"], 499);
    let id = group["conversation_id"].as_str().unwrap();
    let add = |people: &[String]| json!({"conversation_id": id, "user_ids": people});
    let refusal = zhang
        .is_refused("conversation.add_members", add(&many[498..500]))
        .await;
    assert_eq!(refusal.kind(), ("conflict", "limit_reached"));
    assert_eq!(
        zhang.row(id).await.unwrap()["member_count"],
        499,
        "all or nobody"
    );
    zhang
        .does("conversation.add_members", add(&many[498..499]))
        .await;
    let refusal = zhang
        .is_refused("conversation.add_members", add(&many[499..500]))
        .await;
    assert_eq!(refusal.kind(), ("conflict", "limit_reached"));
    let remove = json!({"conversation_id": id, "user_id": many[0]});
    zhang.does("conversation.remove_member", remove).await;
    zhang
        .does("conversation.add_members", add(&many[499..500]))
        .await;
    assert_eq!(zhang.row(id).await.unwrap()["member_count"], 500);
    let refusal = zhang
        .is_refused("conversation.add_members", add(&many[..201]))
        .await;
    assert_eq!(refusal.kind(), ("invalid", "too_many"));
    let mut members = Vec::new();
    let mut params = json!({"conversation_id": id, "limit": 200});
    loop {
        let page = zhang.does("conversation.members", params.clone()).await;
        members.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|m| m["user_id"].to_string()),
        );
        match page["next"].as_str() {
            Some(next) => params["cursor"] = next.into(),
            None => break,
        }
    }
    members.sort_unstable();
    members.dedup();
    assert_eq!(members.len(), 500, "the pages name each member once");
}

#[tokio::test]
async fn plat_i03_a_discussion_begun_again_under_the_same_id_is_the_same_one() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let create = |name: &str| json!({"user_ids": [li.id], "name": name});
    let method = "conversation.create_discussion";
    let device = zhang.device();
    let first = device.call_as("k1", method, create("甲")).await.unwrap();
    let again = device.call_as("k1", method, create("甲")).await.unwrap();
    assert_eq!(first["conversation_id"], again["conversation_id"]);
    let token = zhang.tokens().access;
    let over_http = zhang
        .wire()
        .http_keyed(Some(&token), "k1", method, create("甲"));
    assert_eq!(
        over_http.await.ok()["conversation_id"],
        first["conversation_id"]
    );
    let other = device
        .call_as("k1", method, create("乙"))
        .await
        .unwrap_err();
    assert_eq!(other.kind(), ("conflict", "client_id_reused"));
    assert_eq!(zhang.list().await.len(), 1);
    assert_eq!(
        li.times("joined", first["conversation_id"].as_str().unwrap())
            .await,
        1
    );
}

#[tokio::test]
async fn people_of_no_company_and_oneself_make_no_discussion() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let create = |people: Value| json!({"user_ids": people});
    let method = "conversation.create_discussion";
    let stranger = "01kb0000000000000000000000";
    let refusal = zhang.is_refused(method, create(json!([stranger]))).await;
    assert_eq!(refusal.kind(), ("not_found", "not_found"));
    for nobody in [json!([]), json!([zhang.id])] {
        let refusal = zhang.is_refused(method, create(nobody)).await;
        assert_eq!(refusal.kind(), ("invalid", "required"));
        assert_eq!(refusal.field.as_deref(), Some("user_ids"));
    }
    assert!(zhang.list().await.is_empty());
}
