//! Letters: effects and jobs that were refused too often, kept in rows for the administrator.
//!
//! A *dead* effect is not tried any more; replaying it is a new effect, so its marker is a new one too. A
//! *parked* effect takes a right away: it is tried for ever, and everything else for its home waits behind
//! it, in rows too, so that other homes and the checkpoint go on. A *job* stays in its own home; its letter
//! only names it.

use std::collections::BTreeSet;
use std::ops::Bound;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use storage::{Direction, Home, KeyRange, Store, StoreError, Table, Transaction, Value, retry};

use super::{Delivered, effects_home, is_closed, passing, pause, stamp};
use crate::api::{Answer, ApiError, Class};
use crate::audit::Note;
use crate::limits::CALL_ID_KEPT_MS;
use crate::node::Node;
use crate::tables;

/// Which kind of letter it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// An effect that was refused and is not tried any more.
    Effect,
    /// An effect that takes a right away, or waits behind one; it is tried for ever.
    Parked,
    /// A job that gave up.
    Job,
}

/// What became of an effect or a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Letter {
    /// Which kind of letter.
    pub what: What,
    /// What it was to do.
    pub kind: String,
    /// Why it was refused, as a code.
    pub code: String,
    /// When it was set aside, in ms since the epoch.
    pub at: i64,
    /// When the commit that caused it was made, in ms since the epoch.
    pub time_ms: i64,
    /// What the commit said; for a job, where it is.
    pub payload: Bytes,
}

/// Position and ordinal of the effect, and the home where it was refused (empty: it named none).
pub type Key = (u64, u32, String);

impl Letter {
    pub(crate) fn is_parked(&self) -> bool {
        self.what == What::Parked
    }

    /// The effect as it was when it was refused.
    pub(crate) fn effect(&self, key: &Key) -> Delivered {
        Delivered {
            position: key.0,
            ordinal: key.1,
            time_ms: self.time_ms,
            kind: self.kind.clone(),
            payload: self.payload.clone(),
        }
    }
}

fn key_of(effect: &Delivered, home: Option<&Home>) -> Key {
    let home = home.map(|home| home.as_str().to_owned());
    (effect.position, effect.ordinal, home.unwrap_or_default())
}

// ---- running again

/// Kind of an effect that runs another one: `replay|<time>|<kind>|<home>`. The payload is that of the
/// other one, so that it is no larger.
const REPLAY: &str = "replay|";

fn replay_kind(letter: &Letter, home: &str) -> String {
    format!("{REPLAY}{}|{}|{home}", letter.time_ms, letter.kind)
}

/// The effect inside a replay, with the home to run it in (none: all that it names).
pub(crate) fn unwrap(effect: Delivered) -> (Delivered, Option<Home>) {
    let inner = effect.kind.strip_prefix(REPLAY).and_then(|rest| {
        let mut parts = rest.splitn(3, '|');
        let time_ms: i64 = parts.next()?.parse().ok()?;
        Some((time_ms, parts.next()?.to_owned(), parts.next()?.to_owned()))
    });
    let Some((time_ms, kind, home)) = inner else {
        return (effect, None);
    };
    let inner = Delivered {
        time_ms,
        kind,
        ..effect
    };
    (inner, (!home.is_empty()).then(|| Home::parse(&home)))
}

/// Who asks to run a letter again, and under which client id.
pub struct Asked<'a> {
    /// Names the caller.
    pub author: String,
    /// The client id.
    pub id: &'a str,
    /// Tells a repeat from another request.
    pub hash: [u8; 32],
    /// Told in the audit.
    pub note: Note,
}

/// Runs a letter again: a dead effect as a new effect, a parked one now, a job from where it stood.
///
/// # Errors
/// `not_found` when there is none; what the store answers.
pub async fn run_again(node: &Node, key: &Key, asked: &Asked<'_>) -> Answer<()> {
    if let Some(letter) = read(&node.store, key).await? {
        if letter.is_parked() {
            asked.note.commit(&node.store).await?;
            node.effects.try_parked().await;
            return Ok(());
        }
        // Before it can run under a new position: a crash must not bring it back under the old one.
        if letter.what == What::Effect && !key.2.is_empty() {
            let mut t = node.store.transaction(&Home::parse(&key.2));
            stamp(&mut t, &letter.effect(key));
            t.commit().await?;
        } else if letter.what == What::Effect && !node.effects.kept(key.0).await {
            // It ran in no home, so no marker can keep it from coming back; only the checkpoint can.
            return Err(not_yet());
        }
    }
    retry(|| async {
        let t = node.store.transaction(&effects_home());
        let mut t = t.client_id("call", &asked.author, asked.id, asked.hash, CALL_ID_KEPT_MS);
        if t.repeated().await?.is_some() {
            return Ok(());
        }
        let letter = t.read(&LETTER, &(), key).await?;
        let letter = letter.ok_or_else(ApiError::not_found)?;
        t.delete(LETTER.at(&(), key));
        asked.note.put(&mut t)?;
        let payload = Value::bytes(letter.payload.clone());
        match letter.what {
            What::Job => t.effect(crate::job::AGAIN, payload),
            _ => t.effect(&replay_kind(&letter, &key.2), payload),
        }
        t.commit().await?;
        Ok(())
    })
    .await
}

fn not_yet() -> ApiError {
    let (zh, en) = ("请稍后再试", "Try again in a moment");
    ApiError::new(Class::Unavailable, "not_yet", zh, en).after_ms(1_000)
}

// ---- rows

/// `effects:main`.
const LETTER: Table<(), Key, Letter> = Table::new(tables::LETTER, "letter");

/// Letters after `after`, oldest cause first.
///
/// # Errors
/// What the store answers.
pub async fn page(
    store: &Store,
    after: Option<&Key>,
    limit: usize,
) -> Result<Vec<(Key, Letter)>, StoreError> {
    let range = after.map_or_else(KeyRange::all, |key| {
        KeyRange::after(storage::key::encode(key))
    });
    let all = LETTER.partition(&());
    let rows = store
        .scan(&effects_home(), &all, range, Direction::Forward, limit)
        .await?;
    rows.into_iter()
        .map(|(raw, row)| Ok((LETTER.key(&raw)?, LETTER.decode(&row)?)))
        .collect()
}

/// The letter of that key.
///
/// # Errors
/// What the store answers.
pub async fn read(store: &Store, key: &Key) -> Result<Option<Letter>, StoreError> {
    store.read(&effects_home(), &LETTER, &(), key).await
}

/// Whether any effect of the commit at `position` lies in a letter.
///
/// # Errors
/// What the store answers.
pub(crate) async fn names(store: &Store, position: u64) -> Result<bool, StoreError> {
    let first = |position: u64| storage::key::encode(&(position, 0_u32, String::new()));
    let range = KeyRange {
        from: Bound::Included(first(position)),
        to: Bound::Excluded(first(position + 1)),
    };
    let (home, all) = (effects_home(), LETTER.partition(&()));
    let found = store.scan(&home, &all, range, Direction::Forward, 1);
    Ok(!found.await?.is_empty())
}

/// The homes that were parked when the server stopped.
pub(crate) async fn parked(store: &Store) -> Answer<BTreeSet<Home>> {
    let mut homes = BTreeSet::new();
    let mut after: Option<Key> = None;
    loop {
        let letters = page(store, after.as_ref(), PAGE).await?;
        let Some((last, _)) = letters.last() else {
            return Ok(homes);
        };
        after = Some(last.clone());
        let parked = letters.iter().filter(|(_, letter)| letter.is_parked());
        homes.extend(parked.map(|(key, _)| Home::parse(&key.2)));
    }
}

/// Letters read at once.
pub(crate) const PAGE: usize = 200;

/// Puts the letter of `effect` into a transaction of `effects:main`.
pub(crate) fn put(
    t: &mut Transaction,
    effect: &Delivered,
    home: Option<&Home>,
    letter: &Letter,
) -> Result<(), StoreError> {
    t.set(&LETTER, &(), &key_of(effect, home), letter)
}

pub(crate) async fn remove(store: &Store, key: &Key) -> Result<(), StoreError> {
    retry(|| async {
        let mut t = store.transaction(&effects_home());
        t.delete(LETTER.at(&(), key));
        t.commit().await.map(|_| ())
    })
    .await
}

/// Whether the effect was set aside before a crash, in that home or before its homes were known.
///
/// # Errors
/// What the store answers.
pub(crate) async fn is_set_aside(node: &Node, effect: &Delivered, home: &Home) -> Answer<bool> {
    for home in [Some(home), None] {
        let letter = read(&node.store, &key_of(effect, home)).await?;
        if letter.is_some_and(|letter| letter.what == What::Effect) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Sets a refused effect aside; comes back when that is written, or when the store is closed.
pub(crate) async fn set_aside(
    node: &Node,
    effect: &Delivered,
    home: Option<&Home>,
    error: &ApiError,
) {
    tracing::error!(kind = %effect.kind, code = %error.code, position = effect.position, "an effect is set aside");
    keep(node, effect, home, What::Effect, &error.code).await;
}

/// Parks an effect, and with it its home; comes back when that is written, or when the store is closed.
pub(crate) async fn park(node: &Node, effect: &Delivered, home: &Home, code: &str) {
    tracing::error!(kind = %effect.kind, code, position = effect.position, %home, "a home is parked behind an effect that takes a right away");
    keep(node, effect, Some(home), What::Parked, code).await;
}

async fn keep(node: &Node, effect: &Delivered, home: Option<&Home>, what: What, code: &str) {
    let letter = Letter {
        what,
        kind: effect.kind.clone(),
        code: code.to_owned(),
        at: node.clock.now_ms(),
        time_ms: effect.time_ms,
        payload: effect.payload.clone(),
    };
    let mut tries = 0;
    while let Err(error) = write(node, effect, home, &letter).await {
        if is_closed(&error) || !passing(&error) {
            tracing::error!(code = %error.code, "a refused effect could not be noted");
            return;
        }
        // Without the letter it would be lost once the checkpoint passes it.
        tries += 1;
        tokio::time::sleep(pause(tries)).await;
    }
}

async fn write(
    node: &Node,
    effect: &Delivered,
    home: Option<&Home>,
    letter: &Letter,
) -> Answer<()> {
    let mut t = node.store.transaction(&effects_home());
    put(&mut t, effect, home, letter)?;
    t.commit().await?;
    Ok(())
}
