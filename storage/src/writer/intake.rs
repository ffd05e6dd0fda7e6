//! The first stage: takes waiting commits and fetches the rows they name, while the rounds before are being
//! made durable and visible.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

use super::known::Known;
use super::{Message, Request};
use crate::commit::Place;
use crate::contract::{Row, StoreError};
use crate::engine::{Engine, decode_row};
use crate::limits::Limits;

/// Without a commit for this long the engine may tidy up.
const IDLE: Duration = Duration::from_secs(1);

/// Rows with their places.
type Rows = Vec<(Place, Option<Row>)>;

/// A commit with the rows it names.
pub(super) struct Fetched {
    pub(super) request: Request,
    /// Or why they could not be read.
    pub(super) rows: Result<Rows, StoreError>,
    /// Everything up to here was visible when they were read.
    pub(super) applied: u64,
}

/// See the module.
pub(super) struct Intake {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) limits: Limits,
    pub(super) known: Arc<Known>,
    pub(super) queue: mpsc::Receiver<Message>,
    pub(super) fetched: mpsc::Sender<Fetched>,
}

/// What is left of the queue when nobody takes from it any more.
pub(super) struct Ended {
    /// Who waits for the end.
    pub(super) closing: Option<oneshot::Sender<()>>,
    /// Open as long as the writer has not ended.
    pub(super) _queue: mpsc::Receiver<Message>,
}

impl Intake {
    /// Runs until the store is closed or nobody holds it any more.
    pub(super) async fn run(mut self) -> Ended {
        let mut closing = None;
        while closing.is_none() {
            let Some(requests) = self.take(&mut closing).await else {
                break;
            };
            self.fetch(requests).await;
        }
        self.queue.close();
        while let Ok(message) = self.queue.try_recv() {
            if let Message::Commit(request) = message {
                let _ = request.answer.send(Err(StoreError::Closed));
            }
        }
        Ended {
            closing,
            _queue: self.queue,
        }
    }

    /// What waits, as much of it as one round may have.
    async fn take(&mut self, closing: &mut Option<oneshot::Sender<()>>) -> Option<Vec<Request>> {
        let (mut requests, mut bytes) = (Vec::new(), 0);
        let mut next = Some(self.wait().await?);
        while let Some(message) = next.take() {
            match message {
                Message::Close(closed) => *closing = Some(closed),
                Message::Commit(request) => {
                    bytes += request.commit.bytes();
                    requests.push(request);
                    if requests.len() < self.limits.round_commits && bytes < self.limits.round_bytes
                    {
                        next = self.queue.try_recv().ok();
                    }
                }
            }
        }
        self.known.taken(requests.len());
        Some(requests)
    }

    async fn wait(&mut self) -> Option<Message> {
        while self.engine.wants_idle() {
            match tokio::time::timeout(IDLE, self.queue.recv()).await {
                Ok(message) => return message,
                // An append under way looks like somebody else's.
                Err(_) if self.known.rests() => self.engine.idle().await,
                Err(_) => {}
            }
        }
        self.queue.recv().await
    }

    /// Reads the rows that are not known, and passes the commits on.
    async fn fetch(&self, requests: Vec<Request>) {
        // Before anything is looked up: what is visible later may be missed.
        let applied = self.known.applied();
        let mut wanted = Vec::with_capacity(requests.len() * 2);
        let mut found = Vec::with_capacity(requests.len());
        for request in &requests {
            found.push(self.look_up(request, &mut wanted));
        }
        let read = match wanted.is_empty() {
            true => Ok(Vec::new()),
            false => self.engine.get_many(&wanted).await,
        };
        let mut read = read.map(|rows| wanted.into_iter().zip(rows));
        for (request, found) in requests.into_iter().zip(found) {
            let rows = found.and_then(|(mut rows, unknown)| {
                let read = read.as_mut().map_err(|error| error.clone())?;
                let read: Vec<_> = read.take(unknown).collect();
                for (place, stored) in read {
                    rows.push((place, stored.as_ref().map(decode_row).transpose()?));
                }
                Ok(rows)
            });
            let fetched = Fetched {
                request,
                rows,
                applied,
            };
            if self.fetched.send(fetched).await.is_err() {
                return;
            }
        }
    }

    /// The known ones of the rows that a commit names, and how many were added to those to be read.
    fn look_up(
        &self,
        request: &Request,
        wanted: &mut Vec<Place>,
    ) -> Result<(Rows, usize), StoreError> {
        let (mut rows, before): (Rows, _) = (Vec::new(), wanted.len());
        for at in request.commit.named() {
            let place = (request.commit.home.clone(), at);
            match self.known.get(&place) {
                Ok(Some(row)) => rows.push((place, row)),
                Ok(None) => wanted.push(place),
                Err(error) => {
                    wanted.truncate(before);
                    return Err(error);
                }
            }
        }
        Ok((rows, wanted.len() - before))
    }
}
