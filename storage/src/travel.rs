//! What servers of a cluster ask and answer each other about commits, as bytes (`MessagePack`).

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::commit::Commit;
use crate::contract::{Committed, StoreError};
use crate::engine::AttemptId;
use crate::writer::Sending;

/// A commit on its way to the writer of another server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) commit: Commit,
    pub(crate) attempt: AttemptId,
    pub(crate) sending: Sending,
    pub(crate) seen: u64,
}

/// The same, borrowed.
#[derive(Serialize)]
pub(crate) struct Asking<'a> {
    pub(crate) commit: &'a Commit,
    pub(crate) attempt: AttemptId,
    pub(crate) sending: Sending,
    pub(crate) seen: u64,
}

/// What a server says to a [`Question`].
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reply {
    /// The term of its writer now; 0 while it has none.
    #[serde(with = "term")]
    pub(crate) term: u128,
    /// Position of the newest commit it knows.
    pub(crate) last: u64,
    pub(crate) answer: Result<Committed, StoreError>,
}

fn unreadable<T>(_: T) -> StoreError {
    StoreError::Corrupt("what another server says cannot be read".to_owned())
}

pub(crate) fn encode<T: Serialize>(said: &T) -> Result<Bytes, StoreError> {
    rmp_serde::to_vec(said).map(Bytes::from).map_err(unreadable)
}

pub(crate) fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    rmp_serde::from_slice(bytes).map_err(unreadable)
}

/// A term as two numbers: `MessagePack` has none of 128 bits.
pub(crate) mod term {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(term: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        let halves = ((term >> 64) as u64, *term as u64);
        halves.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<u128, D::Error> {
        let (high, low) = <(u64, u64)>::deserialize(deserializer)?;
        Ok(u128::from(high) << 64 | u128::from(low))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::{Expect, ExpectRange, Once, Operation};
    use crate::contract::{Home, KeyRange, Outcome, Partition, RowAt, TableId};
    use crate::reserved::ClientId;
    use crate::value::{Later, Part, Value};
    use std::ops::Bound;

    fn at(key: &'static [u8]) -> RowAt {
        RowAt {
            table: TableId::new(300),
            partition: Bytes::from_static(b"p\0\xFF"),
            key: Bytes::from_static(key),
        }
    }

    /// Every kind of operation.
    fn operations(log: &Partition, value: &Value) -> Vec<Operation> {
        let laters = [
            None,
            Some(Later::Known(u64::MAX)),
            Some(Later::SeqOf(3)),
            Some(Later::CountOf(4)),
            Some(Later::SumOf(5)),
            Some(Later::Position),
            Some(Later::Time),
        ];
        let puts = laters.into_iter().map(|later| Operation::Put {
            at: at(b"put"),
            later,
            value: value.clone(),
            expires_at: Some(i64::MIN),
        });
        let mut operations: Vec<_> = puts.collect();
        operations.extend([
            Operation::Delete { at: at(b"d") },
            Operation::Append {
                log: log.clone(),
                value: value.clone(),
                counts: true,
                at_most_last: Some(1),
            },
            Operation::Trim {
                log: log.clone(),
                first: 2,
            },
            Operation::Add {
                at: at(b"n"),
                n: i64::MIN,
                min: Some(-1),
                max: None,
            },
            Operation::Max {
                at: at(b"m"),
                n: 1,
                with: value.clone(),
            },
            Operation::Timer {
                at_ms: 1,
                name: "t".to_owned(),
                payload: value.clone(),
            },
            Operation::Cancel {
                name: "t".to_owned(),
            },
        ]);
        operations
    }

    /// Every kind of operation, expectation and part.
    fn everything() -> Commit {
        let log = Partition {
            table: TableId::of_logs(301),
            name: Bytes::from_static(b"log"),
        };
        let parts = vec![
            Part::Bytes(Bytes::from_static(b"\xC1\0")),
            Part::SeqOf(0),
            Part::CountOf(1),
            Part::SumOf(2),
            Part::Position,
            Part::Time,
        ];
        let value = Value::parts(parts);
        let mut commit = Commit::new(Home::new("thing", "重庆"));
        commit.client = Some(ClientId::new("scope", "author", "id", [7; 32], -1));
        commit.once = Some(Once {
            source: "s".to_owned(),
            consumer: "c".to_owned(),
            position: u64::MAX,
            ordinal: u32::MAX,
        });
        commit.expects = vec![
            (at(b"1"), Expect::Absent),
            (at(b"2"), Expect::Present),
            (at(b"3"), Expect::Version(9)),
        ];
        commit.ranges = vec![ExpectRange {
            partition: log.clone(),
            range: KeyRange {
                from: Bound::Excluded(Bytes::from_static(b"a")),
                to: Bound::Unbounded,
            },
            at_most: 3,
        }];
        commit.operations = operations(&log, &value);
        commit.effects = vec![("kind".to_owned(), value)];
        commit
    }

    #[test]
    fn a_commit_arrives_as_it_was_sent() {
        let commit = everything();
        let sending = Sending {
            number: 3,
            term: u128::MAX - 1,
        };
        let attempt = AttemptId {
            process: u64::MAX,
            number: 1,
        };
        let asked = encode(&Asking {
            commit: &commit,
            attempt,
            sending,
            seen: 8,
        });
        let came: Question = decode(&asked.unwrap()).unwrap();
        assert_eq!(format!("{:?}", came.commit), format!("{commit:?}"));
        assert_eq!(
            (came.attempt, came.sending, came.seen),
            (attempt, sending, 8)
        );
    }

    #[test]
    fn an_answer_arrives_as_it_was_given() {
        let answers = [
            Ok(Committed {
                position: 1_024,
                time_ms: -1,
                outcomes: vec![Outcome {
                    number: i64::MIN,
                    count: 2,
                }],
                repeated: true,
                skipped: false,
            }),
            Err(StoreError::Limit {
                what: "the log".into(),
                limit: 3,
            }),
            Err(StoreError::Conflict {
                what: "x".to_owned(),
            }),
            Err(StoreError::Moved),
        ];
        for answer in answers {
            let reply = Reply {
                term: 1 << 100,
                last: 7,
                answer,
            };
            let came: Reply = decode(&encode(&reply).unwrap()).unwrap();
            assert_eq!(came, reply);
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        assert!(decode::<Question>(b"\xC1").is_err());
        assert!(decode::<Reply>(b"").is_err());
    }
}
