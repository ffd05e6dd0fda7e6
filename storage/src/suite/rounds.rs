//! Applied rounds, effects, and a store opened again.

use std::sync::Arc;

use super::{Bench, LOG, NUMBERS, number, open, put, raw, shown, text};
use crate::{
    AppliedCommit, AppliedRound, Change, FIRST_POSITION, Home, Numbered, Part, Store, Value,
};

async fn commits(
    rounds: &mut tokio::sync::mpsc::Receiver<Arc<AppliedRound>>,
    n: usize,
) -> Vec<AppliedCommit> {
    let mut found = Vec::new();
    while found.len() < n {
        let round = rounds.recv().await.expect("a round");
        assert_eq!(round.first, round.commits[0].position);
        found.extend(round.commits.iter().cloned());
    }
    found
}

/// Positions without a gap, each change told once.
pub async fn every_round_is_handed_out_in_order(bench: &dyn Bench) {
    let (store, home, hands) = open(bench);
    put(&store, &home, &raw(b"p", b"before"), "x").await;
    let mut rounds = store.rounds(64);
    let mut t = store.transaction(&home);
    let log = LOG.partition(&b"l".to_vec());
    t.append(log.clone(), text("first"), true);
    t.append(log, text("act"), false);
    t.put(LOG.at(&b"l".to_vec(), 1), text("edited"));
    t.put(raw(b"p", b"k"), Value::parts(vec![Part::Position]));
    t.delete(raw(b"p", b"before"));
    t.add(number("n"), 5, None, None);
    t.max(number("m"), 7, text("seven"));
    t.effect("later", text("payload"));
    let done = t.commit().await.unwrap();
    let told = commits(&mut rounds, 1).await.remove(0);
    assert_eq!(
        (told.position, told.time_ms),
        (FIRST_POSITION + 1, hands.now())
    );
    assert_eq!((done.position, &told.home), (told.position, &home));
    let change = |at| {
        told.writes
            .iter()
            .find(|write| write.at == at)
            .map(|w| w.change.clone())
    };
    let bytes = |text: &'static str| bytes::Bytes::from_static(text.as_bytes());
    let entry = |seq, count, value| Some(Change::Append { seq, count, value });
    assert_eq!(
        change(LOG.at(&b"l".to_vec(), 1)),
        entry(1, 1, bytes("edited"))
    );
    assert_eq!(change(LOG.at(&b"l".to_vec(), 2)), entry(2, 1, bytes("act")));
    let position = bytes::Bytes::copy_from_slice(&told.position.to_be_bytes());
    assert_eq!(change(raw(b"p", b"k")), Some(Change::Put(position)));
    assert_eq!(change(raw(b"p", b"before")), Some(Change::Delete));
    assert_eq!(change(number("n")), Some(Change::Sum(5)));
    let with = bytes("seven");
    assert_eq!(change(number("m")), Some(Change::Max { n: 7, with }));
    assert_eq!(told.writes.len(), 6);
    assert_eq!(told.effects.len(), 1);
    for n in 0..200_u32 {
        tokio::spawn({
            let mut t = store.transaction(&Home::new("thing", n % 7));
            t.put(raw(b"p", &n.to_be_bytes()), text("x"));
            t.commit()
        });
    }
    let told = commits(&mut rounds, 200).await;
    let positions: Vec<u64> = told.iter().map(|commit| commit.position).collect();
    let first = FIRST_POSITION + 2;
    assert_eq!(positions, (first..first + 200).collect::<Vec<_>>());
}

/// Bounded: the writer waits for a slow receiver and forgets one that is gone.
pub async fn an_answer_waits_for_the_receivers(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let mut rounds = store.rounds(1);
    put(&store, &home, &raw(b"p", b"1"), "x").await;
    let second = tokio::spawn({
        let (store, home) = (store.clone(), home.clone());
        async move { put(&store, &home, &raw(b"p", b"2"), "x").await }
    });
    // The round is applied before it is handed out, so the row shows while the answer still waits.
    while shown(&store, &home, &raw(b"p", b"2")).await.is_none() {
        tokio::task::yield_now().await;
    }
    assert!(!second.is_finished());
    assert_eq!(commits(&mut rounds, 1).await.len(), 1);
    second.await.unwrap();
    drop(rounds);
    put(&store, &home, &raw(b"p", b"3"), "x").await;
    put(&store, &home, &raw(b"p", b"4"), "x").await;
}

async fn with_effects(store: &Store, home: &Home, kinds: &[&str]) -> u64 {
    let mut t = store.transaction(home);
    t.append(LOG.partition(&b"l".to_vec()), text("e"), true);
    for kind in kinds {
        t.effect(kind, Value::parts(vec![Part::SeqOf(0), Part::Position]));
    }
    t.commit().await.unwrap().position
}

/// With numbers filled in, in order, from any position; commits without effects are left out.
pub async fn effects_are_read_from_the_rounds(bench: &dyn Bench) {
    let (store, home, _) = open(bench);
    let mut wanted = Vec::new();
    for n in 0..40_u64 {
        let kinds: &[&str] = match n % 3 {
            0 => &[],
            1 => &["a"],
            _ => &["b", "c"],
        };
        let position = with_effects(&store, &home, kinds).await;
        if !kinds.is_empty() {
            wanted.push((position, n + 1, kinds.len()));
        }
    }
    let many = (0..64).map(|_| {
        let (store, home) = (store.clone(), Home::new("thing", 2));
        tokio::spawn(async move { with_effects(&store, &home, &["d"]).await })
    });
    let mut positions = Vec::new();
    for one in many.collect::<Vec<_>>() {
        positions.push(one.await.unwrap());
    }
    positions.sort_unstable();
    let all = store.effects_after(0, 1_000).await.unwrap();
    assert_eq!(all.len(), wanted.len() + 64);
    for (commit, (position, seq, effects)) in all.iter().zip(&wanted) {
        assert_eq!(
            (commit.position, commit.effects.len()),
            (*position, *effects)
        );
        assert!(commit.writes.is_empty() && commit.home == home);
        for (ordinal, effect) in commit.effects.iter().enumerate() {
            assert_eq!(effect.ordinal as usize, ordinal);
            let payload = [seq.to_be_bytes(), position.to_be_bytes()].concat();
            assert_eq!(effect.payload, payload);
        }
    }
    let tail: Vec<u64> = all[wanted.len()..].iter().map(|c| c.position).collect();
    assert_eq!(tail, positions);
    for (n, commit) in all.iter().enumerate() {
        let rest = store.effects_after(commit.position, 5).await.unwrap();
        let end = all.len().min(n + 6);
        assert_eq!(rest, all[n + 1..end]);
    }
    assert_eq!(store.effects_after(u64::MAX, 5).await.unwrap(), []);
}

/// What no consumer needs goes, the rest stays; forgetting too far or twice does no harm.
pub async fn forgotten_rounds_stay_forgotten(bench: &dyn Bench) {
    let (store, home, hands) = open(bench);
    let mut positions = Vec::new();
    for _ in 0..30 {
        positions.push(with_effects(&store, &home, &["a"]).await);
    }
    hands.forward(store.limits().attempts_ms + 1);
    store.forget_rounds_before(positions[20]).await.unwrap();
    let rest = store.effects_after(positions[20] - 1, 100).await.unwrap();
    assert_eq!(rest.len(), 10);
    assert!(store.effects_after(0, 100).await.unwrap().len() <= 11);
    store.forget_rounds_before(u64::MAX).await.unwrap();
    store.forget_rounds_before(0).await.unwrap();
    assert!(store.effects_after(0, 100).await.unwrap().len() <= 1);
    let next = with_effects(&store, &home, &["a"]).await;
    let rest = store.effects_after(next - 1, 100).await.unwrap();
    assert_eq!(rest.len(), 1);
}

/// Rows, positions, incarnation and effects are where they were.
pub async fn a_store_opened_again_goes_on(bench: &dyn Bench) {
    if !bench.keeps() {
        return;
    }
    let (store, home, hands) = open(bench);
    let incarnation = store.incarnation();
    let mut positions = Vec::new();
    for round in 0..3_u64 {
        let store = bench.open(super::limits(), &hands);
        assert_eq!(store.incarnation(), incarnation);
        let last = positions.last().copied().unwrap_or(FIRST_POSITION - 1);
        assert_eq!(store.last_position().await, last);
        let mut t = store.transaction(&home);
        t.append(LOG.partition(&b"l".to_vec()), text("e"), true);
        t.set(&NUMBERS, &(), &b"n".to_vec(), &round).unwrap();
        t.effect("a", text("x"));
        let done = t.commit().await.unwrap();
        assert_eq!(done.seq(Numbered(0)), round + 1);
        positions.push(done.position);
        let told = store.effects_after(0, 10).await.unwrap();
        assert_eq!(
            told.iter().map(|c| c.position).collect::<Vec<_>>(),
            positions
        );
        hands.forward(-1_000);
        assert!(done.time_ms >= super::NOON_MS);
        store.close().await;
    }
    assert_eq!(positions, [1_024, 1_025, 1_026]);
}
