//! Each limit at its boundary, and what happens beyond.

use super::{Bench, Hands, LOG, number, open, put, raw, text};
use crate::{Home, KeyRange, Limits, RowAt, Store, StoreError, Transaction, Value};

async fn fits(t: Transaction) {
    t.commit().await.expect("it is exactly at the limit");
}

async fn too_large(t: Transaction, wanted: &str) {
    match t.commit().await {
        Err(StoreError::TooLarge { what, .. }) => assert_eq!(what, wanted),
        other => panic!("{wanted} was not refused: {other:?}"),
    }
}

fn small() -> Limits {
    Limits {
        value_bytes: 100,
        effect_bytes: 80,
        commit_bytes: 2_000,
        commit_operations: 10,
        key_bytes: 600,
        home_bytes: 20,
        range_rows: 5,
        scan_rows: 7,
        get_many_rows: 3,
        ..super::limits()
    }
}

fn bytes(length: usize) -> Value {
    Value::bytes(vec![7; length])
}

/// Exactly at the limit it works, one above it is refused in words and nothing is written.
pub async fn every_size_has_a_boundary(bench: &dyn Bench) {
    let hands = Hands::default();
    let store = bench.open(small(), &hands);
    let home = Home::new("thing", 1);
    for over in [false, true] {
        let more = usize::from(over);
        let mut cases: Vec<(&str, Transaction)> = Vec::new();
        let mut case = |what, act: &dyn Fn(&mut Transaction)| {
            let mut t = store.transaction(&home);
            act(&mut t);
            cases.push((what, t));
        };
        let log = LOG.partition(&b"l".to_vec());
        let key = |length| raw(b"p", &vec![1; length]);
        case("a value", &|t| t.put(key(1), bytes(100 + more)));
        case("a value", &|t| {
            t.append(log.clone(), bytes(100 + more), true);
        });
        case("a value", &|t| t.max(number("m"), 1, bytes(92 + more)));
        case("the payload of a timer", &|t| {
            t.at_time(1, "t", bytes(80 + more));
        });
        case("the payload of an effect", &|t| {
            t.effect("e", bytes(80 + more))
        });
        case("a key", &|t| t.put(key(600 + more), bytes(1)));
        case("a key", &|t| {
            t.put_at(key(592 + more), crate::Later::Position, bytes(1));
        });
        case("a key", &|t| {
            t.expect_absent(raw(b"p", &vec![2; 600 + more]))
        });
        case("a partition's name", &|t| {
            t.put(raw(&vec![1; 600 + more], b""), bytes(1));
        });
        case("a commit's operations", &|t| {
            (0..10 + more).for_each(|_| t.put(key(1), bytes(1)));
        });
        case("a commit", &|t| {
            // Home 7; a row: partition 1, key, value, and 10 for table and end.
            (0..9).for_each(|n| t.put(raw(b"p", &[n; 101]), bytes(100)));
            t.put(
                raw(b"p", &vec![1; 2_000 - 7 - 9 * 212 - 11 + more]),
                bytes(0),
            );
        });
        case("the bound of an expected range", &|t| {
            let partition = log.clone();
            t.expect_range(partition, KeyRange::all(), 5 + more);
        });
        for (what, t) in cases {
            match over {
                false => fits(t).await,
                true => too_large(t, what).await,
            }
        }
    }
    reading_has_boundaries(&store, &home).await;
}

async fn reading_has_boundaries(store: &Store, home: &Home) {
    let is_too_large = |error: StoreError| matches!(error, StoreError::TooLarge { .. });
    let log = LOG.partition(&b"l".to_vec());
    let scan = |limit| store.entries(home, &log, 0, 9, crate::Direction::Forward, limit);
    assert!(scan(7).await.is_ok());
    assert!(is_too_large(scan(8).await.unwrap_err()));
    let wanted = |n| vec![(home.clone(), raw(b"p", b"k")); n];
    assert!(store.get_many(&wanted(3)).await.is_ok());
    assert!(is_too_large(store.get_many(&wanted(4)).await.unwrap_err()));
    for (length, fits) in [(20, true), (21, false), (0, false)] {
        let home = Home::parse(&"h".repeat(length));
        let at: RowAt = raw(b"p", b"k");
        assert_eq!(store.get(&home, &at).await.is_ok(), fits);
        let mut t = store.transaction(&home);
        t.put(at, text("x"));
        assert_eq!(t.commit().await.is_ok(), fits);
    }
}

/// `append_limited` at the limit, inside one commit and over several.
pub async fn a_log_stops_at_its_limit(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let log = LOG.partition(&b"l".to_vec());
    let append = |n: usize| {
        let mut t = store.transaction(&home);
        for _ in 0..n {
            t.append_limited(log.clone(), text("x"), true, 3);
        }
        t.commit()
    };
    let refused = StoreError::Limit {
        what: "the log",
        limit: 3,
    };
    assert_eq!(append(4).await, Err(refused.clone()));
    assert_eq!(store.head(&home, &log).await.unwrap().last, 0);
    append(2).await.unwrap();
    assert_eq!(append(2).await, Err(refused.clone()));
    append(1).await.unwrap();
    assert_eq!(append(1).await, Err(refused));
}

/// Rounds are cut by number and by bytes; nothing is lost between them.
pub async fn many_small_commits_fill_several_rounds(bench: &dyn Bench) {
    let hands = Hands::default();
    let limits = Limits {
        round_commits: 3,
        round_bytes: 4_000,
        ..super::limits()
    };
    let (store, home) = (bench.open(limits, &hands), Home::new("thing", 1));
    let mut rounds = store.rounds(1_000);
    let waiting: Vec<_> = (0..50_usize)
        .map(|n| {
            let mut t = store.transaction(&home);
            let log = LOG.partition(&b"l".to_vec());
            t.append(log, bytes(if n % 5 == 0 { 3_000 } else { 10 }), true);
            tokio::spawn(t.commit())
        })
        .collect();
    for commit in waiting {
        commit.await.unwrap().unwrap();
    }
    let mut told = 0;
    while told < 50 {
        let round = rounds.recv().await.unwrap();
        assert!(round.commits.len() <= 3);
        told += round.commits.len();
    }
    let log = LOG.partition(&b"l".to_vec());
    assert_eq!(store.head(&home, &log).await.unwrap().last, 50);
}

/// By number and by bytes; a commit that was refused did not run, those that wait do.
pub async fn a_full_queue_answers_busy(bench: &dyn Bench) {
    for (queue_commits, queue_bytes, length) in [(2, 1 << 20, 1), (1_000, 8 << 10, 3_000)] {
        let limits = Limits {
            queue_commits,
            queue_bytes,
            ..super::limits()
        };
        let hands = Hands::default();
        let (store, home) = (
            bench.open(limits, &hands),
            Home::new("thing", queue_commits),
        );
        let mut rounds = store.rounds(1);
        let mut waiting = Vec::new();
        let mut busy = 0;
        // The writer stands still at the second round, so the queue fills.
        for n in 0..20_u8 {
            let mut t = store.transaction(&home);
            t.put(raw(b"p", &[n]), bytes(length));
            waiting.push(tokio::spawn(t.commit()));
        }
        let taker = tokio::spawn(async move { while rounds.recv().await.is_some() {} });
        let mut written = 0;
        for commit in waiting {
            match commit.await.unwrap() {
                Ok(_) => written += 1,
                Err(StoreError::Busy) => busy += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(written + busy, 20);
        let partition = crate::Partition {
            table: super::ROWS.id(),
            name: bytes::Bytes::from_static(b"p"),
        };
        let rows = store
            .scan(
                &home,
                &partition,
                KeyRange::all(),
                crate::Direction::Forward,
                100,
            )
            .await
            .unwrap();
        assert_eq!(rows.len(), written);
        put(&store, &home, &raw(b"p", b"after"), "x").await;
        store.close().await;
        taker.await.unwrap();
    }
}

/// Closing answers what waits and ends the rounds.
pub async fn a_closed_store_answers_closed(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let mut rounds = store.rounds(8);
    put(&store, &home, &raw(b"p", b"k"), "x").await;
    store.close().await;
    store.close().await;
    let mut t = store.transaction(&home);
    t.put(raw(b"p", b"k"), text("y"));
    assert_eq!(t.commit().await, Err(StoreError::Closed));
    assert!(rounds.recv().await.is_some());
    assert!(rounds.recv().await.is_none());
}
