//! Timers: each fires once, as a commit of its home; a cancelled one never.

use super::{Bench, Hands, NUMBERS, open, text};
use crate::{Home, Store, TIMER_EFFECT};

async fn set(store: &Store, home: &Home, at_ms: i64, name: &str, payload: &str) {
    let mut t = store.transaction(home);
    t.at_time(at_ms, name, text(payload));
    t.commit().await.expect("a timer");
}

async fn fire_all(store: &Store, hands: &Hands) -> Vec<String> {
    let mut fired = Vec::new();
    loop {
        let due = store.due_timers(hands.now(), 3).await.unwrap();
        if due.is_empty() {
            return fired;
        }
        for timer in due {
            assert!(timer.at_ms <= hands.now());
            if store.fire(&timer).await.unwrap().is_some() {
                fired.push(timer.name);
            }
        }
    }
}

async fn told(store: &Store) -> Vec<(String, String)> {
    let effects = store.effects_after(0, 1_000).await.unwrap();
    let effects = effects.iter().flat_map(|commit| &commit.effects);
    effects
        .map(|effect| {
            let name = effect.kind.strip_prefix(TIMER_EFFECT).expect("a timer");
            let payload = String::from_utf8_lossy(&effect.payload).into_owned();
            (name.to_owned(), payload)
        })
        .collect()
}

/// Not before its time, then once.
pub async fn a_timer_fires_once_at_its_time(bench: &dyn Bench) {
    let (store, home, hands) = open(bench);
    let changes = store.timer_changes();
    assert_eq!(store.next_timer().await.unwrap(), None);
    set(&store, &home, hands.now() + 100, "call", "ring").await;
    assert_eq!(*changes.borrow(), 1);
    let next = store.next_timer().await.unwrap();
    assert_eq!(next, Some(hands.now() + 100));
    assert_eq!(fire_all(&store, &hands).await, [""; 0]);
    hands.forward(99);
    assert_eq!(fire_all(&store, &hands).await, [""; 0]);
    hands.forward(1);
    let due = store.due_timers(hands.now(), 9).await.unwrap();
    assert_eq!(due, [store.timer(&home, "call").await.unwrap().unwrap()]);
    assert_eq!(fire_all(&store, &hands).await, ["call"]);
    assert_eq!(store.fire(&due[0]).await.unwrap(), None);
    assert_eq!(fire_all(&store, &hands).await, [""; 0]);
    assert_eq!(told(&store).await, [("call".to_owned(), "ring".to_owned())]);
    assert_eq!(store.timer(&home, "call").await.unwrap(), None);
}

/// Setting it again moves it and changes its payload; the old time passes quietly.
pub async fn a_timer_is_replaced_by_its_name(bench: &dyn Bench) {
    let (store, home, hands) = open(bench);
    set(&store, &home, hands.now() + 10, "t", "old").await;
    let old = store.timer(&home, "t").await.unwrap().unwrap();
    set(&store, &home, hands.now() + 50, "t", "new").await;
    hands.forward(10);
    assert_eq!(fire_all(&store, &hands).await, [""; 0]);
    assert_eq!(store.fire(&old).await.unwrap(), None);
    hands.forward(40);
    assert_eq!(fire_all(&store, &hands).await, ["t"]);
    assert_eq!(told(&store).await, [("t".to_owned(), "new".to_owned())]);
    // Set again to the very time it had: it is another timer.
    set(&store, &home, hands.now(), "t", "again").await;
    let first = store.timer(&home, "t").await.unwrap().unwrap();
    set(&store, &home, hands.now(), "t", "same time").await;
    assert_eq!(store.fire(&first).await.unwrap(), None);
    assert_eq!(fire_all(&store, &hands).await, ["t"]);
}

/// Also when somebody has already read it as due.
pub async fn a_cancelled_timer_never_fires(bench: &dyn Bench) {
    let (store, home, hands) = open(bench);
    set(&store, &home, hands.now(), "t", "x").await;
    set(
        &store,
        &Home::new("thing", 2),
        hands.now(),
        "t",
        "other home",
    )
    .await;
    let due = store.due_timers(hands.now(), 9).await.unwrap();
    assert_eq!(due.len(), 2);
    let mut t = store.transaction(&home);
    t.cancel("t");
    t.cancel("never set");
    t.commit().await.unwrap();
    let mine = due.iter().find(|timer| timer.home == home).unwrap();
    assert_eq!(store.fire(mine).await.unwrap(), None);
    assert_eq!(fire_all(&store, &hands).await, ["t"]);
    assert_eq!(
        told(&store).await,
        [("t".to_owned(), "other home".to_owned())]
    );
}

/// The work of the timer and its end are one commit.
pub async fn a_timer_can_be_taken_by_a_commit_of_its_home(bench: &dyn Bench) {
    let (store, home, hands) = open(bench);
    set(&store, &home, hands.now(), "vote", "x").await;
    let due = store.due_timers(hands.now(), 9).await.unwrap().remove(0);
    let end = |n: u64| {
        let mut t = store.transaction(&home);
        t.take_timer(&due);
        t.set(&NUMBERS, &(), &b"ended".to_vec(), &n).unwrap();
        t.commit()
    };
    end(1).await.unwrap();
    super::assert_conflict(end(2).await);
    assert_eq!(store.fire(&due).await.unwrap(), None);
    let ended = store.read(&home, &NUMBERS, &(), &b"ended".to_vec()).await;
    assert_eq!(ended.unwrap(), Some(1));
    assert_eq!(told(&store).await, []);
}

/// Many at one time, read in small pages, in the order of their times.
pub async fn timers_of_one_time_fire_all(bench: &dyn Bench) {
    let (store, _, hands) = open(bench);
    for n in 0..20 {
        let home = Home::new("thing", n % 3);
        set(
            &store,
            &home,
            hands.now() + n / 10,
            &format!("t{n:02}"),
            "x",
        )
        .await;
    }
    hands.forward(100);
    let mut fired = fire_all(&store, &hands).await;
    assert!(fired[..10].iter().all(|name| name < &"t10".to_owned()));
    fired.sort();
    assert_eq!(
        fired,
        (0..20).map(|n| format!("t{n:02}")).collect::<Vec<_>>()
    );
}

/// Backward and far forward.
pub async fn a_clock_that_jumps_fires_each_timer_once(bench: &dyn Bench) {
    let (store, home, hands) = open(bench);
    set(&store, &home, hands.now() + 1_000, "a", "x").await;
    hands.forward(-3_600_000);
    set(&store, &home, hands.now() + 1_000, "b", "x").await;
    set(&store, &home, -5, "before 1970", "x").await;
    hands.forward(1_000);
    assert_eq!(fire_all(&store, &hands).await, ["before 1970", "b"]);
    hands.forward(86_400_000);
    assert_eq!(fire_all(&store, &hands).await, ["a"]);
    hands.forward(-86_400_000);
    assert_eq!(fire_all(&store, &hands).await, [""; 0]);
    assert_eq!(told(&store).await.len(), 3);
}
