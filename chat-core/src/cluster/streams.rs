//! Numbered streams between pairs of nodes. What is sent is kept for a while; who misses a number asks for it,
//! and who asks too late starts anew and has its connections look for themselves. Pure.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::message::Mark;

/// Frames kept for a node that missed them: at 1,000 a second a few seconds …
pub(crate) const KEPT_FRAMES: usize = 8_192;
/// … and their bytes.
pub(crate) const KEPT_BYTES: usize = 16 << 20;
/// Frames given at once …
const PAGE_FRAMES: usize = 256;
/// … and their bytes, unless it is a single one.
const PAGE_BYTES: usize = 512 << 10;
/// Frames that wait for an earlier one; more are dropped and asked for.
const WAITING_FRAMES: usize = 1_024;

/// What goes to one node.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    last: u64,
    /// Up to where the bus was given what it is to carry.
    given: u64,
    kept: VecDeque<Bytes>,
    bytes: usize,
}

/// Part of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// The frames that follow, and whether there are more.
    Frames { frames: Vec<Bytes>, more: bool },
    /// They are not kept any more.
    Gone,
}

impl Outgoing {
    /// Takes a frame; gives its number.
    pub(crate) fn push(&mut self, frame: Bytes) -> u64 {
        self.last += 1;
        self.bytes += frame.len();
        self.kept.push_back(frame);
        while self.kept.len() > KEPT_FRAMES || self.bytes > KEPT_BYTES {
            let gone = self.kept.pop_front();
            self.bytes -= gone.map_or(0, |gone| gone.len());
        }
        self.last
    }

    /// The next frames for the bus, with the number of the first; nothing once it was given all.
    pub(crate) fn give(&mut self) -> Option<(u64, Vec<Bytes>)> {
        if self.given == self.last {
            return None;
        }
        let first = self.given + 1;
        match self.after(self.given) {
            Page::Frames { frames, .. } => {
                self.given += frames.len() as u64;
                Some((first, frames))
            }
            // More was said at once than is kept; who hears of a later number asks, and starts anew.
            Page::Gone => {
                self.given = self.last;
                None
            }
        }
    }

    /// Number of the last frame.
    pub(crate) const fn last(&self) -> u64 {
        self.last
    }

    /// What follows `number`.
    pub(crate) fn after(&self, number: u64) -> Page {
        let first = number + 1;
        let oldest = self.last + 1 - self.kept.len() as u64;
        if first < oldest || number > self.last {
            return Page::Gone;
        }
        let skipped = usize::try_from(first - oldest).unwrap_or(usize::MAX);
        let (mut frames, mut bytes) = (Vec::new(), 0);
        for frame in self.kept.iter().skip(skipped).take(PAGE_FRAMES) {
            bytes += frame.len();
            if !frames.is_empty() && bytes > PAGE_BYTES {
                break;
            }
            frames.push(frame.clone());
        }
        let more = number + (frames.len() as u64) < self.last;
        Page::Frames { frames, more }
    }
}

/// What comes from one node.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    stream: u32,
    heard: u64,
    waiting: BTreeMap<u64, Bytes>,
}

impl Incoming {
    /// Goes on behind a mark.
    pub(crate) const fn behind(mark: Mark) -> Self {
        Self {
            stream: mark.stream,
            heard: mark.number,
            waiting: BTreeMap::new(),
        }
    }

    /// Up to where everything was heard.
    pub(crate) const fn heard(&self) -> Mark {
        Mark {
            stream: self.stream,
            number: self.heard,
        }
    }

    /// Whether a later frame waits for one that is missing.
    pub(crate) fn misses(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Takes frames that follow each other; gives those that are next, in order.
    pub(crate) fn take_all(&mut self, first: Mark, frames: Vec<Bytes>) -> Vec<Bytes> {
        let Mark { stream, number } = first;
        let mut next = Vec::with_capacity(frames.len());
        for (number, frame) in (number..).zip(frames) {
            next.append(&mut self.take(Mark { stream, number }, frame));
        }
        next
    }

    /// Takes a frame by whatever way; gives those that are next, in order. One of another stream is left out.
    pub(crate) fn take(&mut self, mark: Mark, frame: Bytes) -> Vec<Bytes> {
        let Mark { stream, number } = mark;
        if stream != self.stream {
            return Vec::new();
        }
        if number > self.heard && self.waiting.len() < WAITING_FRAMES {
            self.waiting.insert(number, frame);
        } else if number == self.heard + 1 {
            // Full, but this is the one that all others wait for.
            self.waiting.insert(number, frame);
        }
        let mut next = Vec::new();
        while let Some(frame) = self.waiting.remove(&(self.heard + 1)) {
            self.heard += 1;
            next.push(frame);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(number: u64) -> Mark {
        Mark { stream: 0, number }
    }

    fn frame(n: u64) -> Bytes {
        Bytes::copy_from_slice(&n.to_be_bytes())
    }

    #[test]
    fn what_was_sent_is_given_again_page_by_page() {
        let mut out = Outgoing::default();
        assert_eq!(
            out.after(0),
            Page::Frames {
                frames: vec![],
                more: false
            }
        );
        for n in 1..=300 {
            assert_eq!(out.push(frame(n)), n);
        }
        let Page::Frames { frames, more } = out.after(10) else {
            panic!("they are kept")
        };
        assert_eq!((frames.len(), more), (256, true));
        assert_eq!(frames[0], frame(11));
        assert_eq!(out.after(301), Page::Gone, "of another life");
    }

    #[test]
    fn the_bus_is_given_everything_once_and_as_much_at_once_as_fits() {
        let mut out = Outgoing::default();
        assert_eq!(out.give(), None);
        for n in 1..=3 {
            out.push(frame(n));
        }
        assert_eq!(out.give(), Some((1, vec![frame(1), frame(2), frame(3)])));
        assert_eq!(out.give(), None);
        for n in 4..=3 + PAGE_FRAMES as u64 + 1 {
            out.push(frame(n));
        }
        let (first, frames) = out.give().expect("there are more");
        assert_eq!((first, frames.len()), (4, PAGE_FRAMES));
        let last = 3 + PAGE_FRAMES as u64 + 1;
        assert_eq!(out.give(), Some((last, vec![frame(last)])));
        for n in 0..=KEPT_FRAMES as u64 {
            out.push(frame(n));
        }
        assert_eq!(out.give(), None, "the first of them is not kept any more");
        out.push(frame(1));
        assert_eq!(out.give(), Some((out.last(), vec![frame(1)])));
    }

    #[test]
    fn only_so_many_and_so_large_are_kept() {
        let mut out = Outgoing::default();
        for n in 1..=KEPT_FRAMES as u64 + 5 {
            out.push(frame(n));
        }
        assert_eq!(out.after(4), Page::Gone);
        assert!(matches!(out.after(5), Page::Frames { .. }));
        let mut out = Outgoing::default();
        for _ in 0..40 {
            out.push(Bytes::from(vec![0; 1 << 20]));
        }
        assert_eq!(out.kept.len(), KEPT_BYTES >> 20);
        assert!(
            matches!(out.after(30), Page::Frames { frames, more: true, .. } if frames.len() == 1)
        );
    }

    #[test]
    fn frames_are_handed_on_in_order_and_once() {
        let mut came = Incoming::default();
        assert_eq!(came.take(at(2), frame(2)), [] as [Bytes; 0]);
        assert!(came.misses());
        assert_eq!(came.take(at(1), frame(1)), [frame(1), frame(2)]);
        assert_eq!(came.take(at(2), frame(2)), [] as [Bytes; 0]);
        assert!(!came.misses());
        assert_eq!(came.heard(), at(2));
        // Another stream, of which 8 frames are lost.
        let mut came = Incoming::behind(Mark {
            stream: 7,
            number: 8,
        });
        assert_eq!(came.take(at(9), frame(9)), [] as [Bytes; 0]);
        let of = |number| Mark { stream: 7, number };
        assert_eq!(came.take(of(8), frame(8)), [] as [Bytes; 0]);
        assert_eq!(came.take(of(9), frame(9)), [frame(9)]);
        assert_eq!(came.heard(), of(9));
        // Several at once, one of which was heard already.
        let several = vec![frame(9), frame(10), frame(11)];
        assert_eq!(came.take_all(of(9), several), [frame(10), frame(11)]);
        assert_eq!(came.take_all(of(13), vec![frame(13)]), [] as [Bytes; 0]);
        assert!(came.misses());
    }

    #[test]
    fn a_frame_that_all_others_wait_for_is_taken_even_when_too_many_wait() {
        let mut came = Incoming::default();
        for n in 2..WAITING_FRAMES as u64 + 10 {
            came.take(at(n), frame(n));
        }
        assert_eq!(came.take(at(1), frame(1)).len(), WAITING_FRAMES + 1);
    }

    proptest! {
        #[test]
        fn whatever_is_lost_or_shuffled_everything_arrives_once_in_order(
            order in prop::collection::vec(1_u64..40, 0..120),
        ) {
            let mut out = Outgoing::default();
            for n in 1..40 {
                out.push(frame(n));
            }
            let mut came = Incoming::default();
            let mut got = Vec::new();
            for n in order {
                got.extend(came.take(at(n), frame(n)));
            }
            while let Page::Frames { frames, more } = out.after(came.heard().number) {
                for (n, frame) in (came.heard().number + 1..).zip(frames) {
                    got.extend(came.take(at(n), frame));
                }
                if !more {
                    break;
                }
            }
            prop_assert_eq!(got, (1..40).map(frame).collect::<Vec<_>>());
        }
    }
}
