//! What a server tells those who run it: metrics, health, logs.

use serde_json::{Value, json};
use world::{Opening, Person, Process, Ran, World};

fn flags(all: &[&str]) -> Vec<String> {
    all.iter().map(|flag| (*flag).to_owned()).collect()
}

/// The value of a measurement, by its whole name with labels.
fn value(metrics: &str, name: &str) -> Option<f64> {
    let found = metrics.lines().find_map(|line| {
        let (known, value) = line.rsplit_once(' ')?;
        (known == name).then_some(value)
    });
    found?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plat_i14_metrics_are_told_on_a_listener_of_their_own_and_name_nobody() {
    let process = Process::start_with(&flags(&["--metrics-listen", "127.0.0.1:0"])).await;
    let zhang = process.company("超客").await.admin("张三").await;
    let li = zhang.adds("李四").await;
    zhang.writes(&li, "你好").await;
    li.sees("你好").await;
    let wire = process.wire();
    assert_eq!(wire.http("no.such", json!({})).await.status, 404);
    for _ in 0..25 {
        wire.http("setup.state", json!({})).await;
    }
    let metrics = process.metrics().await;
    let count = |name: &str| value(&metrics, name).unwrap_or_else(|| panic!("{name}: {metrics}"));
    assert_eq!(count("chaoke_connections"), 2.0);
    assert_eq!(count("chaoke_messages_sent_total"), 1.0);
    let sent = "chaoke_calls_total{method=\"message.send\",outcome=\"ok\"}";
    assert_eq!(count(sent), 1.0);
    let unknown = "chaoke_calls_total{method=\"unknown\",outcome=\"not_found\"}";
    assert_eq!(count(unknown), 1.0);
    assert!(count("chaoke_limited_calls_total") >= 1.0);
    assert!(count("chaoke_commit_seconds_count") >= 5.0);
    assert!(count("chaoke_round_seconds_count") >= 5.0);
    assert!(count("chaoke_round_commits_sum") >= count("chaoke_round_seconds_count"));
    assert!(count("chaoke_call_seconds_count") >= 20.0);
    assert!(count("chaoke_process_resident_memory_bytes") > 1e6);
    assert!(count("chaoke_process_open_fds") > 5.0);
    assert_eq!(count("chaoke_letters{what=\"job\"}"), 0.0);
    assert_eq!(count("chaoke_file_bytes{kind=\"uploading\"}"), 0.0);
    assert!(count("chaoke_jobs") < 10.0);
    assert!(count("chaoke_effects_behind_commits") < 100.0);
    assert!(
        metrics.contains("chaoke_build_info{version=\""),
        "{metrics}"
    );
    for secret in [&zhang.id, &li.id, &zhang.login, &li.login, "127.0.0.1"] {
        assert!(!metrics.contains(secret), "{secret}: {metrics}");
    }
    let (_, page) = wire.get("/metrics").await;
    assert!(
        !page.contains("chaoke_connections"),
        "people are told nothing"
    );
}

#[tokio::test]
async fn plat_i14_a_server_that_sends_its_connections_away_is_not_ready() {
    let world = World::memory().await;
    assert_eq!(world.wire().get("/readyz").await, (200, "ok".to_owned()));
    world.server().hub.drain(0);
    assert_eq!(
        world.wire().get("/readyz").await,
        (503, "draining".to_owned())
    );
    assert_eq!(world.wire().get("/healthz").await.0, 200, "it lives");
}

#[tokio::test]
async fn plat_i14_healthcheck_asks_the_server_that_the_settings_name() {
    let mut process = Process::start().await;
    let address = process.wire().address();
    let ran = Ran::with(&["healthcheck", "--listen", &address], &[]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ran = Ran::with(&["healthcheck"], &[("CHAOKE_LISTEN", &address)]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(process.terminate().await.success());
    let ran = Ran::with(&["healthcheck", "--listen", &address], &[]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let says = format!("chaoke: the server at {address} can't be asked: ");
    assert!(ran.err.starts_with(&says), "{ran:?}");
}

#[tokio::test]
async fn plat_i14_a_call_keeps_the_name_that_it_brings_along() {
    let world = World::memory().await;
    world.company("超客").admin("张三").await;
    let call = async |id: &str| {
        let headers = [("x-request-id", id)];
        let call = world.wire().http_with(&headers, "session.list", json!({}));
        let answer = call.await;
        assert_eq!(answer.status, 401);
        let told = answer.request_id.clone().expect("an answer has its name");
        assert_eq!(answer.refusal().whole["request_id"], told.as_str());
        told
    };
    assert_eq!(call("from-the-proxy.42").await, "from-the-proxy.42");
    for bad in ["", "two words", "a\"b", &"x".repeat(65)] {
        let made = call(bad).await;
        assert!(made != bad && made.len() == 26, "{made}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plat_i14_a_log_of_everything_holds_no_message_no_password_and_no_token() {
    let all = ["--log", "trace", "--log-format", "json"];
    let process = Process::start_with(&flags(&all)).await;
    let setup = process.setup_token().await;
    let zhang = process.company("超客").await.admin("张三").await;
    let li = zhang.adds("李四").await;
    zhang.writes(&li, "没有人会记录这句话").await;
    li.sees("没有人会记录这句话").await;
    let chat = li.direct(&zhang).await;
    let params = json!({"conversation_id": chat, "client_msg_id": "m", "text": "unlogged words"});
    let headers = [("x-request-id", "found-again")];
    let token = li.tokens();
    li.http("message.send", params).await.ok();
    zhang.goes();
    zhang.comes(Opening::fresh()).await;
    process
        .wire()
        .http_with(
            &headers,
            "session.sign_in",
            json!({"login": li.login, "password": "错误的密码1"}),
        )
        .await;
    let log = process.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let secrets = [
        "没有人会记录这句话",
        "unlogged words",
        Person::PASSWORD,
        "错误的密码1",
        &li.password,
        &setup,
        &token.access,
        &token.refresh,
    ];
    for secret in secrets {
        let found = log.lines().find(|line| line.contains(secret));
        assert!(found.is_none(), "{secret}: {found:?}");
    }
    let found = lines
        .iter()
        .find(|line| line["span"]["request_id"] == "found-again");
    let found = found.expect("a line of the call");
    assert_eq!(found["span"]["name"], "call");
    assert_eq!(found["span"]["method"], "session.sign_in");
    assert_eq!(found["fields"]["message"], "answered");
    assert_eq!(found["fields"]["refused"], "bad_credentials");
}

#[tokio::test]
async fn a_service_that_has_nothing_to_read_again_goes_on_when_it_is_told_to() {
    let mut process = Process::start().await;
    process.signal("-HUP");
    process.company("超客").await.admin("张三").await;
    assert!(process.terminate().await.success());
    let log = process.log();
    assert!(!log.contains('\u{1b}'), "colours are for terminals: {log}");
}
