//! Bots: tools that post into a discussion (`PLAT-i10`). A bot belongs to one discussion. Whoever has its address may
//! post there, and do nothing else: read nothing, name nobody, leave nothing behind. Why so:
//! `docs/decisions/0020-a-bot-belongs-to-one-discussion.md`.
//!
//! Home `conv:<id>`: [`rows::BOT`]. The address is a [token](crate::secret::token) that begins with the conversation,
//! so that looking it up is one read; what is stored of it is a hash.

pub mod manage;
pub mod payload;
pub mod post;
pub mod rows;
pub mod signature;
pub mod types;

use crate::api::Registry;
use crate::api::registry::Access;

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    api.section("bot")
        .read(
            "list",
            Access::Member,
            "The bots that post into a discussion",
            manage::list,
        )
        .write(
            "create",
            Access::Member,
            "Let a tool post into a discussion (owner, or an administrator in it); answers its address",
            manage::create,
        )
        .audited()
        .write(
            "renew",
            Access::Member,
            "A new address for a bot (owner, or an administrator in it)",
            manage::renew,
        )
        .audited()
        .write(
            "remove",
            Access::Member,
            "Take a bot away (owner, or an administrator in it)",
            manage::remove,
        )
        .audited();
}
