//! One who left: disabled with a reason, and enabled again.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use world::{Codec, Opening, World};

/// The contract's time for closing what is open.
const CLOSED_WITHIN: Duration = Duration::from_secs(2);

fn leaves(who: &str) -> Value {
    json!({"user_id": who, "reason": "已离职"})
}

#[tokio::test]
async fn plat_i02_org_i10_user_05_user_i03_one_who_is_disabled_is_out_on_all_devices_at_once() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let (_, phone) = li.also_on(Opening::fresh().over(Codec::Msgpack)).await;
    let since = Instant::now();
    let answer = zhang.does("space.disable_member", leaves(&li.id)).await;
    assert_eq!(answer["disabled"], true);
    for device in [li.device(), phone] {
        assert_eq!(device.closes().await.code, 4401);
    }
    assert!(since.elapsed() < CLOSED_WITHIN, "{:?}", since.elapsed());
    let tokens = li.tokens();
    let refusal = li.http("conversation.list", json!({})).await.refusal();
    assert_eq!(refusal.kind(), ("unauthenticated", "unauthenticated"));
    let refresh = json!({"refresh_token": tokens.refresh});
    let refusal = world.wire().http("session.refresh", refresh).await;
    assert_eq!(refusal.refusal().class, "unauthenticated");
    let refusal = li.tries_to_sign_in(&li.password).await.refusal();
    assert_eq!(refusal.kind(), ("forbidden", "account_disabled"));
    // Who can't prove that the account is his learns nothing of it.
    let refusal = li.tries_to_sign_in("wrong2026").await.refusal();
    assert_eq!(refusal.kind(), ("unauthenticated", "bad_credentials"));
}

#[tokio::test]
async fn dir_i04_im_i17_who_is_disabled_is_not_listed_and_what_he_wrote_stays_with_his_name() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    let chat = li.direct(&wang).await;
    li.writes(&wang, "合同在桌上").await;
    zhang.does("space.disable_member", leaves(&li.id)).await;

    let found = wang
        .does("directory.search", json!({"query": "lisi"}))
        .await;
    assert_eq!(found["items"], json!([]));
    let members = wang.does("space.members", json!({})).await;
    let names: Vec<_> = members["items"].as_array().unwrap().iter().collect();
    assert!(
        names.iter().all(|person| person["name"] != "李四"),
        "{names:?}"
    );
    let known = wang
        .does("directory.get", json!({"user_ids": [li.id]}))
        .await;
    assert_eq!(known["items"][0]["name"], "李四");
    assert_eq!(known["items"][0]["disabled"], true);
    assert_eq!(wang.log(&chat).await[0]["text"], "合同在桌上");
    let others = json!({"user_ids": [li.id, wang.id]});
    let refusal = zhang
        .is_refused("conversation.create_discussion", others)
        .await;
    assert_eq!(refusal.kind(), ("forbidden", "account_disabled"));

    let listed = zhang.does("space.disabled_members", json!({})).await;
    assert_eq!(listed["items"][0]["user"]["user_id"], li.id.as_str());
    assert_eq!(listed["items"][0]["reason"], "已离职");
    assert_eq!(listed["items"][0]["disabled_by"], zhang.id.as_str());
    let refusal = wang.is_refused("space.disabled_members", json!({})).await;
    assert_eq!(refusal.class, "forbidden");
}

#[tokio::test]
async fn one_who_is_enabled_again_finds_everything_as_it_was() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let chat = zhang.direct(&li).await;
    for _ in 0..2 {
        zhang.does("space.disable_member", leaves(&li.id)).await;
        // Again: nothing more happens.
        zhang.does("space.disable_member", leaves(&li.id)).await;
        zhang.writes(&li, "还在吗").await;
        let back = zhang
            .does("space.enable_member", json!({"user_id": li.id}))
            .await;
        assert_eq!(back.get("disabled"), None);
        li.holds(li.signs_in().await);
        li.comes(Opening::fresh()).await;
        let found = zhang
            .does("directory.search", json!({"query": "lisi"}))
            .await;
        assert_eq!(found["items"][0]["user_id"], li.id.as_str());
        let listed = zhang.does("space.disabled_members", json!({})).await;
        assert_eq!(listed["items"], json!([]));
    }
    assert_eq!(li.log(&chat).await.len(), 2);
    assert_eq!(li.unread(&chat).await, 2);
}

#[tokio::test]
async fn disabling_asks_for_a_reason_and_never_takes_oneself() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let refused = async |user: &str, reason: &str| {
        let params = json!({"user_id": user, "reason": reason});
        zhang.is_refused("space.disable_member", params).await
    };
    assert_eq!(
        refused(&li.id, " ").await.kind(),
        ("invalid", "reason_required")
    );
    let long = "长".repeat(201);
    assert_eq!(refused(&li.id, &long).await.kind(), ("invalid", "too_long"));
    assert_eq!(
        refused(&zhang.id, "离职").await.kind(),
        ("invalid", "own_user")
    );
    let nobody = "7rayv1dzm3h7tt5430dq2xgb17";
    assert_eq!(refused(nobody, "离职").await.class, "not_found");
    let longest = json!({"user_id": li.id, "reason": "长".repeat(200)});
    zhang.does("space.disable_member", longest).await;
}

#[tokio::test]
async fn of_two_administrators_who_disable_each_other_at_once_one_stays() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    for round in 0..5 {
        let wire = world.wire();
        let login = format!("second{round}");
        let add = json!({"name": "李四", "login": login, "role": "admin"});
        let added = zhang.http("space.add_member", add).await.ok();
        let credential = added["credential"].as_str().unwrap();
        let li = world::Person::begins(wire, &login, credential).await;
        let (one, other) = tokio::join!(
            zhang.http("space.disable_member", leaves(&li.id)),
            li.http("space.disable_member", leaves(&zhang.id)),
        );
        let statuses = [one.status, other.status];
        assert_eq!(
            statuses.iter().filter(|status| **status == 200).count(),
            1,
            "{statuses:?}"
        );
        if other.status == 200 {
            let back = json!({"user_id": zhang.id});
            li.http("space.enable_member", back).await.ok();
            zhang.holds(zhang.signs_in().await);
            zhang
                .http("space.disable_member", leaves(&li.id))
                .await
                .ok();
        }
    }
}
