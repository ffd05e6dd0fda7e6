//! What whoever runs the server may do without an account of his own: he could read the store as well.

use storage::{Value, retry};

use super::account::{END_SESSIONS, EndSessions};
use super::person::{
    self, ACCOUNT, AccountRow, LOGIN, LoginState, Secret, account_home, login_home,
};
use super::space::Credential;
use crate::api::{Answer, ApiError, Class};
use crate::audit::Note;
use crate::bytes32::Bytes32;
use crate::ids::AccountId;
use crate::node::Node;
use crate::secret::{credential, mac};

/// The command as the audit names it.
const RESET: &str = "operator.reset_password";

/// A new one-time credential for the person who signs in as `login`; all his sessions end. As
/// `space.reset_credential`, for the last administrator who forgot his password.
///
/// # Errors
/// `invalid` or `not_found` for a login that nobody has; what the store answers.
pub async fn reset_password(node: &Node, login: &str) -> Answer<Credential> {
    let login = person::login("login", login)?;
    let row = node
        .store
        .read(&login_home(&login), &LOGIN, &(), &())
        .await?;
    let account_id = row
        .filter(|row| row.state == LoginState::Confirmed)
        .map(|row| row.account_id)
        .ok_or_else(nobody)?;
    let fresh: [u8; 32] = node.random.bytes();
    let credential = credential(&node.secret, &[b"reset", &account_id.0, &fresh]);
    let mac = Bytes32(mac(&node.secret, &[b"credential", credential.as_bytes()]));
    let position = retry(|| put_credential(node, account_id, mac)).await?;
    node.effects.passed(position).await;
    tracing::info!(account = %account_id, "the operator made a one-time credential");
    Ok(Credential { login, credential })
}

async fn put_credential(node: &Node, account_id: AccountId, mac: Bytes32) -> Answer<u64> {
    let mut t = node.store.transaction(&account_home(account_id));
    let row = t.read(&ACCOUNT, &(), &()).await?.ok_or_else(nobody)?;
    let user_id = row.user_id;
    let row = AccountRow {
        secret: Secret::Credential { mac },
        ..row
    };
    t.set(&ACCOUNT, &(), &(), &row)?;
    t.effect(
        END_SESSIONS,
        Value::encode(&EndSessions {
            account_id,
            keep: None,
        })?,
    );
    let note = Note::operator(RESET).to_user(user_id);
    note.put(&mut t)?;
    Ok(t.commit().await?.position)
}

fn nobody() -> ApiError {
    ApiError::new(
        Class::NotFound,
        "login_unknown",
        "没有人使用这个帐号",
        "Nobody signs in with this login",
    )
    .at("login")
}
