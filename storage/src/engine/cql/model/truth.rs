//! What the journal says, and what may be answered because of it.

use crate::engine::{Attempt, AttemptId};

/// What a commit of the model does. All of them concern one home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Adds one to the sum and appends to the log.
    Add,
    /// Writes the row if it is absent, and appends to the log.
    PutAbsent,
    /// Deletes the row if it is there.
    DeletePresent,
}

/// The home after some commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct State {
    present: bool,
    sum: i64,
    last: i64,
}

impl Kind {
    /// The state after it and its numbers; nothing if it must be refused.
    fn run(self, mut state: State) -> Option<(State, Vec<i64>)> {
        let numbers = match self {
            Self::Add => {
                state.sum += 1;
                state.last += 1;
                vec![state.sum, state.last]
            }
            Self::PutAbsent if !state.present => {
                state.present = true;
                state.last += 1;
                vec![state.last]
            }
            Self::DeletePresent if state.present => {
                state.present = false;
                vec![]
            }
            Self::PutAbsent | Self::DeletePresent => return None,
        };
        Some((state, numbers))
    }
}

/// Every commit that was ever appended, in order of position.
#[derive(Debug, Default)]
pub(super) struct Truth {
    commits: Vec<(u64, Attempt)>,
    states: Vec<(u64, State)>,
    /// The highest position that was answered.
    pub(super) answered: u64,
}

impl Truth {
    /// The commit of an attempt.
    pub(super) fn find(&self, id: AttemptId) -> Option<&Attempt> {
        let found = self.commits.iter().find(|(_, attempt)| attempt.id == id);
        found.map(|(_, attempt)| attempt)
    }

    /// Takes an appended commit; an error says what must never happen.
    pub(super) fn append(&mut self, kind: Kind, attempt: &Attempt) -> Result<(), String> {
        let position = attempt.position;
        let before = self.states.last().copied();
        if before.is_some_and(|(last, _)| position <= last) {
            return Err(format!("position {position} is used twice"));
        }
        if self.find(attempt.id).is_some() {
            return Err(format!("{:?} is committed twice", attempt.id));
        }
        let state = before.map(|(_, state)| state).unwrap_or_default();
        let Some((state, numbers)) = kind.run(state) else {
            return Err(format!("{kind:?} at {position} should have been refused"));
        };
        let given: Vec<i64> = attempt
            .outcomes
            .iter()
            .map(|outcome| outcome.number)
            .collect();
        if given != numbers {
            return Err(format!(
                "{kind:?} at {position} gave {given:?}, not {numbers:?}"
            ));
        }
        self.commits.push((position, attempt.clone()));
        self.states.push((position, state));
        Ok(())
    }

    /// True if a call that began when `from` was the highest answered position may be refused now.
    pub(super) fn may_refuse(&self, kind: Kind, from: u64) -> bool {
        let start = self
            .states
            .iter()
            .rev()
            .find(|(position, _)| *position <= from);
        let start = start.map_or(State::default(), |(_, state)| *state);
        let later = self.states.iter().filter(|(position, _)| *position > from);
        std::iter::once(start)
            .chain(later.map(|(_, state)| *state))
            .any(|state| kind.run(state).is_none())
    }
}
