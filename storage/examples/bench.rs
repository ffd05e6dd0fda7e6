//! How many appends a second the embedded engine holds, how long one takes, and what it writes.
//!
//! `cargo run --profile ci -p storage --example bench -- [--seconds 5] [--folder target/bench-store] [--runs 1]
//! [--report store-embedded]`; the folder `memory` measures the same without a disk. One append is three
//! rows: an entry of 300 bytes, its head, and the answer kept for the client id. Homes are drawn from 2,000.

use std::path::Path;
use std::time::Duration;
use storage::{Direction, Home, Limits, Log, Store, Value};
use tokio::time::Instant;

mod common;

use common::{Run, written};

const EVENTS: Log<(), String> = Log::new(256, "events");
const HOMES: u64 = 2_000;
const BODY_BYTES: usize = 300;
const DAY_MS: i64 = 86_400_000;

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

async fn appends(store: &Store, writers: u64, seconds: u64, batch: u64, run: &mut Run) {
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
    run.figures
        .insert(format!("appends_per_s_{writers}_writers"), rate.round());
    run.figures
        .insert(format!("bytes_per_append_{writers}_writers"), bytes as f64);
    run.latency(format!("append_{writers}_writers"), took_us);
}

async fn reads(store: &Store, seconds: u64, run: &mut Run) {
    let log = EVENTS.partition(&());
    let (mut n, begin) = (0, Instant::now());
    while begin.elapsed() < Duration::from_secs(seconds) {
        let home = Home::new("thing", (n * 104_729) % HOMES);
        let page = store.entries(&home, &log, 1, u64::MAX, Direction::Backward, 50);
        page.await.expect("a page");
        n += 1;
    }
    let rate = n as f64 / begin.elapsed().as_secs_f64();
    println!("latest 50 entries: {rate:>8.0} reads/s");
    run.figures
        .insert("latest_50_reads_per_s".to_owned(), rate.round());
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

async fn measure(folder: &str, seconds: u64) -> Run {
    let _ = std::fs::remove_dir_all(folder);
    let (limits, clock) = (Limits::default(), common::clock());
    let store = match folder {
        "memory" => Store::memory(limits, clock),
        folder => Store::embedded(Path::new(folder), limits, clock).expect("it opens"),
    };
    let mut run = Run::default();
    for (batch, writers) in [1, 16, 256].into_iter().enumerate() {
        appends(&store, writers, seconds, batch as u64 + 1, &mut run).await;
    }
    reads(&store, seconds.min(3), &mut run).await;
    store.close().await;
    let _ = std::fs::remove_dir_all(folder);
    run
}

#[tokio::main]
async fn main() {
    let number = |name, usual| common::argument(name, usual).parse().expect("a number");
    let (seconds, times): (u64, u64) = (number("seconds", "5"), number("runs", "1"));
    let folder = common::argument("folder", "target/bench-store");
    let mut runs = Vec::new();
    for _ in 0..times {
        let load = common::load_average();
        runs.push((load, measure(&folder, seconds).await));
    }
    let report = common::argument("report", "");
    if !report.is_empty() {
        let head = common::Head {
            name: &report,
            scenario: "the store alone",
            parameters: serde_json::json!({"body_bytes": BODY_BYTES, "homes": HOMES, "seconds": seconds}),
            seed: 0,
            command: common::called("bench"),
            disk: "a folder of the build",
        };
        common::write(&head, &runs);
    }
}
