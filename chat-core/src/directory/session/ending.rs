//! How sessions end: one, all of an account but one, the oldest when there are too many.

use storage::{Direction, KeyRange, Store, retry};

use super::super::person::account_home;
use super::{ACCOUNT_SESSION, SESSION, session_home};
use crate::api::Answer;
use crate::audit::{Note, TargetKind};
use crate::ids::{AccountId, SessionId};
use crate::limits::SESSIONS_PER_ACCOUNT;

/// Ends one session. Its connections close as soon as this is applied.
///
/// # Errors
/// What the store answers.
pub async fn end(store: &Store, account_id: AccountId, session_id: SessionId) -> Answer<()> {
    let mut t = store.transaction(&session_home(session_id));
    t.delete(SESSION.at(&(), &()));
    t.commit().await?;
    unlist(store, account_id, session_id).await
}

/// The same, told in the audit unless it has ended already.
///
/// # Errors
/// What the store answers.
pub async fn end_told(
    store: &Store,
    account_id: AccountId,
    session_id: SessionId,
    note: &Note,
) -> Answer<()> {
    retry(|| async {
        let mut t = store.transaction(&session_home(session_id));
        if t.read(&SESSION, &(), &()).await?.is_some() {
            t.delete(SESSION.at(&(), &()));
            note.put(&mut t)?;
            t.commit().await?;
        }
        Answer::Ok(())
    })
    .await?;
    unlist(store, account_id, session_id).await
}

/// Ends the sessions of an account but for one, each told in the audit.
///
/// # Errors
/// What the store answers.
pub async fn end_all_told(
    store: &Store,
    account_id: AccountId,
    keep: Option<SessionId>,
    note: &Note,
) -> Answer<()> {
    for (session_id, _) in sessions_of(store, account_id).await? {
        let home = session_home(session_id);
        let row = store.read(&home, &SESSION, &(), &()).await?;
        let Some(row) = row.filter(|_| Some(session_id) != keep) else {
            continue;
        };
        let note = of_session(note.clone(), session_id, &row.device_name);
        end_told(store, account_id, session_id, &note).await?;
    }
    Ok(())
}

/// The note that tells of a session, with the name of its device.
pub fn of_session(note: Note, session_id: SessionId, device: &str) -> Note {
    note.to(TargetKind::Session, session_id).with(device)
}

async fn unlist(store: &Store, account_id: AccountId, session_id: SessionId) -> Answer<()> {
    let mut t = store.transaction(&account_home(account_id));
    t.delete(ACCOUNT_SESSION.at(&(), &session_id));
    t.commit().await?;
    Ok(())
}

/// Ends the sessions of an account that began up to `until_ms`, but for one. Safe to repeat: one that
/// begins afterwards stays.
///
/// # Errors
/// What the store answers.
pub async fn end_others(
    store: &Store,
    account_id: AccountId,
    keep: Option<SessionId>,
    until_ms: i64,
) -> Answer<()> {
    for (session_id, began_ms) in sessions_of(store, account_id).await? {
        if Some(session_id) != keep && began_ms <= until_ms {
            end(store, account_id, session_id).await?;
        }
    }
    Ok(())
}

/// The sessions of an account with when they began.
///
/// # Errors
/// What the store answers.
pub async fn sessions_of(store: &Store, account_id: AccountId) -> Answer<Vec<(SessionId, i64)>> {
    let home = account_home(account_id);
    let partition = ACCOUNT_SESSION.partition(&());
    // Twice the limit: entries whose session is gone count for nothing.
    let rows = store
        .scan(
            &home,
            &partition,
            KeyRange::all(),
            Direction::Forward,
            2 * SESSIONS_PER_ACCOUNT,
        )
        .await?;
    rows.iter()
        .map(|(key, row)| Ok((ACCOUNT_SESSION.key(key)?, ACCOUNT_SESSION.decode(row)?)))
        .collect()
}

pub(super) async fn end_oldest(store: &Store, account_id: AccountId) -> Answer<()> {
    let all = sessions_of(store, account_id).await?;
    // Ids are UUIDv7: the list is in order of sign-in.
    for (session_id, _) in all
        .iter()
        .take(all.len().saturating_sub(SESSIONS_PER_ACCOUNT))
    {
        end(store, account_id, *session_id).await?;
    }
    Ok(())
}
