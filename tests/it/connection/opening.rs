//! The first frame says who it is; a token is renewed in time or the connection ends.

use std::time::Duration;

use serde_json::json;
use world::{Codec, Connecting, Opening, Setup, Tokens, World, within};

#[tokio::test]
async fn plat_i02_an_opened_connection_tells_who_one_is_and_how_to_stay() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    for codec in Codec::BOTH {
        let device = zhang.opens(Opening::fresh().over(codec)).await;
        let opened = device.unwrap().opened.clone();
        assert_eq!(opened["user"]["user_id"], zhang.id.as_str());
        assert_eq!(opened["user"]["online"], true);
        assert_eq!(opened["space"]["name"], "超客");
        assert_eq!(opened["heartbeat_ms"], 30_000);
        assert_eq!(opened["max_in_flight"], 64);
        assert!(opened["reconnect"]["min_ms"].as_u64() < opened["reconnect"]["max_ms"].as_u64());
        assert!(opened["incarnation"].is_string());
        assert_eq!(opened["logs"], json!({"conversations": {}}));
    }
}

#[tokio::test]
async fn the_server_takes_the_first_of_its_own_order_of_protocols() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let mut both = Connecting::new(&world.wire().address(), Codec::Msgpack);
    both.protocols = vec!["chaoke.v1.json".into(), "chaoke.v1.msgpack".into()];
    let socket = both.connect().await.unwrap();
    let params =
        json!({"token": zhang.tokens().access, "device_id": "d", "client": "c", "locale": "en"});
    // Read as MessagePack: that is what was taken.
    assert_eq!(
        socket.call("connection.open", params).await.unwrap()["user"]["user_id"],
        zhang.id.as_str()
    );
}

#[tokio::test]
async fn without_a_known_subprotocol_the_handshake_answers_400() {
    let world = World::memory().await;
    for protocols in [
        vec![],
        vec!["chaoke.v2.json".to_owned()],
        vec!["mqtt".to_owned()],
    ] {
        let mut connecting = Connecting::new(&world.wire().address(), Codec::Json);
        connecting.protocols = protocols;
        assert_eq!(connecting.connect().await.err(), Some(400));
    }
}

#[tokio::test]
async fn a_page_of_another_site_is_closed_with_4403_and_refused_over_http() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let address = world.wire().address();
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        let mut connecting = Connecting::new(&address, Codec::Json);
        connecting.origin = Some(origin.to_owned());
        let socket = connecting.connect().await.unwrap();
        assert_eq!(socket.closes().await.code, 4403, "{origin}");
        let headers = [("origin", origin)];
        let answer = world
            .wire()
            .http_with(&headers, "setup.state", json!({}))
            .await;
        assert_eq!(answer.status, 403, "{origin}");
        assert_eq!(answer.refusal().kind(), ("forbidden", "origin"));
    }
    let own = format!("http://{address}");
    let mut connecting = Connecting::new(&address, Codec::Json);
    connecting.origin = Some(own.clone());
    let socket = connecting.connect().await.unwrap();
    let params =
        json!({"token": zhang.tokens().access, "device_id": "d", "client": "c", "locale": "en"});
    socket.call("connection.open", params).await.unwrap();
    let headers = [("origin", own.as_str())];
    world
        .wire()
        .http_with(&headers, "setup.state", json!({}))
        .await
        .ok();
}

#[tokio::test]
async fn plat_i02_a_forged_token_is_refused_and_the_connection_closed_with_4401() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let good = zhang.tokens();
    let other_end = if good.access.ends_with('A') { "B" } else { "A" };
    let forged = [
        String::new(),
        "x".to_owned(),
        good.session_id.clone(),
        good.refresh.clone(),
        format!("{}{other_end}", &good.access[..good.access.len() - 1]),
        format!("{}{}", &good.access[..26], "A".repeat(43)),
        format!("{}{}", "0".repeat(26), &good.access[26..]),
        format!("{}💥", &good.access[..good.access.len() - 4]),
        "x".repeat(10_000),
    ];
    for codec in Codec::BOTH {
        for access in &forged {
            let socket = world.wire().socket(codec).await;
            let params = json!({"token": access, "device_id": "d", "client": "c", "locale": "en"});
            let refusal = socket.call("connection.open", params).await.unwrap_err();
            assert_eq!(
                refusal.kind(),
                ("unauthenticated", "unauthenticated"),
                "{access}"
            );
            assert_eq!(socket.closes().await.code, 4401);
        }
    }
    for access in forged.iter().filter(|token| token.is_ascii()) {
        let answer = world
            .wire()
            .http_as(access, "session.list", json!({}))
            .await;
        assert_eq!(answer.status, 401, "{access}");
    }
}

#[tokio::test]
async fn nothing_but_opening_may_come_first() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    for frame in [
        json!([0]),
        json!([1, "session.list", {}]),
        json!([1, "connection.renew", {"token": zhang.tokens().access}]),
    ] {
        let socket = world.wire().socket(Codec::Json).await;
        socket.send_bytes(serde_json::to_vec(&frame).unwrap()).await;
        assert_eq!(socket.closes().await.code, 4401, "{frame}");
        assert!(socket.frames().is_empty(), "nothing is told to a stranger");
    }
    let again = zhang.device();
    let params =
        json!({"token": zhang.tokens().access, "device_id": "d", "client": "c", "locale": "en"});
    again.ask("connection.open", params).await;
    assert_eq!(again.closes().await.code, 4400, "and it comes once");
}

#[tokio::test]
async fn opening_with_unknown_or_missing_parameters_is_a_bad_frame() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let good =
        json!({"token": zhang.tokens().access, "device_id": "d", "client": "c", "locale": "en"});
    let mut unknown = good.clone();
    unknown["more"] = json!(1);
    let mut null = good.clone();
    null["self_seq"] = json!(null);
    let mut missing = good.clone();
    missing.as_object_mut().unwrap().remove("device_id");
    for params in [unknown, null, missing, json!({}), json!([])] {
        let socket = world.wire().socket(Codec::Json).await;
        socket.ask("connection.open", params.clone()).await;
        assert_eq!(socket.closes().await.code, 4400, "{params}");
    }
}

#[tokio::test]
async fn plat_i02_one_who_never_opens_is_closed_with_4401() {
    let world = World::memory().await;
    let socket = world.wire().socket(Codec::Json).await;
    let close = within(Duration::from_secs(9), "it is closed", || async {
        socket.closed()
    })
    .await;
    assert_eq!(close.code, 4401);
}

#[tokio::test]
async fn plat_i02_a_connection_is_warned_a_minute_before_its_token_ends_and_then_closed() {
    let world = Setup::memory().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let device = zhang.device();
    let expires_at = device.opened["expires_at"].as_i64().unwrap();
    // In steps, as time goes: a peer that says nothing for 75 s counts as dead.
    for _ in 0..14 {
        assert!(device.events("connection.expiring").is_empty());
        world.passes(Duration::from_secs(60));
        device.does("session.list", json!({})).await;
    }
    let told = device.sees_event("connection.expiring").await;
    assert_eq!(told.data["expires_at"], expires_at);
    assert_eq!(device.closed(), None);
    world.passes(Duration::from_secs(60));
    assert_eq!(device.closes().await.code, 4401);
    let answer = zhang.http("session.list", json!({})).await;
    assert_eq!(
        answer.refusal().kind(),
        ("unauthenticated", "unauthenticated")
    );
}

#[tokio::test]
async fn plat_i02_a_renewed_connection_goes_on() {
    let world = Setup::memory().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let device = zhang.device();
    for _ in 0..14 {
        world.passes(Duration::from_secs(60));
        device.does("session.list", json!({})).await;
    }
    device.sees_event("connection.expiring").await;
    let of_another = li.tokens().access;
    let refusal = device
        .call("connection.renew", json!({"token": of_another}))
        .await;
    assert_eq!(
        refusal.unwrap_err().kind(),
        ("unauthenticated", "unauthenticated")
    );
    let params = json!({"refresh_token": zhang.tokens().refresh});
    let fresh = Tokens::read(&world.wire().http("session.refresh", params).await.ok());
    let renewed = device
        .does("connection.renew", json!({"token": fresh.access}))
        .await;
    let until = device.opened["expires_at"].as_i64().unwrap() + 14 * 60_000;
    assert_eq!(renewed["expires_at"], until);
    for _ in 0..3 {
        world.passes(Duration::from_secs(60));
        device.does("session.list", json!({})).await;
    }
    assert_eq!(device.closed(), None);
    assert_eq!(device.events("connection.expiring").len(), 1);
}

#[tokio::test]
async fn a_heartbeat_comes_every_30_seconds_and_a_silent_peer_is_gone_after_75() {
    let world = Setup::memory().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let device = zhang.device();
    let beats = || {
        device
            .frames()
            .iter()
            .filter(|frame| **frame == json!([0]))
            .count()
    };
    for beat in 1..=2 {
        world.passes(Duration::from_secs(31));
        within(Duration::from_secs(5), "it beats", || async {
            (beats() == beat).then_some(())
        })
        .await;
    }
    world.passes(Duration::from_secs(14));
    assert_eq!(device.closes().await.code, 1006);
}

#[tokio::test]
async fn an_empty_token_is_no_token() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let wire = zhang.wire();
    let state = wire.http_as("", "setup.state", json!({})).await;
    assert_eq!(state.ok()["done"], true);
    let list = wire.http_as("", "session.list", json!({})).await;
    assert_eq!(list.outcome().unwrap_err().class, "unauthenticated");
}
