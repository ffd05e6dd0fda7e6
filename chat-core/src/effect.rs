//! Effects: what a commit in one home causes in others. They are written in the commit that causes
//! them, and run afterwards at least once, in order per target home; a marker in the target's commit
//! ([`stamp`]) makes each of them happen exactly once. After a crash they go on from a checkpoint.
//! What is refused again and again becomes a [`letter`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use serde::de::DeserializeOwned;
use storage::{
    AppliedCommit, AppliedRound, Home, Store, StoreError, TIMER_EFFECT, Table, Transaction, retry,
};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use crate::api::{Answer, ApiError, Class};
use crate::cluster::{self, Cluster};
use crate::limits::{CHECKPOINT_MS, CHECKPOINT_ROUNDS, EFFECT_LANES, PARKED_HOMES, PARKED_MS};
use crate::node::Node;
use crate::tables;

pub mod letter;
#[cfg(test)]
mod tests;

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

    /// The same as bytes.
    pub fn raw(&self) -> Bytes {
        self.payload.clone()
    }
}

/// What running an effect in one of its target homes gives.
pub type Running = Pin<Box<dyn Future<Output = Answer<()>> + Send>>;

/// A kind of effect.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Its name in commits; `timer:<word>` for the timers that are called `<word>:…`.
    pub name: &'static str,
    /// The homes that it changes.
    pub targets: fn(&Delivered) -> Answer<Vec<Home>>,
    /// Changes one of them.
    pub run: fn(Arc<Node>, Delivered, Home) -> Running,
    /// It takes a right away: it is tried for ever, never set aside. Until it ran, whatever else
    /// concerns its home waits behind it.
    pub takes_a_right: bool,
}

// ---- rules

/// Refusals after which an effect is set aside, or parks its home.
const TRIES: u32 = 5;

/// How long to wait before try number `tries` (from 1).
pub(crate) fn pause(tries: u32) -> Duration {
    Duration::from_millis(50_u64.saturating_mul(1 << tries.min(7)))
}

/// Whether the outcome says that trying again may help without anything changing.
pub(crate) fn passing(error: &ApiError) -> bool {
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
    told: Told,
    patience: Duration,
    again: Notify,
    keep: Notify,
    /// Where another node may run them.
    cluster: Option<Arc<Cluster>>,
}

/// Tells how far effects have come.
struct Told {
    /// Up to where everything ran.
    ran: watch::Sender<u64>,
    /// The checkpoint: up to where nothing runs again after a crash.
    kept: watch::Sender<u64>,
}

impl Effects {
    pub(crate) fn new(patience: Duration, cluster: Option<Arc<Cluster>>) -> Self {
        Self {
            told: Told {
                ran: watch::Sender::new(0),
                kept: watch::Sender::new(0),
            },
            patience,
            again: Notify::new(),
            keep: Notify::new(),
            cluster,
        }
    }

    /// What the node says that runs them, if that is another one.
    async fn elsewhere(&self, about: cluster::Effects, position: u64) -> Option<bool> {
        let cluster = self.cluster.as_ref()?;
        cluster.of_owner(about, position, self.patience).await
    }

    /// Has the checkpoint written now; tells whether it has passed `position`, a bounded time later.
    pub(crate) async fn kept(&self, position: u64) -> bool {
        match self.elsewhere(cluster::Effects::Kept, position).await {
            Some(kept) => kept,
            None => self.kept_here(position).await,
        }
    }

    pub(crate) async fn kept_here(&self, position: u64) -> bool {
        if *self.told.kept.borrow() < position {
            self.keep.notify_one();
        }
        waited(&self.told.kept, position, self.patience).await
    }

    /// Has the parked homes tried now.
    pub(crate) async fn try_parked(&self) {
        let elsewhere = self.elsewhere(cluster::Effects::TryParked, 0);
        if elsewhere.await.is_none() {
            self.try_parked_here();
        }
    }

    pub(crate) fn try_parked_here(&self) {
        self.again.notify_one();
    }

    /// Waits until the effects of `position` have run, a bounded time; tells whether they have. Without
    /// patience it does not even look.
    pub async fn passed(&self, position: u64) -> bool {
        if self.patience.is_zero() {
            return false;
        }
        match self.elsewhere(cluster::Effects::Ran, position).await {
            Some(ran) => ran,
            None => self.passed_here(position).await,
        }
    }

    /// Waits until effects behind `position` have run here; tells up to where.
    pub(crate) async fn beyond(&self, position: u64) -> u64 {
        let mut ran = self.told.ran.subscribe();
        // It can only end with the node itself, which is borrowed here.
        let reached = ran.wait_for(|at| *at > position).await;
        reached.map_or(position, |at| *at)
    }

    pub(crate) async fn passed_here(&self, position: u64) -> bool {
        waited(&self.told.ran, position, self.patience).await
    }
}

async fn waited(number: &watch::Sender<u64>, position: u64, patience: Duration) -> bool {
    let mut number = number.subscribe();
    let reached = number.wait_for(|at| *at >= position);
    matches!(tokio::time::timeout(patience, reached).await, Ok(Ok(_)))
}

/// Waits, a bounded time, until what the commit at `position` causes is there for everybody concerned.
/// False while some of it is still to come: it takes longer, or it was refused and lies in a letter.
pub async fn settled(node: &Node, position: u64) -> bool {
    let ran = node.effects.passed(position).await;
    ran && matches!(letter::names(&node.store, position).await, Ok(false))
}

pub(crate) struct Runner {
    node: Arc<Node>,
    kinds: HashMap<&'static str, Kind>,
    /// Something ran that a start after a crash would have to run again.
    due: bool,
    rounds_since: u64,
    written_at: Instant,
    /// It runs what a crash left.
    recovering: bool,
    /// Homes behind an effect that takes a right away and is refused.
    parked: BTreeSet<Home>,
    parked_tried_at: Instant,
}

impl Runner {
    pub(crate) fn new(node: Arc<Node>, kinds: Vec<Kind>) -> Self {
        let kinds = kinds.into_iter().map(|kind| (kind.name, kind)).collect();
        Self {
            node,
            kinds,
            due: false,
            rounds_since: 0,
            written_at: Instant::now(),
            recovering: true,
            parked: BTreeSet::new(),
            parked_tried_at: Instant::now(),
        }
    }

    /// Runs what a crash left, then what the rounds bring, until the store closes.
    pub(crate) async fn run(mut self, start: u64, mut rounds: mpsc::Receiver<Arc<AppliedRound>>) {
        let mut tries = 0;
        while let Err(error) = self.catch_up().await {
            if is_closed(&error) {
                return;
            }
            if !passing(&error) {
                tracing::error!(code = %error.code, "effects of the last run can't be read; they wait for the next start");
                return;
            }
            tries += 1;
            tokio::time::sleep(pause(tries)).await;
        }
        self.recovering = false;
        self.reached(start).await;
        while let Some(round) = self.next(&mut rounds).await {
            let Some(last) = round.commits.last().map(|commit| commit.position) else {
                continue;
            };
            self.run_all(&round.commits).await;
            self.reached(last).await;
        }
    }

    /// The next round; meanwhile the checkpoint is written and parked homes are tried when it is time.
    async fn next(
        &mut self,
        rounds: &mut mpsc::Receiver<Arc<AppliedRound>>,
    ) -> Option<Arc<AppliedRound>> {
        loop {
            let checkpoint = self.written_at + Duration::from_millis(CHECKPOINT_MS);
            let parked = self.parked_tried_at + Duration::from_millis(PARKED_MS);
            let node = Arc::clone(&self.node);
            tokio::select! {
                round = rounds.recv() => return round,
                () = tokio::time::sleep_until(checkpoint), if self.due => self.write_checkpoint().await,
                () = tokio::time::sleep_until(parked), if !self.parked.is_empty() => {
                    self.try_parked().await;
                }
                () = node.effects.again.notified() => self.try_parked().await,
                () = node.effects.keep.notified() => self.write_checkpoint().await,
            }
        }
    }

    async fn catch_up(&mut self) -> Answer<()> {
        let store = &self.node.store;
        self.parked = letter::parked(store).await?;
        let mut from = checkpoint(store).await?;
        self.node.effects.told.kept.send_replace(from);
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
        self.node.effects.told.ran.send_if_modified(|at| {
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
        let ran = *self.node.effects.told.ran.borrow();
        let unwritten = self.node.cursors.unwritten_since();
        let position = unwritten.map_or(ran, |at| ran.min(at - 1));
        let written = retry(|| async {
            let mut t = self.node.store.transaction(&effects_home());
            t.read(&CHECKPOINT, &(), &()).await?;
            t.set(&CHECKPOINT, &(), &(), &position)?;
            t.commit().await?;
            let needed = self.node.exported.up_to(position);
            self.node.store.forget_rounds_before(needed).await
        })
        .await;
        // A checkpoint that is not written costs only work after a crash.
        match written {
            Ok(()) => _ = self.node.effects.told.kept.send_replace(position),
            Err(error) => tracing::warn!(%error, "the checkpoint of effects was not written"),
        }
        (self.due, self.rounds_since, self.written_at) = (position < ran, 0, Instant::now());
    }

    /// Runs the effects of some commits: one lane per target home, in order within a lane.
    async fn run_all(&mut self, commits: &[AppliedCommit]) {
        let mut lanes: BTreeMap<Home, Vec<Delivered>> = BTreeMap::new();
        self.due |= commits.iter().any(|commit| !commit.effects.is_empty());
        for effect in commits.iter().flat_map(effects_of) {
            let (effect, targets) = self.targets(effect);
            match targets {
                Ok(targets) => targets
                    .into_iter()
                    .for_each(|home| lanes.entry(home).or_default().push(effect.clone())),
                Err(error) => {
                    letter::set_aside(&self.node, &effect, None, &error).await;
                }
            }
        }
        let this = &*self;
        let newly: Vec<Option<Home>> = stream::iter(lanes)
            .map(|(home, effects)| this.run_lane(home, effects))
            .buffer_unordered(EFFECT_LANES)
            .collect()
            .await;
        self.parked.extend(newly.into_iter().flatten());
    }

    /// The homes an effect changes; of one that is replayed, the home where it was refused.
    fn targets(&self, effect: Delivered) -> (Delivered, Answer<Vec<Home>>) {
        let (effect, target) = letter::unwrap(effect);
        let targets = match (self.kind(&effect.kind), target) {
            (Some(_), Some(home)) => Ok(vec![home]),
            (Some(kind), None) => (kind.targets)(&effect),
            (None, _) => {
                Err(StoreError::Corrupt(format!("no effect is called {}", effect.kind)).into())
            }
        };
        (effect, targets)
    }

    fn kind(&self, name: &str) -> Option<&Kind> {
        match name.strip_prefix(TIMER_EFFECT) {
            Some(timer) => {
                let word = timer.split(':').next().unwrap_or_default();
                self.kinds.get(format!("{TIMER_EFFECT}{word}").as_str())
            }
            None => self.kinds.get(name),
        }
    }

    /// Runs a lane in order. Gives its home if that is parked now: what is left of the lane waits in rows.
    async fn run_lane(&self, home: Home, effects: Vec<Delivered>) -> Option<Home> {
        let mut parked = self.parked.contains(&home);
        for effect in effects {
            if parked {
                letter::park(&self.node, &effect, &home, "waits_behind_another").await;
            } else {
                parked = self.run_until_done(&effect, &home).await;
            }
        }
        parked.then_some(home)
    }

    /// True if the effect could not be done and its home is parked.
    async fn run_until_done(&self, effect: &Delivered, home: &Home) -> bool {
        let Some(kind) = self.kind(&effect.kind) else {
            return false;
        };
        let mut refusals = 0;
        let mut tries = 0;
        while let Err(error) = self.run_once(kind, effect, home).await {
            tries += 1;
            refusals += u32::from(!passing(&error));
            if is_closed(&error) {
                return false;
            }
            if refusals >= TRIES && !kind.takes_a_right {
                letter::set_aside(&self.node, effect, Some(home), &error).await;
                return false;
            }
            // With this many homes parked something is wrong with all of them: go no further.
            if refusals >= TRIES && self.parked.len() < PARKED_HOMES {
                letter::park(&self.node, effect, home, &error.code).await;
                return true;
            }
            tracing::warn!(kind = kind.name, code = %error.code, tries, "an effect is tried again");
            tokio::time::sleep(pause(tries)).await;
        }
        false
    }

    async fn run_once(&self, kind: &Kind, effect: &Delivered, home: &Home) -> Answer<()> {
        // Set aside before a crash: it is for the administrator to run it again.
        if self.recovering && letter::is_set_aside(&self.node, effect, home).await? {
            return Ok(());
        }
        (kind.run)(Arc::clone(&self.node), effect.clone(), home.clone()).await
    }

    /// Tries what is parked once, in order; a home whose first effect is refused again stays parked.
    async fn try_parked(&mut self) {
        self.parked_tried_at = Instant::now();
        let mut left = BTreeSet::new();
        let mut after: Option<letter::Key> = None;
        loop {
            // Whatever could not be looked at stays parked.
            let Ok(page) = letter::page(&self.node.store, after.as_ref(), letter::PAGE).await
            else {
                return;
            };
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (key, letter) in page.iter().filter(|(_, letter)| letter.is_parked()) {
                let home = Home::parse(&key.2);
                let free = !left.contains(&home);
                if !free || !self.unpark(key, &letter.effect(key), &home).await {
                    left.insert(home);
                }
            }
        }
        self.parked = left;
    }

    /// Runs a parked effect once; true if it is done and its letter gone.
    async fn unpark(&self, key: &letter::Key, effect: &Delivered, home: &Home) -> bool {
        let Some(kind) = self.kind(&effect.kind) else {
            return false;
        };
        let ran = self.run_once(kind, effect, home).await;
        if let Err(error) = &ran {
            tracing::error!(kind = %effect.kind, code = %error.code, %home, "a home stays parked");
        }
        ran.is_ok() && letter::remove(&self.node.store, key).await.is_ok()
    }
}

fn is_closed(error: &ApiError) -> bool {
    error.code == "store_closed"
}

pub(crate) fn effects_of(commit: &AppliedCommit) -> impl Iterator<Item = Delivered> {
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
