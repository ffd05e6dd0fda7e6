//! Jobs: work that may take long or fail for a while (push, mail, import, export, fan-out to many). A job
//! is a row with a timer in the home that causes it; it is begun, cancelled and looked at there.
//!
//! A job runs in steps, at least once each. A step's progress, the effects it causes and the time of the
//! next one are a single commit, so what a step does inside the store happens exactly once: fan-out beyond
//! 500 is a job whose steps emit effects for the next 500. Towards outside parties every step carries the
//! same [`Job::key`]. A refused step is tried again with back-off; in the end the job gives up and becomes
//! a letter for the administrator ([`crate::effect::letter`]).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use storage::{Home, Later, Store, StoreError, Table, Timer, Transaction, Value, retry};

use crate::api::{Answer, ApiError, Class};
use crate::effect::letter::{self, Letter, What};
use crate::effect::{Delivered, effects_home, passing, stamp};
use crate::ids::Id;
use crate::limits::{JOB_FAILS_MS, JOB_ID_BYTES, JOB_PAUSE_MAX_MS, JOB_PAUSE_MS};
use crate::node::Node;
use crate::secret::mac;
use crate::tables;

mod runner;
#[cfg(test)]
mod tests;

pub(crate) use runner::Runner;

// ---- types

/// A kind of job.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Its name in rows.
    pub name: &'static str,
    /// Runs one step.
    pub run: fn(Arc<Node>, Job) -> Running,
}

/// What running a step gives.
pub type Running = Pin<Box<dyn Future<Output = Answer<Step>> + Send>>;

/// A job to begin.
pub struct NewJob<'a, T> {
    /// Names it in its home, 1 to 100 bytes.
    pub id: &'a str,
    /// What to do.
    pub kind: &'static str,
    /// What the kind needs to know, 60 KiB at most with its progress.
    pub payload: &'a T,
    /// When to begin, in ms since the epoch.
    pub at_ms: i64,
    /// Which job of its commit it is, from 0: a part of its key.
    pub ordinal: u32,
}

/// A step of a job that is to run.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its home.
    pub home: Home,
    /// Its name there.
    pub id: String,
    /// Names it towards outside parties: `store:journal:position:ordinal`, the same for ever.
    pub key: String,
    /// How far it is.
    pub progress: Progress,
    payload: Bytes,
}

impl Job {
    /// What it was begun with.
    ///
    /// # Errors
    /// A payload of another form.
    pub fn payload<T: DeserializeOwned>(&self) -> Answer<T> {
        rmp_serde::from_slice(&self.payload)
            .map_err(|error| StoreError::Corrupt(format!("job {}: {error}", self.id)).into())
    }
}

/// How far a job is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Things done.
    pub done: u64,
    /// Things in all, once that is known.
    pub total: Option<u64>,
    /// Where the next step goes on; the kind's own.
    pub at: Bytes,
}

/// What a step did.
pub struct Step {
    /// How far the job is now.
    pub progress: Progress,
    /// What the step causes in other homes: kinds and payloads, 256 KiB in all.
    pub effects: Vec<(&'static str, Value)>,
    /// What comes then.
    pub next: Next,
}

/// What comes after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: the job is done.
    Done,
    /// Another step, so many ms later.
    In(i64),
}

/// A job as it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// What it does.
    pub kind: String,
    /// How far it is.
    pub progress: Progress,
    /// How often its present step failed.
    pub fails: u32,
    /// Why it gave up, as a code.
    pub gave_up: Option<String>,
}

/// What stands in the row of a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    kind: String,
    payload: Bytes,
    /// Of the commit that began it.
    position: Later,
    ordinal: u32,
    progress: Progress,
    /// Of the present step.
    fails: u32,
    refusals: u32,
    failing_since: Option<i64>,
    gave_up: Option<String>,
}

// ---- rules

/// Refusals of a step after which the job gives up.
const TRIES: u32 = 5;

/// What becomes of a job whose step failed.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// It is tried again then, in ms since the epoch.
    Again(i64),
    /// It gives up.
    GivesUp,
}

impl Row {
    /// Counts a failure.
    fn failed(&mut self, error: &ApiError, now_ms: i64) -> Fate {
        self.fails = self.fails.saturating_add(1);
        self.refusals += u32::from(!passing(error));
        // The clock may have been set back.
        let since = self.failing_since.map_or(now_ms, |since| since.min(now_ms));
        self.failing_since = Some(since);
        if self.refusals >= TRIES || now_ms.saturating_sub(since) > JOB_FAILS_MS {
            self.gave_up = Some(error.code.clone());
            return Fate::GivesUp;
        }
        let doubled = JOB_PAUSE_MS << (self.fails - 1).min(20);
        let asked = error.retry_after_ms.unwrap_or(0);
        Fate::Again(now_ms.saturating_add(doubled.max(asked).min(JOB_PAUSE_MAX_MS)))
    }

    /// Counts a step that went well, or a new beginning.
    fn well(&mut self) {
        (self.fails, self.refusals) = (0, 0);
        (self.failing_since, self.gave_up) = (None, None);
    }
}

// ---- rows

/// Any home: id of the job → its row.
const JOB: Table<(), String, Row> = Table::new(tables::JOB, "job");

/// Word that the timers of jobs begin with.
const TIMER: &str = "job:";

/// Home of the jobs that belong to no other home.
pub fn jobs_home() -> Home {
    Home::new("jobs", "main")
}

fn timer_of(id: &str) -> String {
    format!("{TIMER}{id}")
}

/// Sets the timer of a job to the end of a wait that begins now: see [`waits_since`].
fn wait_until(t: &mut Transaction, timer: &str, now_ms: i64, at_ms: i64) {
    let since = now_ms.to_be_bytes().to_vec();
    t.at_time(at_ms, timer, Value::bytes(since));
}

/// When the wait of a job's timer began, in ms since the epoch. Nothing for the timer of a job that was begun
/// for a time of the wall clock, and for timers of others.
fn waits_since(timer: &Timer) -> Option<i64> {
    let since = timer.payload.as_ref().try_into().ok()?;
    timer
        .name
        .starts_with(TIMER)
        .then(|| i64::from_be_bytes(since))
}

/// Begins a job in the commit of `t`, in whose home it lives. The commit loses its race if a job of that
/// id is there already.
///
/// # Errors
/// `invalid` for an id of another length; a payload that can't be written.
pub fn begin<T: Serialize>(t: &mut Transaction, new: &NewJob<'_, T>) -> Answer<()> {
    if new.id.is_empty() || new.id.len() > JOB_ID_BYTES {
        let zh = "任务编号应为 1 到 100 字节";
        let en = "The id of a job has 1 to 100 bytes";
        return Err(ApiError::invalid("id", "job_id_length", zh, en));
    }
    let payload = rmp_serde::to_vec_named(new.payload)
        .map_err(|error| StoreError::Corrupt(format!("job {}: {error}", new.id)))?;
    let row = Row {
        kind: new.kind.to_owned(),
        payload: payload.into(),
        position: Later::Position,
        ordinal: new.ordinal,
        progress: Progress::default(),
        fails: 0,
        refusals: 0,
        failing_since: None,
        gave_up: None,
    };
    let at = JOB.at(&(), &new.id.to_owned());
    t.expect_absent(at.clone());
    t.put(at, Value::fill(&row)?);
    t.at_time(new.at_ms, &timer_of(new.id), Value::bytes(Bytes::new()));
    Ok(())
}

/// Cancels a job in the commit of `t`; cancelling an absent one is no error. A step that runs is cut off,
/// and what it did is not noted.
pub fn cancel(t: &mut Transaction, id: &str) {
    t.delete(JOB.at(&(), &id.to_owned()));
    t.cancel(&timer_of(id));
}

/// The job, until it is done or cancelled.
///
/// # Errors
/// What the store answers.
pub async fn look(store: &Store, home: &Home, id: &str) -> Answer<Option<Look>> {
    let row = store.read(home, &JOB, &(), &id.to_owned()).await?;
    Ok(row.map(|row| Look {
        kind: row.kind,
        progress: row.progress,
        fails: row.fails,
        gave_up: row.gave_up,
    }))
}

/// How many jobs run or wait, in any home, counted up to `most`.
///
/// # Errors
/// What the store answers.
pub async fn waiting(store: &Store, most: usize) -> Answer<u64> {
    let timers = store.due_timers(i64::MAX, most).await?;
    let jobs = timers.iter().filter(|timer| timer.name.starts_with(TIMER));
    Ok(jobs.count() as u64)
}

/// Names a job towards outside parties. A restored store keeps its name; the journal is the only one.
fn key_of(node: &Node, row: &Row) -> String {
    let store = Id::derived("store", &[&mac(&node.secret, &[b"store"])]);
    let position = row.position.known().unwrap_or_default();
    format!("{store}:main:{position}:{}", row.ordinal)
}

// ---- giving up

/// Kind of the effect that makes a job's letter.
const GAVE_UP: &str = "job.gave_up";
/// Kind of the effect that runs a job again which gave up.
pub(crate) const AGAIN: &str = "job.again";

/// Where a job is.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    home: String,
    id: String,
    kind: String,
    code: String,
}

/// The kinds of effects of jobs.
pub fn effects() -> [crate::effect::Kind; 2] {
    [
        crate::effect::Kind {
            name: GAVE_UP,
            targets: |_| Ok(vec![effects_home()]),
            run: |node, effect, _| Box::pin(async move { note(&node, &effect).await }),
            takes_a_right: false,
        },
        crate::effect::Kind {
            name: AGAIN,
            targets: |effect| Ok(vec![Home::parse(&effect.payload::<Place>()?.home)]),
            run: |node, effect, home| Box::pin(async move { again(&node, &effect, &home).await }),
            takes_a_right: false,
        },
    ]
}

async fn note(node: &Node, effect: &Delivered) -> Answer<()> {
    let place: Place = effect.payload()?;
    let letter = Letter {
        what: What::Job,
        kind: place.kind,
        code: place.code,
        at: node.clock.now_ms(),
        time_ms: effect.time_ms,
        payload: effect.raw(),
    };
    let mut t = node.store.transaction(&effects_home());
    stamp(&mut t, effect);
    letter::put(&mut t, effect, Some(&Home::parse(&place.home)), &letter)?;
    t.commit().await?;
    Ok(())
}

async fn again(node: &Node, effect: &Delivered, home: &Home) -> Answer<()> {
    let id = effect.payload::<Place>()?.id;
    retry(|| async {
        let mut t = node.store.transaction(home);
        stamp(&mut t, effect);
        // It may have been cancelled, or run again already.
        if let Some(mut row) = t.read(&JOB, &(), &id).await?
            && row.gave_up.is_some()
        {
            row.well();
            t.set(&JOB, &(), &id, &row)?;
            let now_ms = node.clock.now_ms();
            wait_until(&mut t, &timer_of(&id), now_ms, now_ms);
        }
        t.commit().await?;
        Ok(())
    })
    .await
}

fn timed_out() -> ApiError {
    ApiError::new(
        Class::Unavailable,
        "timed_out",
        "任务超时",
        "A step of the job took too long",
    )
}

fn no_such_kind() -> ApiError {
    ApiError::new(
        Class::Internal,
        "no_such_job",
        "未知的任务类型",
        "No job is of this kind",
    )
}
