//! What a method is given beside its parameters: the node it runs on, who calls, with which client id.

use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};

use crate::api::{Answer, ApiError};
use crate::delivery::ConnectionId;
use crate::ids::{AccountId, Id, SessionId, SpaceId, UserId};
use crate::limits::CLIENT_ID_BYTES;
use crate::node::Node;

/// Who calls, as the access token told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The person who signed in.
    pub account_id: AccountId,
    /// That person in the space.
    pub user_id: UserId,
    /// The space.
    pub space_id: SpaceId,
    /// The signed-in device.
    pub session_id: SessionId,
    /// Until when the token is good.
    pub expires_at: i64,
    /// A first password, which must be changed before anything else.
    pub must_change_password: bool,
}

/// Where a call came from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The caller's address without port, as text.
    pub address: String,
    /// Names this call in the log.
    pub request_id: String,
    /// The refresh token of the browser's cookie.
    pub refresh_cookie: Option<String>,
}

/// What becomes of the refresh cookie of the browser that called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CookieChange {
    /// Keep this token until then (ms since the epoch).
    Keep {
        /// The refresh token.
        token: String,
        /// When it ends.
        expires_at: i64,
    },
    /// Forget it.
    Drop,
}

/// The surroundings of one call.
#[derive(Clone)]
pub struct Ctx {
    /// The node.
    pub node: Arc<Node>,
    /// Who calls; `None` for public methods.
    pub caller: Option<Caller>,
    /// The call's client id (`Idempotency-Key`, or the fourth part of a frame).
    pub key: Option<String>,
    /// Where the call came from.
    pub origin: Origin,
    /// The name of a method that is marked `.audited()`.
    pub audited: Option<Arc<str>>,
    /// The WebSocket connection that it came over.
    pub connection: Option<ConnectionId>,
    cookie: Arc<Mutex<Option<CookieChange>>>,
}

impl Ctx {
    /// The surroundings of a call.
    ///
    /// # Errors
    /// `invalid` for a client id that is empty or longer than 64 bytes.
    pub fn new(
        node: Arc<Node>,
        caller: Option<Caller>,
        key: Option<String>,
        origin: Origin,
    ) -> Answer<Self> {
        if let Some(key) = &key {
            check_client_id("idempotency_key", key)?;
        }
        Ok(Self {
            node,
            caller,
            key,
            origin,
            audited: None,
            connection: None,
            cookie: Arc::default(),
        })
    }

    /// Who calls.
    ///
    /// # Errors
    /// `unauthenticated` in a public call.
    pub fn caller(&self) -> Answer<Caller> {
        self.caller.ok_or_else(ApiError::unauthenticated)
    }

    /// Now, in milliseconds since the epoch.
    pub fn now_ms(&self) -> i64 {
        self.node.clock.now_ms()
    }

    /// A new id.
    pub fn new_id(&self) -> Id {
        Id::v7(self.now_ms(), self.node.random.bytes())
    }

    /// The call's client id, or one made up for a caller who will not repeat it.
    pub fn key_or_new(&self) -> String {
        self.key
            .clone()
            .unwrap_or_else(|| self.new_id().to_string())
    }

    /// Tells the browser to keep or to forget its refresh cookie.
    pub fn change_cookie(&self, change: CookieChange) {
        if let Ok(mut cookie) = self.cookie.lock() {
            *cookie = Some(change);
        }
    }

    /// What the method said of the cookie.
    pub fn cookie_change(&self) -> Option<CookieChange> {
        self.cookie.lock().ok().and_then(|mut cookie| cookie.take())
    }
}

/// A client id is 1 to 64 bytes.
///
/// # Errors
/// `invalid` at `field`.
pub fn check_client_id(field: &str, id: &str) -> Answer<()> {
    if id.is_empty() || id.len() > CLIENT_ID_BYTES {
        return Err(ApiError::invalid(
            field,
            "client_id_length",
            "编号应为 1 到 64 字节",
            "A client id has 1 to 64 bytes",
        ));
    }
    Ok(())
}

/// The hash by which a repeat of a request is told from another request with the same client id.
pub fn request_hash(method: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(method.as_bytes());
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
