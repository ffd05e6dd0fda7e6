//! Results of recent attempts, so that identical bytes sent again get the same answer and never run twice.

use std::collections::{HashMap, VecDeque};

use super::Request;
use crate::contract::{Committed, StoreError};
use crate::engine::cql::rules::{Rule, holds};
use crate::engine::{Attempt, AttemptId};

/// See the module. Bounded by number; what it forgets is answered `Unknown`, never run again.
pub(crate) struct Attempts {
    limit: usize,
    known: HashMap<AttemptId, Attempt>,
    order: VecDeque<AttemptId>,
    /// Position of the newest forgotten attempt.
    forgotten: u64,
    /// Newest sending of attempts that were sent more than once, refused ones too.
    sendings: HashMap<AttemptId, u32>,
    sent: VecDeque<AttemptId>,
}

impl Attempts {
    /// Nothing known; everything up to `forgotten` may have been forgotten.
    pub(crate) fn new(limit: usize, forgotten: u64) -> Self {
        Self {
            limit,
            known: HashMap::new(),
            order: VecDeque::new(),
            forgotten,
            sendings: HashMap::new(),
            sent: VecDeque::new(),
        }
    }

    /// Refuses a sending that is older than the newest one seen: its sender counts on the newest only.
    /// `position` is the newest commit.
    pub(crate) fn admit(&mut self, request: &Request, position: u64) -> Result<(), StoreError> {
        let (id, number) = (request.attempt, request.sending.number);
        let newest = self.sendings.get(&id).copied().unwrap_or(0);
        if number < newest && holds(Rule::NumberedAttempts) {
            return Err(StoreError::Moved);
        }
        if number > newest.max(1) {
            if self.sendings.insert(id, number).is_none() {
                self.sent.push_back(id);
            }
            if self.sent.len() > self.limit
                && let Some(oldest) = self.sent.pop_front()
            {
                // An older sending of it that comes later must not run.
                self.sendings.remove(&oldest);
                self.forgotten = self.forgotten.max(position);
            }
        }
        Ok(())
    }

    /// Takes attempts in order of position.
    pub(crate) fn add(&mut self, attempts: Vec<Attempt>) {
        for attempt in attempts {
            self.order.push_back(attempt.id);
            self.known.insert(attempt.id, attempt);
        }
        while self.order.len() > self.limit {
            let oldest = self.order.pop_front().and_then(|id| self.known.remove(&id));
            self.forgotten = oldest.map_or(self.forgotten, |attempt| attempt.position);
        }
    }

    /// The answer if the attempt ran before, in an earlier round or in this one. An attempt that is older
    /// than what was forgotten may have run, so it is neither run nor answered.
    pub(crate) fn answer<'a>(
        &'a self,
        request: &Request,
        mut in_round: impl Iterator<Item = &'a Attempt>,
    ) -> Result<Option<Committed>, StoreError> {
        let known = self.known.get(&request.attempt);
        let known = known.or_else(|| in_round.find(|attempt| attempt.id == request.attempt));
        if known.is_none() && request.seen < self.forgotten && holds(Rule::KnownAttempts) {
            return Err(StoreError::Unknown);
        }
        Ok(known.map(|attempt| Committed {
            position: attempt.position,
            time_ms: attempt.time_ms,
            outcomes: attempt.outcomes.clone(),
            repeated: false,
            skipped: false,
        }))
    }
}
