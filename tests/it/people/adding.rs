//! Adding colleagues: one, a pasted list, a new credential.

use std::sync::Arc;

use serde_json::{Value, json};
use world::{Person, World, fresh_id};

#[tokio::test]
async fn acct_06_a_first_credential_must_be_changed_before_anything_else() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let login = world.wire().fresh("colleague");
    let added = zhang
        .http("space.add_member", json!({"name": "李四", "login": login}))
        .await
        .ok();
    assert_eq!(added["user"]["role"], "member");
    let credential = added["credential"].as_str().unwrap();
    let wire = world.wire();
    let sign_in = |password: &str| json!({"login": login, "password": password});
    let first = wire.http("session.sign_in", sign_in(credential)).await.ok();
    assert_eq!(first["must_change_password"], true);
    let token = first["access_token"].as_str().unwrap();
    let refusal = wire
        .http_as(token, "conversation.list", json!({}))
        .await
        .refusal();
    assert_eq!(refusal.kind(), ("forbidden", "password_change_required"));
    // Shown in lower case; people type it as they like.
    wire.http("session.sign_in", sign_in(&credential.to_uppercase()))
        .await
        .ok();
    let li = Person::begins(wire, &login, credential).await;
    let refusal = wire
        .http("session.sign_in", sign_in(credential))
        .await
        .refusal();
    assert_eq!(
        refusal.kind(),
        ("unauthenticated", "bad_credentials"),
        "it is used up"
    );
    li.signs_in().await;
    let refusal = wire
        .http_as(token, "session.list", json!({}))
        .await
        .refusal();
    assert_eq!(
        refusal.kind(),
        ("unauthenticated", "unauthenticated"),
        "the other sessions ended"
    );
}

#[tokio::test]
async fn dir_01_one_who_was_added_is_found_at_once() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let wang = zhang.adds("王五").await;
    let found = li.does("directory.search", json!({"query": "王五"})).await;
    assert_eq!(found["items"][0]["user_id"], wang.id.as_str());
    let members = li.does("space.members", json!({})).await;
    assert_eq!(members["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn plat_i03_adding_somebody_again_under_the_same_key_answers_the_same() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let token = zhang.tokens().access;
    let add = |name: &str, login: &str| json!({"name": name, "login": login});
    let call = |key: &'static str, params: Value| {
        let (wire, token) = (Arc::clone(world.wire()), token.clone());
        async move {
            wire.http_keyed(Some(&token), key, "space.add_member", params)
                .await
        }
    };
    let first = call("k1", add("李四", "lisi")).await.ok();
    assert_eq!(call("k1", add("李四", "lisi")).await.ok(), first);
    assert_eq!(
        call("k1", add("李思", "lisi")).await.refusal().kind(),
        ("conflict", "client_id_reused")
    );
    let refusal = call("k2", add("李四", "LiSi")).await.refusal();
    assert_eq!(refusal.kind(), ("conflict", "login_taken"));
    assert_eq!(refusal.field.as_deref(), Some("login"));
    let refusal = call("k3", add("王五", "w/5")).await.refusal();
    assert_eq!(
        (refusal.code.as_str(), refusal.field.as_deref()),
        ("login_invalid", Some("login"))
    );
    let members = zhang.does("space.members", json!({})).await;
    assert_eq!(members["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn of_two_who_want_the_same_login_at_once_one_gets_it() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    for _ in 0..5 {
        let login = fresh_id("both");
        let add =
            |name: &str| zhang.http("space.add_member", json!({"name": name, "login": login}));
        let (one, other) = tokio::join!(add("李四"), add("王五"));
        let taken: Vec<u16> = [&one, &other].map(|answer| answer.status).into();
        assert!(taken == [200, 409] || taken == [409, 200], "{taken:?}");
        let winner = [one, other]
            .into_iter()
            .find(|answer| answer.status == 200)
            .unwrap()
            .ok();
        let found = zhang
            .does("directory.search", json!({"query": login}))
            .await;
        assert_eq!(found["items"].as_array().unwrap().len(), 1);
        assert_eq!(found["items"][0]["name"], winner["user"]["name"]);
        Person::begins(world.wire(), &login, winner["credential"].as_str().unwrap()).await;
    }
}

#[tokio::test]
async fn dir_01_a_pasted_list_says_what_became_of_each_line() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    zhang
        .http(
            "space.add_member",
            json!({"name": "老李", "login": "laoli"}),
        )
        .await
        .ok();
    let text = "李四\tlisi\n\n王五, wangwu\n赵六\n<b>孙七</b> sunqi\n老李 laoli\n周八 zhou/8\n";
    let added = zhang
        .http("space.add_members", json!({"text": text}))
        .await
        .ok();
    let items = added["items"].as_array().unwrap();
    let told: Vec<_> = items
        .iter()
        .map(|item| {
            (
                item["line"].as_u64().unwrap(),
                item["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        (1, "added"),
        (3, "added"),
        (4, "invalid"),
        (5, "added"),
        (6, "exists"),
        (7, "invalid"),
    ];
    assert_eq!(told, expected);
    assert_eq!(items[3]["name"], "<b>孙七</b>");
    for item in items.iter().filter(|item| item["outcome"] == "added") {
        let login = item["login"].as_str().unwrap();
        Person::begins(world.wire(), login, item["credential"].as_str().unwrap()).await;
    }
    let many = "同事 x\n".repeat(501);
    let refusal = zhang
        .http("space.add_members", json!({"text": many}))
        .await
        .refusal();
    assert_eq!(
        (refusal.code.as_str(), refusal.field.as_deref()),
        ("too_many", Some("text"))
    );
}

#[tokio::test]
async fn a_new_credential_ends_the_sessions_and_the_old_password() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let reset = zhang
        .http("space.reset_credential", json!({"user_id": li.id}))
        .await
        .ok();
    assert_eq!(reset["login"], li.login.as_str());
    assert_eq!(li.device().closes().await.code, 4401);
    assert_eq!(li.tries_to_sign_in(&li.password).await.status, 401);
    assert_eq!(li.http("session.list", json!({})).await.status, 401);
    let again = Person::begins(
        world.wire(),
        &li.login,
        reset["credential"].as_str().unwrap(),
    )
    .await;
    assert_eq!(again.id, li.id);
}
