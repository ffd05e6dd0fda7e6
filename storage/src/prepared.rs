//! A commit with the id under which it may be sent again, and what its several answers mean together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::commit::Commit;
use crate::contract::{Committed, StoreError};
use crate::engine::AttemptId;
use crate::engine::cql::rules::{Rule, holds};
use crate::writer::Sending;

/// A commit with its attempt id.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub(crate) commit: Arc<Commit>,
    pub(crate) attempt: AttemptId,
    /// The newest position when it was made, as far as this process knew.
    pub(crate) seen: u64,
    /// How often it was sent.
    pub(crate) sendings: Arc<AtomicU32>,
}

impl Prepared {
    /// A commit that came from another process.
    pub(crate) fn arrived(commit: Commit, attempt: AttemptId, seen: u64, sending: Sending) -> Self {
        Self {
            commit: Arc::new(commit),
            attempt,
            seen,
            sendings: Arc::new(AtomicU32::new(sending.number)),
        }
    }

    /// The next sending, to the writer of this term.
    pub(crate) fn sending(&self, term: u128) -> Sending {
        Sending {
            number: self.sendings.fetch_add(1, Ordering::Relaxed) + 1,
            term,
        }
    }

    /// Of several sendings any success counts, but only the newest one's refusal: another may still run.
    pub(crate) fn believe(
        &self,
        sending: Sending,
        answer: Result<Committed, StoreError>,
    ) -> Result<Committed, StoreError> {
        let newest = sending.number == self.sendings.load(Ordering::Relaxed);
        match answer {
            Err(error) if error.refuses() && !newest && holds(Rule::NewestRefusal) => {
                Err(StoreError::Unknown)
            }
            answer => answer,
        }
    }

    #[cfg(test)]
    pub(crate) const fn attempt(&self) -> AttemptId {
        self.attempt
    }
}
