//! Against guessing and flooding: wrong passwords per (account, address), calls per user, calls per
//! address before sign-in (`PLAT-i08`, `ACCT-i07`). Kept in the memory of the node, bounded.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use moka::sync::Cache;

use crate::api::{Answer, ApiError, Class};
use crate::ids::UserId;
use crate::limits::{LONGEST_PAUSE_MS, PAUSE_MS, REMEMBERED_GUESSERS, WRONG_PASSWORDS};
use crate::secret::Key;

/// Code of the refusal after too many wrong passwords.
pub const LOCKED: &str = "too_many_tries";

/// Calls that a bucket holds and how fast it fills.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Calls at once.
    pub burst: f64,
    /// Calls per second.
    pub per_second: f64,
}

/// 20 calls/s, burst 100, per user (wire contract).
pub const PER_USER: Rate = Rate {
    burst: 100.0,
    per_second: 20.0,
};
/// 20 calls a minute per address before sign-in (wire contract).
pub const PER_ADDRESS: Rate = Rate {
    burst: 20.0,
    per_second: 20.0 / 60.0,
};

/// One message a second, 30 at once, per bot (`PLAT-i08`).
pub const PER_BOT: Rate = Rate {
    burst: 30.0,
    per_second: 1.0,
};

/// A token bucket.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at_ms: i64,
}

impl Bucket {
    fn full(rate: Rate, now_ms: i64) -> Self {
        Self {
            left: rate.burst,
            at_ms: now_ms,
        }
    }

    /// Takes one call, or tells how long to wait for it.
    fn take(&mut self, rate: Rate, now_ms: i64) -> Result<(), i64> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a span of time in a bucket is far below 2^52 ms"
        )]
        let passed = now_ms.saturating_sub(self.at_ms).max(0) as f64 / 1000.0;
        self.left = (self.left + passed * rate.per_second).min(rate.burst);
        self.at_ms = now_ms;
        if self.left >= 1.0 {
            self.left -= 1.0;
            return Ok(());
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most burst / per_second seconds"
        )]
        let wait_ms = ((1.0 - self.left) / rate.per_second * 1000.0).ceil() as i64;
        Err(wait_ms.max(1))
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Wrong {
    times: u32,
    until_ms: i64,
}

/// How long after the `times`-th wrong password in a row nobody may try again.
fn pause_ms(times: u32) -> i64 {
    match times.checked_sub(WRONG_PASSWORDS) {
        None => 0,
        Some(more) => PAUSE_MS
            .checked_shl(more)
            .map_or(LONGEST_PAUSE_MS, |pause| {
                pause.clamp(PAUSE_MS, LONGEST_PAUSE_MS)
            }),
    }
}

/// The node's memory of guessers and callers.
pub struct Guard {
    wrong: Cache<(String, String), Arc<Mutex<Wrong>>>,
    users: Cache<UserId, Arc<Mutex<Bucket>>>,
    addresses: Cache<String, Arc<Mutex<Bucket>>>,
    /// By the hash of a bot's token.
    bots: Cache<Key, Arc<Mutex<Bucket>>>,
    per_user: Rate,
    per_address: Rate,
}

impl Guard {
    /// A memory with these rates.
    pub fn new(per_user: Rate, per_address: Rate) -> Self {
        Self {
            wrong: remembered(3_600),
            users: remembered(120),
            addresses: remembered(120),
            bots: remembered(600),
            per_user,
            per_address,
        }
    }

    /// Before a password is looked at.
    ///
    /// # Errors
    /// `limited` (`too_many_tries`) during a pause.
    pub fn before_password(&self, login: &str, address: &str, now_ms: i64) -> Answer<()> {
        let until_ms = self
            .wrong
            .get(&key(login, address))
            .map_or(0, |wrong| wrong.lock().map_or(0, |wrong| wrong.until_ms));
        if now_ms < until_ms {
            return Err(ApiError::new(
                Class::Limited,
                LOCKED,
                "密码错误次数过多，请稍后再试",
                "Too many wrong passwords; try again later",
            )
            .after_ms(until_ms - now_ms));
        }
        Ok(())
    }

    /// After a wrong password. True if nobody may try again for a while now.
    pub fn wrong_password(&self, login: &str, address: &str, now_ms: i64) -> bool {
        let entry = self.wrong.get_with(key(login, address), Arc::default);
        if let Ok(mut wrong) = entry.lock() {
            wrong.times = wrong.times.saturating_add(1);
            wrong.until_ms = now_ms + pause_ms(wrong.times);
            return wrong.until_ms > now_ms;
        }
        false
    }

    /// After the right password.
    pub fn right_password(&self, login: &str, address: &str) {
        self.wrong.invalidate(&key(login, address));
    }

    /// A call by a user who is signed in.
    ///
    /// # Errors
    /// `limited` (`rate_limited`).
    pub fn call_by_user(&self, user: UserId, now_ms: i64) -> Answer<()> {
        take(
            &self.users.get_with(user, || bucket(self.per_user, now_ms)),
            self.per_user,
            now_ms,
        )
    }

    /// A message by the bot whose token has this hash. Only what was looked up counts here, so that nobody fills the
    /// memory with tokens that he made up.
    ///
    /// # Errors
    /// `limited` (`rate_limited`).
    pub fn call_by_bot(&self, token: Key, now_ms: i64) -> Answer<()> {
        let bucket = self.bots.get_with(token, || bucket(PER_BOT, now_ms));
        take(&bucket, PER_BOT, now_ms)
    }

    /// The same for a bot that posted lately; false, and nothing counted, for any other token.
    ///
    /// # Errors
    /// `limited` (`rate_limited`).
    pub fn call_by_known_bot(&self, token: &Key, now_ms: i64) -> Answer<bool> {
        let Some(bucket) = self.bots.get(token) else {
            return Ok(false);
        };
        take(&bucket, PER_BOT, now_ms).map(|()| true)
    }

    /// Gives back a call from an address that turned out to be by somebody who is known: a whole
    /// company sits behind one address, and its people sign in and refresh at the same hour.
    pub fn known_after_all(&self, address: &str) {
        if let Some(bucket) = self.addresses.get(address)
            && let Ok(mut bucket) = bucket.lock()
        {
            bucket.left = (bucket.left + 1.0).min(self.per_address.burst);
        }
    }

    /// A call from an address before sign-in.
    ///
    /// # Errors
    /// `limited` (`rate_limited`).
    pub fn call_from_address(&self, address: &str, now_ms: i64) -> Answer<()> {
        let bucket = self
            .addresses
            .get_with(address.to_owned(), || bucket(self.per_address, now_ms));
        take(&bucket, self.per_address, now_ms)
    }
}

fn remembered<K, V>(idle_s: u64) -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder()
        .max_capacity(REMEMBERED_GUESSERS)
        .time_to_idle(Duration::from_secs(idle_s))
        .build()
}

fn key(login: &str, address: &str) -> (String, String) {
    (login.to_owned(), address.to_owned())
}

fn bucket(rate: Rate, now_ms: i64) -> Arc<Mutex<Bucket>> {
    Arc::new(Mutex::new(Bucket::full(rate, now_ms)))
}

fn take(bucket: &Mutex<Bucket>, rate: Rate, now_ms: i64) -> Answer<()> {
    let taken = bucket
        .lock()
        .map_or(Ok(()), |mut bucket| bucket.take(rate, now_ms));
    taken.map_err(|wait_ms| {
        ApiError::new(
            Class::Limited,
            "rate_limited",
            "操作太频繁，请稍后再试",
            "Too many calls; slow down",
        )
        .after_ms(wait_ms)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plat_i08_a_user_has_a_burst_of_100_and_then_20_a_second() {
        let guard = Guard::new(PER_USER, PER_ADDRESS);
        let user = crate::ids::Id([1; 16]);
        for _ in 0..100 {
            guard.call_by_user(user, 0).unwrap();
        }
        let refused = guard.call_by_user(user, 0).unwrap_err();
        assert_eq!(
            (refused.code.as_str(), refused.retry_after_ms),
            ("rate_limited", Some(50))
        );
        guard.call_by_user(user, 50).unwrap();
        assert!(guard.call_by_user(user, 50).is_err());
    }

    #[test]
    fn plat_i08_a_bot_has_a_burst_of_30_and_then_one_a_second() {
        let guard = Guard::new(PER_USER, PER_ADDRESS);
        let (bot, other) = ([1; 32], [2; 32]);
        assert!(!guard.call_by_known_bot(&bot, 0).unwrap());
        guard.call_by_bot(bot, 0).unwrap();
        for _ in 1..30 {
            assert!(guard.call_by_known_bot(&bot, 0).unwrap());
        }
        let refused = guard.call_by_known_bot(&bot, 0).unwrap_err();
        assert_eq!(
            (refused.code.as_str(), refused.retry_after_ms),
            ("rate_limited", Some(1_000))
        );
        guard.call_by_bot(other, 0).unwrap();
        assert!(guard.call_by_known_bot(&bot, 1_000).unwrap());
        assert!(guard.call_by_known_bot(&bot, 1_000).is_err());
    }

    #[test]
    fn people_who_sign_in_do_not_use_up_their_address() {
        let guard = Guard::new(PER_USER, PER_ADDRESS);
        for _ in 0..500 {
            guard.call_from_address("10.0.0.1", 0).unwrap();
            guard.known_after_all("10.0.0.1");
        }
        for _ in 0..20 {
            guard.call_from_address("10.0.0.1", 0).unwrap();
        }
        assert!(guard.call_from_address("10.0.0.1", 0).is_err());
    }

    #[test]
    fn the_fifth_wrong_password_pauses_for_a_minute_doubling_to_fifteen() {
        let pauses: Vec<i64> = (4..12).map(|times| pause_ms(times) / 60_000).collect();
        assert_eq!(pauses, [0, 1, 2, 4, 8, 15, 15, 15]);
        assert_eq!(pause_ms(u32::MAX), LONGEST_PAUSE_MS);
    }

    #[test]
    fn a_pause_is_for_one_account_from_one_address() {
        let guard = Guard::new(PER_USER, PER_ADDRESS);
        for _ in 0..5 {
            guard.before_password("li", "::1", 0).unwrap();
            guard.wrong_password("li", "::1", 0);
        }
        assert_eq!(
            guard
                .before_password("li", "::1", 1)
                .unwrap_err()
                .retry_after_ms,
            Some(59_999)
        );
        guard.before_password("li", "::2", 1).unwrap();
        guard.before_password("wang", "::1", 1).unwrap();
        guard.before_password("li", "::1", 60_000).unwrap();
        guard.right_password("li", "::1");
        guard.before_password("li", "::1", 1).unwrap();
    }
}
