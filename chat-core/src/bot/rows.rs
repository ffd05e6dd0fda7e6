//! What is stored of a bot.

use serde::{Deserialize, Serialize};
use storage::Table;

use super::types::{Bot, BotId};
use crate::bytes32::Bytes32;
use crate::ids::{Id, UserId};
use crate::secret::same;
use crate::tables;

/// A bot, in the home of its discussion. Neither its address nor what it signs with is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BotRow {
    /// Its name.
    pub name: String,
    /// Who added it.
    pub created_by: UserId,
    /// When.
    pub created_at: i64,
    /// Whether what it posts must carry a signature.
    pub signed: bool,
    /// SHA-256 of its token.
    pub token: Bytes32,
    /// The token before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<OldToken>,
}

/// A token that still works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldToken {
    /// SHA-256 of it.
    pub token: Bytes32,
    /// Until then.
    pub until: i64,
}

impl BotRow {
    /// The bot as members see it.
    pub fn view(&self, bot_id: BotId, now_ms: i64) -> Bot {
        Bot {
            bot_id,
            name: self.name.clone(),
            created_by: self.created_by,
            created_at: self.created_at,
            signed: self.signed,
            old_until: self
                .old
                .map(|old| old.until)
                .filter(|until| now_ms < *until),
        }
    }

    /// Whether the token with this hash is one of its own now.
    pub fn has(&self, hash: &[u8; 32], now_ms: i64) -> bool {
        let old = self.old.filter(|old| now_ms < old.until);
        same(&self.token.0, hash) || old.is_some_and(|old| same(&old.token.0, hash))
    }
}

/// `conv:<id>`: the bots that post there.
pub const BOT: Table<(), Id, BotRow> = Table::new(tables::BOT, "bot");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plat_i10_an_old_address_is_good_until_its_time() {
        let (new, old, other) = ([1; 32], [2; 32], [3; 32]);
        let row = BotRow {
            name: "构建".into(),
            created_by: Id([0; 16]),
            created_at: 0,
            signed: false,
            token: Bytes32(new),
            old: Some(OldToken {
                token: Bytes32(old),
                until: 10,
            }),
        };
        assert!(row.has(&new, 100) && row.has(&old, 9));
        assert!(!row.has(&old, 10) && !row.has(&other, 0));
        assert_eq!(row.view(Id([9; 16]), 9).old_until, Some(10));
        assert_eq!(row.view(Id([9; 16]), 10).old_until, None);
    }
}
