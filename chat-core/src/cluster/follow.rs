//! Hearing the other nodes: who lives is followed frame by frame; what the bus lost is asked for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use storage::Store;
use storage::cluster::ServerAt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::message::{Ask, Envelope, Frame, Mark, Reply, decode};
use super::streams::Incoming;
use super::{Cluster, Peer, next_peer};
use crate::api::Push;
use crate::bus::{Inbox, Start};
use crate::ids::Id;

/// A node asks so often what it missed of another while the bus carries …
const LOOK: Duration = Duration::from_secs(1);
/// … and so often while it does not.
const LOOK_WITHOUT_BUS: Duration = Duration::from_millis(100);
/// Nodes that seemed gone and may come back, at most.
const BEFORE: usize = 1_024;
/// Pause before a question is asked again that had no answer.
pub(super) const AGAIN: Duration = Duration::from_millis(200);

/// Starts the tasks, which end with the node.
pub(super) fn begin(cluster: &Arc<Cluster>, store: &Store, inbox: Inbox) {
    tokio::spawn(hand_on(Arc::downgrade(cluster), inbox));
    if let Some(servers) = store.servers() {
        tokio::spawn(watch_servers(Arc::downgrade(cluster), servers));
    }
    if let Some(owners) = store.owners() {
        tokio::spawn(watch_owners(Arc::downgrade(cluster), owners));
    }
    tokio::spawn(tell_unheard(Arc::downgrade(cluster)));
}

/// Gives each frame of the bus to who follows its sender.
async fn hand_on(cluster: Weak<Cluster>, mut inbox: Inbox) {
    while let Some(came) = inbox.recv().await {
        let Some(cluster) = cluster.upgrade() else {
            return;
        };
        let Some(Envelope { from, mark, frames }) = decode(&came) else {
            continue;
        };
        if let Some(peer) = cluster.peers.get(&from) {
            // What finds no room is asked for.
            let _ = peer.frames.try_send((mark, frames));
        }
    }
}

/// Begins to follow who comes, and ends it for who is gone.
async fn watch_servers(cluster: Weak<Cluster>, mut servers: watch::Receiver<Vec<ServerAt>>) {
    let mut following: HashMap<Start, JoinHandle<()>> = HashMap::new();
    loop {
        let live = servers.borrow_and_update().clone();
        let Some(cluster) = cluster.upgrade() else {
            break;
        };
        let starts: Vec<(Start, String)> = live
            .into_iter()
            .filter(|one| one.boot != cluster.me.boot)
            .filter_map(|one| Some((Start::new(&one.name, one.boot).ok()?, one.address)))
            .collect();
        following.retain(|start, task| {
            let lives = starts.iter().any(|(other, _)| other == start);
            if !lives {
                task.abort();
                forget(&cluster, start);
            }
            lives
        });
        for (start, address) in starts {
            if let Entry::Vacant(entry) = following.entry(start.clone()) {
                tracing::info!(node = %start, address, "another node lives");
                let (peer, came) = next_peer(&cluster, start.clone(), address);
                cluster.by_id.insert(peer.id, Arc::clone(&peer));
                cluster.peers.insert(start.clone(), Arc::clone(&peer));
                let task = tokio::spawn(follow(Arc::downgrade(&cluster), peer, came));
                entry.insert(task);
            }
        }
        drop(cluster);
        if servers.changed().await.is_err() {
            break;
        }
    }
    following.into_values().for_each(|task| task.abort());
}

fn forget(cluster: &Cluster, start: &Start) {
    tracing::info!(node = %start, "a node is gone");
    let Some((_, peer)) = cluster.peers.remove(start) else {
        return;
    };
    cluster.by_id.remove(&peer.id);
    if cluster.before.len() >= BEFORE {
        cluster.before.clear();
    }
    cluster.before.insert(start.clone(), *peer.heard.borrow());
    told(cluster, &cluster.routes.remove(peer.id));
}

/// People came or went somewhere else.
fn told(cluster: &Cluster, news: &[crate::ids::UserId]) {
    if let Some(node) = cluster.node() {
        news.iter().for_each(|user| node.watchers.changed(*user));
    }
}

/// Hears one node until it is gone.
async fn follow(
    cluster: Weak<Cluster>,
    peer: Arc<Peer>,
    mut came: mpsc::Receiver<(Mark, Vec<Bytes>)>,
) {
    let mut stream = Incoming::behind(*peer.heard.borrow());
    let mut known = false;
    let mut look = LOOK_WITHOUT_BUS;
    loop {
        let Some(now) = cluster.upgrade() else { return };
        if !known {
            known = take_online(&now, &peer).await;
        }
        drop(now);
        let ask = tokio::select! {
            frames = came.recv() => match frames {
                Some((mark, frames)) => {
                    let Some(cluster) = cluster.upgrade() else { return };
                    let other = mark.stream != stream.heard().stream;
                    let next = stream.take_all(mark, frames);
                    hear(&cluster, &peer, &stream, &next);
                    (other || stream.misses()) && came.is_empty()
                }
                None => return,
            },
            () = peer.pull.notified() => true,
            () = sleep(look) => true,
        };
        if ask {
            let Some(cluster) = cluster.upgrade() else {
                return;
            };
            match pull(&cluster, &peer, &mut stream).await {
                Pulled::All { bus } => {
                    let carried = bus && cluster.bus.connected();
                    look = if carried { LOOK } else { LOOK_WITHOUT_BUS };
                }
                Pulled::Lost => {
                    // Who is where may be among what is lost, and pushes are.
                    known = false;
                    resync(&cluster);
                }
                Pulled::NoAnswer => sleep(AGAIN).await,
            }
        }
    }
}

/// Asks a node who is connected with it.
async fn take_online(cluster: &Cluster, peer: &Peer) -> bool {
    let Some(Reply::Online(online)) = cluster.ask_soon(&peer.address, &Ask::Online).await else {
        return false;
    };
    told(cluster, &cluster.routes.replace(peer.id, &online));
    true
}

enum Pulled {
    All { bus: bool },
    Lost,
    NoAnswer,
}

/// Asks for what was missed, until nothing is left.
async fn pull(cluster: &Cluster, peer: &Peer, stream: &mut Incoming) -> Pulled {
    loop {
        match cluster
            .ask_soon(&peer.address, &Ask::After(stream.heard()))
            .await
        {
            Some(Reply::After { frames, more, bus }) => {
                let Mark { stream: of, number } = stream.heard();
                let first = Mark {
                    stream: of,
                    number: number + 1,
                };
                let next = stream.take_all(first, frames);
                hear(cluster, peer, stream, &next);
                if !more {
                    return Pulled::All { bus };
                }
            }
            Some(Reply::Other(other)) => {
                let heard = stream.heard();
                *stream = Incoming::behind(Mark {
                    stream: other,
                    number: 0,
                });
                peer.heard.send_replace(stream.heard());
                if heard.stream != 0 {
                    // Whatever the stream before still held.
                    return Pulled::Lost;
                }
            }
            Some(Reply::Gone(last)) => {
                tracing::warn!(node = %peer.start, heard = ?stream.heard(), ?last, "frames are lost");
                *stream = Incoming::behind(last);
                peer.heard.send_replace(last);
                return Pulled::Lost;
            }
            _ => return Pulled::NoAnswer,
        }
    }
}

fn hear(cluster: &Cluster, peer: &Peer, stream: &Incoming, frames: &[Bytes]) {
    for frame in frames {
        match decode::<Frame>(frame) {
            Some(frame) => act(cluster, peer, frame),
            None => tracing::error!(node = %peer.start, "a frame cannot be read"),
        }
    }
    if !frames.is_empty() {
        peer.heard.send_replace(stream.heard());
    }
}

fn act(cluster: &Cluster, peer: &Peer, frame: Frame) {
    let Some(here) = cluster.here.get() else {
        return;
    };
    match frame {
        Frame::Push {
            term,
            to,
            json,
            msgpack,
        } => {
            let push = Push::ready(json, msgpack);
            cluster
                .terms
                .push(term, || here.local.push(&mut to.iter(), &push));
        }
        Frame::EndSession(session) => here.local.end_session(Id(session)),
        Frame::Online { came, went } => {
            told(cluster, &cluster.routes.change(peer.id, &came, &went));
        }
    }
}

fn resync(cluster: &Cluster) {
    if let Some(here) = cluster.here.get() {
        here.local.resync(None);
    }
}

/// A new owner pushes only what it writes itself, and only to whom it knows of: once it does, all connections
/// look for what they missed between the two.
async fn watch_owners(cluster: Weak<Cluster>, mut owners: watch::Receiver<Option<String>>) {
    let mut before = owners.borrow_and_update().clone();
    let mut first = before.is_none();
    loop {
        if owners.changed().await.is_err() {
            return;
        }
        let now = owners.borrow_and_update().clone();
        if now.is_none() || now == before {
            continue;
        }
        before.clone_from(&now);
        if std::mem::take(&mut first) {
            continue;
        }
        loop {
            let Some(cluster) = cluster.upgrade() else {
                return;
            };
            if cluster.owner_knows(super::OWNER_WAIT).await {
                resync(&cluster);
                break;
            }
            drop(cluster);
            if *owners.borrow() != now {
                break;
            }
            sleep(AGAIN).await;
        }
    }
}

/// Connections of whom the owner did not hear in time look for what they missed, once it has.
async fn tell_unheard(cluster: Weak<Cluster>) {
    loop {
        let Some(now) = cluster.upgrade() else { return };
        let waits = tokio::time::timeout(LOOK, now.unheard_changed.notified()).await;
        if waits.is_err() {
            continue;
        }
        while !now.owner_knows(super::OWNER_WAIT).await {
            sleep(AGAIN).await;
            if now.node().is_none() {
                return;
            }
        }
        let unheard =
            std::mem::take(&mut *now.unheard.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(here) = now.here.get() {
            unheard
                .into_iter()
                .for_each(|user| here.local.resync(Some(user)));
        }
    }
}
