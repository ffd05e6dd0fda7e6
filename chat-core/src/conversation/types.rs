//! What clients see of conversations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bot::types::BotMark;
use crate::ids::{ConversationId, UserId};
use crate::message::types::{MessageKind, SystemLine};

/// What a conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A chat of two, for ever one per pair.
    Direct,
    /// A chat of several (讨论组).
    Discussion,
}

/// What a new member sees of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum History {
    /// Everything from his joining on (`IM-i13`).
    FromJoin,
    /// Everything.
    Full,
}

/// Whether a conversation goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It goes on.
    Open,
    /// It was ended by its owner: it can be read, no more.
    Dissolved,
}

/// The last message, in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Preview {
    /// Its number.
    pub seq: u64,
    /// When it was sent.
    pub sent_at: i64,
    /// Who sent it.
    pub author_id: UserId,
    /// Of a message by a bot: which one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bot: Option<BotMark>,
    /// What it is.
    pub kind: MessageKind,
    /// The first 100 characters of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The name of a picture or another file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// A system line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<SystemLine>,
}

/// A conversation in one's list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ConversationRow {
    /// Names it.
    pub conversation_id: ConversationId,
    /// What it is.
    pub kind: Kind,
    /// The name of a discussion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The other one of a direct chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_id: Option<UserId>,
    /// Who owns a discussion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<UserId>,
    /// Whether it goes on.
    pub state: State,
    /// The last message one may see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Preview>,
    /// Number of the last entry; 0 before the first.
    pub head_seq: u64,
    /// Counted entries so far.
    pub count: u64,
    /// The first entry one may see.
    pub from_seq: u64,
    /// How far one has read.
    pub read_seq: u64,
    /// Counted entries up to there. `unread` = `count` − `read_count`, never below 0.
    pub read_count: u64,
    /// Messages one has not read.
    pub unread: u64,
    /// Members.
    pub member_count: usize,
    /// The first nine members.
    pub member_ids: Vec<UserId>,
}

/// A conversation by itself.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Conversation {
    /// As in the list.
    #[serde(flatten)]
    pub row: ConversationRow,
    /// When it began; absent before the first message of a direct chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
    /// What a new member sees of the past.
    pub history: History,
    /// All members, up to 50 of them; more by `conversation.members`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<Member>>,
    /// True when it was just begun, and the lists of some of its members follow in a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<bool>,
}

/// A change of who is in a conversation.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct Settled {
    /// True when it is done, and the lists of some of those concerned follow in a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<bool>,
}

/// Who does what in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberRole {
    /// Removes, renames, transfers, dissolves.
    Owner,
    /// Everybody else.
    Member,
}

/// A member of a conversation.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Member {
    /// Who.
    pub user_id: UserId,
    /// Since when.
    pub joined_at: i64,
    /// What he does.
    pub role: MemberRole,
    /// How far he has read; absent above 50 members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_seq: Option<u64>,
}

/// Names a conversation.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConversationRef {
    /// The conversation.
    pub conversation_id: ConversationId,
}

/// Data of `conversation.changed`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Changed {
    /// Ask `conversation.get` for its new state.
    pub conversation_id: ConversationId,
}

/// Data of `conversation.read`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Read {
    /// Where.
    pub conversation_id: ConversationId,
    /// Who.
    pub user_id: UserId,
    /// Up to which entry.
    pub seq: u64,
    /// Counted entries up to there.
    pub count: u64,
}

/// Something that happened to oneself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SelfWhat {
    /// One is in a conversation now.
    Joined,
    /// One is in it no more.
    Left,
    /// One has read further, on some device.
    Read,
}

/// Data of `self.appended`: an entry of one's own log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SelfAppended {
    /// Its number in the log `self`.
    pub seq: u64,
    /// When.
    pub at: i64,
    /// What.
    pub what: SelfWhat,
    /// Where.
    pub conversation_id: ConversationId,
    /// How far one has read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_seq: Option<u64>,
    /// Counted entries up to there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_count: Option<u64>,
}
