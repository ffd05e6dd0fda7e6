//! The store's own tables inside every home (numbers 0 to 255) and the bytes of their rows.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::contract::{Committed, Head, Home, Outcome, Partition, Row, RowAt, StoreError, TableId};
use crate::key::{self, KeyPart};

/// Heads of logs: partition = table and name of the log, key empty.
const HEADS: TableId = TableId::new(1);
/// Answers kept for client ids: 256 partitions by hash of the id.
const CLIENTS: TableId = TableId::new(2);
/// Markers of `once`: partition = source and consumer, key empty.
const MARKERS: TableId = TableId::new(3);
/// Timers of a home by name.
const TIMERS: TableId = TableId::new(4);
/// All timers by time; in the home of the store itself.
const DUE: TableId = TableId::new(5);

/// Kind of the homes that belong to the store itself; `homes()` leaves them out.
pub(crate) const OWN_KIND: &str = "store";

/// The home of the timers by time.
pub(crate) fn timers_home() -> Home {
    Home::new(OWN_KIND, "timers")
}

/// Where the head of a log stands.
pub(crate) fn head_at(log: &Partition) -> RowAt {
    RowAt {
        table: HEADS,
        partition: key::encode(&(log.table.number(), log.name.to_vec())),
        key: Bytes::new(),
    }
}

/// True for the table that holds the heads of logs.
pub(crate) fn is_heads(table: TableId) -> bool {
    table == HEADS
}

/// True for the table that holds the answers kept for client ids.
pub(crate) fn is_client(table: TableId) -> bool {
    table == CLIENTS
}

pub(crate) fn encode_head(head: Head) -> Bytes {
    key::encode(&(head.first, head.last, head.count))
}

pub(crate) fn decode_head(row: Option<&Row>) -> Result<Head, StoreError> {
    let Some(row) = row else {
        return Ok(Head::EMPTY);
    };
    let (first, last, count) = key::decode(&row.value).map_err(|_| corrupt("head of a log"))?;
    Ok(Head { first, last, count })
}

pub(crate) fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(format!("the {what} cannot be read"))
}

/// A client id with everything that makes it one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClientId {
    /// Where its answer stands.
    pub(crate) at: RowAt,
    id: String,
    request_hash: [u8; 32],
    keep_ms: i64,
}

impl ClientId {
    pub(crate) fn new(
        scope: &str,
        author: &str,
        id: &str,
        request_hash: [u8; 32],
        keep_ms: i64,
    ) -> Self {
        let hash: [u8; 32] = Sha256::digest(id.as_bytes()).into();
        let at = RowAt {
            table: CLIENTS,
            partition: Bytes::copy_from_slice(&hash[..1]),
            key: key::encode(&(scope.to_owned(), author.to_owned(), id.to_owned())),
        };
        Self {
            at,
            id: id.to_owned(),
            request_hash,
            keep_ms,
        }
    }

    /// When an answer of now ends.
    pub(crate) const fn kept_until(&self, now_ms: i64) -> i64 {
        now_ms.saturating_add(self.keep_ms)
    }

    /// The stored answer; an error if it belongs to another request.
    pub(crate) fn answer(&self, row: &Row) -> Result<Committed, StoreError> {
        let kept: Kept = rmp_serde::from_slice(&row.value)
            .map_err(|_| corrupt("answer kept for a client id"))?;
        if kept.0 != self.request_hash {
            return Err(StoreError::ClientIdReused);
        }
        Ok(Committed {
            position: kept.1,
            time_ms: kept.2,
            outcomes: unpack(&kept.3),
            repeated: true,
            skipped: false,
        })
    }

    /// The row for an answer.
    pub(crate) fn keep(&self, answer: &Committed) -> Result<Bytes, StoreError> {
        let kept = Kept(
            self.request_hash,
            answer.position,
            answer.time_ms,
            pack(&answer.outcomes),
        );
        rmp_serde::to_vec(&kept)
            .map(Bytes::from)
            .map_err(|_| corrupt("answer to keep for a client id"))
    }

    /// True if the id is a UUID of version 7 whose own time is older than answers are kept.
    pub(crate) fn expired(&self, now_ms: i64) -> bool {
        uuid_v7_ms(&self.id).is_some_and(|made| made.saturating_add(self.keep_ms) < now_ms)
    }
}

#[derive(Serialize, Deserialize)]
struct Kept([u8; 32], u64, i64, Vec<(i64, u64)>);

pub(crate) fn pack(outcomes: &[Outcome]) -> Vec<(i64, u64)> {
    outcomes.iter().map(|o| (o.number, o.count)).collect()
}

pub(crate) fn unpack(outcomes: &[(i64, u64)]) -> Vec<Outcome> {
    let outcome = |&(number, count): &(i64, u64)| Outcome { number, count };
    outcomes.iter().map(outcome).collect()
}

/// The time in ms inside a UUID of version 7, with or without hyphens.
fn uuid_v7_ms(id: &str) -> Option<i64> {
    let hex: Vec<u8> = id.bytes().filter(|byte| *byte != b'-').collect();
    if hex.len() != 32 || hex[12] != b'7' || !hex.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    i64::from_str_radix(std::str::from_utf8(&hex[..12]).ok()?, 16).ok()
}

/// Where the marker of a consumer stands.
pub(crate) fn marker_at(source: &str, consumer: &str) -> RowAt {
    RowAt {
        table: MARKERS,
        partition: key::encode(&(source.to_owned(), consumer.to_owned())),
        key: Bytes::new(),
    }
}

/// Where a timer of a home stands.
pub(crate) fn timer_at(name: &str) -> RowAt {
    RowAt {
        table: TIMERS,
        partition: Bytes::new(),
        key: Bytes::copy_from_slice(name.as_bytes()),
    }
}

/// All timers by time.
pub(crate) fn due() -> Partition {
    Partition {
        table: DUE,
        name: Bytes::new(),
    }
}

/// Where a timer stands among all by time.
pub(crate) fn due_at(at_ms: i64, home: &Home, name: &str) -> RowAt {
    RowAt {
        table: DUE,
        partition: Bytes::new(),
        key: key::encode(&(at_ms, home.as_str().to_owned(), name.to_owned())),
    }
}

/// Time and payload of a timer's row.
pub(crate) fn decode_timer(row: &Row) -> Result<(i64, Bytes), StoreError> {
    let mut rest = row.value.as_ref();
    let at_ms = i64::decode(&mut rest).map_err(|_| corrupt("timer"))?;
    Ok((at_ms, row.value.slice(8..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_of_version_7_tells_its_time() {
        let id = "017F22E2-79B0-7CC3-98C4-DC0C0C07398F";
        assert_eq!(uuid_v7_ms(id), Some(1_645_557_742_000));
        assert_eq!(uuid_v7_ms(&id.replace('-', "")), Some(1_645_557_742_000));
        assert_eq!(uuid_v7_ms("017F22E2-79B0-4CC3-98C4-DC0C0C07398F"), None);
        assert_eq!(uuid_v7_ms("anything"), None);
    }
}
