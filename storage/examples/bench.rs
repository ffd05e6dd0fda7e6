//! How many appends a second the embedded engine holds, how long one takes, and what it writes.
//!
//! `cargo run --release -p storage --example bench [seconds] [folder]`; the folder
//! `memory` measures the same without a disk. One append is three rows: an entry of
//! 300 bytes, its head, and the answer kept for the client id. Homes are drawn from 2,000.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use storage::{Direction, Home, Limits, Log, Store, Value};
use tokio::time::Instant;

const EVENTS: Log<(), String> = Log::new(256, "events");
const HOMES: u64 = 2_000;
const BODY_BYTES: usize = 300;
const DAY_MS: i64 = 86_400_000;

#[expect(
    clippy::disallowed_methods,
    reason = "a program measures with the real clock"
)]
fn clock() -> Arc<dyn Fn() -> i64 + Send + Sync> {
    Arc::new(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    })
}

/// Bytes this process gave to the device so far.
fn written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = io
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|bytes| bytes.parse().ok()).unwrap_or(0)
}

async fn append(store: &Store, writer: u64, n: u64) {
    let home = Home::new("thing", (writer * 7_919 + n * 104_729) % HOMES);
    let id = format!("{writer}-{n}");
    let mut t = store
        .transaction(&home)
        .client_id("append", "bench", &id, [7; 32], DAY_MS);
    t.append(
        EVENTS.partition(&()),
        Value::bytes(vec![b'x'; BODY_BYTES]),
        true,
    );
    t.commit().await.expect("an append");
}

async fn appends(store: &Store, writers: u64, seconds: u64, batch: u64) {
    let (begin, bytes) = (Instant::now(), written());
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut took_us = Vec::new();
                while begin.elapsed() < Duration::from_secs(seconds) {
                    let start = Instant::now();
                    append(&store, batch * 1_000 + writer, took_us.len() as u64).await;
                    took_us.push(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX));
                }
                took_us
            })
        })
        .collect();
    let mut took_us = Vec::new();
    for task in tasks {
        took_us.extend(task.await.expect("a writer"));
    }
    let rate = took_us.len() as f64 / begin.elapsed().as_secs_f64();
    let bytes = (written() - bytes) / (took_us.len() as u64).max(1);
    took_us.sort_unstable();
    let at = |share: f64| took_us[((took_us.len() - 1) as f64 * share) as usize] as f64 / 1_000.0;
    println!(
        "{writers:>4} writers  {rate:>8.0} appends/s  p50 {:>7.2} ms  p99 {:>7.2} ms  max {:>7.1} ms  {bytes:>6} bytes each",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

async fn reads(store: &Store, seconds: u64) {
    let log = EVENTS.partition(&());
    let (mut n, begin) = (0, Instant::now());
    while begin.elapsed() < Duration::from_secs(seconds) {
        let home = Home::new("thing", (n * 104_729) % HOMES);
        let page = store.entries(&home, &log, 1, u64::MAX, Direction::Backward, 50);
        page.await.expect("a page");
        n += 1;
    }
    println!(
        "latest 50 entries: {:>8.0} reads/s",
        n as f64 / begin.elapsed().as_secs_f64()
    );
    let (mut n, begin) = (0, Instant::now());
    while begin.elapsed() < Duration::from_secs(seconds) {
        let home = Home::new("thing", (n * 104_729) % HOMES);
        store.head(&home, &log).await.expect("a head");
        n += 1;
    }
    println!(
        "head of a log:     {:>8.0} reads/s",
        n as f64 / begin.elapsed().as_secs_f64()
    );
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(5);
    let folder = arguments
        .next()
        .unwrap_or_else(|| "target/bench-store".to_owned());
    let _ = std::fs::remove_dir_all(&folder);
    let store = match folder.as_str() {
        "memory" => Store::memory(Limits::default(), clock()),
        folder => Store::embedded(Path::new(folder), Limits::default(), clock()).expect("it opens"),
    };
    for (batch, writers) in [1, 16, 256].into_iter().enumerate() {
        appends(&store, writers, seconds, batch as u64 + 1).await;
    }
    reads(&store, seconds.min(3)).await;
    store.close().await;
    let _ = std::fs::remove_dir_all(&folder);
}
