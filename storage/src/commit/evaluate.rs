//! Decides a commit: pure, against fetched rows and what earlier commits of the round wrote.
//!
//! Order: a known client id answers and nothing runs; `once` skips; expectations; then every operation in
//! order with its numbers; then the values, which may name any of the numbers. A refusal leaves no trace.

use bytes::Bytes;
use std::collections::HashMap;

use super::{Commit, Expect, Once, Operation, Overlay, Place, Written};
use crate::contract::{
    Change, Committed, Effect, Head, Home, Outcome, Partition, Row, RowAt, StoreError, Write,
};
use crate::key::{self, KeyPart};
use crate::limits::Limits;
use crate::reserved;
use crate::table::entry_at;
use crate::value::{Later, Part, Value};

/// When a commit runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// The position it takes if it writes.
    pub(crate) position: u64,
    /// The time of its round in ms.
    pub(crate) time_ms: i64,
}

/// What becomes of a commit that is not refused.
pub(crate) enum Verdict {
    /// It runs and takes the position.
    Done(Done),
    /// It writes nothing: an answer of the past, a skipped one, or only expectations.
    Nothing(Committed),
}

/// What a commit does.
pub(crate) struct Done {
    pub(crate) rows: Vec<Written>,
    pub(crate) writes: Vec<Write>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) answer: Committed,
}

/// Decides `commit`. `counts` holds the number of rows found for each expected range.
pub(crate) fn evaluate(
    commit: &Commit,
    overlay: &Overlay,
    counts: &[usize],
    now: Moment,
    limits: &Limits,
) -> Result<Verdict, StoreError> {
    let mut run = Run {
        home: &commit.home,
        overlay,
        now,
        rows: HashMap::new(),
        changes: Vec::new(),
        outcomes: Vec::new(),
    };
    if let Some(client) = &commit.client {
        if let Some(row) = run.row(&client.at)? {
            return client.answer(row).map(Verdict::Nothing);
        }
        if client.expired(now.time_ms) {
            return Err(StoreError::ClientIdExpired);
        }
    }
    if let Some(once) = &commit.once
        && !run.once(once)?
    {
        return Ok(Verdict::Nothing(run.nothing(true)));
    }
    for (at, expect) in &commit.expects {
        run.expect(at, *expect)?;
    }
    for (range, found) in commit.ranges.iter().zip(counts) {
        if *found > range.at_most {
            return Err(lost(
                &range.partition.table,
                "holds more rows than expected",
            ));
        }
    }
    let mut numbers = Vec::with_capacity(commit.operations.len());
    for operation in &commit.operations {
        numbers.push(run.number(operation, limits)?);
    }
    for (operation, numbers) in commit.operations.iter().zip(numbers) {
        run.fill(operation, numbers)?;
    }
    let effects = run.effects(&commit.effects)?;
    let idle = run.rows.is_empty() && effects.is_empty();
    let mut answer = run.nothing(false);
    if idle && commit.client.is_none() {
        return Ok(Verdict::Nothing(answer));
    }
    answer.position = now.position;
    answer.outcomes = std::mem::take(&mut run.outcomes);
    if let Some(client) = &commit.client {
        let until = client.kept_until(now.time_ms);
        run.set(client.at.clone(), client.keep(&answer)?, Some(until));
    }
    let rows = run.rows.into_iter().collect();
    let writes = run.changes;
    Ok(Verdict::Done(Done {
        rows,
        writes,
        effects,
        answer,
    }))
}

fn lost(table: &crate::TableId, what: &str) -> StoreError {
    StoreError::Conflict {
        what: format!("table {} {what}", table.number()),
    }
}

/// What the first pass leaves for the second.
enum Numbers {
    None,
    /// The number of a new entry.
    Entry(Outcome),
    /// The entries that go.
    Trimmed(std::ops::Range<u64>),
}

/// A commit while it is evaluated.
struct Run<'a> {
    home: &'a Home,
    overlay: &'a Overlay,
    now: Moment,
    rows: HashMap<Place, Option<Row>>,
    changes: Vec<Write>,
    outcomes: Vec<Outcome>,
}

impl Run<'_> {
    fn nothing(&self, skipped: bool) -> Committed {
        Committed {
            position: self.now.position - 1,
            time_ms: self.now.time_ms,
            outcomes: Vec::new(),
            repeated: false,
            skipped,
        }
    }

    /// The row as this commit sees it; an ended one is none.
    fn row(&self, at: &RowAt) -> Result<Option<&Row>, StoreError> {
        let place = (self.home.clone(), at.clone());
        let row = match self.rows.get(&place) {
            Some(own) => own.as_ref(),
            None => self.overlay.get(&place).ok_or_else(|| {
                StoreError::Corrupt("a row was evaluated that was not fetched".to_owned())
            })?,
        };
        let alive = |row: &&Row| row.expires_at.is_none_or(|end| end > self.now.time_ms);
        Ok(row.filter(alive))
    }

    fn set(&mut self, at: RowAt, value: Bytes, expires_at: Option<i64>) {
        self.set_in(self.home.clone(), at, value, expires_at);
    }

    fn set_in(&mut self, home: Home, at: RowAt, value: Bytes, expires_at: Option<i64>) {
        let row = Row {
            version: self.now.position,
            expires_at,
            value,
        };
        self.rows.insert((home, at), Some(row));
    }

    fn remove(&mut self, at: RowAt) {
        self.rows.insert((self.home.clone(), at), None);
    }

    /// One change a row is told; a rewritten new entry is still a new entry.
    fn tell(&mut self, at: RowAt, change: Change) {
        let Some(known) = self.changes.iter_mut().find(|write| write.at == at) else {
            self.changes.push(Write { at, change });
            return;
        };
        known.change = match (&known.change, change) {
            (&Change::Append { seq, count, .. }, Change::Put(value)) => {
                Change::Append { seq, count, value }
            }
            (_, change) => change,
        };
    }

    /// False if the marker says that it is done; else moves the marker.
    fn once(&mut self, once: &Once) -> Result<bool, StoreError> {
        let at = reserved::marker_at(&once.source, &once.consumer);
        let new = key::encode(&(once.position, once.ordinal));
        if self.row(&at)?.is_some_and(|row| row.value >= new) {
            return Ok(false);
        }
        self.set(at, new, None);
        Ok(true)
    }

    fn expect(&self, at: &RowAt, expect: Expect) -> Result<(), StoreError> {
        let row = self.row(at)?;
        match (expect, row) {
            (Expect::Absent, Some(_)) => Err(lost(&at.table, "has the row already")),
            (Expect::Present | Expect::Version(_), None) => Err(lost(&at.table, "has no such row")),
            (Expect::Version(version), Some(row)) if row.version != version => {
                Err(lost(&at.table, "has a newer row"))
            }
            _ => Ok(()),
        }
    }

    /// First pass: numbers, so that every value may name every number.
    fn number(&mut self, operation: &Operation, limits: &Limits) -> Result<Numbers, StoreError> {
        match operation {
            Operation::Append {
                log,
                counts,
                at_most_last,
                ..
            } => self.append(log, *counts, *at_most_last).map(Numbers::Entry),
            Operation::Add { at, n, min, max } => {
                self.add(at, *n, *min, *max)?;
                Ok(Numbers::None)
            }
            Operation::Trim { log, first } => self.trim(log, *first, limits),
            _ => Ok(Numbers::None),
        }
    }

    fn append(
        &mut self,
        log: &Partition,
        counts: bool,
        at_most_last: Option<u64>,
    ) -> Result<Outcome, StoreError> {
        let at = reserved::head_at(log);
        let mut head = reserved::decode_head(self.row(&at)?)?;
        head.last += 1;
        head.count += u64::from(counts);
        if let Some(limit) = at_most_last
            && head.last > limit
        {
            let what = "the log".into();
            return Err(StoreError::Limit { what, limit });
        }
        self.set(at, reserved::encode_head(head), None);
        let outcome = Outcome {
            number: head.last.cast_signed(),
            count: head.count,
        };
        self.outcomes.push(outcome);
        Ok(outcome)
    }

    fn trim(
        &mut self,
        log: &Partition,
        first: u64,
        limits: &Limits,
    ) -> Result<Numbers, StoreError> {
        let at = reserved::head_at(log);
        let head = reserved::decode_head(self.row(&at)?)?;
        let first = first.min(head.last + 1);
        if first <= head.first {
            return Ok(Numbers::None);
        }
        let gone = usize::try_from(first - head.first).unwrap_or(usize::MAX);
        super::at_most("the trimmed part of a log", gone, limits.commit_operations)?;
        self.set(at, reserved::encode_head(Head { first, ..head }), None);
        Ok(Numbers::Trimmed(head.first..first))
    }

    fn add(
        &mut self,
        at: &RowAt,
        n: i64,
        min: Option<i64>,
        max: Option<i64>,
    ) -> Result<(), StoreError> {
        let old = self.row(at)?.map_or(Ok(0), super::sum_value)?;
        let bound = |limit: i64| StoreError::Limit {
            what: "the sum".into(),
            limit: limit.unsigned_abs(),
        };
        let sum = old.checked_add(n).ok_or_else(|| bound(i64::MAX))?;
        if let Some(limit) = min
            .filter(|min| sum < *min)
            .or(max.filter(|max| sum > *max))
        {
            return Err(bound(limit));
        }
        self.set(at.clone(), Bytes::copy_from_slice(&sum.to_be_bytes()), None);
        self.tell(at.clone(), Change::Sum(sum));
        self.outcomes.push(Outcome {
            number: sum,
            count: 0,
        });
        Ok(())
    }

    /// Second pass: values, which may name every number of the commit.
    fn fill(&mut self, operation: &Operation, numbers: Numbers) -> Result<(), StoreError> {
        match operation {
            Operation::Put {
                at,
                later,
                value,
                expires_at,
            } => {
                let at = self.place(at, *later)?;
                let value = self.resolve(value)?;
                self.tell(at.clone(), Change::Put(value.clone()));
                self.set(at, value, *expires_at);
            }
            Operation::Delete { at } => {
                self.tell(at.clone(), Change::Delete);
                self.remove(at.clone());
            }
            Operation::Append { log, value, .. } => {
                if let Numbers::Entry(Outcome { number, count }) = numbers {
                    let seq = number.cast_unsigned();
                    let value = self.resolve(value)?;
                    let at = entry_at(log, seq);
                    self.set(at.clone(), value.clone(), None);
                    self.tell(at, Change::Append { seq, count, value });
                }
            }
            Operation::Trim { log, .. } => {
                if let Numbers::Trimmed(gone) = numbers {
                    for seq in gone {
                        self.remove(entry_at(log, seq));
                        self.tell(entry_at(log, seq), Change::Delete);
                    }
                }
            }
            Operation::Max { at, n, with } => self.max(at, *n, with)?,
            Operation::Timer {
                at_ms,
                name,
                payload,
            } => self.timer(*at_ms, name, payload)?,
            Operation::Cancel { name } => {
                self.cancel(name)?;
            }
            Operation::Add { .. } => {}
        }
        Ok(())
    }

    fn place(&self, at: &RowAt, later: Option<Later>) -> Result<RowAt, StoreError> {
        let Some(later) = later else {
            return Ok(at.clone());
        };
        let mut key = at.key.to_vec();
        match later {
            Later::Known(number) => number.encode(&mut key),
            later => key.extend_from_slice(&self.later(&later.part())?),
        }
        Ok(RowAt {
            key: Bytes::from(key),
            ..at.clone()
        })
    }

    fn resolve(&self, value: &Value) -> Result<Bytes, StoreError> {
        value.resolve(|part| self.later(part))
    }

    fn later(&self, part: &Part) -> Result<[u8; 8], StoreError> {
        let outcome = |index: &u16| {
            let outcome = self.outcomes.get(usize::from(*index));
            outcome.ok_or_else(|| StoreError::Invalid {
                what: "a value names a number that no operation gives".to_owned(),
            })
        };
        Ok(match part {
            Part::Bytes(_) => [0; 8],
            Part::SeqOf(index) | Part::SumOf(index) => outcome(index)?.number.to_be_bytes(),
            Part::CountOf(index) => outcome(index)?.count.to_be_bytes(),
            Part::Position => self.now.position.to_be_bytes(),
            Part::Time => self.now.time_ms.to_be_bytes(),
        })
    }

    fn max(&mut self, at: &RowAt, n: u64, with: &Value) -> Result<(), StoreError> {
        if let Some(row) = self.row(at)?
            && super::max_value(row)?.0 >= n
        {
            return Ok(());
        }
        let with = self.resolve(with)?;
        let value = [&n.to_be_bytes(), with.as_ref()].concat();
        self.set(at.clone(), Bytes::from(value), None);
        self.tell(at.clone(), Change::Max { n, with });
        Ok(())
    }

    fn timer(&mut self, at_ms: i64, name: &str, payload: &Value) -> Result<(), StoreError> {
        self.cancel(name)?;
        let payload = self.resolve(&payload.clone().prefixed(key::encode(&at_ms)))?;
        self.set(reserved::timer_at(name), payload, None);
        let due = reserved::due_at(at_ms, self.home, name);
        self.set_in(reserved::timers_home(), due, Bytes::new(), None);
        Ok(())
    }

    fn cancel(&mut self, name: &str) -> Result<(), StoreError> {
        let at = reserved::timer_at(name);
        let Some(row) = self.row(&at)? else {
            return Ok(());
        };
        let (at_ms, _) = reserved::decode_timer(row)?;
        let due = reserved::due_at(at_ms, self.home, name);
        self.rows.insert((reserved::timers_home(), due), None);
        self.remove(at);
        Ok(())
    }

    fn effects(&self, effects: &[(String, Value)]) -> Result<Vec<Effect>, StoreError> {
        let effect = |(ordinal, (kind, payload)): (usize, &(String, Value))| {
            Ok(Effect {
                ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
                kind: kind.clone(),
                payload: self.resolve(payload)?,
            })
        };
        effects.iter().enumerate().map(effect).collect()
    }
}
