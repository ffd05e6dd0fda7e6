//! Rows that the writer keeps in memory: nobody else writes, so what it read or wrote last is what stands in
//! the engine, and the rows that commits ask for again and again (heads of logs, members, cursors) are not read
//! for every round. Most of what a cluster's database did for a commit was reading them.
//!
//! Two halves: what is asked for moves to the young one; when that is full it becomes the old one, and the old
//! one is let go.

use std::collections::HashMap;

use crate::commit::Place;
use crate::contract::Row;

/// See the module. A place that is kept without a row is known to be empty.
pub(crate) struct Kept {
    young: HashMap<Place, Option<Row>>,
    old: HashMap<Place, Option<Row>>,
    young_bytes: usize,
    /// Of one half.
    rows_max: usize,
    bytes_max: usize,
}

/// Names, keys and bookkeeping of a kept row, in bytes; generous.
const ROW_BYTES: usize = 300;

impl Kept {
    /// Keeps at most `rows` rows and about `bytes` bytes.
    pub(crate) fn new(rows: usize, bytes: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            young_bytes: 0,
            rows_max: rows / 2,
            bytes_max: bytes / 2,
        }
    }

    /// True if the row is known.
    pub(crate) fn has(&self, place: &Place) -> bool {
        self.young.contains_key(place) || self.old.contains_key(place)
    }

    /// The row, if it is known.
    pub(crate) fn get(&mut self, place: &Place) -> Option<Option<Row>> {
        if let Some(row) = self.young.get(place) {
            return Some(row.clone());
        }
        let (place, row) = self.old.remove_entry(place)?;
        self.keep(place, row.clone());
        Some(row)
    }

    /// Keeps what was read.
    pub(crate) fn keep(&mut self, place: Place, row: Option<Row>) {
        let bytes = ROW_BYTES + row.as_ref().map_or(0, |row| row.value.len());
        if self.young.len() >= self.rows_max || self.young_bytes + bytes > self.bytes_max {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if bytes <= self.bytes_max && self.rows_max > 0 {
            self.old.remove(&place);
            // A row that takes another's place counts twice until the half is let go: more is never kept.
            self.young_bytes += bytes;
            self.young.insert(place, row);
        }
    }

    /// Takes over what was written, where it is kept: most rows are written once and never asked for.
    pub(crate) fn written(&mut self, place: Place, row: Option<Row>) {
        if self.has(&place) {
            // Too large to be kept, it must not leave the one before behind.
            self.young.remove(&place);
            self.old.remove(&place);
            self.keep(place, row);
        }
    }

    /// Knows nothing any more.
    pub(crate) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
        self.young_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Home, RowAt, TableId};
    use bytes::Bytes;

    fn place(n: u8) -> Place {
        let at = RowAt {
            table: TableId::new(300),
            partition: Bytes::new(),
            key: Bytes::copy_from_slice(&[n]),
        };
        (Home::new("thing", 1), at)
    }

    fn row(version: u64, length: usize) -> Option<Row> {
        Some(Row {
            version,
            expires_at: None,
            value: Bytes::from(vec![0; length]),
        })
    }

    #[test]
    fn what_was_written_last_is_known_where_it_was_asked_for() {
        let mut kept = Kept::new(100, 1 << 20);
        assert_eq!(kept.get(&place(1)), None);
        kept.written(place(1), row(7, 1));
        assert_eq!(kept.get(&place(1)), None, "nobody asked for it");
        kept.keep(place(1), None);
        assert_eq!(kept.get(&place(1)), Some(None), "it is known to be absent");
        kept.written(place(1), row(8, 1));
        assert_eq!(kept.get(&place(1)), Some(row(8, 1)));
        kept.written(place(1), None);
        assert_eq!(kept.get(&place(1)), Some(None));
        kept.clear();
        assert_eq!(kept.get(&place(1)), None);
    }

    #[test]
    fn what_is_asked_for_stays_and_the_rest_is_let_go() {
        let mut kept = Kept::new(8, 1 << 20);
        for n in 0..100 {
            kept.keep(place(n), row(1, 1));
            assert_eq!(kept.get(&place(0)), Some(row(1, 1)));
            assert!(kept.young.len() + kept.old.len() <= 8);
        }
        assert_eq!(kept.get(&place(50)), None);
        assert_eq!(kept.get(&place(99)), Some(row(1, 1)));
    }

    #[test]
    fn bytes_are_bounded_and_an_old_version_never_comes_back() {
        let mut kept = Kept::new(1_000, 8_000);
        for n in 0..100 {
            kept.keep(place(n), row(1, 1_000));
            assert!(kept.young.len() + kept.old.len() <= 6);
        }
        kept.keep(place(1), row(1, 1));
        kept.written(place(1), row(2, 5_000));
        assert_eq!(kept.get(&place(1)), None);
        for n in 0..255_u8 {
            // The row wanders between the halves and is written in both.
            kept.keep(place(1), row(u64::from(n), 1));
            kept.keep(place(2), row(1, 500));
            kept.written(place(1), row(u64::from(n) + 1, 1));
            assert_eq!(kept.get(&place(1)), Some(row(u64::from(n) + 1, 1)));
        }
    }
}
