//! Signing in, staying signed in, signing out; passwords; the list of devices.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use world::{Device, HttpAnswer, Opening, Person, Setup, Tokens, World};

/// A session that ends closes its connections within this.
const AT_ONCE: Duration = Duration::from_secs(2);

async fn refresh(world: &World, token: &str) -> HttpAnswer {
    world
        .wire()
        .http("session.refresh", json!({"refresh_token": token}))
        .await
}

async fn closes_with_4401(device: &Device, since: Instant) {
    assert_eq!(device.closes().await.code, 4401);
    assert!(since.elapsed() <= AT_ONCE, "{:?}", since.elapsed());
}

#[tokio::test]
async fn plat_i02_the_refresh_token_before_answers_with_the_same_pair_for_30_seconds() {
    let world = Setup::memory().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let old = zhang.tokens();
    let fresh = Tokens::read(&refresh(&world, &old.refresh).await.ok());
    assert_ne!((&fresh.access, &fresh.refresh), (&old.access, &old.refresh));
    world.passes(Duration::from_secs(30));
    let (one, other) = tokio::join!(refresh(&world, &old.refresh), refresh(&world, &old.refresh));
    assert_eq!(Tokens::read(&one.ok()), fresh);
    assert_eq!(Tokens::read(&other.ok()), fresh);
    zhang.holds(fresh);
    zhang.http("session.list", json!({})).await.ok();
}

#[tokio::test]
async fn plat_i02_a_used_refresh_token_after_30_seconds_ends_the_family() {
    let world = Setup::memory().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (_, other_device) = zhang.also_on(Opening::fresh()).await;
    let old = zhang.tokens();
    let fresh = Tokens::read(&refresh(&world, &old.refresh).await.ok());
    world.passes(Duration::from_millis(30_001));
    let since = Instant::now();
    assert_eq!(refresh(&world, &old.refresh).await.status, 401);
    closes_with_4401(&zhang.device(), since).await;
    assert_eq!(
        refresh(&world, &fresh.refresh).await.status,
        401,
        "the thief's and the owner's alike"
    );
    zhang.holds(fresh);
    assert_eq!(zhang.http("session.list", json!({})).await.status, 401);
    assert_eq!(
        other_device.closed(),
        None,
        "another device is another family"
    );
    zhang.signs_in().await;
}

#[tokio::test]
async fn plat_i02_access_ends_after_15_minutes_and_refresh_after_30_days() {
    let world = Setup::memory().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    world.passes(Duration::from_millis(15 * 60_000 - 1));
    zhang.http("session.list", json!({})).await.ok();
    world.passes(Duration::from_millis(1));
    assert_eq!(zhang.http("session.list", json!({})).await.status, 401);
    let month = Duration::from_secs(30 * 24 * 3_600);
    world.passes(month - Duration::from_secs(15 * 60) - Duration::from_millis(1));
    let fresh = Tokens::read(&refresh(&world, &zhang.tokens().refresh).await.ok());
    world.passes(month);
    assert_eq!(refresh(&world, &fresh.refresh).await.status, 401);
}

#[tokio::test]
async fn a_browser_keeps_the_refresh_token_where_scripts_can_not_read_it() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let params = json!({"login": zhang.login, "password": zhang.password, "cookie": true});
    let answer = world.wire().http("session.sign_in", params).await;
    let cookie = answer.cookies[0].clone();
    assert!(answer.ok()["refresh_token"].is_null());
    for part in ["HttpOnly", "SameSite=Strict", "Path=/api/v1/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(
        !cookie.contains("Secure"),
        "on plain HTTP a browser would drop it"
    );
    let kept = cookie.split(';').next().unwrap().to_owned();
    let headers = [("cookie", kept.as_str())];
    let fresh = world
        .wire()
        .http_with(&headers, "session.refresh", json!({}))
        .await;
    let next = fresh.cookies[0].split(';').next().unwrap().to_owned();
    assert_ne!(next, kept);
    let token = fresh.ok()["access_token"].as_str().unwrap().to_owned();
    world
        .wire()
        .http_as(&token, "session.list", json!({}))
        .await
        .ok();
    let headers = [("cookie", next.as_str())];
    let out = world
        .wire()
        .http_with(&headers, "session.sign_out", json!({}))
        .await;
    assert!(out.cookies[0].contains("Max-Age=0"), "{:?}", out.cookies);
    let gone = world
        .wire()
        .http_with(&headers, "session.refresh", json!({}))
        .await;
    assert_eq!(gone.status, 401);
    assert_eq!(
        world
            .wire()
            .http_as(&token, "session.list", json!({}))
            .await
            .status,
        401
    );
    let https = [("cookie", "a=b"), ("x-forwarded-proto", "https")];
    let params = json!({"login": zhang.login, "password": zhang.password, "cookie": true});
    let secure = world
        .wire()
        .http_with(&https, "session.sign_in", params)
        .await;
    assert!(
        secure.cookies[0].ends_with("; Secure"),
        "{:?}",
        secure.cookies
    );
}

#[tokio::test]
async fn acct_i08_one_sees_ones_devices_and_ends_one() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let (phone, device) = li.also_on(Opening::fresh()).await;
    let list = li.does("session.list", json!({})).await;
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(items[0]["current"], true);
    assert_eq!(items[1]["session_id"], phone.session_id.as_str());
    assert!(items.iter().all(|item| item["address"] == "127.0.0.1"));
    let revoke = json!({"session_id": phone.session_id});
    let refusal = zhang.is_refused("session.revoke", revoke.clone()).await;
    assert_eq!(refusal.kind(), ("not_found", "not_found"), "not another's");
    let since = Instant::now();
    li.does("session.revoke", revoke).await;
    closes_with_4401(&device, since).await;
    assert_eq!(
        world
            .wire()
            .http_as(&phone.access, "session.list", json!({}))
            .await
            .status,
        401
    );
    assert_eq!(refresh(&world, &phone.refresh).await.status, 401);
    assert_eq!(li.device().closed(), None);
}

#[tokio::test]
async fn acct_i08_signing_out_everywhere_else_closes_the_other_devices() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (_, phone) = zhang.also_on(Opening::fresh()).await;
    let (_, tablet) = zhang.also_on(Opening::fresh()).await;
    let since = Instant::now();
    zhang.does("session.revoke_others", json!({})).await;
    closes_with_4401(&phone, since).await;
    closes_with_4401(&tablet, since).await;
    let list = zhang.does("session.list", json!({})).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    let since = Instant::now();
    zhang.http("session.sign_out", json!({})).await.ok();
    closes_with_4401(&zhang.device(), since).await;
    assert_eq!(refresh(&world, &zhang.tokens().refresh).await.status, 401);
}

#[tokio::test]
async fn acct_i08_the_fifty_first_device_ends_the_oldest() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let oldest = zhang.device();
    for _ in 0..49 {
        zhang.signs_in().await;
    }
    assert_eq!(oldest.closed(), None);
    let newest = zhang.signs_in().await;
    assert_eq!(oldest.closes().await.code, 4401);
    zhang.holds(newest);
    let list = zhang.http("session.list", json!({})).await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 50);
}

fn change(old: &str, new: &str) -> Value {
    json!({"old_password": old, "new_password": new})
}

#[tokio::test]
async fn plat_i02_acct_i02_changing_the_password_closes_the_other_devices() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (phone, device) = zhang.also_on(Opening::fresh()).await;
    let before = zhang.tokens();
    let since = Instant::now();
    let changed = zhang
        .does(
            "account.change_password",
            change(&zhang.password, "新的密码2026"),
        )
        .await;
    closes_with_4401(&device, since).await;
    assert_eq!(refresh(&world, &phone.refresh).await.status, 401);
    assert_eq!(
        refresh(&world, &before.refresh).await.status,
        401,
        "its own older tokens end too"
    );
    zhang.holds(Tokens::read(&changed));
    zhang.http("session.list", json!({})).await.ok();
    assert_eq!(zhang.tries_to_sign_in(&zhang.password).await.status, 401);
    zhang.tries_to_sign_in("新的密码2026").await.ok();
}

#[tokio::test]
async fn acct_i02_a_sign_in_with_the_old_password_does_not_outlive_its_change() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    for round in 0..6 {
        let li = zhang.adds("李四").await;
        let new = format!("新的密码{round}abc");
        let change_it = li.does("account.change_password", change(&li.password, &new));
        let sign_in = || li.tries_to_sign_in(&li.password);
        let (_, a, b, c) = tokio::join!(change_it, sign_in(), sign_in(), sign_in());
        for answer in [a, b, c] {
            if answer.status == 200 {
                let tokens = Tokens::read(&answer.ok());
                let call = world
                    .wire()
                    .http_as(&tokens.access, "session.list", json!({}))
                    .await;
                assert_eq!(call.status, 401, "round {round}");
            }
        }
    }
}

#[tokio::test]
async fn a_restart_right_after_a_change_of_password_ends_no_newer_session() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let phone = li.signs_in().await;
    world.stop().await;
    world.starts_again().await;
    zhang.comes(Opening::fresh()).await;
    // Its answer waits for the effects of everything before it.
    zhang.gathers(&[&li], "项目组").await;
    let list = world
        .wire()
        .http_as(&phone.access, "session.list", json!({}))
        .await
        .ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn acct_06_acct_i02_a_password_has_8_to_64_characters_a_letter_and_a_digit() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let tries = |old: &'static str, new: String| {
        let zhang = zhang.clone();
        async move {
            zhang
                .tries("account.change_password", change(old, &new))
                .await
        }
    };
    let old = Person::PASSWORD;
    for weak in [
        "abc1234",
        "abcdefgh",
        "12345678",
        "",
        "密码密码密码密码",
        &zhang.login,
    ] {
        let refusal = tries(old, weak.to_owned()).await.unwrap_err();
        assert_eq!(
            (refusal.code.as_str(), refusal.field.as_deref()),
            ("weak_password", Some("new_password")),
            "{weak}"
        );
    }
    let refusal = tries(old, format!("a1{}", "x".repeat(63)))
        .await
        .unwrap_err();
    assert_eq!(refusal.code, "weak_password");
    let refusal = tries("不是旧密码1", "新的密码2026".into())
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.code.as_str(), refusal.field.as_deref()),
        ("bad_credentials", Some("old_password"))
    );
    let refusal = tries(old, old.to_owned()).await.unwrap_err();
    assert_eq!(refusal.code, "same_password");
    let longest = format!("a1{}", "x".repeat(62));
    tries(old, longest.clone()).await.unwrap();
    zhang.tries_to_sign_in(&longest).await.ok();
}

#[tokio::test]
async fn set_up_is_done_once_by_whoever_has_the_link() {
    let world = Setup::memory().clock_by_hand().start().await;
    let complete = |token: &str| json!({"token": token, "company_name": "超客", "name": "张三", "login": "zhangsan", "password": Person::PASSWORD});
    let wire = world.wire();
    assert_eq!(
        wire.http("setup.state", json!({})).await.ok(),
        json!({"done": false})
    );
    let refusal = wire
        .http("setup.complete", complete("wrong"))
        .await
        .refusal();
    assert_eq!(refusal.kind(), ("forbidden", "setup_token_invalid"));
    world.passes(Duration::from_millis(30 * 60_000 + 1));
    let refusal = wire
        .http("setup.complete", complete(world.setup_token()))
        .await
        .refusal();
    assert_eq!(
        refusal.kind(),
        ("forbidden", "setup_token_invalid"),
        "it ended after 30 minutes"
    );
    world.server().node.begin_setup(world.setup_token());
    for (field, value) in [
        ("company_name", ""),
        ("name", "  "),
        ("login", "a b"),
        ("password", "short"),
    ] {
        let mut params = complete(world.setup_token());
        params[field] = value.into();
        let refusal = wire.http("setup.complete", params).await.refusal();
        assert_eq!(
            (refusal.class.as_str(), refusal.field.as_deref()),
            ("invalid", Some(field))
        );
    }
    wire.http("setup.complete", complete(world.setup_token()))
        .await
        .ok();
    assert_eq!(
        wire.http("setup.state", json!({})).await.ok(),
        json!({"done": true})
    );
    let refusal = wire
        .http("setup.complete", complete(world.setup_token()))
        .await
        .refusal();
    assert_eq!(refusal.kind(), ("conflict", "setup_done"));
}
