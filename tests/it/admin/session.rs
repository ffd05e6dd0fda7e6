//! An administrator sees the devices of a colleague and signs them out.

use std::time::Duration;

use serde_json::{Value, json};
use world::{Opening, Person, World, within};

async fn devices(admin: &Person, of: &Person) -> Vec<Value> {
    let listed = admin
        .does("admin.session.list", json!({"user_id": of.id}))
        .await;
    listed["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_administrator_signs_a_colleague_out_and_his_socket_closes_within_2_s() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let (tokens, phone) = li.also_on(Opening::fresh()).await;
    let lists = devices(&zhang, &li).await;
    // The session of the first password was ended by choosing another one.
    assert!(lists.len() >= 2, "{lists:?}");
    assert!(
        lists.iter().all(|item| item["current"] == false),
        "{lists:?}"
    );
    let this = json!({"user_id": li.id, "session_id": tokens.session_id});
    zhang.does("admin.session.revoke", this.clone()).await;
    within(
        Duration::from_secs(2),
        "the phone is shown the door",
        || async {
            phone
                .call("session.list", json!({}))
                .await
                .is_err()
                .then_some(())
        },
    )
    .await;
    let refused = world
        .wire()
        .http_as(&tokens.access, "session.list", json!({}))
        .await;
    assert_eq!(refused.status, 401);
    let again = zhang.is_refused("admin.session.revoke", this).await;
    assert_eq!(again.kind(), ("not_found", "not_found"));
    assert_eq!(devices(&zhang, &li).await.len(), lists.len() - 1);
    li.does("session.list", json!({})).await;
}

#[tokio::test]
async fn all_devices_of_a_colleague_end_and_ones_own_but_for_this() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    li.signs_in().await;
    let device = li.device();
    zhang
        .does("admin.session.revoke_all", json!({"user_id": li.id}))
        .await;
    assert_eq!(devices(&zhang, &li).await.len(), 0);
    within(Duration::from_secs(2), "his socket closes", || async {
        device
            .call("session.list", json!({}))
            .await
            .is_err()
            .then_some(())
    })
    .await;
    zhang.signs_in().await;
    zhang
        .does("admin.session.revoke_all", json!({"user_id": zhang.id}))
        .await;
    let own = devices(&zhang, &zhang).await;
    assert_eq!((own.len(), &own[0]["current"]), (1, &json!(true)));
}

#[tokio::test]
async fn a_session_of_somebody_else_is_not_ended_under_another_name() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    let wrong = json!({"user_id": wang.id, "session_id": li.tokens().session_id});
    let refusal = zhang.is_refused("admin.session.revoke", wrong).await;
    assert_eq!(refusal.kind(), ("not_found", "not_found"));
    li.does("session.list", json!({})).await;
}
