//! A node for the tests of this crate, on a disk that fails and crashes on purpose.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use storage::engine::faulty::{Disk, Faults, Faulty};
use storage::engine::{Engine, in_memory};
use storage::{Direction, Home, Log, Store, Transaction, Value};

use crate::api::{Answer, ApiError, Class, Push};
use crate::clock::Clock;
use crate::delivery::{ConnectionId, Connections};
use crate::effect::{Delivered, Kind, stamp};
use crate::ids::{SessionId, UserId};
use crate::job;
use crate::node::{Node, Parts};
use crate::random::Random;

/// Nobody is connected.
struct Nobody;

impl Connections for Nobody {
    fn push(&self, _: &mut dyn Iterator<Item = UserId>, _: &Push) {}
    fn push_to(&self, _: &[ConnectionId], _: &Push) {}
    fn online(&self, _: UserId) -> bool {
        false
    }
    fn all_online(&self) -> Vec<UserId> {
        Vec::new()
    }
    fn resync(&self, _: Option<UserId>) {}
    fn end_session(&self, _: SessionId) {}
}

/// A disk, and a clock that a test moves; nodes start and die on it.
pub(crate) struct Machine {
    disk: Arc<Disk>,
    hand: Arc<AtomicI64>,
}

/// A node of a machine.
pub(crate) struct Running {
    pub(crate) node: Arc<Node>,
    pub(crate) engine: Arc<Faulty>,
}

/// Where the clock begins, in ms since the epoch.
pub(crate) const NOON_MS: i64 = 1_700_000_000_000;

impl Machine {
    pub(crate) fn new() -> Self {
        Self {
            disk: Disk::new(in_memory(1)),
            hand: Arc::new(AtomicI64::new(NOON_MS)),
        }
    }

    /// Moves the clock; backward with a negative number.
    pub(crate) fn passes(&self, ms: i64) {
        self.hand.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        Clock::by_hand(Arc::clone(&self.hand))
    }

    /// The store alone, as a look at the disk.
    pub(crate) async fn store(&self, faults: Faults) -> (Store, Arc<Faulty>) {
        let engine = Faulty::start(&self.disk, faults).await;
        let dyn_engine = Arc::clone(&engine) as Arc<dyn Engine>;
        let limits = storage::Limits::default();
        let store = Store::with_engine(dyn_engine, limits, self.clock().as_fn());
        (store, engine)
    }

    pub(crate) async fn start(&self, effects: Vec<Kind>, jobs: Vec<job::Kind>) -> Running {
        self.start_with(Faults::default(), effects, jobs)
            .await
            .expect("a node starts")
    }

    /// Nothing if it crashes while it starts.
    pub(crate) async fn start_with(
        &self,
        faults: Faults,
        mut effects: Vec<Kind>,
        jobs: Vec<job::Kind>,
    ) -> Option<Running> {
        let (store, engine) = self.store(faults).await;
        effects.extend(job::effects());
        effects.extend(crate::audit::kinds());
        let (clock, random) = (self.clock(), Random::seeded(1));
        let mut parts = Parts::new(store, clock, random, Arc::new(Nobody), effects);
        parts.jobs = jobs;
        let node = tokio::select! {
            node = Node::start(parts) => node.ok()?,
            () = engine.crashed() => return None,
        };
        Some(Running { node, engine })
    }
}

impl Machine {
    /// Two lives, one after the other: the first crashes at that step of its engine, if it gets so far. Both
    /// do the same work, so it must be such that may be repeated. True if the first one did not crash.
    pub(crate) async fn two_lives(
        &self,
        crash_at: u64,
        effects: impl Fn() -> Vec<Kind>,
        jobs: impl Fn() -> Vec<job::Kind>,
        work: impl AsyncFn(&Running),
    ) -> bool {
        let mut whole = false;
        for crash_at in [Some(crash_at), None] {
            let faults = Faults {
                crash_at,
                ..Faults::default()
            };
            let Some(running) = self.start_with(faults, effects(), jobs()).await else {
                continue;
            };
            tokio::select! {
                () = work(&running) => whole |= crash_at.is_some(),
                () = running.engine.crashed() => continue,
            }
            running.node.store.close().await;
        }
        whole
    }
}

/// What tests count.
pub(crate) const LOG: Log<(), String> = Log::new(900, "log");

pub(crate) fn home(name: &str) -> Home {
    Home::new("thing", name)
}

/// The texts in the log of a home.
pub(crate) async fn told(store: &Store, home: &Home) -> Vec<String> {
    let log = LOG.partition(&());
    let entries = store.entries(home, &log, 0, u64::MAX, Direction::Forward, 10_000);
    let entries = entries.await.expect("a read");
    let text = |(_, row): &(u64, _)| LOG.decode(row).expect("a text");
    entries.iter().map(text).collect()
}

pub(crate) fn tell(t: &mut Transaction, text: &str) {
    let value = Value::encode(text).expect("a text");
    t.append(LOG.partition(&()), value, true);
}

/// Payload of the effects below.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Say {
    pub(crate) to: Vec<String>,
    pub(crate) text: String,
}

/// Homes that refuse what is said to them.
pub(crate) static REFUSING: Mutex<Option<HashMap<String, u32>>> = Mutex::new(None);

/// From now on the home refuses so many times.
pub(crate) fn refuses(home: &Home, times: u32) {
    let mut refusing = REFUSING.lock().expect("no test panics here");
    let homes = refusing.get_or_insert_default();
    homes.insert(home.as_str().to_owned(), times);
}

pub(crate) fn is_refused(home: &Home) -> bool {
    let mut refusing = REFUSING.lock().expect("no test panics here");
    let times = refusing.get_or_insert_default().get_mut(home.as_str());
    times.is_some_and(|times| {
        let refused = *times > 0;
        *times = times.saturating_sub(1);
        refused
    })
}

pub(crate) fn refusal() -> ApiError {
    ApiError::new(Class::Conflict, "refused_on_purpose", "拒绝", "Refused")
}

async fn say(node: &Node, effect: &Delivered, home: &Home) -> Answer<()> {
    if is_refused(home) {
        return Err(refusal());
    }
    let mut t = node.store.transaction(home);
    stamp(&mut t, effect);
    tell(&mut t, &effect.payload::<Say>()?.text);
    t.commit().await?;
    Ok(())
}

/// An effect that writes a text into other homes; `takes` is one that takes a right away.
pub(crate) fn kinds() -> Vec<Kind> {
    let kind = |name, takes_a_right| Kind {
        name,
        targets: |effect| {
            let to = effect.payload::<Say>()?.to;
            Ok(to.iter().map(|name| home(name)).collect())
        },
        run: |node, effect, home| Box::pin(async move { say(&node, &effect, &home).await }),
        takes_a_right,
    };
    vec![kind("says", false), kind("takes", true)]
}

/// A commit in `from` that causes an effect of `kind` in the homes `to`.
pub(crate) async fn causes(
    store: &Store,
    from: &Home,
    kind: &str,
    to: &[&str],
    text: &str,
) -> Answer<u64> {
    let say = Say {
        to: to.iter().map(|&name| name.to_owned()).collect(),
        text: text.to_owned(),
    };
    // The text names the call, so that it may be repeated after a crash.
    let mut t = store
        .transaction(from)
        .client_id("call", "test", text, [0; 32], 86_400_000);
    tell(&mut t, text);
    t.effect(kind, Value::encode(&say)?);
    Ok(t.commit().await?.position)
}

/// Waits until something holds. Looking takes steps of the engine, so it looks seldom; the tests' time is
/// not real.
pub(crate) async fn eventually<F: AsyncFnMut() -> bool>(what: &str, mut holds: F) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(300), wait).await;
    waited.unwrap_or_else(|_| panic!("it never came: {what}"));
}
