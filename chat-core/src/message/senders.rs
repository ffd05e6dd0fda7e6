//! Who sent to a conversation lately, and which version of it allowed that. The next message of the same person
//! expects just that instead of reading it again: the writer decides, and where anything has changed (renamed,
//! dissolved, removed) the message is tried once more with what is read. With a database beside the server these
//! were three reads of each message.

use moka::sync::Cache;
use storage::Transaction;

use crate::conversation::rows::{META, ROSTER};
use crate::ids::{ConversationId, UserId};
use crate::limits::CACHED_SENDERS;

/// See the module.
pub struct Senders(Cache<(ConversationId, UserId), u64>);

impl Default for Senders {
    fn default() -> Self {
        Self(Cache::new(CACHED_SENDERS))
    }
}

impl Senders {
    /// Expects of the commit what allowed the last one. False when nothing is known.
    pub(super) fn expect(&self, t: &mut Transaction, id: ConversationId, user: UserId) -> bool {
        let Some(version) = self.0.get(&(id, user)) else {
            return false;
        };
        t.expect_version(META.at(&(), &()), version);
        t.expect_present(ROSTER.at(&(), &user));
        true
    }

    /// `user` may send as long as the conversation is in this version and he is in it.
    pub(super) fn may(&self, id: ConversationId, user: UserId, version: u64) {
        self.0.insert((id, user), version);
    }

    /// Something has changed.
    pub(super) fn forget(&self, id: ConversationId, user: UserId) {
        self.0.invalidate(&(id, user));
    }
}
