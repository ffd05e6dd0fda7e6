//! How the server is, at one look: who is there, how much is said, how much room is left, what went wrong. The same
//! figures as `chaoke status` and the metrics tell ([`crate::host`]).

use schemars::JsonSchema;
use serde::Serialize;
use storage::Store;

use crate::api::Answer;
use crate::api::registry::{Access, Nothing, Registry};
use crate::clock::HOUR_MS;
use crate::ctx::Ctx;
use crate::directory::person;
use crate::effect::letter::{self, What};
use crate::host::{self, Disk};
use crate::job;
use crate::limits::COUNTED_MAX;

/// Adds the rows of this section to the table.
pub fn register(api: &mut Registry) {
    api.section("admin.overview")
        .read("get", Access::Admin, "How the server is, in figures", get);
}

// ---- types

/// How the server is.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Overview {
    /// When this was looked up, in ms since the epoch.
    pub looked_at: i64,
    /// Which version runs.
    pub version: String,
    /// Since when, in ms since the epoch.
    pub started_at: i64,
    /// People of the company, those who were disabled too.
    pub people: u64,
    /// People with an open connection, on any server.
    pub online: u64,
    /// Open connections of this server.
    pub sockets: u64,
    /// Messages of each of the last 48 hours, oldest first; the last one is not over.
    pub hours: Vec<HourOfMessages>,
    /// Room on the disk; absent where the store is a database elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<Disk>,
    /// The journals that all writes go through.
    pub journals: Vec<Journal>,
    /// What is under way, and what went wrong.
    pub work: Work,
    /// The servers that live, in a cluster.
    pub nodes: Vec<ServerNode>,
}

/// Messages of an hour.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct HourOfMessages {
    /// When it began, in ms since the epoch.
    pub began_at: i64,
    /// Messages that were sent in it.
    pub messages: u64,
}

/// A journal.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Journal {
    /// Its name.
    pub name: String,
    /// The number of its last commit.
    pub position: u64,
    /// Which server writes it, in a cluster; absent while none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// What is under way, and what went wrong. Each is counted up to 1,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Work {
    /// Jobs that run or wait for their time.
    pub jobs: u64,
    /// Jobs that gave up.
    pub jobs_given_up: u64,
    /// Effects that take a right away and are tried for ever, with what waits behind them.
    pub parked: u64,
    /// Effects that are not tried any more.
    pub dead: u64,
}

/// A server of a cluster.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ServerNode {
    /// Its name.
    pub name: String,
    /// It writes the journal.
    pub owner: bool,
    /// It answered this call.
    pub here: bool,
}

// ---- methods

async fn get(ctx: Ctx, _: Nothing) -> Answer<Overview> {
    let (node, now_ms) = (&ctx.node, ctx.now_ms());
    let figures = host::figures(node).await?;
    let hours = node.hours.last(&node.store, now_ms).await?;
    let hours = hours.into_iter().map(|(hour, messages)| HourOfMessages {
        began_at: hour * HOUR_MS,
        messages,
    });
    let servers = host::servers(node);
    let owner = servers.iter().find(|server| server.owner);
    let journal = Journal {
        name: "main".to_owned(),
        position: node.store.last_position().await,
        owner: owner.map(|server| server.name.clone()),
    };
    let nodes = servers.iter().map(|server| ServerNode {
        name: server.name.clone(),
        owner: server.owner,
        here: server.here,
    });
    Ok(Overview {
        looked_at: now_ms,
        version: figures.version.to_owned(),
        started_at: node.started_at,
        people: person::count(&node.store, ctx.caller()?.space_id).await?,
        online: node.connections.count_online() as u64,
        sockets: figures.sockets,
        hours: hours.collect(),
        disk: figures.disk,
        work: work(&node.store).await?,
        nodes: nodes.collect(),
        journals: vec![journal],
    })
}

async fn work(store: &Store) -> Answer<Work> {
    let mut work = Work {
        jobs: job::waiting(store, COUNTED_MAX).await?,
        ..Work::default()
    };
    for (_, letter) in letter::page(store, None, COUNTED_MAX).await? {
        match letter.what {
            What::Job => work.jobs_given_up += 1,
            What::Parked => work.parked += 1,
            What::Effect => work.dead += 1,
        }
    }
    Ok(work)
}
