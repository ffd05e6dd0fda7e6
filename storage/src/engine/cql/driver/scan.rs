//! Reading ranges of rows: page by page, and of a log stretch by stretch.

use bytes::Bytes;
use scylla::response::query_result::QueryResult;
use std::ops::Bound;

use super::{Driver, READ_ROWS, rows, signed, unreadable};
use crate::contract::{Direction, Home, Partition};
use crate::engine::cql::database::{Answer, Database};
use crate::engine::cql::stretch::Span;
use crate::engine::decode_row;
use crate::reserved;

impl Driver {
    /// The stretches that a scan has to read. Of a log that may lie in several its head says which there are.
    pub(super) async fn span(
        &self,
        home: &Home,
        partition: &Partition,
        from: &Bytes,
        to: Option<&Bytes>,
    ) -> Answer<Span> {
        let span = self.stretches.span(partition.table, from, to);
        if span.0 == span.1 {
            return Ok(span);
        }
        let at = reserved::head_at(partition);
        let heads = self.get(home, &at.partition(), vec![at.key]).await?;
        let unreadable = |_| unreadable("the head of a log");
        let row = heads.first().map(|(_, stored)| decode_row(stored));
        let row = row.transpose().map_err(unreadable)?;
        let head = reserved::decode_head(row.as_ref()).map_err(unreadable)?;
        Ok(self.stretches.within(span, head))
    }

    pub(super) async fn scan_stretch(
        &self,
        (home, partition, stretch): (&Home, &Partition, u64),
        mut from: Bytes,
        mut to: Option<Bytes>,
        direction: Direction,
        limit: usize,
    ) -> Answer<Vec<(Bytes, Bytes)>> {
        let table = i32::from(partition.table.number());
        let mut found: Vec<(Bytes, Bytes)> = Vec::new();
        loop {
            let wanted = (limit - found.len()).min(READ_ROWS);
            let most = i32::try_from(wanted).unwrap_or(i32::MAX);
            let name = partition.name.clone();
            let statement = self.statements.scan(direction, to.is_some());
            let home = home.as_str();
            let stretch = signed(stretch);
            let result = match to.clone() {
                Some(to) => {
                    let values = (home, table, name, stretch, from.clone(), to, most);
                    self.execute(statement, values).await?
                }
                None => {
                    let values = (home, table, name, stretch, from.clone(), most);
                    self.execute(statement, values).await?
                }
            };
            let page = stored_rows(result)?;
            let short = page.len() < wanted;
            if let Some((last, _)) = page.last() {
                match direction {
                    Direction::Forward => from = successor(last),
                    Direction::Backward => to = Some(last.clone()),
                }
            }
            found.extend(page);
            if short || found.len() >= limit {
                return Ok(found);
            }
        }
    }
}

pub(super) fn stored_rows(result: QueryResult) -> Answer<Vec<(Bytes, Bytes)>> {
    let found = rows::<(Bytes, Option<Bytes>)>(result, "a row")?;
    let there = found
        .into_iter()
        .filter_map(|(key, stored)| Some((key, stored?)));
    // An answer's rows share one buffer; a row that lives long must not keep the whole of it.
    Ok(there
        .map(|(key, stored)| {
            (
                Bytes::copy_from_slice(&key),
                Bytes::copy_from_slice(&stored),
            )
        })
        .collect())
}

/// The next key after this one.
pub(super) fn successor(key: &Bytes) -> Bytes {
    [key.as_ref(), &[0]].concat().into()
}

pub(super) fn lowest(from: &Bound<Bytes>) -> Bytes {
    match from {
        Bound::Included(key) => key.clone(),
        Bound::Excluded(key) => successor(key),
        Bound::Unbounded => Bytes::new(),
    }
}

pub(super) fn behind(to: &Bound<Bytes>) -> Option<Bytes> {
    match to {
        Bound::Included(key) => Some(successor(key)),
        Bound::Excluded(key) => Some(key.clone()),
        Bound::Unbounded => None,
    }
}
