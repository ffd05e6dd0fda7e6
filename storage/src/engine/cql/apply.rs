//! Which plain writes make a round visible: one batch a partition, every row with the position of its commit
//! as timestamp, of several writes of one row only the last.

use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

use super::database::{Batch, TimedRow};
use super::stretch::Stretches;
use crate::contract::{Home, Partition};
use crate::engine::{Round, decode_row};
use crate::reserved;

/// A row is deleted instead of written when it ended this long ago, and the database keeps it this long
/// behind its end: clocks may be wrong for a while.
const GRACE_MS: i64 = 3_600_000;

/// The database refuses a longer life (20 years); such a row is kept for ever and filtered by readers.
const KEEP_MAX_S: i64 = 20 * 365 * 86_400;

/// The writes of some rounds, gathered.
#[derive(Debug, Default)]
pub(super) struct Batches {
    rows: BTreeMap<(Home, Partition), BTreeMap<Bytes, TimedRow>>,
    bytes: usize,
}

impl Batches {
    /// Adds a round; it must be later than those added before.
    pub(super) fn add(&mut self, round: &Round, now_ms: i64) {
        for row in &round.rows {
            let read = row
                .stored
                .as_ref()
                .and_then(|stored| decode_row(stored).ok());
            let (position, end) = match &read {
                Some(read) => (read.version, read.expires_at),
                // The next commit is behind the round, so its last position is as good as the own one.
                None => (round.last, None),
            };
            let ended = end.is_some_and(|end| end < now_ms - GRACE_MS);
            let timed = TimedRow {
                key: row.at.key.clone(),
                stored: row.stored.clone().filter(|_| !ended),
                position,
                keep_s: end.filter(|_| !ended).map_or(0, |end| keep_s(end - now_ms)),
            };
            self.bytes += timed.key.len() + timed.stored.as_ref().map_or(0, Bytes::len) + 32;
            let place = (row.home.clone(), row.at.partition());
            self.rows
                .entry(place)
                .or_default()
                .insert(timed.key.clone(), timed);
        }
    }

    /// About how much was added.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The batches in waves: all of a wave may be sent at once, a wave only after the one before. A
    /// partition whose rows are too many for one batch takes several waves, smaller keys first, so that the
    /// older part of a log is visible before its newer part. The heads of logs come behind that, and behind
    /// them the entries that are taken away: no reader misses an entry that the head he reads names. A batch
    /// stays inside one stretch of a log.
    pub(super) fn into_writes(self, batch_bytes: usize, stretches: Stretches) -> Vec<Vec<Batch>> {
        let (heads, mut others): (Vec<_>, Vec<_>) = self
            .rows
            .into_iter()
            .partition(|((_, partition), _)| reserved::is_heads(partition.table));
        let logs: BTreeSet<(Home, Bytes)> = heads
            .iter()
            .map(|((home, head), _)| (home.clone(), head.name.clone()))
            .collect();
        let mut taken = Vec::new();
        for (place, rows) in &mut others {
            let head = reserved::head_at(&place.1).partition;
            if logs.contains(&(place.0.clone(), head)) {
                let (written, gone) = std::mem::take(rows)
                    .into_iter()
                    .partition(|(_, row)| row.stored.is_some());
                *rows = written;
                taken.push((place.clone(), gone));
            }
        }
        let mut writes = waves(others, batch_bytes, stretches);
        writes.extend(waves(heads, batch_bytes, stretches));
        writes.extend(waves(taken, batch_bytes, stretches));
        writes
    }
}

/// Batches that are sent as one: a request costs the database more than the rows in it. It warns of more
/// partitions in one than this, or of more bytes, and refuses ten times as many bytes.
const GROUP_PARTITIONS: usize = 10;
const GROUP_BYTES: usize = 4 << 10;

/// The batches of a wave in groups, in their order.
pub(super) fn groups(wave: Vec<Batch>) -> Vec<Vec<Batch>> {
    let mut groups: Vec<Vec<Batch>> = Vec::new();
    let mut bytes = 0;
    for batch in wave {
        let rows = batch.rows.iter();
        let length: usize = rows.map(|row| row_bytes(&batch, row)).sum();
        match groups.last_mut() {
            Some(group) if group.len() < GROUP_PARTITIONS && bytes + length <= GROUP_BYTES => {
                bytes += length;
                group.push(batch);
            }
            _ => {
                bytes = length;
                groups.push(vec![batch]);
            }
        }
    }
    groups
}

/// About what the database counts.
fn row_bytes(batch: &Batch, row: &TimedRow) -> usize {
    let place = batch.home.as_str().len() + batch.partition.name.len();
    place + row.key.len() + row.stored.as_ref().map_or(0, Bytes::len) + 32
}

/// The rows of a partition by their keys.
type Gathered = ((Home, Partition), BTreeMap<Bytes, TimedRow>);

fn waves(partitions: Vec<Gathered>, batch_bytes: usize, stretches: Stretches) -> Vec<Vec<Batch>> {
    let mut waves: Vec<Vec<Batch>> = Vec::new();
    for ((home, partition), rows) in partitions {
        let (mut wave, mut bytes, mut batch, mut stretch) = (0, 0, Vec::new(), 0);
        let mut cut = |wave: usize, rows: Vec<TimedRow>| {
            if waves.len() <= wave {
                waves.push(Vec::new());
            }
            waves[wave].push(Batch {
                home: home.clone(),
                partition: partition.clone(),
                rows,
            });
        };
        for row in rows.into_values() {
            let length = row.key.len() + row.stored.as_ref().map_or(0, Bytes::len) + 32;
            let of = stretches.of(partition.table, &row.key);
            if !batch.is_empty() && (bytes + length > batch_bytes || of != stretch) {
                cut(wave, std::mem::take(&mut batch));
                (wave, bytes) = (wave + 1, 0);
            }
            stretch = of;
            bytes += length;
            batch.push(row);
        }
        if !batch.is_empty() {
            cut(wave, batch);
        }
    }
    waves
}

fn keep_s(rest_ms: i64) -> i32 {
    let seconds = (rest_ms.max(0) + GRACE_MS).div_euclid(1_000) + 1;
    if seconds > KEEP_MAX_S {
        return 0;
    }
    i32::try_from(seconds).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Row, RowAt, TableId};
    use crate::engine::{RowWrite, encode_row};

    const STRETCHES: Stretches = Stretches { entries: 4 };

    fn write(key: &'static [u8], version: u64, end: Option<i64>) -> RowWrite {
        let row = Row {
            version,
            expires_at: end,
            value: Bytes::from(vec![1; 100]),
        };
        RowWrite {
            home: Home::new("thing", 1),
            at: RowAt {
                table: TableId::new(300),
                partition: Bytes::from_static(b"p"),
                key: Bytes::from_static(key),
            },
            stored: (version > 0).then(|| encode_row(&row)),
        }
    }

    fn round(last: u64, rows: Vec<RowWrite>) -> Round {
        Round {
            first: last,
            last,
            time_ms: 0,
            rows,
            attempts: Vec::new(),
            effects: Vec::new(),
        }
    }

    #[test]
    fn the_last_write_of_a_row_counts_with_its_own_position() {
        let mut batches = Batches::default();
        batches.add(
            &round(
                2_000,
                vec![write(b"a", 1_999, None), write(b"b", 2_000, None)],
            ),
            0,
        );
        batches.add(&round(2_001, vec![write(b"a", 0, None)]), 0);
        let writes = batches.into_writes(1 << 20, STRETCHES);
        let rows: Vec<_> = writes[0][0]
            .rows
            .iter()
            .map(|row| (row.key.as_ref(), row.stored.is_some(), row.position))
            .collect();
        assert_eq!(rows, [(&b"a"[..], false, 2_001), (&b"b"[..], true, 2_000)]);
    }

    #[test]
    fn a_large_partition_is_written_in_waves_smaller_keys_first() {
        let mut batches = Batches::default();
        let rows = vec![
            write(b"c", 9, None),
            write(b"a", 9, None),
            write(b"b", 9, None),
        ];
        batches.add(&round(9, rows), 0);
        let waves = batches.into_writes(200, STRETCHES);
        let keys: Vec<Vec<_>> = waves
            .iter()
            .map(|wave| {
                wave.iter()
                    .flat_map(|b| b.rows.iter().map(|r| r.key.clone()))
                    .collect()
            })
            .collect();
        assert_eq!(
            keys,
            [
                vec![Bytes::from_static(b"a")],
                vec![Bytes::from_static(b"b")],
                vec![Bytes::from_static(b"c")]
            ]
        );
    }

    #[test]
    fn the_older_stretch_of_a_log_is_written_before_the_newer() {
        let entry = |seq: u64| RowWrite {
            at: RowAt {
                table: TableId::of_logs(300),
                partition: Bytes::from_static(b"p"),
                key: crate::key::encode(&seq),
            },
            ..write(b"", 9, None)
        };
        let mut batches = Batches::default();
        batches.add(&round(9, [5, 3, 4, 2].map(entry).to_vec()), 0);
        let waves = batches.into_writes(1 << 20, STRETCHES);
        let rows: Vec<_> = waves
            .iter()
            .map(|wave| (wave.len(), wave[0].rows.len()))
            .collect();
        assert_eq!(rows, [(1, 2), (1, 2)]);
        assert_eq!(waves[0][0].rows[0].key, crate::key::encode(&2_u64));
    }

    #[test]
    fn the_head_of_a_log_is_written_after_its_entries() {
        let log = Partition {
            table: TableId::new(300),
            name: Bytes::from_static(b"p"),
        };
        let head = RowWrite {
            at: reserved::head_at(&log),
            ..write(b"", 9, None)
        };
        for rows in [vec![head.clone(), write(b"a", 9, None)], vec![head]] {
            let waves_wanted = rows.len();
            let mut batches = Batches::default();
            batches.add(&round(9, rows), 0);
            let waves = batches.into_writes(1 << 20, STRETCHES);
            assert_eq!(waves.len(), waves_wanted);
            let last = &waves[waves_wanted - 1];
            assert!(last.len() == 1 && reserved::is_heads(last[0].partition.table));
        }
    }

    #[test]
    fn entries_are_taken_away_after_the_head_of_their_log() {
        let log = Partition {
            table: TableId::new(300),
            name: Bytes::from_static(b"p"),
        };
        let head = RowWrite {
            at: reserved::head_at(&log),
            ..write(b"", 9, None)
        };
        let mut batches = Batches::default();
        batches.add(
            &round(9, vec![write(b"a", 0, None), head, write(b"b", 9, None)]),
            0,
        );
        let waves = batches.into_writes(1 << 20, STRETCHES);
        let keys: Vec<_> = waves
            .iter()
            .map(|wave| (wave.len(), wave[0].rows[0].key.as_ref()))
            .collect();
        assert_eq!(keys, [(1, &b"b"[..]), (1, b""), (1, b"a")]);
    }

    #[test]
    fn the_database_keeps_a_row_an_hour_longer_and_never_more_than_twenty_years() {
        let mut batches = Batches::default();
        let now_ms = 10 * GRACE_MS;
        let rows = vec![
            write(b"a", 9, Some(now_ms + 5_000)),
            write(b"b", 9, Some(now_ms - GRACE_MS)),
            write(b"c", 9, Some(now_ms - GRACE_MS - 1)),
            write(b"d", 9, Some(i64::MAX / 2)),
            write(b"e", 9, None),
        ];
        batches.add(&round(9, rows), now_ms);
        let writes = batches.into_writes(1 << 20, STRETCHES);
        let kept: Vec<_> = writes[0][0]
            .rows
            .iter()
            .map(|row| (row.stored.is_some(), row.keep_s))
            .collect();
        assert_eq!(
            kept,
            [
                (true, 3_606),
                (true, 3_601),
                (false, 0),
                (true, 0),
                (true, 0)
            ]
        );
    }

    #[test]
    fn small_batches_are_sent_together_and_large_ones_alone() {
        let batch = |name: u8, bytes: usize| Batch {
            home: Home::new("thing", name),
            partition: Partition {
                table: TableId::new(300),
                name: Bytes::new(),
            },
            rows: vec![TimedRow {
                key: Bytes::new(),
                stored: Some(Bytes::from(vec![0; bytes])),
                position: 2_000,
                keep_s: 0,
            }],
        };
        let lengths = |wave: Vec<Batch>| -> Vec<usize> {
            let order: Vec<Batch> = groups(wave.clone()).into_iter().flatten().collect();
            assert_eq!(order, wave);
            groups(wave).iter().map(Vec::len).collect()
        };
        assert_eq!(
            lengths((0..25).map(|n| batch(n, 10)).collect()),
            [10, 10, 5]
        );
        assert_eq!(lengths((0..4).map(|n| batch(n, 1_500)).collect()), [2, 2]);
        assert_eq!(lengths(vec![batch(1, 9_000), batch(2, 10)]), [1, 1]);
        assert_eq!(lengths(Vec::new()), [0; 0]);
    }
}
