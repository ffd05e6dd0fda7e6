//! The contract once more, written as plainly as possible: a map that is copied for every commit. Random
//! commits run on a store and on the model, and every answer and every row must be equal.

use bytes::Bytes;
use std::collections::BTreeMap;

use super::{LOG, ROWS, number, raw};
use crate::{
    Committed, FIRST_POSITION, Home, KeyRange, Later, Numbered, Outcome, Part, Partition, Row,
    RowAt, StoreError, Transaction, Value,
};

/// Keys of the model: few, so that they meet, and awkward ones among them.
pub const KEYS: [&[u8]; 4] = [b"", b"\0", b"a", b"\xFF"];

/// One operation of a random commit. Numbers are taken modulo what there is.
#[derive(Debug, Clone)]
pub enum Act {
    /// `put` of a value with position and the newest number.
    Put(u8),
    /// `put_until`, ending so many ms from the beginning of the case.
    PutUntil(u8, i64),
    /// `put_at` with the number of the first numbering operation.
    PutAt(u8),
    /// `delete`.
    Delete(u8),
    /// `append` to one of two logs, counting or not.
    Append(u8, bool),
    /// `append_limited`.
    AppendLimited(u8, u64),
    /// `trim`.
    Trim(u8, u64),
    /// `add` with bounds -20 and 20.
    Add(u8, i64),
    /// `max`.
    Max(u8, u64),
    /// `expect_absent`.
    Absent(u8),
    /// `expect_present`.
    Present(u8),
    /// `expect_version` of the version the row has, or of another one.
    Version(u8, bool),
    /// `expect_range` of all rows.
    AtMost(usize),
}

/// A random commit.
#[derive(Debug, Clone)]
pub struct Plan {
    /// One of two homes.
    pub home: u8,
    /// Its operations.
    pub acts: Vec<Act>,
    /// So much later than the commit before, in ms.
    pub later_ms: i64,
}

/// What the store should hold.
#[derive(Debug, Clone, Default)]
pub struct Model {
    rows: BTreeMap<(Home, RowAt), Row>,
    heads: BTreeMap<(Home, u8), (u64, u64, u64)>,
    commits: u64,
}

fn key(n: u8) -> RowAt {
    raw(b"model", KEYS[usize::from(n) % KEYS.len()])
}

fn counter(n: u8) -> RowAt {
    number(if n.is_multiple_of(2) { "even" } else { "odd" })
}

fn largest(n: u8) -> RowAt {
    number(if n.is_multiple_of(2) { "high" } else { "low" })
}

fn log(n: u8) -> Partition {
    LOG.partition(&vec![n % 2])
}

/// The home of a plan.
#[must_use]
pub fn home(n: u8) -> Home {
    Home::new("model", n % 2)
}

fn first_number(acts: &[Act]) -> Option<u16> {
    let numbers =
        |act: &Act| matches!(act, Act::Append(..) | Act::AppendLimited(..) | Act::Add(..));
    acts.iter().any(numbers).then_some(0)
}

fn parts(plan: &Plan) -> Vec<Part> {
    let mut parts = vec![
        Part::Bytes(Bytes::from_static(b"v")),
        Part::Position,
        Part::Time,
    ];
    parts.extend(first_number(&plan.acts).map(Part::SeqOf));
    parts
}

/// Writes the plan as a transaction.
pub fn write(plan: &Plan, model: &Model, now_ms: i64, t: &mut Transaction) {
    let home = home(plan.home);
    for act in &plan.acts {
        let value = Value::parts(parts(plan));
        match *act {
            Act::Put(n) => t.put(key(n), value),
            Act::PutUntil(n, end) => t.put_until(key(n), value, super::NOON_MS + end),
            Act::PutAt(n) => {
                let later = first_number(&plan.acts).map_or(Later::Position, Later::SeqOf);
                t.put_at(key(n), later, value);
            }
            Act::Delete(n) => t.delete(key(n)),
            Act::Append(n, counts) => {
                let _: Numbered = t.append(log(n), value, counts);
            }
            Act::AppendLimited(n, limit) => {
                let _: Numbered = t.append_limited(log(n), value, true, limit);
            }
            Act::Trim(n, first) => t.trim(log(n), first),
            Act::Add(n, by) => {
                let _: Numbered = t.add(counter(n), by, Some(-20), Some(20));
            }
            Act::Max(n, to) => t.max(largest(n), to, value),
            Act::Absent(n) => t.expect_absent(key(n)),
            Act::Present(n) => t.expect_present(key(n)),
            Act::Version(n, right) => {
                let row = model.row(&home, &key(n), now_ms);
                let version = row.map_or(1, |row| row.version) + u64::from(!right);
                t.expect_version(key(n), version);
            }
            Act::AtMost(n) => t.expect_range(model_rows(), KeyRange::all(), n),
        }
    }
}

/// The partition that the plans write to.
#[must_use]
pub fn model_rows() -> Partition {
    Partition {
        table: ROWS.id(),
        name: raw(b"model", b"").partition,
    }
}

impl Model {
    fn row(&self, home: &Home, at: &RowAt, now_ms: i64) -> Option<&Row> {
        let row = self.rows.get(&(home.clone(), at.clone()))?;
        row.expires_at.is_none_or(|end| end > now_ms).then_some(row)
    }

    /// The living rows of the partition of plans, of one home.
    #[must_use]
    pub fn living(&self, home: &Home, now_ms: i64) -> Vec<(Bytes, Row)> {
        let partition = model_rows();
        let of_it = |((of, at), _): &(&(Home, RowAt), &Row)| {
            of == home && at.table == partition.table && at.partition == partition.name
        };
        let living =
            |(_, row): &(&(Home, RowAt), &Row)| row.expires_at.is_none_or(|end| end > now_ms);
        let rows = self.rows.iter().filter(of_it).filter(living);
        rows.map(|((_, at), row)| (at.key.clone(), row.clone()))
            .collect()
    }

    /// Every row outside of the partition of plans, with its place.
    pub fn others(&self) -> impl Iterator<Item = (&(Home, RowAt), &Row)> {
        let partition = model_rows();
        self.rows
            .iter()
            .filter(move |((_, at), _)| at.partition != partition.name)
    }

    /// The head of a log as (first, last, count).
    #[must_use]
    pub fn head(&self, home: &Home, n: u8) -> (u64, u64, u64) {
        self.heads
            .get(&(home.clone(), n))
            .copied()
            .unwrap_or((1, 0, 0))
    }

    /// Runs a plan; a refusal says whether it is a lost race and leaves no trace.
    ///
    /// # Errors
    /// True for a failed expectation, false for a bound.
    pub fn run(&mut self, plan: &Plan, now_ms: i64) -> Result<Vec<Outcome>, bool> {
        let home = home(plan.home);
        let mut next = self.clone();
        next.check(plan, &home, now_ms)?;
        let position = FIRST_POSITION + self.commits;
        let outcomes = next.numbers(plan, &home, position)?;
        next.values(plan, &home, position, now_ms, &outcomes);
        if next.rows != self.rows
            || next.heads != self.heads
            || !outcomes.is_empty()
            || deletes(plan)
        {
            next.commits += 1;
        }
        *self = next;
        Ok(outcomes)
    }

    fn check(&self, plan: &Plan, home: &Home, now_ms: i64) -> Result<(), bool> {
        for act in &plan.acts {
            let fine = match *act {
                Act::Absent(n) => self.row(home, &key(n), now_ms).is_none(),
                Act::Present(n) => self.row(home, &key(n), now_ms).is_some(),
                Act::Version(n, right) => right && self.row(home, &key(n), now_ms).is_some(),
                Act::AtMost(n) => self.living(home, now_ms).len() <= n,
                _ => true,
            };
            if !fine {
                return Err(true);
            }
        }
        Ok(())
    }

    fn numbers(&mut self, plan: &Plan, home: &Home, position: u64) -> Result<Vec<Outcome>, bool> {
        let mut outcomes = Vec::new();
        for act in &plan.acts {
            match *act {
                Act::Append(n, _) | Act::AppendLimited(n, _) => {
                    let (first, last, count) = self.head(home, n % 2);
                    let counts = !matches!(act, Act::Append(_, false));
                    let head = (first, last + 1, count + u64::from(counts));
                    if matches!(*act, Act::AppendLimited(_, limit) if head.1 > limit) {
                        return Err(false);
                    }
                    self.heads.insert((home.clone(), n % 2), head);
                    let number = head.1.cast_signed();
                    outcomes.push(Outcome {
                        number,
                        count: head.2,
                    });
                }
                Act::Add(n, by) => {
                    let at = (home.clone(), counter(n));
                    let old = self
                        .rows
                        .get(&at)
                        .map_or(0, |row| crate::sum_value(row).expect("a sum"));
                    let sum = old + by;
                    if !(-20..=20).contains(&sum) {
                        return Err(false);
                    }
                    self.put(at, position, None, &sum.to_be_bytes());
                    outcomes.push(Outcome {
                        number: sum,
                        count: 0,
                    });
                }
                Act::Trim(n, to) => {
                    let (first, last, count) = self.head(home, n % 2);
                    let to = to.min(last + 1);
                    if to > first {
                        self.heads.insert((home.clone(), n % 2), (to, last, count));
                    }
                }
                _ => {}
            }
        }
        Ok(outcomes)
    }

    fn put(&mut self, at: (Home, RowAt), version: u64, expires_at: Option<i64>, value: &[u8]) {
        let value = Bytes::copy_from_slice(value);
        let row = Row {
            version,
            expires_at,
            value,
        };
        self.rows.insert(at, row);
    }

    fn values(
        &mut self,
        plan: &Plan,
        home: &Home,
        position: u64,
        now_ms: i64,
        outcomes: &[Outcome],
    ) {
        let mut value = b"v".to_vec();
        value.extend_from_slice(&position.to_be_bytes());
        value.extend_from_slice(&now_ms.to_be_bytes());
        let number = outcomes.first().map(|outcome| outcome.number.to_be_bytes());
        value.extend(number.iter().flatten());
        let mut appended = outcomes.iter();
        for act in &plan.acts {
            let at = |at: RowAt| (home.clone(), at);
            match *act {
                Act::Put(n) => self.put(at(key(n)), position, None, &value),
                Act::PutUntil(n, end) => {
                    self.put(at(key(n)), position, Some(super::NOON_MS + end), &value);
                }
                Act::PutAt(n) => {
                    let mut place = key(n);
                    let later = number.unwrap_or(position.to_be_bytes());
                    place.key = [place.key.as_ref(), &later].concat().into();
                    self.put(at(place), position, None, &value);
                }
                Act::Delete(n) => {
                    self.rows.remove(&at(key(n)));
                }
                Act::Append(n, _) | Act::AppendLimited(n, _) => {
                    let seq = appended.next().expect("an outcome").number.cast_unsigned();
                    self.put(at(LOG.at(&vec![n % 2], seq)), position, None, &value);
                }
                Act::Add(..) => {
                    appended.next();
                }
                Act::Max(n, to) => {
                    let old = self.rows.get(&at(largest(n)));
                    if old.is_none_or(|row| crate::max_value(row).expect("a maximum").0 < to) {
                        let value = [to.to_be_bytes().as_slice(), &value].concat();
                        self.put(at(largest(n)), position, None, &value);
                    }
                }
                Act::Trim(n, _) => {
                    let (first, ..) = self.head(home, n % 2);
                    for seq in 1..first {
                        self.rows.remove(&at(LOG.at(&vec![n % 2], seq)));
                    }
                }
                _ => {}
            }
        }
    }
}

/// A delete takes a position even if the row is absent.
fn deletes(plan: &Plan) -> bool {
    plan.acts.iter().any(|act| matches!(act, Act::Delete(_)))
}

/// The answers of store and model are equal.
pub fn compare(
    plan: &Plan,
    stored: &Result<Committed, StoreError>,
    model: &Result<Vec<Outcome>, bool>,
) {
    match (stored, model) {
        (Ok(committed), Ok(outcomes)) => assert_eq!(committed.outcomes, *outcomes, "{plan:?}"),
        (Err(error), Err(lost)) => assert_eq!(error.lost_race(), *lost, "{plan:?}: {error:?}"),
        _ => panic!("{plan:?}: the store says {stored:?}, the model {model:?}"),
    }
}

/// A plan from random bits; the same bits give the same plan.
pub fn plan(bits: &mut impl FnMut() -> u64) -> Plan {
    let home = (bits() % 2) as u8;
    let later_ms = (bits() % 4) as i64;
    let acts = (0..=bits() % 5).map(|_| act(bits)).collect();
    Plan {
        home,
        acts,
        later_ms,
    }
}

fn act(bits: &mut impl FnMut() -> u64) -> Act {
    let n = bits() as u8;
    match bits() % 18 {
        0 | 1 => Act::Put(n),
        2 => Act::PutUntil(n, (bits() % 400) as i64),
        3 => Act::PutAt(n),
        4 => Act::Delete(n),
        5..=7 => Act::Append(n, !bits().is_multiple_of(3)),
        8 => Act::AppendLimited(n, bits() % 60),
        9 => Act::Trim(n, bits() % 40),
        10 | 11 => Act::Add(n, (bits() % 13) as i64 - 6),
        12 | 13 => Act::Max(n, bits() % 50),
        14 => Act::Absent(n),
        15 => Act::Present(n),
        16 => Act::Version(n, !bits().is_multiple_of(4)),
        _ => Act::AtMost((bits() % 12) as usize),
    }
}

/// A small generator of bits, the same for the same seed.
pub fn bits(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }
}
