//! The last stage: makes durable rounds visible, a round after the other, hands them to the receivers, and
//! answers in order.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::Shared;
use super::decider::Decided;
use super::known::Known;
use crate::contract::{AppliedCommit, AppliedRound};
use crate::engine::cql::rules::{Rule, holds};
use crate::engine::{Engine, Round};
use crate::reserved;

/// Longest pause between two tries to apply a durable round.
const PAUSE_MAX_MS: u64 = 1_000;

/// Answers of a round, all of them in their order.
pub(super) struct Turn {
    pub(super) decided: Vec<Decided>,
    /// What must be visible before.
    pub(super) durable: Option<Durable>,
}

/// A durable round.
pub(super) struct Durable {
    pub(super) round: Round,
    pub(super) commits: Vec<AppliedCommit>,
    pub(super) began: Instant,
}

/// See the module.
pub(super) struct Applier {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) known: Arc<Known>,
    pub(super) shared: Arc<Shared>,
    /// Counts rounds that set or took away a timer.
    pub(super) timers: watch::Sender<u64>,
    pub(super) turns: mpsc::Receiver<Turn>,
}

impl Applier {
    /// Runs until the second stage has ended and all is answered.
    pub(super) async fn run(mut self) {
        while let Some(Turn { decided, durable }) = self.turns.recv().await {
            let shown = match durable {
                Some(durable) => Some(self.show(durable).await),
                None => None,
            };
            let commits = decided.len();
            for (request, result) in decided {
                drop(request.permits);
                let _ = request.answer.send(result);
            }
            if let Some(round) = shown {
                self.engine.shown(&round).await;
            }
            self.known.answered(commits);
        }
    }

    /// Makes a round visible.
    async fn show(&self, durable: Durable) -> Round {
        let Durable {
            round,
            commits,
            began,
        } = durable;
        if holds(Rule::ApplyBeforeAnswer) {
            self.apply(&round).await;
        }
        let figures = &self.shared.figures;
        figures.round(began.elapsed(), round.last + 1 - round.first);
        self.shared.show(round.last);
        self.known.shows(round.last);
        let timers = reserved::timers_home();
        if round.rows.iter().any(|row| row.home == timers) {
            self.timers.send_modify(|rounds| *rounds += 1);
        }
        self.hand_out(round.first, commits).await;
        round
    }

    /// It is durable: it cannot be given up, and nothing may be answered before it is visible.
    async fn apply(&self, round: &Round) {
        let mut pause_ms = 1;
        while let Err(error) = self.engine.apply(round).await {
            tracing::error!(first = round.first, %error, "a durable round cannot be applied yet");
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            pause_ms = (pause_ms * 2).min(PAUSE_MAX_MS);
        }
    }

    /// Waits until every receiver has room; a receiver that is gone is forgotten.
    async fn hand_out(&self, first: u64, commits: Vec<AppliedCommit>) {
        let senders = self.shared.receivers().clone();
        if senders.is_empty() {
            return;
        }
        let round = Arc::new(AppliedRound { first, commits });
        for sender in senders {
            if sender.send(Arc::clone(&round)).await.is_err() {
                self.shared.receivers().retain(|known| !known.is_closed());
            }
        }
    }
}
