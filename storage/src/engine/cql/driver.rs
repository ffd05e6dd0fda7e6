//! The driver's answer to the protocol: [`Database`] on a real Apache Cassandra or ScyllaDB.
//!
//! All CQL text stands in `statements.rs` (what is sent while it runs) and `schema.rs` (tables). Conditional
//! statements are sent once, never again by the driver, to replicas in a fixed order; plain ones may be
//! repeated, since their timestamp is their position.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use scylla::client::session::Session;
use scylla::errors::{DbError, ExecutionError, RequestAttemptError};
use scylla::response::query_result::QueryResult;
use scylla::statement::batch::Batch;
use scylla::statement::prepared::PreparedStatement;
use scylla::value::{CqlValue, Row};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::database::{
    Answer, Beat, Bucket, Database, Failure, Guard, Mark, MarkKind, Server, TimedRow, Token,
};
use super::entry::ENTRY_FORMAT;
use super::stretch::Stretches;
use crate::contract::{Direction, Home, KeyRange, Partition};

mod connect;
mod options;
mod scan;
mod schema;
mod statements;
mod tls;

pub use options::{CqlLogin, CqlOptions};

pub(crate) use connect::connect;
use scan::{behind, lowest, stored_rows};
use statements::Statements;

/// The journal of this version; a cluster has one.
const JOURNAL: i32 = 0;

/// Rows read at once; a longer page is put together.
const READ_ROWS: usize = 500;

/// Keys asked for at once.
const READ_KEYS: usize = 100;

/// A session with its statements prepared.
pub(crate) struct Driver {
    session: Session,
    statements: Statements,
    incarnation: i64,
    stretches: Stretches,
}

fn signed(number: u64) -> i64 {
    number.cast_signed()
}

fn token_bytes(token: Token) -> Vec<u8> {
    token.bits.to_be_bytes().to_vec()
}

fn token(epoch: Option<i64>, bits: Option<Vec<u8>>) -> Answer<Token> {
    let bits = bits.and_then(|bits| bits.try_into().ok());
    match (epoch, bits) {
        (Some(epoch), Some(bits)) => Ok(Token {
            epoch: epoch.cast_unsigned(),
            bits: u128::from_be_bytes(bits),
        }),
        _ => Err(unreadable("a token")),
    }
}

fn unreadable(what: &str) -> Failure {
    Failure {
        not_done: true,
        lost_node: false,
        why: format!("the database answers without {what}"),
    }
}

/// What an error of the driver says about a statement. Only what was certainly refused before it was run
/// counts as not done; everything else may still run.
fn failure(error: &ExecutionError) -> Failure {
    use RequestAttemptError as Attempt;
    let not_done = matches!(
        error,
        ExecutionError::BadQuery(_)
            | ExecutionError::EmptyPlan
            | ExecutionError::PrepareError(_)
            | ExecutionError::ConnectionPoolError(_)
            | ExecutionError::LastAttemptError(
                Attempt::SerializationError(_)
                    | Attempt::CqlRequestSerialization(_)
                    | Attempt::UnableToAllocStreamId
                    | Attempt::DbError(
                        DbError::SyntaxError | DbError::Invalid | DbError::Unauthorized,
                        _
                    )
            )
    );
    let lost_node = matches!(
        error,
        ExecutionError::EmptyPlan
            | ExecutionError::ConnectionPoolError(_)
            | ExecutionError::LastAttemptError(Attempt::BrokenConnectionError(_))
    );
    Failure {
        not_done,
        lost_node,
        why: error.to_string(),
    }
}

/// The rows of an answer, decoded.
fn rows<R>(result: QueryResult, what: &str) -> Answer<Vec<R>>
where
    R: for<'frame, 'metadata> scylla::deserialize::row::DeserializeRow<'frame, 'metadata>,
{
    let rows = result.into_rows_result().map_err(|_| unreadable(what))?;
    let decoded = rows.rows::<R>().map_err(|_| unreadable(what))?;
    decoded
        .map(|row| row.map_err(|_| unreadable(what)))
        .collect()
}

/// Whether a conditional statement was applied: the first column of the first row; the others differ from
/// database to database. An answer that cannot be read leaves the outcome unknown.
fn applied(result: QueryResult) -> Answer<bool> {
    let unknown = || Failure {
        not_done: false,
        ..unreadable("saying whether it was applied")
    };
    let rows = result.into_rows_result().map_err(|_| unknown())?;
    let row = rows.maybe_first_row::<Row>().map_err(|_| unknown())?;
    let first = row.and_then(|row| row.columns.into_iter().next().flatten());
    match first {
        Some(CqlValue::Boolean(applied)) => Ok(applied),
        _ => Err(unknown()),
    }
}

impl Driver {
    async fn execute(
        &self,
        statement: &PreparedStatement,
        values: impl scylla::serialize::row::SerializeRow,
    ) -> Answer<QueryResult> {
        let result = self.session.execute_unpaged(statement, values).await;
        result.map_err(|error| failure(&error))
    }

    async fn batch(
        &self,
        batch: &Batch,
        values: impl scylla::serialize::batch::BatchValues,
    ) -> Answer<QueryResult> {
        let result = self.session.batch(batch, values).await;
        result.map_err(|error| failure(&error))
    }

    const fn place(&self, bucket: u64) -> (i64, i32, i64) {
        (self.incarnation, JOURNAL, bucket.cast_signed())
    }
}

const fn kind_name(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Applied => "applied",
        MarkKind::Effects => "effects",
        MarkKind::Dropped => "dropped",
    }
}

type BucketRow = (
    Option<i64>,
    Option<i64>,
    Option<Vec<u8>>,
    Option<bool>,
    Option<i32>,
);

#[async_trait]
impl Database for Driver {
    async fn bucket(&self, number: u64, serial: bool) -> Answer<Option<Bucket>> {
        let statement = if serial {
            &self.statements.bucket_serial
        } else {
            &self.statements.bucket
        };
        let result = self.execute(statement, self.place(number)).await?;
        let Some((next, epoch, bits, dropped, format)) =
            rows::<BucketRow>(result, "a guard")?.into_iter().next()
        else {
            return Ok(None);
        };
        let next = next.ok_or_else(|| unreadable("the position of a guard"))?;
        Ok(Some(Bucket {
            guard: Guard {
                next: next.cast_unsigned(),
                token: token(epoch, bits)?,
            },
            dropped: dropped.unwrap_or(false),
            format: format.map_or(u64::MAX, |format| u64::from(format.unsigned_abs())),
        }))
    }

    async fn create(&self, number: u64, guard: Guard) -> Answer<bool> {
        let (incarnation, journal, bucket) = self.place(number);
        let values = (
            incarnation,
            journal,
            bucket,
            signed(guard.next),
            signed(guard.token.epoch),
            token_bytes(guard.token),
            ENTRY_FORMAT as i32,
        );
        applied(self.execute(&self.statements.create, values).await?)
    }

    async fn raise(&self, number: u64, from: Guard, to: Token) -> Answer<bool> {
        let (incarnation, journal, bucket) = self.place(number);
        let values = (
            signed(to.epoch),
            token_bytes(to),
            incarnation,
            journal,
            bucket,
            signed(from.next),
            token_bytes(from.token),
        );
        applied(self.execute(&self.statements.raise, values).await?)
    }

    async fn append(&self, number: u64, from: Guard, next: u64, entry: Bytes) -> Answer<bool> {
        let (incarnation, journal, bucket) = self.place(number);
        let guard = (
            signed(next),
            incarnation,
            journal,
            bucket,
            signed(from.next),
            token_bytes(from.token),
        );
        let entry = (incarnation, journal, bucket, signed(from.next), entry);
        applied(self.batch(&self.statements.append, (guard, entry)).await?)
    }

    async fn drop_entries(&self, number: u64, guard: Guard) -> Answer<bool> {
        let (incarnation, journal, bucket) = self.place(number);
        let mark = (
            incarnation,
            journal,
            bucket,
            signed(guard.next),
            token_bytes(guard.token),
        );
        let entries = (incarnation, journal, bucket, 0_i64);
        applied(
            self.batch(&self.statements.drop_entries, (mark, entries))
                .await?,
        )
    }

    async fn entries(&self, number: u64, from: u64, limit: usize) -> Answer<Vec<(u64, Bytes)>> {
        let (incarnation, journal, bucket) = self.place(number);
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let values = (incarnation, journal, bucket, signed(from), limit);
        let result = self.execute(&self.statements.entries, values).await?;
        let found = rows::<(i64, Option<Bytes>)>(result, "an entry")?;
        let entry = |(first, bytes): (i64, Option<Bytes>)| {
            Ok((
                first.cast_unsigned(),
                bytes.ok_or_else(|| unreadable("an entry"))?,
            ))
        };
        found.into_iter().map(entry).collect()
    }

    async fn write(&self, batches: &[super::database::Batch]) -> Answer<()> {
        let rows = batches.iter().flat_map(|batch| {
            let table = batch.partition.table;
            let values = move |row: &TimedRow| {
                (
                    signed(row.position),
                    row.keep_s,
                    row.stored.clone(),
                    batch.home.as_str(),
                    i32::from(table.number()),
                    batch.partition.name.clone(),
                    signed(self.stretches.of(table, &row.key)),
                    row.key.clone(),
                )
            };
            batch.rows.iter().map(values)
        });
        let values: Vec<_> = rows.collect();
        if let [one] = values.as_slice() {
            return self.execute(&self.statements.write, one).await.map(|_| ());
        }
        let batch = self.statements.write_all(values.len());
        self.batch(&batch, values).await.map(|_| ())
    }

    async fn get(
        &self,
        home: &Home,
        partition: &Partition,
        keys: Vec<Bytes>,
    ) -> Answer<Vec<(Bytes, Bytes)>> {
        let table = i32::from(partition.table.number());
        let mut stretches: BTreeMap<u64, Vec<Bytes>> = BTreeMap::new();
        for key in keys {
            let stretch = self.stretches.of(partition.table, &key);
            stretches.entry(stretch).or_default().push(key);
        }
        let mut found = Vec::new();
        for (stretch, keys) in stretches {
            for keys in keys.chunks(READ_KEYS) {
                let name = partition.name.clone();
                let values = (home.as_str(), table, name, signed(stretch), keys.to_vec());
                let result = self.execute(&self.statements.get, values).await?;
                found.extend(stored_rows(result)?);
            }
        }
        Ok(found)
    }

    async fn scan(
        &self,
        home: &Home,
        partition: &Partition,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Answer<Vec<(Bytes, Bytes)>> {
        let (from, to) = (lowest(&range.from), behind(&range.to));
        let (first, last) = self.span(home, partition, &from, to.as_ref()).await?;
        let mut found: Vec<(Bytes, Bytes)> = Vec::new();
        let count = last.saturating_add(1).saturating_sub(first);
        for n in 0..count {
            let stretch = match direction {
                Direction::Forward => first + n,
                Direction::Backward => last - n,
            };
            let place = (home, partition, stretch);
            let page = self.scan_stretch(
                place,
                from.clone(),
                to.clone(),
                direction,
                limit - found.len(),
            );
            found.extend(page.await?);
            if found.len() >= limit {
                break;
            }
        }
        Ok(found)
    }

    async fn homes(&self, after: Option<&str>, limit: usize) -> Answer<Vec<String>> {
        let lost = |why: String| Failure {
            not_done: true,
            lost_node: false,
            why,
        };
        let pages = self.session.execute_iter(self.statements.homes.clone(), ());
        let pages = pages.await.map_err(|error| lost(error.to_string()))?;
        let mut names = pages
            .rows_stream::<(String, i32, Vec<u8>, i64)>()
            .map_err(|error| lost(error.to_string()))?;
        // The database gives them in the order of its hashes; only the smallest are kept.
        let mut smallest = BTreeSet::new();
        while let Some(name) = names.next().await {
            let (name, ..) = name.map_err(|error| lost(error.to_string()))?;
            if after.is_none_or(|after| name.as_str() > after) {
                smallest.insert(name);
                if smallest.len() > limit {
                    smallest.pop_last();
                }
            }
        }
        Ok(smallest.into_iter().collect())
    }

    async fn mark(&self, kind: MarkKind) -> Answer<Option<Mark>> {
        let values = (self.incarnation, JOURNAL, kind_name(kind));
        let result = self.execute(&self.statements.mark, values).await?;
        let row = rows::<(Option<i64>, Option<i64>)>(result, "a mark")?;
        Ok(row.into_iter().next().and_then(|(position, time_ms)| {
            Some(Mark {
                position: position?.cast_unsigned(),
                time_ms: time_ms?,
            })
        }))
    }

    async fn set_mark(&self, kind: MarkKind, mark: Mark) -> Answer<()> {
        let values = (
            signed(mark.position),
            signed(mark.position),
            mark.time_ms,
            self.incarnation,
            JOURNAL,
            kind_name(kind),
        );
        self.execute(&self.statements.set_mark, values)
            .await
            .map(|_| ())
    }

    async fn beat(&self, beat: Beat) -> Answer<()> {
        let values = (
            signed(beat.token.epoch),
            token_bytes(beat.token),
            signed(beat.count),
            beat.address,
            beat.free,
            self.incarnation,
            JOURNAL,
        );
        self.execute(&self.statements.beat, values)
            .await
            .map(|_| ())
    }

    async fn last_beat(&self) -> Answer<Option<Beat>> {
        let values = (self.incarnation, JOURNAL);
        let result = self.execute(&self.statements.last_beat, values).await?;
        type Found = (
            Option<i64>,
            Option<Vec<u8>>,
            Option<i64>,
            Option<String>,
            Option<bool>,
        );
        let found = rows::<Found>(result, "a beat")?.into_iter().next();
        let beat = |(epoch, bits, count, address, free): Found| {
            Ok(Beat {
                token: token(epoch, bits)?,
                count: count.unwrap_or(0).cast_unsigned(),
                address: address.unwrap_or_default(),
                free: free.unwrap_or(false),
            })
        };
        found.map(beat).transpose()
    }

    async fn servers(&self) -> Answer<Vec<Server>> {
        let values = (self.incarnation,);
        let result = self.execute(&self.statements.servers, values).await?;
        type Found = (String, Option<i64>, Option<String>, Option<i64>);
        let server = |(name, boot, address, beat): Found| Server {
            name,
            boot: boot.unwrap_or(0).cast_unsigned(),
            address: address.unwrap_or_default(),
            beat: beat.unwrap_or(0).cast_unsigned(),
        };
        let found = rows::<Found>(result, "the servers")?;
        Ok(found.into_iter().map(server).collect())
    }

    async fn note_server(&self, server: &Server) -> Answer<()> {
        let values = (
            signed(server.boot),
            server.address.as_str(),
            signed(server.beat),
            self.incarnation,
            server.name.as_str(),
        );
        self.execute(&self.statements.note_server, values)
            .await
            .map(|_| ())
    }

    async fn forget_server(&self, name: &str) -> Answer<()> {
        let values = (self.incarnation, name);
        self.execute(&self.statements.forget_server, values)
            .await
            .map(|_| ())
    }

    async fn pause(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

/// Shared by what opens a store.
pub(crate) type Connected = (Arc<Driver>, u64);
