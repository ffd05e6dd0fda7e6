//! A server that stops sends its clients away first, each with a delay of its own.

use serde_json::json;
use world::{Opening, Process, World};

#[tokio::test]
async fn plat_i14_a_stopping_server_tells_its_clients_when_to_come_back() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    zhang.writes(&li, "停机前").await;
    let chat = zhang.direct(&li).await;
    let devices = [zhang.device(), li.device(), wang.device()];
    world.stop().await;
    let mut delays = Vec::new();
    for device in &devices {
        let close = device.closes().await;
        assert_eq!(close.code, 1012);
        delays.push(close.reason.parse::<u64>().unwrap());
    }
    delays.sort_unstable();
    delays.dedup();
    assert_eq!(delays.len(), 3, "spread: {delays:?}");
    assert!(delays.iter().all(|delay| *delay <= 2_000));
    world.starts_again().await;
    zhang.comes(Opening::fresh()).await;
    let device = li.comes(Opening::fresh().seen(&chat, 1)).await;
    assert_eq!(device.resumed(&chat)["state"], "recovered");
    zhang.writes(&li, "开机后").await;
    li.sees("开机后").await;
}

#[tokio::test]
async fn plat_i14_what_was_acknowledged_before_the_stop_is_there_after_it() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    zhang.writes(&li, "第一条").await;
    let chat = zhang.direct(&li).await;
    let device = zhang.device();
    let mut asked = Vec::new();
    for n in 0..30 {
        let params = json!({"conversation_id": chat, "client_msg_id": format!("m{n}"), "text": format!("{n}")});
        asked.push(device.ask("message.send", params).await);
    }
    device.answer(asked[5]).await.unwrap();
    world.stop().await;
    let mut acknowledged = Vec::new();
    for id in asked {
        if let Ok(sent) = device.answer(id).await {
            acknowledged.push(sent["message"].clone());
        }
    }
    world.starts_again().await;
    let log = zhang.log(&chat).await;
    assert!(acknowledged.len() > 5);
    assert!(acknowledged.iter().all(|message| log.contains(message)));
    for (at, message) in log.iter().enumerate() {
        assert_eq!(message["seq"], at + 1);
    }
}

#[tokio::test]
async fn plat_i14_the_process_answers_its_health_and_ends_well_when_told_to() {
    let mut process = Process::start().await;
    let wire = std::sync::Arc::clone(process.wire());
    assert_eq!(wire.get("/healthz").await, (200, "ok".to_owned()));
    assert_eq!(wire.get("/readyz").await, (200, "ok".to_owned()));
    let zhang = process.company("超客").await.admin("张三").await;
    let li = zhang.adds("李四").await;
    zhang.writes(&li, "停机前").await;
    let ended = process.terminate().await;
    assert!(ended.success(), "{ended}");
    assert_eq!(zhang.device().closes().await.code, 1012);
    process.start_again().await;
    zhang.comes(Opening::fresh()).await;
    let chat = zhang.direct(&li).await;
    assert_eq!(zhang.log(&chat).await[0]["text"], "停机前");
}
