//! Who left may not come in any more (`ORG-i10`, `USER-05`, `USER-i03`, `DIR-i04`): an administrator
//! disables a member with a reason; his sessions end within 2 s, sign-in is refused, the directory lists
//! him no more, and what he wrote stays with his name. Enabling him puts all of it back.
//!
//! Home `space:<id>` decides: the member's row says that he is disabled, and by whom. An effect tells
//! `account:<id>`, where signing in looks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Committed, Table, Value, retry};

use super::editing::still_admin;
use super::person::{self, ACCOUNT, MEMBER, MemberRow, Person, account_home, space_home};
use super::session;
use super::space::{MemberRef, page_of};
use crate::api::page::{Page, PageParams};
use crate::api::registry::{Access, Registry};
use crate::api::{Answer, ApiError, Class};
use crate::audit::{self, Note};
use crate::ctx::{Caller, Ctx};
use crate::ids::{AccountId, Id, UserId};
use crate::limits::REASON_CHARS;
use crate::node::Node;
use crate::{tables, text};

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    api.section("space")
        .write(
            "disable_member",
            Access::Admin,
            "Disable a colleague: his sessions end and he can't sign in",
            disable_member,
        )
        .audited()
        .write(
            "enable_member",
            Access::Admin,
            "Let a disabled colleague sign in again",
            enable_member,
        )
        .audited()
        .read(
            "disabled_members",
            Access::Admin,
            "The disabled members, in order of the sound of their names",
            disabled_members,
        );
}

// ---- types

/// Whom to disable, and why.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DisableMember {
    /// The member.
    pub user_id: UserId,
    /// 1 to 200 characters, for the administrators.
    pub reason: String,
}

/// That a member is disabled, since when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Since when, in ms since the epoch.
    pub at: i64,
    /// The administrator.
    pub by: UserId,
    /// What he gave as the reason.
    pub reason: String,
}

/// A member who is disabled.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DisabledMember {
    /// The person.
    pub user: Person,
    /// Since when.
    pub disabled_at: i64,
    /// The administrator who did it.
    pub disabled_by: UserId,
    /// Why.
    pub reason: String,
}

/// Payload of [`ACCOUNT_STATE`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct AccountState {
    /// Whose.
    pub account_id: AccountId,
    /// How it is from now on.
    pub disabled: bool,
}

// ---- rows

/// `space:<id>`: (sound of the name, user) of those who are disabled.
pub const MEMBER_DISABLED: Table<(), (String, Id), u8> =
    Table::new(tables::MEMBER_DISABLED, "member_disabled");

/// Kind of the effect that tells an account whether it may sign in.
pub const ACCOUNT_STATE: &str = "account.state";

/// Runs [`ACCOUNT_STATE`]. Safe to repeat.
///
/// # Errors
/// What the store answers.
pub async fn tell_account(node: &Node, state: AccountState, at_ms: i64) -> Answer<()> {
    retry(|| async {
        let mut t = node.store.transaction(&account_home(state.account_id));
        let row = t.read(&ACCOUNT, &(), &()).await?;
        let Some(mut row) = row.filter(|row| row.disabled != state.disabled) else {
            return Answer::Ok(());
        };
        row.disabled = state.disabled;
        t.set(&ACCOUNT, &(), &(), &row)?;
        t.commit().await?;
        Ok(())
    })
    .await?;
    if state.disabled {
        // Whoever begins a session after this commit is refused by the account's row.
        session::end_others(&node.store, state.account_id, None, at_ms).await?;
    }
    Ok(())
}

/// The answer to a disabled person.
pub fn account_disabled() -> ApiError {
    ApiError::new(
        Class::Forbidden,
        "account_disabled",
        "该帐号已被停用，请联系管理员",
        "This account is disabled; please ask your administrator",
    )
}

// ---- methods

async fn disable_member(ctx: Ctx, p: DisableMember) -> Answer<Person> {
    let caller = ctx.caller()?;
    if p.reason.trim().is_empty() {
        return Err(ApiError::invalid(
            "reason",
            "reason_required",
            "请填写停用原因",
            "Please give a reason",
        ));
    }
    let reason = text::line("reason", &p.reason, REASON_CHARS)?;
    if p.user_id == caller.user_id {
        return Err(ApiError::invalid(
            "user_id",
            "own_user",
            "不能停用自己",
            "You can't disable yourself",
        ));
    }
    let disabled = Disabled {
        at: ctx.now_ms(),
        by: caller.user_id,
        reason,
    };
    change(&ctx, &caller, p.user_id, Some(disabled)).await
}

async fn enable_member(ctx: Ctx, p: MemberRef) -> Answer<Person> {
    let caller = ctx.caller()?;
    change(&ctx, &caller, p.user_id, None).await
}

async fn change(
    ctx: &Ctx,
    caller: &Caller,
    user: UserId,
    disabled: Option<Disabled>,
) -> Answer<Person> {
    let note = audit::note(ctx).await?.to_user(user);
    let note = match &disabled {
        Some(disabled) => note.with(&disabled.reason),
        None => note,
    };
    let (row, done) = retry(|| put_state(ctx, caller, user, disabled.clone(), &note)).await?;
    if let Some(done) = done {
        ctx.node.effects.passed(done.position).await;
    }
    Ok(row.person(user, ctx.node.connections.online(user)))
}

/// A member who is as he should be already is left alone, so that a repeat changes nothing.
async fn put_state(
    ctx: &Ctx,
    caller: &Caller,
    user: UserId,
    disabled: Option<Disabled>,
    note: &Note,
) -> Answer<(MemberRow, Option<Committed>)> {
    let mut t = ctx.node.store.transaction(&space_home(caller.space_id));
    still_admin(&mut t, caller).await?;
    let mut row = t
        .read(&MEMBER, &(), &user)
        .await?
        .ok_or_else(ApiError::not_found)?;
    if row.disabled.is_some() == disabled.is_some() {
        return Ok((row, None));
    }
    row.disabled = disabled;
    let order = person::order_key(user, &row);
    if row.disabled.is_some() {
        person::delete_index(&mut t, user, &row)?;
        t.set(&MEMBER_DISABLED, &(), &order, &0)?;
    } else {
        person::put_index(&mut t, user, &row)?;
        t.delete(MEMBER_DISABLED.at(&(), &order));
    }
    t.set(&MEMBER, &(), &user, &row)?;
    let state = AccountState {
        account_id: row.account_id,
        disabled: row.disabled.is_some(),
    };
    t.effect(ACCOUNT_STATE, Value::encode(&state)?);
    note.put(&mut t)?;
    Ok((row, Some(t.commit().await?)))
}

async fn disabled_members(ctx: Ctx, p: PageParams) -> Answer<Page<DisabledMember>> {
    let caller = ctx.caller()?;
    let (ids, next) = page_of(&ctx, &caller, &MEMBER_DISABLED, &p).await?;
    let home = space_home(caller.space_id);
    let wanted: Vec<_> = ids
        .iter()
        .map(|id| (home.clone(), MEMBER.at(&(), id)))
        .collect();
    let rows = ctx.node.store.get_many(&wanted).await?;
    let mut items = Vec::with_capacity(ids.len());
    for (id, row) in ids.iter().zip(rows) {
        let row = row.map(|row| MEMBER.decode(&row)).transpose()?;
        // Enabled between the two reads: he is listed no more.
        let Some((row, disabled)) = row.and_then(|row| Some((row.clone(), row.disabled?))) else {
            continue;
        };
        items.push(DisabledMember {
            user: row.person(*id, false),
            disabled_at: disabled.at,
            disabled_by: disabled.by,
            reason: disabled.reason,
        });
    }
    Ok(Page { items, next })
}
