//! Each limit at its boundary, and what happens beyond.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Bench, Hands, LOG, number, open, put, raw, text};
use crate::{
    AppliedRound, Committed, Home, KeyRange, Limits, Partition, RowAt, Store, StoreError,
    Transaction, Value,
};

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

/// What a commit may do, by the limit that it meets.
type Cases = Vec<(&'static str, Box<dyn Fn(&mut Transaction)>)>;

fn key(length: usize) -> RowAt {
    raw(b"p", &vec![1; length])
}

/// Each at its limit, or above it by so much.
fn sizes(more: usize) -> Cases {
    let log = || LOG.partition(&b"l".to_vec());
    vec![
        (
            "a value",
            Box::new(move |t| t.put(key(1), bytes(100 + more))),
        ),
        (
            "a value",
            Box::new(move |t| {
                t.append(log(), bytes(100 + more), true);
            }),
        ),
        (
            "a value",
            Box::new(move |t| t.max(number("m"), 1, bytes(92 + more))),
        ),
        (
            "the payload of a timer",
            Box::new(move |t| t.at_time(1, "t", bytes(80 + more))),
        ),
        (
            "the payload of an effect",
            Box::new(move |t| t.effect("e", bytes(80 + more))),
        ),
        (
            "a commit's operations",
            Box::new(move |t| {
                (0..10 + more).for_each(|_| t.put(key(1), bytes(1)));
            }),
        ),
        (
            "a commit's operations",
            Box::new(move |t| {
                // All kinds of them together.
                t.expect_absent(key(5));
                t.expect_range(log(), KeyRange::all(), 5);
                t.at_time(1, "t", bytes(1));
                t.cancel("t");
                t.add(number("n"), 1, None, None);
                (0..5 + more).for_each(|_| t.effect("e", bytes(1)));
            }),
        ),
        (
            "a commit",
            Box::new(move |t| {
                // Home 7; a row: partition 1, key, value, and 10 for table and end.
                (0..9).for_each(|n| t.put(raw(b"p", &[n; 101]), bytes(100)));
                let rest = 2_000 - 7 - 9 * 212 - 11 + more;
                t.put(key(rest), bytes(0));
            }),
        ),
        (
            "the bound of an expected range",
            Box::new(move |t| {
                t.expect_range(log(), KeyRange::all(), 5 + more);
            }),
        ),
    ]
}

/// The same for names.
fn names(more: usize) -> Cases {
    // The key of a timer holds its home and the time too, and home and name may be escaped.
    let timer = move || "t".repeat(600 - 2 * 20 - 16 + more);
    // The name of a log ends in two zeros; the head's partition holds it with its table, escaped and closed.
    let log = move || LOG.partition(&vec![1; 600 - 2 - 2 - 2 - 2 + more]);
    vec![
        (
            "the kind of an effect",
            Box::new(move |t| t.effect(&"e".repeat(600 + more), bytes(1))),
        ),
        (
            "the name of a timer",
            Box::new(move |t| t.at_time(1, &timer(), bytes(1))),
        ),
        ("the name of a timer", Box::new(move |t| t.cancel(&timer()))),
        ("a key", Box::new(move |t| t.put(key(600 + more), bytes(1)))),
        (
            "a key",
            Box::new(move |t| {
                t.put_at(key(592 + more), crate::Later::Position, bytes(1));
            }),
        ),
        (
            "a key",
            Box::new(move |t| t.expect_absent(raw(b"p", &vec![2; 600 + more]))),
        ),
        (
            "a partition's name",
            Box::new(move |t| {
                t.put(raw(&vec![1; 600 + more], b""), bytes(1));
            }),
        ),
        (
            "a partition's name",
            Box::new(move |t| {
                t.append(log(), bytes(1), true);
            }),
        ),
        ("a partition's name", Box::new(move |t| t.trim(log(), 1))),
        (
            "a partition's name",
            Box::new(move |t| {
                t.expect_range(raw_partition(600 + more), KeyRange::all(), 1);
            }),
        ),
        // The marker's partition holds both names, each closed by 2 bytes.
        (
            "a partition's name",
            Box::new(move |t| t.once(&"s".repeat(595 + more), "c", 1, 0)),
        ),
    ]
}

/// Exactly at the limit it works, one above it is refused in words and nothing is written.
pub async fn every_size_has_a_boundary(bench: &dyn Bench) {
    let hands = Hands::default();
    let store = bench.open(small(), &hands);
    let home = Home::new("thing", 1);
    for over in [false, true] {
        let more = usize::from(over);
        for (what, act) in sizes(more).into_iter().chain(names(more)) {
            let mut t = store.transaction(&home);
            act(&mut t);
            match over {
                false => fits(t).await,
                true => too_large(t, what).await,
            }
        }
    }
    reading_has_boundaries(&store, &home).await;
}

fn raw_partition(length: usize) -> Partition {
    Partition {
        table: super::ROWS.id(),
        name: vec![1; length].into(),
    }
}

/// What a reading answers exactly at its limit, and one above it.
fn cut<T: std::fmt::Debug>(
    wanted: &str,
    limit: usize,
    at: Result<T, StoreError>,
    above: Result<T, StoreError>,
) {
    assert!(at.is_ok(), "{wanted}: {at:?}");
    match above {
        Err(StoreError::TooLarge {
            what,
            limit: told,
            got,
        }) => assert_eq!((what.as_ref(), told, got), (wanted, limit, limit + 1)),
        other => panic!("{wanted} was not refused: {other:?}"),
    }
}

async fn reading_has_boundaries(store: &Store, home: &Home) {
    use crate::Direction::{Backward, Forward};
    let log = LOG.partition(&b"l".to_vec());
    for direction in [Forward, Backward] {
        let scan = |limit| store.scan(home, &log, KeyRange::all(), direction, limit);
        cut("the page of a scan", 7, scan(7).await, scan(8).await);
        let entries = |limit| store.entries(home, &log, 0, 9, direction, limit);
        cut("the page of a scan", 7, entries(7).await, entries(8).await);
    }
    let homes = |limit| store.homes(None, limit);
    cut("the page of homes", 7, homes(7).await, homes(8).await);
    let timers = |limit| store.due_timers(i64::MAX, limit);
    let what = "the timers read at once";
    cut(what, 3, timers(3).await, timers(4).await);
    let many = async |n| {
        let wanted = vec![(home.clone(), raw(b"p", b"k")); n];
        store.get_many(&wanted).await
    };
    cut("the rows read at once", 3, many(3).await, many(4).await);
    let named = async |length| {
        let partition = raw_partition(length);
        let scan = store.scan(home, &partition, KeyRange::all(), Forward, 1);
        scan.await
    };
    cut(
        "a partition's name",
        600,
        named(600).await,
        named(601).await,
    );
    let keyed = async |length| store.get(home, &raw(b"p", &vec![1; length])).await;
    cut("a key", 600, keyed(600).await, keyed(601).await);
    a_home_is_named(store).await;
}

async fn a_home_is_named(store: &Store) {
    let at: RowAt = raw(b"p", b"k");
    let reads = async |length| {
        let home = Home::parse(&"h".repeat(length));
        store.get(&home, &at).await.map(|_| ())
    };
    let writes = async |length| {
        let home = Home::parse(&"h".repeat(length));
        let mut t = store.transaction(&home);
        t.put(at.clone(), text("x"));
        t.commit().await.map(|_| ())
    };
    let what = "the name of a home";
    cut(what, 20, reads(20).await, reads(21).await);
    cut(what, 20, writes(20).await, writes(21).await);
    assert!(matches!(reads(0).await, Err(StoreError::Invalid { .. })));
    assert!(matches!(writes(0).await, Err(StoreError::Invalid { .. })));
    assert!(reads(1).await.is_ok() && writes(1).await.is_ok());
}

/// As many entries as a commit has operations, not one more, and nothing goes when it is refused.
pub async fn a_log_is_trimmed_piece_by_piece(bench: &dyn Bench) {
    let store = bench.open(small(), &Hands::default());
    let (home, log) = (Home::new("thing", 1), LOG.partition(&b"l".to_vec()));
    for _ in 0..25 {
        let mut t = store.transaction(&home);
        t.append(log.clone(), text("x"), true);
        t.commit().await.unwrap();
    }
    let trim = async |first| {
        let mut t = store.transaction(&home);
        t.trim(log.clone(), first);
        t.commit().await.map(|_| ())
    };
    let what = "the trimmed part of a log";
    cut(what, 10, trim(11).await, trim(22).await);
    assert_eq!(store.head(&home, &log).await.unwrap().first, 11);
    let left = store.entries(&home, &log, 0, 99, crate::Direction::Forward, 7);
    assert_eq!(left.await.unwrap()[0].0, 11);
}

/// A commit under way, whose outcome waits in the queue.
type Waiting = Pin<Box<dyn Future<Output = Result<Committed, StoreError>> + Send>>;

/// A store whose writer stands still, with the rounds that it waits to hand out.
struct Held {
    store: Store,
    rounds: mpsc::Receiver<Arc<AppliedRound>>,
    second: JoinHandle<u64>,
}

/// The home of [`Held::sends`] and what a row in it weighs beside its value.
const HELD: &str = "thing:1";
const ROW_BYTES: usize = 7 + 1 + 1 + 10;

impl Held {
    async fn new(bench: &dyn Bench, limits: Limits) -> Self {
        let store = bench.open(limits, &Hands::default());
        let rounds = store.rounds(1);
        // A bench may keep what an earlier store held.
        let home = Home::new("held", store.last_position().await);
        put(&store, &home, &raw(b"p", b"1"), "x").await;
        let second = tokio::spawn({
            let (store, home) = (store.clone(), home.clone());
            async move { put(&store, &home, &raw(b"p", b"2"), "x").await }
        });
        // The round is visible before it is handed out, and for that there is no room.
        while super::shown(&store, &home, &raw(b"p", b"2"))
            .await
            .is_none()
        {
            tokio::task::yield_now().await;
        }
        Self {
            store,
            rounds,
            second,
        }
    }

    /// Sends a commit of `ROW_BYTES + length` bytes; it is in the queue or refused when this comes back.
    fn sends(&self, n: u8, length: usize) -> (Waiting, Poll<Result<Committed, StoreError>>) {
        let mut t = self.store.transaction(&Home::parse(HELD));
        t.put(raw(b"p", &[n]), bytes(length));
        let mut waiting: Waiting = Box::pin(t.commit());
        let first = waiting
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        (waiting, first)
    }

    /// Sends commits until one is refused; gives those that wait.
    fn fills(&self, length: usize) -> Vec<Waiting> {
        let mut all = Vec::new();
        for n in 0..=u8::MAX {
            match self.sends(n, length) {
                (waiting, Poll::Pending) => all.push(waiting),
                (_, refused) => {
                    assert_eq!(refused, Poll::Ready(Err(StoreError::Busy)));
                    return all;
                }
            }
        }
        panic!("the queue has no end");
    }

    /// Lets the writer go on; gives how many commits each of the following rounds had.
    async fn goes_on(mut self, waiting: Vec<Waiting>) -> Vec<usize> {
        let wanted = waiting.len();
        let taker = tokio::spawn(async move {
            let mut sizes = Vec::new();
            // The two rounds that held it.
            while sizes.iter().skip(2).sum::<usize>() < wanted {
                let round = self.rounds.recv().await.expect("a round");
                sizes.push(round.commits.len());
            }
            (self.rounds, sizes)
        });
        for commit in waiting {
            commit.await.expect("what waited is written");
        }
        let (_rounds, sizes) = taker.await.unwrap();
        self.second.await.unwrap();
        sizes[2..].to_vec()
    }
}

/// As many commits as allowed wait, and as many bytes; one more is busy. What waited is written.
pub async fn a_queue_takes_exactly_what_it_may(bench: &dyn Bench) {
    for (queue_commits, queue_bytes, length, wanted) in [
        // The commit that is held keeps its place, and its piece of 1 KiB.
        (5, 1 << 20, 1, 4),
        (100, 8 << 10, 1, 7),
        (100, 8 << 10, 1_024 - ROW_BYTES, 7),
        (100, 8 << 10, 1_025 - ROW_BYTES, 3),
    ] {
        let limits = Limits {
            queue_commits,
            queue_bytes,
            ..super::limits()
        };
        let held = Held::new(bench, limits).await;
        let waiting = held.fills(length);
        assert_eq!(waiting.len(), wanted, "{queue_bytes} bytes in {length}");
        held.goes_on(waiting).await;
    }
}

/// A round takes as many commits as allowed, and as many bytes, and not one more; one that is waited for takes
/// what there is.
pub async fn no_round_takes_more_than_it_may(bench: &dyn Bench) {
    let two = 2 * (ROW_BYTES + 100);
    for (round_commits, round_bytes, most) in [(3, 1 << 20, 3), (128, two, 2), (128, two - 1, 1)] {
        let limits = Limits {
            round_commits,
            round_bytes,
            ..super::limits()
        };
        let held = Held::new(bench, limits).await;
        let waiting = (0..7).map(|n| held.sends(n, 100).0).collect();
        let sizes = held.goes_on(waiting).await;
        assert!(sizes.iter().all(|size| *size <= most), "{sizes:?}");
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
        what: "the log".into(),
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
