//! The bus inside one process: for one node, and for tests of many. What it promises is what NATS keeps, and no
//! more: a sender does not learn that nobody listens or that an inbox was full.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Bus, FRAME_BYTES_MAX, Inbox, Start};

/// Decides for a frame from one start to another whether it is lost on the way.
pub type Loses = Box<dyn FnMut(&Start, &Start) -> bool + Send>;

/// The whole bus of one process; a clone is the same bus.
#[derive(Clone, Default)]
pub struct Street {
    plan: Arc<Mutex<Plan>>,
}

#[derive(Default)]
struct Plan {
    /// In a fixed order, so that a simulated run is the same each time.
    houses: BTreeMap<Start, House>,
    cut: bool,
    loses: Option<Loses>,
}

struct House {
    inbox: mpsc::Sender<Bytes>,
    dropped: Arc<AtomicU64>,
}

impl Street {
    /// A street on which nobody lives yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the end of one start, with an inbox for `capacity` frames, 1 at least. Who opened it before under
    /// the same start hears nothing any more.
    pub fn open(&self, me: Start, capacity: usize) -> (Arc<dyn Bus>, Inbox) {
        let (inbox, taken) = mpsc::channel(capacity.max(1));
        let dropped = Arc::new(AtomicU64::new(0));
        let house = House {
            inbox,
            dropped: Arc::clone(&dropped),
        };
        self.plan().houses.insert(me.clone(), house);
        let street = self.clone();
        let end = End {
            street,
            me,
            dropped,
        };
        (Arc::new(end), taken)
    }

    /// Cuts the street, so that nothing passes and nobody is connected, or mends it.
    pub fn cut(&self, cut: bool) {
        self.plan().cut = cut;
    }

    /// Loses the frames that `loses` picks, without a word to anybody; nothing is lost without it.
    pub fn lose(&self, loses: Option<Loses>) {
        self.plan().loses = loses;
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plan {
    fn bring(&mut self, from: &Start, to: &Start, frame: Bytes) {
        let Some(house) = self.houses.get(to) else {
            return;
        };
        if self.loses.as_mut().is_some_and(|loses| loses(from, to)) {
            return;
        }
        match house.inbox.try_send(frame) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => {
                house.dropped.fetch_add(1, Ordering::Relaxed);
            }
            Err(mpsc::error::TrySendError::Closed(_)) => {
                self.houses.remove(to);
            }
        }
    }
}

/// The end of one start.
struct End {
    street: Street,
    me: Start,
    dropped: Arc<AtomicU64>,
}

impl End {
    /// The street, if a frame may pass.
    fn open(&self, frame: &Bytes) -> Option<MutexGuard<'_, Plan>> {
        let plan = self.street.plan();
        if plan.cut || frame.len() > FRAME_BYTES_MAX {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(plan)
    }
}

impl Bus for End {
    fn send(&self, to: &Start, frame: Bytes) -> bool {
        if *to == self.me || !to.is_sound() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        let Some(mut plan) = self.open(&frame) else {
            return false;
        };
        plan.bring(&self.me, to, frame);
        true
    }

    fn send_all(&self, frame: Bytes) -> bool {
        let Some(mut plan) = self.open(&frame) else {
            return false;
        };
        let others: Vec<Start> = plan.houses.keys().cloned().collect();
        for to in others.iter().filter(|to| **to != self.me) {
            plan.bring(&self.me, to, frame.clone());
        }
        true
    }

    fn connected(&self) -> bool {
        !self.street.plan().cut
    }

    fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::bus::suite::{Place, start};

    #[async_trait]
    impl Place for Street {
        async fn open(&self, me: Start, capacity: usize) -> (Arc<dyn Bus>, Inbox) {
            Self::open(self, me, capacity)
        }
    }

    crate::bus_suite!(Street::new());

    fn opened(street: &Street, node: &str) -> (Arc<dyn Bus>, Inbox) {
        street.open(start(node, 1), 8)
    }

    #[test]
    fn nothing_passes_a_street_that_is_cut_not_even_later() {
        let street = Street::new();
        let (one, _kept) = opened(&street, "one");
        let (_, mut inbox) = opened(&street, "two");
        street.cut(true);
        assert!(!one.connected());
        assert!(!one.send(&start("two", 1), Bytes::from_static(b"away")));
        assert!(!one.send_all(Bytes::from_static(b"away")));
        assert_eq!(one.dropped(), 2);
        street.cut(false);
        assert!(one.connected());
        assert!(one.send(&start("two", 1), Bytes::from_static(b"back")));
        assert_eq!(inbox.try_recv().unwrap(), "back");
        assert!(inbox.try_recv().is_err());
    }

    #[test]
    fn what_is_lost_on_the_way_is_counted_by_nobody() {
        let street = Street::new();
        let (one, _kept) = opened(&street, "one");
        let (two, mut inbox) = opened(&street, "two");
        let mut turn = 0;
        street.lose(Some(Box::new(move |from, to| {
            assert_eq!((from.node.as_str(), to.node.as_str()), ("one", "two"));
            turn += 1;
            turn % 2 == 0
        })));
        for text in ["a", "b", "c"] {
            assert!(one.send(&start("two", 1), Bytes::from_static(text.as_bytes())));
        }
        street.lose(None);
        assert!(one.send_all(Bytes::from_static(b"d")));
        for text in ["a", "c", "d"] {
            assert_eq!(inbox.try_recv().unwrap(), text);
        }
        assert!(inbox.try_recv().is_err());
        assert_eq!((one.dropped(), two.dropped()), (0, 0));
    }

    #[test]
    fn who_has_gone_is_forgotten() {
        let street = Street::new();
        let (one, _kept) = opened(&street, "one");
        drop(opened(&street, "two"));
        assert!(one.send(&start("two", 1), Bytes::from_static(b"gone")));
        assert_eq!(street.plan().houses.len(), 1);
    }
}
