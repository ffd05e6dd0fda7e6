//! Senders of commits: each sends its commit, again and to other nodes, until it knows what became of it.

use std::future::Future;
use std::pin::Pin;

use super::database::World;
use super::truth::Kind;
use crate::contract::{Committed, Home, StoreError};
use crate::prepared::Prepared;
use crate::store::Store;
use crate::suite::{LOG, number, raw, text};
use crate::writer::Sending;

/// What a sender knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Open,
    Done,
    Refused,
}

type Answering = Pin<Box<dyn Future<Output = Result<Committed, StoreError>>>>;

/// One sending, on the network or in a node.
pub(super) struct Flight {
    pub(super) node: usize,
    sending: Sending,
    pub(super) answering: Option<Answering>,
    pub(super) slow: bool,
}

/// A commit and its sender.
pub(super) struct Client {
    pub(super) kind: Kind,
    prepared: Option<Prepared>,
    pub(super) known: Known,
    pub(super) sent: u32,
    /// The highest answered position when it began.
    from: u64,
    pub(super) flights: Vec<Flight>,
}

impl Client {
    pub(super) const fn new(kind: Kind) -> Self {
        Self {
            kind,
            prepared: None,
            known: Known::Open,
            sent: 0,
            from: 0,
            flights: Vec::new(),
        }
    }

    /// Puts a sending to this node's present writer on the network.
    pub(super) fn send(&mut self, node: usize, store: &Store, world: &mut World) {
        let (kind, first) = (self.kind, self.prepared.is_none());
        let prepared = self.prepared.get_or_insert_with(|| prepare(kind, store));
        if first {
            self.from = world.truth.answered;
            world.kinds.insert(prepared.attempt(), kind);
        }
        self.sent += 1;
        self.flights.push(Flight {
            node,
            sending: store.sending(prepared),
            answering: None,
            slow: world.draw() % 10 < 3,
        });
    }

    /// A sending reaches its node.
    pub(super) fn arrive(&mut self, flight: usize, store: &Store) {
        let Some(prepared) = self.prepared.clone() else {
            return;
        };
        let (store, sending) = (store.clone(), self.flights[flight].sending);
        self.flights[flight].answering = Some(Box::pin(async move {
            store.deliver_here(&prepared, sending).await
        }));
    }

    /// Looks at what was answered to it.
    pub(super) fn answered(&mut self, answer: Result<Committed, StoreError>, world: &mut World) {
        let (Some(prepared), Known::Open) = (&self.prepared, self.known) else {
            return;
        };
        let id = prepared.attempt();
        let entry = world.truth.find(id).cloned();
        match answer {
            Ok(committed) => {
                self.known = Known::Done;
                match entry {
                    None => {
                        world.violated(format!("{id:?} was answered and is not in the journal"))
                    }
                    Some(entry) if entry.outcomes != committed.outcomes => {
                        world.violated(format!("{id:?} got the answer of another"));
                    }
                    Some(entry) => {
                        world.truth.answered = world.truth.answered.max(entry.position);
                        world.shows(entry.position);
                    }
                }
            }
            Err(error) if error.refuses() => {
                self.known = Known::Refused;
                world.refused.push(id);
                if entry.is_some() {
                    world.violated(format!("{id:?} was refused and is in the journal"));
                }
                if !world.truth.may_refuse(self.kind, self.from) {
                    world.violated(format!("{id:?} was refused for a state that never was"));
                }
            }
            Err(_) => {}
        }
    }
}

fn prepare(kind: Kind, store: &Store) -> Prepared {
    let mut t = store.transaction(&Home::new("thing", 1));
    let row = raw(b"p", b"k");
    match kind {
        Kind::Add => {
            t.add(number("n"), 1, None, None);
            t.append(LOG.partition(&b"l".to_vec()), text("x"), true);
        }
        Kind::PutAbsent => {
            t.expect_absent(row.clone());
            t.put(row, text("x"));
            t.append(LOG.partition(&b"l".to_vec()), text("x"), true);
        }
        Kind::DeletePresent => {
            t.expect_present(row.clone());
            t.delete(row);
        }
    }
    t.prepare().expect("a small commit")
}
