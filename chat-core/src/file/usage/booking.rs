//! The effect by which the books follow the files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use storage::{Home, Store, StoreError, Transaction, Value, retry};

use super::{
    BY_USE, Change, KEPT, KeptRow, Named, OF_ALL, OF_DAY, OF_PERSON, kept, partition, rank,
    storage_home,
};
use crate::api::Answer;
use crate::effect::{Delivered, Kind};
use crate::file::rows::{FILE, FileRow, file_home};
use crate::file::types::FileId;
use crate::ids::{SpaceId, UserId};
use crate::node::Node;

/// Payload of [`CHANGED`].
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Changed {
    space_id: SpaceId,
    /// Each once.
    files: Vec<Named>,
}
/// Kind of the effect that books what changed.
pub(in crate::file) const CHANGED: &str = "file.changed";

/// The kinds of effects of this file.
pub fn kinds() -> [Kind; 1] {
    [Kind {
        name: CHANGED,
        targets: |effect| Ok(vec![storage_home(effect.payload::<Changed>()?.space_id)]),
        // Not stamped: it books how the files are, and once more changes nothing.
        run: |node, effect, home| Box::pin(async move { book(&node, &effect, &home).await }),
        takes_a_right: false,
    }]
}

/// What an effect [`CHANGED`] says of these files of a space.
///
/// # Errors
/// It can't be encoded.
pub(in crate::file) fn changed(space_id: SpaceId, files: Vec<Named>) -> Result<Value, StoreError> {
    Value::encode(&Changed { space_id, files })
}

/// Has the file of a row that this commit changes booked anew.
///
/// # Errors
/// It can't be encoded.
pub(in crate::file) fn tell(
    t: &mut Transaction,
    file_id: FileId,
    row: &FileRow,
) -> Result<(), StoreError> {
    let named = Named::new(file_id, row);
    t.effect(CHANGED, changed(row.space_id, vec![named])?);
    Ok(())
}

async fn book(node: &Node, effect: &Delivered, home: &Home) -> Answer<()> {
    let changed: Changed = effect.payload()?;
    retry(|| book_once(&node.store, home, &changed.files)).await
}

async fn book_once(store: &Store, home: &Home, files: &[Named]) -> Answer<()> {
    let mut t = store.transaction(home);
    // First the books, then the files: who books an older state of a file loses the race.
    let mut booked = Vec::with_capacity(files.len());
    for named in files {
        let before = t.read(&KEPT, &partition(named), &named.file_id).await?;
        booked.push(before);
    }
    let places: Vec<_> = files
        .iter()
        .map(|named| (file_home(named.file_id), FILE.at(&(), &())))
        .collect();
    let rows = store.get_many(&places).await?;
    let (mut of_person, mut of_day) = (BTreeMap::new(), BTreeMap::new());
    let mut of_all = t.read(&OF_ALL, &(), &()).await?.unwrap_or_default();
    let mut any = false;
    for ((named, before), row) in files.iter().zip(booked).zip(rows) {
        let row = row.map(|row| FILE.decode(&row)).transpose()?;
        let now = row.map(|row| kept(named, &row));
        if before == now {
            continue;
        }
        any = true;
        let at = partition(named);
        match &now {
            Some(now) => t.set(&KEPT, &at, &named.file_id, now)?,
            None => t.delete(KEPT.at(&at, &named.file_id)),
        }
        let change = Change { before, now };
        of_all.book(&change);
        let of_person: &mut Vec<Change> = of_person.entry(named.owner_id).or_default();
        let days: &mut Vec<(Option<u64>, Option<u64>)> = of_day.entry(at.0).or_default();
        let size = |row: &Option<KeptRow>| row.as_ref().map(|row| row.size);
        days.push((size(&change.before), size(&change.now)));
        of_person.push(change);
    }
    if !any {
        return Ok(());
    }
    t.set(&OF_ALL, &(), &(), &of_all)?;
    for (user, changes) in of_person {
        book_person(&mut t, user, &changes).await?;
    }
    for (day, changes) in of_day {
        book_day(&mut t, day, &changes).await?;
    }
    t.commit().await?;
    Ok(())
}

async fn book_person(t: &mut Transaction, user: UserId, changes: &[Change]) -> Answer<()> {
    let before = t.read(&OF_PERSON, &(), &user).await?.unwrap_or_default();
    let mut now = before;
    for change in changes {
        now.book(change);
    }
    t.set(&OF_PERSON, &(), &user, &now)?;
    if before.bytes() == now.bytes() {
        return Ok(());
    }
    if before.bytes() > 0 {
        t.delete(BY_USE.at(&(), &(rank(before.bytes()), user)));
    }
    if now.bytes() > 0 {
        t.set(&BY_USE, &(), &(rank(now.bytes()), user), &0)?;
    }
    Ok(())
}

async fn book_day(
    t: &mut Transaction,
    day: i64,
    changes: &[(Option<u64>, Option<u64>)],
) -> Answer<()> {
    let mut sum = t.read(&OF_DAY, &(), &day).await?.unwrap_or_default();
    for (before, now) in changes {
        if let Some(bytes) = before {
            sum.minus(*bytes);
        }
        if let Some(bytes) = now {
            sum.plus(*bytes);
        }
    }
    match sum.files {
        0 => t.delete(OF_DAY.at(&(), &day)),
        _ => t.set(&OF_DAY, &(), &day, &sum)?,
    }
    Ok(())
}
