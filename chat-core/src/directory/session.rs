//! Signing in, staying signed in, and the list of one's devices (`PLAT-i02`, `ACCT-i08`).
//!
//! A session is a signed-in device. Its access token is good for 15 minutes, its refresh token for 30
//! days; refreshing rotates both. The token before answers with the *same* pair for 30 s, since two
//! tabs or a lost reply are no theft; used later, it ends the session. The pair is derived from the
//! old token and a salt, so that the repeat is computed and no token is ever stored.
//!
//! Homes: `session:<id>` has the row [`SESSION`]; `account:<id>` lists its sessions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Home, Store, Table, Transaction, Value, retry};

use super::disabling::account_disabled;
use super::guard::LOCKED;
use super::person::{
    self, ACCOUNT, AccountRow, LOGIN, LoginState, MEMBER, Person, Secret, account_home, login_home,
    space_home,
};
use super::space::{SPACE, Space};
use crate::api::registry::{Access, Nothing, Registry, nothing};
use crate::api::{Answer, ApiError, Class};
use crate::audit;
use crate::bytes32::Bytes32;
use crate::ctx::{Caller, CookieChange, Ctx};
use crate::ids::{AccountId, Id, SessionId};
use crate::limits::{ACCESS_MS, DEVICE_CHARS, REFRESH_MS};
use crate::node::Node;
use crate::secret::{digest, mac, same, session_of, token};
use crate::{tables, text};

mod ending;
mod tokens;

use ending::end_oldest;
pub use ending::{end, end_all_told, end_others, end_told, of_session, sessions_of};
pub use tokens::SessionRow;
use tokens::{Pair, Refreshed};

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    api.section("session")
        .write(
            "sign_in",
            Access::Public,
            "Sign in with a login and a password or one-time credential",
            sign_in,
        )
        .audited()
        .write(
            "refresh",
            Access::Public,
            "A new pair of tokens for a refresh token",
            refresh,
        )
        .audited()
        .write(
            "sign_out",
            Access::Public,
            "End the session of this device",
            sign_out,
        )
        .read(
            "list",
            Access::Member,
            "The devices one is signed in on",
            list,
        )
        .write(
            "revoke",
            Access::Member,
            "End the session of one device",
            revoke,
        )
        .audited()
        .write(
            "revoke_others",
            Access::Member,
            "End the sessions of all other devices",
            revoke_others,
        )
        .audited();
}

// ---- types

/// What a device needs to go on.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SignedIn {
    /// The person.
    pub user: Person,
    /// The company.
    pub space: Space,
    /// This device's session.
    pub session_id: SessionId,
    /// For `Authorization: Bearer` and `connection.open`.
    pub access_token: String,
    /// When the access token ends.
    pub access_expires_at: i64,
    /// For `session.refresh`; absent when it is kept as a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// When the refresh token ends.
    pub refresh_expires_at: i64,
    /// Signed in with a first password, which must be changed before anything else.
    pub must_change_password: bool,
}

/// Who signs in, on what.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The login name.
    pub login: String,
    /// The password, or the one-time credential.
    pub password: String,
    /// A name for this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// Names this installation of a client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// Keep the refresh token as an `HttpOnly` cookie instead of answering it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<bool>,
}

/// The refresh token, unless the cookie has it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

/// Names a session.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionRef {
    /// The session.
    pub session_id: SessionId,
}

/// A device one is signed in on.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SessionInfo {
    /// The session.
    pub session_id: SessionId,
    /// The device's name.
    pub device_name: String,
    /// When it signed in.
    pub created_at: i64,
    /// When it last got new tokens.
    pub last_seen_at: i64,
    /// From which address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// The device that asks.
    pub current: bool,
}

/// All devices.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Sessions {
    /// Newest first.
    pub items: Vec<SessionInfo>,
}

// ---- rows

/// `session:<id>`.
pub const SESSION: Table<(), (), SessionRow> = Table::new(tables::SESSION, "session");
/// `account:<id>`: session → when it began. An entry whose session is gone is skipped.
pub const ACCOUNT_SESSION: Table<(), Id, i64> =
    Table::new(tables::ACCOUNT_SESSION, "account_session");

/// Writes a session, which ends by itself when nobody can renew it any more.
fn put(t: &mut Transaction, row: &SessionRow) -> Answer<()> {
    let value = Value::encode(row)?;
    t.put_until(SESSION.at(&(), &()), value, row.ends_at());
    Ok(())
}

/// The home of a session.
pub fn session_home(session: SessionId) -> Home {
    Home::new("session", session)
}

// ---- methods

async fn sign_in(ctx: Ctx, p: SignIn) -> Answer<SignedIn> {
    let login = person::login("login", &p.login).map_err(|_| bad_credentials())?;
    let device_name = device_name(p.device_name.as_deref())?;
    let node = &ctx.node;
    node.guard
        .before_password(&login, &ctx.origin.address, ctx.now_ms())?;
    let Some((account_id, account)) = prove(&ctx, &login, &p.password).await? else {
        if node
            .guard
            .wrong_password(&login, &ctx.origin.address, ctx.now_ms())
        {
            tell_locked(&ctx, &login).await?;
        }
        return Err(bad_credentials());
    };
    node.guard.right_password(&login, &ctx.origin.address);
    // Told only to one who proved that it is his.
    if account.disabled {
        return Err(account_disabled());
    }
    let cookie = p.cookie.unwrap_or(false);
    begin(&ctx, account_id, &account, device_name, cookie).await
}

/// Tells in the audit that an address guessed too often. What was typed is not told: it may be a password.
async fn tell_locked(ctx: &Ctx, login: &str) -> Answer<()> {
    let store = &ctx.node.store;
    let login = store.read(&login_home(login), &LOGIN, &(), &()).await?;
    let account = match login {
        Some(row) => {
            let home = account_home(row.account_id);
            store.read(&home, &ACCOUNT, &(), &()).await?
        }
        None => None,
    };
    let note = audit::note(ctx).await?.refused(LOCKED);
    // Nobody or somebody: it is written either way, so that the time it takes tells nothing.
    let note = match account {
        Some(account) => note.to_user(account.user_id),
        None => note,
    };
    note.commit(store).await
}

/// The account that `login` and `password` prove, or none. Takes the same time for an unknown login.
async fn prove(ctx: &Ctx, login: &str, password: &str) -> Answer<Option<(AccountId, AccountRow)>> {
    let node = &ctx.node;
    let known = node
        .store
        .read(&login_home(login), &LOGIN, &(), &())
        .await?;
    let account_id = known
        .filter(|row| row.state == LoginState::Confirmed)
        .map(|row| row.account_id);
    let account = match account_id {
        Some(id) => {
            node.store
                .read(&account_home(id), &ACCOUNT, &(), &())
                .await?
        }
        None => None,
    };
    let Some(account) = account else {
        node.passwords.matches(password, &node.decoy_hash).await?;
        return Ok(None);
    };
    let proved = matches_secret(node, &account.secret, password).await?;
    Ok(account_id.filter(|_| proved).map(|id| (id, account)))
}

/// Whether `password` is the one that `secret` stands for.
///
/// # Errors
/// `unavailable` (`busy`).
pub async fn matches_secret(node: &Node, secret: &Secret, password: &str) -> Answer<bool> {
    match secret {
        Secret::Password { hash } => node.passwords.matches(password, hash).await,
        Secret::Credential { mac: stored } => {
            // As slow as a password: an answer must not tell which of the two an account has.
            node.passwords.matches(password, &node.decoy_hash).await?;
            let typed = password.trim().to_lowercase();
            Ok(same(
                &mac(&node.secret, &[b"credential", typed.as_bytes()]),
                &stored.0,
            ))
        }
    }
}

/// Begins a session for an account that has proved itself as `account` says.
///
/// # Errors
/// What the store answers; `unauthenticated` for a person who is no member any more, or whose password
/// was changed meanwhile.
pub async fn begin(
    ctx: &Ctx,
    account_id: AccountId,
    account: &AccountRow,
    device_name: String,
    cookie: bool,
) -> Answer<SignedIn> {
    let (node, now_ms, session_id) = (&ctx.node, ctx.now_ms(), ctx.new_id());
    let new = Pair {
        access: token(session_id, &node.random.bytes()),
        access_until: now_ms + ACCESS_MS,
        refresh: token(session_id, &node.random.bytes()),
        refresh_until: now_ms + REFRESH_MS,
    };
    let mut row = SessionRow {
        account_id,
        user_id: account.user_id,
        space_id: account.space_id,
        device_name,
        address: ctx.origin.address.clone(),
        created_at: now_ms,
        seen_at: now_ms,
        cookie,
        must_change_password: matches!(account.secret, Secret::Credential { .. }),
        access: vec![],
        refresh_hash: Bytes32([0; 32]),
        refresh_until: 0,
        before: None,
        used: vec![],
    };
    row.hold(&new, now_ms);
    let answer = signed_in(ctx, session_id, &row, &new).await?;
    // First the session, then the list, beside the secret that was proved: a change of password comes
    // before it and it is refused, or after it and finds it in the list. Cut between the two, it is a row
    // whose tokens nobody has.
    let mut t = node.store.transaction(&session_home(session_id));
    put(&mut t, &row)?;
    t.commit().await?;
    let listed = retry(|| list_session(&node.store, account_id, account, session_id, now_ms)).await;
    if let Err(error) = listed {
        end(&node.store, account_id, session_id).await?;
        return Err(error);
    }
    end_oldest(&node.store, account_id).await?;
    Ok(answer)
}

async fn list_session(
    store: &Store,
    account_id: AccountId,
    proved: &AccountRow,
    session_id: SessionId,
    now_ms: i64,
) -> Answer<()> {
    let mut t = store.transaction(&account_home(account_id));
    let account = t.read(&ACCOUNT, &(), &()).await?;
    let account = account
        .filter(|account| account.secret == proved.secret)
        .ok_or_else(bad_credentials)?;
    if account.disabled {
        return Err(account_disabled());
    }
    t.set(&ACCOUNT_SESSION, &(), &session_id, &now_ms)?;
    t.commit().await?;
    Ok(())
}

async fn refresh(ctx: Ctx, p: Refresh) -> Answer<SignedIn> {
    let presented = p
        .refresh_token
        .or_else(|| ctx.origin.refresh_cookie.clone())
        .ok_or_else(ApiError::unauthenticated)?;
    let session_id = session_of(&presented).ok_or_else(ApiError::unauthenticated)?;
    let outcome = retry(|| refresh_once(&ctx, session_id, &presented)).await;
    if outcome
        .as_ref()
        .is_err_and(|error| error.class == Class::Unauthenticated)
        && ctx.origin.refresh_cookie.is_some()
    {
        ctx.change_cookie(CookieChange::Drop);
    }
    outcome
}

async fn refresh_once(ctx: &Ctx, session_id: SessionId, presented: &str) -> Answer<SignedIn> {
    let mut t = ctx.node.store.transaction(&session_home(session_id));
    let mut row = t
        .read(&SESSION, &(), &())
        .await?
        .ok_or_else(ApiError::unauthenticated)?;
    match row.refresh(session_id, presented, ctx.node.random.bytes(), ctx.now_ms()) {
        Refreshed::Rotated(pair) => {
            put(&mut t, &row)?;
            t.commit().await?;
            signed_in(ctx, session_id, &row, &pair).await
        }
        Refreshed::Repeated(pair) => signed_in(ctx, session_id, &row, &pair).await,
        Refreshed::Reused => {
            tracing::warn!(session = %session_id, "a used refresh token came again: the session ends");
            let note = audit::note(ctx).await?.about(row.user_id);
            let note = of_session(note.refused("token_reused"), session_id, &row.device_name);
            end_told(&ctx.node.store, row.account_id, session_id, &note).await?;
            Err(ApiError::unauthenticated())
        }
        Refreshed::Unknown => Err(ApiError::unauthenticated()),
    }
}

async fn sign_out(ctx: Ctx, p: Refresh) -> Answer<Nothing> {
    ctx.change_cookie(CookieChange::Drop);
    let presented = p
        .refresh_token
        .or_else(|| ctx.origin.refresh_cookie.clone());
    if let Some(caller) = ctx.caller {
        end(&ctx.node.store, caller.account_id, caller.session_id).await?;
    } else if let Some(session_id) = presented.as_deref().and_then(session_of) {
        let row = ctx
            .node
            .store
            .read(&session_home(session_id), &SESSION, &(), &())
            .await?;
        let hash = digest(presented.unwrap_or_default().as_bytes());
        if let Some(row) = row.filter(|row| same(&row.refresh_hash.0, &hash)) {
            end(&ctx.node.store, row.account_id, session_id).await?;
        }
    }
    nothing()
}

async fn list(ctx: Ctx, _: Nothing) -> Answer<Sessions> {
    let caller = ctx.caller()?;
    devices(&ctx.node.store, caller.account_id, Some(caller.session_id)).await
}

/// The devices that an account is signed in on; `current` is the one that asks.
///
/// # Errors
/// What the store answers.
pub async fn devices(
    store: &Store,
    account_id: AccountId,
    current: Option<SessionId>,
) -> Answer<Sessions> {
    let listed = sessions_of(store, account_id).await?;
    let wanted: Vec<_> = listed
        .iter()
        .map(|(id, _)| (session_home(*id), SESSION.at(&(), &())))
        .collect();
    let rows = store.get_many(&wanted).await?;
    let mut items = Vec::with_capacity(rows.len());
    for ((session_id, _), row) in listed.into_iter().zip(rows) {
        let Some(row) = row else { continue };
        let row = SESSION.decode(&row)?;
        items.push(SessionInfo {
            session_id,
            device_name: row.device_name,
            created_at: row.created_at,
            last_seen_at: row.seen_at,
            address: row.address,
            current: Some(session_id) == current,
        });
    }
    items.sort_by_key(|info| std::cmp::Reverse((info.current, info.last_seen_at)));
    Ok(Sessions { items })
}

async fn revoke(ctx: Ctx, p: SessionRef) -> Answer<Nothing> {
    let caller = ctx.caller()?;
    let row = ctx
        .node
        .store
        .read(&session_home(p.session_id), &SESSION, &(), &())
        .await?;
    let row = row
        .filter(|row| row.account_id == caller.account_id)
        .ok_or_else(ApiError::not_found)?;
    let note = audit::note(&ctx).await?.about(caller.user_id);
    let note = of_session(note, p.session_id, &row.device_name);
    end_told(&ctx.node.store, caller.account_id, p.session_id, &note).await?;
    nothing()
}

async fn revoke_others(ctx: Ctx, _: Nothing) -> Answer<Nothing> {
    let caller = ctx.caller()?;
    let note = audit::note(&ctx).await?.about(caller.user_id);
    let keep = Some(caller.session_id);
    end_all_told(&ctx.node.store, caller.account_id, keep, &note).await?;
    nothing()
}

// ---- what other features use

/// Who `token` says calls.
///
/// # Errors
/// `unauthenticated` for anything but a good access token.
pub async fn authenticate(store: &Store, token: &str, now_ms: i64) -> Answer<Caller> {
    let session_id = session_of(token).ok_or_else(ApiError::unauthenticated)?;
    let row = store
        .read(&session_home(session_id), &SESSION, &(), &())
        .await?
        .ok_or_else(ApiError::unauthenticated)?;
    let expires_at = row
        .access_until(token, now_ms)
        .ok_or_else(ApiError::unauthenticated)?;
    Ok(Caller {
        account_id: row.account_id,
        user_id: row.user_id,
        space_id: row.space_id,
        session_id,
        expires_at,
        must_change_password: row.must_change_password,
    })
}

/// After the first password was changed: a new pair, and the session may do everything.
///
/// # Errors
/// `unauthenticated` when the session ended meanwhile.
pub async fn renew_after_password(ctx: &Ctx, caller: &Caller) -> Answer<SignedIn> {
    retry(|| async {
        let now_ms = ctx.now_ms();
        let mut t = ctx.node.store.transaction(&session_home(caller.session_id));
        let mut row = t
            .read(&SESSION, &(), &())
            .await?
            .ok_or_else(ApiError::unauthenticated)?;
        row.must_change_password = false;
        row.access.clear();
        let new = Pair {
            access: token(caller.session_id, &ctx.node.random.bytes()),
            access_until: now_ms + ACCESS_MS,
            refresh: token(caller.session_id, &ctx.node.random.bytes()),
            refresh_until: now_ms + REFRESH_MS,
        };
        row.before = None;
        row.hold(&new, now_ms);
        put(&mut t, &row)?;
        t.commit().await?;
        signed_in(ctx, caller.session_id, &row, &new).await
    })
    .await
}

async fn signed_in(
    ctx: &Ctx,
    session_id: SessionId,
    row: &SessionRow,
    pair: &Pair,
) -> Answer<SignedIn> {
    let store = &ctx.node.store;
    let home = space_home(row.space_id);
    let member = store
        .read(&home, &MEMBER, &(), &row.user_id)
        .await?
        .ok_or_else(ApiError::unauthenticated)?;
    let space = store
        .read(&home, &SPACE, &(), &())
        .await?
        .ok_or_else(ApiError::unauthenticated)?;
    if row.cookie {
        ctx.change_cookie(CookieChange::Keep {
            token: pair.refresh.clone(),
            expires_at: pair.refresh_until,
        });
    }
    Ok(SignedIn {
        user: member.person(row.user_id, true),
        space: space.view(row.space_id),
        session_id,
        access_token: pair.access.clone(),
        access_expires_at: pair.access_until,
        refresh_token: (!row.cookie).then(|| pair.refresh.clone()),
        refresh_expires_at: pair.refresh_until,
        must_change_password: row.must_change_password,
    })
}

/// The device's name, or what stands for none.
///
/// # Errors
/// `invalid` at `device_name`.
pub fn device_name(given: Option<&str>) -> Answer<String> {
    given.map_or_else(
        || Ok("未命名设备".to_owned()),
        |name| text::line("device_name", name, DEVICE_CHARS),
    )
}

fn bad_credentials() -> ApiError {
    ApiError::new(
        Class::Unauthenticated,
        "bad_credentials",
        "帐号或密码不正确",
        "The login or the password is not right",
    )
}
