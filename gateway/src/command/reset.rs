//! `chaoke admin reset-password LOGIN`: a new one-time credential for somebody who can't sign in any more, and there
//! is no other administrator to ask.

use chat_core::clock::Clock;
use chat_core::random::Random;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::request::{self, Request};
use super::{Data, Outcome, socket};
use crate::server::{Options, Server};

/// What `chaoke admin` is told.
#[derive(Clone, Debug, Args)]
pub struct Admin {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// What whoever runs the server may do without an account.
#[derive(Clone, Debug, Subcommand)]
pub enum Action {
    /// Print a new one-time credential for a person; ends all sessions of that person.
    ResetPassword {
        /// The name that the person signs in with.
        #[arg(value_name = "LOGIN")]
        login: String,
        /// Which data folder.
        #[command(flatten)]
        data: Data,
    },
}

/// See the module.
///
/// # Errors
/// A sentence.
pub async fn run(admin: &Admin) -> Outcome {
    let Action::ResetPassword { login, data } = &admin.action;
    let request = Request::ResetPassword {
        login: login.clone(),
    };
    let done = match socket::ask(&data.folder, &request).await? {
        Some(reply) => reply.done,
        None => alone(data, request).await?,
    };
    let text = |name: &str| done[name].as_str().unwrap_or_default().to_owned();
    println!("login      {}", text("login"));
    println!("credential {}", text("credential"));
    println!(
        "It is good once and must be changed at once; all devices of this person are signed out."
    );
    Ok(())
}

/// Where no server runs: the same, by a server that listens nowhere.
async fn alone(data: &Data, request: Request) -> Result<Value, Box<dyn std::error::Error>> {
    let clock = Clock::system();
    let store = super::open(&data.folder, &clock)?;
    let server = Server::start(Options::new(store, clock, Random::system())).await?;
    let done = request::answer(&server, request, "").await;
    server.node.store.close().await;
    Ok(done?)
}
