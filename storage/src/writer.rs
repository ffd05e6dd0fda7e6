//! The one writer: gather waiting commits, fetch the rows they name, evaluate them in order, persist the
//! round at once, apply, hand it to the receivers, answer in order. The same code for every engine.
//!
//! Three stages that run beside each other: while a round becomes visible the next one is made durable, and
//! the rows of the one after that are fetched. One round at a time is made durable, and one becomes visible.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};

use crate::commit::Commit;
use crate::contract::{AppliedRound, Committed, StoreError};
use crate::engine::{AttemptId, Engine};
use crate::figures::Figures;
use crate::limits::Limits;
use crate::store::Clock;

mod applier;
mod attempts;
mod decider;
mod intake;
mod kept;
mod known;

use applier::Applier;
use attempts::Attempts;
use decider::Decider;
use intake::Intake;
use known::Known;

/// A commit on its way to the writer.
pub(crate) struct Request {
    pub(crate) commit: Arc<Commit>,
    pub(crate) attempt: AttemptId,
    pub(crate) sending: Sending,
    /// The newest position when the attempt was made.
    pub(crate) seen: u64,
    pub(crate) answer: oneshot::Sender<Result<Committed, StoreError>>,
    /// Its share of the queue's bytes, and its place in it; until it is answered.
    pub(crate) permits: [OwnedSemaphorePermit; 2],
}

/// One sending of a commit. Several of one attempt may be under way, to several writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sending {
    /// From 1.
    pub(crate) number: u32,
    /// The term of the writer it was sent to; it runs under no other.
    #[serde(with = "crate::travel::term")]
    pub(crate) term: u128,
}

/// What the writer is told.
pub(crate) enum Message {
    Commit(Request),
    Close(oneshot::Sender<()>),
}

/// Receivers of applied rounds.
pub(crate) type Receivers = Mutex<Vec<mpsc::Sender<Arc<AppliedRound>>>>;

/// What the writer and the readers share.
pub(crate) struct Shared {
    pub(crate) last_position: AtomicU64,
    pub(crate) receivers: Receivers,
    pub(crate) figures: Figures,
    /// Counts rounds that set or took away a timer; of the writer of now.
    pub(crate) timers: Mutex<watch::Receiver<u64>>,
}

/// The writer of a store.
pub(crate) struct Writer {
    pub(crate) engine: Arc<dyn Engine>,
    shared: Arc<Shared>,
    intake: Intake,
    decider: Decider,
    applier: Applier,
}

impl Writer {
    /// A writer that goes on where its engine stands, and the queue to it.
    pub(crate) fn new(
        engine: Arc<dyn Engine>,
        limits: Limits,
        clock: Clock,
        shared: Arc<Shared>,
    ) -> (Self, mpsc::Sender<Message>) {
        let opened = engine.opened();
        let (queue, waiting) = mpsc::channel(limits.queue_commits);
        let (to_decide, fetched) = mpsc::channel(limits.round_commits);
        // One more is being applied, and one has just become durable.
        let waiting_rounds = limits.rounds_unapplied.saturating_sub(2).max(1);
        let (to_apply, turns) = mpsc::channel(waiting_rounds);
        let timers = watch::Sender::new(0);
        shared.begin(opened.last_position, timers.subscribe());
        // The engine gives all attempts behind a position, so only older ones may be forgotten.
        let oldest = opened.attempts.first().map(|oldest| oldest.position - 1);
        let mut attempts = Attempts::new(limits.attempts, oldest.unwrap_or(opened.last_position));
        attempts.add(opened.attempts);
        let known = Arc::new(Known::new(&limits, opened.last_position));
        let intake = Intake {
            engine: Arc::clone(&engine),
            limits: limits.clone(),
            known: Arc::clone(&known),
            queue: waiting,
            fetched: to_decide,
        };
        let decider = Decider {
            engine: Arc::clone(&engine),
            limits,
            clock,
            known: Arc::clone(&known),
            figures: shared.figures.clone(),
            fetched,
            turns: to_apply,
            attempts,
            last: opened.last_position,
            last_time_ms: opened.last_time_ms,
            stuck: false,
            carried: None,
        };
        let applier = Applier {
            engine: Arc::clone(&engine),
            known,
            shared: Arc::clone(&shared),
            timers,
            turns,
        };
        let writer = Self {
            engine,
            shared,
            intake,
            decider,
            applier,
        };
        (writer, queue)
    }

    /// Runs until the store is closed or nobody holds it any more.
    pub(crate) async fn run(self) {
        let stages = (self.intake.run(), self.decider.run(), self.applier.run());
        let (ended, (), ()) = futures_util::future::join3(stages.0, stages.1, stages.2).await;
        self.shared.receivers().clear();
        self.engine.close().await;
        if let Some(closed) = ended.closing {
            let _ = closed.send(());
        }
    }
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            last_position: AtomicU64::new(0),
            receivers: Mutex::default(),
            figures: Figures::default(),
            timers: Mutex::new(watch::channel(0).1),
        }
    }

    /// A writer begins behind `position`.
    fn begin(&self, position: u64, timers: watch::Receiver<u64>) {
        self.last_position.store(position, Ordering::Release);
        *self.timers.lock().unwrap_or_else(PoisonError::into_inner) = timers;
    }

    /// Every reader sees the commits up to `position`.
    fn show(&self, position: u64) {
        self.last_position.store(position, Ordering::Release);
    }

    /// Every round applied after this call.
    pub(crate) fn subscribe(&self, capacity: usize) -> mpsc::Receiver<Arc<AppliedRound>> {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        self.receivers().push(sender);
        receiver
    }

    pub(crate) fn receivers(
        &self,
    ) -> std::sync::MutexGuard<'_, Vec<mpsc::Sender<Arc<AppliedRound>>>> {
        self.receivers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
