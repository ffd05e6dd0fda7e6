//! A person of the space, and how one comes to be: a chain of commits with ids derived from the
//! request, so that a chain that was cut anywhere is completed or begun anew, never half.
//!
//! `login:` reserved → `account:` → `space:` → `user:` → login confirmed. The reservation carries an
//! effect that walks the chain again, so that a crash between two steps completes it.
//!
//! Homes: `login:<name>` has the row [`LOGIN`]; `account:<id>` has [`ACCOUNT`]; `space:<id>` has
//! [`MEMBER`] with its index rows; `user:<id>` has [`PROFILE`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use storage::{Home, RowAt, Store, Table, Transaction, Value, retry};
use unicode_normalization::UnicodeNormalization;

use super::disabling::Disabled;
use super::pinyin;
use crate::api::{Answer, ApiError, Class};
use crate::audit::Note;
use crate::bytes32::Bytes32;
use crate::ids::{AccountId, Id, SpaceId, UserId};
use crate::limits::{LOGIN_CHARS, PASSWORD_CHARS, RESERVATION_MS, SPACE_MEMBERS};
use crate::tables;

// ---- types

/// What a member may do in the space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Manages people and the space.
    Admin,
    /// Everybody else.
    Member,
}

/// A member of the space as others see him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Person {
    /// Names this person in the space.
    pub user_id: UserId,
    /// The person's name.
    pub name: String,
    /// The name he signs in with.
    pub login: String,
    /// What he may do.
    pub role: Role,
    /// `A` to `Z` or `#`: where he stands in the directory.
    pub initial: String,
    /// His job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whether he has an open connection.
    pub online: bool,
    /// `true` for one who can't sign in any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// How a login name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoginState {
    /// A person is being made; nobody can sign in yet.
    Reserved {
        /// When, in ms since the epoch.
        at: i64,
    },
    /// The person is whole.
    Confirmed,
}

/// Row of `login:<name>`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct LoginRow {
    /// Whose name it is.
    pub account_id: AccountId,
    /// Whether he may sign in.
    pub state: LoginState,
}

/// What a person proves himself with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Secret {
    /// A password that he chose, as a PHC string.
    Password {
        /// argon2id.
        hash: String,
    },
    /// A one-time credential, which he must change at once.
    Credential {
        /// HMAC-SHA-256 under the server's key.
        mac: Bytes32,
    },
}

/// Row of `account:<id>`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccountRow {
    /// The name he signs in with.
    pub login: String,
    /// How he proves himself.
    pub secret: Secret,
    /// The space he belongs to.
    pub space_id: SpaceId,
    /// Himself in that space.
    pub user_id: UserId,
    /// He may not sign in.
    #[serde(default)]
    pub disabled: bool,
}

/// Row of a member in `space:<id>`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MemberRow {
    /// Who signs in.
    pub account_id: AccountId,
    /// The name he signs in with.
    pub login: String,
    /// The person's name.
    pub name: String,
    /// His job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What he may do.
    pub role: Role,
    /// When he became a member.
    pub created_at: i64,
    /// Since when and why he may not sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
}

impl MemberRow {
    /// The person as others see him.
    pub fn person(&self, user_id: UserId, online: bool) -> Person {
        Person {
            user_id,
            name: self.name.clone(),
            login: self.login.clone(),
            role: self.role,
            initial: pinyin::initial(&self.name),
            title: self.title.clone(),
            online,
            disabled: self.disabled.is_some().then_some(true),
        }
    }
}

/// Row of `user:<id>`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ProfileRow {
    /// Who signs in.
    pub account_id: AccountId,
    /// In which space.
    pub space_id: SpaceId,
}

/// A person to be made. The same value makes the same person, however often it is walked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewPerson {
    /// The space he joins.
    pub space_id: SpaceId,
    /// Derived from the request.
    pub account_id: AccountId,
    /// Derived from the request.
    pub user_id: UserId,
    /// Normalised.
    pub login: String,
    /// Checked.
    pub name: String,
    /// Checked.
    pub title: Option<String>,
    /// What he may do.
    pub role: Role,
    /// How he proves himself.
    pub secret: Secret,
    /// When it was asked for.
    pub at: i64,
    /// Told in the audit once he is a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
}

// ---- rules

/// A login name as it is compared: NFKC, lower case, 2 to 64 letters, digits and `. _ - @ +`.
///
/// # Errors
/// `invalid` (`login_invalid`) at `field`.
pub fn login(field: &str, text: &str) -> Answer<String> {
    let login: String = text.trim().nfkc().flat_map(char::to_lowercase).collect();
    let fits = LOGIN_CHARS.contains(&login.chars().count())
        // A home is named by it, and those are bounded in bytes.
        && login.len() <= 180
        && login.chars().all(|char| char.is_alphanumeric() || matches!(char, '.' | '_' | '-' | '@' | '+'));
    if fits {
        Ok(login)
    } else {
        Err(ApiError::invalid(
            field,
            "login_invalid",
            "帐号为 2 到 64 个字母、数字或 . _ - @ +",
            "A login has 2 to 64 letters, digits or . _ - @ +",
        ))
    }
}

/// A password that a person chose (`ACCT-06`, `ACCT-i02`).
///
/// # Errors
/// `invalid` (`weak_password`) at `field`.
pub fn check_password(field: &str, password: &str, login: &str) -> Answer<()> {
    let fits = PASSWORD_CHARS.contains(&password.chars().count())
        && password.chars().any(char::is_alphabetic)
        && password.chars().any(|char| char.is_ascii_digit())
        && !password.eq_ignore_ascii_case(login);
    if fits {
        Ok(())
    } else {
        Err(ApiError::invalid(
            field,
            "weak_password",
            "密码为 8 到 64 位，须同时包含字母和数字，且不能与帐号相同",
            "A password has 8 to 64 characters, a letter and a digit, and is not the login",
        ))
    }
}

/// Whether a login name may be taken for `account`.
fn may_take(row: Option<&LoginRow>, account: AccountId, now_ms: i64) -> bool {
    match row {
        None => true,
        Some(row) if row.account_id == account => true,
        Some(LoginRow {
            state: LoginState::Reserved { at },
            ..
        }) => now_ms - at > RESERVATION_MS,
        Some(_) => false,
    }
}

// ---- rows

/// `login:<name>`.
pub const LOGIN: Table<(), (), LoginRow> = Table::new(tables::LOGIN, "login");
/// `account:<id>`.
pub const ACCOUNT: Table<(), (), AccountRow> = Table::new(tables::ACCOUNT, "account");
/// `space:<id>`: user → member.
pub const MEMBER: Table<(), Id, MemberRow> = Table::new(tables::MEMBER, "member");
/// `space:<id>`: (sound of the name, user), the order of the directory.
pub const MEMBER_ORDER: Table<(), (String, Id), u8> =
    Table::new(tables::MEMBER_ORDER, "member_order");
/// `space:<id>`: (sound of the name, user) of the administrators who are not disabled.
pub const MEMBER_ADMIN: Table<(), (String, Id), u8> =
    Table::new(tables::MEMBER_ADMIN, "member_admin");
/// `space:<id>`: (what a search may begin with, user).
pub const MEMBER_TERM: Table<(), (String, Id), u8> = Table::new(tables::MEMBER_TERM, "member_term");
/// `user:<id>`.
pub const PROFILE: Table<(), (), ProfileRow> = Table::new(tables::PROFILE, "profile");

/// The home of a login name.
pub fn login_home(login: &str) -> Home {
    Home::new("login", login)
}

/// The home of an account.
pub fn account_home(account: AccountId) -> Home {
    Home::new("account", account)
}

/// The home of a space with all its records.
pub fn space_home(space: SpaceId) -> Home {
    Home::new("space", space)
}

/// The home of a member's own things.
pub fn user_home(user: UserId) -> Home {
    Home::new("user", user)
}

pub(super) fn member_count() -> RowAt {
    RowAt {
        table: storage::TableId::new(tables::MEMBER_COUNT),
        partition: storage::key::encode(&()),
        key: storage::key::encode(&()),
    }
}

// ---- the chain

/// Kind of the effect that completes a chain.
pub const COMPLETE: &str = "person.complete";

/// Reserves the login and walks the chain to its end.
///
/// # Errors
/// `conflict` (`login_taken`) when somebody else has the login; `limit_reached` for a full space.
pub async fn create(store: &Store, person: &NewPerson, now_ms: i64) -> Answer<()> {
    retry(|| reserve(store, person, now_ms)).await?;
    complete(store, person).await
}

/// Walks the chain behind the reservation. Safe to repeat.
///
/// # Errors
/// As [`create`].
pub async fn complete(store: &Store, person: &NewPerson) -> Answer<()> {
    retry(|| put_account(store, person)).await?;
    retry(|| put_member(store, person)).await?;
    retry(|| put_profile(store, person)).await?;
    retry(|| confirm(store, person)).await
}

async fn reserve(store: &Store, person: &NewPerson, now_ms: i64) -> Answer<()> {
    let mut t = store.transaction(&login_home(&person.login));
    let row = t.read(&LOGIN, &(), &()).await?;
    if !may_take(row.as_ref(), person.account_id, now_ms) {
        return Err(ApiError::new(
            Class::Conflict,
            "login_taken",
            "该帐号已被使用",
            "This login is taken",
        )
        .at("login"));
    }
    if row.is_some_and(|row| row.account_id == person.account_id) {
        return Ok(());
    }
    let state = LoginState::Reserved { at: now_ms };
    t.set(
        &LOGIN,
        &(),
        &(),
        &LoginRow {
            account_id: person.account_id,
            state,
        },
    )?;
    t.effect(COMPLETE, Value::encode(person)?);
    t.commit().await?;
    Ok(())
}

async fn put_account(store: &Store, person: &NewPerson) -> Answer<()> {
    let mut t = store.transaction(&account_home(person.account_id));
    if t.read(&ACCOUNT, &(), &()).await?.is_some() {
        return Ok(());
    }
    let row = AccountRow {
        login: person.login.clone(),
        secret: person.secret.clone(),
        space_id: person.space_id,
        user_id: person.user_id,
        disabled: false,
    };
    t.set(&ACCOUNT, &(), &(), &row)?;
    t.commit().await?;
    Ok(())
}

async fn put_member(store: &Store, person: &NewPerson) -> Answer<()> {
    let mut t = store.transaction(&space_home(person.space_id));
    if t.read(&MEMBER, &(), &person.user_id).await?.is_some() {
        return Ok(());
    }
    let row = MemberRow {
        account_id: person.account_id,
        login: person.login.clone(),
        name: person.name.clone(),
        title: person.title.clone(),
        role: person.role,
        created_at: person.at,
        disabled: None,
    };
    t.set(&MEMBER, &(), &person.user_id, &row)?;
    t.add(member_count(), 1, None, Some(SPACE_MEMBERS));
    put_index(&mut t, person.user_id, &row)?;
    if let Some(note) = &person.note {
        note.put(&mut t)?;
    }
    t.commit().await?;
    Ok(())
}

/// Where a member stands in the order of the directory.
pub fn order_key(user: UserId, row: &MemberRow) -> (String, Id) {
    (pinyin::order(&row.name), user)
}

/// Where a member is found.
fn index_of(user: UserId, row: &MemberRow) -> Vec<RowAt> {
    let order = order_key(user, row);
    let admin = (row.role == Role::Admin).then(|| MEMBER_ADMIN.at(&(), &order));
    let terms = pinyin::terms(&row.name, &row.login).into_iter();
    let terms = terms.map(|term| MEMBER_TERM.at(&(), &(term, user)));
    std::iter::once(MEMBER_ORDER.at(&(), &order))
        .chain(admin)
        .chain(terms)
        .collect()
}

/// The index rows of a member, written in the same commit as the member.
///
/// # Errors
/// A row can't be encoded.
pub fn put_index(t: &mut Transaction, user: UserId, row: &MemberRow) -> Answer<()> {
    move_index(t, user, None, Some(row))
}

/// Takes the index rows of a member out of the directory.
///
/// # Errors
/// A row can't be encoded.
pub fn delete_index(t: &mut Transaction, user: UserId, row: &MemberRow) -> Answer<()> {
    move_index(t, user, Some(row), None)
}

/// Has a member found as he is after the commit, and not any more as he was before it.
///
/// # Errors
/// A row can't be encoded.
pub fn move_index(
    t: &mut Transaction,
    user: UserId,
    before: Option<&MemberRow>,
    after: Option<&MemberRow>,
) -> Answer<()> {
    let of = |row: Option<&MemberRow>| row.map(|row| index_of(user, row)).unwrap_or_default();
    let (before, after) = (of(before), of(after));
    for at in before.iter().filter(|at| !after.contains(at)) {
        t.delete(at.clone());
    }
    for at in after.iter().filter(|at| !before.contains(at)) {
        t.put(at.clone(), Value::encode(&0_u8)?);
    }
    Ok(())
}

async fn put_profile(store: &Store, person: &NewPerson) -> Answer<()> {
    let mut t = store.transaction(&user_home(person.user_id));
    if t.read(&PROFILE, &(), &()).await?.is_some() {
        return Ok(());
    }
    t.set(
        &PROFILE,
        &(),
        &(),
        &ProfileRow {
            account_id: person.account_id,
            space_id: person.space_id,
        },
    )?;
    t.commit().await?;
    Ok(())
}

async fn confirm(store: &Store, person: &NewPerson) -> Answer<()> {
    let mut t = store.transaction(&login_home(&person.login));
    let row = t.read(&LOGIN, &(), &()).await?;
    match row {
        Some(row) if row.account_id == person.account_id && row.state == LoginState::Confirmed => {
            return Ok(());
        }
        Some(row) if row.account_id == person.account_id => {}
        // Taken over meanwhile: this chain was older than the reservation allows.
        _ => {
            return Err(ApiError::new(
                Class::Conflict,
                "login_taken",
                "该帐号已被使用",
                "This login is taken",
            )
            .at("login"));
        }
    }
    t.set(
        &LOGIN,
        &(),
        &(),
        &LoginRow {
            account_id: person.account_id,
            state: LoginState::Confirmed,
        },
    )?;
    t.commit().await?;
    Ok(())
}

/// How many members a space has, those who were disabled too.
///
/// # Errors
/// What the store answers.
pub async fn count(store: &Store, space: SpaceId) -> Answer<u64> {
    let row = store.get(&space_home(space), &member_count()).await?;
    let sum = row.map(|row| storage::sum_value(&row)).transpose()?;
    Ok(u64::try_from(sum.unwrap_or(0)).unwrap_or(0))
}

/// A member of a space.
///
/// # Errors
/// What the store answers.
pub async fn member(store: &Store, space: SpaceId, user: UserId) -> Answer<Option<MemberRow>> {
    Ok(store.read(&space_home(space), &MEMBER, &(), &user).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_compared_folded() {
        assert_eq!(
            login("login", " Ｌｉ.Lei+1@Acme ").unwrap(),
            "li.lei+1@acme"
        );
        for bad in ["a", "a b", "a/b", "<b>", &"x".repeat(65)] {
            assert_eq!(
                login("login", bad).unwrap_err().code,
                "login_invalid",
                "{bad}"
            );
        }
    }

    #[test]
    fn acct_i02_a_password_has_letters_and_digits() {
        for (password, fits) in [
            ("abcdef12", true),
            ("密码密码密码密1", true),
            ("abcdefgh", false),
            ("12345678", false),
            ("abc12", false),
            ("Zhang3333", false),
        ] {
            assert_eq!(
                check_password("password", password, "zhang3333").is_ok(),
                fits,
                "{password}"
            );
        }
        assert!(check_password("password", &format!("a1{}", "x".repeat(62)), "l").is_ok());
        assert!(check_password("password", &format!("a1{}", "x".repeat(63)), "l").is_err());
    }

    #[test]
    fn a_reservation_may_be_taken_over_after_ten_minutes() {
        let (mine, other) = (Id([1; 16]), Id([2; 16]));
        let reserved = LoginRow {
            account_id: other,
            state: LoginState::Reserved { at: 0 },
        };
        assert!(may_take(None, mine, 0));
        assert!(!may_take(Some(&reserved), mine, RESERVATION_MS));
        assert!(may_take(Some(&reserved), mine, RESERVATION_MS + 1));
        assert!(may_take(Some(&reserved), other, 0));
        let confirmed = LoginRow {
            account_id: other,
            state: LoginState::Confirmed,
        };
        assert!(!may_take(Some(&confirmed), mine, i64::MAX));
    }
}
