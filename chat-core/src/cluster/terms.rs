//! What an owner of before still pushes comes too late once a newer one has pushed something: whoever missed it was
//! told to look for himself, and it would come to him out of order.

use std::sync::{Mutex, PoisonError};

/// The newest term from which something was pushed to the connections of this node, or that began here.
#[derive(Default)]
pub(crate) struct Terms(Mutex<u64>);

impl Terms {
    /// A term of this node begins.
    pub(crate) fn begin(&self, term: u64) {
        self.push(term, || ());
    }

    /// Runs `push` unless something newer was pushed; tells whether it ran. What belongs to no term (0) always runs.
    /// Two pushes never run side by side: the older one would be queued behind the newer. So it must not wait.
    pub(crate) fn push(&self, term: u64, push: impl FnOnce()) -> bool {
        if term == 0 {
            push();
            return true;
        }
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let timely = *newest <= term;
        if timely {
            *newest = term;
            push();
        }
        timely
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_of_before_pushes_nothing_behind_a_newer_one() {
        let (terms, mut pushed) = (Terms::default(), Vec::new());
        for term in [7, 7, 0, 9, 7, 0, 9] {
            terms.push(term, || pushed.push(term));
        }
        assert_eq!(pushed, [7, 7, 0, 9, 0, 9]);
        terms.begin(12);
        assert!(!terms.push(9, || pushed.push(9)));
        assert_eq!(pushed.len(), 6);
    }
}
