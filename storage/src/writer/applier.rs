//! The last stage: makes durable rounds visible, all that wait at once, hands them to the receivers, and answers in
//! order.

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
        while let Some(first) = self.turns.recv().await {
            // What became durable meanwhile is made visible with one write a row.
            let mut turns = vec![first];
            while let Ok(turn) = self.turns.try_recv() {
                turns.push(turn);
            }
            self.take(turns).await;
        }
    }

    /// Makes the rounds of some turns visible, and gives the answers of all.
    async fn take(&self, turns: Vec<Turn>) {
        let (mut rounds, mut rest) = (Vec::new(), Vec::with_capacity(turns.len()));
        for Turn { decided, durable } in turns {
            let told = durable.map(|durable| {
                let first = durable.round.first;
                rounds.push(durable.round);
                (first, durable.commits, durable.began)
            });
            rest.push((decided, told));
        }
        if !rounds.is_empty() {
            self.show(&rounds).await;
        }
        let mut answered = 0;
        for (decided, told) in rest {
            if let Some((first, commits, began)) = told {
                let figures = &self.shared.figures;
                figures.round(began.elapsed(), commits.len() as u64);
                self.hand_out(first, commits).await;
            }
            answered += decided.len();
            for (request, result) in decided {
                drop(request.permits);
                let _ = request.answer.send(result);
            }
        }
        self.engine.shown(&rounds).await;
        self.known.answered(answered);
    }

    /// Makes rounds visible.
    async fn show(&self, rounds: &[Round]) {
        if holds(Rule::ApplyBeforeAnswer) {
            self.apply(rounds).await;
        }
        let last = rounds.last().map_or(0, |round| round.last);
        self.shared.show(last);
        self.known.shows(last);
        let timers = reserved::timers_home();
        let mut rows = rounds.iter().flat_map(|round| &round.rows);
        if rows.any(|row| row.home == timers) {
            self.timers.send_modify(|rounds| *rounds += 1);
        }
    }

    /// They are durable: they cannot be given up, and nothing may be answered before they are visible.
    async fn apply(&self, rounds: &[Round]) {
        let mut pause_ms = 1;
        while let Err(error) = self.engine.apply(rounds).await {
            let first = rounds.first().map_or(0, |round| round.first);
            tracing::error!(first, %error, "a durable round cannot be applied yet");
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
