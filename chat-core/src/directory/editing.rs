//! What an administrator changes of a colleague: his name, his job, whether he is an administrator (`USER-07`,
//! `USER-i05`). All of it is in one commit of `space:<id>`: the row, what finds him, the audit. Everybody who is
//! there is told (`person.changed`).
//!
//! Home `space:<id>` has [`MEMBER_ADMIN`], the administrators in the order of the directory.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{
    AppliedCommit, Change, Committed, Direction, KeyRange, Store, Table, Transaction, retry,
};

use super::disabling::account_disabled;
use super::person::{self, MEMBER, MEMBER_ADMIN, MemberRow, Person, Role, space_home};
use super::setup;
use super::space::{page_of, people};
use crate::api::page::{Page, PageParams};
use crate::api::registry::{Access, Registry};
use crate::api::{Answer, ApiError, Class, Push};
use crate::audit::{self, Note};
use crate::ctx::{Caller, Ctx};
use crate::ids::{SpaceId, UserId};
use crate::limits::{NAME_CHARS, TITLE_CHARS};
use crate::node::Node;
use crate::{tables, text};

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    api.section("space")
        .write(
            "update_member",
            Access::Admin,
            "Change a colleague's name or job, or whether he is an administrator",
            update_member,
        )
        .audited()
        .read(
            "admins",
            Access::Admin,
            "The administrators, in order of the sound of their names",
            admins,
        )
        .event::<PersonChanged>(
            "person.changed",
            "A colleague has another name, job or role, or was disabled or enabled",
        );
}

// ---- types

/// What is to be another. What is left out stays.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateMember {
    /// The member.
    pub user_id: UserId,
    /// His name, 1 to 30 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// His job, up to 50 characters; none when empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What he may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// Data of `person.changed`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PersonChanged {
    /// The person as he is now.
    pub user: Person,
}

/// What of a member is to be another, checked.
#[derive(Clone, Debug, Default)]
struct Edit {
    name: Option<String>,
    title: Option<Option<String>>,
    role: Option<Role>,
}

// ---- rules

impl Edit {
    fn new(p: &UpdateMember) -> Answer<Self> {
        let name = p.name.as_deref();
        let name = name.map(|name| text::line("name", name, NAME_CHARS));
        let title = p.title.as_deref().map(|title| match title.trim() {
            "" => Ok(None),
            title => text::line("title", title, TITLE_CHARS).map(Some),
        });
        Ok(Self {
            name: name.transpose()?,
            title: title.transpose()?,
            role: p.role,
        })
    }

    /// The member as he will be.
    fn of(&self, row: &MemberRow) -> MemberRow {
        MemberRow {
            name: self.name.clone().unwrap_or_else(|| row.name.clone()),
            title: self.title.clone().unwrap_or_else(|| row.title.clone()),
            role: self.role.unwrap_or(row.role),
            ..row.clone()
        }
    }
}

/// What changed, for the audit: before and after of each.
fn difference(before: &MemberRow, after: &MemberRow) -> Vec<String> {
    let title = |row: &MemberRow| row.title.clone().unwrap_or_else(|| "—".to_owned());
    let role = |row: &MemberRow| match row.role {
        Role::Admin => "admin".to_owned(),
        Role::Member => "member".to_owned(),
    };
    [
        ("name", before.name.clone(), after.name.clone()),
        ("title", title(before), title(after)),
        ("role", role(before), role(after)),
    ]
    .into_iter()
    .filter(|(_, before, after)| before != after)
    .map(|(what, before, after)| format!("{what}: {before} → {after}"))
    .collect()
}

fn last_admin() -> ApiError {
    ApiError::new(
        Class::Conflict,
        "last_admin",
        "公司至少要有一位管理员，请先设置另一位",
        "A company has at least one administrator; make somebody else one first",
    )
    .at("role")
}

// ---- methods

async fn update_member(ctx: Ctx, p: UpdateMember) -> Answer<Person> {
    let (caller, edit) = (ctx.caller()?, Edit::new(&p)?);
    let note = audit::note(&ctx).await?.to_user(p.user_id);
    let (row, done) = retry(|| put(&ctx, &caller, p.user_id, &edit, &note)).await?;
    if let Some(done) = done {
        ctx.node.delivery.passed(done.position).await;
        ctx.node.effects.passed(done.position).await;
    }
    let online = ctx.node.connections.online(p.user_id);
    Ok(row.person(p.user_id, online))
}

/// A member who is as he should be already is left alone, so that a repeat changes nothing.
async fn put(
    ctx: &Ctx,
    caller: &Caller,
    user: UserId,
    edit: &Edit,
    note: &Note,
) -> Answer<(MemberRow, Option<Committed>)> {
    let mut t = ctx.node.store.transaction(&space_home(caller.space_id));
    still_admin(&mut t, caller).await?;
    let before = t.read(&MEMBER, &(), &user).await?;
    let before = before.ok_or_else(ApiError::not_found)?;
    let after = edit.of(&before);
    let what = difference(&before, &after);
    if what.is_empty() {
        return Ok((before, None));
    }
    if before.disabled.is_some() {
        return Err(account_disabled().at("user_id"));
    }
    if before.role == Role::Admin && after.role != Role::Admin && user == caller.user_id {
        let other = another_admin(&mut t, &ctx.node.store, caller).await?;
        t = t.allowed(other.ok_or_else(last_admin)).await?;
    }
    person::move_index(&mut t, user, Some(&before), Some(&after))?;
    t.set(&MEMBER, &(), &user, &after)?;
    note.clone().with(what.join("; ")).put(&mut t)?;
    Ok((after, Some(t.commit().await?)))
}

/// The caller is an administrator in the very commit that does it: of two who take the right from each other at
/// once, one stays, so there always is one.
///
/// # Errors
/// `forbidden`; what the store answers.
pub(super) async fn still_admin(t: &mut Transaction, caller: &Caller) -> Answer<()> {
    let own = t.read(&MEMBER, &(), &caller.user_id).await?;
    match own {
        Some(own) if own.disabled.is_some() => Err(account_disabled()),
        Some(own) if own.role == Role::Admin => Ok(()),
        _ => Err(ApiError::forbidden()),
    }
}

/// Somebody who is an administrator beside the caller, and is one still when the commit runs.
async fn another_admin(
    t: &mut Transaction,
    store: &Store,
    caller: &Caller,
) -> Answer<Option<UserId>> {
    let (home, all) = (space_home(caller.space_id), KeyRange::all());
    let index = MEMBER_ADMIN.partition(&());
    let rows = store
        .scan(&home, &index, all, Direction::Forward, 2)
        .await?;
    for (key, _) in rows {
        let user = MEMBER_ADMIN.key(&key)?.1;
        if user == caller.user_id {
            continue;
        }
        let row = t.read(&MEMBER, &(), &user).await?;
        if row.is_some_and(|row| row.role == Role::Admin && row.disabled.is_none()) {
            return Ok(Some(user));
        }
    }
    Ok(None)
}

async fn admins(ctx: Ctx, p: PageParams) -> Answer<Page<Person>> {
    let caller = ctx.caller()?;
    let (ids, next) = page_of(&ctx, &caller, &MEMBER_ADMIN, &p).await?;
    Ok(Page {
        items: people(&ctx, caller.space_id, &ids).await?,
        next,
    })
}

// ---- telling

/// Tells everybody who is there what a commit changed of a member. Who is added is found when he is looked for: a
/// list of 500 new colleagues would be 500 pushes to each.
///
/// # Errors
/// A row that can't be read.
pub fn tell_everybody(node: &Node, commit: &AppliedCommit) -> Answer<()> {
    let counted = person::member_count().table;
    if commit.writes.iter().any(|write| write.at.table == counted) {
        return Ok(());
    }
    for write in &commit.writes {
        let Change::Put(value) = &write.change else {
            continue;
        };
        if write.at.table != MEMBER.id() {
            continue;
        }
        let user = MEMBER.key(&write.at.key)?;
        let row: MemberRow = MEMBER.decode_value(value)?;
        let user = row.person(user, node.connections.online(user));
        // One server is one company so far, and everybody in it may look up anybody.
        let mut all = node.connections.everybody().into_iter();
        node.connections.queue(
            &mut all,
            &Push::new("person.changed", PersonChanged { user }),
        );
    }
    Ok(())
}

// ---- administrators from before there was a list of them

/// `space:<id>`: the administrators from before are in the list.
const ADMINS_LISTED: Table<(), (), u8> = Table::new(tables::ADMINS_LISTED, "admins_listed");
/// Members read at once.
const READ_AT_ONCE: usize = 1_000;

/// Puts the administrators of a store that had no list of them into it, once.
///
/// # Errors
/// What the store answers.
pub async fn list_admins(node: &Node) -> Answer<()> {
    let Some(space) = setup::space_id(&node.store).await? else {
        return Ok(());
    };
    let home = space_home(space);
    if node
        .store
        .read(&home, &ADMINS_LISTED, &(), &())
        .await?
        .is_some()
    {
        return Ok(());
    }
    let (members, mut range) = (MEMBER.partition(&()), KeyRange::all());
    loop {
        let rows = node
            .store
            .scan(&home, &members, range, Direction::Forward, READ_AT_ONCE)
            .await?;
        for (key, row) in &rows {
            let row = MEMBER.decode(row)?;
            if row.role == Role::Admin && row.disabled.is_none() {
                let user = MEMBER.key(key)?;
                retry(|| list_admin(&node.store, space, user)).await?;
            }
        }
        let Some((last, _)) = rows.last().filter(|_| rows.len() == READ_AT_ONCE) else {
            break;
        };
        range = KeyRange::after(last.clone());
    }
    let mut t = node.store.transaction(&home);
    t.set(&ADMINS_LISTED, &(), &(), &0)?;
    t.commit().await?;
    Ok(())
}

async fn list_admin(store: &Store, space: SpaceId, user: UserId) -> Answer<()> {
    let mut t = store.transaction(&space_home(space));
    let row = t.read(&MEMBER, &(), &user).await?;
    if let Some(row) = row.filter(|row| row.role == Role::Admin && row.disabled.is_none()) {
        t.set(&MEMBER_ADMIN, &(), &person::order_key(user, &row), &0)?;
        t.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Id;

    fn member(name: &str, title: Option<&str>, role: Role) -> MemberRow {
        MemberRow {
            account_id: Id([1; 16]),
            login: "li".into(),
            name: name.into(),
            title: title.map(str::to_owned),
            role,
            created_at: 0,
            disabled: None,
        }
    }

    #[test]
    fn what_is_left_out_stays_and_an_empty_job_is_none() {
        let row = member("李四", Some("销售"), Role::Member);
        let edit = |p: UpdateMember| Edit::new(&p).map(|edit| edit.of(&row));
        let nothing = || UpdateMember {
            user_id: Id([2; 16]),
            name: None,
            title: None,
            role: None,
        };
        let none = edit(nothing()).unwrap();
        assert!(difference(&row, &none).is_empty());
        let no_job = edit(UpdateMember {
            title: Some("  ".into()),
            ..nothing()
        });
        assert_eq!(difference(&row, &no_job.unwrap()), ["title: 销售 → —"]);
        let refused = edit(UpdateMember {
            name: Some(" ".into()),
            ..nothing()
        });
        assert_eq!(refused.unwrap_err().code, "required");
    }

    #[test]
    fn the_audit_is_told_before_and_after_of_what_changed() {
        let before = member("李四", None, Role::Member);
        let after = member("李思", Some("经理"), Role::Admin);
        assert_eq!(
            difference(&before, &after),
            [
                "name: 李四 → 李思",
                "title: — → 经理",
                "role: member → admin"
            ]
        );
    }
}
