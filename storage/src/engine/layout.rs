//! Keys and round rows of the engines that keep everything in one ordered map of bytes.
//!
//! The first byte is the area. Rows: area, home, table, partition, key, so that all of a home lies together
//! and homes are found by skipping from one to the next.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::ops::Bound;

use super::{Attempt, AttemptId, Round, RowWrite};
use crate::contract::{
    AppliedCommit, Effect, Home, KeyRange, Partition, RowAt, StoreError, prefix_end,
};
use crate::key::{escape, unescape};
use crate::reserved::{self, OWN_KIND, pack, unpack};

const AREA_META: u8 = 0;
const AREA_ATTEMPTS: u8 = 1;
const AREA_EFFECTS: u8 = 2;
const AREA_ROWS: u8 = 3;

/// The row that every round rewrites: last position and its time.
pub(crate) const LAST: [u8; 2] = [AREA_META, 0];
/// The row written when a store is created: format and incarnation.
pub(crate) const CREATED: [u8; 2] = [AREA_META, 1];

/// Format of everything an engine of this kind writes.
pub(crate) const FORMAT: u64 = 1;

fn home_prefix(home: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(home.len() + 64);
    out.push(AREA_ROWS);
    escape(home.as_bytes(), &mut out);
    out
}

fn partition_prefix(home: &Home, table: u16, partition: &[u8]) -> Vec<u8> {
    let mut out = home_prefix(home.as_str());
    out.extend_from_slice(&table.to_be_bytes());
    escape(partition, &mut out);
    out
}

/// The key of a row.
pub(crate) fn row_key(home: &Home, at: &RowAt) -> Vec<u8> {
    let mut out = partition_prefix(home, at.table.number(), &at.partition);
    out.extend_from_slice(&at.key);
    out
}

/// The stretch of keys of a range in a partition, and how many bytes stand before a row's own key.
pub(crate) fn range_keys(home: &Home, partition: &Partition, range: &KeyRange) -> (Stretch, usize) {
    let prefix = partition_prefix(home, partition.table.number(), &partition.name);
    let whole = |key: &Bytes| [prefix.as_slice(), key].concat();
    let from = match &range.from {
        Bound::Included(key) => Bound::Included(whole(key)),
        Bound::Excluded(key) => Bound::Excluded(whole(key)),
        Bound::Unbounded => Bound::Included(prefix.clone()),
    };
    let to = match &range.to {
        Bound::Included(key) => Bound::Included(whole(key)),
        Bound::Excluded(key) => Bound::Excluded(whole(key)),
        Bound::Unbounded => end_of(&prefix),
    };
    ((from, to), prefix.len())
}

/// A stretch of whole keys.
pub(crate) type Stretch = (Bound<Vec<u8>>, Bound<Vec<u8>>);

fn end_of(prefix: &[u8]) -> Bound<Vec<u8>> {
    prefix_end(prefix).map_or(Bound::Unbounded, |end| Bound::Excluded(end.to_vec()))
}

/// Where the next home after `after` begins to be looked for.
pub(crate) fn homes_from(after: Option<&str>) -> Stretch {
    let from = match after {
        Some(home) => match end_of(&home_prefix(home)) {
            Bound::Excluded(end) => Bound::Included(end),
            other => other,
        },
        None => Bound::Included(vec![AREA_ROWS]),
    };
    (from, Bound::Excluded(vec![AREA_ROWS + 1]))
}

/// True for the key of a row of a home.
pub(crate) fn is_row(key: &[u8]) -> bool {
    key.first() == Some(&AREA_ROWS)
}

/// True for what a backup holds: rows, and the effects that may still have to run.
pub(crate) fn is_kept(key: &[u8]) -> bool {
    matches!(key.first(), Some(&AREA_ROWS | &AREA_EFFECTS))
}

/// The part of a row's key that its home gives it.
pub(crate) fn home_part(key: &[u8]) -> &[u8] {
    let mut rest = key.get(1..).unwrap_or_default();
    let all = rest.len();
    match unescape(&mut rest) {
        Ok(_) => &key[..=all - rest.len()],
        Err(_) => key,
    }
}

/// The home of a row's key.
pub(crate) fn home_of(key: &[u8]) -> Result<String, StoreError> {
    let mut rest = key.get(1..).unwrap_or_default();
    unescape(&mut rest)
        .ok()
        .and_then(|home| String::from_utf8(home).ok())
        .ok_or_else(|| reserved::corrupt("home of a key"))
}

/// True if the home belongs to the store itself.
pub(crate) fn is_own(home: &str) -> bool {
    home.split_once(':')
        .is_some_and(|(kind, _)| kind == OWN_KIND)
}

/// A whole key and its bytes; nothing deletes.
pub(crate) type Entry = (Vec<u8>, Option<Bytes>);

/// Everything a round writes, in one list; nothing deletes.
pub(crate) fn round_entries(round: &Round) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::with_capacity(round.rows.len() + 3);
    entries.extend(round.rows.iter().map(row_entry));
    if !round.attempts.is_empty() {
        entries.push((attempts_key(round.first), Some(encode_attempts(round)?)));
    }
    if !round.effects.is_empty() {
        entries.push((effects_key(round.first), Some(encode_effects(round)?)));
    }
    let last = crate::key::encode(&(round.last, round.time_ms));
    entries.push((LAST.to_vec(), Some(last)));
    Ok(entries)
}

fn row_entry(row: &RowWrite) -> Entry {
    (row_key(&row.home, &row.at), row.stored.clone())
}

/// The key of the attempts of the round that begins at `first`.
pub(crate) fn attempts_key(first: u64) -> Vec<u8> {
    area_key(AREA_ATTEMPTS, first)
}

/// The key of the effects of the round that begins at `first`.
pub(crate) fn effects_key(first: u64) -> Vec<u8> {
    area_key(AREA_EFFECTS, first)
}

fn area_key(area: u8, first: u64) -> Vec<u8> {
    let mut key = vec![area];
    key.extend_from_slice(&first.to_be_bytes());
    key
}

/// The attempts of rounds that begin before `position`.
pub(crate) fn attempts_before(position: u64) -> Stretch {
    before(AREA_ATTEMPTS, position)
}

/// The effects of rounds that begin before `position`.
pub(crate) fn effects_before(position: u64) -> Stretch {
    before(AREA_EFFECTS, position)
}

fn before(area: u8, position: u64) -> Stretch {
    (
        Bound::Included(vec![area]),
        Bound::Excluded(area_key(area, position)),
    )
}

/// The effects of rounds that begin at `position` or later.
pub(crate) fn effects_from(position: u64) -> Stretch {
    from(AREA_EFFECTS, position)
}

fn from(area: u8, position: u64) -> Stretch {
    (
        Bound::Included(area_key(area, position)),
        Bound::Excluded(vec![area + 1]),
    )
}

/// Process, number, position, time, outcomes.
type AttemptBytes = (u64, u64, u64, i64, Vec<(i64, u64)>);

/// The attempts of a round in bytes.
pub(crate) fn encode_attempts(round: &Round) -> Result<Bytes, StoreError> {
    let attempts = round.attempts.iter();
    let attempts: Vec<AttemptBytes> = attempts
        .map(|a| {
            let outcomes = pack(&a.outcomes);
            (a.id.process, a.id.number, a.position, a.time_ms, outcomes)
        })
        .collect();
    to_bytes(&attempts)
}

/// Reads the attempts of a round.
pub(crate) fn decode_attempts(stored: &[u8]) -> Result<Vec<Attempt>, StoreError> {
    let attempts: Vec<AttemptBytes> =
        rmp_serde::from_slice(stored).map_err(|_| reserved::corrupt("attempts of a round"))?;
    let attempt = |(process, number, position, time_ms, outcomes): AttemptBytes| Attempt {
        id: AttemptId { process, number },
        position,
        time_ms,
        outcomes: unpack(&outcomes),
    };
    Ok(attempts.into_iter().map(attempt).collect())
}

/// The time of the newest attempt of a round.
pub(crate) fn newest_ms(stored: &[u8]) -> Result<i64, StoreError> {
    let attempts = decode_attempts(stored)?;
    Ok(attempts.last().map_or(0, |attempt| attempt.time_ms))
}

#[derive(Serialize, Deserialize)]
struct CommitBytes {
    position: u64,
    time_ms: i64,
    home: String,
    effects: Vec<(String, Bytes)>,
}

/// The effects of a round in bytes.
pub(crate) fn encode_effects(round: &Round) -> Result<Bytes, StoreError> {
    let commit = |commit: &AppliedCommit| CommitBytes {
        position: commit.position,
        time_ms: commit.time_ms,
        home: commit.home.as_str().to_owned(),
        effects: commit
            .effects
            .iter()
            .map(|effect| (effect.kind.clone(), effect.payload.clone()))
            .collect(),
    };
    to_bytes(&round.effects.iter().map(commit).collect::<Vec<_>>())
}

/// Reads the effects of a round.
pub(crate) fn decode_effects(stored: &[u8]) -> Result<Vec<AppliedCommit>, StoreError> {
    let commits: Vec<CommitBytes> =
        rmp_serde::from_slice(stored).map_err(|_| reserved::corrupt("effects of a round"))?;
    let effect = |(ordinal, (kind, payload)): (usize, (String, Bytes))| Effect {
        ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
        kind,
        payload,
    };
    let commit = |commit: CommitBytes| AppliedCommit {
        position: commit.position,
        time_ms: commit.time_ms,
        home: Home::parse(&commit.home),
        writes: Vec::new(),
        effects: commit.effects.into_iter().enumerate().map(effect).collect(),
    };
    Ok(commits.into_iter().map(commit).collect())
}

fn to_bytes<T: Serialize>(value: &T) -> Result<Bytes, StoreError> {
    rmp_serde::to_vec(value)
        .map(Bytes::from)
        .map_err(|_| reserved::corrupt("round to write"))
}
