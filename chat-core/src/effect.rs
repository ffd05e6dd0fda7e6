//! Effects: what a commit in one home causes in others. They are written in the commit that causes
//! them, and run afterwards at least once, in order per target home; a marker in the target's commit
//! ([`stamp`]) makes each of them happen exactly once. After a crash they go on from a checkpoint.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use storage::{AppliedCommit, AppliedRound, Home, Store, StoreError, Table, Transaction, retry};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::api::{Answer, ApiError, Class};
use crate::limits::{CHECKPOINT_MS, CHECKPOINT_ROUNDS, EFFECT_LANES, EFFECTS_WAIT_MS};
use crate::node::Node;
use crate::tables;

// ---- types

/// An effect that is to run.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// Of the commit that caused it.
    pub position: u64,
    /// Which effect of that commit.
    pub ordinal: u32,
    /// When that commit was made.
    pub time_ms: i64,
    /// What to do.
    pub kind: String,
    payload: Bytes,
}

impl Delivered {
    /// What the commit said.
    ///
    /// # Errors
    /// A payload of another form.
    pub fn payload<T: DeserializeOwned>(&self) -> Answer<T> {
        rmp_serde::from_slice(&self.payload)
            .map_err(|error| StoreError::Corrupt(format!("effect {}: {error}", self.kind)).into())
    }
}

/// What running an effect in one of its target homes gives.
pub type Running = Pin<Box<dyn Future<Output = Answer<()>> + Send>>;

/// A kind of effect.
pub struct Kind {
    /// Its name in commits.
    pub name: &'static str,
    /// The homes that it changes.
    pub targets: fn(&Delivered) -> Answer<Vec<Home>>,
    /// Changes one of them.
    pub run: fn(Arc<Node>, Delivered, Home) -> Running,
    /// It takes a right away: it is tried for ever, never set aside.
    pub takes_a_right: bool,
}

/// An effect that was refused too often, set aside for the administrator.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeadLetter {
    /// What it was to do.
    pub kind: String,
    /// Why it was refused, as a code.
    pub code: String,
    /// When it was set aside.
    pub at: i64,
}

// ---- rules

/// Refusals after which an effect is set aside.
const TRIES: u32 = 5;

/// How long to wait before try number `tries` (from 1).
fn pause(tries: u32) -> Duration {
    Duration::from_millis(50_u64.saturating_mul(1 << tries.min(7)))
}

/// Whether the outcome says that trying again may help without anything changing.
fn passing(error: &ApiError) -> bool {
    matches!(
        error.class,
        Class::Unavailable | Class::Unknown | Class::Limited
    )
}

// ---- rows

/// The journal whose effects these are; one until there is a cluster.
const SOURCE: &str = "main";
const CONSUMER: &str = "effects";
/// `effects:main`: up to where everything ran.
const CHECKPOINT: Table<(), (), u64> = Table::new(tables::CHECKPOINT, "checkpoint");
/// `effects:main`: (position, ordinal) → what was set aside.
pub const DEAD_LETTER: Table<(), (u64, u32), DeadLetter> =
    Table::new(tables::DEAD_LETTER, "dead_letter");

/// The home of the runner's own rows.
pub fn effects_home() -> Home {
    Home::new("effects", SOURCE)
}

/// Makes the commit of `t` the one that runs `effect`, exactly once in its home.
pub fn stamp(t: &mut Transaction, effect: &Delivered) {
    t.once(SOURCE, CONSUMER, effect.position, effect.ordinal);
}

// ---- the runner

/// How far effects have run.
pub struct Effects {
    done: watch::Receiver<u64>,
}

impl Effects {
    pub(crate) fn new(done: watch::Receiver<u64>) -> Self {
        Self { done }
    }

    /// Waits until the effects of `position` have run, 2 s at most; tells whether they have.
    pub async fn passed(&self, position: u64) -> bool {
        let mut done = self.done.clone();
        let waited = tokio::time::timeout(
            Duration::from_millis(EFFECTS_WAIT_MS),
            done.wait_for(|at| *at >= position),
        )
        .await;
        matches!(waited, Ok(Ok(_)))
    }
}

pub(crate) struct Runner {
    node: Arc<Node>,
    kinds: HashMap<&'static str, Kind>,
    tell: watch::Sender<u64>,
    /// Something ran that a start after a crash would have to run again.
    due: bool,
    rounds_since: u64,
    written_at: Instant,
}

impl Runner {
    pub(crate) fn new(node: Arc<Node>, kinds: Vec<Kind>, tell: watch::Sender<u64>) -> Self {
        let kinds = kinds.into_iter().map(|kind| (kind.name, kind)).collect();
        Self {
            node,
            kinds,
            tell,
            due: false,
            rounds_since: 0,
            written_at: Instant::now(),
        }
    }

    /// Runs what a crash left, then what the rounds bring, until the store closes.
    pub(crate) async fn run(mut self, start: u64, mut rounds: mpsc::Receiver<Arc<AppliedRound>>) {
        if let Err(error) = self.catch_up().await {
            tracing::error!(code = %error.code, "effects of the last run can't be read; they wait for the next start");
            return;
        }
        self.reached(start).await;
        while let Some(round) = self.next(&mut rounds).await {
            let Some(last) = round.commits.last().map(|commit| commit.position) else {
                continue;
            };
            self.run_all(&round.commits).await;
            self.reached(last).await;
        }
    }

    /// The next round; meanwhile the checkpoint is written when it is due.
    async fn next(
        &mut self,
        rounds: &mut mpsc::Receiver<Arc<AppliedRound>>,
    ) -> Option<Arc<AppliedRound>> {
        loop {
            if !self.due {
                return rounds.recv().await;
            }
            let at = self.written_at + Duration::from_millis(CHECKPOINT_MS);
            match tokio::time::timeout_at(at, rounds.recv()).await {
                Ok(round) => return round,
                Err(_) => self.write_checkpoint().await,
            }
        }
    }

    async fn catch_up(&mut self) -> Answer<()> {
        let mut from = self
            .node
            .store
            .read(&effects_home(), &CHECKPOINT, &(), &())
            .await?
            .unwrap_or(0);
        loop {
            let commits = self.node.store.effects_after(from, 256).await?;
            let Some(last) = commits.last().map(|commit| commit.position) else {
                break;
            };
            self.run_all(&commits).await;
            from = last;
            self.reached(last).await;
        }
        Ok(())
    }

    async fn reached(&mut self, position: u64) {
        self.tell.send_if_modified(|at| {
            let further = position > *at;
            *at = position.max(*at);
            further
        });
        self.rounds_since += 1;
        if self.due && self.rounds_since >= CHECKPOINT_ROUNDS {
            self.write_checkpoint().await;
        }
    }

    /// Notes how far everything ran, and is written: an author's read position follows a second later.
    async fn write_checkpoint(&mut self) {
        let ran = *self.tell.borrow();
        let unwritten = self.node.cursors.unwritten_since();
        let position = unwritten.map_or(ran, |at| ran.min(at - 1));
        let written = retry(|| async {
            let mut t = self.node.store.transaction(&effects_home());
            t.read(&CHECKPOINT, &(), &()).await?;
            t.set(&CHECKPOINT, &(), &(), &position)?;
            t.commit().await?;
            self.node.store.forget_rounds_before(position).await
        })
        .await;
        // A checkpoint that is not written costs only work after a crash.
        if let Err(error) = written {
            tracing::warn!(%error, "the checkpoint of effects was not written");
        }
        (self.due, self.rounds_since, self.written_at) = (position < ran, 0, Instant::now());
    }

    /// Runs the effects of some commits: one lane per target home, in order within a lane.
    async fn run_all(&mut self, commits: &[AppliedCommit]) {
        let mut lanes: HashMap<Home, Vec<Delivered>> = HashMap::new();
        self.due |= commits.iter().any(|commit| !commit.effects.is_empty());
        let this = &*self;
        for effect in commits.iter().flat_map(effects_of) {
            let targets = match this.kinds.get(effect.kind.as_str()) {
                Some(kind) => (kind.targets)(&effect),
                None => {
                    Err(StoreError::Corrupt(format!("no effect is called {}", effect.kind)).into())
                }
            };
            match targets {
                Ok(targets) => targets
                    .into_iter()
                    .for_each(|home| lanes.entry(home).or_default().push(effect.clone())),
                Err(error) => this.set_aside(&effect, &error).await,
            }
        }
        stream::iter(lanes)
            .for_each_concurrent(EFFECT_LANES, |(home, effects)| async move {
                for effect in effects {
                    this.run_until_done(&effect, &home).await;
                }
            })
            .await;
    }

    async fn run_until_done(&self, effect: &Delivered, home: &Home) {
        let Some(kind) = self.kinds.get(effect.kind.as_str()) else {
            return;
        };
        let mut refusals = 0;
        let mut tries = 0;
        while let Err(error) =
            (kind.run)(Arc::clone(&self.node), effect.clone(), home.clone()).await
        {
            tries += 1;
            refusals += u32::from(!passing(&error));
            if error.code == "store_closed" {
                return;
            }
            if refusals >= TRIES && !kind.takes_a_right {
                return self.set_aside(effect, &error).await;
            }
            tracing::warn!(kind = kind.name, code = %error.code, tries, "an effect is tried again");
            tokio::time::sleep(pause(tries)).await;
        }
    }

    async fn set_aside(&self, effect: &Delivered, error: &ApiError) {
        tracing::error!(kind = %effect.kind, code = %error.code, position = effect.position, "an effect is set aside");
        let letter = DeadLetter {
            kind: effect.kind.clone(),
            code: error.code.clone(),
            at: self.node.clock.now_ms(),
        };
        let written = retry(|| async {
            let mut t = self.node.store.transaction(&effects_home());
            t.set(
                &DEAD_LETTER,
                &(),
                &(effect.position, effect.ordinal),
                &letter,
            )?;
            t.commit().await
        })
        .await;
        if let Err(error) = written {
            tracing::error!(%error, "a set-aside effect could not be noted");
        }
    }
}

fn effects_of(commit: &AppliedCommit) -> impl Iterator<Item = Delivered> {
    commit.effects.iter().map(|effect| Delivered {
        position: commit.position,
        ordinal: effect.ordinal,
        time_ms: commit.time_ms,
        kind: effect.kind.clone(),
        payload: effect.payload.clone(),
    })
}

/// Whether a store has anything left to run, for tests and the admin's overview.
///
/// # Errors
/// What the store answers.
pub async fn checkpoint(store: &Store) -> Answer<u64> {
    Ok(store
        .read(&effects_home(), &CHECKPOINT, &(), &())
        .await?
        .unwrap_or(0))
}
