//! Passwords, tokens and one-time credentials: how they are made, what of them is stored.
//!
//! Passwords: argon2id, 19 MiB, two passes (OWASP's first choice). Tokens: opaque, 256 bits, stored
//! as SHA-256. One-time credentials: 128 bits, stored as HMAC-SHA-256 under the server's key.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::api::{Answer, ApiError, Class};
use crate::ids::{ID_CHARS, Id, SessionId};
use crate::limits::{HASHERS, WAITING_FOR_HASHER};

/// A 256-bit secret.
pub type Key = [u8; 32];

/// HMAC-SHA-256 of `parts`, each preceded by its length.
pub fn mac(key: &[u8], parts: &[&[u8]]) -> Key {
    let mut mac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// SHA-256.
pub fn digest(bytes: &[u8]) -> Key {
    Sha256::digest(bytes).into()
}

/// Compares in constant time.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    subtle::ConstantTimeEq::ct_eq(one, other).into()
}

/// A token: the session it belongs to, then 256 bits. Checking it is one read.
pub fn token(session: SessionId, secret: &Key) -> String {
    format!("{session}{}", URL_SAFE_NO_PAD.encode(secret))
}

/// The session that a token names. Says nothing about whether it is genuine.
pub fn session_of(token: &str) -> Option<SessionId> {
    // 26 characters and the 43 of 32 bytes; anything else is not one of ours.
    if token.len() != ID_CHARS + 43 || !token.is_ascii() {
        return None;
    }
    token[..ID_CHARS].parse().ok()
}

/// A one-time credential: 26 characters that can be read out over the phone.
pub fn credential(key: &[u8], parts: &[&[u8]]) -> String {
    let bytes = mac(key, parts);
    let mut half = [0; 16];
    half.copy_from_slice(&bytes[..16]);
    Id(half).to_string()
}

/// What one argon2id hash costs.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Cost {
    /// OWASP's first choice.
    pub const OWASP: Self = Self {
        memory_kib: 19 * 1024,
        passes: 2,
    };
    /// The least there is, for simulations that start a thousand servers.
    pub const LEAST: Self = Self {
        memory_kib: Params::MIN_M_COST,
        passes: Params::MIN_T_COST,
    };
}

/// Hashes passwords, a bounded number at a time, off the threads that serve connections.
#[derive(Clone)]
pub struct Passwords {
    cost: Cost,
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new(Cost::OWASP)
    }
}

impl Passwords {
    /// Hashes at this cost; what was hashed at another one still matches.
    pub fn new(cost: Cost) -> Self {
        Self {
            cost,
            running: Arc::new(Semaphore::new(HASHERS)),
            waiting: Arc::new(Semaphore::new(HASHERS + WAITING_FOR_HASHER)),
        }
    }

    /// The PHC string to store for `password`.
    ///
    /// # Errors
    /// `unavailable` (`busy`) when too many wait.
    pub async fn hash(&self, password: &str, salt: [u8; 16]) -> Answer<String> {
        let (password, cost) = (password.to_owned(), self.cost);
        self.run(move || hash_now(&password, &salt, cost))
            .await?
            .ok_or_else(ApiError::internal)
    }

    /// Whether `password` is the one that `stored` was made of.
    ///
    /// # Errors
    /// `unavailable` (`busy`) when too many wait.
    pub async fn matches(&self, password: &str, stored: &str) -> Answer<bool> {
        let (password, stored, cost) = (password.to_owned(), stored.to_owned(), self.cost);
        self.run(move || {
            PasswordHash::new(&stored).is_ok_and(|hash| {
                argon2id(cost)
                    .verify_password(password.as_bytes(), &hash)
                    .is_ok()
            })
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
        let _waiting = self.waiting.try_acquire().map_err(|_| {
            ApiError::new(
                Class::Unavailable,
                "busy",
                "登录的人太多，请稍后再试",
                "Too many people are signing in; try again shortly",
            )
            .after_ms(1_000)
        })?;
        let _running = self
            .running
            .acquire()
            .await
            .map_err(|_| ApiError::internal())?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| ApiError::internal())
    }
}

fn argon2id(cost: Cost) -> Argon2<'static> {
    Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        Params::new(cost.memory_kib, cost.passes, 1, None).expect("parameters within range"),
    )
}

fn hash_now(password: &str, salt: &[u8], cost: Cost) -> Option<String> {
    let hash = argon2id(cost)
        .hash_password_with_salt(password.as_bytes(), salt)
        .ok()?;
    Some(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_only_its_own_hash() {
        let passwords = Passwords::default();
        let stored = passwords.hash("天王盖地虎123", [7; 16]).await.unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert!(passwords.matches("天王盖地虎123", &stored).await.unwrap());
        assert!(!passwords.matches("天王盖地虎124", &stored).await.unwrap());
        assert!(!passwords.matches("x", "not a hash").await.unwrap());
    }

    #[test]
    fn a_token_names_its_session() {
        let session = Id::v7(5, [3; 10]);
        let made = token(session, &[9; 32]);
        assert_eq!(session_of(&made), Some(session));
        assert_eq!(session_of(&made[1..]), None);
        assert_eq!(session_of(&"é".repeat(40)), None);
    }
}
