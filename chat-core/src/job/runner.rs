//! Fires timers and runs jobs: a bounded number at a time, beside everything else. The commit that takes a
//! job up moves its timer to the end of a lease, so a job whose server died is due again; while it runs the
//! lease is renewed, and a cancelled job is noticed by that.
//!
//! Timers go by the wall clock, which may jump. A lease or a pause is a length of time, so its timer says when
//! it was set: once the clock was set back, what remains of it is counted anew from now ([`Runner::recount`]).
//! Set forward, the clock ends leases early, but a job that runs here is not taken up a second time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use storage::{Home, Race, Timer, Transaction, Value};
use tokio::sync::watch;
use tokio::task::{self, JoinError, JoinSet};

use super::{
    Fate, GAVE_UP, JOB, Job, Kind, Next, Place, Row, Step, TIMER, jobs_home, key_of, no_such_kind,
    timed_out, timer_of, wait_until, waits_since,
};
use crate::api::Answer;
use crate::effect::{passing, pause};
use crate::limits::{
    JOB_LEASE_MS, JOB_RENEW_MS, JOB_STEP_MS, JOBS_AT_ONCE, TIMERS_AT_ONCE, TIMERS_LOOK_MS,
};
use crate::node::Node;

/// Fires timers and runs jobs.
pub(crate) struct Runner {
    node: Arc<Node>,
    kinds: Arc<HashMap<&'static str, Kind>>,
    running: JoinSet<()>,
    /// Home and name of the timer of what runs.
    leased: HashMap<task::Id, (Home, String)>,
    /// What the wall clock showed at the last look; before the first one, the time of the newest commit.
    seen_ms: Option<i64>,
}

impl Runner {
    pub(crate) fn new(node: Arc<Node>, kinds: Vec<Kind>) -> Self {
        let kinds = kinds.into_iter().map(|kind| (kind.name, kind)).collect();
        Self {
            node,
            kinds: Arc::new(kinds),
            running: JoinSet::new(),
            leased: HashMap::new(),
            seen_ms: None,
        }
    }

    /// Runs until the store closes. Jobs that run then are cut off; they are due again after their lease.
    pub(crate) async fn run(mut self) {
        let mut changes = self.node.store.timer_changes();
        let mut fails = 0;
        loop {
            changes.mark_unchanged();
            let wait = match self.fire_due().await {
                Ok(wait) => {
                    fails = 0;
                    wait
                }
                Err(error) if error.code == "store_closed" => return,
                Err(error) => {
                    fails += 1;
                    tracing::warn!(code = %error.code, "timers could not be fired");
                    Some(pause(fails))
                }
            };
            if !self.wait(&mut changes, wait).await {
                return;
            }
        }
    }

    /// Waits for a change of timers, the end of a job, or `wait`; false when the store is closed.
    async fn wait(&mut self, changes: &mut watch::Receiver<u64>, wait: Option<Duration>) -> bool {
        let time = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = changes.changed() => changed.is_ok(),
            Some(ended) = self.running.join_next_with_id() => {
                self.ended(ended);
                true
            }
            () = time => true,
        }
    }

    fn ended(&mut self, ended: Result<(task::Id, ()), JoinError>) {
        let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
        self.leased.remove(&id);
    }

    /// Fires every timer that is due; tells how long until there may be another one. The wall clock may
    /// jump, so it is never long.
    async fn fire_due(&mut self) -> Answer<Option<Duration>> {
        let store = self.node.store.clone();
        let now_ms = self.node.clock.now_ms();
        let seen_ms = match self.seen_ms {
            Some(seen_ms) => seen_ms,
            // A commit of nothing tells the time of the newest one, which no clock sets back.
            None => store.transaction(&jobs_home()).commit().await?.time_ms,
        };
        if now_ms.saturating_add(TIMERS_LOOK_MS.cast_signed()) < seen_ms {
            tracing::warn!(now_ms, seen_ms, "the clock was set back");
            self.recount(now_ms).await?;
        }
        self.seen_ms = Some(now_ms);
        let mut after: Option<Timer> = None;
        loop {
            let due = store
                .due_timers_after(now_ms, after.as_ref(), TIMERS_AT_ONCE)
                .await?;
            let Some(last) = due.last() else { break };
            after = Some(last.clone());
            for timer in due {
                while let Some(ended) = self.running.try_join_next_with_id() {
                    self.ended(ended);
                }
                if !timer.name.starts_with(TIMER) {
                    store.fire(&timer).await?;
                } else if self.running.len() < JOBS_AT_ONCE && !self.runs(&timer) {
                    self.take_up(timer).await?;
                }
            }
        }
        let next = store.next_timer().await?;
        Ok(next.map(|at_ms| {
            let ms = u64::try_from(at_ms.saturating_sub(now_ms)).unwrap_or(0);
            // One that is due already waits for a job to end.
            let ms = if ms == 0 { TIMERS_LOOK_MS } else { ms };
            Duration::from_millis(ms.min(TIMERS_LOOK_MS))
        }))
    }

    fn runs(&self, timer: &Timer) -> bool {
        let mut leased = self.leased.values();
        leased.any(|(home, name)| (home, name) == (&timer.home, &timer.name))
    }

    /// After the clock was set back: leases and pauses that were set at what is a later time now end as long
    /// after now as they were to last. What runs renews its own lease.
    async fn recount(&self, now_ms: i64) -> Answer<()> {
        let store = &self.node.store;
        let mut after: Option<Timer> = None;
        loop {
            let page = store.due_timers_after(i64::MAX, after.as_ref(), TIMERS_AT_ONCE);
            let page = page.await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.clone());
            for timer in page {
                let Some(since_ms) = waits_since(&timer).filter(|since_ms| *since_ms > now_ms)
                else {
                    continue;
                };
                if self.runs(&timer) {
                    continue;
                }
                let mut t = store.transaction(&timer.home);
                t.take_timer(&timer);
                let lasts_ms = timer.at_ms.saturating_sub(since_ms);
                wait_until(&mut t, &timer.name, now_ms, now_ms.saturating_add(lasts_ms));
                match t.commit().await {
                    Err(error) if !error.lost_race() => return Err(error.into()),
                    _ => {}
                }
            }
        }
    }

    async fn take_up(&mut self, timer: Timer) -> Answer<()> {
        let id = timer.name[TIMER.len()..].to_owned();
        let row = self.node.store.read(&timer.home, &JOB, &(), &id).await?;
        let Some(row) = row else {
            return Ok(());
        };
        let node = Arc::clone(&self.node);
        let Some(lease) = Lease::take(&node, timer).await? else {
            return Ok(());
        };
        let kinds = Arc::clone(&self.kinds);
        let of = (lease.0.home.clone(), lease.0.name.clone());
        let task = self.running.spawn(async move {
            let kind = kinds.get(row.kind.as_str());
            work(node, kind, lease, id, row).await;
        });
        self.leased.insert(task.id(), of);
        Ok(())
    }
}

/// A job's timer while the job runs here.
struct Lease(Timer);

impl Lease {
    /// Nothing if the timer was cancelled or moved.
    async fn take(node: &Node, mut timer: Timer) -> Answer<Option<Self>> {
        let mut t = node.store.transaction(&timer.home);
        t.take_timer(&timer);
        let now_ms = node.clock.now_ms();
        timer.at_ms = now_ms.saturating_add(JOB_LEASE_MS);
        wait_until(&mut t, &timer.name, now_ms, timer.at_ms);
        match t.commit().await {
            Ok(done) => {
                timer.version = done.position;
                Ok(Some(Self(timer)))
            }
            Err(error) if error.lost_race() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

async fn work(node: Arc<Node>, kind: Option<&Kind>, mut lease: Lease, id: String, row: Row) {
    let job = Job {
        home: lease.0.home.clone(),
        id: id.clone(),
        key: key_of(&node, &row),
        progress: row.progress.clone(),
        payload: row.payload.clone(),
    };
    let step = async {
        let Some(kind) = kind else {
            return Err(no_such_kind());
        };
        let limit = Duration::from_millis(JOB_STEP_MS);
        tokio::time::timeout(limit, (kind.run)(Arc::clone(&node), job))
            .await
            .unwrap_or_else(|_| Err(timed_out()))
    };
    let mut step = std::pin::pin!(step);
    let outcome = loop {
        let renewal = tokio::time::sleep(Duration::from_millis(JOB_RENEW_MS));
        tokio::select! {
            outcome = &mut step => break outcome,
            () = renewal => match Lease::take(&node, lease.0.clone()).await {
                Ok(Some(renewed)) => lease = renewed,
                // It was cancelled.
                Ok(None) => return,
                // The next renewal may still come in time; if not, the outcome is refused.
                Err(error) => tracing::warn!(code = %error.code, "a lease was not renewed"),
            },
        }
    };
    settle(&node, &lease.0, &id, row, outcome).await;
}

/// Writes what a step did, unless the job was cancelled meanwhile.
async fn settle(node: &Node, lease: &Timer, id: &str, row: Row, mut outcome: Answer<Step>) {
    let mut tries = 0;
    while tries < SETTLE_TRIES {
        let error = match write(node, lease, id, &row, &outcome).await {
            Ok(()) => return,
            Err(error) => error,
        };
        // Cancelled, or taken up again after the lease: then this outcome counts for nothing.
        if error.lost_race() {
            return;
        }
        tries += 1;
        if passing(&error) {
            tokio::time::sleep(pause(tries)).await;
        } else {
            // What the step wants is more than a commit takes.
            outcome = Err(error);
        }
    }
    tracing::warn!("the outcome of a job's step was not written; it runs again after its lease");
}

async fn write(
    node: &Node,
    lease: &Timer,
    id: &str,
    row: &Row,
    outcome: &Answer<Step>,
) -> Answer<()> {
    let mut t = node.store.transaction(&lease.home);
    t.take_timer(lease);
    settled(&mut t, node, id, row.clone(), outcome)?;
    t.commit().await?;
    Ok(())
}

/// Tries to write an outcome: together less than a lease.
const SETTLE_TRIES: u32 = 8;

fn settled(
    t: &mut Transaction,
    node: &Node,
    id: &str,
    mut row: Row,
    outcome: &Answer<Step>,
) -> Answer<()> {
    let now_ms = node.clock.now_ms();
    let next = match outcome {
        Ok(step) => {
            for (kind, payload) in &step.effects {
                t.effect(kind, payload.clone());
            }
            row.well();
            row.progress = step.progress.clone();
            match step.next {
                Next::In(ms) => Some(now_ms.saturating_add(ms)),
                Next::Done => {
                    t.delete(JOB.at(&(), &id.to_owned()));
                    return Ok(());
                }
            }
        }
        Err(error) => match row.failed(error, now_ms) {
            Fate::Again(at_ms) => Some(at_ms),
            Fate::GivesUp => {
                tracing::error!(kind = %row.kind, code = %error.code, "a job gave up");
                let place = Place {
                    home: t.home().as_str().to_owned(),
                    id: id.to_owned(),
                    kind: row.kind.clone(),
                    code: error.code.clone(),
                };
                t.effect(GAVE_UP, Value::encode(&place)?);
                None
            }
        },
    };
    t.set(&JOB, &(), &id.to_owned(), &row)?;
    if let Some(at_ms) = next {
        wait_until(t, &timer_of(id), now_ms, at_ms);
    }
    Ok(())
}
