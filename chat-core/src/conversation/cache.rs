//! The newest state of conversations, kept in memory: what it is, who is in it, its last entry. Built
//! from the store when first asked for, then from applied rounds in order. Bounded; a conversation
//! that is not here is read from the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use moka::sync::Cache;
use storage::{AppliedCommit, Change, Direction, KeyRange, Store};

use super::rows::{MESSAGE, META, MetaRow, ROSTER, RosterRow, conversation_home};
use super::types::Preview;
use crate::api::Answer;
use crate::ids::{ConversationId, UserId};
use crate::limits::{CACHED_ROSTER_MEMBERS, DISCUSSION_MEMBERS};

/// Counters that tell a loader that a round passed it by; one serves many conversations.
const PASSED_SHARDS: usize = 256;

/// A conversation as of some moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What it is.
    pub meta: Arc<MetaRow>,
    /// Who is in it.
    pub roster: Arc<BTreeMap<UserId, RosterRow>>,
    /// The last entry.
    pub last: Option<Arc<Preview>>,
    /// Number of the last entry; 0 before the first.
    pub head_seq: u64,
    /// Counted entries.
    pub count: u64,
}

/// The cache.
pub struct Conversations {
    /// Whether rounds are delivered here: only then is what is kept kept right.
    current: AtomicBool,
    snapshots: Cache<ConversationId, Arc<Snapshot>>,
    passed: Vec<AtomicU64>,
}

impl Conversations {
    /// Nothing kept. `current` says that all rounds from now on are delivered here.
    pub fn new(current: bool) -> Self {
        let weigh = |_: &ConversationId, snapshot: &Arc<Snapshot>| {
            u32::try_from(snapshot.roster.len() + 4).unwrap_or(u32::MAX)
        };
        Self {
            current: AtomicBool::new(current),
            snapshots: Cache::builder()
                .max_capacity(CACHED_ROSTER_MEMBERS)
                .weigher(weigh)
                .build(),
            passed: (0..PASSED_SHARDS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Rounds are delivered here from now on.
    pub fn begin(&self) {
        self.current.store(true, Ordering::SeqCst);
    }

    /// Rounds are delivered elsewhere: everything is read from the store.
    pub fn end(&self) {
        self.current.store(false, Ordering::SeqCst);
        self.snapshots.invalidate_all();
    }

    /// The newest state of `id`; `None` before its first commit.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn get(&self, store: &Store, id: ConversationId) -> Answer<Option<Arc<Snapshot>>> {
        let current = self.current.load(Ordering::SeqCst);
        if let Some(snapshot) = self.snapshots.get(&id).filter(|_| current) {
            return Ok(Some(snapshot));
        }
        let passed = self.passed(id);
        let before = passed.load(Ordering::SeqCst);
        let Some(snapshot) = load(store, id).await?.map(Arc::new) else {
            return Ok(None);
        };
        // Kept only when no round of this conversation was delivered while it was read: what such a
        // round said would be missing from it for ever. An entry made by another loader stays.
        if current && passed.load(Ordering::SeqCst) == before {
            self.snapshots
                .entry(id)
                .or_insert_with(|| Arc::clone(&snapshot));
            if passed.load(Ordering::SeqCst) != before || !self.current.load(Ordering::SeqCst) {
                self.snapshots.invalidate(&id);
            }
        }
        Ok(Some(snapshot))
    }

    /// Takes a commit of a conversation's home into account. Called in order of position.
    ///
    /// # Errors
    /// A row that can't be read.
    pub fn apply(&self, id: ConversationId, commit: &AppliedCommit) -> Answer<()> {
        self.passed(id).fetch_add(1, Ordering::SeqCst);
        let Some(old) = self.snapshots.get(&id) else {
            return Ok(());
        };
        let mut new = Snapshot::clone(&old);
        for write in &commit.writes {
            new.take(write)?;
        }
        self.snapshots.insert(id, Arc::new(new));
        Ok(())
    }

    fn passed(&self, id: ConversationId) -> &AtomicU64 {
        &self.passed[usize::from(id.0[15]) % PASSED_SHARDS]
    }
}

impl Snapshot {
    fn take(&mut self, write: &storage::Write) -> Answer<()> {
        let table = write.at.table;
        if table == META.id() {
            if let Change::Put(value) = &write.change {
                self.meta = Arc::new(META.decode_value(value)?);
            }
        } else if table == ROSTER.id() {
            let user = ROSTER.key(&write.at.key)?;
            match &write.change {
                Change::Put(value) => {
                    Arc::make_mut(&mut self.roster).insert(user, ROSTER.decode_value(value)?);
                }
                Change::Delete => {
                    Arc::make_mut(&mut self.roster).remove(&user);
                }
                _ => {}
            }
        } else if table == MESSAGE.id()
            && let Change::Append { seq, count, value } = &write.change
            // A snapshot that was read from the store may be ahead of the rounds.
            && *seq > self.head_seq
        {
            self.last = Some(Arc::new(MESSAGE.decode_value(value)?.preview(*seq)));
            (self.head_seq, self.count) = (*seq, *count);
        }
        Ok(())
    }
}

/// The newest state of `id` by the store itself, for what is decided by it.
///
/// # Errors
/// What the store answers.
pub async fn load(store: &Store, id: ConversationId) -> Answer<Option<Snapshot>> {
    let home = conversation_home(id);
    let (log, members) = (MESSAGE.partition(&()), ROSTER.partition(&()));
    // Side by side: to a database beside the server each of them is a journey.
    let (meta, head, rows) = tokio::try_join!(
        store.read(&home, &META, &(), &()),
        store.head(&home, &log),
        store.scan(
            &home,
            &members,
            KeyRange::all(),
            Direction::Forward,
            DISCUSSION_MEMBERS + 1,
        ),
    )?;
    let Some(meta) = meta else {
        return Ok(None);
    };
    let last = store
        .entries(&home, &log, head.last, head.last, Direction::Forward, 1)
        .await?;
    let last = last
        .first()
        .map(|(seq, row)| Ok::<_, storage::StoreError>(MESSAGE.decode(row)?.preview(*seq)))
        .transpose()?;
    let mut roster = rows
        .iter()
        .map(|(key, row)| Ok((ROSTER.key(key)?, ROSTER.decode(row)?)))
        .collect::<Answer<BTreeMap<_, _>>>()?;
    for user in meta.pair.into_iter().flat_map(|(one, other)| [one, other]) {
        // A reader may see one row of the first message before the others, but nobody in it is a stranger.
        roster.entry(user).or_insert_with(|| meta.begins_with());
    }
    Ok(Some(Snapshot {
        meta: Arc::new(meta),
        roster: Arc::new(roster),
        last: last.map(Arc::new),
        head_seq: head.last,
        count: head.count,
    }))
}
