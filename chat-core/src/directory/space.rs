//! The company and its members (`DIR-01`): adding one colleague or a pasted list, each with a
//! credential that is shown once and must be changed at once; the list of members.
//!
//! Home `space:<id>` has the row [`SPACE`], the members and their index rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Committed, Direction, KeyRange, Table, Value, key, retry};

use super::account::{END_SESSIONS, EndSessions};
use super::person::{
    self, ACCOUNT, MEMBER, MEMBER_ORDER, MemberRow, NewPerson, Person, Role, Secret, account_home,
    space_home,
};
use crate::api::page::{Page, PageParams, cursor};
use crate::api::registry::{Access, Registry};
use crate::api::{Answer, ApiError, Class};
use crate::audit::{self, Note};
use crate::bytes32::Bytes32;
use crate::ctx::{Caller, Ctx, request_hash};
use crate::ids::{Id, SpaceId, UserId};
use crate::limits::{CALL_ID_KEPT_MS, NAME_CHARS, PASTED_LINES, TITLE_CHARS};
use crate::secret::{credential, mac};
use crate::{tables, text};

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    api.section("space")
        .write(
            "add_member",
            Access::Admin,
            "Add a colleague; answers a one-time credential",
            add_member,
        )
        .audited()
        .write(
            "add_members",
            Access::Admin,
            "Add the colleagues of a pasted list",
            add_members,
        )
        .audited()
        .write(
            "reset_credential",
            Access::Admin,
            "A new one-time credential for a colleague; ends his sessions",
            reset_credential,
        )
        .audited()
        .read(
            "members",
            Access::Member,
            "The members, in order of the sound of their names",
            members,
        );
}

// ---- types

/// The company.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Space {
    /// Names it.
    pub space_id: SpaceId,
    /// Its name.
    pub name: String,
}

/// Row of `space:<id>`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SpaceRow {
    /// The company's name.
    pub name: String,
    /// When it was set up.
    pub created_at: i64,
}

impl SpaceRow {
    /// The company as its members see it.
    pub fn view(&self, space_id: SpaceId) -> Space {
        Space {
            space_id,
            name: self.name.clone(),
        }
    }
}

/// A colleague to add.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddMember {
    /// His name.
    pub name: String,
    /// The name he will sign in with.
    pub login: String,
    /// What he may do; `member` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// His job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// A colleague who was added.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Added {
    /// The person.
    pub user: Person,
    /// The name he signs in with.
    pub login: String,
    /// What he signs in with the first time; shown only now.
    pub credential: String,
}

/// A pasted list.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddMembers {
    /// One person a line: name, then login, separated by a tab, a comma or a space. ≤ 500 lines.
    pub text: String,
}

/// What became of the lines.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AddedLines {
    /// In the order of the lines; empty lines are left out.
    pub items: Vec<AddedLine>,
}

/// What became of a line.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AddedLine {
    /// Counted from 1.
    pub line: usize,
    /// The name on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The login on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// What became of it.
    pub outcome: LineOutcome,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
    /// The person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// What he signs in with the first time; shown only now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineOutcome {
    /// He is a member now.
    Added,
    /// The login is taken.
    Exists,
    /// The line can't be read.
    Invalid,
}

/// Names a member.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberRef {
    /// The member.
    pub user_id: UserId,
}

/// A new one-time credential.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Credential {
    /// The name he signs in with.
    pub login: String,
    /// What he signs in with the next time; shown only now.
    pub credential: String,
}

// ---- rules

/// Name and login of a pasted line. The last word is the login, so that names may have spaces.
fn split_line(line: &str) -> Option<(&str, &str)> {
    let separator =
        |char: char| char == '\t' || char == ',' || char == '，' || char == ';' || char == '；';
    let line = line.trim().trim_end_matches(separator);
    let (name, login) = line
        .rsplit_once(separator)
        .or_else(|| line.rsplit_once(char::is_whitespace))?;
    Some((name.trim().trim_end_matches(separator).trim(), login.trim()))
}

// ---- rows

/// `space:<id>`.
pub const SPACE: Table<(), (), SpaceRow> = Table::new(tables::SPACE, "space");

// ---- methods

async fn add_member(ctx: Ctx, p: AddMember) -> Answer<Added> {
    let caller = ctx.caller()?;
    let key = ctx.key_or_new();
    let note = audit::note(&ctx).await?;
    let (person, credential) = new_person(&ctx, &caller, &key, &p, &note)?;
    person::create(&ctx.node.store, &person, ctx.now_ms()).await?;
    added(&ctx, &caller, &person, credential).await
}

/// The person and the credential that `key` decides, so that a repeat answers the same.
fn new_person(
    ctx: &Ctx,
    caller: &Caller,
    key: &str,
    p: &AddMember,
    note: &Note,
) -> Answer<(NewPerson, String)> {
    let login = person::login("login", &p.login)?;
    let name = text::line("name", &p.name, NAME_CHARS)?;
    let title = p
        .title
        .as_deref()
        .map(|title| text::line("title", title, TITLE_CHARS))
        .transpose()?;
    let source = mac(
        &ctx.node.secret,
        &[
            b"person",
            &caller.space_id.0,
            &caller.user_id.0,
            key.as_bytes(),
            login.as_bytes(),
        ],
    );
    let credential = credential(&ctx.node.secret, &[b"first", &source]);
    let user_id = Id::derived("user", &[&source]);
    let person = NewPerson {
        space_id: caller.space_id,
        account_id: Id::derived("account", &[&source]),
        user_id,
        login,
        name,
        title,
        role: p.role.unwrap_or(Role::Member),
        secret: Secret::Credential {
            mac: Bytes32(mac(
                &ctx.node.secret,
                &[b"credential", credential.as_bytes()],
            )),
        },
        at: ctx.now_ms(),
        note: Some(note.clone().to_user(user_id)),
    };
    Ok((person, credential))
}

async fn added(
    ctx: &Ctx,
    caller: &Caller,
    person: &NewPerson,
    credential: String,
) -> Answer<Added> {
    let row = person::member(&ctx.node.store, caller.space_id, person.user_id)
        .await?
        .ok_or_else(ApiError::not_found)?;
    // The same client id with another request finds the first one's person.
    if row.name != person.name || row.title != person.title || row.role != person.role {
        return Err(storage::StoreError::ClientIdReused.into());
    }
    Ok(Added {
        user: row.person(person.user_id, false),
        login: row.login,
        credential,
    })
}

async fn add_members(ctx: Ctx, p: AddMembers) -> Answer<AddedLines> {
    let caller = ctx.caller()?;
    let lines: Vec<(usize, &str)> = p
        .text
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty())
        .collect();
    if lines.is_empty() {
        return Err(ApiError::invalid(
            "text",
            "required",
            "此项必填",
            "This is required",
        ));
    }
    if lines.len() > PASTED_LINES {
        return Err(ApiError::too_many("text", PASTED_LINES));
    }
    let (key, note) = (ctx.key_or_new(), audit::note(&ctx).await?);
    let mut items = Vec::with_capacity(lines.len());
    for (number, line) in lines {
        items.push(add_line(&ctx, (&caller, &key, &note), number, line).await?);
    }
    Ok(AddedLines { items })
}

/// Adds the person of one line. Only what is wrong with the line itself is told in its row; when the
/// store fails, the call fails, and its repeat with the same client id goes on where it stood.
async fn add_line(
    ctx: &Ctx,
    (caller, key, note): (&Caller, &str, &Note),
    line: usize,
    text: &str,
) -> Answer<AddedLine> {
    let mut row = AddedLine {
        line,
        name: None,
        login: None,
        outcome: LineOutcome::Invalid,
        error: None,
        user_id: None,
        credential: None,
    };
    let Some((name, login)) = split_line(text) else {
        row.error = Some(ApiError::new(
            Class::Invalid,
            "line_invalid",
            "每行应为：姓名 帐号",
            "A line is: name, login",
        ));
        return Ok(row);
    };
    (row.name, row.login) = (Some(name.to_owned()), Some(login.to_owned()));
    let p = AddMember {
        name: name.to_owned(),
        login: login.to_owned(),
        role: None,
        title: None,
    };
    let outcome = match new_person(ctx, caller, key, &p, note) {
        Ok((person, credential)) => person::create(&ctx.node.store, &person, ctx.now_ms())
            .await
            .map(|()| (person.user_id, credential)),
        Err(error) => Err(error),
    };
    match outcome {
        Ok((user_id, credential)) => {
            row.outcome = LineOutcome::Added;
            (row.user_id, row.credential) = (Some(user_id), Some(credential));
        }
        Err(error) if error.code == "login_taken" => {
            row.outcome = LineOutcome::Exists;
            row.error = Some(error);
        }
        Err(error) if error.class == Class::Invalid => row.error = Some(error),
        Err(error) => return Err(error),
    }
    Ok(row)
}

async fn reset_credential(ctx: Ctx, p: MemberRef) -> Answer<Credential> {
    let caller = ctx.caller()?;
    let member = person::member(&ctx.node.store, caller.space_id, p.user_id)
        .await?
        .ok_or_else(ApiError::not_found)?;
    let key = ctx.key_or_new();
    let credential = credential(&ctx.node.secret, &[b"reset", &p.user_id.0, key.as_bytes()]);
    let mac = Bytes32(mac(
        &ctx.node.secret,
        &[b"credential", credential.as_bytes()],
    ));
    let note = audit::note(&ctx).await?.to_user(p.user_id);
    let done = retry(|| put_credential(&ctx, &member, &key, mac, &note)).await?;
    ctx.node.effects.passed(done.position).await;
    Ok(Credential {
        login: member.login,
        credential,
    })
}

/// A repeat must not end the sessions that the person began meanwhile.
async fn put_credential(
    ctx: &Ctx,
    member: &MemberRow,
    key: &str,
    mac: Bytes32,
    note: &Note,
) -> Answer<Committed> {
    let hash = request_hash("space.reset_credential", &[&member.account_id.0]);
    let author = ctx.caller()?.user_id.to_string();
    let home = account_home(member.account_id);
    let mut t =
        ctx.node
            .store
            .transaction(&home)
            .client_id("call", &author, key, hash, CALL_ID_KEPT_MS);
    if let Some(done) = t.repeated().await? {
        return Ok(done);
    }
    let mut row = t
        .read(&ACCOUNT, &(), &())
        .await?
        .ok_or_else(ApiError::not_found)?;
    row.secret = Secret::Credential { mac };
    t.set(&ACCOUNT, &(), &(), &row)?;
    t.effect(
        END_SESSIONS,
        Value::encode(&EndSessions {
            account_id: member.account_id,
            keep: None,
        })?,
    );
    note.put(&mut t)?;
    Ok(t.commit().await?)
}

async fn members(ctx: Ctx, p: PageParams) -> Answer<Page<Person>> {
    let caller = ctx.caller()?;
    let (ids, next) = page_of(&ctx, &caller, &MEMBER_ORDER, &p).await?;
    Ok(Page {
        items: people(&ctx, caller.space_id, &ids).await?,
        next,
    })
}

/// A page of an index of members in the order of their names, and the cursor of the next.
///
/// # Errors
/// A limit or cursor that can't be; what the store answers.
pub(super) async fn page_of(
    ctx: &Ctx,
    caller: &Caller,
    index: &Table<(), (String, Id), u8>,
    p: &PageParams,
) -> Answer<(Vec<UserId>, Option<String>)> {
    let (limit, now_ms) = (p.limit()?, ctx.now_ms());
    let after = p.after_key::<(String, UserId)>(now_ms)?;
    let range = after.map_or_else(KeyRange::all, |key| KeyRange::after(key::encode(&key)));
    let home = space_home(caller.space_id);
    let rows = ctx
        .node
        .store
        .scan(
            &home,
            &index.partition(&()),
            range,
            Direction::Forward,
            limit + 1,
        )
        .await?;
    let next = (rows.len() > limit).then(|| cursor(&rows[limit - 1].0, now_ms));
    let ids = rows
        .iter()
        .take(limit)
        .map(|(key, _)| Ok(index.key(key)?.1))
        .collect::<Answer<Vec<UserId>>>()?;
    Ok((ids, next))
}

/// The members with these ids, in their order; ids of nobody in the space are left out.
///
/// # Errors
/// What the store answers.
pub async fn people(ctx: &Ctx, space: SpaceId, ids: &[UserId]) -> Answer<Vec<Person>> {
    let home = space_home(space);
    let wanted: Vec<_> = ids
        .iter()
        .map(|id| (home.clone(), MEMBER.at(&(), id)))
        .collect();
    let rows = ctx.node.store.get_many(&wanted).await?;
    let found = ids
        .iter()
        .zip(rows)
        .filter_map(|(id, row)| Some((*id, row?)));
    found
        .map(|(id, row)| {
            Ok(MEMBER
                .decode(&row)?
                .person(id, ctx.node.connections.online(id)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_line_is_a_name_and_a_login() {
        for (line, read) in [
            ("张三 zhangsan", Some(("张三", "zhangsan"))),
            ("张三\tzhangsan", Some(("张三", "zhangsan"))),
            ("张三，zhangsan", Some(("张三", "zhangsan"))),
            ("Li Lei  lilei", Some(("Li Lei", "lilei"))),
            ("Li Lei, lilei,", Some(("Li Lei", "lilei"))),
            ("张三", None),
        ] {
            assert_eq!(split_line(line), read, "{line}");
        }
    }
}
