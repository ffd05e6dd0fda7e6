//! What is older than an administrator decided goes, and nothing else.

use std::time::Duration;

use serde_json::{Value, json};
use world::{Person, Setup, within};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Signed in anew, as tokens do not last for months.
async fn audit(admin: &Person) -> Vec<Value> {
    let tokens = admin.signs_in().await;
    let params = json!({"limit": 200});
    let wire = admin.wire();
    let page = wire.http_as(&tokens.access, "admin.audit.list", params);
    page.await.ok()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn plat_i22_entries_of_the_audit_end_when_an_administrator_says_so() {
    let world = Setup::memory().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    // More than are forgotten at once.
    zhang.adds_many(120).await;
    let get = zhang.does("admin.retention.get", json!({})).await;
    assert_eq!(get, json!({}), "for ever, until somebody decides otherwise");
    for days in [0, 179, 3_651] {
        let params = json!({"audit_days": days});
        let refusal = zhang.is_refused("admin.retention.set", params).await;
        assert_eq!(refusal.code, "days_out_of_range");
    }
    world.passes(100 * DAY);
    let tokens = zhang.signs_in().await;
    let wire = zhang.wire();
    let params = json!({"audit_days": 180});
    let set = wire.http_as(&tokens.access, "admin.retention.set", params);
    assert_eq!(set.await.ok()["audit_days"], 180);
    let told = |items: &[Value]| {
        let mut methods = items.iter().map(|item| item["method"].as_str().unwrap());
        methods.any(|method| method == "admin.retention.set")
    };
    within(Duration::from_secs(5), "the decision is told", || async {
        told(&audit(&zhang).await).then_some(())
    })
    .await;
    assert!(audit(&zhang).await.len() > 120, "nothing is old enough yet");
    world.passes(100 * DAY);
    within(Duration::from_secs(20), "what is old is gone", || async {
        let items = audit(&zhang).await;
        (items.len() == 1 && told(&items)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_session_that_nobody_can_renew_is_no_device_any_more() {
    let world = Setup::memory().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    world.passes(31 * DAY);
    let tokens = zhang.signs_in().await;
    let params = json!({"user_id": li.id});
    let listed = zhang
        .wire()
        .http_as(&tokens.access, "admin.session.list", params);
    assert_eq!(listed.await.ok()["items"], json!([]));
}
