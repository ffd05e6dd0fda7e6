//! Export: what happens in conversations, told to programs outside in the order of the journal, at least once, each
//! time under the same id. Off unless somebody asks for it, and nothing inside depends on it: a slow or absent
//! receiver delays nobody.
//!
//! The journal is the outbox: what is told are its effects, from a checkpoint of its own that holds them there. A
//! receiver that stays away for longer than the journal should be kept is told what it missed as a gap.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use storage::{AppliedCommit, Home, Later, StoreError, Table, retry};

use crate::api::Answer;
use crate::conversation::effects::{JOINED_EFFECT, Joined, LEFT_EFFECT, Left, SENT_EFFECT, Sent};
use crate::conversation::rows::{MESSAGE, conversation_home, known};
use crate::effect::{self, Delivered};
use crate::ids::{ConversationId, UserId};
use crate::limits::{CHECKPOINT_MS, EXPORT_BEHIND_MAX, EXPORT_MEMBERS_MAX};
use crate::node::Node;
use crate::tables;

// ---- types

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What: `message.created`, `conversation.joined`, `conversation.left`, `export.gap`.
    pub kind: &'static str,
    /// Of the commit.
    pub position: u64,
    /// Which of the effects of that commit.
    pub ordinal: u32,
    /// JSON: `{"event", "position", "ordinal", "at", "data"}`.
    pub payload: Vec<u8>,
}

impl Event {
    /// The same whenever it is told again: journal, position, ordinal.
    pub fn id(&self) -> String {
        format!("0:{}:{}", self.position, self.ordinal)
    }
}

/// What telling gives.
pub type Telling<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// Who is told.
pub trait Export: Send + Sync + 'static {
    /// Tells some events in their order; done when the receiver has them for good. After an error some may have
    /// arrived, and all are told again.
    fn tell<'a>(&'a self, events: &'a [Event]) -> Telling<'a>;
}

/// Data of `message.created`: the message as `message.list` gives it, and who is to be notified.
#[derive(Serialize)]
struct Created {
    message: crate::message::types::Message,
    /// Absent above `EXPORT_MEMBERS_MAX`.
    #[serde(skip_serializing_if = "Option::is_none")]
    member_ids: Option<Vec<UserId>>,
}

// ---- rules

/// Where to go on, and what was missed when the checkpoint lies too far behind.
fn begin(checkpoint: u64, newest: u64) -> (u64, Option<u64>) {
    let from = checkpoint.max(newest.saturating_sub(EXPORT_BEHIND_MAX));
    (from, (from > checkpoint).then_some(checkpoint))
}

fn event(kind: &'static str, effect: &Delivered, data: &Value) -> Event {
    let payload = json!({
        "event": kind,
        "position": effect.position,
        "ordinal": effect.ordinal,
        "at": effect.time_ms,
        "data": data,
    });
    Event {
        kind,
        position: effect.position,
        ordinal: effect.ordinal,
        payload: payload.to_string().into_bytes(),
    }
}

/// Commits `from`+1 to `to` were forgotten before they could be told.
fn gap(from: u64, to: u64, now_ms: i64) -> Event {
    let payload = json!({
        "event": "export.gap",
        "position": to,
        "ordinal": 0,
        "at": now_ms,
        "data": {"after": from, "up_to": to},
    });
    Event {
        kind: "export.gap",
        position: to,
        ordinal: 0,
        payload: payload.to_string().into_bytes(),
    }
}

fn number(later: Later) -> u64 {
    u64::try_from(known(later)).unwrap_or(0)
}

// ---- rows

/// `export:main`: up to where everything was told.
const CHECKPOINT: Table<(), (), u64> = Table::new(tables::CHECKPOINT, "checkpoint");

fn export_home() -> Home {
    Home::new("export", "main")
}

/// Commits read at once.
const PAGE: usize = 128;

// ---- the runner

/// How far the export has come: effects behind it are kept.
pub(crate) struct Held(AtomicU64);

impl Default for Held {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

impl Held {
    /// Up to where effects may be forgotten, as far as the export is concerned.
    pub(crate) fn up_to(&self, ran: u64) -> u64 {
        let told = self.0.load(Ordering::Acquire);
        ran.min(told.max(ran.saturating_sub(EXPORT_BEHIND_MAX)))
    }

    fn hold(&self, position: u64) {
        self.0.store(position, Ordering::Release);
    }
}

/// The export of one term of the owner.
pub(crate) struct Exporter {
    node: Arc<Node>,
    to: Arc<dyn Export>,
    /// Everything up to here was told.
    at: u64,
}

impl Exporter {
    /// Reads where to go on; from then on effects are kept for it. The first time it begins with what comes.
    pub(crate) async fn of_term(node: &Arc<Node>, start: u64) -> Option<Self> {
        let to = Arc::clone(node.export.as_ref()?);
        let mut tries = 0;
        let at = loop {
            match checkpoint(node, start).await {
                Ok(at) => break at,
                Err(error) if error.code == "store_closed" => return None,
                Err(error) => tracing::warn!(code = %error.code, "the export does not begin yet"),
            }
            tries += 1;
            tokio::time::sleep(effect::pause(tries)).await;
        };
        node.exported.hold(at);
        Some(Self {
            node: Arc::clone(node),
            to,
            at,
        })
    }

    /// Tells what happens, until it is dropped.
    pub(crate) async fn run(mut self) {
        let mut tries = 0;
        loop {
            match self.page().await {
                Ok(()) => tries = 0,
                Err(why) => {
                    tries += 1;
                    // Once for each time that it stops, not for each try.
                    if tries == 1 {
                        tracing::warn!(%why, "the export waits");
                    }
                    tokio::time::sleep(effect::pause(tries)).await;
                }
            }
        }
    }

    async fn page(&mut self) -> Result<(), String> {
        let newest = self.node.effects.beyond(self.at).await;
        let (from, missed) = begin(self.at, newest);
        if let Some(missed) = missed {
            tracing::error!(missed, from, "the export lost what lies between");
            let told = gap(missed, from, self.node.clock.now_ms());
            self.to.tell(&[told]).await?;
        }
        let node = &self.node;
        let commits = node.store.effects_after(from, PAGE).await;
        let commits = commits.map_err(|error| error.to_string())?;
        let full = commits.len() == PAGE;
        let applied = commits
            .iter()
            .take_while(|commit| commit.position <= newest);
        let (mut events, mut last) = (Vec::new(), from);
        for commit in applied {
            let told = events_of(node, commit).await;
            events.extend(told.map_err(|error| error.code.to_string())?);
            last = commit.position;
        }
        let to = if full { last } else { newest.max(last) };
        // Where nothing is told nothing is noted: the note is a commit as well, and would lead to the next.
        if !events.is_empty() || missed.is_some() {
            self.to.tell(&events).await?;
            let noted = note(node, to).await;
            noted.map_err(|error| error.code.to_string())?;
        }
        self.at = to;
        node.exported.hold(to);
        if !full {
            // What comes within it is one page, and one checkpoint.
            tokio::time::sleep(Duration::from_millis(CHECKPOINT_MS / 4)).await;
        }
        Ok(())
    }
}

async fn checkpoint(node: &Node, start: u64) -> Answer<u64> {
    let home = export_home();
    if let Some(at) = node.store.read(&home, &CHECKPOINT, &(), &()).await? {
        return Ok(at);
    }
    note(node, start).await?;
    Ok(start)
}

async fn note(node: &Node, position: u64) -> Answer<()> {
    retry(|| async {
        let mut t = node.store.transaction(&export_home());
        let before = t.read(&CHECKPOINT, &(), &()).await?.unwrap_or(0);
        if before < position {
            t.set(&CHECKPOINT, &(), &(), &position)?;
            t.commit().await?;
        }
        Ok::<_, StoreError>(())
    })
    .await?;
    Ok(())
}

async fn events_of(node: &Node, commit: &AppliedCommit) -> Answer<Vec<Event>> {
    let mut events = Vec::new();
    for delivered in effect::effects_of(commit) {
        match delivered.kind.as_str() {
            SENT_EFFECT => events.extend(created(node, &delivered).await?),
            JOINED_EFFECT => {
                let joined: Joined = delivered.payload()?;
                let data = json!({
                    "conversation_id": joined.conversation_id,
                    "user_ids": joined.user_ids,
                    "from_seq": number(joined.from_seq),
                });
                events.push(event("conversation.joined", &delivered, &data));
            }
            LEFT_EFFECT => {
                let left: Left = delivered.payload()?;
                let data = json!({
                    "conversation_id": left.conversation_id,
                    "user_ids": left.user_ids,
                });
                events.push(event("conversation.left", &delivered, &data));
            }
            _ => {}
        }
    }
    Ok(events)
}

/// The message as it is now; nothing when it was taken away meanwhile.
async fn created(node: &Node, effect: &Delivered) -> Answer<Option<Event>> {
    let sent: Sent = effect.payload()?;
    let (id, seq) = (sent.conversation_id, number(sent.seq));
    let (home, at) = (conversation_home(id), MESSAGE.at(&(), seq));
    let Some(row) = node.store.get(&home, &at).await? else {
        return Ok(None);
    };
    let data = Created {
        message: MESSAGE.decode(&row)?.view(id, seq),
        member_ids: members(node, id, seq).await?,
    };
    let data = serde_json::to_value(data).map_err(|error| {
        StoreError::Corrupt(format!("a message can't be written as JSON: {error}"))
    })?;
    Ok(Some(event("message.created", effect, &data)))
}

async fn members(node: &Node, id: ConversationId, seq: u64) -> Answer<Option<Vec<UserId>>> {
    let Some(snapshot) = node.conversations.get(&node.store, id).await? else {
        return Ok(None);
    };
    if snapshot.roster.len() > EXPORT_MEMBERS_MAX {
        return Ok(None);
    }
    let sees = snapshot
        .roster
        .iter()
        .filter(|(_, row)| row.from_seq <= seq);
    Ok(Some(sees.map(|(user, _)| *user).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_where_it_was_unless_that_is_too_far_behind() {
        assert_eq!(begin(5_000, 5_010), (5_000, None));
        let newest = EXPORT_BEHIND_MAX + 7_000;
        assert_eq!(begin(5_000, newest), (7_000, Some(5_000)));
        let told: Value = serde_json::from_slice(&gap(5_000, 7_000, 1).payload).unwrap();
        assert_eq!(told["data"], json!({"after": 5_000, "up_to": 7_000}));
    }

    #[test]
    fn effects_are_kept_until_they_are_told_but_not_for_ever() {
        let held = Held::default();
        assert_eq!(held.up_to(9_000), 9_000, "nobody is told anything");
        held.hold(5_000);
        assert_eq!(held.up_to(9_000), 5_000);
        assert_eq!(held.up_to(4_000), 4_000);
        assert_eq!(held.up_to(EXPORT_BEHIND_MAX + 7_000), 7_000);
    }
}
