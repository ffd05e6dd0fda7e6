//! What an administrator changes of a colleague, and who the administrators are.

use serde_json::{Value, json};
use world::{Person, Setup, World};

fn role(person: &Person, role: &str) -> Value {
    json!({"user_id": person.id, "role": role})
}

async fn admins(asked: &Person) -> Vec<String> {
    let page = asked.http("space.admins", json!({})).await.ok();
    let items = page["items"].as_array().expect("people");
    items
        .iter()
        .map(|person| person["name"].as_str().expect("a name").to_owned())
        .collect()
}

async fn found(asked: &Person, query: &str) -> Vec<Value> {
    let found = asked
        .http("directory.search", json!({"query": query}))
        .await
        .ok();
    let items = found["items"].as_array().expect("people");
    items.iter().map(|person| person["name"].clone()).collect()
}

/// Waits until a device is told of somebody.
async fn told(who: &Person, field: &str, value: &str) -> Value {
    let device = who.device();
    let pushed = device.sees_push("the change", |push| {
        push.event == "person.changed" && push.data["user"][field] == value
    });
    pushed.await.data["user"].clone()
}

async fn company(world: &World) -> (Person, Person, Person) {
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    (zhang, li, wang)
}

#[tokio::test]
async fn user_07_administrators_make_others_administrators_and_see_who_they_are() {
    let world = World::start().await;
    let (zhang, li, wang) = company(&world).await;
    assert_eq!(admins(&zhang).await, ["张三"]);
    let made = zhang.does("space.update_member", role(&li, "admin")).await;
    assert_eq!(
        (&made["role"], &made["name"]),
        (&json!("admin"), &json!("李四"))
    );
    for person in [&zhang, &li, &wang] {
        assert_eq!(
            told(person, "role", "admin").await["user_id"],
            li.id.as_str()
        );
    }
    // At once, on the connection that he has.
    li.does("space.update_member", role(&wang, "admin")).await;
    assert_eq!(
        admins(&li).await,
        ["李四", "王五", "张三"],
        "in the order of the directory"
    );
    let page = wang.http("space.admins", json!({"limit": 2})).await.ok();
    let next = json!({"limit": 2, "cursor": page["next"]});
    let rest = wang.http("space.admins", next).await.ok();
    assert_eq!(rest["items"][0]["name"], "张三");
    zhang.does("space.update_member", role(&li, "member")).await;
    let refusal = li.is_refused("space.admins", json!({})).await;
    assert_eq!(refusal.kind(), ("forbidden", "forbidden"));
    // Who is disabled is none of them, and is one again when he is enabled.
    let leaves = json!({"user_id": wang.id, "reason": "离职"});
    zhang.does("space.disable_member", leaves).await;
    assert_eq!(admins(&zhang).await, ["张三"]);
    zhang
        .does("space.enable_member", json!({"user_id": wang.id}))
        .await;
    assert_eq!(admins(&zhang).await, ["王五", "张三"]);
}

#[tokio::test]
async fn user_i05_there_always_is_an_administrator() {
    let world = World::memory().await;
    let (zhang, li, wang) = company(&world).await;
    let refusal = zhang
        .is_refused("space.update_member", role(&zhang, "member"))
        .await;
    assert_eq!(refusal.kind(), ("conflict", "last_admin"));
    let disable = json!({"user_id": zhang.id, "reason": "离职"});
    let refusal = zhang.is_refused("space.disable_member", disable).await;
    assert_eq!(refusal.kind(), ("invalid", "own_user"));
    // One who can't sign in counts for nothing.
    zhang
        .does("space.update_member", role(&wang, "admin"))
        .await;
    let leaves = json!({"user_id": wang.id, "reason": "离职"});
    zhang.does("space.disable_member", leaves).await;
    let refusal = zhang
        .is_refused("space.update_member", role(&zhang, "member"))
        .await;
    assert_eq!(refusal.code, "last_admin");
    zhang.does("space.update_member", role(&li, "admin")).await;
    // Both at once: each other, then each himself. One stays.
    for others in [true, false] {
        let whom = if others { [&li, &zhang] } else { [&zhang, &li] };
        let (one, other) = tokio::join!(
            zhang.http("space.update_member", role(whom[0], "member")),
            li.http("space.update_member", role(whom[1], "member")),
        );
        let left = [&one, &other]
            .iter()
            .filter(|answer| answer.status != 200)
            .count();
        assert_eq!(left, 1, "{} {}", one.body, other.body);
        let stays = if zhang.http("space.admins", json!({})).await.status == 200 {
            (&zhang, &li)
        } else {
            (&li, &zhang)
        };
        assert_eq!(admins(stays.0).await, [stays.0.name.as_str()]);
        stays
            .0
            .does("space.update_member", role(stays.1, "admin"))
            .await;
    }
    // With another one there, one may step down.
    let own = zhang
        .does("space.update_member", role(&zhang, "member"))
        .await;
    assert_eq!(own["role"], "member");
    assert_eq!(admins(&li).await, ["李四"]);
}

#[tokio::test]
async fn a_colleague_with_another_name_is_found_by_it_and_everybody_is_told() {
    let world = Setup::embedded().start().await;
    let (zhang, li, wang) = company(&world).await;
    let chat = li.direct(&wang).await;
    li.writes(&wang, "合同在桌上").await;
    let edit = json!({"user_id": li.id, "name": " 阿思 ", "title": "销售经理"});
    let edited = zhang.does("space.update_member", edit.clone()).await;
    assert_eq!(
        (&edited["name"], &edited["title"]),
        (&json!("阿思"), &json!("销售经理"))
    );
    assert_eq!(edited["login"], li.login.as_str(), "he signs in as before");
    let known = told(&wang, "name", "阿思").await;
    assert_eq!(
        (&known["title"], &known["initial"]),
        (&json!("销售经理"), &json!("A"))
    );
    told(&li, "name", "阿思").await;
    for (query, names) in [("asi", 1), ("阿思", 1), ("李四", 0), ("lisi", 0), ("ls", 0)] {
        assert_eq!(found(&wang, query).await.len(), names, "{query}");
    }
    assert_eq!(found(&wang, &li.login).await, ["阿思"]);
    let members = wang.http("space.members", json!({})).await.ok();
    assert_eq!(members["items"][0]["name"], "阿思", "in his new place");
    assert_eq!(
        members["items"].as_array().map(Vec::len),
        Some(3),
        "and only there"
    );
    assert_eq!(wang.log(&chat).await[0]["author_id"], li.id.as_str());
    // Once more changes nothing, and tells nobody.
    zhang.does("space.update_member", edit).await;
    let none = json!({"user_id": li.id, "title": ""});
    let edited = zhang.does("space.update_member", none).await;
    assert!(edited.get("title").is_none());
    let audit = json!({"method": "space.update_member"});
    let audit = zhang.http("admin.audit.list", audit).await.ok();
    let details = audit["items"].as_array().expect("entries").iter();
    let details: Vec<_> = details
        .map(|entry| entry["detail"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(
        details,
        [
            "title: 销售经理 → —",
            "name: 李四 → 阿思; title: — → 销售经理"
        ]
    );
    assert_eq!(audit["items"][0]["user"]["name"], "阿思");
    world.stop().await;
    world.starts_again().await;
    assert_eq!(found(&zhang, "asi").await, ["阿思"]);
}

#[tokio::test]
async fn who_may_not_edit_and_what_can_t_be_is_refused_and_nothing_is_changed() {
    let world = World::memory().await;
    let (zhang, li, wang) = company(&world).await;
    let name = |name: &str| json!({"user_id": li.id, "name": name});
    let refusal = wang.is_refused("space.update_member", name("别人")).await;
    assert_eq!(refusal.kind(), ("forbidden", "forbidden"));
    let longest = "字".repeat(30);
    for (params, field, code) in [
        (name(" "), "name", "required"),
        (name(&format!("{longest}字")), "name", "too_long"),
        (name("两\n行"), "name", "unprintable"),
        (
            json!({"user_id": li.id, "title": "字".repeat(51)}),
            "title",
            "too_long",
        ),
    ] {
        let refusal = zhang.is_refused("space.update_member", params).await;
        assert_eq!(
            (refusal.field.as_deref(), refusal.code.as_str()),
            (Some(field), code)
        );
    }
    zhang.does("space.update_member", name(&longest)).await;
    let nobody = json!({"user_id": "01m8q201wre17aj4wbd0cweqvm", "name": "无"});
    let refusal = zhang.is_refused("space.update_member", nobody).await;
    assert_eq!(refusal.kind(), ("not_found", "not_found"));
    let leaves = json!({"user_id": wang.id, "reason": "离职"});
    zhang.does("space.disable_member", leaves).await;
    let refusal = zhang
        .is_refused("space.update_member", role(&wang, "admin"))
        .await;
    assert_eq!(refusal.kind(), ("forbidden", "account_disabled"));
}
