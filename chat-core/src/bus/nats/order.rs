//! The order of frames that came by two subscriptions.
//!
//! The client sorts what the server sends into one queue for each subscription, so the order between a frame for
//! this node and one for all is gone. It is found again by what each frame tells of its origin, and by this: when
//! a frame is taken from one queue, all that came before it lies in the queues already.

use std::collections::HashMap;

use async_nats::Subject;
use bytes::Bytes;

use crate::bus::subject::{self, Origin};

/// Starts whose newest frame is remembered: a cluster has tens of nodes, so this is years of starts. Beyond it
/// all are forgotten, and with them only the guard against frames that are late.
const SENDERS_MAX: usize = 4096;

/// A frame that came in.
#[derive(Debug, Clone)]
pub(super) struct Came {
    /// Tells the origin.
    pub(super) told: Subject,
    pub(super) number: u64,
    pub(super) frame: Bytes,
}

impl Came {
    fn sender(&self) -> &str {
        subject::read_origin(&self.told).map_or("", |Origin { sender, .. }| sender)
    }
}

/// What one look into both queues finds, in the order of the looks; each takes all that lies there.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// Frames for this node alone, first look.
    pub(super) own: Vec<Came>,
    /// Frames for all. Those that were sent before any of `own` are among them or were taken earlier.
    pub(super) all: Vec<Came>,
    /// Frames for this node alone, second look. Those that were sent before any of `all` are here or in `own`.
    pub(super) late: Vec<Came>,
}

/// Frames in the order of their senders.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// For this node alone; what was sent to all before it may not have come yet.
    carried: Vec<Came>,
    /// The newest number of each sender.
    newest: HashMap<String, u64>,
}

impl Order {
    /// Whether something is left that waits for the next look only, not for more frames.
    pub(super) const fn carries(&self) -> bool {
        !self.carried.is_empty()
    }

    /// Gives what can be handed on now, in order, and how many frames came too late for it: those of a connection
    /// that was given up and came to life again.
    pub(super) fn settle(&mut self, look: Look) -> (Vec<Bytes>, u64) {
        let mut ready = std::mem::take(&mut self.carried);
        ready.extend(look.own);
        if look.all.is_empty() {
            // What was sent to all before the later frames may still be missing.
            self.carried = look.late;
        } else {
            let mut last = HashMap::new();
            for came in &look.all {
                last.insert(came.sender(), came.number);
            }
            for came in look.late {
                match last.get(came.sender()) {
                    Some(number) if came.number < *number => ready.push(came),
                    _ => self.carried.push(came),
                }
            }
            ready.extend(look.all);
            // Numbers of different senders mean nothing to each other: any order between them is right.
            ready.sort_by_key(|came| came.number);
        }
        let came = ready.len();
        let in_order: Vec<Bytes> = ready
            .into_iter()
            .filter_map(|came| self.is_newer(&came).then_some(came.frame))
            .collect();
        let late = (came - in_order.len()) as u64;
        (in_order, late)
    }

    fn is_newer(&mut self, came: &Came) -> bool {
        let sender = came.sender();
        if let Some(newest) = self.newest.get_mut(sender) {
            let newer = came.number > *newest;
            *newest = came.number.max(*newest);
            return newer;
        }
        if self.newest.len() >= SENDERS_MAX {
            self.newest.clear();
        }
        self.newest.insert(sender.to_owned(), came.number);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    fn came(sender: &str, number: u64) -> Came {
        Came {
            told: Subject::from(subject::origin(sender, number)),
            number,
            frame: Bytes::from(format!("{sender} {number}")),
        }
    }

    fn shown(frames: &[Bytes]) -> Vec<String> {
        let text = |frame: &Bytes| String::from_utf8_lossy(frame).into_owned();
        frames.iter().map(text).collect()
    }

    #[test]
    fn a_frame_for_all_finds_its_place_between_the_others() {
        let mut order = Order::default();
        let look = Look {
            own: vec![came("a", 1), came("b", 9)],
            all: vec![came("a", 3)],
            late: vec![came("a", 2), came("a", 4), came("b", 10)],
        };
        let (ready, late) = order.settle(look);
        assert_eq!(shown(&ready), ["a 1", "a 2", "a 3", "b 9"]);
        assert_eq!(late, 0);
        assert!(order.carries());
        let (ready, _) = order.settle(Look::default());
        assert_eq!(shown(&ready), ["a 4", "b 10"]);
        assert!(!order.carries());
    }

    #[test]
    fn what_comes_behind_a_newer_frame_is_dropped_and_counted() {
        let mut order = Order::default();
        let look = |own| Look {
            own,
            ..Look::default()
        };
        let (ready, _) = order.settle(look(vec![came("a", 5), came("b", 1)]));
        assert_eq!(shown(&ready), ["a 5", "b 1"]);
        let (ready, late) = order.settle(look(vec![came("a", 4), came("a", 5), came("a", 6)]));
        assert_eq!((shown(&ready), late), (vec!["a 6".to_owned()], 2));
    }

    #[test]
    fn memory_of_senders_is_bounded() {
        let mut order = Order::default();
        for sender in 0..=SENDERS_MAX {
            let own = vec![came(&format!("s{sender}"), 1)];
            order.settle(Look {
                own,
                ..Look::default()
            });
        }
        assert!(order.newest.len() <= SENDERS_MAX);
    }

    /// Frames in the order in which the server sends them: who sent it, and whether to all.
    fn sent() -> impl Strategy<Value = Vec<(usize, bool)>> {
        proptest::collection::vec((0..3_usize, any::<bool>()), 0..60)
    }

    proptest! {
        #[test]
        fn however_the_looks_fall_nothing_is_lost_and_each_sender_is_in_order(
            sent in sent(),
            pauses in proptest::collection::vec(0..4_usize, 1..40),
        ) {
            let mut numbers = [0_u64; 3];
            let mut coming: VecDeque<(bool, Came)> = sent
                .iter()
                .map(|(sender, to_all)| {
                    numbers[*sender] += 1;
                    (*to_all, came(&format!("s{sender}"), numbers[*sender]))
                })
                .collect();
            let mut queues = [Vec::new(), Vec::new()];
            let mut order = Order::default();
            let mut taken = Vec::new();
            let mut pauses = pauses.iter().cycle();
            while !coming.is_empty() || order.carries() || queues.iter().any(|q| !q.is_empty()) {
                let mut look = |queue: usize| {
                    // Some frames come before each look; the first pause of a round may be none at all.
                    for _ in 0..*pauses.next().unwrap_or(&1) {
                        if let Some((to_all, came)) = coming.pop_front() {
                            queues[usize::from(to_all)].push(came);
                        }
                    }
                    std::mem::take(&mut queues[queue])
                };
                let look = Look { own: look(0), all: look(1), late: look(0) };
                if look.own.is_empty() && look.all.is_empty() && look.late.is_empty() {
                    // No endless loop when all pauses are 0.
                    if let Some((to_all, came)) = coming.pop_front() {
                        queues[usize::from(to_all)].push(came);
                    }
                }
                let (ready, late) = order.settle(look);
                prop_assert_eq!(late, 0);
                taken.extend(shown(&ready));
            }
            prop_assert_eq!(taken.len(), sent.len());
            for (sender, number) in numbers.iter().enumerate() {
                let of: Vec<String> = taken
                    .iter()
                    .filter(|text| text.starts_with(&format!("s{sender} ")))
                    .cloned()
                    .collect();
                let expected: Vec<String> = (1..=*number).map(|n| format!("s{sender} {n}")).collect();
                prop_assert_eq!(of, expected);
            }
        }
    }
}
