//! What a tool posts by the address of its bot. It is the one thing that an address is good for.

use storage::{Committed, retry};

use super::manage::bots;
use super::payload::texts;
use super::rows::{BOT, BotRow};
use super::signature::{self, Signed};
use super::types::{BotId, BotMark};
use crate::api::{Answer, ApiError, Class};
use crate::conversation::rows::{MESSAGE, META, conversation_home};
use crate::conversation::rules::still_open;
use crate::ctx::{check_client_id, request_hash};
use crate::ids::{ConversationId, Id};
use crate::limits::MESSAGE_ID_KEPT_MS;
use crate::message::rows::{Body, Entry};
use crate::node::Node;
use crate::secret::{Key, digest, session_of};

/// A request as it came in.
#[derive(Clone, Copy, Debug)]
pub struct Posted<'a> {
    /// The last part of the address.
    pub token: &'a str,
    /// From where, without port.
    pub address: &'a str,
    /// JSON.
    pub body: &'a [u8],
    /// What was signed: the bytes that came.
    pub raw: &'a [u8],
    /// How it is signed, if it is.
    pub signed: Signed<'a>,
    /// The tool's id for it, by which a repeat is told: `webhook-id`, else `Idempotency-Key`.
    pub client_msg_id: Option<&'a str>,
}

/// A bot that was found by its token.
struct Found {
    conversation_id: ConversationId,
    bot_id: BotId,
    row: BotRow,
    /// SHA-256 of the token.
    hash: Key,
}

/// Puts what a tool says into its discussion, all of it by one commit; answers the number of the last message.
///
/// # Errors
/// `not_found` (`no_bot`) for an address that is no bot's; `limited` (`rate_limited`); those of
/// [`signature::check`], where the bot asks for one; those of [`texts`]; `conflict` (`dissolved`, `client_id_reused`).
pub async fn post(node: &Node, posted: Posted<'_>) -> Answer<u64> {
    let found = find(node, posted.token, posted.address).await?;
    if found.row.signed {
        let secret = signature::secret(&node.secret, &found.hash);
        signature::check(&secret, posted.signed, posted.raw, node.clock.now_ms())?;
    }
    if let Some(id) = posted.client_msg_id {
        check_client_id("webhook-id", id)?;
    }
    let texts = texts(posted.body)?;
    let made_up;
    let client_msg_id = match posted.client_msg_id {
        Some(id) => id,
        None => {
            made_up = Id::v7(node.clock.now_ms(), node.random.bytes()).to_string();
            &made_up
        }
    };
    let done = retry(|| post_once(node, &found, client_msg_id, &texts)).await?;
    node.delivery.passed(done.position).await;
    let last = done.outcomes.last().map_or(0, |last| last.number);
    Ok(u64::try_from(last).unwrap_or(0))
}

/// The bot of a token. Strangers are counted by their address, so that nobody has the store looked through for
/// tokens; a bot that posted lately is counted by itself alone, whoever else sits behind its address.
async fn find(node: &Node, token: &str, address: &str) -> Answer<Found> {
    let now_ms = node.clock.now_ms();
    let hash = digest(token.as_bytes());
    let known = node.guard.call_by_known_bot(&hash, now_ms)?;
    // Apart from people: a tool that goes on with an old address must not keep a whole company from signing in.
    let stranger = format!("tool at {address}");
    if !known {
        node.guard.call_from_address(&stranger, now_ms)?;
    }
    let conversation_id = session_of(token).ok_or_else(no_bot)?;
    let all = bots(&node.store, conversation_id).await?;
    let own = all.into_iter().find(|(_, row)| row.has(&hash, now_ms));
    let (bot_id, row) = own.ok_or_else(no_bot)?;
    if !known {
        node.guard.known_after_all(&stranger);
        node.guard.call_by_bot(hash, now_ms)?;
    }
    Ok(Found {
        conversation_id,
        bot_id,
        row,
        hash,
    })
}

async fn post_once(
    node: &Node,
    found: &Found,
    client_msg_id: &str,
    texts: &[String],
) -> Answer<Committed> {
    let (author, parts) = (found.bot_id, texts.iter().map(String::as_bytes));
    let hash = request_hash("bot.post", &parts.collect::<Vec<_>>());
    let home = conversation_home(found.conversation_id);
    let mut t = node.store.transaction(&home).client_id(
        "message",
        &author.to_string(),
        client_msg_id,
        hash,
        MESSAGE_ID_KEPT_MS,
    );
    if let Some(done) = t.repeated().await? {
        return Ok(done);
    }
    let row = t.read(&BOT, &(), &author).await?;
    let row = row
        .filter(|row| row.has(&found.hash, node.clock.now_ms()))
        .ok_or_else(no_bot);
    let mut t = t.allowed(row).await?;
    let meta = t.read(&META, &(), &()).await?.ok_or_else(no_bot)?;
    t = t.allowed(still_open(&meta)).await?;
    let mark = BotMark {
        name: found.row.name.clone(),
    };
    for (at, text) in texts.iter().enumerate() {
        let n = t.numbered();
        let id = (at == 0).then(|| client_msg_id.to_owned());
        let entry = Entry::of_bot((author, mark.clone()), id, Body::Text(text.clone()), n)?;
        t.append(MESSAGE.partition(&()), entry, true);
    }
    Ok(t.commit().await?)
}

/// What a tool is told whose address is wrong, was taken away, or is too old: the same.
fn no_bot() -> ApiError {
    ApiError::new(
        Class::NotFound,
        "no_bot",
        "这个地址已失效，请向群主要新的地址",
        "This address is no bot's; ask the discussion's owner for a new one",
    )
}
