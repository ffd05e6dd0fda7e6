//! What clients see of bots.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{ConversationId, Id, UserId};

/// Names a bot; the author of its messages.
pub type BotId = Id;

/// What a message of a bot says of who wrote it: nobody of the company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BotMark {
    /// The bot's name when it posted.
    pub name: String,
}

/// A bot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Bot {
    /// Names it; the author of its messages.
    pub bot_id: BotId,
    /// Its name.
    pub name: String,
    /// Who added it.
    pub created_by: UserId,
    /// When.
    pub created_at: i64,
    /// Whether what it posts must carry a signature.
    pub signed: bool,
    /// Until when its address before this one is good too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_until: Option<i64>,
}

/// The bots of a discussion.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Bots {
    /// In the order in which they were added; 20 at most.
    pub items: Vec<Bot>,
}

/// A bot with what its tool needs; shown only now.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MadeBot {
    /// The bot.
    pub bot: Bot,
    /// Where its tool posts to, on this server: `/hooks/…`. Whoever knows it can post.
    pub path: String,
    /// What its tool signs with (`whsec_…`, Standard Webhooks), where a signature is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_secret: Option<String>,
}

/// A bot to add.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateBot {
    /// The discussion.
    pub conversation_id: ConversationId,
    /// 1 to 30 characters.
    pub name: String,
    /// Whether what it posts must carry a signature; not, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<bool>,
}

/// A bot that gets a new address.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewBot {
    /// The discussion.
    pub conversation_id: ConversationId,
    /// The bot.
    pub bot_id: BotId,
    /// Whether the old address ends at once; otherwise it is good for another 24 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<bool>,
}

/// Names a bot of a discussion.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BotRef {
    /// The discussion.
    pub conversation_id: ConversationId,
    /// The bot.
    pub bot_id: BotId,
}
