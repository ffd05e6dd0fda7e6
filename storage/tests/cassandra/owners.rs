//! Two servers and one journal, on a real database; what a database that stands still does to commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use storage::suite::{limits, signal};
use storage::{
    CqlLimits, Direction, Home, Limits, Log, OpenError, Store, StoreError, Table, Value,
};

use super::server::{Keyspace, draw, once_it_answers, patient, server, wall_clock};

const ROWS: Table<(), u64, u64> = Table::new(300, "rows");
const EVENTS: Log<(), u64> = Log::new(301, "events");

fn home() -> Home {
    Home::new("thing", 1)
}

/// Says nothing of itself, and takes the journal without waiting.
fn blunt() -> CqlLimits {
    CqlLimits {
        beats: false,
        bucket_positions: 64,
        ..patient()
    }
}

async fn open(keyspace: &Keyspace, cql: CqlLimits) -> Result<Store, OpenError> {
    let limits = Limits { cql, ..limits() };
    once_it_answers(|| Store::cql(keyspace.options(), limits.clone(), wall_clock(), draw())).await
}

async fn append(store: &Store, n: u64) -> Result<u64, StoreError> {
    let mut t = store.transaction(&home());
    let entry = t.append(EVENTS.partition(&()), Value::encode(&n)?, true);
    t.effect("event", Value::encode(&n)?);
    t.commit().await.map(|done| done.seq(entry))
}

async fn events(store: &Store) -> Vec<u64> {
    let log = EVENTS.partition(&());
    let (home, to) = (home(), u64::MAX);
    let rows = store.entries(&home, &log, 0, to, Direction::Forward, 1_000);
    let rows = rows.await.expect("a read");
    rows.into_iter().map(|(seq, _)| seq).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deposed_server_writes_and_answers_nothing_more() {
    let keyspace = Keyspace::new();
    let first = open(&keyspace, blunt()).await.unwrap();
    assert_eq!(append(&first, 1).await, Ok(1));
    let second = open(&keyspace, blunt()).await.unwrap();
    assert_eq!(append(&second, 2).await, Ok(2));
    let is_told = |answer: &Result<u64, StoreError>| matches!(answer, Err(StoreError::Unavailable(why)) if why.contains("taken over") || why.contains("not written"));
    // A commit that only expects something writes nothing, and is not answered either.
    let mut t = first.transaction(&home());
    t.expect_present(ROWS.at(&(), &7));
    let refused = t.commit().await.map(|done| done.position);
    assert!(is_told(&refused), "{refused:?}");
    let answer = append(&first, 3).await;
    assert!(is_told(&answer), "{answer:?}");
    assert_eq!(append(&second, 3).await, Ok(3));
    assert_eq!(events(&second).await, [1, 2, 3]);
    first.close().await;
    assert_eq!(append(&second, 4).await, Ok(4));
    second.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_of_a_deposed_server_is_not_written() {
    let keyspace = Keyspace::new();
    let first = open(&keyspace, blunt()).await.unwrap();
    assert_eq!(append(&first, 1).await, Ok(1));
    let second = open(&keyspace, blunt()).await.unwrap();
    let answer = append(&first, 2).await;
    assert!(
        matches!(answer, Err(StoreError::Unavailable(_))),
        "{answer:?}"
    );
    assert_eq!(append(&second, 2).await, Ok(2));
    assert_eq!(events(&second).await, [1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_living_server_is_not_disturbed_and_one_that_left_is_followed_at_once() {
    let keyspace = Keyspace::new();
    let first = open(&keyspace, patient()).await.unwrap();
    assert_eq!(append(&first, 1).await, Ok(1));
    // It says every second that it lives; a busy machine may make that several.
    let waits = CqlLimits {
        still_ms: 60_000,
        wait_ms: 3_000,
        ..patient()
    };
    let second = open(&keyspace, waits.clone()).await;
    assert!(matches!(second, Err(OpenError::InUse(_))));
    assert_eq!(append(&first, 2).await, Ok(2));
    first.close().await;
    let second = open(&keyspace, waits).await.unwrap();
    assert_eq!(append(&second, 3).await, Ok(3));
    second.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_buckets_are_dropped_and_everything_goes_on() {
    let keyspace = Keyspace::new();
    let fast = CqlLimits {
        mark_age_ms: 0,
        mark_ms: 0,
        drop_age_ms: 0,
        bucket_positions: 16,
        ..blunt()
    };
    let store = open(&keyspace, fast.clone()).await.unwrap();
    for n in 1..=60 {
        assert_eq!(append(&store, n).await, Ok(n));
    }
    let told = store.effects_after(0, 100).await.unwrap();
    assert_eq!(told.len(), 60);
    store.forget_rounds_before(told[40].position).await.unwrap();
    for n in 61..=64 {
        assert_eq!(append(&store, n).await, Ok(n));
    }
    let left = store.effects_after(0, 100).await.unwrap();
    assert_eq!(left[0].position, told[40].position);
    assert_eq!(left.len(), 24);
    store.close().await;
    // 40 commits are 2 buckets of 16 and a half; the guards of the dropped ones lead to the newest.
    let store = open(&keyspace, fast).await.unwrap();
    assert_eq!(append(&store, 65).await, Ok(65));
    assert_eq!(events(&store).await, (1..=65).collect::<Vec<_>>());
    let left = store.effects_after(0, 100).await.unwrap();
    assert_eq!(left.len(), 25);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_whose_outcome_is_unknown_are_settled_when_the_database_answers_again() {
    let keyspace = Keyspace::new();
    let impatient = CqlLimits {
        conditional_ms: 500,
        plain_ms: 5_000,
        ..blunt()
    };
    // The tables are made before, by somebody with more patience.
    open(&keyspace, blunt()).await.unwrap().close().await;
    let store = open(&keyspace, impatient).await.unwrap();
    let answered = Arc::new(AtomicUsize::new(0));
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let writers: Vec<_> = (0..4)
        .map(|n| {
            let (store, answered, stopped) =
                (store.clone(), Arc::clone(&answered), stopped.clone());
            tokio::spawn(async move {
                while !*stopped.borrow() {
                    if append(&store, n).await.is_ok() {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    for stands_still in 0..3 {
        while answered.load(Ordering::Relaxed) < (stands_still + 1) * 20 {
            tokio::task::yield_now().await;
        }
        signal::send(server().pid, "-STOP");
        // When a read has given up, the statements that wait less long have too.
        let read = store.get(&home(), &ROWS.at(&(), &1)).await;
        signal::send(server().pid, "-CONT");
        assert!(read.is_err(), "{read:?}");
    }
    stop.send_replace(true);
    for writer in writers {
        writer.await.expect("it ends");
    }
    let answered = answered.load(Ordering::Relaxed);
    let last = append(&store, 99).await.expect("it goes on") as usize;
    let told = events(&store).await;
    assert_eq!(told, (1..=last as u64).collect::<Vec<_>>());
    // Nothing that was refused is there, nothing that was answered is missing.
    assert_eq!(last, answered + 1);
    assert_eq!(store.effects_after(0, 1_000).await.unwrap().len(), last);
}
