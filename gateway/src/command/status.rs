//! `chaoke status`: how the server of a data folder is. (Which servers a cluster has is told by the database.)

use clap::Args;

use super::request::Request;
use super::{Data, Outcome, socket};
use crate::config::Cql;

/// What `chaoke status` is told.
#[derive(Clone, Debug, Args)]
pub struct Status {
    /// Which data folder.
    #[command(flatten)]
    pub data: Data,
    /// The database of a cluster.
    #[command(flatten)]
    pub cql: Cql,
}

/// See the module.
///
/// # Errors
/// No server serves from there.
pub async fn run(data: &Data) -> Outcome {
    let folder = data.folder.display();
    let reply = socket::ask(&data.folder, &Request::Status {}).await?;
    let done = reply
        .ok_or_else(|| format!("no server serves from {folder}"))?
        .done;
    let text = |name: &str| done[name].as_str().unwrap_or_default().to_owned();
    println!("chaoke {} serves from {folder}", text("version"));
    println!("address     {}", text("address"));
    println!("process     {}", done["pid"]);
    println!("sockets     {}", done["sockets"]);
    println!("last commit {}", done["position"]);
    Ok(())
}
