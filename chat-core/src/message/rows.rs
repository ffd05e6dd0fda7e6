//! What is stored of a message.

use serde::{Deserialize, Serialize};
use storage::{Later, Value};

use super::types::{Message, MessageKind, SystemLine};
use crate::api::Answer;
use crate::conversation::rows::known;
use crate::conversation::types::Preview;
use crate::ids::{ConversationId, UserId};
use crate::limits::PREVIEW_CHARS;
use crate::text::preview;

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// A text.
    Text(String),
    /// A system line.
    System(SystemLine),
}

/// An entry of a conversation's log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Who.
    pub author_id: UserId,
    /// When: the commit's time.
    pub at: Later,
    /// Counted entries up to this one.
    pub count: Later,
    /// The sender's id for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_msg_id: Option<String>,
    /// What it says.
    pub body: Body,
}

impl Entry {
    /// The entry as the `n`-th numbered operation of a commit.
    ///
    /// # Errors
    /// `internal` when it can't be written.
    pub fn value(
        author_id: UserId,
        client_msg_id: Option<String>,
        body: Body,
        n: u16,
    ) -> Answer<Value> {
        let entry = Self {
            author_id,
            at: Later::Time,
            count: Later::CountOf(n),
            client_msg_id,
            body,
        };
        Ok(Value::fill(&entry)?)
    }

    /// The entry as clients see it.
    pub fn view(&self, conversation_id: ConversationId, seq: u64) -> Message {
        let (kind, text, system) = match &self.body {
            Body::Text(text) => (MessageKind::Text, Some(text.clone()), None),
            Body::System(line) => (MessageKind::System, None, Some(line.clone())),
        };
        Message {
            conversation_id,
            seq,
            count: self.count(),
            kind,
            author_id: self.author_id,
            sent_at: known(self.at),
            client_msg_id: self.client_msg_id.clone(),
            text,
            system,
        }
    }

    /// The entry in a list of conversations.
    pub fn preview(&self, seq: u64) -> Preview {
        let (kind, text, system) = match &self.body {
            Body::Text(text) => (MessageKind::Text, Some(preview(text, PREVIEW_CHARS)), None),
            Body::System(line) => (MessageKind::System, None, Some(line.clone())),
        };
        Preview {
            seq,
            sent_at: known(self.at),
            author_id: self.author_id,
            kind,
            text,
            system,
        }
    }

    /// Counted entries up to this one.
    pub fn count(&self) -> u64 {
        u64::try_from(known(self.count)).unwrap_or(0)
    }
}
