//! Concurrent calls on one home must look as if each had happened at one moment between its begin and its
//! end (linearizability). The search is that of porcupine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use porcupine_rs::{Model, Operation};

use super::{Bench, Hands, LOG, model, number, raw};
use crate::{Home, Store, StoreError, Value, sum_value};

#[cfg(test)]
mod lying;

/// A call and what it answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Writes the row.
    Put(u64),
    /// Reads the row.
    Get(Option<u64>),
    /// Writes the row if it is absent; true if it was.
    PutAbsent(u64, bool),
    /// Deletes the row.
    Delete,
    /// Appends; the number of the entry if it was told.
    Append(Option<u64>),
    /// Reads the newest number of the log.
    Last(u64),
    /// Adds within 0 and 5; the sum, or refused.
    Add(i64, Option<i64>),
    /// Reads the sum.
    Sum(i64),
}

/// One call of a history.
#[derive(Debug, Clone)]
pub struct Event {
    /// The call.
    pub call: Call,
    /// When it began, by the common counter.
    pub begin: u64,
    /// When it was answered; nothing if its outcome is unknown: it may have happened at any later moment,
    /// or never, and its answer counts for nothing.
    pub end: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct State {
    row: Option<u64>,
    last: u64,
    sum: i64,
}

impl State {
    /// The state after the call; nothing if it could not have answered so.
    fn after(&self, event: &Event) -> Option<Self> {
        let mut next = self.clone();
        let known = event.end.is_some();
        let fits = match event.call {
            Call::Put(value) => {
                next.row = Some(value);
                true
            }
            Call::Get(seen) => seen == self.row,
            Call::PutAbsent(value, was_absent) => {
                let absent = self.row.is_none();
                if absent {
                    next.row = Some(value);
                }
                !known || was_absent == absent
            }
            Call::Delete => {
                next.row = None;
                true
            }
            Call::Append(told) => {
                next.last += 1;
                !known || told == Some(next.last)
            }
            Call::Last(seen) => seen == self.last,
            Call::Add(n, told) => {
                let sum = self.sum + n;
                let fits = (0..=5).contains(&sum).then_some(sum);
                next.sum = fits.unwrap_or(self.sum);
                !known || told == fits
            }
            Call::Sum(seen) => seen == self.sum,
        };
        fits.then_some(next)
    }
}

/// The model by which histories are judged.
#[derive(Clone)]
struct OneHome;

impl Model for OneHome {
    type State = State;
    type Op = Event;
    type Metadata = ();

    fn init() -> State {
        State::default()
    }

    fn step(state: &State, event: &Event) -> (bool, State) {
        let after = state.after(event);
        (after.is_some(), after.unwrap_or_default())
    }
}

/// True if the history can be explained. A call of unknown outcome is one that ends after everything else: last
/// of all, where nobody sees it, it is as if it had never happened.
#[must_use]
pub fn is_linearizable(history: &[Event]) -> bool {
    let operation = |event: &Event| Operation::<OneHome> {
        client_id: None,
        call_time: event.begin.cast_signed(),
        return_time: event.end.map_or(i64::MAX, u64::cast_signed),
        op: event.clone(),
        metadata: None,
    };
    porcupine_rs::check_operations(&history.iter().map(operation).collect::<Vec<_>>())
}

/// Collects the calls of concurrent callers.
#[derive(Clone, Default)]
pub struct Recorder {
    counter: Arc<AtomicU64>,
    events: Arc<Mutex<Vec<Option<Event>>>>,
}

impl Recorder {
    fn now(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::SeqCst)
    }

    /// Notes a call before it is sent, as one of unknown outcome; gives its number.
    fn begin(&self, call: Call) -> usize {
        let event = Event {
            call,
            begin: self.now(),
            end: None,
        };
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(Some(event));
        events.len() - 1
    }

    fn end(&self, n: usize, call: Call) {
        let end = Some(self.now());
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(event) = &mut events[n] {
            event.call = call;
            event.end = end;
        }
    }

    /// The store said that certainly nothing was written.
    fn never(&self, n: usize) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events[n] = None;
    }

    /// Everything so far. Reads that were never answered say nothing and are left out.
    #[must_use]
    pub fn history(&self) -> Vec<Event> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let says = |event: &&Event| {
            let reads = matches!(event.call, Call::Get(_) | Call::Last(_) | Call::Sum(_));
            event.end.is_some() || !reads
        };
        events.iter().flatten().filter(says).cloned().collect()
    }

    /// Makes one random call on a home and notes its answer.
    ///
    /// # Errors
    /// What the store answers when the call had no answer that says something.
    pub async fn call(&self, store: &Store, home: &Home, bits: u64) -> Result<(), StoreError> {
        let value = bits >> 8;
        match bits % 8 {
            0 => self.write(store, home, Call::Put(value)).await,
            1 => self.write(store, home, Call::PutAbsent(value, true)).await,
            2 => self.write(store, home, Call::Delete).await,
            3 => self.write(store, home, Call::Append(None)).await,
            4 => {
                let n = (value % 5) as i64 - 2;
                self.write(store, home, Call::Add(n, None)).await
            }
            5 => {
                let n = self.begin(Call::Get(None));
                let row = store.get(home, &raw(b"h", b"k")).await?;
                let seen = row.and_then(|row| crate::key::decode(&row.value).ok());
                self.end(n, Call::Get(seen));
                Ok(())
            }
            6 => {
                let n = self.begin(Call::Last(0));
                let head = store.head(home, &LOG.partition(&b"h".to_vec())).await?;
                self.end(n, Call::Last(head.last));
                Ok(())
            }
            _ => {
                let n = self.begin(Call::Sum(0));
                let row = store.get(home, &number("h")).await?;
                let sum = row.map_or(Ok(0), |row| sum_value(&row))?;
                self.end(n, Call::Sum(sum));
                Ok(())
            }
        }
    }

    async fn write(&self, store: &Store, home: &Home, call: Call) -> Result<(), StoreError> {
        let mut t = store.transaction(home);
        let at = raw(b"h", b"k");
        let bytes = |value: u64| Value::bytes(crate::key::encode(&value));
        let mut numbered = None;
        match call {
            Call::Put(value) => t.put(at, bytes(value)),
            Call::PutAbsent(value, _) => {
                t.expect_absent(at.clone());
                t.put(at, bytes(value));
            }
            Call::Delete => t.delete(at),
            Call::Append(_) => {
                let log = LOG.partition(&b"h".to_vec());
                numbered = Some(t.append(log, bytes(0), true));
            }
            Call::Add(n, _) => numbered = Some(t.add(number("h"), n, Some(0), Some(5))),
            Call::Get(_) | Call::Last(_) | Call::Sum(_) => {}
        }
        let n = self.begin(call.clone());
        let answer = match (t.commit().await, call) {
            (Ok(done), Call::Append(_)) => Call::Append(numbered.map(|n| done.seq(n))),
            (Ok(done), Call::Add(n, _)) => Call::Add(n, numbered.map(|n| done.sum(n))),
            (Ok(_), call) => call,
            (Err(StoreError::Conflict { .. }), Call::PutAbsent(value, _)) => {
                Call::PutAbsent(value, false)
            }
            (Err(StoreError::Limit { .. }), Call::Add(n, _)) => Call::Add(n, None),
            (Err(StoreError::Unknown), _) => return Err(StoreError::Unknown),
            (Err(error), _) => {
                self.never(n);
                return Err(error);
            }
        };
        self.end(n, answer);
        Ok(())
    }
}

/// Calls of five callers on one home.
async fn of_five(store: &Store, seed: u64) -> Vec<Event> {
    let (recorder, home) = (Recorder::default(), Home::new("history", seed));
    let callers: Vec<_> = (0..5)
        .map(|caller| {
            let (store, home, recorder) = (store.clone(), home.clone(), recorder.clone());
            tokio::spawn(async move {
                let mut bits = model::bits(seed * 100 + caller);
                for _ in 0..12 {
                    recorder.call(&store, &home, bits()).await.expect("a call");
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("a caller ends well");
    }
    recorder.history()
}

/// Histories of several callers on one home, many times.
pub async fn concurrent_calls_are_linearizable(bench: &dyn Bench) {
    let store = bench.open(super::limits(), &Hands::default());
    for seed in 1..=25 {
        let history = of_five(&store, seed).await;
        assert!(is_linearizable(&history), "{history:#?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(begin: u64, end: u64, call: Call) -> Event {
        Event {
            call,
            begin,
            end: Some(end),
        }
    }

    fn open(begin: u64, call: Call) -> Event {
        Event {
            call,
            begin,
            end: None,
        }
    }

    #[test]
    fn overlapping_calls_may_happen_in_either_order() {
        for seen in [None, Some(1)] {
            let history = [event(0, 3, Call::Put(1)), event(1, 2, Call::Get(seen))];
            assert!(is_linearizable(&history));
        }
    }

    #[test]
    fn a_stale_read_a_doubled_number_and_a_lost_write_are_found() {
        let stale = [event(0, 1, Call::Put(1)), event(2, 3, Call::Get(None))];
        assert!(!is_linearizable(&stale));
        let doubled = [
            event(0, 3, Call::Append(Some(1))),
            event(1, 2, Call::Append(Some(1))),
        ];
        assert!(!is_linearizable(&doubled));
        let back = [
            event(0, 1, Call::Put(1)),
            event(2, 9, Call::Put(2)),
            event(3, 4, Call::Get(Some(2))),
            event(5, 6, Call::Get(Some(1))),
        ];
        assert!(!is_linearizable(&back));
        let beyond = [
            event(0, 1, Call::Add(5, Some(5))),
            event(2, 3, Call::Add(1, Some(6))),
        ];
        assert!(!is_linearizable(&beyond));
    }

    #[test]
    fn an_unknown_call_happens_late_or_never_but_not_before_it_began() {
        let late = [
            open(0, Call::Put(1)),
            event(1, 2, Call::Get(None)),
            event(3, 4, Call::Get(Some(1))),
        ];
        assert!(is_linearizable(&late));
        assert!(is_linearizable(&late[..2]));
        let early = [event(0, 1, Call::Get(Some(1))), open(2, Call::Put(1))];
        assert!(!is_linearizable(&early));
        let skipped = [
            open(0, Call::Append(None)),
            event(1, 2, Call::Append(Some(2))),
            event(3, 4, Call::Last(2)),
        ];
        assert!(is_linearizable(&skipped));
    }
}
