//! What is stored of conversations.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use storage::{Home, Later, Log, Partition, RowAt, Table, TableId, Value, key};

use super::types::{History, Kind, SelfAppended, SelfWhat, State};
use crate::api::Answer;
use crate::ids::{ConversationId, Id, SpaceId, UserId};
use crate::tables;

/// The home of a conversation.
pub fn conversation_home(id: ConversationId) -> Home {
    Home::new("conv", id)
}

/// What a conversation is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetaRow {
    /// Its kind.
    pub kind: Kind,
    /// Its company.
    pub space_id: SpaceId,
    /// The name of a discussion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who owns a discussion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<UserId>,
    /// The two of a direct chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<(UserId, UserId)>,
    /// When it began.
    pub created_at: i64,
    /// What a new member sees of the past.
    pub history: History,
    /// Whether it goes on.
    pub state: State,
    /// How many bots it has.
    #[serde(default, skip_serializing_if = "is_none")]
    pub bots: usize,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands a reference to it"
)]
const fn is_none(bots: &usize) -> bool {
    *bots == 0
}

impl MetaRow {
    /// The other one of a direct chat.
    pub fn peer_of(&self, user: UserId) -> Option<UserId> {
        self.pair
            .map(|(one, other)| if one == user { other } else { one })
    }

    /// Each of the two of a direct chat as a member: from its beginning.
    pub const fn begins_with(&self) -> RosterRow {
        RosterRow {
            from_seq: 1,
            joined_at: self.created_at,
        }
    }

    /// Whether it is a direct chat of `user`. Its two members are in it for ever.
    pub fn is_of(&self, user: UserId) -> bool {
        self.pair
            .is_some_and(|(one, other)| one == user || other == user)
    }
}

/// A member, in the conversation's home: the authority.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct RosterRow {
    /// The first entry he may see.
    pub from_seq: u64,
    /// Since when he is a member.
    pub joined_at: i64,
}

/// [`RosterRow`] as it is written by the commit that numbers the joining.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct NewRosterRow {
    /// See [`RosterRow`].
    pub from_seq: Later,
    /// See [`RosterRow`].
    pub joined_at: Later,
}

/// A conversation one is in, in one's own home.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct JoinedRow {
    /// The first entry one may see.
    pub from_seq: u64,
    /// Counted entries before it: the read position that one begins with.
    pub from_count: u64,
    /// Since when.
    pub joined_at: i64,
}

/// An entry of the log `self`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SelfEntry {
    /// When: the commit's time.
    pub at: Later,
    /// What.
    pub what: SelfWhat,
    /// Where.
    pub conversation_id: ConversationId,
    /// How far one has read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<(u64, u64)>,
}

impl SelfEntry {
    /// The entry as clients see it.
    pub fn view(&self, seq: u64) -> SelfAppended {
        SelfAppended {
            seq,
            at: known(self.at),
            what: self.what,
            conversation_id: self.conversation_id,
            read_seq: self.read.map(|(seq, _)| seq),
            read_count: self.read.map(|(_, count)| count),
        }
    }
}

/// A number that the writer filled in, as a signed one.
pub fn known(later: Later) -> i64 {
    match later {
        Later::Known(number) => i64::try_from(number).unwrap_or(i64::MAX),
        _ => 0,
    }
}

/// `conv:<id>`.
pub const META: Table<(), (), MetaRow> = Table::new(tables::META, "conversation");
/// `conv:<id>`: the messages and system lines.
pub const MESSAGE: Log<(), crate::message::rows::Entry> = Log::new(tables::MESSAGE, "message");
/// `conv:<id>`: user → member.
pub const ROSTER: Table<(), Id, RosterRow> = Table::new(tables::ROSTER, "roster");
/// `user:<id>`: conversation → since when.
pub const JOINED: Table<(), Id, JoinedRow> = Table::new(tables::JOINED, "joined");
/// `user:<id>`: what happened to one.
pub const SELF_LOG: Log<(), SelfEntry> = Log::new(tables::SELF_LOG, "self");

/// `conv:<id>`: how many members there are.
pub fn roster_count() -> RowAt {
    RowAt {
        table: TableId::new(tables::ROSTER_COUNT),
        partition: key::encode(&()),
        key: key::encode(&()),
    }
}

/// `user:<id>`: how far one has read in a conversation (n = seq, payload = count).
pub fn cursor_at(conversation: ConversationId) -> RowAt {
    RowAt {
        table: TableId::new(tables::CURSOR),
        partition: key::encode(&()),
        key: key::encode(&conversation),
    }
}

/// The partition of [`cursor_at`].
pub fn cursors() -> Partition {
    Partition {
        table: TableId::new(tables::CURSOR),
        name: key::encode(&()),
    }
}

/// The payload of a cursor.
pub fn cursor_payload(count: u64) -> Value {
    Value::bytes(count.to_be_bytes().to_vec())
}

/// (seq, count) of a cursor's number and payload.
pub fn read_cursor(seq: u64, payload: &Bytes) -> (u64, u64) {
    let count = payload
        .first_chunk::<8>()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes));
    (seq, count)
}

/// Writes a member whose history begins with the `n`-th numbered entry of this commit.
///
/// # Errors
/// `internal` when the row can't be written.
pub fn joining(n: u16) -> Answer<Value> {
    Ok(Value::fill(&NewRosterRow {
        from_seq: Later::SeqOf(n),
        joined_at: Later::Time,
    })?)
}
