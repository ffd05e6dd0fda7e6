//! Nothing is lost, doubled or reordered on an engine that fails and crashes; every effect is there once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Disk, Faults, Faulty};
use crate::engine::in_memory;
use crate::suite::history::{Recorder, is_linearizable};
use crate::suite::{Hands, LOG, limits, model, text};
use crate::{Committed, Direction, Home, Numbered, Part, Row, Store, StoreError, Value};

const CALLERS: u64 = 6;
const CALLS: u64 = 12;
const DAY_MS: i64 = 86_400_000;

fn log() -> crate::Partition {
    LOG.partition(&b"l".to_vec())
}

/// Callers share homes, so that their commits meet in rounds.
fn home(caller: u64) -> Home {
    Home::new("source", caller % 2)
}

fn target() -> Home {
    Home::new("target", 1)
}

async fn call(store: &Store, caller: u64, n: u64) -> Result<Committed, StoreError> {
    let id = format!("{caller}-{n}");
    let mut t = store
        .transaction(&home(caller))
        .client_id("call", "caller", &id, [1; 32], DAY_MS);
    t.append(log(), text(&id), true);
    t.effect("copy", text(&id));
    let attempt = t.prepare()?;
    match store.submit(&attempt).await {
        // What a node does whose answer got lost: the identical bytes once more.
        Err(StoreError::Unknown) => store.submit(&attempt).await,
        answer => answer,
    }
}

/// What a caller was told: the answer of each of its calls.
type Told = BTreeMap<(u64, u64), u64>;

/// Every caller goes on until all its calls are answered; an error or a crash means: again.
async fn caller(store: Store, caller: u64, told: Arc<std::sync::Mutex<Told>>) {
    for n in 0..CALLS {
        if told.lock().unwrap().contains_key(&(caller, n)) {
            continue;
        }
        loop {
            match call(&store, caller, n).await {
                Ok(done) => {
                    told.lock()
                        .unwrap()
                        .insert((caller, n), done.seq(Numbered(0)));
                    break;
                }
                Err(StoreError::Unavailable(_) | StoreError::Unknown | StoreError::Busy) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

/// Copies every effect into the target, in order, each once: what was copied is the marker's business.
async fn consumer(store: Store, mut after: u64) {
    loop {
        let Ok(commits) = store.effects_after(after, 5).await else {
            continue;
        };
        if commits.is_empty() {
            tokio::task::yield_now().await;
        }
        'commits: for commit in commits {
            if commit.home == target() {
                after = commit.position;
                continue;
            }
            for effect in &commit.effects {
                let mut t = store.transaction(&target());
                t.once("journal", "copy", commit.position, effect.ordinal);
                t.append(
                    log(),
                    Value::parts(vec![Part::Bytes(effect.payload.clone())]),
                    true,
                );
                if t.commit().await.is_err() {
                    break 'commits;
                }
            }
            after = commit.position;
        }
    }
}

async fn entries(store: &Store, home: &Home) -> Vec<(u64, Row)> {
    let log = log();
    loop {
        let page = store.entries(home, &log, 0, u64::MAX, Direction::Forward, 10_000);
        if let Ok(entries) = page.await {
            return entries;
        }
    }
}

/// Runs the store until it crashes or all is done; true if all is done.
async fn life(disk: &Arc<Disk>, faults: Faults, told: &Arc<std::sync::Mutex<Told>>) -> bool {
    let engine = Faulty::start(disk, faults).await;
    let store = Store::with_engine(
        Arc::clone(&engine) as Arc<dyn super::Engine>,
        limits(),
        Hands::default().clock(),
    );
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..CALLERS {
        tasks.spawn(caller(store.clone(), n, Arc::clone(told)));
    }
    // Its checkpoint is lost with every crash; the marker keeps it exactly once.
    let copies = tokio::spawn(consumer(store.clone(), 0));
    let all = async {
        while let Some(done) = tasks.join_next().await {
            done.expect("a caller ends well");
        }
        while (entries(&store, &target()).await.len() as u64) < CALLERS * CALLS {
            tokio::task::yield_now().await;
        }
    };
    let done = tokio::select! {
        () = all => true,
        () = engine.crashed() => false,
    };
    copies.abort();
    done
}

async fn audit(disk: &Arc<Disk>, told: &Told) {
    let engine = Faulty::start(disk, Faults::default()).await;
    let store = Store::with_engine(engine, limits(), Hands::default().clock());
    assert_eq!(told.len() as u64, CALLERS * CALLS);
    for n in 0..2 {
        let entries = entries(&store, &home(n)).await;
        let numbers: Vec<u64> = entries.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(numbers, (1..=CALLERS * CALLS / 2).collect::<Vec<_>>());
        for (seq, row) in entries {
            let id = String::from_utf8(row.value.to_vec()).unwrap();
            let (caller, n) = id.split_once('-').unwrap();
            let key = (caller.parse().unwrap(), n.parse().unwrap());
            assert_eq!(told[&key], seq, "{id} was told another number");
        }
    }
    let effects = store.effects_after(0, 10_000).await.unwrap();
    let effects = effects.iter().flat_map(|commit| &commit.effects);
    let effects: Vec<_> = effects.map(|effect| effect.payload.clone()).collect();
    let copied: Vec<_> = entries(&store, &target()).await;
    let copied: Vec<_> = copied.into_iter().map(|(_, row)| row.value).collect();
    assert_eq!(copied, effects, "each effect once, in order");
    assert_eq!(effects.len() as u64, CALLERS * CALLS);
}

async fn survives(seed: u64) {
    let disk = Disk::new(in_memory(1));
    let told = Arc::default();
    let mut bits = model::bits(seed);
    let mut faults = Faults::rough(seed);
    loop {
        faults.seed = bits();
        faults.crash_at = Some(5 + bits() % 200);
        faults.unsettled = 0;
        if life(&disk, faults, &told).await {
            break;
        }
    }
    let told = told.lock().unwrap().clone();
    audit(&disk, &told).await;
}

#[tokio::test]
async fn errors_unknown_outcomes_and_crashes_lose_and_double_nothing() {
    for seed in 1..=24 {
        survives(seed).await;
    }
}

#[tokio::test]
async fn histories_with_errors_and_crashes_are_linearizable() {
    for seed in 1..=20_u64 {
        let disk = Disk::new(in_memory(1));
        let recorder = Recorder::default();
        let mut bits = model::bits(seed);
        for life in 0..4_u64 {
            let faults = Faults {
                seed: bits(),
                crash_at: (life < 3).then(|| 5 + bits() % 40),
                ..Faults::rough(seed)
            };
            let engine = Faulty::start(&disk, faults).await;
            let dyn_engine = Arc::clone(&engine) as Arc<dyn super::Engine>;
            let store = Store::with_engine(dyn_engine, limits(), Hands::default().clock());
            let mut callers = tokio::task::JoinSet::new();
            for caller in 0..4 {
                let (store, recorder) = (store.clone(), recorder.clone());
                callers.spawn(async move {
                    let mut bits = model::bits(seed * 1_000 + life * 10 + caller);
                    for _ in 0..6 {
                        let _ = recorder.call(&store, &home(0), bits()).await;
                    }
                });
            }
            let all = async { while callers.join_next().await.is_some() {} };
            tokio::select! {
                () = all => {}
                () = engine.crashed() => {}
            }
        }
        let history = recorder.history();
        assert!(is_linearizable(&history), "seed {seed}: {history:#?}");
    }
}

#[tokio::test]
async fn a_crash_at_any_step_of_one_commit_leaves_it_whole_or_absent() {
    for crash_at in 1..=12 {
        let disk = Disk::new(in_memory(1));
        let faults = Faults {
            crash_at: Some(crash_at),
            ..Faults::default()
        };
        let engine = Faulty::start(&disk, faults).await;
        let dyn_engine = Arc::clone(&engine) as Arc<dyn super::Engine>;
        let store = Store::with_engine(dyn_engine, limits(), Hands::default().clock());
        let answered = tokio::select! {
            answer = call(&store, 1, 1) => answer.is_ok(),
            () = engine.crashed() => false,
        };
        let engine = Faulty::start(&disk, Faults::default()).await;
        let store = Store::with_engine(engine, limits(), Hands::default().clock());
        let held = entries(&store, &home(1)).await.len();
        let effects = store.effects_after(0, 10).await.unwrap().len();
        assert_eq!(held, effects, "crash at step {crash_at}");
        assert!(held == 1 || !answered, "crash at step {crash_at}");
        let again = call(&store, 1, 1).await.unwrap();
        assert_eq!((again.repeated, again.seq(Numbered(0))), (held == 1, 1));
    }
}

#[tokio::test]
async fn an_outcome_that_stays_unknown_stops_writing_until_the_next_start() {
    let disk = Disk::new(in_memory(1));
    let faults = Faults {
        seed: 3,
        unknown_written: 100,
        unsettled: 100,
        ..Faults::default()
    };
    let engine = Faulty::start(&disk, faults).await;
    let store = Store::with_engine(engine, limits(), Hands::default().clock());
    let mut t = store.transaction(&home(1));
    t.append(log(), text("x"), true);
    assert_eq!(t.commit().await, Err(StoreError::Unknown));
    let later = call(&store, 1, 1).await;
    assert!(
        matches!(later, Err(StoreError::Unavailable(_))),
        "{later:?}"
    );
    assert_eq!(store.head(&home(1), &log()).await.unwrap().last, 0);
    let engine = Faulty::start(&disk, Faults::default()).await;
    let store = Store::with_engine(engine, limits(), Hands::default().clock());
    assert_eq!(store.head(&home(1), &log()).await.unwrap().last, 1);
    assert_eq!(call(&store, 1, 1).await.unwrap().seq(Numbered(0)), 2);
}
