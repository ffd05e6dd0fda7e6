//! The password of a person who signs in (`ACCT-06`, `ACCT-i02`). A first password must be changed
//! before anything else; changing a password ends the account's other sessions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Value, retry};

use super::guard::LOCKED;
use super::person::{ACCOUNT, Secret, account_home, check_password};
use super::session::{self, SignedIn};
use crate::api::registry::{Access, Registry};
use crate::api::{Answer, ApiError, Class};
use crate::audit::{self, Note};
use crate::ctx::{Caller, Ctx};
use crate::ids::{AccountId, SessionId};

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    api.section("account")
        .write(
            "change_password",
            Access::NewPassword,
            "Change one's password; ends all other sessions",
            change_password,
        )
        .audited();
}

// ---- types

/// The old and the new password.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The password, or the one-time credential, that is good now.
    pub old_password: String,
    /// 8 to 64 characters, a letter and a digit, not the login.
    pub new_password: String,
}

/// Payload of [`END_SESSIONS`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct EndSessions {
    /// Whose.
    pub account_id: AccountId,
    /// The one that stays.
    pub keep: Option<SessionId>,
}

// ---- rows

/// Kind of the effect that ends the other sessions after a change of password: a crash between the
/// two must not leave a thief signed in.
pub const END_SESSIONS: &str = "account.end_sessions";

// ---- methods

async fn change_password(ctx: Ctx, p: ChangePassword) -> Answer<SignedIn> {
    let caller = ctx.caller()?;
    let node = &ctx.node;
    let account = node
        .store
        .read(&account_home(caller.account_id), &ACCOUNT, &(), &())
        .await?;
    let account = account.ok_or_else(ApiError::unauthenticated)?;
    check_password("new_password", &p.new_password, &account.login)?;
    node.guard
        .before_password(&account.login, &ctx.origin.address, ctx.now_ms())?;
    if !session::matches_secret(node, &account.secret, &p.old_password).await? {
        let address = &ctx.origin.address;
        if node
            .guard
            .wrong_password(&account.login, address, ctx.now_ms())
        {
            let note = audit::note(&ctx).await?.to_user(caller.user_id);
            note.refused(LOCKED).commit(&node.store).await?;
        }
        return Err(ApiError::new(
            Class::Invalid,
            "bad_credentials",
            "当前密码不正确",
            "The current password is not right",
        )
        .at("old_password"));
    }
    if p.old_password == p.new_password {
        return Err(ApiError::invalid(
            "new_password",
            "same_password",
            "新密码不能与当前密码相同",
            "The new password is the old one",
        ));
    }
    let hash = node
        .passwords
        .hash(&p.new_password, node.random.bytes())
        .await?;
    let note = audit::note(&ctx).await?.to_user(caller.user_id);
    let position = retry(|| put_password(&ctx, &caller, &hash, &note)).await?;
    node.effects.passed(position).await;
    session::renew_after_password(&ctx, &caller).await
}

async fn put_password(ctx: &Ctx, caller: &Caller, hash: &str, note: &Note) -> Answer<u64> {
    let mut t = ctx.node.store.transaction(&account_home(caller.account_id));
    let mut row = t
        .read(&ACCOUNT, &(), &())
        .await?
        .ok_or_else(ApiError::unauthenticated)?;
    row.secret = Secret::Password {
        hash: hash.to_owned(),
    };
    t.set(&ACCOUNT, &(), &(), &row)?;
    t.effect(
        END_SESSIONS,
        Value::encode(&EndSessions {
            account_id: caller.account_id,
            keep: Some(caller.session_id),
        })?,
    );
    note.put(&mut t)?;
    Ok(t.commit().await?.position)
}
