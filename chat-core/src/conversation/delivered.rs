//! What is pushed when a conversation or a person's own rows change. Each push goes to those who may
//! see it at that entry, and to nobody else.

use storage::{AppliedCommit, Change, Write};

use super::rows::{MESSAGE, META, ROSTER, SELF_LOG};
use super::types::{Changed, Read, SelfWhat};
use crate::api::{Answer, Push};
use crate::ids::{ConversationId, UserId};
use crate::limits::LIVE_MEMBERS;
use crate::message::types::{Created, MessageKind};
use crate::node::Node;

/// The conversations that a commit is told about, as far as it can be told without reading.
pub fn about(commit: &AppliedCommit) -> Vec<ConversationId> {
    let entries = commit.writes.iter().filter_map(|write| {
        let (seq, value) = appended(write, SELF_LOG.id())?;
        let entry = SELF_LOG.decode_value(value).ok()?.view(seq);
        (entry.what == SelfWhat::Read).then_some(entry.conversation_id)
    });
    match commit.home.kind() {
        "conv" => commit.home.id().parse().into_iter().collect(),
        "user" => entries.collect(),
        _ => Vec::new(),
    }
}

/// A commit in the home of a conversation.
///
/// # Errors
/// A row that can't be read.
pub async fn in_conversation(
    node: &Node,
    id: ConversationId,
    commit: &AppliedCommit,
) -> Answer<()> {
    node.conversations.apply(id, commit)?;
    let Some(snapshot) = node.conversations.get(&node.store, id).await? else {
        return Ok(());
    };
    for write in &commit.writes {
        if let Some((seq, value)) = appended(write, MESSAGE.id()) {
            let message = MESSAGE.decode_value(value)?.view(id, seq);
            if message.kind != MessageKind::System {
                node.hours.sent(commit.time_ms);
            }
            let mut members = snapshot
                .roster
                .iter()
                .filter(|(_, row)| row.from_seq <= seq)
                .map(|(user, _)| *user);
            node.connections.queue(
                &mut members,
                &Push::new("message.created", Created { message }),
            );
        }
    }
    let changed = commit
        .writes
        .iter()
        .any(|write| write.at.table == META.id() || write.at.table == ROSTER.id());
    // The first entry of a conversation tells the same by itself.
    if changed && snapshot.head_seq > 1 {
        let mut members = snapshot.roster.keys().copied();
        node.connections.queue(
            &mut members,
            &Push::new(
                "conversation.changed",
                Changed {
                    conversation_id: id,
                },
            ),
        );
    }
    Ok(())
}

/// A commit in the home of a person.
///
/// # Errors
/// A row that can't be read.
pub async fn to_user(node: &Node, user: UserId, commit: &AppliedCommit) -> Answer<()> {
    for write in &commit.writes {
        let Some((seq, value)) = appended(write, SELF_LOG.id()) else {
            continue;
        };
        let entry = SELF_LOG.decode_value(value)?.view(seq);
        let own = Push::new("self.appended", entry);
        node.connections.queue(&mut std::iter::once(user), &own);
        if entry.what == SelfWhat::Read {
            let (seq, count) = (entry.read_seq.unwrap_or(0), entry.read_count.unwrap_or(0));
            let read = Read {
                conversation_id: entry.conversation_id,
                user_id: user,
                seq,
                count,
            };
            tell_readers(node, read).await?;
        }
    }
    Ok(())
}

/// Read marks are live in conversations of up to 50.
async fn tell_readers(node: &Node, read: Read) -> Answer<()> {
    let Some(snapshot) = node
        .conversations
        .get(&node.store, read.conversation_id)
        .await?
    else {
        return Ok(());
    };
    if snapshot.roster.contains_key(&read.user_id) && snapshot.roster.len() <= LIVE_MEMBERS {
        let mut members = snapshot.roster.keys().copied();
        node.connections
            .queue(&mut members, &Push::new("conversation.read", read));
    }
    Ok(())
}

fn appended(write: &Write, table: storage::TableId) -> Option<(u64, &bytes::Bytes)> {
    match &write.change {
        Change::Append { seq, value, .. } if write.at.table == table => Some((*seq, value)),
        _ => None,
    }
}
