//! People's lists made again from the rosters, while everybody goes on. A list is derived: the effects of
//! joining and leaving keep it. What went wrong with one for whatever reason (an effect that was refused, a row
//! that was damaged) is found and mended by a job that looks at every home once.
//!
//! Effects go on meanwhile, so each list is mended by a commit of its own home that is void as soon as an effect
//! ran there after the roster was read: joining and leaving append to the log `self`, and the commit expects
//! that log where it was before. An effect that runs later finds the list as the roster was then, and changes
//! it as ever.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use storage::{
    Direction, Home, KeyRange, Row, RowAt, Store, StoreError, Table, Transaction, Value, key,
    retry, sum_value,
};

use super::capacity::joined_count;
use super::effects::happened;
use super::rows::{
    JOINED, JoinedRow, MESSAGE, ROSTER, RosterRow, SELF_LOG, conversation_home, cursor_at,
    cursor_payload,
};
use super::types::SelfWhat;
use crate::api::{Answer, ApiError};
use crate::directory::person::user_home;
use crate::effect::passing;
use crate::ids::{ConversationId, Id, UserId};
use crate::job::{self, Job, Next, Progress, Step};
use crate::message::rows::Body;
use crate::node::Node;
use crate::tables;

#[cfg(test)]
mod tests;

// ---- types

/// Kind of the job, and its id in [`job::jobs_home`]: there is one at a time.
pub const REBUILD: &str = "conversation.lists";

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Homes of conversations and people that were looked at.
    pub homes: u64,
    /// Rows of lists that were wrong and are right now.
    pub mended: u64,
    /// Homes that could not be looked at, each of them in the log of the server.
    pub failed: u64,
    /// When it was done, in ms since the epoch.
    pub at: i64,
}

/// The job.
pub fn kind() -> job::Kind {
    job::Kind {
        name: REBUILD,
        run: |node, job| Box::pin(async move { step(&node, &job).await }),
    }
}

// ---- rules

/// Homes looked at in one step: a second or two of it, so that a crash repeats little.
const HOMES_A_STEP: usize = 100;
/// Rows read by one scan.
const ROWS_AT_ONCE: usize = 1_000;

/// Where a step goes on: rows mended and homes failed so far, and the last home.
type Place = (u64, u64, String);

/// Compares a member, if he is one, with the row in his list. A row that can't be read is wrong.
fn wrong(member: Option<RosterRow>, listed: Option<&Row>) -> bool {
    match (member, listed) {
        (Some(member), Some(row)) => !JOINED
            .decode(row)
            .is_ok_and(|listed| listed.from_seq == member.from_seq),
        (member, listed) => member.is_some() != listed.is_some(),
    }
}

// ---- rows

/// `jobs:main`: what the last run came to.
const REBUILT: Table<(), (), Outcome> = Table::new(tables::REBUILT, "rebuilt");

/// What the last run came to.
///
/// # Errors
/// What the store answers.
pub async fn last(store: &Store) -> Answer<Option<Outcome>> {
    Ok(store.read(&job::jobs_home(), &REBUILT, &(), &()).await?)
}

/// What a run that is under way came to so far.
pub fn so_far(progress: &Progress) -> Outcome {
    let (mended, failed, _) = place(progress);
    Outcome {
        homes: progress.done,
        mended,
        failed,
        at: 0,
    }
}

fn place(progress: &Progress) -> Place {
    key::decode(&progress.at).unwrap_or_default()
}

// ---- the job

async fn step(node: &Arc<Node>, job: &Job) -> Answer<Step> {
    let store = &node.store;
    let (mut mended, mut failed, after) = place(&job.progress);
    let after = (!after.is_empty()).then(|| Home::parse(&after));
    let homes = store.homes(after, HOMES_A_STEP).await?;
    for home in &homes {
        match look_at(store, home).await {
            Ok(wrong) => mended += wrong,
            Err(error) if passing(&error) || error.code == "store_closed" => return Err(error),
            Err(error) => {
                tracing::error!(%home, code = %error.code, "a home could not be looked at");
                failed += 1;
            }
        }
    }
    let done = job.progress.done + homes.len() as u64;
    let last = homes.last().map_or("", Home::as_str).to_owned();
    let more = homes.len() == HOMES_A_STEP;
    if !more {
        let at = node.clock.now_ms();
        let outcome = Outcome {
            homes: done,
            mended,
            failed,
            at,
        };
        let mut t = store.transaction(&job.home);
        t.set(&REBUILT, &(), &(), &outcome)?;
        t.commit().await?;
    }
    Ok(Step {
        progress: Progress {
            done,
            total: None,
            at: key::encode(&(mended, failed, last)),
        },
        effects: Vec::new(),
        next: if more { Next::In(0) } else { Next::Done },
    })
}

/// Mends the lists that a home has to do with; tells how many rows were wrong. A conversation's home finds what
/// is missing in lists, a person's home what is too much in his own.
async fn look_at(store: &Store, home: &Home) -> Answer<u64> {
    let Ok(id) = home.id().parse::<Id>() else {
        return Ok(0);
    };
    match home.kind() {
        "conv" => of_conversation(store, id).await,
        "user" => Ok(of_person(store, id).await? + recount(store, id).await?),
        _ => Ok(0),
    }
}

async fn of_conversation(store: &Store, id: ConversationId) -> Answer<u64> {
    let home = conversation_home(id);
    let users = keys(store, &home, &ROSTER).await?;
    let rosters = users
        .iter()
        .map(|user| (home.clone(), ROSTER.at(&(), user)));
    let lists = users
        .iter()
        .map(|user| (user_home(*user), JOINED.at(&(), &id)));
    differences(
        store,
        rosters.collect(),
        lists.collect(),
        users.iter().map(|user| (*user, id)),
    )
    .await
}

async fn of_person(store: &Store, user: UserId) -> Answer<u64> {
    let home = user_home(user);
    let ids = keys(store, &home, &JOINED).await?;
    let rosters = ids
        .iter()
        .map(|id| (conversation_home(*id), ROSTER.at(&(), &user)));
    let lists = ids.iter().map(|id| (home.clone(), JOINED.at(&(), id)));
    differences(
        store,
        rosters.collect(),
        lists.collect(),
        ids.iter().map(|id| (user, *id)),
    )
    .await
}

/// Mends the pairs whose row in the roster and row in the list do not fit; tells how many.
async fn differences(
    store: &Store,
    rosters: Vec<(Home, RowAt)>,
    lists: Vec<(Home, RowAt)>,
    pairs: impl Iterator<Item = (UserId, ConversationId)>,
) -> Answer<u64> {
    let pairs: Vec<_> = pairs.collect();
    let mut mended = 0;
    for (n, pairs) in pairs.chunks(ROWS_AT_ONCE).enumerate() {
        let here = n * ROWS_AT_ONCE..n * ROWS_AT_ONCE + pairs.len();
        let members = store.get_many(&rosters[here.clone()]).await?;
        let listed = store.get_many(&lists[here]).await?;
        for ((pair, member), listed) in pairs.iter().zip(members).zip(listed) {
            let member = member.map(|row| ROSTER.decode(&row)).transpose()?;
            if wrong(member, listed.as_ref()) {
                mended += u64::from(mend(store, pair.0, pair.1).await?);
            }
        }
    }
    Ok(mended)
}

/// The keys of all rows of a table.
async fn keys<V>(store: &Store, home: &Home, table: &Table<(), Id, V>) -> Answer<Vec<Id>>
where
    V: Serialize + DeserializeOwned,
{
    let (mut found, mut range, all) = (Vec::new(), KeyRange::all(), table.partition(&()));
    loop {
        let page = store.scan(home, &all, range, Direction::Forward, ROWS_AT_ONCE);
        let page = page.await?;
        for (raw, _) in &page {
            found.push(table.key(raw)?);
        }
        let Some((last, _)) = page.last().filter(|_| page.len() == ROWS_AT_ONCE) else {
            return Ok(found);
        };
        range = KeyRange::after(last.clone());
    }
}

/// Makes one row of a list what the roster says; true if it was wrong.
async fn mend(store: &Store, user: UserId, id: ConversationId) -> Answer<bool> {
    // A count that can't be read would refuse what follows.
    recount(store, user).await?;
    retry(|| async {
        let Some(t) = mending(store, user, id).await? else {
            return Ok(false);
        };
        t.commit().await.map(|_| true).map_err(|error| match error {
            // An effect ran in between.
            StoreError::Limit { what, .. } => ApiError::from(StoreError::Conflict {
                what: what.into_owned(),
            }),
            error => error.into(),
        })
    })
    .await
}

/// What makes the row right, if it is wrong. It is void once somebody joined or left who is in this list.
async fn mending(store: &Store, user: UserId, id: ConversationId) -> Answer<Option<Transaction>> {
    let (home, log) = (user_home(user), SELF_LOG.partition(&()));
    let mut t = store.transaction(&home);
    // In this order: what happened to the list until here is in the roster that is read then.
    let seen = t.head(&log).await?;
    let conversation = conversation_home(id);
    let member = store.read(&conversation, &ROSTER, &(), &user).await?;
    let row = t.get(&JOINED.at(&(), &id)).await?;
    let what = match (wrong(member, row.as_ref()), member) {
        (false, _) => return Ok(None),
        (true, Some(member)) => {
            let joined = joined(store, id, member).await?;
            if row.is_none() {
                t.add(joined_count(), 1, Some(0), None);
            }
            t.set(&JOINED, &(), &id, &joined)?;
            let begins = joined.from_seq.saturating_sub(1);
            t.max(cursor_at(id), begins, cursor_payload(joined.from_count));
            SelfWhat::Joined
        }
        (true, None) => {
            t.add(joined_count(), -1, Some(0), None);
            t.delete(JOINED.at(&(), &id));
            t.delete(cursor_at(id));
            SelfWhat::Left
        }
    };
    let entry = Value::fill(&happened(what, id))?;
    t.append_limited(log, entry, false, seen.last + 1);
    Ok(Some(t))
}

/// The row of a list as the effect of the joining makes it.
async fn joined(store: &Store, id: ConversationId, member: RosterRow) -> Answer<JoinedRow> {
    let at = MESSAGE.at(&(), member.from_seq);
    let row = store.get(&conversation_home(id), &at).await?;
    let row =
        row.ok_or_else(|| StoreError::Corrupt(format!("{id} has no entry where somebody joined")))?;
    let entry = MESSAGE.decode(&row)?;
    let from_count = match entry.body {
        // The first message of a direct chat: nobody has read it yet.
        Body::Text(_) | Body::File(_) => entry.count().saturating_sub(1),
        Body::System(_) => entry.count(),
    };
    Ok(JoinedRow {
        from_seq: member.from_seq,
        from_count,
        joined_at: member.joined_at,
    })
}

/// Makes the number of one's conversations what the list says; 1 if it was wrong.
async fn recount(store: &Store, user: UserId) -> Answer<u64> {
    retry(|| async {
        let mut t = store.transaction(&user_home(user));
        // Whatever joins or leaves meanwhile moves this row, and the commit is void.
        let row = t.get(&joined_count()).await?;
        let listed = keys(store, &user_home(user), &JOINED).await?.len();
        let listed = i64::try_from(listed).unwrap_or(i64::MAX);
        let counted = match &row {
            Some(row) => sum_value(row).ok(),
            None => Some(0),
        };
        if counted == Some(listed) {
            return Ok(0);
        }
        t.put(joined_count(), Value::bytes(listed.to_be_bytes().to_vec()));
        t.commit().await?;
        Answer::Ok(1)
    })
    .await
}
