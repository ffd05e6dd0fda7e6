//! What was said to clients during a run, to be held against what the store has in the end.

use std::collections::{BTreeMap, BTreeSet};

use chat_core::ids::ConversationId;
use serde::Serialize;
use storage::engine::faulty::Injected;

/// A message that somebody wrote.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) who: usize,
    pub(crate) chat: ConversationId,
    pub(crate) text: String,
    /// The turn of its first sending.
    pub(crate) sent: Option<u64>,
    /// The turn of its acknowledgement, its number and its count.
    pub(crate) acknowledged: Option<(u64, u64, u64)>,
    /// An answer was lost or unknown: it may be there.
    pub(crate) unsure: bool,
    /// Given up after a refusal.
    pub(crate) given_up: Option<String>,
}

/// How much happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Stats {
    pub(crate) steps: u64,
    pub(crate) messages: u64,
    pub(crate) resends: u64,
    pub(crate) crashes: u64,
    pub(crate) starts: u64,
    pub(crate) connections: u64,
    /// Answers that an injected fault let a client see.
    pub(crate) failed_calls: u64,
    pub(crate) recovered: u64,
    pub(crate) reloads: u64,
    pub(crate) resyncs: u64,
    pub(crate) expired_ids: u64,
    pub(crate) sign_ins: u64,
    pub(crate) engine_steps: u64,
    /// Faults that were injected, crashes and delays left out.
    pub(crate) faults: u64,
    pub(crate) failed_reads: u64,
    pub(crate) refused_rounds: u64,
    pub(crate) unknown_rounds: u64,
    pub(crate) rounds_shown_again: u64,
    pub(crate) delays: u64,
    pub(crate) simulated_ms: u64,
}

impl Stats {
    /// Adds what an engine did on purpose.
    pub(crate) fn injected(&mut self, did: Injected) {
        self.failed_reads += did.reads;
        self.refused_rounds += did.refused;
        self.unknown_rounds += did.unknown;
        self.rounds_shown_again += did.applies;
        self.faults += did.reads + did.refused + did.unknown + did.applies + did.torn;
        self.delays += did.delays;
    }

    /// Adds another run's.
    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, more) in [
            (&mut self.steps, other.steps),
            (&mut self.messages, other.messages),
            (&mut self.resends, other.resends),
            (&mut self.crashes, other.crashes),
            (&mut self.starts, other.starts),
            (&mut self.connections, other.connections),
            (&mut self.failed_calls, other.failed_calls),
            (&mut self.recovered, other.recovered),
            (&mut self.reloads, other.reloads),
            (&mut self.resyncs, other.resyncs),
            (&mut self.expired_ids, other.expired_ids),
            (&mut self.sign_ins, other.sign_ins),
            (&mut self.engine_steps, other.engine_steps),
            (&mut self.faults, other.faults),
            (&mut self.failed_reads, other.failed_reads),
            (&mut self.refused_rounds, other.refused_rounds),
            (&mut self.unknown_rounds, other.unknown_rounds),
            (&mut self.rounds_shown_again, other.rounds_shown_again),
            (&mut self.delays, other.delays),
            (&mut self.simulated_ms, other.simulated_ms),
        ] {
            *mine += more;
        }
    }
}

/// The book of a run.
#[derive(Default)]
pub(crate) struct Book {
    /// Counts everything that is noted, in the order it happened.
    turn: u64,
    /// By client id.
    pub(crate) written: BTreeMap<String, Written>,
    /// The furthest reading that was answered, and the furthest that was tried.
    pub(crate) read: BTreeMap<(usize, ConversationId), (u64, u64)>,
    /// Every entry that a client was shown: person, conversation, number.
    pub(crate) seen: BTreeSet<(usize, ConversationId, u64)>,
    pub(crate) stats: Stats,
    /// Something that a client must never be told.
    pub(crate) wrong: Option<String>,
}

impl Book {
    /// The next turn.
    pub(crate) fn turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    /// Notes the first thing that went wrong.
    pub(crate) fn complain(&mut self, what: String) {
        self.wrong.get_or_insert(what);
    }

    /// A message is sent, for the first time or again.
    pub(crate) fn sends(&mut self, id: &str) {
        let turn = self.turn();
        if let Some(written) = self.written.get_mut(id) {
            self.stats.resends += u64::from(written.sent.is_some());
            written.sent.get_or_insert(turn);
        }
    }

    /// A message was acknowledged.
    pub(crate) fn acknowledged(&mut self, id: &str, seq: u64, count: u64) {
        let turn = self.turn();
        let Some(written) = self.written.get_mut(id) else {
            return;
        };
        match written.acknowledged {
            None => {
                written.acknowledged = Some((turn, seq, count));
                self.stats.messages += 1;
            }
            Some((_, first, _)) if first == seq => {}
            Some((_, first, _)) => {
                self.complain(format!(
                    "doubled: {id} was acknowledged as {first} and as {seq}"
                ));
            }
        }
    }
}
