//! What is stored of a message.

use serde::{Deserialize, Serialize};
use storage::{Later, Value};

use super::types::{Message, MessageKind, SystemLine};
use crate::api::Answer;
use crate::bot::types::{BotId, BotMark};
use crate::conversation::rows::known;
use crate::conversation::types::Preview;
use crate::file::types::{FileInfo, FileKind};
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
    /// A picture or another file.
    File(FileInfo),
}

impl Body {
    fn kind(&self) -> MessageKind {
        match self {
            Self::Text(_) => MessageKind::Text,
            Self::System(_) => MessageKind::System,
            Self::File(file) => match file.kind {
                FileKind::Image => MessageKind::Image,
                FileKind::File => MessageKind::File,
            },
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn system(&self) -> Option<&SystemLine> {
        match self {
            Self::System(line) => Some(line),
            _ => None,
        }
    }

    fn file(&self) -> Option<&FileInfo> {
        match self {
            Self::File(file) => Some(file),
            _ => None,
        }
    }
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
    /// Of a bot's entry: which one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot: Option<BotMark>,
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
        let entry = Self::new(author_id, client_msg_id, body, n);
        Ok(Value::fill(&entry)?)
    }

    /// The same, by a bot.
    ///
    /// # Errors
    /// `internal` when it can't be written.
    pub fn of_bot(
        (author, mark): (BotId, BotMark),
        client_msg_id: Option<String>,
        body: Body,
        n: u16,
    ) -> Answer<Value> {
        let entry = Self {
            bot: Some(mark),
            ..Self::new(author, client_msg_id, body, n)
        };
        Ok(Value::fill(&entry)?)
    }

    const fn new(author_id: UserId, client_msg_id: Option<String>, body: Body, n: u16) -> Self {
        Self {
            author_id,
            at: Later::Time,
            count: Later::CountOf(n),
            client_msg_id,
            body,
            bot: None,
        }
    }

    /// The entry as clients see it.
    pub fn view(&self, conversation_id: ConversationId, seq: u64) -> Message {
        Message {
            conversation_id,
            seq,
            count: self.count(),
            kind: self.body.kind(),
            author_id: self.author_id,
            bot: self.bot.clone(),
            sent_at: known(self.at),
            client_msg_id: self.client_msg_id.clone(),
            text: self.body.text().map(str::to_owned),
            file: self.body.file().cloned(),
            system: self.body.system().cloned(),
        }
    }

    /// The entry in a list of conversations.
    pub fn preview(&self, seq: u64) -> Preview {
        Preview {
            seq,
            sent_at: known(self.at),
            author_id: self.author_id,
            bot: self.bot.clone(),
            kind: self.body.kind(),
            text: self.body.text().map(|text| preview(text, PREVIEW_CHARS)),
            file_name: self.body.file().map(|file| file.name.clone()),
            system: self.body.system().cloned(),
        }
    }

    /// Counted entries up to this one.
    pub fn count(&self) -> u64 {
        u64::try_from(known(self.count)).unwrap_or(0)
    }
}
