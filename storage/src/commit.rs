//! What a commit is, which rows it names, and whether it is small enough. Pure.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::contract::{Home, KeyRange, Partition, RowAt, StoreError};
use crate::limits::Limits;
use crate::reserved::{self, ClientId};
use crate::value::{Later, Value};

mod evaluate;
mod overlay;
#[cfg(test)]
mod tests;

pub(crate) use evaluate::{Done, Moment, Verdict, evaluate};
pub(crate) use overlay::{Overlay, Place, Written};

/// A commit as it is sent to the writer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Commit {
    pub(crate) home: Home,
    pub(crate) client: Option<ClientId>,
    pub(crate) once: Option<Once>,
    pub(crate) expects: Vec<(RowAt, Expect)>,
    pub(crate) ranges: Vec<ExpectRange>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) effects: Vec<(String, Value)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Once {
    pub(crate) source: String,
    pub(crate) consumer: String,
    pub(crate) position: u64,
    pub(crate) ordinal: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Expect {
    Absent,
    Present,
    Version(u64),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ExpectRange {
    pub(crate) partition: Partition,
    pub(crate) range: KeyRange,
    pub(crate) at_most: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Operation {
    Put {
        at: RowAt,
        #[serde(with = "crate::value::later_as_part")]
        later: Option<Later>,
        value: Value,
        expires_at: Option<i64>,
    },
    Delete {
        at: RowAt,
    },
    Append {
        log: Partition,
        value: Value,
        counts: bool,
        at_most_last: Option<u64>,
    },
    /// Raises the first kept entry of a log and deletes the older ones.
    Trim {
        log: Partition,
        first: u64,
    },
    Add {
        at: RowAt,
        n: i64,
        min: Option<i64>,
        max: Option<i64>,
    },
    Max {
        at: RowAt,
        n: u64,
        with: Value,
    },
    Timer {
        at_ms: i64,
        name: String,
        payload: Value,
    },
    Cancel {
        name: String,
    },
}

impl Commit {
    pub(crate) const fn new(home: Home) -> Self {
        Self {
            home,
            client: None,
            once: None,
            expects: Vec::new(),
            ranges: Vec::new(),
            operations: Vec::new(),
            effects: Vec::new(),
        }
    }

    /// The rows that must be known before it can be evaluated.
    pub(crate) fn named(&self) -> impl Iterator<Item = RowAt> {
        let first = self.client.iter().map(|client| client.at.clone());
        let once = self.once.iter();
        let once = once.map(|once| reserved::marker_at(&once.source, &once.consumer));
        let expects = self.expects.iter().map(|(at, _)| at.clone());
        let operations = self.operations.iter().filter_map(Operation::named);
        first.chain(once).chain(expects).chain(operations)
    }

    /// Keys and values in bytes: what the commit weighs in queue and round.
    pub(crate) fn bytes(&self) -> usize {
        let rows: usize = self.operations.iter().map(Operation::bytes).sum();
        let effects = self.effects.iter();
        let effects: usize = effects.map(|(kind, value)| kind.len() + value.len()).sum();
        let expects = self.expects.iter();
        let expects: usize = expects.map(|(at, _)| row_bytes(at)).sum();
        let client = self.client.as_ref();
        let client = client.map_or(0, |client| row_bytes(&client.at));
        self.home.as_str().len() + rows + effects + expects + client
    }

    /// Refuses what no engine takes, before it reaches the writer.
    pub(crate) fn check(&self, limits: &Limits) -> Result<(), StoreError> {
        check_home(&self.home, limits)?;
        let operations =
            self.operations.len() + self.expects.len() + self.ranges.len() + self.effects.len();
        at_most(
            "a commit's operations",
            operations,
            limits.commit_operations,
        )?;
        at_most("a commit", self.bytes(), limits.commit_bytes)?;
        for operation in &self.operations {
            operation.check(limits)?;
        }
        for (at, _) in &self.expects {
            check_row(at, limits)?;
        }
        for range in &self.ranges {
            at_most(
                "a partition's name",
                range.partition.name.len(),
                limits.key_bytes,
            )?;
            at_most(
                "the bound of an expected range",
                range.at_most,
                limits.range_rows,
            )?;
        }
        for (kind, payload) in &self.effects {
            at_most("the kind of an effect", kind.len(), limits.key_bytes)?;
            at_most(
                "the payload of an effect",
                payload.len(),
                limits.effect_bytes,
            )?;
        }
        if let Some(client) = &self.client {
            check_row(&client.at, limits)?;
        }
        if let Some(once) = &self.once {
            check_row(&reserved::marker_at(&once.source, &once.consumer), limits)?;
        }
        Ok(())
    }
}

impl Operation {
    /// The row that the result depends on.
    fn named(&self) -> Option<RowAt> {
        match self {
            Self::Put { .. } | Self::Delete { .. } => None,
            Self::Append { log, .. } | Self::Trim { log, .. } => Some(reserved::head_at(log)),
            Self::Add { at, .. } | Self::Max { at, .. } => Some(at.clone()),
            Self::Timer { name, .. } | Self::Cancel { name } => Some(reserved::timer_at(name)),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Put { at, value, .. } => row_bytes(at) + value.len() + 8,
            Self::Delete { at } | Self::Add { at, .. } => row_bytes(at) + 8,
            Self::Append { log, value, .. } => 2 * log.name.len() + value.len() + 40,
            Self::Trim { log, .. } => 2 * log.name.len() + 40,
            Self::Max { at, with, .. } => row_bytes(at) + with.len() + 8,
            Self::Timer { name, payload, .. } => 2 * name.len() + payload.len() + 40,
            Self::Cancel { name } => 2 * name.len() + 40,
        }
    }

    fn check(&self, limits: &Limits) -> Result<(), StoreError> {
        let value_fits = |value: &Value| at_most("a value", value.len(), limits.value_bytes);
        match self {
            Self::Put {
                at, later, value, ..
            } => {
                check_row(at, limits)?;
                let key = at.key.len() + if later.is_some() { 8 } else { 0 };
                at_most("a key", key, limits.key_bytes)?;
                check_entry(at, key)?;
                value_fits(value)
            }
            Self::Delete { at } => {
                check_row(at, limits)?;
                check_entry(at, at.key.len())
            }
            Self::Add { at, .. } => {
                check_row(at, limits)?;
                check_no_log(at)
            }
            Self::Append { log, value, .. } => {
                check_log(log, limits)?;
                value_fits(value)
            }
            Self::Trim { log, .. } => check_log(log, limits),
            Self::Max { at, with, .. } => {
                check_row(at, limits)?;
                check_no_log(at)?;
                at_most("a value", with.len() + 8, limits.value_bytes)
            }
            Self::Timer { name, payload, .. } => {
                check_timer(name, limits)?;
                at_most("the payload of a timer", payload.len(), limits.effect_bytes)
            }
            Self::Cancel { name } => check_timer(name, limits),
        }
    }
}

fn invalid(what: &str) -> StoreError {
    StoreError::Invalid {
        what: what.to_owned(),
    }
}

/// Engines tell logs by their table.
fn check_log(log: &Partition, limits: &Limits) -> Result<(), StoreError> {
    if !log.table.is_log() {
        return Err(invalid("a table of rows has no logs"));
    }
    // The head's partition repeats table and name, escaped.
    check_row(&reserved::head_at(log), limits)
}

/// The rows of a log are its entries, and their keys the numbers.
fn check_entry(at: &RowAt, key: usize) -> Result<(), StoreError> {
    if at.table.is_log() && key != size_of::<u64>() {
        return Err(invalid("the key of a log's entry is its number"));
    }
    Ok(())
}

fn check_no_log(at: &RowAt) -> Result<(), StoreError> {
    if at.table.is_log() {
        return Err(invalid("an entry of a log holds no sum and no maximum"));
    }
    Ok(())
}

/// The name stands in a key together with a home and a time.
fn check_timer(name: &str, limits: &Limits) -> Result<(), StoreError> {
    let limit = limits.key_bytes.saturating_sub(2 * limits.home_bytes + 16);
    at_most("the name of a timer", name.len(), limit)
}

fn row_bytes(at: &RowAt) -> usize {
    at.partition.len() + at.key.len() + 2
}

pub(crate) fn at_most(what: &'static str, got: usize, limit: usize) -> Result<(), StoreError> {
    if got > limit {
        let what = what.into();
        return Err(StoreError::TooLarge { what, limit, got });
    }
    Ok(())
}

pub(crate) fn check_home(home: &Home, limits: &Limits) -> Result<(), StoreError> {
    at_most("the name of a home", home.as_str().len(), limits.home_bytes)?;
    if home.as_str().is_empty() {
        return Err(StoreError::Invalid {
            what: "a home has no name".to_owned(),
        });
    }
    Ok(())
}

pub(crate) fn check_row(at: &RowAt, limits: &Limits) -> Result<(), StoreError> {
    at_most("a partition's name", at.partition.len(), limits.key_bytes)?;
    at_most("a key", at.key.len(), limits.key_bytes)
}

/// The number in a row that `max` writes, and its payload.
///
/// # Errors
/// [`StoreError::Corrupt`] when `max` did not write the row.
pub fn max_value(row: &crate::Row) -> Result<(u64, Bytes), StoreError> {
    let n = row.value.first_chunk().ok_or_else(|| {
        StoreError::Corrupt("a row written by max is shorter than its number".to_owned())
    })?;
    Ok((u64::from_be_bytes(*n), row.value.slice(8..)))
}

/// The sum in a row that `add` writes.
///
/// # Errors
/// [`StoreError::Corrupt`] when `add` did not write the row.
pub fn sum_value(row: &crate::Row) -> Result<i64, StoreError> {
    let sum: [u8; 8] = row
        .value
        .as_ref()
        .try_into()
        .map_err(|_| StoreError::Corrupt("a row written by add is no number".to_owned()))?;
    Ok(i64::from_be_bytes(sum))
}
