//! The first minutes: an empty server prints a link that is good once, for 30 minutes; whoever opens
//! it names the company and becomes its first administrator. Each start without a company makes a new
//! link and ends the old one.
//!
//! Home `system:0` has the row [`SYSTEM`]. The commit that names the company there decides everything: it
//! carries an effect that writes the space and walks the chain of `person`, so that a set-up that is cut
//! short was never begun or is completed by the next start.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Home, Store, Table, Value, retry};

use super::person::{self, AccountRow, NewPerson, Role, Secret};
use super::session::{self, SignedIn};
use super::space::{SPACE, SpaceRow};
use crate::api::registry::{Access, Nothing, Registry};
use crate::api::{Answer, ApiError, Class};
use crate::audit::{self, Note, TargetKind};
use crate::bytes32::Bytes32;
use crate::ctx::Ctx;
use crate::ids::{Id, SpaceId};
use crate::limits::{COMPANY_CHARS, NAME_CHARS, SETUP_LINK_MS};
use crate::secret::{Key, digest, mac, same};
use crate::{tables, text};

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    api.section("setup")
        .read(
            "state",
            Access::Public,
            "Whether the company is set up",
            state,
        )
        .write(
            "complete",
            Access::Public,
            "Name the company and its first administrator",
            complete,
        )
        .audited();
}

// ---- types

/// Whether there is a company.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct SetupState {
    /// There is.
    pub done: bool,
}

/// The company and its first administrator.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Complete {
    /// What stands behind `#` in the set-up link.
    pub token: String,
    /// The company's name.
    pub company_name: String,
    /// The administrator's name.
    pub name: String,
    /// The name he signs in with.
    pub login: String,
    /// His password.
    pub password: String,
    /// A name for this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// Keep the refresh token as an `HttpOnly` cookie instead of answering it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<bool>,
}

/// The link of this start.
#[derive(Clone, Debug)]
pub struct SetupLink {
    hash: Key,
    until_ms: i64,
}

impl SetupLink {
    /// A link with `token`, made now.
    pub fn new(token: &str, now_ms: i64) -> Self {
        Self {
            hash: digest(token.as_bytes()),
            until_ms: now_ms + SETUP_LINK_MS,
        }
    }

    fn is(&self, token: &str, now_ms: i64) -> bool {
        now_ms <= self.until_ms && same(&self.hash, &digest(token.as_bytes()))
    }
}

/// Row of `system:0`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SystemRow {
    /// Random, made at first start: keys one-time credentials and derives ids.
    pub secret: Bytes32,
    /// The company, once it is set up.
    pub space_id: Option<SpaceId>,
}

/// The company and its first administrator, once it is decided who they are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Founding {
    company: String,
    /// The first administrator, with the id of the space.
    pub person: NewPerson,
}

// ---- rows

/// `system:0`.
pub const SYSTEM: Table<(), (), SystemRow> = Table::new(tables::SYSTEM, "system");

/// The home of what belongs to the whole server.
pub fn system_home() -> Home {
    Home::new("system", "0")
}

/// The server's row, made at its first start from `fresh`.
///
/// # Errors
/// What the store answers.
pub async fn system_row(store: &Store, fresh: Key) -> Answer<SystemRow> {
    retry(|| async {
        let mut t = store.transaction(&system_home());
        if let Some(row) = t.read(&SYSTEM, &(), &()).await? {
            return Ok(row);
        }
        let row = SystemRow {
            secret: Bytes32(fresh),
            space_id: None,
        };
        t.set(&SYSTEM, &(), &(), &row)?;
        t.commit().await?;
        Ok(row)
    })
    .await
}

// ---- methods

async fn state(ctx: Ctx, _: Nothing) -> Answer<SetupState> {
    Ok(SetupState {
        done: is_done(&ctx.node.store).await?,
    })
}

/// Whether there is a company.
///
/// # Errors
/// What the store answers.
pub async fn is_done(store: &Store) -> Answer<bool> {
    Ok(space_id(store).await?.is_some())
}

/// The company, once there is one.
///
/// # Errors
/// What the store answers.
pub async fn space_id(store: &Store) -> Answer<Option<SpaceId>> {
    let row = store.read(&system_home(), &SYSTEM, &(), &()).await?;
    Ok(row.and_then(|row| row.space_id))
}

async fn complete(ctx: Ctx, p: Complete) -> Answer<SignedIn> {
    if is_done(&ctx.node.store).await? {
        return Err(setup_done());
    }
    if !ctx
        .node
        .is_setup_token(&p.token, ctx.now_ms(), SetupLink::is)
    {
        return Err(ApiError::new(
            Class::Forbidden,
            "setup_token_invalid",
            "设置链接无效或已过期，请重新启动服务器获取新链接",
            "This set-up link is not good any more; restart the server for a new one",
        )
        .at("token"));
    }
    let company = text::line("company_name", &p.company_name, COMPANY_CHARS)?;
    let person = first_administrator(&ctx, &p).await?;
    let mut note = audit::note(&ctx).await?;
    note.by = Some(person.user_id);
    let note = note.to(TargetKind::Space, person.space_id);
    let founding = Founding { company, person };
    retry(|| decide(&ctx.node.store, &founding, &note)).await?;
    found(&ctx.node.store, &founding).await?;
    ctx.node.end_setup();
    let device_name = session::device_name(p.device_name.as_deref())?;
    let person = &founding.person;
    let account = AccountRow {
        login: person.login.clone(),
        secret: person.secret.clone(),
        space_id: person.space_id,
        user_id: person.user_id,
        disabled: false,
    };
    let cookie = p.cookie.unwrap_or(false);
    session::begin(&ctx, person.account_id, &account, device_name, cookie).await
}

async fn first_administrator(ctx: &Ctx, p: &Complete) -> Answer<NewPerson> {
    let login = person::login("login", &p.login)?;
    let name = text::line("name", &p.name, NAME_CHARS)?;
    person::check_password("password", &p.password, &login)?;
    session::device_name(p.device_name.as_deref())?;
    let hash = ctx
        .node
        .passwords
        .hash(&p.password, ctx.node.random.bytes())
        .await?;
    let derive = |label: &str| Id::derived(label, &[&mac(&ctx.node.secret, &[b"setup"])]);
    Ok(NewPerson {
        space_id: derive("space"),
        account_id: derive("account"),
        user_id: derive("user"),
        login,
        name,
        title: None,
        role: Role::Admin,
        secret: Secret::Password { hash },
        at: ctx.now_ms(),
        note: None,
    })
}

/// Kind of the effect that completes a set-up.
pub const FOUND: &str = "setup.found";

/// The one commit before which nothing is there, and after which everything will be.
async fn decide(store: &Store, founding: &Founding, note: &Note) -> Answer<()> {
    let mut t = store.transaction(&system_home());
    let mut row = t.read(&SYSTEM, &(), &()).await?.ok_or_else(setup_done)?;
    if row.space_id.is_some() {
        return Err(setup_done());
    }
    row.space_id = Some(founding.person.space_id);
    t.set(&SYSTEM, &(), &(), &row)?;
    t.effect(FOUND, Value::encode(founding)?);
    note.put(&mut t)?;
    t.commit().await?;
    Ok(())
}

/// Writes the company and its first administrator. Safe to repeat.
///
/// # Errors
/// What the store answers.
pub async fn found(store: &Store, founding: &Founding) -> Answer<()> {
    retry(|| put_space(store, founding)).await?;
    person::create(store, &founding.person, founding.person.at).await
}

async fn put_space(store: &Store, founding: &Founding) -> Answer<()> {
    let mut t = store.transaction(&person::space_home(founding.person.space_id));
    if t.read(&SPACE, &(), &()).await?.is_some() {
        return Ok(());
    }
    let row = SpaceRow {
        name: founding.company.clone(),
        created_at: founding.person.at,
    };
    t.set(&SPACE, &(), &(), &row)?;
    t.commit().await?;
    Ok(())
}

fn setup_done() -> ApiError {
    ApiError::new(
        Class::Conflict,
        "setup_done",
        "公司已经设置完成，请直接登录",
        "The company is set up already; please sign in",
    )
}
