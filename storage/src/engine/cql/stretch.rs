//! A log grows for years and a partition of the database should not: its entries are kept in stretches, each a
//! partition. Rows of other tables are all in stretch 0.

use bytes::Bytes;

use crate::contract::{Head, TableId};
use crate::limits::CqlLimits;

/// Which entries of logs lie together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretches {
    /// Entries of one stretch; the same for the whole life of a cluster.
    pub(super) entries: u64,
}

/// First and last stretch of a range.
pub(super) type Span = (u64, u64);

impl Stretches {
    pub(super) fn new(limits: &CqlLimits) -> Self {
        Self {
            entries: limits.log_entries.max(1),
        }
    }

    /// The stretch of a row. The key of an entry is its number, 8 bytes.
    pub(super) fn of(self, table: TableId, key: &[u8]) -> u64 {
        if !table.is_log() {
            return 0;
        }
        let mut seq = [0; 8];
        let known = key.len().min(8);
        seq[..known].copy_from_slice(&key[..known]);
        u64::from_be_bytes(seq) / self.entries
    }

    /// The stretches that the keys from `from` up to before `to` may lie in.
    pub(super) fn span(self, table: TableId, from: &[u8], to: Option<&Bytes>) -> Span {
        let last = match to {
            _ if !table.is_log() => 0,
            Some(to) => self.of(table, to),
            None => u64::MAX,
        };
        (self.of(table, from), last)
    }

    /// Of a span only what a log with this head has.
    pub(super) fn within(self, (first, last): Span, head: Head) -> Span {
        let (oldest, newest) = (head.first / self.entries, head.last / self.entries);
        (first.max(oldest), last.min(newest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::encode;

    const BY_FOUR: Stretches = Stretches { entries: 4 };
    const LOG: TableId = TableId::of_logs(300);

    #[test]
    fn entries_lie_in_stretches_and_other_rows_in_one() {
        let of = |seq: u64| BY_FOUR.of(LOG, &encode(&seq));
        assert_eq!([1, 3, 4, 7, 8].map(of), [0, 0, 1, 1, 2]);
        assert_eq!(of(u64::MAX), u64::MAX / 4);
        assert_eq!(BY_FOUR.of(TableId::new(300), &encode(&9_u64)), 0);
    }

    #[test]
    fn a_range_names_the_stretches_that_its_entries_may_lie_in() {
        let key = |seq: u64| encode(&seq);
        assert_eq!(BY_FOUR.span(LOG, &key(3), Some(&key(9))), (0, 2));
        assert_eq!(BY_FOUR.span(LOG, &[], None), (0, u64::MAX));
        assert_eq!(BY_FOUR.span(TableId::new(300), &key(9), None), (0, 0));
        let head = Head {
            first: 6,
            last: 17,
            count: 0,
        };
        assert_eq!(BY_FOUR.within((0, u64::MAX), head), (1, 4));
        assert_eq!(BY_FOUR.within((2, 3), head), (2, 3));
    }
}
