//! What files take of the disk, by kind and by person, and what of it is old (`PLAT-i20`).
//!
//! Whatever changes a file says so with an effect, in the commit of its home. The effect looks at the file as it is by
//! then and books the difference to what was booked before: so it may run twice or late, and the sums are right in the
//! end. Home `storage:<space>` has a row a file ([`KEPT`]), and the sums: of each person, of each day, of all.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Direction, Home, KeyRange, Store, Table, key};

use super::rows::FileRow;
use super::types::{FileId, FileKind};
use crate::api::Answer;
use crate::clock::DAY_MS;
use crate::ids::{SpaceId, UserId};
use crate::tables;

mod booking;
mod quota;

pub use booking::kinds;
pub(super) use booking::{CHANGED, changed, tell};
pub(super) use quota::room_for;

/// The files of a day lie in so many partitions, so that none gets large.
const SHARDS: u8 = 16;

// ---- types

/// So many files, and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Use {
    /// How many.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Use {
    fn plus(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }

    fn minus(&mut self, bytes: u64) {
        self.files = self.files.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// The same by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ByKind {
    /// Pictures.
    pub images: Use,
    /// Other files.
    pub files: Use,
    /// Uploads under way: they are counted whole from the beginning.
    pub uploading: Use,
}

impl ByKind {
    /// All bytes.
    pub const fn bytes(&self) -> u64 {
        self.images.bytes + self.files.bytes + self.uploading.bytes
    }

    fn of(&mut self, kind: Option<FileKind>) -> &mut Use {
        match kind {
            Some(FileKind::Image) => &mut self.images,
            Some(FileKind::File) => &mut self.files,
            None => &mut self.uploading,
        }
    }

    fn book(&mut self, change: &Change) {
        if let Some(before) = &change.before {
            self.of(before.kind).minus(before.size);
        }
        if let Some(now) = &change.now {
            self.of(now.kind).plus(now.size);
        }
    }
}

/// What an administrator allows. Row of `storage:<space>` too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// Bytes of one person's files: 100 MB to 100 TB; no limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_bytes: Option<u64>,
    /// Days that a file is kept: 7 to 3,650; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_days: Option<u32>,
}

/// A file that changed, with what its place in the books is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Named {
    file_id: FileId,
    owner_id: UserId,
    created_at: i64,
}

// ---- rules

/// The day of a time, counted from the epoch.
const fn day_of(ms: i64) -> i64 {
    ms.div_euclid(DAY_MS)
}

/// Files of days before this one are old: each was kept for `days` whole days at least.
pub fn old_before(now_ms: i64, days: u32) -> i64 {
    day_of(now_ms) - days as i64
}

fn partition(named: &Named) -> (i64, u8) {
    (day_of(named.created_at), named.file_id.0[15] % SHARDS)
}

/// The order of people by what they use: most first.
const fn rank(bytes: u64) -> u64 {
    u64::MAX - bytes
}

/// What changes in the books by one file.
#[derive(Debug)]
struct Change {
    before: Option<KeptRow>,
    now: Option<KeptRow>,
}

// ---- rows

/// A file in the books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeptRow {
    owner_id: UserId,
    size: u64,
    created_at: i64,
    /// What it is; nothing while it is uploaded.
    kind: Option<FileKind>,
}

/// `storage:<space>`: day and shard, file.
const KEPT: Table<(i64, u8), FileId, KeptRow> = Table::new(tables::KEPT, "kept");
/// `storage:<space>`: what each person uses.
const OF_PERSON: Table<(), UserId, ByKind> = Table::new(tables::USE_OF_PERSON, "use_of_person");
/// `storage:<space>`: people by what they use, most first.
const BY_USE: Table<(), (u64, UserId), u8> = Table::new(tables::BY_USE, "by_use");
/// `storage:<space>`: what the files of each day take.
const OF_DAY: Table<(), i64, Use> = Table::new(tables::USE_OF_DAY, "use_of_day");
/// `storage:<space>`: what all files take.
const OF_ALL: Table<(), (), ByKind> = Table::new(tables::USE_OF_ALL, "use_of_all");
/// `storage:<space>`: what is allowed.
pub const ALLOWED: Table<(), (), Allowed> = Table::new(tables::ALLOWED, "allowed");

/// The home of the books of a space.
pub fn storage_home(space: SpaceId) -> Home {
    Home::new("storage", space)
}

fn kept(named: &Named, row: &FileRow) -> KeptRow {
    KeptRow {
        owner_id: row.owner_id,
        size: row.size,
        created_at: named.created_at,
        kind: row.info.as_ref().map(|info| info.kind),
    }
}

// ---- reading

/// What all files take.
///
/// # Errors
/// What the store answers.
pub async fn of_all(store: &Store, space: SpaceId) -> Answer<ByKind> {
    let row = store.read(&storage_home(space), &OF_ALL, &(), &()).await?;
    Ok(row.unwrap_or_default())
}

/// What is allowed.
///
/// # Errors
/// What the store answers.
pub async fn allowed(store: &Store, space: SpaceId) -> Answer<Allowed> {
    let row = store.read(&storage_home(space), &ALLOWED, &(), &()).await?;
    Ok(row.unwrap_or_default())
}

/// What the files of days before `day` take.
///
/// # Errors
/// What the store answers.
pub async fn before(store: &Store, space: SpaceId, day: i64) -> Answer<Use> {
    let (home, all) = (storage_home(space), OF_DAY.partition(&()));
    let mut sum = Use::default();
    let mut range = KeyRange::before(key::encode(&day));
    loop {
        let rows = store.scan(&home, &all, range.clone(), Direction::Forward, DAYS_AT_ONCE);
        let rows = rows.await?;
        for (_, row) in &rows {
            let of_day = OF_DAY.decode(row)?;
            sum.files += of_day.files;
            sum.bytes += of_day.bytes;
        }
        let Some((last, _)) = rows.last().filter(|_| rows.len() == DAYS_AT_ONCE) else {
            return Ok(sum);
        };
        range = range.resume(last.clone(), Direction::Forward);
    }
}

/// Days read by one scan.
const DAYS_AT_ONCE: usize = 1_000;

/// Where a page of people goes on.
pub type Place = (u64, UserId);

/// People who use anything, most first: up to `limit` of them behind `after`, each with his place.
///
/// # Errors
/// What the store answers.
pub async fn people(
    store: &Store,
    space: SpaceId,
    after: Option<&Place>,
    limit: usize,
) -> Answer<Vec<(Place, ByKind)>> {
    let range = after.map_or_else(KeyRange::all, |place| KeyRange::after(key::encode(place)));
    let (home, all) = (storage_home(space), BY_USE.partition(&()));
    let scan = store.scan(&home, &all, range, Direction::Forward, limit);
    let places = scan.await?.into_iter().map(|(raw, _)| BY_USE.key(&raw));
    let places = places.collect::<Result<Vec<Place>, _>>()?;
    let at = |place: &Place| (home.clone(), OF_PERSON.at(&(), &place.1));
    let rows = store
        .get_many(&places.iter().map(at).collect::<Vec<_>>())
        .await?;
    let found = places.into_iter().zip(rows);
    found
        .filter_map(|(place, row)| Some((place, row?)))
        .map(|(place, row)| Ok((place, OF_PERSON.decode(&row)?)))
        .collect()
}

/// Up to `limit` files of the oldest day before `day`.
///
/// # Errors
/// What the store answers.
pub(super) async fn oldest(
    store: &Store,
    space: SpaceId,
    day: i64,
    limit: usize,
) -> Answer<Vec<Named>> {
    let (home, all) = (storage_home(space), OF_DAY.partition(&()));
    let range = KeyRange::before(key::encode(&day));
    let days = store
        .scan(&home, &all, range, Direction::Forward, 1)
        .await?;
    let Some((raw, _)) = days.first() else {
        return Ok(vec![]);
    };
    let day = OF_DAY.key(raw)?;
    let mut found = Vec::new();
    for shard in 0..SHARDS {
        let left = limit - found.len();
        if left == 0 {
            break;
        }
        let shard = KEPT.partition(&(day, shard));
        let rows = store.scan(&home, &shard, KeyRange::all(), Direction::Forward, left);
        for (raw, row) in rows.await? {
            let row = KEPT.decode(&row)?;
            found.push(Named {
                file_id: KEPT.key(&raw)?,
                owner_id: row.owner_id,
                created_at: row.created_at,
            });
        }
    }
    Ok(found)
}

impl Named {
    pub(super) const fn file_id(&self) -> FileId {
        self.file_id
    }

    pub(super) const fn new(file_id: FileId, row: &FileRow) -> Self {
        Self {
            file_id,
            owner_id: row.owner_id,
            created_at: row.created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Id;

    fn row(size: u64, kind: Option<FileKind>) -> Option<KeptRow> {
        Some(KeptRow {
            owner_id: Id([1; 16]),
            size,
            created_at: 0,
            kind,
        })
    }

    #[test]
    fn plat_i20_a_file_is_booked_from_its_beginning_to_its_end() {
        let mut sum = ByKind::default();
        let steps = [
            (None, row(7, None)),
            (row(7, None), row(7, Some(FileKind::Image))),
        ];
        for (before, now) in steps {
            sum.book(&Change { before, now });
            assert_eq!(sum.bytes(), 7);
        }
        assert_eq!(sum.images, Use { files: 1, bytes: 7 });
        assert_eq!(sum.uploading, Use::default());
        sum.book(&Change {
            before: row(7, Some(FileKind::Image)),
            now: None,
        });
        assert_eq!(sum, ByKind::default());
    }

    #[test]
    fn a_file_is_old_when_it_was_kept_for_so_many_whole_days() {
        let day = old_before(100 * DAY_MS + 1, 7);
        assert_eq!(day, 93);
        assert!(day_of(93 * DAY_MS) >= day);
        assert!(day_of(93 * DAY_MS - 1) < day);
    }
}
