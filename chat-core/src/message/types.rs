//! What clients see of messages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bot::types::BotMark;
use crate::file::types::FileInfo;
use crate::ids::{ConversationId, UserId};

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// Text by a person.
    Text,
    /// A picture by a person.
    Image,
    /// Any other file by a person.
    File,
    /// A line by the server about the conversation itself; it does not count as unread.
    System,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Message {
    /// Where.
    pub conversation_id: ConversationId,
    /// Its number: 1, 2, 3, … without gaps.
    pub seq: u64,
    /// Counted entries up to this one.
    pub count: u64,
    /// What it is.
    pub kind: MessageKind,
    /// Who sent it, or who did what a system line tells.
    pub author_id: UserId,
    /// Of a message by a bot: which one; `author_id` names nobody of the company then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bot: Option<BotMark>,
    /// When it was written to the log.
    pub sent_at: i64,
    /// The sender's id for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_msg_id: Option<String>,
    /// A text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A picture or another file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<FileInfo>,
    /// A system line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<SystemLine>,
}

/// What happened to a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum SystemLine {
    /// It began with these members beside the author.
    Created {
        /// The members.
        user_ids: Vec<UserId>,
    },
    /// The author added these.
    Joined {
        /// The new members.
        user_ids: Vec<UserId>,
    },
    /// The author left.
    Left {},
    /// The author removed these.
    Removed {
        /// Who is a member no more.
        user_ids: Vec<UserId>,
    },
    /// The author renamed it.
    Renamed {
        /// The new name.
        name: String,
    },
    /// It belongs to this member now.
    Transferred {
        /// The new owner.
        user_ids: Vec<UserId>,
    },
    /// The author ended it.
    Dissolved {},
    /// The author added a bot.
    BotAdded {
        /// Its name.
        name: String,
    },
    /// The author took a bot away.
    BotRemoved {
        /// Its name.
        name: String,
    },
}

/// Data of `message.created`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Created {
    /// The message.
    pub message: Message,
}
