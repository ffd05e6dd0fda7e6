//! What a commit does: every operation, refusals, races.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::model::{self, Model};
use super::{Bench, LOG, NUMBERS, assert_conflict, number, open, put, raw, shown, text};
use crate::{
    Direction, FIRST_POSITION, Head, Home, KeyRange, Later, Log, Numbered, Part, StoreError, Table,
    Value, max_value, retry, sum_value,
};

/// Random commits on a store and on a plain map: equal answers, equal rows, also after opening again.
pub async fn every_operation_answers_like_a_plain_map(bench: &dyn Bench) {
    let (mut store, _, hands) = open(bench);
    let mut bits = model::bits(3);
    let mut model = Model::default();
    for step in 0..1_200 {
        let plan = model::plan(&mut bits);
        hands.forward(plan.later_ms);
        let mut t = store.transaction(&model::home(plan.home));
        model::write(&plan, &model, hands.now(), &mut t);
        let stored = t.commit().await;
        model::compare(&plan, &stored, &model.run(&plan, hands.now()));
        if step % 300 == 299 {
            same_rows(&store, &model, hands.now()).await;
            if bench.keeps() {
                store.close().await;
                store = bench.open(super::limits(), &hands);
                same_rows(&store, &model, hands.now()).await;
            }
        }
    }
}

/// Every row and head of the model is in the store, and no other row.
pub async fn same_rows(store: &crate::Store, model: &Model, now_ms: i64) {
    for n in 0..2 {
        let home = model::home(n);
        let rows = store
            .scan(
                &home,
                &model::model_rows(),
                KeyRange::all(),
                Direction::Forward,
                10_000,
            )
            .await
            .unwrap();
        assert_eq!(rows, model.living(&home, now_ms));
        for log in 0..2 {
            let partition = LOG.partition(&vec![log]);
            let head = store.head(&home, &partition).await.unwrap();
            assert_eq!((head.first, head.last, head.count), model.head(&home, log));
            let entries = store.entries(&home, &partition, 0, u64::MAX, Direction::Forward, 10_000);
            let numbers: Vec<u64> = entries.await.unwrap().iter().map(|(seq, _)| *seq).collect();
            assert_eq!(numbers, (head.first..=head.last).collect::<Vec<_>>());
        }
    }
    for ((home, at), row) in model.others() {
        assert_eq!(store.get(home, at).await.unwrap().as_ref(), Some(row));
    }
}

/// Position, bytes, and the typed way.
pub async fn a_row_is_read_back_with_its_version(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let at = raw(b"p", b"k");
    assert_eq!(store.get(&home, &at).await.unwrap(), None);
    assert_eq!(put(&store, &home, &at, "one").await, FIRST_POSITION);
    let row = store.get(&home, &at).await.unwrap().unwrap();
    assert_eq!(
        (row.version, row.expires_at, row.value.as_ref()),
        (FIRST_POSITION, None, &b"one"[..])
    );
    put(&store, &home, &at, "").await;
    assert_eq!(shown(&store, &home, &at).await, Some(String::new()));
    let mut t = store.transaction(&home);
    t.delete(at.clone());
    t.delete(raw(b"p", b"absent"));
    t.set(&NUMBERS, &(), &b"n".to_vec(), &5).unwrap();
    let done = t.commit().await.unwrap();
    assert_eq!(done.position, store.last_position().await);
    assert_eq!(store.get(&home, &at).await.unwrap(), None);
    let read = store.read(&home, &NUMBERS, &(), &b"n".to_vec()).await;
    assert_eq!(read.unwrap(), Some(5));
    assert_eq!(
        store
            .get(&Home::new("thing", 2), &number("n"))
            .await
            .unwrap(),
        None
    );
}

/// Absent, present, version; each holds and fails.
pub async fn expectations_name_what_changed(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let (there, absent) = (raw(b"p", b"there"), raw(b"p", b"absent"));
    let version = put(&store, &home, &there, "x").await;
    let with = |expect: &dyn Fn(&mut crate::Transaction)| {
        let mut t = store.transaction(&home);
        expect(&mut t);
        t.put(raw(b"q", b"k"), text("y"));
        t.commit()
    };
    with(&|t| t.expect_absent(absent.clone())).await.unwrap();
    with(&|t| t.expect_present(there.clone())).await.unwrap();
    with(&|t| t.expect_version(there.clone(), version))
        .await
        .unwrap();
    assert_conflict(with(&|t| t.expect_absent(there.clone())).await);
    assert_conflict(with(&|t| t.expect_present(absent.clone())).await);
    assert_conflict(with(&|t| t.expect_version(absent.clone(), version)).await);
    assert_conflict(with(&|t| t.expect_version(there.clone(), version + 1)).await);
    match with(&|t| t.expect_absent(there.clone())).await {
        Err(StoreError::Conflict { what }) => assert!(what.contains("300"), "{what}"),
        other => panic!("{other:?}"),
    }
}

/// Neither rows nor numbers nor a position.
pub async fn a_refused_commit_leaves_no_trace(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let log = LOG.partition(&b"l".to_vec());
    put(&store, &home, &raw(b"p", b"k"), "before").await;
    let mut t = store.transaction(&home);
    t.append(log.clone(), text("entry"), true);
    t.put(raw(b"p", b"k"), text("after"));
    t.add(number("n"), 1, None, Some(0));
    t.effect("never", text("x"));
    let refused = t.commit().await;
    let limit = StoreError::Limit {
        what: "the sum".into(),
        limit: 0,
    };
    assert_eq!(refused, Err(limit));
    let mut t = store.transaction(&home);
    t.put(raw(b"p", b"k"), Value::parts(vec![Part::SeqOf(0)]));
    assert!(matches!(t.commit().await, Err(StoreError::Invalid { .. })));
    assert_eq!(store.head(&home, &log).await.unwrap(), Head::EMPTY);
    assert_eq!(
        shown(&store, &home, &raw(b"p", b"k")).await.as_deref(),
        Some("before")
    );
    assert_eq!(store.effects_after(0, 9).await.unwrap(), []);
    assert_eq!(store.last_position().await, FIRST_POSITION);
    assert_eq!(
        put(&store, &home, &raw(b"p", b"k"), "x").await,
        FIRST_POSITION + 1
    );
}

/// Present and absent rows alike; the head of a log is not.
pub async fn what_was_read_is_expected_at_commit(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let log = LOG.partition(&b"l".to_vec());
    for there in [true, false] {
        let at = raw(b"p", &[u8::from(there)]);
        if there {
            put(&store, &home, &at, "1").await;
        }
        let mut t = store.transaction(&home);
        assert_eq!(t.get(&at).await.unwrap().is_some(), there);
        t.put(raw(b"q", b"k"), text("x"));
        put(&store, &home, &at, "2").await;
        assert_conflict(t.commit().await);
        let mut t = store.transaction(&home);
        t.get(&at).await.unwrap();
        t.get(&at).await.unwrap();
        let last = t.head(&log).await.unwrap().last;
        let mut other = store.transaction(&home);
        other.append(log.clone(), text("x"), true);
        other.commit().await.unwrap();
        t.put(at, text("3"));
        t.commit().await.unwrap();
        assert_eq!(store.head(&home, &log).await.unwrap().last, last + 1);
    }
}

/// A rule refuses by what was never more than half seen as little as it allows by it; nothing of it is written.
pub async fn a_rule_refuses_only_by_what_still_stands(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let (at, other) = (raw(b"p", b"k"), raw(b"q", b"k"));
    for changed in [true, false] {
        let mut t = store.transaction(&home);
        t.get(&at).await.unwrap();
        t.put(other.clone(), text("x"));
        if changed {
            put(&store, &home, &at, "1").await;
        }
        let refusal = StoreError::Unavailable("the rule".into());
        let refused = t.allowed::<(), _>(Err(refusal)).await.map(drop);
        assert_eq!(refused.unwrap_err().lost_race(), changed);
        assert_eq!(store.get(&home, &other).await.unwrap(), None);
    }
}

/// Counters by read and write lose nothing; a race that never ends is told as such.
pub async fn a_lost_race_runs_again_at_most_five_times(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let at = || raw(b"p", b"k");
    let tries = AtomicUsize::new(0);
    let lost: Result<(), StoreError> = retry(async || {
        tries.fetch_add(1, Ordering::Relaxed);
        let mut t = store.transaction(&home);
        t.get(&at()).await?;
        put(&store, &home, &at(), "somebody else").await;
        t.put(at(), text("mine"));
        t.commit().await.map(|_| ())
    })
    .await;
    assert_eq!(lost, Err(StoreError::Contended));
    assert_eq!(tries.load(Ordering::Relaxed), crate::RETRIES_MAX);
    let count = |store: crate::Store, home: Home| async move {
        retry(async || {
            let mut t = store.transaction(&home);
            let n = t.read(&NUMBERS, &(), &b"n".to_vec()).await?.unwrap_or(0);
            t.set(&NUMBERS, &(), &b"n".to_vec(), &(n + 1))?;
            t.commit().await
        })
        .await
        .is_ok()
    };
    let mut done = 0;
    let counts: Vec<_> = (0..8)
        .map(|_| tokio::spawn(count(store.clone(), home.clone())))
        .collect();
    for one in counts {
        done += u64::from(one.await.unwrap());
    }
    let sum = store.read(&home, &NUMBERS, &(), &b"n".to_vec()).await;
    assert_eq!(sum.unwrap(), Some(done));
}

/// Also the number of a later operation, and a number as the end of a key.
pub async fn numbers_appear_in_values_and_keys(bench: &dyn Bench) {
    let (store, home, hands) = open(bench);
    let log = LOG.partition(&b"l".to_vec());
    for _ in 0..2 {
        let mut t = store.transaction(&home);
        t.append(log.clone(), text("x"), true);
        t.commit().await.unwrap();
    }
    let mut t = store.transaction(&home);
    let parts = vec![
        Part::Bytes("<".into()),
        Part::SeqOf(0),
        Part::CountOf(1),
        Part::SumOf(2),
        Part::Position,
        Part::Time,
        Part::Bytes(">".into()),
    ];
    let first = t.append(log.clone(), Value::parts(parts.clone()), true);
    let second = t.append(log.clone(), text("y"), false);
    let sum = t.add(number("n"), -7, None, None);
    t.put_at(raw(b"p", b"by seq "), Later::SeqOf(1), Value::parts(parts));
    t.put_at(raw(b"p", b"by sum "), Later::SumOf(2), text("s"));
    t.put_at(raw(b"p", b"known "), Later::Known(9), text("k"));
    let done = t.commit().await.unwrap();
    assert_eq!((done.seq(first), done.count(first)), (3, 3));
    assert_eq!((done.seq(second), done.count(second)), (4, 3));
    assert_eq!((done.sum(sum), done.sum(Numbered(9))), (-7, 0));
    let mut wanted = b"<".to_vec();
    for number in [
        3,
        3,
        (-7_i64).cast_unsigned(),
        done.position,
        hands.now().cast_unsigned(),
    ] {
        wanted.extend_from_slice(&number.to_be_bytes());
    }
    wanted.push(b'>');
    for at in [
        LOG.at(&b"l".to_vec(), 3),
        raw(b"p", b"by seq \0\0\0\0\0\0\0\x04"),
    ] {
        let row = store.get(&home, &at).await.unwrap().unwrap();
        assert_eq!(row.value, wanted);
    }
    let by_sum = [&b"by sum "[..], &(-7_i64).to_be_bytes()].concat();
    assert_eq!(
        shown(&store, &home, &raw(b"p", &by_sum)).await.as_deref(),
        Some("s")
    );
    let known = shown(&store, &home, &raw(b"p", b"known \0\0\0\0\0\0\0\x09")).await;
    assert_eq!(known.as_deref(), Some("k"));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    seq: Later,
    count: Later,
    text: String,
    position: Later,
}

const ENTRIES: Log<u64, Entry> = Log::new(310, "entries");
const INDEX: Table<u64, (String, u64), Entry> = Table::new(311, "index");

/// The same type is written with numbers to come and read with the numbers.
pub async fn a_typed_value_with_later_numbers_reads_back(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let entry = Entry {
        seq: Later::SeqOf(0),
        count: Later::CountOf(0),
        text: "text".to_owned(),
        position: Later::Position,
    };
    let mut t = store.transaction(&home);
    t.append(ENTRIES.partition(&7), Value::fill(&entry).unwrap(), true);
    let mut at = INDEX.at(&7, &("name".to_owned(), 0));
    at.key.truncate(at.key.len() - 8);
    t.put_at(at, Later::SeqOf(0), Value::fill(&entry).unwrap());
    let done = t.commit().await.unwrap();
    let wanted = Entry {
        seq: Later::Known(1),
        count: Later::Known(1),
        text: "text".to_owned(),
        position: Later::Known(done.position),
    };
    let row = store.get(&home, &ENTRIES.at(&7, 1)).await.unwrap().unwrap();
    assert_eq!(ENTRIES.decode(&row).unwrap(), wanted);
    let read = store.read(&home, &INDEX, &7, &("name".to_owned(), 1)).await;
    assert_eq!(read.unwrap(), Some(wanted));
}

/// Over several commits, and several in one round.
pub async fn the_larger_number_wins_and_brings_its_payload(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let at = number("m");
    let max = |n: u64, with: String| {
        let mut t = store.transaction(&home);
        t.max(number("m"), n, text(&with));
        t.commit()
    };
    for (n, with, wanted) in [(5, "five", 5), (3, "three", 5), (5, "again", 5), (0, "", 5)] {
        max(n, with.to_owned()).await.unwrap();
        let row = store.get(&home, &at).await.unwrap().unwrap();
        assert_eq!(max_value(&row).unwrap(), (wanted, "five".into()));
    }
    let before = store.last_position().await;
    assert_eq!(before, FIRST_POSITION);
    let many: Vec<_> = (0..50)
        .map(|n| tokio::spawn(max(n, format!("{n}"))))
        .collect();
    for one in many {
        one.await.unwrap().unwrap();
    }
    let row = store.get(&home, &at).await.unwrap().unwrap();
    assert_eq!(max_value(&row).unwrap(), (49, "49".into()));
}

/// Exactly at both bounds, beyond them, and at the end of the numbers.
pub async fn a_counter_stays_inside_its_bounds(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let add = |n: i64, min: Option<i64>, max: Option<i64>| {
        let mut t = store.transaction(&home);
        let sum = t.add(number("n"), n, min, max);
        let commit = t.commit();
        async move { commit.await.map(|done| done.sum(sum)) }
    };
    let limit = |limit| StoreError::Limit {
        what: "the sum".into(),
        limit,
    };
    assert_eq!(add(6, Some(0), Some(6)).await, Ok(6));
    assert_eq!(add(1, Some(0), Some(6)).await, Err(limit(6)));
    assert_eq!(add(-6, Some(0), Some(6)).await, Ok(0));
    assert_eq!(add(-1, Some(0), Some(6)).await, Err(limit(0)));
    assert_eq!(add(i64::MAX, None, None).await, Ok(i64::MAX));
    assert_eq!(
        add(1, None, None).await,
        Err(limit(i64::MAX.unsigned_abs()))
    );
    let row = store.get(&home, &number("n")).await.unwrap().unwrap();
    assert_eq!(sum_value(&row), Ok(i64::MAX));
    assert_eq!(add(-i64::MAX, None, None).await, Ok(0));
    let seats: Vec<_> = (0..30)
        .map(|_| tokio::spawn(add(1, Some(0), Some(6))))
        .collect();
    let mut taken = 0;
    for seat in seats {
        taken += usize::from(seat.await.unwrap().is_ok());
    }
    assert_eq!(taken, 6);
    put(&store, &home, &number("n"), "no number").await;
    assert!(matches!(
        add(1, None, None).await,
        Err(StoreError::Corrupt(_))
    ));
}

/// Empty and at most n, against commits of the same round too.
pub async fn an_expected_range_is_counted(bench: &dyn Bench) {
    let (store, home, hands) = open(bench);
    let at_most = |n: usize, key: u8| {
        let mut t = store.transaction(&home);
        let partition = crate::Partition {
            table: super::ROWS.id(),
            name: raw(b"p", b"").partition,
        };
        t.expect_range(partition, KeyRange::prefix(&b"k"[..]), n);
        t.put(raw(b"p", &[b'k', key]), text("x"));
        t.commit()
    };
    put(&store, &home, &raw(b"p", b"other"), "x").await;
    put(&store, &home, &raw(b"p2", b"k"), "x").await;
    at_most(0, 0).await.unwrap();
    assert_conflict(at_most(0, 1).await);
    at_most(1, 1).await.unwrap();
    assert_conflict(at_most(1, 2).await);
    let seats: Vec<_> = (10..40).map(|key| tokio::spawn(at_most(4, key))).collect();
    let mut taken = 0;
    for seat in seats {
        match seat.await.unwrap() {
            Ok(_) => taken += 1,
            Err(error) => assert!(error.lost_race()),
        }
    }
    assert_eq!(taken, 3);
    let mut t = store.transaction(&home);
    t.put_until(raw(b"p", &[b'k', 0]), text("ends"), hands.now() + 5);
    t.commit().await.unwrap();
    assert_conflict(at_most(4, 50).await);
    hands.forward(5);
    at_most(4, 50).await.unwrap();
}

/// Reads, scans, expectations and counts agree at the very ms.
pub async fn an_ended_row_is_absent_everywhere(bench: &dyn Bench) {
    let (store, home, hands) = open(bench);
    let at = raw(b"p", b"k");
    let mut t = store.transaction(&home);
    t.put_until(at.clone(), text("x"), hands.now() + 100);
    let version = t.commit().await.unwrap().position;
    hands.forward(99);
    let row = store.get(&home, &at).await.unwrap().unwrap();
    assert_eq!(row.expires_at, Some(super::NOON_MS + 100));
    let mut t = store.transaction(&home);
    t.expect_version(at.clone(), version);
    t.commit().await.unwrap();
    hands.forward(1);
    assert_eq!(store.get(&home, &at).await.unwrap(), None);
    let mut t = store.transaction(&home);
    t.expect_version(at.clone(), version);
    assert_conflict(t.commit().await);
    let mut t = store.transaction(&home);
    assert_eq!(t.get(&at).await.unwrap(), None);
    t.put(at.clone(), text("anew"));
    t.commit().await.unwrap();
    assert_eq!(shown(&store, &home, &at).await.as_deref(), Some("anew"));
}

/// Old entries go from the old end; numbers and counts go on.
pub async fn a_trimmed_log_keeps_its_numbers(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let log = LOG.partition(&b"l".to_vec());
    let mut t = store.transaction(&home);
    (0..10).for_each(|_| {
        t.append(log.clone(), text("x"), true);
    });
    t.commit().await.unwrap();
    let trim = |first: u64| {
        let mut t = store.transaction(&home);
        t.trim(log.clone(), first);
        t.commit()
    };
    let head = |first, last| Head {
        first,
        last,
        count: last,
    };
    trim(4).await.unwrap();
    assert_eq!(store.head(&home, &log).await.unwrap(), head(4, 10));
    trim(2).await.unwrap();
    let entries = store.entries(&home, &log, 0, u64::MAX, Direction::Forward, 99);
    assert_eq!(entries.await.unwrap().first().map(|(seq, _)| *seq), Some(4));
    trim(u64::MAX).await.unwrap();
    assert_eq!(store.head(&home, &log).await.unwrap(), head(11, 10));
    let mut t = store.transaction(&home);
    let entry = t.append(log.clone(), text("x"), true);
    assert_eq!(t.commit().await.unwrap().seq(entry), 11);
    assert_eq!(store.head(&home, &log).await.unwrap(), head(11, 11));
}

/// 1 to n, each once, and no reader sees a gap meanwhile.
pub async fn concurrent_appends_are_dense(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let log = LOG.partition(&b"l".to_vec());
    let appends: Vec<_> = (0..300)
        .map(|_| {
            let mut t = store.transaction(&home);
            let entry = t.append(log.clone(), Value::parts(vec![Part::SeqOf(0)]), true);
            let commit = t.commit();
            tokio::spawn(async move { commit.await.map(|done| done.seq(entry)) })
        })
        .collect();
    loop {
        let head = store.head(&home, &log).await.unwrap();
        let entries = store.entries(&home, &log, 1, u64::MAX, Direction::Forward, 1_000);
        let numbers: Vec<u64> = entries.await.unwrap().iter().map(|(seq, _)| *seq).collect();
        assert!(numbers.len() as u64 >= head.last && head.count == head.last);
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
        if head.last == 300 {
            break;
        }
        tokio::task::yield_now().await;
    }
    let mut numbers = Vec::new();
    for append in appends {
        numbers.push(append.await.unwrap().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=300).collect::<Vec<_>>());
}

/// While old entries are taken away, no reader misses one that the head still names.
pub async fn a_reader_of_a_trimmed_log_finds_what_its_head_names(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let log = LOG.partition(&b"l".to_vec());
    let (writer, at, to) = (store.clone(), home.clone(), log.clone());
    let writing = tokio::spawn(async move {
        for n in 1..=100 {
            let mut t = writer.transaction(&at);
            t.append(to.clone(), text("x"), true);
            t.append(to.clone(), text("x"), true);
            t.trim(to.clone(), n);
            t.commit().await.unwrap();
        }
    });
    loop {
        let head = store.head(&home, &log).await.unwrap();
        let entries = store.entries(&home, &log, 1, u64::MAX, Direction::Forward, 1_000);
        let numbers = entries.await.unwrap().into_iter().map(|(seq, _)| seq);
        let named = head.first..=head.last;
        let found: Vec<u64> = numbers.filter(|seq| named.contains(seq)).collect();
        if store.head(&home, &log).await.unwrap().first == head.first {
            assert_eq!(found, named.collect::<Vec<_>>());
        }
        if head.last == 200 {
            break;
        }
        tokio::task::yield_now().await;
    }
    writing.await.unwrap();
}

/// Whatever the clock does.
pub async fn the_time_of_commits_never_goes_back(bench: &dyn Bench) {
    let (store, home, hands) = open(bench);
    let mut last = 0;
    for step in [0, 5, -1_000, 3, 2_000, -1] {
        hands.forward(step);
        let mut t = store.transaction(&home);
        t.put(raw(b"p", b"k"), text("x"));
        let time = t.commit().await.unwrap().time_ms;
        assert!(time >= last && time >= hands.now());
        last = time;
    }
}

/// In order, each once, without those of the store itself and without empty ones.
pub async fn homes_are_listed_in_pages(bench: &dyn Bench) {
    let (store, _, hands) = open(bench);
    let mut wanted: Vec<Home> = ["a:1", "a:1\0", "a:10", "a:2", "b:\u{1F600}", "z:9"]
        .map(Home::parse)
        .to_vec();
    for home in wanted.iter().rev() {
        let mut t = store.transaction(home);
        for n in 0..3 {
            t.put(raw(&[n], b"k"), text("x"));
        }
        t.append(LOG.partition(&vec![]), text("x"), true);
        t.at_time(hands.now(), "timer", text("x"));
        t.commit().await.unwrap();
    }
    let empty = Home::new("a", 3);
    put(&store, &empty, &raw(b"p", b"k"), "x").await;
    let mut t = store.transaction(&empty);
    t.delete(raw(b"p", b"k"));
    t.commit().await.unwrap();
    wanted.sort();
    for size in 1..=wanted.len() + 1 {
        let mut found = Vec::new();
        loop {
            let page = store.homes(found.last().cloned(), size).await.unwrap();
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(found, wanted);
    }
}
