//! Reading rows that have not ended.

use bytes::Bytes;

use crate::commit::ExpectRange;
use crate::contract::{Direction, Home, KeyRange, Partition, Row, StoreError};
use crate::engine::{Engine, decode_row};

pub(crate) fn is_alive(row: &Row, now_ms: i64) -> bool {
    row.expires_at.is_none_or(|end| end > now_ms)
}

/// Rows that have not ended; reads on behind those that have.
pub(crate) async fn scan(
    engine: &dyn Engine,
    home: &Home,
    partition: &Partition,
    mut range: KeyRange,
    direction: Direction,
    limit: usize,
    now_ms: i64,
) -> Result<Vec<(Bytes, Row)>, StoreError> {
    let mut found = Vec::new();
    while found.len() < limit && !range.is_empty() {
        let wanted = limit - found.len();
        let rows = engine
            .scan(home, partition, &range, direction, wanted)
            .await?;
        let short = rows.len() < wanted;
        if let Some((last, _)) = rows.last() {
            range = range.resume(last.clone(), direction);
        }
        for (key, stored) in rows {
            let row = decode_row(&stored)?;
            if is_alive(&row, now_ms) {
                found.push((key, row));
            }
        }
        if short {
            break;
        }
    }
    Ok(found)
}

/// The rows of an expected range, counted up to one more than expected.
pub(crate) async fn count(
    engine: &dyn Engine,
    home: &Home,
    range: &ExpectRange,
    now_ms: i64,
) -> Result<usize, StoreError> {
    let limit = range.at_most + 1;
    let keys = range.range.clone();
    let rows = scan(
        engine,
        home,
        &range.partition,
        keys,
        Direction::Forward,
        limit,
        now_ms,
    );
    Ok(rows.await?.len())
}
