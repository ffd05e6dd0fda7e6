//! Against guessing and flooding.

use std::time::Duration;

use serde_json::json;
use world::{Person, Refusal, Setup, World};

async fn wrong(person: &Person) -> Refusal {
    person.tries_to_sign_in("错误的密码1").await.refusal()
}

#[tokio::test]
async fn plat_i08_the_fifth_wrong_password_pauses_for_a_minute_doubling_each_time() {
    let world = Setup::memory().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    for _ in 0..5 {
        assert_eq!(
            wrong(&li).await.kind(),
            ("unauthenticated", "bad_credentials")
        );
    }
    for minutes in [1, 2, 4] {
        let refusal = li.tries_to_sign_in(&li.password).await.refusal();
        assert_eq!(
            refusal.kind(),
            ("limited", "too_many_tries"),
            "even the right one"
        );
        assert_eq!(refusal.retry_after_ms, Some(minutes * 60_000));
        zhang.signs_in().await;
        world.passes(Duration::from_secs(minutes.unsigned_abs() * 60));
        assert_eq!(
            wrong(&li).await.kind(),
            ("unauthenticated", "bad_credentials")
        );
    }
    world.passes(Duration::from_secs(8 * 60));
    li.signs_in().await;
    // The right one begins the count anew.
    for _ in 0..4 {
        wrong(&li).await;
    }
    li.signs_in().await;
}

#[tokio::test]
async fn the_old_password_can_not_be_guessed_by_changing_it() {
    let world = Setup::memory().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let change = json!({"old_password": "错误的密码1", "new_password": "新的密码2026"});
    for _ in 0..5 {
        let refusal = zhang
            .is_refused("account.change_password", change.clone())
            .await;
        assert_eq!(
            (refusal.code.as_str(), refusal.field.as_deref()),
            ("bad_credentials", Some("old_password"))
        );
    }
    let refusal = zhang.is_refused("account.change_password", change).await;
    assert_eq!(refusal.kind(), ("limited", "too_many_tries"));
}

#[tokio::test]
async fn an_unknown_login_answers_as_a_wrong_password_does() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let known = zhang.tries_to_sign_in("错误的密码1").await;
    for login in ["nobody", "", "<b>", "不存在的人"] {
        let params = json!({"login": login, "password": "错误的密码1"});
        let unknown = world.wire().http("session.sign_in", params).await;
        assert_eq!(unknown.status, known.status);
        let (unknown, known) = (unknown.refusal(), known.clone().refusal());
        assert_eq!(unknown.kind(), known.kind(), "{login}");
        assert_eq!(unknown.whole["message"], known.whole["message"]);
    }
}

#[tokio::test]
async fn plat_i08_a_person_has_a_burst_of_100_calls_and_then_20_a_second() {
    let world = Setup::memory().clock_by_hand().with_limits().start().await;
    let zhang = world.company("超客").admin("张三").await;
    world.passes(Duration::from_secs(60));
    let call = || zhang.tries("session.list", json!({}));
    for n in 0..100 {
        call()
            .await
            .unwrap_or_else(|refusal| panic!("call {n}: {refusal:?}"));
    }
    let refusal = call().await.unwrap_err();
    assert_eq!(refusal.kind(), ("limited", "rate_limited"));
    assert_eq!(refusal.retry_after_ms, Some(50));
    assert_eq!(
        zhang.http("session.list", json!({})).await.status,
        429,
        "whatever the way"
    );
    world.passes(Duration::from_millis(50));
    call().await.unwrap();
    call().await.unwrap_err();
    assert_eq!(zhang.device().closed(), None);
}

#[tokio::test]
async fn plat_i08_an_address_has_20_calls_a_minute_before_sign_in() {
    let world = Setup::memory().clock_by_hand().with_limits().start().await;
    let zhang = world.company("超客").admin("张三").await;
    world.passes(Duration::from_secs(60));
    let state = || world.wire().http("setup.state", json!({}));
    for _ in 0..20 {
        state().await.ok();
    }
    let answer = state().await;
    assert_eq!(answer.status, 429);
    let refusal = answer.refusal();
    assert_eq!(refusal.kind(), ("limited", "rate_limited"));
    assert_eq!(refusal.retry_after_ms, Some(3_000));
    // Those who are signed in sit behind the same address and go on.
    zhang.http("session.list", json!({})).await.ok();
    world.passes(Duration::from_secs(60));
    // Signing in and refreshing shows that one is no stranger; signing out shows nothing.
    for _ in 0..25 {
        zhang.signs_in().await;
    }
    for _ in 0..20 {
        world.wire().http("session.sign_out", json!({})).await.ok();
    }
    let answer = world.wire().http("session.sign_out", json!({})).await;
    assert_eq!(answer.refusal().kind(), ("limited", "rate_limited"));
}
