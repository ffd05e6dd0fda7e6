//! The list of servers: each says once a second that it lives, and looks who else does.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

use super::database::{Database, Failure, MarkKind, Server};
use super::owner::{Draw, Journal};
use super::seat::BEAT;
use super::{read_mark, wait};
use crate::cluster::{ServerAt, ServerStatus, Status};
use crate::contract::OpenError;
use crate::limits::{CqlLimits, FIRST_POSITION, Limits};

/// The list of servers, as this one sees it.
pub(super) struct Roll<D> {
    database: Arc<D>,
    gone: Duration,
    /// When a server's start and beat were last seen to move.
    seen: HashMap<String, (u64, u64, Instant)>,
}

impl<D: Database> Roll<D> {
    /// Says every second that this server lives, and looks who else does, until the store closes.
    pub(super) async fn run(
        mut self,
        me: ServerAt,
        live: watch::Sender<Vec<ServerAt>>,
        mut closed: watch::Receiver<bool>,
    ) {
        let mut own = Server {
            name: me.name.clone(),
            boot: me.boot,
            address: me.address.clone(),
            beat: 0,
        };
        let mut beat = tokio::time::interval(BEAT);
        loop {
            tokio::select! {
                _ = closed.wait_for(|closed| *closed) => break,
                _ = beat.tick() => {}
            }
            own.beat += 1;
            if let Err(failure) = self.database.note_server(&own).await {
                tracing::debug!(why = failure.why, "this server is not noted");
                continue;
            }
            match self.database.servers().await {
                Ok(servers) => {
                    let now = self.count(servers, &me, Instant::now());
                    live.send_if_modified(|before| {
                        let changed = *before != now;
                        *before = now;
                        changed
                    });
                }
                Err(failure) => {
                    tracing::debug!(why = failure.why, "the servers cannot be read");
                }
            }
        }
        let _ = self.database.forget_server(&own.name).await;
    }
}

impl<D> Roll<D> {
    /// A server counts until its beat has stood still for `gone`.
    pub(super) fn new(database: Arc<D>, gone: Duration) -> Self {
        Self {
            database,
            gone,
            seen: HashMap::new(),
        }
    }

    /// Those whose beat moved lately, and this one itself, by name.
    fn count(&mut self, servers: Vec<Server>, me: &ServerAt, now: Instant) -> Vec<ServerAt> {
        self.seen
            .retain(|name, _| servers.iter().any(|server| server.name == *name));
        let mut live = vec![me.clone()];
        for server in servers {
            if server.name == me.name {
                continue;
            }
            let pulse = (server.boot, server.beat);
            let seen = self
                .seen
                .entry(server.name.clone())
                .or_insert((pulse.0, pulse.1, now));
            if (seen.0, seen.1) != pulse {
                *seen = (pulse.0, pulse.1, now);
            }
            if now.duration_since(seen.2) < self.gone {
                live.push(ServerAt {
                    name: server.name,
                    boot: server.boot,
                    address: server.address,
                });
            }
        }
        live.sort_by(|a, b| a.name.cmp(&b.name));
        live
    }
}

/// Refuses a name under which another server lives.
pub(crate) async fn until_alone<D: Database>(
    database: &D,
    me: &ServerAt,
    limits: &CqlLimits,
) -> Result<(), OpenError> {
    let unreachable = |failure: Failure| OpenError::Unreachable(failure.why);
    let mut known = None;
    for _ in 0..=limits.still_ms.div_ceil(limits.look_ms.max(1)) {
        let servers = database.servers().await.map_err(unreachable)?;
        let other = servers
            .into_iter()
            .find(|other| other.name == me.name && other.boot != me.boot);
        let Some(other) = other else { return Ok(()) };
        match &known {
            Some(before) if *before != other => {
                return Err(OpenError::Unfit(format!(
                    "a server named \"{}\" runs in this cluster already, at {}; give this one another name",
                    other.name, other.address
                )));
            }
            _ => known = Some(other),
        }
        database.pause(limits.look_ms).await;
    }
    Ok(())
}

/// How often a look at a cluster waits for a heartbeat.
const STATUS_BEATS: u32 = 3;

/// See [`crate::cluster::status`].
pub(crate) async fn status<D: Database>(
    database: &Arc<D>,
    limits: &Limits,
    draw: Draw,
) -> Result<Status, OpenError> {
    let unreachable = |failure: Failure| OpenError::Unreachable(failure.why);
    let before = database.servers().await.map_err(unreachable)?;
    let wait = u64::try_from((BEAT * STATUS_BEATS).as_millis()).unwrap_or(u64::MAX);
    database.pause(wait).await;
    let mut servers = database.servers().await.map_err(unreachable)?;
    let hint = read_mark(&**database, MarkKind::Applied).await?.position;
    let journal = Journal::new(Arc::clone(database), limits.cql.bucket_positions, draw);
    let (guard, beat) = wait::pulse(&journal, hint).await.map_err(unreachable)?;
    servers.sort_by(|a, b| a.name.cmp(&b.name));
    let writes = |address: &str| {
        beat.as_ref()
            .is_some_and(|beat| !beat.free && beat.address == address)
    };
    let servers = servers.into_iter().map(|server| ServerStatus {
        lives: !before.contains(&server),
        writes: writes(&server.address),
        name: server.name,
        address: server.address,
    });
    Ok(Status {
        servers: servers.collect(),
        last: guard.map_or(FIRST_POSITION, |guard| guard.next) - 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me(name: &str) -> ServerAt {
        ServerAt {
            name: name.to_owned(),
            boot: 1,
            address: format!("{name}:1"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_whose_beat_stands_still_is_counted_no_more() {
        let mut roll = Roll::new(Arc::new(()), Duration::from_secs(5));
        let own = me("own");
        let server = |beat| Server {
            name: "other".to_owned(),
            boot: 1,
            address: "other:1".to_owned(),
            beat,
        };
        let begin = Instant::now();
        let at = |s| begin + Duration::from_secs(s);
        let names = |live: Vec<ServerAt>| live.into_iter().map(|one| one.name).collect::<Vec<_>>();
        assert_eq!(
            names(roll.count(vec![server(1)], &own, at(0))),
            ["other", "own"]
        );
        assert_eq!(
            names(roll.count(vec![server(2)], &own, at(4))),
            ["other", "own"]
        );
        assert_eq!(
            names(roll.count(vec![server(2)], &own, at(8))),
            ["other", "own"]
        );
        assert_eq!(names(roll.count(vec![server(2)], &own, at(9))), ["own"]);
        assert_eq!(
            names(roll.count(vec![server(3)], &own, at(10))),
            ["other", "own"]
        );
        assert_eq!(names(roll.count(vec![], &own, at(10))), ["own"]);
    }
}
