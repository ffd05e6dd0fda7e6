//! What an administrator does not want to keep for ever: files older than so many days go, their messages stay. And
//! the counting of files that were there before there were books ([`super::usage`]).
//!
//! Home `storage:<space>` has the job [`EXPIRE`], begun by the first decision and never ended: without a limit it finds
//! nothing to do. Home `jobs:main` has the job [`COUNT`] and the row [`COUNTED`].

use std::collections::BTreeMap;
use std::sync::Arc;

use storage::{Home, Table, Transaction, key, retry};

use super::rows::{FILE, file_home};
use super::types::FileId;
use super::upload::{blobs, failed};
use super::usage::{self, ALLOWED, CHANGED, Named};
use crate::api::{Answer, ApiError};
use crate::directory::setup;
use crate::ids::{Id, SpaceId};
use crate::job::{self, Job, NewJob, Next, Progress, Step, jobs_home};
use crate::limits::{FILES_COUNTED, FILES_EXPIRED, FILES_EXPIRED_PAUSE_MS, FILES_LOOK_MS};
use crate::node::Node;
use crate::tables;

/// The kinds of jobs of this file.
pub fn kinds() -> [job::Kind; 2] {
    [
        job::Kind {
            name: EXPIRE,
            run: |node, job| Box::pin(async move { expire(&node, &job).await }),
        },
        job::Kind {
            name: COUNT,
            run: |node, job| Box::pin(async move { count(&node, &job).await }),
        },
    ]
}

// ---- old files

/// Kind and id of the job that takes old files away.
const EXPIRE: &str = "file.expire";

/// Begins the job in the commit of `t`, in the home of the books, unless it is there.
///
/// # Errors
/// What the store answers.
pub async fn begin_expiring(node: &Node, t: &mut Transaction, home: &Home) -> Answer<()> {
    if job::look(&node.store, home, EXPIRE).await?.is_some() {
        return Ok(());
    }
    let new = NewJob {
        id: EXPIRE,
        kind: EXPIRE,
        payload: &(),
        at_ms: node.clock.now_ms(),
        ordinal: 0,
    };
    job::begin(t, &new)
}

async fn expire(node: &Arc<Node>, job: &Job) -> Answer<Step> {
    let space: SpaceId = job.home.id().parse().map_err(|_| ApiError::internal())?;
    let allowed = node.store.read(&job.home, &ALLOWED, &(), &()).await?;
    let old = match allowed.unwrap_or_default().file_days {
        Some(days) => {
            let day = usage::old_before(node.clock.now_ms(), days);
            usage::oldest(&node.store, space, day, FILES_EXPIRED).await?
        }
        None => vec![],
    };
    for named in &old {
        take_away(node, named.file_id()).await?;
    }
    let effects = match old.is_empty() {
        true => vec![],
        false => vec![(CHANGED, usage::changed(space, old.clone())?)],
    };
    Ok(Step {
        progress: Progress {
            done: job.progress.done + old.len() as u64,
            ..Progress::default()
        },
        effects,
        // What was taken away is in the books until the effect ran.
        next: Next::In(match old.is_empty() {
            true => FILES_LOOK_MS,
            false => FILES_EXPIRED_PAUSE_MS,
        }),
    })
}

/// First the row, by which the file is seen, then its bytes. A repeat finds the rest.
async fn take_away(node: &Node, id: FileId) -> Answer<()> {
    let mut t = node.store.transaction(&file_home(id));
    t.delete(FILE.at(&(), &()));
    super::upload::look_no_more(&mut t);
    t.commit().await?;
    let dropped = blobs(node)?.drop_blob(id.0).await;
    dropped.map_err(|error| failed(&error))
}

// ---- counting

/// Kind of the job that counts files, and its id in [`jobs_home`].
const COUNT: &str = "file.count";
/// `jobs:main`: when all files were counted that were there before there were books.
const COUNTED: Table<(), (), i64> = Table::new(tables::FILES_COUNTED, "files_counted");

/// Whether files from before are still being counted.
///
/// # Errors
/// What the store answers.
pub async fn is_counting(node: &Node) -> Answer<bool> {
    let counted = node.store.read(&jobs_home(), &COUNTED, &(), &()).await?;
    Ok(counted.is_none())
}

/// Begins to count what a server before this one left, once. Called at each start.
///
/// # Errors
/// What the store answers.
pub async fn begin_counting(node: &Node) -> Answer<()> {
    let (store, home) = (&node.store, jobs_home());
    let is_new = !setup::is_done(store).await?;
    retry(|| async {
        let mut t = store.transaction(&home);
        let counted = t.read(&COUNTED, &(), &()).await?.is_some();
        if counted || job::look(store, &home, COUNT).await?.is_some() {
            return Ok(());
        }
        let now_ms = node.clock.now_ms();
        if is_new {
            t.set(&COUNTED, &(), &(), &now_ms)?;
        } else {
            let new = NewJob {
                id: COUNT,
                kind: COUNT,
                payload: &(),
                at_ms: now_ms,
                ordinal: 0,
            };
            job::begin(&mut t, &new)?;
        }
        t.commit().await?;
        Ok(())
    })
    .await
}

async fn count(node: &Arc<Node>, job: &Job) -> Answer<Step> {
    let store = &node.store;
    let after: String = key::decode(&job.progress.at).unwrap_or_default();
    let after = (!after.is_empty()).then(|| Home::parse(&after));
    let homes = store.homes(after, FILES_COUNTED).await?;
    let ids = homes.iter().filter(|home| home.kind() == "file");
    let ids: Vec<Id> = ids.filter_map(|home| home.id().parse().ok()).collect();
    let places: Vec<_> = ids
        .iter()
        .map(|id| (file_home(*id), FILE.at(&(), &())))
        .collect();
    let rows = store.get_many(&places).await?;
    let mut found: BTreeMap<SpaceId, Vec<Named>> = BTreeMap::new();
    for (id, row) in ids.into_iter().zip(rows) {
        if let Some(row) = row {
            let row = FILE.decode(&row)?;
            let of_space = found.entry(row.space_id).or_default();
            of_space.push(Named::new(id, &row));
        }
    }
    let effects = found.into_iter();
    let effects = effects.map(|(space, files)| Ok((CHANGED, usage::changed(space, files)?)));
    let more = homes.len() == FILES_COUNTED;
    if !more {
        let mut t = store.transaction(&job.home);
        t.set(&COUNTED, &(), &(), &node.clock.now_ms())?;
        t.commit().await?;
    }
    Ok(Step {
        progress: Progress {
            done: job.progress.done + homes.len() as u64,
            total: None,
            at: key::encode(&homes.last().map_or("", Home::as_str).to_owned()),
        },
        effects: effects.collect::<Answer<_>>()?,
        next: if more { Next::In(0) } else { Next::Done },
    })
}
