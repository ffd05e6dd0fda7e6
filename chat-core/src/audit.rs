//! The audit: who did what of the things an administrator must be able to look up later (`BO-i03`). A method
//! that is marked `.audited()` in the table writes a [`Note`] in the very commit that does what it tells, as an
//! effect; so there is no deed without its entry and no entry without its deed, wherever the server is killed.
//! The effect makes the note an entry of home `audit:main`, once. No method changes an entry.
//!
//! An entry lies under the time of its commit, and once more in each list it can be looked for in: by person (who
//! did it, or whom it concerns), by method, and by both.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Direction, Home, KeyRange, Store, StoreError, Table, Transaction, Value, key};

use crate::api::{Answer, ApiError};
use crate::ctx::Ctx;
use crate::directory::session::{SESSION, session_home};
use crate::effect::{Delivered, Kind, stamp};
use crate::ids::{Id, SessionId, UserId};
use crate::tables;

// ---- types

/// What a method did something to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// The company.
    Space,
    /// A person.
    User,
    /// A signed-in device.
    Session,
    /// A conversation.
    Conversation,
    /// Something the server could not do.
    Letter,
    /// A part of the server: its settings, its lists, the audit.
    Server,
}

/// What an audited method did something to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// Of which kind it is.
    pub kind: TargetKind,
    /// Names it; a name of the server's part is a word.
    pub id: String,
}

impl Target {
    /// Something of `kind` that `id` names.
    pub fn new(kind: TargetKind, id: impl ToString) -> Self {
        Self {
            kind,
            id: id.to_string(),
        }
    }
}

/// What an audited method says of what it does. Never a secret, a password, a name that was typed at the door, or
/// the text of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Who; nobody for a stranger and for whoever runs the server.
    pub by: Option<UserId>,
    /// The method of the table, or a command of the operator.
    pub method: String,
    /// What it was done to.
    pub target: Option<Target>,
    /// Whom it concerns beside him who did it.
    pub user: Option<UserId>,
    /// Why it was refused, as a code; absent for what was done.
    pub refused: Option<String>,
    /// Of the client, without port.
    pub address: String,
    /// The device that asked.
    pub session_id: Option<SessionId>,
    /// Its name.
    pub device: String,
    /// Names the call in the log.
    pub request_id: String,
    /// What else is worth telling: a reason, a setting.
    pub detail: Option<String>,
}

impl Note {
    /// What whoever runs the server does at its command line.
    pub fn operator(command: &str) -> Self {
        Self {
            by: None,
            method: command.to_owned(),
            target: None,
            user: None,
            refused: None,
            address: String::new(),
            session_id: None,
            device: String::new(),
            request_id: String::new(),
            detail: None,
        }
    }

    /// The same, done to that.
    #[must_use]
    pub fn to(mut self, kind: TargetKind, id: impl ToString) -> Self {
        self.target = Some(Target::new(kind, id));
        self
    }

    /// The same, done to a person.
    #[must_use]
    pub fn to_user(mut self, user: UserId) -> Self {
        self.user = Some(user);
        self.to(TargetKind::User, user)
    }

    /// The same, concerning a person.
    #[must_use]
    pub fn about(mut self, user: UserId) -> Self {
        self.user = Some(user);
        self
    }

    /// The same with something more to tell.
    #[must_use]
    pub fn with(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same, which was refused.
    #[must_use]
    pub fn refused(mut self, code: &str) -> Self {
        self.refused = Some(code.to_owned());
        self
    }

    /// Writes it with the commit of `t`.
    ///
    /// # Errors
    /// It can't be encoded.
    pub fn put(&self, t: &mut Transaction) -> Result<(), StoreError> {
        t.effect(NOTED, Value::encode(self)?);
        Ok(())
    }

    /// Writes it by itself: what it tells happened in the memory of the server.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn commit(&self, store: &Store) -> Answer<()> {
        let mut t = store.transaction(&audit_home());
        self.put(&mut t)?;
        t.commit().await?;
        Ok(())
    }
}

/// Begins the note of this call.
///
/// # Errors
/// `internal` for a method that is not marked `.audited()`; what the store answers.
pub async fn note(ctx: &Ctx) -> Answer<Note> {
    let Some(method) = &ctx.audited else {
        tracing::error!("a method that is not audited writes an audit");
        return Err(ApiError::internal());
    };
    let session_id = ctx.caller.map(|caller| caller.session_id);
    let device = match session_id {
        Some(id) => {
            let home = session_home(id);
            let row = ctx.node.store.read(&home, &SESSION, &(), &()).await?;
            row.map(|row| row.device_name).unwrap_or_default()
        }
        None => String::new(),
    };
    Ok(Note {
        by: ctx.caller.map(|caller| caller.user_id),
        method: method.to_string(),
        address: ctx.origin.address.clone(),
        session_id,
        device,
        request_id: ctx.origin.request_id.clone(),
        ..Note::operator("")
    })
}

// ---- rules

/// What an entry is looked for by: a person, a method, both, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Who did it, or whom it concerns.
    pub user: Option<UserId>,
    /// What was called.
    pub method: Option<String>,
}

impl Wanted {
    /// The list of these entries.
    fn list(&self) -> Listed {
        let user = self.user.map(|user| user.to_string());
        (
            user.unwrap_or_default(),
            self.method.clone().unwrap_or_default(),
        )
    }
}

/// The lists that an entry stands in.
fn lists_of(note: &Note) -> Vec<Listed> {
    let mut people: Vec<UserId> = note.by.into_iter().chain(note.user).collect();
    people.dedup();
    let users = std::iter::once(String::new()).chain(people.iter().map(Id::to_string));
    let both = |user: String| [(user.clone(), String::new()), (user, note.method.clone())];
    users.flat_map(both).collect()
}

/// The keys of a span of time, from the first to before the last.
fn span(from_ms: Option<i64>, until_ms: Option<i64>) -> KeyRange {
    let at = |ms: i64| key::encode(&(ms, 0_u64, 0_u32));
    let mut range = KeyRange::all();
    if let Some(from_ms) = from_ms {
        range.from = std::ops::Bound::Included(at(from_ms));
    }
    if let Some(until_ms) = until_ms {
        range.to = std::ops::Bound::Excluded(at(until_ms));
    }
    range
}

// ---- rows

/// Time, position and ordinal of the commit that did it.
pub type EntryKey = (i64, u64, u32);
/// A person or none, a method or none.
type Listed = (String, String);

/// `audit:main`: the entries, oldest first.
const ENTRY: Table<(), EntryKey, Note> = Table::new(tables::AUDIT, "audit");
/// `audit:main`: the keys of the entries of each list.
const LISTED: Table<Listed, EntryKey, u8> = Table::new(tables::AUDIT_LISTED, "audit_listed");

/// The home of the audit.
pub fn audit_home() -> Home {
    Home::new("audit", "main")
}

/// A page of the entries of a list, newest first: up to `limit` of them behind `after`.
///
/// # Errors
/// What the store answers.
pub async fn page(
    store: &Store,
    wanted: &Wanted,
    (from_ms, until_ms): (Option<i64>, Option<i64>),
    after: Option<&EntryKey>,
    limit: usize,
) -> Answer<Vec<(EntryKey, Note)>> {
    let mut range = span(from_ms, until_ms);
    if let Some(after) = after {
        let after = key::encode(after);
        // A cursor of another span of time must not widen this one.
        if !range.contains(&after) {
            return Ok(vec![]);
        }
        range = range.resume(after, Direction::Backward);
    }
    let (home, list) = (audit_home(), LISTED.partition(&wanted.list()));
    let scan = store.scan(&home, &list, range, Direction::Backward, limit);
    let keys = scan.await?.into_iter();
    let keys: Vec<EntryKey> = keys
        .map(|(raw, _)| LISTED.key(&raw))
        .collect::<Result<_, _>>()?;
    let places: Vec<_> = keys
        .iter()
        .map(|key| (home.clone(), ENTRY.at(&(), key)))
        .collect();
    let rows = store.get_many(&places).await?;
    let found = keys
        .into_iter()
        .zip(rows)
        .filter_map(|(key, row)| Some((key, row?)));
    found
        .map(|(key, row)| Ok((key, ENTRY.decode(&row)?)))
        .collect()
}

// ---- the effect

/// Kind of the effect that makes a note an entry.
pub const NOTED: &str = "audit.noted";

/// The kinds of effects of the audit.
pub fn kinds() -> [Kind; 1] {
    [Kind {
        name: NOTED,
        targets: |_| Ok(vec![audit_home()]),
        run: |node, effect, _| Box::pin(async move { enter(&node.store, &effect).await }),
        takes_a_right: false,
    }]
}

async fn enter(store: &Store, effect: &Delivered) -> Answer<()> {
    let note: Note = effect.payload()?;
    let key: EntryKey = (effect.time_ms, effect.position, effect.ordinal);
    let mut t = store.transaction(&audit_home());
    stamp(&mut t, effect);
    t.set(&ENTRY, &(), &key, &note)?;
    for list in lists_of(&note) {
        t.set(&LISTED, &list, &key, &0)?;
    }
    t.commit().await?;
    Ok(())
}

/// Takes entries older than `until_ms` away, at most `limit` of them; tells how many.
///
/// # Errors
/// What the store answers.
pub async fn forget(store: &Store, until_ms: i64, limit: usize) -> Answer<usize> {
    let (home, all) = (audit_home(), ENTRY.partition(&()));
    let range = span(None, Some(until_ms));
    let old = store
        .scan(&home, &all, range, Direction::Forward, limit)
        .await?;
    if old.is_empty() {
        return Ok(0);
    }
    let mut t = store.transaction(&home);
    for (raw, row) in &old {
        let key = ENTRY.key(raw)?;
        for list in lists_of(&ENTRY.decode(row)?) {
            t.delete(LISTED.at(&list, &key));
        }
        t.delete(ENTRY.at(&(), &key));
    }
    t.commit().await?;
    Ok(old.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(by: Option<u8>, user: Option<u8>) -> Note {
        let id = |n: u8| Id([n; 16]);
        Note {
            by: by.map(id),
            user: user.map(id),
            ..Note::operator("space.disable_member")
        }
    }

    #[test]
    fn an_entry_stands_in_the_lists_of_who_did_it_and_whom_it_concerns() {
        assert_eq!(lists_of(&note(None, None)).len(), 2);
        assert_eq!(lists_of(&note(Some(1), None)).len(), 4);
        assert_eq!(lists_of(&note(Some(1), Some(1))).len(), 4);
        let lists = lists_of(&note(Some(1), Some(2)));
        assert_eq!(lists.len(), 6);
        for user in [None, Some(Id([1; 16])), Some(Id([2; 16]))] {
            for method in [None, Some("space.disable_member".to_owned())] {
                let wanted = Wanted { user, method };
                assert!(lists.contains(&wanted.list()), "{wanted:?}");
            }
        }
    }

    #[test]
    fn a_span_of_time_has_its_beginning_and_not_its_end() {
        let at = |ms: i64, position: u64| key::encode(&(ms, position, 0_u32));
        let range = span(Some(10), Some(20));
        assert!(!range.contains(&at(9, u64::MAX)));
        assert!(range.contains(&at(10, 0)) && range.contains(&at(19, u64::MAX)));
        assert!(!range.contains(&at(20, 0)));
    }
}
