//! What an administrator can look up later: each audited method leaves one entry, only administrators see it, and nothing
//! secret stands in it.

use std::collections::BTreeSet;
use std::time::Duration;

use chat_core::api::{Access, Effectful};
use gateway::server::registry;
use serde_json::{Value, json};
use world::{Person, Setup, World, fresh_id, within};

use crate::samples::Scene;

/// All of the audit that fits, newest first, page by page.
async fn audit(admin: &Person, mut params: Value) -> Vec<Value> {
    let mut items = Vec::new();
    loop {
        let page = admin.http("admin.audit.list", params.clone()).await.ok();
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page.get("next") {
            Some(next) => params["cursor"] = next.clone(),
            None => return items,
        }
    }
}

/// Waits for the first entry of a method that is newer than `before`; gives those there are.
async fn told(admin: &Person, method: &str, before: usize) -> Vec<Value> {
    let wanted = json!({"method": method});
    within(Duration::from_secs(5), "the audit tells it", || async {
        let items = audit(admin, wanted.clone()).await;
        (items.len() > before).then_some(items)
    })
    .await
}

/// A call that does what the method is audited for: its sample, but for those whose sample changes nothing worth telling.
async fn does(scene: &Scene, method: &str) {
    let member = &scene.member;
    match method {
        "setup.complete" => {}
        "session.sign_in" => {
            for _ in 0..5 {
                let refused = member.tries_to_sign_in("falsch2026").await;
                assert_eq!(refused.status, 401);
            }
        }
        "session.refresh" => {
            // Used, used on, and used once more: a copy of it is about.
            let mut token = scene.session.refresh.clone();
            for _ in 0..3 {
                let params = json!({"refresh_token": token});
                let next = scene.world.wire().http("session.refresh", params).await;
                token = next.ok()["refresh_token"].as_str().unwrap().to_owned();
            }
            let params = json!({"refresh_token": scene.session.refresh});
            let refused = scene.world.wire().http("session.refresh", params).await;
            assert_eq!(refused.status, 401);
        }
        "admin.list.cancel" => {
            scene.admin.http("admin.list.rebuild", json!({})).await.ok();
            scene.admin.http(method, json!({})).await.ok();
        }
        _ => {
            let params = scene.sample(method);
            let by_admin = method.starts_with("admin.") || method.starts_with("space.");
            let who = if by_admin { &scene.admin } else { member };
            who.http(method, params).await.ok();
        }
    }
}

fn audited() -> Vec<String> {
    let table = registry();
    let audited = table.methods().filter(|row| row.audited);
    audited.map(|row| row.name.clone()).collect()
}

#[tokio::test]
async fn bo_i03_each_audited_method_leaves_an_entry_without_secrets() {
    let methods = audited();
    assert!(methods.len() >= 15, "{methods:?}");
    for method in methods {
        let scene = Scene::of(Setup::memory().with_limits().clock_by_hand()).await;
        let before = audit(&scene.admin, json!({"method": method})).await.len();
        does(&scene, &method).await;
        let items = match method.as_str() {
            "setup.complete" => audit(&scene.admin, json!({"method": method})).await,
            _ => told(&scene.admin, &method, before).await,
        };
        let entry = &items[0];
        assert_eq!(entry["method"], method.as_str());
        assert_eq!(entry["address"], "127.0.0.1", "{method}");
        assert!(
            !entry["request_id"].as_str().unwrap().is_empty(),
            "{method}"
        );
        let stranger = ["session.sign_in", "session.refresh", "setup.complete"];
        if stranger.contains(&method.as_str()) {
            assert!(entry.get("session_id").is_none(), "{method}");
        } else {
            assert!(entry["by"]["user_id"].is_string(), "{method}: {entry}");
            assert_eq!(entry["device_name"], "未命名设备", "{method}");
        }
        let said = json!(items).to_string();
        for secret in [
            Person::PASSWORD,
            "新的密码2026",
            "falsch2026",
            "你好",
            &scene.session.refresh,
            &scene.member.tokens().access,
        ] {
            assert!(!said.contains(secret), "{method} tells {secret}: {said}");
        }
    }
}

#[test]
fn bo_i03_each_change_by_an_administrator_is_audited() {
    let table = registry();
    let changes = table.methods().filter(|row| {
        row.access == Access::Admin && row.effectful == Effectful::Write && !row.audited
    });
    let silent: Vec<&str> = changes.map(|row| row.name.as_str()).collect();
    assert!(silent.is_empty(), "{silent:?} leave no trace");
}

#[tokio::test]
async fn each_audited_method_has_a_name_for_people() {
    let scene = Scene::new().await;
    let named = scene.admin.does("admin.audit.methods", json!({})).await;
    let items = named["items"].as_array().unwrap();
    let named: BTreeSet<&str> = items
        .iter()
        .map(|item| item["method"].as_str().unwrap())
        .filter(|name| !name.starts_with("operator."))
        .collect();
    let methods = audited();
    assert_eq!(named, methods.iter().map(String::as_str).collect());
}

#[tokio::test]
async fn bo_i03_the_audit_is_found_by_person_method_and_period_in_pages() {
    let world = Setup::memory().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let begins = world.server().node.clock.now_ms();
    for _ in 0..3 {
        world.passes(Duration::from_secs(60));
        zhang
            .does(
                "space.disable_member",
                json!({"user_id": li.id, "reason": "休假"}),
            )
            .await;
        world.passes(Duration::from_secs(60));
        zhang
            .does("space.enable_member", json!({"user_id": li.id}))
            .await;
    }
    told(&zhang, "space.enable_member", 2).await;
    let of_li = audit(&zhang, json!({"user_id": li.id, "limit": 1})).await;
    // Added, chose a password, and three times disabled and enabled.
    assert_eq!(of_li.len(), 8, "{of_li:#?}");
    let times: Vec<i64> = of_li
        .iter()
        .map(|item| item["noted_at"].as_i64().unwrap())
        .collect();
    assert!(
        times.is_sorted_by(|newer, older| newer >= older),
        "{times:?}"
    );
    assert_eq!(of_li[0]["method"], "space.enable_member");
    assert_eq!(of_li[1]["detail"], "休假");
    assert_eq!(of_li[1]["target"], json!({"kind": "user", "id": li.id}));
    assert_eq!(of_li[1]["by"]["name"], "张三");
    assert_eq!(of_li[1]["user"]["name"], "李四");
    let both = json!({"user_id": li.id, "method": "space.disable_member", "limit": 2});
    assert_eq!(audit(&zhang, both).await.len(), 3);
    let of_zhang = json!({"user_id": zhang.id, "method": "space.add_member"});
    assert_eq!(audit(&zhang, of_zhang).await.len(), 1);
    let minute = |n: i64| begins + n * 60_000;
    let period = json!({"from": minute(2), "until": minute(4), "limit": 1});
    let within = audit(&zhang, period).await;
    assert_eq!(
        within.len(),
        2,
        "its beginning belongs to a period, its end does not"
    );
    let backward = json!({"from": minute(4), "until": minute(2)});
    let refusal = zhang.is_refused("admin.audit.list", backward).await;
    assert_eq!(
        (refusal.code.as_str(), refusal.class.as_str()),
        ("period_empty", "invalid")
    );
    let nobody = json!({"user_id": "01kb0000000000000000000000"});
    assert!(audit(&zhang, nobody).await.is_empty());
}

#[tokio::test]
async fn an_export_opens_in_excel_and_runs_nothing() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let login = fresh_id("evil");
    let params = json!({"name": "=cmd|' /C calc'!A0", "login": login});
    zhang.does("space.add_member", params).await;
    told(&zhang, "space.add_member", 0).await;
    let (mut text, mut rows, mut params) = (String::new(), 0, json!({"language": "en"}));
    loop {
        let part = zhang.does("admin.audit.export", params.clone()).await;
        text += part["text"].as_str().unwrap();
        rows += part["rows"].as_u64().unwrap();
        match part.get("next") {
            Some(next) => params["cursor"] = next.clone(),
            None => break,
        }
    }
    let plain = text.strip_prefix('\u{feff}').expect("the mark of UTF-8");
    let lines: Vec<&str> = plain.split_terminator("\r\n").collect();
    assert!(lines[0].starts_with("Time,By,"), "{}", lines[0]);
    assert_eq!(lines.len() as u64, rows + 1);
    let row = lines.iter().find(|line| line.contains("Colleague added"));
    assert!(row.unwrap().contains(",'=cmd|"), "{row:?}");
    // That it was taken along is told too.
    let entries = told(&zhang, "admin.audit.export", 0).await;
    assert_eq!(entries.len(), 1, "once, however many parts it has");
}

#[tokio::test]
async fn a_locked_sign_in_is_told_without_what_was_typed() {
    let world = Setup::memory().with_limits().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let typed = json!({"login": "mein-passwort-2026", "password": "x"});
    for _ in 0..5 {
        let refused = world.wire().http("session.sign_in", typed.clone()).await;
        assert_eq!(refused.status, 401);
    }
    let entries = told(&zhang, "session.sign_in", 0).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["refused"], "too_many_tries");
    assert!(entries[0].get("user").is_none());
    assert!(!entries[0].to_string().contains("passwort"));
    let refused = world.wire().http("session.sign_in", typed).await;
    assert_eq!(refused.refusal().code, "too_many_tries");
    assert_eq!(
        audit(&zhang, json!({"method": "session.sign_in"}))
            .await
            .len(),
        1,
        "a pause is told once"
    );
}
