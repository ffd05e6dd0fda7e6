//! A session's tokens: which are good, what a refresh is answered with. Pure: time and randomness come in.

use serde::{Deserialize, Serialize};

use crate::bytes32::Bytes32;
use crate::ids::{AccountId, SessionId, SpaceId, UserId};
use crate::limits::{ACCESS_MS, REFRESH_MS, REFRESH_REPEAT_MS};
use crate::secret::{digest, mac, same, token};

/// An access token's hash.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct AccessHash {
    pub(super) hash: Bytes32,
    pub(super) until: i64,
}

/// The refresh token before, and how to compute what it was answered with.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Before {
    pub(super) hash: Bytes32,
    pub(super) salt: Bytes32,
    pub(super) until: i64,
    pub(super) access_until: i64,
    pub(super) refresh_until: i64,
}

/// Row of `session:<id>`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionRow {
    pub(crate) account_id: AccountId,
    pub(super) user_id: UserId,
    pub(super) space_id: SpaceId,
    pub(crate) device_name: String,
    pub(super) address: String,
    pub(super) created_at: i64,
    pub(super) seen_at: i64,
    pub(super) cookie: bool,
    pub(super) must_change_password: bool,
    pub(super) access: Vec<AccessHash>,
    pub(super) refresh_hash: Bytes32,
    pub(super) refresh_until: i64,
    pub(super) before: Option<Before>,
    /// Hashes of refresh tokens used up, the newest last; one of them again ends the session.
    pub(super) used: Vec<Bytes32>,
}

/// Access tokens of one session that are good at the same time: several tabs refresh each for itself.
pub(super) const ACCESS_AT_ONCE: usize = 4;
/// Refresh tokens remembered as used up.
pub(super) const USED_REMEMBERED: usize = 16;

/// A pair of tokens with their ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) access: String,
    pub(super) access_until: i64,
    pub(super) refresh: String,
    pub(super) refresh_until: i64,
}

/// What a refresh token is answered with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refreshed {
    /// A new pair; the row has changed.
    Rotated(Pair),
    /// The pair that this token was answered with just now.
    Repeated(Pair),
    /// A token that was used up: somebody else has it. The session must end.
    Reused,
    /// No token of this session.
    Unknown,
}

pub(super) fn pair(
    session: SessionId,
    old: &str,
    salt: &[u8; 32],
    access_until: i64,
    refresh_until: i64,
) -> Pair {
    Pair {
        access: token(session, &mac(old.as_bytes(), &[salt, b"access"])),
        access_until,
        refresh: token(session, &mac(old.as_bytes(), &[salt, b"refresh"])),
        refresh_until,
    }
}

impl SessionRow {
    pub(super) fn refresh(
        &mut self,
        session: SessionId,
        presented: &str,
        salt: [u8; 32],
        now_ms: i64,
    ) -> Refreshed {
        let hash = Bytes32(digest(presented.as_bytes()));
        if same(&hash.0, &self.refresh_hash.0) {
            if now_ms >= self.refresh_until {
                return Refreshed::Unknown;
            }
            return Refreshed::Rotated(self.rotate(session, presented, hash, salt, now_ms));
        }
        match self.before {
            Some(before) if same(&hash.0, &before.hash.0) && now_ms <= before.until => {
                Refreshed::Repeated(pair(
                    session,
                    presented,
                    &before.salt.0,
                    before.access_until,
                    before.refresh_until,
                ))
            }
            _ if self.used.iter().any(|used| same(&hash.0, &used.0)) => Refreshed::Reused,
            _ => Refreshed::Unknown,
        }
    }

    pub(super) fn rotate(
        &mut self,
        session: SessionId,
        old: &str,
        old_hash: Bytes32,
        salt: [u8; 32],
        now_ms: i64,
    ) -> Pair {
        let new = pair(session, old, &salt, now_ms + ACCESS_MS, now_ms + REFRESH_MS);
        self.before = Some(Before {
            hash: old_hash,
            salt: Bytes32(salt),
            until: now_ms + REFRESH_REPEAT_MS,
            access_until: new.access_until,
            refresh_until: new.refresh_until,
        });
        self.used.push(old_hash);
        let surplus = self.used.len().saturating_sub(USED_REMEMBERED);
        self.used.drain(..surplus);
        self.seen_at = now_ms;
        self.hold(&new, now_ms);
        new
    }

    pub(super) fn hold(&mut self, new: &Pair, now_ms: i64) {
        self.access.retain(|access| access.until > now_ms);
        let surplus = (self.access.len() + 1).saturating_sub(ACCESS_AT_ONCE);
        self.access.drain(..surplus);
        self.access.push(AccessHash {
            hash: Bytes32(digest(new.access.as_bytes())),
            until: new.access_until,
        });
        self.refresh_hash = Bytes32(digest(new.refresh.as_bytes()));
        self.refresh_until = new.refresh_until;
    }

    /// When nobody can renew it any more: an access token ends long before.
    pub(super) fn ends_at(&self) -> i64 {
        self.refresh_until
    }

    pub(super) fn access_until(&self, presented: &str, now_ms: i64) -> Option<i64> {
        let hash = digest(presented.as_bytes());
        let known = self
            .access
            .iter()
            .find(|access| same(&hash, &access.hash.0))?;
        (known.until > now_ms).then_some(known.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Id;

    fn row(refresh: &str) -> SessionRow {
        let id = Id([1; 16]);
        SessionRow {
            account_id: id,
            user_id: id,
            space_id: id,
            device_name: String::new(),
            address: String::new(),
            created_at: 0,
            seen_at: 0,
            cookie: false,
            must_change_password: false,
            access: vec![],
            refresh_hash: Bytes32(digest(refresh.as_bytes())),
            refresh_until: REFRESH_MS,
            before: None,
            used: vec![],
        }
    }

    fn rotated(row: &mut SessionRow, presented: &str, now_ms: i64) -> Pair {
        match row.refresh(Id([1; 16]), presented, [5; 32], now_ms) {
            Refreshed::Rotated(pair) => pair,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn plat_i02_the_token_before_answers_with_the_same_pair_for_30_seconds() {
        let mut row = row("r0");
        let first = rotated(&mut row, "r0", 1_000);
        let again = row.refresh(Id([1; 16]), "r0", [6; 32], 1_000 + REFRESH_REPEAT_MS);
        assert_eq!(again, Refreshed::Repeated(first.clone()));
        let late = row.refresh(Id([1; 16]), "r0", [6; 32], 1_001 + REFRESH_REPEAT_MS);
        assert_eq!(late, Refreshed::Reused);
        assert_eq!(
            row.access_until(&first.access, 2_000),
            Some(1_000 + ACCESS_MS)
        );
    }

    #[test]
    fn an_older_token_ends_the_family_at_once() {
        let mut row = row("r0");
        let first = rotated(&mut row, "r0", 1_000);
        rotated(&mut row, &first.refresh, 1_500);
        assert_eq!(
            row.refresh(Id([1; 16]), "r0", [6; 32], 1_600),
            Refreshed::Reused
        );
        assert_eq!(
            row.refresh(Id([1; 16]), "forged", [6; 32], 1_600),
            Refreshed::Unknown
        );
    }

    #[test]
    fn tokens_end_by_themselves() {
        let mut row = row("r0");
        let first = rotated(&mut row, "r0", 0);
        assert_eq!(row.access_until(&first.access, ACCESS_MS), None);
        assert_eq!(
            row.refresh(Id([1; 16]), &first.refresh, [6; 32], REFRESH_MS),
            Refreshed::Unknown
        );
    }

    #[test]
    fn four_tabs_keep_their_access_tokens() {
        let mut row = row("r0");
        let mut pairs = vec![rotated(&mut row, "r0", 0)];
        for turn in 1..5 {
            let refresh = pairs.last().unwrap().refresh.clone();
            pairs.push(rotated(&mut row, &refresh, turn));
        }
        let good: Vec<bool> = pairs
            .iter()
            .map(|pair| row.access_until(&pair.access, 10).is_some())
            .collect();
        assert_eq!(good, [false, true, true, true, true]);
    }
}
