//! Read positions: one cursor per person and conversation, the same on all devices (`IM-i04`,
//! `IM-i05`). A cursor only moves forward. Moves of one reader within a second are one write; the
//! first is written at once, so that other devices are in step.
//!
//! Unread = head.count − cursor.count. There is no counter that could go wrong.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use moka::sync::Cache;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Later, Store, Value, max_value, retry};
use tokio::sync::watch;

use super::listing::begins;
use super::rows::{
    JOINED, JoinedRow, MESSAGE, SELF_LOG, SelfEntry, conversation_home, cursor_at, cursor_payload,
    read_cursor,
};
use super::rules::unread;
use super::types::SelfWhat;
use crate::api::{Answer, ApiError, Class};
use crate::ctx::Ctx;
use crate::directory::person::user_home;
use crate::ids::{ConversationId, UserId};
use crate::limits::{CACHED_READERS, CURSOR_PAUSE_MS, WAITING_CURSORS};

// ---- types

/// How far one has read.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkRead {
    /// Where.
    pub conversation_id: ConversationId,
    /// Up to and with this entry.
    pub seq: u64,
}

/// How far one has read now.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Marked {
    /// Up to and with this entry; never behind where one was.
    pub read_seq: u64,
    /// Counted entries up to there.
    pub read_count: u64,
    /// Messages one has not read.
    pub unread: u64,
}

// ---- rules

/// The furthest of where a member began, what is written and what waits to be written.
pub fn position(
    joined: &JoinedRow,
    written: (u64, u64),
    waiting: Option<(u64, u64)>,
) -> (u64, u64) {
    begins(joined).max(written).max(waiting.unwrap_or((0, 0)))
}

// ---- methods

pub(super) async fn mark_read(ctx: Ctx, p: MarkRead) -> Answer<Marked> {
    let (caller, node, id) = (ctx.caller()?, &ctx.node, p.conversation_id);
    let snapshot = node
        .conversations
        .get(&node.store, id)
        .await?
        .ok_or_else(ApiError::not_found)?;
    let member = snapshot
        .roster
        .get(&caller.user_id)
        .ok_or_else(ApiError::not_found)?;
    let seq = p.seq.min(snapshot.head_seq);
    let entry = node
        .store
        .get(&conversation_home(id), &MESSAGE.at(&(), seq))
        .await?;
    if let Some(row) = entry.filter(|_| seq >= member.from_seq) {
        let count = MESSAGE.decode(&row)?.count();
        node.cursors
            .advance(&node.store, caller.user_id, id, (seq, count))
            .await?;
    }
    let (read_seq, read_count) = read_position(&ctx, caller.user_id, id).await?;
    Ok(Marked {
        read_seq,
        read_count,
        unread: unread(snapshot.count, read_count),
    })
}

/// How far `user` has read.
///
/// # Errors
/// `not_found` for one whose list has no such conversation yet.
pub async fn read_position(ctx: &Ctx, user: UserId, id: ConversationId) -> Answer<(u64, u64)> {
    let home = user_home(user);
    let wanted = [(home.clone(), JOINED.at(&(), &id)), (home, cursor_at(id))];
    let rows = ctx.node.store.get_many(&wanted).await?;
    let written = cursor_of(rows[1].as_ref())?;
    let waiting = ctx.node.cursors.waiting(user, id);
    match &rows[0] {
        Some(joined) => Ok(position(&JOINED.decode(joined)?, written, waiting)),
        // The roster has him already; his own list follows. Until then nothing that waits can be written,
        // so it is not promised either.
        None => Ok(written),
    }
}

/// How far each of `users` has read.
///
/// # Errors
/// What the store answers.
pub async fn read_by(ctx: &Ctx, id: ConversationId, users: &[UserId]) -> Answer<Vec<u64>> {
    let wanted: Vec<_> = users
        .iter()
        .map(|user| (user_home(*user), cursor_at(id)))
        .collect();
    let rows = ctx.node.store.get_many(&wanted).await?;
    let seqs = users.iter().zip(rows).map(|(user, row)| {
        let written = cursor_of(row.as_ref())?;
        Ok(written
            .max(ctx.node.cursors.waiting(*user, id).unwrap_or((0, 0)))
            .0)
    });
    seqs.collect()
}

fn cursor_of(row: Option<&storage::Row>) -> Answer<(u64, u64)> {
    let Some(row) = row else { return Ok((0, 0)) };
    let (seq, payload) = max_value(row)?;
    Ok(read_cursor(seq, &payload))
}

// ---- the debounce

/// One reader in one conversation.
pub type Reader = (UserId, ConversationId);

/// How far the writing of one reader's moves has come.
#[derive(Clone, Default)]
struct Progress {
    written: (u64, u64),
    failed: Option<ApiError>,
}

struct Waiting {
    to: (u64, u64),
    /// Position of the earliest message that moved it and is not written: the effects checkpoint stays
    /// behind it, so that a crash does not make one's own message unread.
    since: Option<u64>,
    /// Counts the moves: one that comes while an earlier one is written is written after it. The earlier
    /// one may have found the conversation not in the reader's list yet.
    moves: u64,
    progress: watch::Receiver<Progress>,
}

/// Cursors on their way to the store.
pub struct Cursors {
    waiting: Arc<DashMap<Reader, Waiting>>,
    written: Written,
}

impl Default for Cursors {
    fn default() -> Self {
        Self {
            waiting: Arc::default(),
            written: Written(Cache::new(CACHED_READERS)),
        }
    }
}

impl Cursors {
    /// Writes how far one has read, now.
    ///
    /// # Errors
    /// What the store answers.
    pub(super) async fn write(&self, store: &Store, reader: Reader, to: (u64, u64)) -> Answer<()> {
        self.written.write(store, reader, to).await
    }

    /// Where a reader will be once what waits is written.
    pub fn waiting(&self, user: UserId, id: ConversationId) -> Option<(u64, u64)> {
        self.waiting.get(&(user, id)).map(|waiting| waiting.to)
    }

    /// Moves a reader forward and waits until it is written: at once, or with the next write when one
    /// was made within the last second.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn advance(
        &self,
        store: &Store,
        user: UserId,
        id: ConversationId,
        to: (u64, u64),
    ) -> Answer<()> {
        if self.waiting.len() >= WAITING_CURSORS {
            return self.write(store, (user, id), to).await;
        }
        let mut progress = self.enqueue(store, (user, id), to, None, Duration::ZERO);
        let reached = progress
            .wait_for(|progress| progress.written >= to || progress.failed.is_some())
            .await;
        match reached.map(|progress| progress.failed.clone()) {
            Ok(None) => Ok(()),
            Ok(Some(error)) => Err(error),
            Err(_) => Err(ApiError::new(
                Class::Unknown,
                "unknown",
                "结果未知，请重试",
                "The outcome is unknown; send again",
            )),
        }
    }

    /// Moves a sender forward over the message that he committed at `position`, a second later. The
    /// message names this move as an effect, which a crash repeats. False when too many wait.
    pub fn sent(&self, store: &Store, reader: Reader, to: (u64, u64), position: u64) -> bool {
        let room = self.waiting.len() < WAITING_CURSORS;
        if room {
            let pause = Duration::from_millis(CURSOR_PAUSE_MS);
            self.enqueue(store, reader, to, Some(position), pause);
        }
        room
    }

    /// Position of the earliest message whose sender's move is not written.
    pub fn unwritten_since(&self) -> Option<u64> {
        self.waiting.iter().filter_map(|entry| entry.since).min()
    }

    fn enqueue(
        &self,
        store: &Store,
        reader: Reader,
        to: (u64, u64),
        since: Option<u64>,
        pause: Duration,
    ) -> watch::Receiver<Progress> {
        match self.waiting.entry(reader) {
            dashmap::Entry::Occupied(mut entry) => {
                let waiting = entry.get_mut();
                waiting.to = waiting.to.max(to);
                waiting.since = waiting.since.or(since);
                waiting.moves += 1;
                waiting.progress.clone()
            }
            dashmap::Entry::Vacant(entry) => {
                let (tell, progress) = watch::channel(Progress::default());
                tokio::spawn(flush(
                    Arc::clone(&self.waiting),
                    self.written.clone(),
                    store.clone(),
                    reader,
                    pause,
                    tell,
                ));
                entry.insert(Waiting {
                    to,
                    since,
                    moves: 0,
                    progress: progress.clone(),
                });
                progress
            }
        }
    }
}

/// Writes the moves of one reader, at most one write a second, until none is left.
async fn flush(
    all: Arc<DashMap<Reader, Waiting>>,
    written: Written,
    store: Store,
    reader: Reader,
    pause: Duration,
    tell: watch::Sender<Progress>,
) {
    tokio::time::sleep(pause).await;
    loop {
        let Some((to, moves)) = all.get(&reader).map(|waiting| (waiting.to, waiting.moves)) else {
            return;
        };
        match written.write(&store, reader, to).await {
            Ok(()) => {
                tell.send_modify(|progress| progress.written = to);
                if let Some(mut waiting) = all.get_mut(&reader)
                    && waiting.moves == moves
                {
                    waiting.since = None;
                }
            }
            // Of a message: its checkpoint waits, so it is tried until it is written.
            Err(error)
                if error.code != "store_closed"
                    && all
                        .get(&reader)
                        .is_some_and(|waiting| waiting.since.is_some()) =>
            {
                tracing::warn!(code = %error.code, "a read position is written again");
            }
            Err(error) => {
                all.remove(&reader);
                tell.send_modify(|progress| progress.failed = Some(error));
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(CURSOR_PAUSE_MS)).await;
        if all
            .remove_if(&reader, |_, waiting| {
                waiting.moves == moves && waiting.since.is_none()
            })
            .is_some()
        {
            return;
        }
    }
}

/// What was written last of whom, and the position of that commit. The next move of the same reader expects it
/// instead of reading it again: the writer decides, and where anything has changed it is read after all.
#[derive(Clone)]
struct Written(Cache<Reader, (u64, (u64, u64))>);

impl Written {
    /// Writes how far one has read.
    async fn write(&self, store: &Store, reader: Reader, to: (u64, u64)) -> Answer<()> {
        retry(|| self.write_once(store, reader, to)).await
    }

    async fn write_once(&self, store: &Store, reader: Reader, to: (u64, u64)) -> Answer<()> {
        let (user, id) = reader;
        let mut t = store.transaction(&user_home(user));
        let known = self.0.get(&reader);
        let at = if let Some((version, at)) = known {
            t.expect_present(JOINED.at(&(), &id));
            t.expect_version(cursor_at(id), version);
            at
        } else {
            // A late mark must not bring back a conversation that was left.
            let Some(joined) = t.read(&JOINED, &(), &id).await? else {
                return Ok(());
            };
            let written = cursor_of(t.get(&cursor_at(id)).await?.as_ref())?;
            position(&joined, written, None)
        };
        if to <= at {
            return Ok(());
        }
        t.max(cursor_at(id), to.0, cursor_payload(to.1));
        let entry = SelfEntry {
            at: Later::Time,
            what: SelfWhat::Read,
            conversation_id: id,
            read: Some(to),
        };
        t.append(SELF_LOG.partition(&()), Value::fill(&entry)?, false);
        match t.commit().await {
            Ok(done) => self.0.insert(reader, (done.position, to)),
            Err(error) => {
                self.0.invalidate(&reader);
                return Err(error.into());
            }
        }
        Ok(())
    }
}
