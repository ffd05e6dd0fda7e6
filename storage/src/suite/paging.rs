//! Scans: pages, ranges, neighbours.

use bytes::Bytes;

use super::{Bench, LOG, open, put, raw, shown};
use crate::{Direction, Home, KeyRange, Partition, Store, Value};

const KEYS: [&[u8]; 12] = [
    b"",
    b"\0",
    b"\0\0",
    b"\0\xFF",
    b"\x01",
    b"a",
    b"a\0",
    b"a\xFF",
    b"b",
    b"\xFE\xFF",
    b"\xFF",
    b"\xFF\xFF",
];

fn partition(name: &[u8]) -> Partition {
    let at = raw(name, b"");
    Partition {
        table: at.table,
        name: at.partition,
    }
}

async fn pages(
    store: &Store,
    home: &Home,
    range: &KeyRange,
    direction: Direction,
    size: usize,
) -> Vec<Bytes> {
    let mut found: Vec<Bytes> = Vec::new();
    let mut range = range.clone();
    loop {
        let page = store
            .scan(home, &partition(b"p"), range.clone(), direction, size)
            .await
            .expect("a page");
        assert!(page.len() <= size);
        let Some((last, _)) = page.last() else {
            return found;
        };
        range = range.resume(last.clone(), direction);
        found.extend(page.into_iter().map(|(key, _)| key));
    }
}

/// Every page size and range, also with empty keys and keys of 0xFF.
pub async fn pages_join_to_the_whole_in_both_directions(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    for key in KEYS.iter().rev() {
        put(&store, &home, &raw(b"p", key), "x").await;
    }
    let middle = |key: &'static [u8]| KeyRange {
        from: std::ops::Bound::Excluded(Bytes::from_static(b"\0")),
        to: std::ops::Bound::Included(Bytes::from_static(key)),
    };
    let ranges = [
        KeyRange::all(),
        KeyRange::after(&b"a"[..]),
        KeyRange::before(&b"a"[..]),
        KeyRange::prefix(&b"a"[..]),
        KeyRange::prefix(&b"\xFF"[..]),
        KeyRange::prefix(&b""[..]),
        middle(b"b"),
        middle(b"\0"),
    ];
    for range in &ranges {
        let wanted: Vec<&[u8]> = KEYS.into_iter().filter(|key| range.contains(key)).collect();
        for size in 1..=KEYS.len() + 1 {
            let mut forward = pages(&store, &home, range, Direction::Forward, size).await;
            assert_eq!(forward, wanted, "{range:?} in pages of {size}");
            let backward = pages(&store, &home, range, Direction::Backward, size).await;
            forward.reverse();
            assert_eq!(backward, forward, "{range:?} backward in pages of {size}");
        }
    }
    let none = store
        .scan(
            &home,
            &partition(b"p"),
            KeyRange::all(),
            Direction::Forward,
            0,
        )
        .await;
    assert_eq!(none.unwrap(), []);
}

/// Names that are prefixes of each other, and homes likewise.
pub async fn a_scan_stays_inside_its_partition_and_home(bench: &dyn Bench) {
    let (store, _, _) = open(bench);
    let homes = ["a:", "a:1", "a:1\0", "a:10", "a:1\u{ff}"].map(Home::parse);
    let names: [&[u8]; 6] = [b"", b"p", b"p\0", b"p\0\0", b"p\0\xFF", b"p\xFF"];
    for home in &homes {
        for name in names {
            let value = format!("{home}/{name:?}");
            put(&store, home, &raw(name, b"k"), &value).await;
        }
    }
    for home in &homes {
        for name in names {
            let rows = store
                .scan(
                    home,
                    &partition(name),
                    KeyRange::all(),
                    Direction::Forward,
                    100,
                )
                .await
                .unwrap();
            assert_eq!(rows.len(), 1);
            let value = format!("{home}/{name:?}");
            assert_eq!(shown(&store, home, &raw(name, b"k")).await, Some(value));
        }
    }
}

/// A page reads on behind rows that have ended.
pub async fn ended_rows_do_not_shorten_a_page(bench: &dyn Bench) {
    let (store, home, hands) = open(bench);
    for n in 0..20_u8 {
        let mut t = store.transaction(&home);
        let at = raw(b"p", &[n]);
        match n % 4 {
            0 => t.put(at, super::text("stays")),
            _ => t.put_until(at, super::text("ends"), hands.now() + 10),
        }
        t.commit().await.unwrap();
    }
    hands.forward(10);
    for direction in [Direction::Forward, Direction::Backward] {
        let page = store
            .scan(&home, &partition(b"p"), KeyRange::all(), direction, 4)
            .await
            .unwrap();
        let mut keys: Vec<u8> = page.iter().map(|(key, _)| key[0]).collect();
        let wanted = match direction {
            Direction::Forward => vec![0, 4, 8, 12],
            Direction::Backward => vec![16, 12, 8, 4],
        };
        assert_eq!(keys, wanted);
        keys.clear();
    }
}

/// The newest entries, the oldest, a stretch.
pub async fn entries_are_read_by_number(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let log = LOG.partition(&b"l".to_vec());
    for n in 1..=30_u64 {
        let mut t = store.transaction(&home);
        t.append(log.clone(), Value::encode(&n).unwrap(), true);
        t.commit().await.unwrap();
    }
    let newest = store
        .entries(&home, &log, 1, u64::MAX, Direction::Backward, 3)
        .await
        .unwrap();
    let numbers: Vec<u64> = newest.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, [30, 29, 28]);
    for (seq, row) in &newest {
        assert_eq!(LOG.decode(row).unwrap(), *seq);
    }
    let stretch = store
        .entries(&home, &log, 10, 12, Direction::Forward, 100)
        .await
        .unwrap();
    let numbers: Vec<u64> = stretch.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, [10, 11, 12]);
    let at = LOG.at(&b"l".to_vec(), 7);
    let row = store.get(&home, &at).await.unwrap().unwrap();
    assert_eq!(LOG.decode(&row).unwrap(), 7);
    let none = store.entries(&home, &log, 12, 11, Direction::Forward, 9);
    assert_eq!(none.await.unwrap(), []);
}

/// The newest ones also when entries were deleted one by one, or the old end is gone.
pub async fn the_newest_entries_are_found_behind_holes(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let log = LOG.partition(&b"l".to_vec());
    let mut t = store.transaction(&home);
    for n in 1..=200_u64 {
        t.append(log.clone(), Value::encode(&n).unwrap(), true);
    }
    t.commit().await.unwrap();
    let mut t = store.transaction(&home);
    t.trim(log.clone(), 11);
    for seq in (12..=200).filter(|seq| seq % 50 != 0) {
        t.delete(LOG.at(&b"l".to_vec(), seq));
    }
    t.commit().await.unwrap();
    let held = [200, 150, 100, 50, 11];
    for from in [0, 11, 50, 51, 120] {
        for to in [u64::MAX, 200, 199, 100, 12, 11, 10, 0] {
            for limit in [0, 1, 2, 3, 10] {
                let page = store.entries(&home, &log, from, to, Direction::Backward, limit);
                let numbers: Vec<u64> = page.await.unwrap().iter().map(|(seq, _)| *seq).collect();
                let inside = held.into_iter().filter(|seq| (from..=to).contains(seq));
                assert_eq!(
                    numbers,
                    inside.take(limit).collect::<Vec<_>>(),
                    "{from}..={to}"
                );
            }
        }
    }
}

/// Rows of several homes in the order asked, absent ones too.
pub async fn many_rows_are_read_at_once(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let other = Home::new("thing", 2);
    put(&store, &home, &raw(b"p", b"a"), "1").await;
    put(&store, &other, &raw(b"p", b"a"), "2").await;
    let wanted = [
        (other.clone(), raw(b"p", b"a")),
        (home.clone(), raw(b"p", b"b")),
        (home.clone(), raw(b"p", b"a")),
        (other, raw(b"p", b"a")),
    ];
    let rows = store.get_many(&wanted).await.unwrap();
    let rows: Vec<Option<Bytes>> = rows.into_iter().map(|row| row.map(|r| r.value)).collect();
    let value = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
    assert_eq!(rows, [value("2"), None, value("1"), value("2")]);
    assert_eq!(store.get_many(&[]).await.unwrap(), []);
}

/// An engine may keep the entries of a log in stretches: nobody sees where one ends.
pub async fn a_long_log_reads_as_one_in_both_directions(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let log = LOG.partition(&b"l".to_vec());
    let other = LOG.partition(&b"m".to_vec());
    for first in (0..40_u64).step_by(10) {
        let mut t = store.transaction(&home);
        for n in first..first + 10 {
            t.append(log.clone(), Value::encode(&n).expect("a number"), true);
        }
        t.append(
            other.clone(),
            Value::encode(&0_u64).expect("a number"),
            true,
        );
        t.commit().await.expect("entries");
    }
    let read = async |range: KeyRange, direction, limit| {
        let rows = store.scan(&home, &log, range, direction, limit).await;
        let seq = |(raw, _): (Bytes, _)| crate::key::decode::<u64>(&raw).expect("a number");
        rows.expect("a page")
            .into_iter()
            .map(seq)
            .collect::<Vec<_>>()
    };
    let key = |seq: u64| crate::key::encode(&seq);
    let whole: Vec<u64> = (1..=40).collect();
    assert_eq!(read(KeyRange::all(), Direction::Forward, 100).await, whole);
    let mut back = read(KeyRange::all(), Direction::Backward, 100).await;
    back.reverse();
    assert_eq!(back, whole);
    for at in 1..=40_u64 {
        let page: Vec<u64> = (at + 1..=40).take(9).collect();
        let after = KeyRange::after(key(at));
        assert_eq!(read(after, Direction::Forward, 9).await, page, "after {at}");
        let page: Vec<u64> = (1..at).rev().take(9).collect();
        let before = KeyRange::before(key(at));
        assert_eq!(
            read(before, Direction::Backward, 9).await,
            page,
            "before {at}"
        );
    }
    let wanted: Vec<_> = [40, 1, 17, 41, 8, 9]
        .map(|seq| (home.clone(), LOG.at(&b"l".to_vec(), seq)))
        .to_vec();
    let many = store.get_many(&wanted).await.expect("entries");
    let there: Vec<_> = many.iter().map(Option::is_some).collect();
    assert_eq!(there, [true, true, true, false, true, true]);
    let mut t = store.transaction(&home);
    t.trim(log.clone(), 30);
    t.commit().await.expect("a trim");
    let rest: Vec<u64> = (30..=40).collect();
    assert_eq!(read(KeyRange::all(), Direction::Forward, 100).await, rest);
}

/// Engines tell a log by its table, so nothing else may be written there.
pub async fn logs_and_rows_are_kept_apart(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let refused = async |change: &dyn Fn(&mut crate::Transaction)| {
        let mut t = store.transaction(&home);
        change(&mut t);
        let error = t.commit().await.expect_err("it is refused");
        assert!(
            matches!(error, crate::StoreError::Invalid { .. }),
            "{error:?}"
        );
    };
    let entry = |key: &'static [u8]| crate::RowAt {
        key: Bytes::from_static(key),
        ..LOG.prefix(&b"l".to_vec())
    };
    refused(&|t| t.put(entry(b"1234567"), Value::bytes(vec![]))).await;
    refused(&|t| t.put(entry(b"123456789"), Value::bytes(vec![]))).await;
    refused(&|t| t.delete(entry(b""))).await;
    refused(&|t| {
        t.add(entry(b"12345678"), 1, None, None);
    })
    .await;
    refused(&|t| {
        t.append(partition(b"p"), Value::bytes(vec![]), true);
    })
    .await;
    refused(&|t| t.trim(partition(b"p"), 1)).await;
    assert_eq!(shown(&store, &home, &entry(b"12345678")).await, None);
}
