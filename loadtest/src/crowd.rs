//! Many sockets of few people: ten each, as many as the server allows. They hold what they heard and
//! answer heartbeats, and are cut when they are told so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::de::IgnoredAny;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::client::frame::{Codec, Frame, Heard};
use crate::client::socket::{Seen, Socket};
use crate::trouble::{Outcome, Trouble};
use crate::world::World;

/// Connections of one person (wire contract).
pub(crate) const PER_PERSON: usize = 10;
/// Sockets that open at the same time when it is not what is measured.
pub(crate) const AT_ONCE: usize = 64;

/// What one socket did until it was cut.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Messages, in the order in which they came.
    pub(crate) heard: Vec<Heard>,
    /// Times that the server said that pushes were left out.
    pub(crate) resyncs: u64,
    /// Why it ended before its time.
    pub(crate) broke: Option<String>,
}

/// Sockets that are held open.
pub(crate) struct Crowd {
    tasks: Vec<JoinHandle<Held>>,
    cut: watch::Sender<bool>,
    /// Messages heard so far, by all.
    pub(crate) heard: Arc<AtomicU64>,
}

/// Whose socket number `socket` is.
pub(crate) fn person_of(socket: usize) -> usize {
    socket / PER_PERSON
}

/// People that so many sockets need.
pub(crate) fn people_for(sockets: usize) -> usize {
    sockets.div_ceil(PER_PERSON)
}

impl Crowd {
    /// Opens `sockets` sockets, a few at a time.
    ///
    /// # Errors
    /// One of them can't be opened.
    pub(crate) async fn open(world: &World, sockets: usize, codec: Codec) -> Outcome<Self> {
        let opened: Vec<Socket> = stream::iter(0..sockets)
            .map(|socket| async move {
                let place = world.place(person_of(socket), codec);
                let (socket, _) = Socket::open(place, &Seen::default()).await?;
                Ok::<_, Trouble>(socket)
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(Self::hold(opened))
    }

    /// Holds sockets that are open.
    pub(crate) fn hold(sockets: Vec<Socket>) -> Self {
        let (cut, told) = watch::channel(false);
        let heard = Arc::new(AtomicU64::new(0));
        let tasks = sockets
            .into_iter()
            .map(|socket| tokio::spawn(hold(socket, told.clone(), Arc::clone(&heard))))
            .collect();
        Self { tasks, cut, heard }
    }

    /// Sockets that ended by themselves.
    pub(crate) fn broken(&self) -> usize {
        self.tasks.iter().filter(|task| task.is_finished()).count()
    }

    /// Cuts them all at once; gives what each held.
    ///
    /// # Errors
    /// A task of them failed.
    pub(crate) async fn cut(self) -> Outcome<Vec<Held>> {
        // Nobody listening: all have ended.
        let _ = self.cut.send(true);
        let mut held = Vec::with_capacity(self.tasks.len());
        for task in self.tasks {
            held.push(task.await.map_err(Trouble::at("a socket's task"))?);
        }
        Ok(held)
    }
}

async fn hold(
    mut socket: Socket,
    mut cut: watch::Receiver<bool>,
    all_heard: Arc<AtomicU64>,
) -> Held {
    let mut held = Held::default();
    loop {
        tokio::select! {
            _ = cut.changed() => {
                socket.cut();
                return held;
            }
            frame = socket.next::<IgnoredAny>() => match frame {
                Ok(Frame::Heard(heard)) => {
                    held.heard.push(heard);
                    all_heard.fetch_add(1, Ordering::SeqCst);
                }
                Ok(Frame::Resync) => held.resyncs += 1,
                Ok(_) => {}
                Err(trouble) => {
                    held.broke = Some(trouble.to_string());
                    return held;
                }
            },
        }
    }
}
