//! Traces as a collector gets them. It reads the protocol's own bytes (OTLP 1.x: `ExportTraceServiceRequest`), with
//! nothing of what wrote them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::json;
use world::{Opening, Person, Process, Ran, within};

/// A field of a protobuf message: its number, and what it holds.
enum Held<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a protobuf message (encoding of <https://protobuf.dev/programming-guides/encoding/>).
fn fields(mut rest: &[u8]) -> Vec<(u64, Held<'_>)> {
    let mut found = vec![];
    while !rest.is_empty() {
        let tag = number(&mut rest);
        let held = match tag & 7 {
            0 => Held::Number(number(&mut rest)),
            1 => Held::Bytes(take(&mut rest, 8)),
            2 => {
                let length = number(&mut rest);
                Held::Bytes(take(&mut rest, usize::try_from(length).unwrap()))
            }
            5 => Held::Bytes(take(&mut rest, 4)),
            other => panic!("no such wire type: {other}"),
        };
        found.push((tag >> 3, held));
    }
    found
}

fn number(rest: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
    }
    panic!("a number has ten bytes at most")
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(count);
    *rest = left;
    taken
}

/// The messages in field `n`.
fn all(message: &[u8], n: u64) -> Vec<&[u8]> {
    let held = fields(message).into_iter();
    held.filter_map(|(number, held)| match held {
        Held::Bytes(bytes) if number == n => Some(bytes),
        _ => None,
    })
    .collect()
}

fn text(message: &[u8], n: u64) -> String {
    let one = all(message, n).first().copied().unwrap_or_default();
    String::from_utf8(one.to_vec()).expect("a text")
}

fn hex(message: &[u8], n: u64) -> String {
    let one = all(message, n).first().copied().unwrap_or_default();
    one.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The attributes in field `n` that are texts: `KeyValue { key = 1, value = 2 { string = 1 } }`.
fn attributes(message: &[u8], n: u64) -> Vec<(String, String)> {
    let pairs = all(message, n).into_iter();
    let value = |pair| all(pair, 2).first().map(|value| text(value, 1));
    pairs
        .map(|pair| (text(pair, 1), value(pair).unwrap_or_default()))
        .collect()
}

/// A span: `trace_id = 1, span_id = 2, parent_span_id = 4, name = 5, kind = 6, attributes = 9`.
#[derive(Clone, Debug)]
struct Span {
    trace: String,
    id: String,
    parent: String,
    name: String,
    is_server: bool,
    about: Vec<(String, String)>,
    service: Vec<(String, String)>,
}

impl Span {
    fn told(&self, name: &str) -> &str {
        let found = self.about.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }
}

fn spans(export: &[u8]) -> Vec<Span> {
    let mut found = vec![];
    for of_resource in all(export, 1) {
        let resource = all(of_resource, 1);
        let service = resource.first().map(|one| attributes(one, 1));
        let spans = all(of_resource, 2)
            .into_iter()
            .flat_map(|scope| all(scope, 2));
        found.extend(spans.map(|span| {
            Span {
                trace: hex(span, 1),
                id: hex(span, 2),
                parent: hex(span, 4),
                name: text(span, 5),
                is_server: fields(span)
                    .iter()
                    .any(|(n, held)| *n == 6 && matches!(held, Held::Number(2))),
                about: attributes(span, 9),
                service: service.clone().unwrap_or_default(),
            }
        }));
    }
    found
}

/// What a collector got, as it came.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Bytes>>>);

impl Collector {
    /// Listens; gives its address.
    async fn begins(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new()
            .route("/v1/traces", post(takes))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        format!("http://{address}")
    }

    fn spans(&self) -> Vec<Span> {
        let got = self.0.lock().unwrap();
        got.iter().flat_map(|export| spans(export)).collect()
    }

    fn one(&self, name: &str) -> Option<Span> {
        self.spans().into_iter().find(|span| span.name == name)
    }
}

async fn takes(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if headers["content-type"] != "application/x-protobuf" {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE;
    }
    if headers
        .get("authorization")
        .is_none_or(|key| key != "Bearer of-the-collector")
    {
        return StatusCode::UNAUTHORIZED;
    }
    collector.0.lock().unwrap().push(body);
    StatusCode::OK
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn traced(person: &Person, flag: &str, method: &str, params: serde_json::Value) -> u16 {
    let wire = person.wire();
    let request = reqwest::Client::new()
        .post(format!("http://{}/api/v1/{method}", wire.address()))
        .bearer_auth(person.tokens().access)
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-{flag}"))
        .header("x-request-id", "of-the-caller")
        .json(&params);
    request.send().await.unwrap().status().as_u16()
}

const LIMIT: Duration = Duration::from_secs(30);

/// What it was, where, how it ended, and what it waited for.
async fn a_message_is_told(collector: &Collector) {
    let sent = within(LIMIT, "the message is traced", async || {
        collector.one("message.send")
    })
    .await;
    assert!(sent.is_server);
    assert_eq!(sent.told("outcome"), "ok");
    assert_eq!(sent.parent, "");
    let service = |name: &str| {
        let found = sent.service.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    assert_eq!(service("service.name"), "chaoke");
    assert_eq!(service("service.instance.id"), "node-1");
    assert!(!service("service.version").is_empty());
    // What it waited for stands in it.
    within(LIMIT, "its commit", async || {
        let spans = collector.spans();
        spans
            .into_iter()
            .find(|span| span.name == "commit" && span.parent == sent.id)
    })
    .await;
}

/// A call stands in the trace that it came with.
async fn a_trace_goes_on(collector: &Collector) {
    let refused = within(LIMIT, "the refusal", async || {
        collector.one("directory.get")
    })
    .await;
    assert_eq!(
        (&*refused.trace, &*refused.parent),
        (TRACE, "00f067aa0ba902b7")
    );
    assert_ne!(refused.told("outcome"), "ok");
    assert_eq!(refused.told("request_id"), "of-the-caller");
}

#[tokio::test]
async fn plat_i14_calls_are_traced_to_a_collector_and_nothing_is_told_of_what_they_say() {
    let collector = Collector::default();
    let address = collector.begins().await;
    let folder = tempfile::tempdir().unwrap();
    let header = folder.path().join("header");
    std::fs::write(&header, "Authorization: Bearer of-the-collector\n").unwrap();
    let flags = [
        "--otlp",
        &address,
        "--otlp-header-file",
        header.to_str().unwrap(),
    ];
    let mut process = Process::start_with(&flags.map(str::to_owned)).await;
    let zhang = process.company("超客").await.admin("张三").await;
    let li = zhang.adds("李四").await;
    zhang.comes(Opening::fresh()).await;
    zhang.writes(&li, "不能让别人看到的话").await;
    assert_eq!(
        traced(&zhang, "01", "directory.get", json!({"user_ids": []})).await,
        400
    );
    assert_eq!(traced(&zhang, "00", "session.list", json!({})).await, 200);
    a_message_is_told(&collector).await;
    a_trace_goes_on(&collector).await;
    // The last ones come while it ends.
    zhang.http("session.list", json!({})).await.ok();
    assert!(process.terminate().await.success());
    let spans = collector.spans();
    let listed: Vec<_> = spans
        .iter()
        .filter(|span| span.name == "session.list")
        .collect();
    assert_eq!(listed.len(), 1, "one is traced, the other was not to be");
    let root = spans
        .iter()
        .filter(|span| span.name == "commit" && span.parent.is_empty());
    assert_eq!(
        root.count(),
        0,
        "what the server does by itself is no trace"
    );
    let got: Vec<u8> = collector.0.lock().unwrap().concat();
    for secret in [
        "看到的话",
        "李四",
        &zhang.id,
        &li.id,
        &zhang.login,
        &zhang.tokens().access,
    ] {
        let bytes = secret.as_bytes();
        assert!(
            !got.windows(bytes.len()).any(|some| some == bytes),
            "{secret}"
        );
    }
}

#[tokio::test]
async fn plat_i14_a_collector_that_is_away_or_refuses_changes_nothing() {
    let away = ["--otlp", "http://127.0.0.1:9"].map(str::to_owned);
    let mut process = Process::start_with(&away).await;
    let zhang = process.company("超客").await.admin("张三").await;
    zhang.http("session.list", json!({})).await.ok();
    assert!(process.terminate().await.success());
    for (flags, told) in [
        (&["--otlp", "127.0.0.1:4318"][..], "http://127.0.0.1:4318"),
        (&["--otlp-percent", "5"], "--otlp"),
        (&["--otlp", "http://a", "--otlp-percent", "101"], "0..=100"),
        (
            &["--otlp", "http://a", "--otlp-header-file", "/nowhere"],
            "/nowhere",
        ),
    ] {
        let check = [&["config", "check"][..], flags].concat();
        let ran = Ran::with(&check, &[]).await;
        assert_ne!(ran.code, Some(0), "{flags:?}");
        assert!(ran.err.contains(told), "{flags:?}: {}", ran.err);
    }
}
