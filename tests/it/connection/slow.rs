//! A client that does not read loses pushes, is told so, and is cut off in the end. The server never grows.

use std::time::Duration;

use serde_json::json;
use world::{Codec, Opening, Setup, World, within};

/// What the machine keeps for a reader that does not read: little, so that the server's queue fills.
const LITTLE: u32 = 4_096;
/// More than queue and buffers of the machine hold together.
const MESSAGES: usize = 300;

#[tokio::test]
async fn plat_i07_a_slow_client_is_told_to_catch_up_and_finds_everything_in_the_log() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    for codec in Codec::BOTH {
        let slow = Opening::fresh().over(codec).reading_slowly(LITTLE);
        let device = li.comes(slow).await;
        device.reads(false);
        let text = "慢".repeat(4_900);
        for n in 0..MESSAGES {
            zhang.writes(&li, &format!("{n}{text}")).await;
        }
        device.reads(true);
        let resync = within(
            Duration::from_secs(20),
            "it is told to catch up",
            || async { (!device.events("connection.resync").is_empty()).then_some(()) },
        );
        resync.await;
        assert_eq!(device.events("connection.resync").len(), 1);
        let chat = li.direct(&zhang).await;
        let pushed = device.messages_of(&chat);
        assert!(pushed.len() < MESSAGES, "some were left out");
        let numbers: Vec<u64> = pushed.iter().map(|m| m["seq"].as_u64().unwrap()).collect();
        assert!(
            numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]),
            "the first ones, whole"
        );
        let log = li.log(&chat).await;
        let all: Vec<u64> = log.iter().map(|m| m["seq"].as_u64().unwrap()).collect();
        assert_eq!(all, (1..=all.len() as u64).collect::<Vec<_>>());
        // From now on it is told everything again.
        zhang.writes(&li, &format!("接着说{codec:?}")).await;
        device.sees(&format!("接着说{codec:?}")).await;
    }
}

#[tokio::test]
async fn plat_i07_a_client_that_does_not_catch_up_within_30_seconds_is_closed_with_4408() {
    let world = Setup::memory().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let device = li.comes(Opening::fresh().reading_slowly(LITTLE)).await;
    device.reads(false);
    let text = "慢".repeat(4_900);
    for n in 0..MESSAGES {
        zhang.writes(&li, &format!("{n}{text}")).await;
    }
    world.passes(Duration::from_secs(29));
    zhang.does("session.list", json!({})).await;
    assert!(
        world
            .server()
            .node
            .connections
            .online(li.id.parse().unwrap())
    );
    world.passes(Duration::from_secs(3));
    within(Duration::from_secs(8), "the server lets it go", || async {
        let online = world
            .server()
            .node
            .connections
            .online(li.id.parse().unwrap());
        (!online).then_some(())
    })
    .await;
    device.reads(true);
    assert_eq!(device.closes().await.code, 4408);
}

#[tokio::test]
async fn an_eleventh_connection_closes_the_oldest_with_4409() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let tokens = zhang.tokens();
    let mut devices = vec![zhang.device()];
    for _ in 0..9 {
        devices.push(Opening::fresh().open(zhang.wire(), &tokens).await.unwrap());
    }
    zhang.does("session.list", json!({})).await;
    assert!(devices.iter().all(|device| device.closed().is_none()));
    let eleventh = Opening::fresh().open(zhang.wire(), &tokens).await.unwrap();
    assert_eq!(devices[0].closes().await.code, 4409);
    for device in devices[1..].iter().chain([&eleventh]) {
        device.does("session.list", json!({})).await;
    }
}
