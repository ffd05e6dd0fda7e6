//! Opens the store that the command line asks for: a folder, a database, or a database shared with other servers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chat_core::bus::{Bus, Inbox, JetStream, Nats, Start, Street};
use chat_core::clock::Clock;
use chat_core::cluster::{Cluster, InCluster, LinkOf};
use chat_core::export::Export;
use chat_core::limits::ROUNDS_BEHIND;
use chat_core::random::Random;
use storage::cluster::ServerAt;
use storage::{Limits, OpenError, Store};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::command;
use crate::config::{Serve, Together};
use crate::link::{LinkKey, Links, Listening};

/// Frames of the bus that wait to be looked at.
const INBOX_FRAMES: usize = 4_096;

/// What a server is started with.
pub struct Opened {
    /// The truth.
    pub store: Store,
    /// What makes it one of several.
    pub cluster: Option<InCluster>,
    /// Who outside is told what happens.
    pub export: Option<Arc<dyn Export>>,
    /// The folder of a store on this machine.
    pub folder: Option<PathBuf>,
    /// Answers the other servers; to be ended last.
    pub listening: Option<JoinHandle<()>>,
}

/// See the module.
///
/// # Errors
/// A sentence: what is missing or can't be meant.
pub async fn open(serve: &Serve, clock: &Clock) -> Result<Opened, Box<dyn std::error::Error>> {
    let data = &serve.data.folder;
    let (limits, folder) = (serve.cql.limits()?, command::folder::store(data));
    if serve.cql.addresses.is_empty() {
        return in_folder(data, folder, limits, clock);
    }
    if folder.exists() {
        // Whoever forgets that would wonder where everybody has gone.
        return Err(format!(
            "the data folder holds a store of its own ({}), and a database is given too; serve one of them",
            folder.display()
        )
        .into());
    }
    let random = Random::system();
    let draw = {
        let random = random.clone();
        Arc::new(move || u64::from_be_bytes(random.bytes()))
    };
    let options = serve.cql.options()?;
    let together = &serve.cluster;
    let (Some(listen), Some(key)) = (together.cluster_listen, &together.cluster_key_file) else {
        let store = Store::cql(&options, limits, clock.as_fn(), draw).await?;
        return Ok(alone(store));
    };
    let key = LinkKey::read(key)?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| format!("can't listen on {listen}: {error}"))?;
    let start = Start::new(&together.node, draw())?;
    let member = ServerAt {
        name: start.node.clone(),
        boot: start.boot,
        address: together.address(listener.local_addr()?)?,
    };
    let (bus, inbox) = bus(together, &start).await?;
    let export = match (&together.export_stream, together.nats()?) {
        (Some(stream), Some(nats)) => Some(JetStream::open(&nats, &start, stream).await?),
        _ => None,
    };
    let wire = Links::new(key.clone(), random.clone());
    let cluster = Cluster::new(member.clone(), start, bus, wire);
    let listening = Listening::new(listener, key, random).serve(Arc::clone(&cluster));
    let listening = tokio::spawn(listening);
    let link = Arc::new(LinkOf(Arc::clone(&cluster)));
    let opened = Store::in_cluster(
        &options,
        limits,
        clock.as_fn(),
        draw,
        (member, link),
        ROUNDS_BEHIND,
    );
    let (store, terms) = opened.await?;
    Ok(Opened {
        store,
        cluster: Some(InCluster {
            cluster,
            terms,
            inbox,
        }),
        export,
        folder: None,
        listening: Some(listening),
    })
}

/// A store on this machine.
fn in_folder(
    data: &Path,
    folder: PathBuf,
    limits: Limits,
    clock: &Clock,
) -> Result<Opened, Box<dyn std::error::Error>> {
    command::folder::check(data)?;
    if !folder.exists() {
        has_room(data, &limits)?;
    }
    let store = embedded(&folder, limits, clock)?;
    Ok(Opened {
        folder: Some(folder),
        ..alone(store)
    })
}

/// Refuses to begin a store where it could not be written to: a store that is there can still be read.
fn has_room(data: &Path, limits: &Limits) -> Result<(), String> {
    let free = storage::free_bytes(data)
        .map_err(|error| format!("the free space of {} is not known: {error}", data.display()))?;
    if free >= limits.free_bytes_min {
        return Ok(());
    }
    Err(format!(
        "{} MiB are free where {} is, and a server refuses to write below {} MiB: make room, or give a folder on a \
         larger disk with --data",
        free >> 20,
        data.display(),
        limits.free_bytes_min >> 20
    ))
}

/// Opens the store of a folder. One of an older format is brought to this one first: only here, where somebody
/// serves; whoever only looks is told.
fn embedded(folder: &Path, limits: Limits, clock: &Clock) -> Result<Store, OpenError> {
    match Store::embedded(folder, limits.clone(), clock.as_fn()) {
        Err(OpenError::Older { found, known }) => {
            tracing::info!("the store is of format {found}; it is brought to format {known}");
            let done = storage::upgrade(folder, &limits, clock.as_fn())?;
            let snapshot = done.snapshot.display();
            tracing::info!(
                "the store is of format {} now ({} entries); as it was before it is kept in {snapshot}",
                done.to,
                done.entries
            );
            Store::embedded(folder, limits, clock.as_fn())
        }
        other => other,
    }
}

const fn alone(store: Store) -> Opened {
    Opened {
        store,
        cluster: None,
        export: None,
        folder: None,
        listening: None,
    }
}

async fn bus(
    together: &Together,
    start: &Start,
) -> Result<(Arc<dyn Bus>, Inbox), Box<dyn std::error::Error>> {
    match together.nats()? {
        Some(options) => Ok(Nats::open(options, start.clone(), INBOX_FRAMES).await?),
        None => {
            tracing::warn!("without --nats pushes between servers come a tenth of a second late");
            let street = Street::default();
            street.cut(true);
            Ok(street.open(start.clone(), INBOX_FRAMES))
        }
    }
}
