//! What joining, leaving and sending do in the homes of the people concerned. The roster and the log
//! are changed by the conversation's commit; the list of each person follows as an effect.

use serde::{Deserialize, Serialize};
use storage::{Home, Later, Value, retry};

use super::capacity;
use super::rows::{JOINED, JoinedRow, SELF_LOG, SelfEntry, cursor_at, cursor_payload};
use super::types::SelfWhat;
use crate::api::Answer;
use crate::directory::person::user_home;
use crate::effect::{Delivered, Kind, stamp};
use crate::ids::{ConversationId, UserId};
use crate::node::Node;

/// People concerned by one effect at most; more are several effects of the same commit.
pub const PEOPLE_AN_EFFECT: usize = 100;

/// Kind of the effect that puts a conversation into people's lists.
pub const JOINED_EFFECT: &str = "conversation.joined";
/// Kind of the effect that takes a conversation out of people's lists.
pub const LEFT_EFFECT: &str = "conversation.left";

/// Kind of the effect that counts an author's own message as read by him.
pub const SENT_EFFECT: &str = "message.sent";

/// Payload of [`JOINED_EFFECT`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Joined {
    /// Who joined.
    pub user_ids: Vec<UserId>,
    /// Where.
    pub conversation_id: ConversationId,
    /// The first entry they may see.
    pub from_seq: Later,
    /// Counted entries before it.
    pub from_count: Later,
}

/// Payload of [`LEFT_EFFECT`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Left {
    /// Who left.
    pub user_ids: Vec<UserId>,
    /// What.
    pub conversation_id: ConversationId,
}

/// Payload of [`SENT_EFFECT`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// Its author.
    pub user_id: UserId,
    /// Where.
    pub conversation_id: ConversationId,
    /// Its number.
    pub seq: Later,
    /// Counted entries up to it.
    pub count: Later,
}

/// All of them.
pub fn kinds() -> [Kind; 3] {
    [
        Kind {
            name: SENT_EFFECT,
            targets: |effect| Ok(vec![user_home(effect.payload::<Sent>()?.user_id)]),
            // Not stamped: a position only moves forward, so that once more changes nothing.
            run: |node, effect, _| {
                Box::pin(async move { sent(&node, effect.position, effect.payload()?).await })
            },
            takes_a_right: false,
        },
        Kind {
            name: JOINED_EFFECT,
            targets: |effect| {
                Ok(effect
                    .payload::<Joined>()?
                    .user_ids
                    .into_iter()
                    .map(user_home)
                    .collect())
            },
            run: |node, effect, home| Box::pin(async move { joined(&node, &effect, &home).await }),
            takes_a_right: false,
        },
        Kind {
            name: LEFT_EFFECT,
            targets: |effect| {
                Ok(effect
                    .payload::<Left>()?
                    .user_ids
                    .into_iter()
                    .map(user_home)
                    .collect())
            },
            run: |node, effect, home| Box::pin(async move { left(&node, &effect, &home).await }),
            takes_a_right: true,
        },
    ]
}

async fn sent(node: &Node, position: u64, sent: Sent) -> Answer<()> {
    let reader = (sent.user_id, sent.conversation_id);
    let to = (number(sent.seq), number(sent.count));
    if node.cursors.sent(&node.store, reader, to, position) {
        return Ok(());
    }
    node.cursors.write(&node.store, reader, to).await
}

async fn joined(node: &Node, effect: &Delivered, home: &Home) -> Answer<()> {
    let payload: Joined = effect.payload()?;
    let row = JoinedRow {
        from_seq: number(payload.from_seq),
        from_count: number(payload.from_count),
        joined_at: effect.time_ms,
    };
    retry(|| join(node, effect, home, payload.conversation_id, row)).await
}

async fn join(
    node: &Node,
    effect: &Delivered,
    home: &Home,
    id: ConversationId,
    row: JoinedRow,
) -> Answer<()> {
    let mut t = node.store.transaction(home);
    stamp(&mut t, effect);
    capacity::count(&mut t, id, true).await?;
    t.set(&JOINED, &(), &id, &row)?;
    t.max(
        cursor_at(id),
        row.from_seq.saturating_sub(1),
        cursor_payload(row.from_count),
    );
    t.append(
        SELF_LOG.partition(&()),
        Value::fill(&happened(SelfWhat::Joined, id))?,
        false,
    );
    t.commit().await?;
    Ok(())
}

async fn left(node: &Node, effect: &Delivered, home: &Home) -> Answer<()> {
    let payload: Left = effect.payload()?;
    retry(|| leave(node, effect, home, payload.conversation_id)).await
}

async fn leave(node: &Node, effect: &Delivered, home: &Home, id: ConversationId) -> Answer<()> {
    let mut t = node.store.transaction(home);
    stamp(&mut t, effect);
    capacity::count(&mut t, id, false).await?;
    t.delete(JOINED.at(&(), &id));
    t.delete(cursor_at(id));
    t.append(
        SELF_LOG.partition(&()),
        Value::fill(&happened(SelfWhat::Left, id))?,
        false,
    );
    t.commit().await?;
    Ok(())
}

pub(super) fn happened(what: SelfWhat, conversation_id: ConversationId) -> SelfEntry {
    SelfEntry {
        at: Later::Time,
        what,
        conversation_id,
        read: None,
    }
}

fn number(later: Later) -> u64 {
    match later {
        Later::Known(number) => number,
        _ => 0,
    }
}
