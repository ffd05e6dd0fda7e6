//! How the server is, in figures that are right.

use std::time::Duration;

use serde_json::{Value, json};
use world::{Setup, World, within};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_overview_tells_who_is_there_what_is_said_and_what_went_wrong() {
    let world = Setup::embedded().clock_by_hand().start().await;
    // Ten to nine: the next hour comes before a token ends. The set-up link of before has ended by then.
    world.passes(50 * MINUTE);
    world.stop().await;
    world.starts_again().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let look = || zhang.does("admin.overview.get", json!({}));
    for n in 0..3 {
        zhang.writes(&li, &format!("第{n}条")).await;
    }
    world.passes(11 * MINUTE);
    let chat = zhang.direct(&li).await;
    zhang.says(&chat, "又一条").await;
    let seen = look().await;
    assert_eq!((&seen["people"], &seen["online"]), (&json!(2), &json!(2)));
    assert_eq!(seen["sockets"], 2);
    let messages = |seen: &Value| -> Vec<u64> {
        let hours = seen["hours"].as_array().unwrap();
        hours
            .iter()
            .map(|hour| hour["messages"].as_u64().unwrap())
            .collect()
    };
    let hours = messages(&seen);
    assert_eq!((hours.len(), hours[46], hours[47]), (48, 3, 1));
    let position = seen["journals"][0]["position"].as_u64().unwrap();
    assert!(position > 1_024 && seen["nodes"] == json!([]));
    let quiet = json!({"jobs": 0, "jobs_given_up": 0, "parked": 0, "dead": 0});
    assert_eq!(seen["work"], quiet);
    super::a_job_gave_up(&world).await;
    assert_eq!(look().await["work"]["jobs_given_up"], 1);
    li.goes();
    within(Duration::from_secs(5), "one has gone", || async {
        (look().await["online"] == 1).then_some(())
    })
    .await;
    // What was counted survives an orderly stop.
    world.stop().await;
    world.starts_again().await;
    let token = zhang.signs_in().await.access;
    let look = world
        .wire()
        .http_as(&token, "admin.overview.get", json!({}));
    let after = look.await.ok();
    assert_eq!(messages(&after)[46..], [3, 1]);
    assert_eq!(after["version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn a_store_on_disk_tells_its_size_and_one_in_memory_does_not() {
    for (setup, has) in [(Setup::embedded(), true), (Setup::memory(), false)] {
        let world: World = setup.start().await;
        let zhang = world.company("超客").admin("张三").await;
        let seen = zhang.does("admin.overview.get", json!({})).await;
        let disk = seen.get("disk");
        assert_eq!(disk.is_some(), has);
        if let Some(disk) = disk {
            assert!(disk["store_bytes"].as_u64().unwrap() > 0);
            assert!(disk["free_bytes"].as_u64() > disk["least_bytes"].as_u64());
        }
    }
}
