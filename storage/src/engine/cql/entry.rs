//! The bytes of a round in the journal.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::database::Token;
use crate::contract::{Home, RowAt, StoreError, TableId};
use crate::engine::{Round, RowWrite, layout};
use crate::reserved;

/// Format of an entry. A node that does not know a bucket's format must not own it.
pub(crate) const ENTRY_FORMAT: u64 = 1;

/// A round with the token under which it was appended.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) token: Token,
    pub(crate) round: Round,
}

#[derive(Serialize, Deserialize)]
struct EntryBytes {
    format: u64,
    epoch: u64,
    bits: (u64, u64),
    first: u64,
    last: u64,
    time_ms: i64,
    rows: Vec<RowBytes>,
    attempts: Bytes,
    effects: Bytes,
}

/// Home, table, whether it is one of logs, partition, key, bytes.
type RowBytes = (String, u16, bool, Bytes, Bytes, Option<Bytes>);

/// The two halves of random bits.
pub(crate) const fn halves(bits: u128) -> (u64, u64) {
    ((bits >> 64) as u64, bits as u64)
}

/// The bits of two halves.
pub(crate) fn joined((high, low): (u64, u64)) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

/// The bytes of a round; its rows in the order of their places, so that equal rounds have equal bytes.
pub(crate) fn encode(token: Token, round: &Round) -> Result<Bytes, StoreError> {
    let mut rows: Vec<RowBytes> = round
        .rows
        .iter()
        .map(|RowWrite { home, at, stored }| {
            let home = home.as_str().to_owned();
            let (partition, key) = (at.partition.clone(), at.key.clone());
            let (table, log) = (at.table.number(), at.table.is_log());
            (home, table, log, partition, key, stored.clone())
        })
        .collect();
    rows.sort_unstable();
    let entry = EntryBytes {
        format: ENTRY_FORMAT,
        epoch: token.epoch,
        bits: halves(token.bits),
        first: round.first,
        last: round.last,
        time_ms: round.time_ms,
        rows,
        attempts: layout::encode_attempts(round)?,
        effects: layout::encode_effects(round)?,
    };
    rmp_serde::to_vec(&entry)
        .map(Bytes::from)
        .map_err(|_| reserved::corrupt("round to write"))
}

/// Reads what [`encode`] wrote.
pub(crate) fn decode(stored: &[u8]) -> Result<Entry, StoreError> {
    let entry: EntryBytes =
        rmp_serde::from_slice(stored).map_err(|_| reserved::corrupt("entry of the journal"))?;
    if entry.format != ENTRY_FORMAT {
        return Err(reserved::corrupt("entry of a newer version"));
    }
    let row = |(home, table, log, partition, key, stored): RowBytes| RowWrite {
        home: Home::parse(&home),
        at: RowAt {
            table: if log {
                TableId::of_logs(table)
            } else {
                TableId::new(table)
            },
            partition,
            key,
        },
        stored,
    };
    Ok(Entry {
        token: Token {
            epoch: entry.epoch,
            bits: joined(entry.bits),
        },
        round: Round {
            first: entry.first,
            last: entry.last,
            time_ms: entry.time_ms,
            rows: entry.rows.into_iter().map(row).collect(),
            attempts: layout::decode_attempts(&entry.attempts)?,
            effects: layout::decode_effects(&entry.effects)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{AppliedCommit, Effect, Outcome};
    use crate::engine::{Attempt, AttemptId};

    #[test]
    fn a_round_is_read_back_as_it_was_written() {
        let home = Home::new("thing", 1);
        let at = |key: &'static [u8]| RowAt {
            table: TableId::new(300),
            partition: Bytes::from_static(b"p"),
            key: Bytes::from_static(key),
        };
        let row = |key, stored: Option<&'static [u8]>| RowWrite {
            home: home.clone(),
            at: at(key),
            stored: stored.map(Bytes::from_static),
        };
        let id = AttemptId {
            process: 7,
            number: 8,
        };
        let outcomes = vec![Outcome {
            number: -3,
            count: 2,
        }];
        let effect = Effect {
            ordinal: 0,
            kind: "a".to_owned(),
            payload: Bytes::from_static(b"x"),
        };
        let round = Round {
            first: 1_024,
            last: 1_025,
            time_ms: 5,
            rows: vec![row(b"k", None), row(b"", Some(b"v"))],
            attempts: vec![Attempt {
                id,
                position: 1_024,
                time_ms: 5,
                outcomes,
            }],
            effects: vec![AppliedCommit {
                position: 1_025,
                time_ms: 5,
                home: home.clone(),
                writes: Vec::new(),
                effects: vec![effect],
            }],
        };
        let token = Token {
            epoch: 3,
            bits: u128::MAX - 5,
        };
        let read = decode(&encode(token, &round).unwrap()).unwrap();
        assert_eq!((read.token, read.round.last), (token, 1_025));
        assert_eq!(read.round.attempts, round.attempts);
        assert_eq!(read.round.effects, round.effects);
        let keys: Vec<_> = read.round.rows.iter().map(|row| row.at.clone()).collect();
        assert_eq!(keys, [at(b""), at(b"k")]);
        assert!(decode(b"nonsense").is_err());
    }
}
