//! The audit as an administrator looks it up and takes it along: who did what, when, from where. What is
//! in it stands in [`crate::audit`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::error::Sentence;
use crate::api::page::{Page, PageParams, cursor};
use crate::api::registry::{Access, Nothing, Registry};
use crate::api::{Answer, ApiError};
use crate::audit::{self, EntryKey, Note, Target, TargetKind, Wanted};
use crate::ctx::{Caller, Ctx};
use crate::directory::space::people;
use crate::ids::{SessionId, UserId};
use crate::limits::{AUDIT_EXPORT_BYTES, AUDIT_EXPORT_ROWS, METHOD_CHARS};

mod sheet;

use sheet::{Language, Sheet, Zone};

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    api.section("admin.audit")
        .read(
            "list",
            Access::Admin,
            "What was done that an administrator may look up, newest first",
            list,
        )
        .read(
            "methods",
            Access::Admin,
            "What the audit tells of, with names for people",
            methods,
        )
        .write(
            "export",
            Access::Admin,
            "The audit as a table for Excel (CSV), part by part",
            export,
        )
        .audited();
}

// ---- types

/// Which part of the audit.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListAudit {
    /// Items at most (1 to 200, 50 when absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Only what this person did, or what concerns him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Only what was done by this method, as `admin.audit.methods` names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Not before then, in ms since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// Before then, in ms since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

/// Which part of the audit to take along.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportAudit {
    /// `next` of the part before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// As in `admin.audit.list`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// As in `admin.audit.list`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// As in `admin.audit.list`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// As in `admin.audit.list`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// In which language; Chinese when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// How far the clock on the wall is from UTC, as `+08:00`, which it is when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// A person as the audit names him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AuditPerson {
    /// The person.
    pub user_id: UserId,
    /// His name today.
    pub name: String,
    /// The name he signs in with.
    pub login: String,
}

/// Something that was done, or refused.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AuditEntry {
    /// Names it.
    pub entry_id: String,
    /// When, in ms since the epoch.
    pub noted_at: i64,
    /// Who; absent for a stranger at the door, and for whoever runs the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<AuditPerson>,
    /// What was called; `operator.…` for a command on the server itself.
    pub method: String,
    /// What it is, for people.
    pub label: Sentence,
    /// What it was done to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Whom it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<AuditPerson>,
    /// Why it was refused, as a code; absent for what was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// From which address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// The device that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// Its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub device_name: String,
    /// Names the call in the server's log.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub request_id: String,
    /// What else there is to tell: a reason, the device that was signed out, a setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What the audit tells of.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AuditMethods {
    /// In the order of their names.
    pub items: Vec<AuditMethod>,
}

/// Something that the audit tells of.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AuditMethod {
    /// The method.
    pub method: String,
    /// What it is, for people.
    pub label: Sentence,
}

/// A part of the table for Excel.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AuditSheet {
    /// CSV, to be written behind the part before. The first begins with the mark by which Excel knows UTF-8.
    pub text: String,
    /// Entries in this part.
    pub rows: usize,
    /// Where the next part begins; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

// ---- rules

/// What the audit tells of, for people. `tests/it/admin/audit.rs` holds it against the table of methods.
const LABELS: [(&str, &str, &str); 27] = [
    ("account.change_password", "修改密码", "Password changed"),
    ("admin.audit.export", "导出审计日志", "Audit exported"),
    (
        "admin.dead_letter.retry",
        "重试失败任务",
        "Failed work tried again",
    ),
    (
        "admin.list.cancel",
        "停止重建会话列表",
        "Rebuilding of lists stopped",
    ),
    ("admin.list.rebuild", "重建会话列表", "Lists rebuilt"),
    ("admin.retention.set", "修改保留期限", "Retention changed"),
    (
        "admin.session.revoke",
        "管理员移除设备",
        "Device signed out by an administrator",
    ),
    (
        "admin.session.revoke_all",
        "管理员移除全部设备",
        "All devices signed out by an administrator",
    ),
    (
        "admin.storage.set",
        "修改每人文件空间和文件保留期限",
        "Quota and time of files changed",
    ),
    ("bot.create", "添加机器人", "Bot added"),
    ("bot.remove", "移除机器人", "Bot removed"),
    ("bot.renew", "更换机器人地址", "Bot given a new address"),
    (
        "conversation.dissolve",
        "解散讨论组",
        "Discussion dissolved",
    ),
    (
        "conversation.leave",
        "群主退出讨论组",
        "Owner left a discussion",
    ),
    (
        "conversation.transfer",
        "转让讨论组",
        "Discussion transferred",
    ),
    (
        "operator.reset_password",
        "服务器命令行重置密码",
        "Password reset on the server",
    ),
    (
        "session.refresh",
        "设备凭证被重复使用",
        "Used device token came again",
    ),
    ("session.revoke", "移除自己的设备", "Own device signed out"),
    (
        "session.revoke_others",
        "移除自己的其他设备",
        "Own other devices signed out",
    ),
    ("session.sign_in", "登录失败过多", "Sign-in locked"),
    ("setup.complete", "初始化公司", "Company set up"),
    ("space.add_member", "添加同事", "Colleague added"),
    ("space.add_members", "批量添加同事", "Colleagues added"),
    ("space.disable_member", "停用帐号", "Account disabled"),
    ("space.enable_member", "启用帐号", "Account enabled"),
    ("space.reset_credential", "重置登录凭证", "Credential reset"),
    ("space.update_member", "修改同事资料", "Colleague changed"),
];

fn label(method: &str) -> Sentence {
    let known = LABELS.iter().find(|(name, ..)| *name == method);
    let (zh, en) = known.map_or((method, method), |(_, zh, en)| (zh, en));
    Sentence {
        zh: zh.to_owned(),
        en: en.to_owned(),
    }
}

/// What is asked for, checked.
struct Asked {
    wanted: Wanted,
    span: (Option<i64>, Option<i64>),
}

impl Asked {
    fn new(
        user: Option<UserId>,
        method: Option<&String>,
        (from, until): (Option<u64>, Option<u64>),
    ) -> Answer<Self> {
        if method.is_some_and(|method| method.chars().count() > METHOD_CHARS) {
            return Err(ApiError::invalid(
                "method",
                "too_long",
                format!("最多 {METHOD_CHARS} 个字符"),
                format!("At most {METHOD_CHARS} characters"),
            ));
        }
        let ms = |at: u64| i64::try_from(at).unwrap_or(i64::MAX);
        if let (Some(from), Some(until)) = (from, until)
            && from >= until
        {
            return Err(ApiError::invalid(
                "until",
                "period_empty",
                "结束时间应晚于开始时间",
                "The end is not after the beginning",
            ));
        }
        Ok(Self {
            wanted: Wanted {
                user,
                method: method.cloned(),
            },
            span: (from.map(ms), until.map(ms)),
        })
    }
}

type People = BTreeMap<UserId, AuditPerson>;

fn view(known: &People, key: &EntryKey, note: Note) -> AuditEntry {
    let person = |id: Option<UserId>| id.and_then(|id| known.get(&id).cloned());
    AuditEntry {
        entry_id: format!("{}.{}.{}", key.0, key.1, key.2),
        noted_at: key.0,
        by: person(note.by),
        label: label(&note.method),
        method: note.method,
        target: note.target,
        user: person(note.user),
        refused: note.refused,
        address: note.address,
        session_id: note.session_id,
        device_name: note.device,
        request_id: note.request_id,
        detail: note.detail,
    }
}

// ---- methods

async fn list(ctx: Ctx, p: ListAudit) -> Answer<Page<AuditEntry>> {
    let page = PageParams {
        limit: p.limit,
        cursor: p.cursor,
    };
    let asked = Asked::new(p.user_id, p.method.as_ref(), (p.from, p.until))?;
    let (items, next) = entries(&ctx, &asked, &page, page.limit()?).await?;
    Ok(Page { items, next })
}

/// A page of entries, and the cursor of the next.
async fn entries(
    ctx: &Ctx,
    asked: &Asked,
    page: &PageParams,
    limit: usize,
) -> Answer<(Vec<AuditEntry>, Option<String>)> {
    let (caller, now_ms) = (ctx.caller()?, ctx.now_ms());
    let after = page.after_key::<EntryKey>(now_ms)?;
    let store = &ctx.node.store;
    let mut found =
        audit::page(store, &asked.wanted, asked.span, after.as_ref(), limit + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let next = last.map(|(key, _)| cursor(&storage::key::encode(key), now_ms));
    let known = names(ctx, &caller, &found).await?;
    let items = found
        .into_iter()
        .map(|(key, note)| view(&known, &key, note));
    Ok((items.collect(), next))
}

/// Everybody who is named in the entries.
async fn names(ctx: &Ctx, caller: &Caller, found: &[(EntryKey, Note)]) -> Answer<People> {
    let named = found.iter().flat_map(|(_, note)| [note.by, note.user]);
    let mut ids: Vec<UserId> = named.flatten().collect();
    ids.sort_unstable();
    ids.dedup();
    let known = people(ctx, caller.space_id, &ids).await?;
    let known = known.into_iter().map(|person| {
        let (user_id, name, login) = (person.user_id, person.name, person.login);
        let person = AuditPerson {
            user_id,
            name,
            login,
        };
        (user_id, person)
    });
    Ok(known.collect())
}

async fn methods(_: Ctx, _: Nothing) -> Answer<AuditMethods> {
    let items = LABELS.iter().map(|(method, ..)| AuditMethod {
        method: (*method).to_owned(),
        label: label(method),
    });
    Ok(AuditMethods {
        items: items.collect(),
    })
}

async fn export(ctx: Ctx, p: ExportAudit) -> Answer<AuditSheet> {
    let asked = Asked::new(p.user_id, p.method.as_ref(), (p.from, p.until))?;
    let zone = Zone::read(p.zone.as_deref())?;
    let page = PageParams {
        limit: None,
        cursor: p.cursor,
    };
    // Before the first part is given away; the others belong to it.
    if page.cursor.is_none() {
        let note = audit::note(&ctx).await?;
        let note = note.to(TargetKind::Server, "audit");
        note.commit(&ctx.node.store).await?;
    }
    let (items, next) = entries(&ctx, &asked, &page, AUDIT_EXPORT_ROWS).await?;
    let language = p.language.unwrap_or_default();
    let mut sheet = Sheet::new(language, zone, page.cursor.is_none())?;
    let mut rows = 0;
    let mut next = next;
    for (at, item) in items.iter().enumerate() {
        sheet.row(item)?;
        rows = at + 1;
        if sheet.bytes() > AUDIT_EXPORT_BYTES && rows < items.len() {
            next = key_of(&item.entry_id).map(|key| cursor(&key, ctx.now_ms()));
            break;
        }
    }
    Ok(AuditSheet {
        text: sheet.end()?,
        rows,
        next,
    })
}

/// The key of an entry as it is written in its id.
fn key_of(entry_id: &str) -> Option<Vec<u8>> {
    let mut parts = entry_id.splitn(3, '.');
    let key: EntryKey = (
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
    );
    Some(storage::key::encode(&key).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_again_by_its_id() {
        let key: EntryKey = (1_767_571_200_000, 1_042, 3);
        let entry = view(
            &People::new(),
            &key,
            Note::operator("operator.reset_password"),
        );
        assert_eq!(entry.label.zh, "服务器命令行重置密码");
        assert_eq!(
            key_of(&entry.entry_id),
            Some(storage::key::encode(&key).to_vec())
        );
        assert_eq!(key_of("1.2"), None);
    }

    #[test]
    fn a_period_ends_after_it_began() {
        assert!(Asked::new(None, None, (Some(5), Some(6))).is_ok());
        let refused = Asked::new(None, None, (Some(5), Some(5)))
            .map(|_| ())
            .unwrap_err();
        assert_eq!(refused.code, "period_empty");
        let long = "x".repeat(METHOD_CHARS + 1);
        assert!(Asked::new(None, Some(&long), (None, None)).is_err());
    }
}
