//! What may be asked of a server by those who may read its data folder.

use std::sync::Arc;

use chat_core::api::{Answer, ApiError};
use chat_core::directory::operator;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::server::Server;

/// A question.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// How the server is.
    Status {},
    /// Everything in one file; its bytes follow the answer.
    Backup {},
    /// A new one-time credential.
    ResetPassword {
        /// The login name of the person.
        login: String,
    },
}

/// Answers everything but a backup. `address` is where the server is reached.
///
/// # Errors
/// What the feature answers.
pub async fn answer(server: &Arc<Server>, request: Request, address: &str) -> Answer<Value> {
    match request {
        Request::Status {} => Ok(json!({
            "version": env!("CARGO_PKG_VERSION"),
            "address": address,
            "pid": std::process::id(),
            "sockets": server.hub.sockets(),
            "position": server.node.store.last_position().await,
        })),
        Request::Backup {} => Err(ApiError::internal()),
        Request::ResetPassword { login } => {
            let reset = operator::reset_password(&server.node, &login).await?;
            serde_json::to_value(reset).map_err(|_| ApiError::internal())
        }
    }
}
