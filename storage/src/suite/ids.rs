//! Ids that make a call safe to repeat: client ids, attempt ids, `once`.

use super::{Bench, LOG, open, put, raw, shown, text};
use crate::{Committed, Direction, Home, Limits, Numbered, Store, StoreError, Transaction, Value};

const DAY_MS: i64 = 86_400_000;

fn call(store: &Store, home: &Home, id: &str, hash: u8) -> Transaction {
    let mut t = store
        .transaction(home)
        .client_id("send", "author", id, [hash; 32], DAY_MS);
    t.append(
        LOG.partition(&b"l".to_vec()),
        Value::encode(&1_u64).unwrap(),
        true,
    );
    t
}

async fn last(store: &Store, home: &Home) -> u64 {
    store
        .head(home, &LOG.partition(&b"l".to_vec()))
        .await
        .unwrap()
        .last
}

fn same_answer(first: &Committed, again: &Committed) {
    assert!(!first.repeated && again.repeated);
    let again = Committed {
        repeated: false,
        ..again.clone()
    };
    assert_eq!(*first, again);
}

/// Whatever else the repeat asks, nothing of it runs.
pub async fn a_repeated_client_id_gives_the_first_answer(bench: &dyn Bench) {
    let (store, home, hands) = open(bench);
    let first = call(&store, &home, "one", 1).commit().await.unwrap();
    assert_eq!(first.seq(Numbered(0)), 1);
    hands.forward(1_000);
    let mut again = call(&store, &home, "one", 1);
    again.expect_present(raw(b"p", b"absent"));
    again.put(raw(b"p", b"k"), text("never"));
    same_answer(&first, &again.repeated().await.unwrap().unwrap());
    same_answer(&first, &again.commit().await.unwrap());
    assert_eq!(last(&store, &home).await, 1);
    assert_eq!(shown(&store, &home, &raw(b"p", b"k")).await, None);
    let mut other = call(&store, &home, "two", 1);
    assert_eq!(other.repeated().await.unwrap(), None);
    assert_eq!(other.commit().await.unwrap().seq(Numbered(0)), 2);
}

/// The same id, something else asked.
pub async fn another_request_under_a_client_id_is_refused(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    call(&store, &home, "one", 1).commit().await.unwrap();
    let mut other = call(&store, &home, "one", 2);
    assert_eq!(other.repeated().await, Err(StoreError::ClientIdReused));
    assert_eq!(other.commit().await, Err(StoreError::ClientIdReused));
    assert_eq!(last(&store, &home).await, 1);
}

/// Equal ids of others are others.
pub async fn client_ids_belong_to_home_scope_and_author(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let other = Home::new("thing", 2);
    for (home, scope, author) in [
        (&home, "a", "b"),
        (&other, "a", "b"),
        (&home, "a", "c"),
        (&home, "b", "b"),
        (&home, "ab", ""),
    ] {
        let mut t = store
            .transaction(home)
            .client_id(scope, author, "id", [1; 32], DAY_MS);
        t.put(raw(b"p", b"k"), text("x"));
        assert!(!t.commit().await.unwrap().repeated);
    }
}

/// Kept answers end; an id that tells its own age is refused then, another runs anew.
pub async fn an_old_client_id_is_refused_or_runs_anew(bench: &dyn Bench) {
    let (store, home, hands) = open(bench);
    let made = u64::try_from(hands.now()).unwrap();
    let uuid = format!(
        "{:08x}-{:04x}-7000-8000-000000000001",
        made >> 16,
        made & 0xFFFF
    );
    for id in [uuid.as_str(), "plain"] {
        call(&store, &home, id, 1).commit().await.unwrap();
    }
    hands.forward(DAY_MS - 1);
    for id in [uuid.as_str(), "plain"] {
        assert!(call(&store, &home, id, 1).commit().await.unwrap().repeated);
    }
    hands.forward(2);
    let expired = call(&store, &home, &uuid, 1).commit().await;
    assert_eq!(expired, Err(StoreError::ClientIdExpired));
    assert!(
        !call(&store, &home, "plain", 1)
            .commit()
            .await
            .unwrap()
            .repeated
    );
    assert_eq!(last(&store, &home).await, 3);
}

/// Many copies of a call at once, also inside one round.
pub async fn concurrent_repeats_run_once(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let calls = (0..40).map(|n| {
        let t = call(&store, &home, &format!("id{}", n % 4), 1);
        tokio::spawn(t.commit())
    });
    let mut first = 0;
    for call in calls.collect::<Vec<_>>() {
        first += usize::from(!call.await.unwrap().unwrap().repeated);
    }
    assert_eq!(first, 4);
    assert_eq!(last(&store, &home).await, 4);
}

/// Identical bytes, sent while the first is under way, after it, and after a restart of the writer.
pub async fn an_attempt_sent_again_gives_the_same_answer(bench: &dyn Bench) {
    let (store, home, hands) = open(bench);
    let log = LOG.partition(&b"l".to_vec());
    let mut t = store.transaction(&home);
    t.append(log.clone(), Value::encode(&1_u64).unwrap(), true);
    let prepared = t.prepare().unwrap();
    let (one, two) = tokio::join!(store.submit(&prepared), store.submit(&prepared));
    let one = one.unwrap();
    assert_eq!(Ok(&one), two.as_ref());
    put(&store, &home, &raw(b"p", b"k"), "between").await;
    assert_eq!(store.submit(&prepared).await.as_ref(), Ok(&one));
    if bench.keeps() {
        store.close().await;
        let store = bench.open(super::limits(), &hands);
        assert_eq!(store.submit(&prepared).await.as_ref(), Ok(&one));
        assert_eq!(store.head(&home, &log).await.unwrap().last, 1);
    }
}

/// What fell out of the bounded memory is unknown, not new.
pub async fn a_forgotten_attempt_is_never_run_again(bench: &dyn Bench) {
    let hands = super::Hands::default();
    let limits = Limits {
        attempts: 3,
        ..super::limits()
    };
    let (store, home) = (bench.open(limits, &hands), Home::new("thing", 1));
    let log = LOG.partition(&b"l".to_vec());
    let mut t = store.transaction(&home);
    t.append(log.clone(), Value::encode(&1_u64).unwrap(), true);
    let prepared = t.prepare().unwrap();
    store.submit(&prepared).await.unwrap();
    let slow = store.transaction(&home);
    for _ in 0..3 {
        assert!(store.submit(&prepared).await.is_ok());
        put(&store, &home, &raw(b"p", b"k"), "x").await;
    }
    assert_eq!(store.submit(&prepared).await, Err(StoreError::Unknown));
    assert_eq!(store.head(&home, &log).await.unwrap().last, 1);
    // An attempt that was made since is new, however long its transaction was open.
    assert!(slow.commit().await.is_ok());
    let entries = store
        .entries(&home, &log, 0, 9, Direction::Forward, 9)
        .await;
    assert_eq!(entries.unwrap().len(), 1);
}

/// Exactly as long as the limit says; afterwards it is unknown, not new. Also over a restart.
pub async fn an_attempt_is_remembered_for_its_time(bench: &dyn Bench) {
    if !bench.keeps() {
        return;
    }
    let (mut store, home, hands) = open(bench);
    let log = LOG.partition(&b"l".to_vec());
    let mut t = store.transaction(&home);
    t.append(log.clone(), Value::encode(&1_u64).unwrap(), true);
    let prepared = t.prepare().unwrap();
    let first = store.submit(&prepared).await.unwrap();
    for _ in 0..3 {
        put(&store, &home, &raw(b"p", b"k"), "x").await;
    }
    hands.forward(store.limits().attempts_ms);
    for known in [true, false] {
        store.forget_rounds_before(u64::MAX).await.unwrap();
        store.close().await;
        store = bench.open(super::limits(), &hands);
        let wanted = known.then(|| first.clone()).ok_or(StoreError::Unknown);
        assert_eq!(store.submit(&prepared).await, wanted);
        hands.forward(1);
    }
    assert_eq!(store.head(&home, &log).await.unwrap().last, 1);
}

/// A consumer's marker: not again, not an earlier one, but the next.
pub async fn an_effect_is_done_once(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let log = LOG.partition(&b"l".to_vec());
    let deliver = async |source: &str, consumer: &str, position: u64, ordinal: u32| {
        let mut t = store.transaction(&home);
        t.once(source, consumer, position, ordinal);
        t.append(log.clone(), Value::encode(&1_u64).unwrap(), true);
        !t.commit().await.unwrap().skipped
    };
    assert!(deliver("j", "c", 2_000, 0).await);
    assert!(!deliver("j", "c", 2_000, 0).await);
    assert!(deliver("j", "c", 2_000, 1).await);
    assert!(!deliver("j", "c", 2_000, 0).await);
    assert!(!deliver("j", "c", 1_999, 7).await);
    assert!(deliver("j", "c", 2_001, 0).await);
    assert!(deliver("j", "other", 2_000, 0).await);
    assert!(deliver("other", "c", 2_000, 0).await);
    assert_eq!(store.head(&home, &log).await.unwrap().last, 5);
}
