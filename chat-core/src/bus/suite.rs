//! One suite for every bus: what [`Bus`] promises, as cases. A bus gives a [`Place`] and runs them by
//! [`crate::bus_suite`]; no case is left out.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::timeout;

use super::{Bus, FRAME_BYTES_MAX, Inbox, Start};

/// A bus of its own for one case.
#[async_trait]
pub trait Place: Send + Sync {
    /// Opens the end of one start.
    async fn open(&self, me: Start, capacity: usize) -> (Arc<dyn Bus>, Inbox);
}

/// What comes at once; a busy machine gets the rest.
const SOON: Duration = Duration::from_secs(10);

/// Between two tries to reach an end that may not listen yet.
const AGAIN: Duration = Duration::from_millis(20);

/// Room for all that a case sends.
const ROOMY: usize = 2 * FRAMES;

/// Frames of each sender in the case about order.
const FRAMES: usize = 10_000;

/// A start by name.
///
/// # Panics
/// When it is no name.
pub fn start(node: &str, boot: u64) -> Start {
    Start::new(node, boot).expect("a name")
}

/// An open end.
pub struct End {
    /// Whose it is.
    pub me: Start,
    /// What leaves.
    pub bus: Arc<dyn Bus>,
    /// What came in.
    pub inbox: Inbox,
}

impl End {
    /// Opens one.
    pub async fn open(place: &dyn Place, me: Start, capacity: usize) -> Self {
        let (bus, inbox) = place.open(me.clone(), capacity).await;
        Self { me, bus, inbox }
    }

    /// The next frame as text.
    ///
    /// # Panics
    /// When none comes.
    pub async fn hears(&mut self) -> String {
        let frame = timeout(SOON, self.inbox.recv()).await;
        let frame = frame.unwrap_or_else(|_| panic!("{} hears nothing", self.me));
        String::from_utf8_lossy(&frame.expect("an open inbox")).into_owned()
    }

    /// Sends text to another end.
    ///
    /// # Panics
    /// When it is refused.
    pub fn says(&self, to: &Self, text: &str) {
        let frame = Bytes::copy_from_slice(text.as_bytes());
        assert!(self.bus.send(&to.me, frame), "{text:?} is refused");
    }

    /// Sends text to all.
    ///
    /// # Panics
    /// When it is refused.
    pub fn tells_all(&self, text: &str) {
        let frame = Bytes::copy_from_slice(text.as_bytes());
        assert!(self.bus.send_all(frame), "{text:?} is refused");
    }

    /// Waits until what this end sends reaches `other`, and nothing more is on the way.
    ///
    /// # Panics
    /// When it never does, or `other` hears something else.
    pub async fn reaches(&self, other: &mut Self) {
        let reached = timeout(SOON, async {
            loop {
                self.bus.send(&other.me, Bytes::from_static(b"hello"));
                if let Ok(heard) = timeout(AGAIN, other.inbox.recv()).await {
                    return heard;
                }
            }
        });
        let heard = reached.await.ok().flatten();
        assert_eq!(heard.as_deref(), Some(&b"hello"[..]), "{} hears", other.me);
        self.says(other, "now");
        loop {
            match other.hears().await.as_str() {
                "now" => return,
                heard => assert_eq!(heard, "hello"),
            }
        }
    }
}

/// Opens an end for each name and waits until each reaches each.
async fn neighbours<const N: usize>(place: &dyn Place, names: [&str; N]) -> [End; N] {
    let mut ends = Vec::new();
    for name in names {
        ends.push(End::open(place, start(name, 1), ROOMY).await);
    }
    for to in 0..N {
        let mut end = ends.remove(to);
        for other in &ends {
            other.reaches(&mut end).await;
        }
        ends.insert(to, end);
    }
    let Ok(ends) = ends.try_into() else {
        unreachable!("one end for each name");
    };
    ends
}

/// A frame for one start is heard there and nowhere else.
pub async fn a_frame_arrives_at_one_start_only(place: &dyn Place) {
    let [one, mut two, mut three] = neighbours(place, ["one", "two", "three"]).await;
    one.says(&two, "for two");
    one.says(&three, "for three");
    assert_eq!(two.hears().await, "for two");
    assert_eq!(three.hears().await, "for three");
    assert_eq!(
        one.bus.dropped() + two.bus.dropped() + three.bus.dropped(),
        0
    );
}

/// A frame for all is heard by all but its sender.
pub async fn a_frame_for_all_arrives_at_all_but_its_sender(place: &dyn Place) {
    let [mut one, mut two, mut three] = neighbours(place, ["one", "two", "three"]).await;
    one.tells_all("from one");
    assert_eq!(two.hears().await, "from one");
    assert_eq!(three.hears().await, "from one");
    two.says(&one, "the end");
    assert_eq!(one.hears().await, "the end");
}

/// Nobody sends to himself.
pub async fn a_frame_for_oneself_is_refused(place: &dyn Place) {
    let [mut one, two] = neighbours(place, ["one", "two"]).await;
    assert!(!one.bus.send(&one.me, Bytes::from_static(b"to myself")));
    assert_eq!(one.bus.dropped(), 1);
    two.says(&one, "the end");
    assert_eq!(one.hears().await, "the end");
}

/// What a sender sends to one and to all arrives in its order.
pub async fn frames_of_a_sender_arrive_in_order(place: &dyn Place) {
    let [one, two, mut three] = neighbours(place, ["one", "two", "three"]).await;
    let mut senders = Vec::new();
    for from in [one, two] {
        senders.push(tokio::spawn(sends_many(from, three.me.clone())));
    }
    let mut next = [("one", 0), ("two", 0)];
    for _ in 0..FRAMES * 2 {
        let heard = three.hears().await;
        let (node, number) = heard.split_once(' ').expect("two words");
        let sender = next.iter_mut().find(|(name, _)| *name == node);
        let (_, expected) = sender.expect("one of the senders");
        assert_eq!(number, expected.to_string(), "of {node}");
        *expected += 1;
    }
    assert_eq!(three.bus.dropped(), 0);
    for sender in senders {
        sender.await.expect("all is sent");
    }
}

/// Sends numbered frames, some to all, as fast as they are taken.
async fn sends_many(from: End, to: Start) -> End {
    for number in 0..FRAMES {
        let frame = Bytes::from(format!("{} {number}", from.me.node));
        let sent = || match number % 3 {
            0 => from.bus.send_all(frame.clone()),
            _ => from.bus.send(&to, frame.clone()),
        };
        while !sent() {
            tokio::task::yield_now().await;
        }
    }
    from
}

/// Whoever goes can say so: what was taken leaves before the end does.
pub async fn the_last_words_of_a_node_are_heard(place: &dyn Place) {
    let [one, mut two] = neighbours(place, ["one", "two"]).await;
    for number in 0..2000 {
        let mut text = number.to_string();
        text.extend(std::iter::repeat_n(' ', 4096));
        one.says(&two, &text);
    }
    one.tells_all("farewell");
    drop(one);
    for number in 0..2000 {
        assert_eq!(two.hears().await.trim_end(), number.to_string());
    }
    assert_eq!(two.hears().await, "farewell");
}

/// Frames go to a start, not to a node.
pub async fn a_new_boot_does_not_hear_frames_for_the_old(place: &dyn Place) {
    let [one, two] = neighbours(place, ["one", "two"]).await;
    let old = two.me.clone();
    drop(two);
    let mut anew = End::open(place, start("two", 2), ROOMY).await;
    assert!(one.bus.send(&old, Bytes::from_static(b"for the old one")));
    one.reaches(&mut anew).await;
    assert!(one.bus.send(&old, Bytes::from_static(b"for the old one")));
    one.says(&anew, "for the new one");
    assert_eq!(anew.hears().await, "for the new one");
}

/// A frame for a start that is not there is gone, and nobody is told.
pub async fn a_frame_for_nobody_vanishes(place: &dyn Place) {
    let [mut one, two] = neighbours(place, ["one", "two"]).await;
    assert!(
        one.bus
            .send(&start("nobody", 1), Bytes::from_static(b"hello?"))
    );
    two.says(&one, "the end");
    assert_eq!(one.hears().await, "the end");
    assert_eq!(one.bus.dropped(), 0);
    let unsound = Start {
        node: "no body".to_owned(),
        boot: 1,
    };
    assert!(!one.bus.send(&unsound, Bytes::from_static(b"hello?")));
    assert_eq!(one.bus.dropped(), 1);
}

/// A full inbox costs frames, which are counted where it is, and nothing else.
pub async fn a_full_inbox_drops_counts_and_goes_on(place: &dyn Place) {
    let one = End::open(place, start("one", 1), ROOMY).await;
    let mut two = End::open(place, start("two", 1), 4).await;
    one.reaches(&mut two).await;
    let before = two.bus.dropped();
    for number in 0..20 {
        one.says(&two, &number.to_string());
    }
    let full = timeout(SOON, async {
        while two.bus.dropped() < before + 16 {
            let _ = timeout(AGAIN, std::future::pending::<()>()).await;
        }
    });
    assert!(
        full.await.is_ok(),
        "{} are counted",
        two.bus.dropped() - before
    );
    for number in 0..4 {
        assert_eq!(two.hears().await, number.to_string());
    }
    one.says(&two, "again");
    assert_eq!(two.hears().await, "again");
    assert_eq!(two.bus.dropped(), before + 16);
    assert_eq!(one.bus.dropped(), 0, "who sent them does not know");
}

/// The largest frame passes; one byte more is refused and counted.
pub async fn a_frame_has_a_largest_size(place: &dyn Place) {
    let [one, mut two] = neighbours(place, ["one", "two"]).await;
    let largest = Bytes::from(vec![7; FRAME_BYTES_MAX]);
    let larger = Bytes::from(vec![7; FRAME_BYTES_MAX + 1]);
    assert!(!one.bus.send(&two.me, larger.clone()));
    assert!(!one.bus.send_all(larger));
    assert_eq!(one.bus.dropped(), 2);
    assert!(one.bus.send(&two.me, largest.clone()));
    assert!(one.bus.send_all(largest.clone()));
    for _ in 0..2 {
        let heard = timeout(SOON, two.inbox.recv()).await.expect("it comes");
        assert!(heard.is_some_and(|heard| heard == largest));
    }
}

/// A frame is any bytes, none included.
pub async fn any_bytes_survive(place: &dyn Place) {
    let [one, mut two] = neighbours(place, ["one", "two"]).await;
    let every: Vec<u8> = (0..=255).collect();
    let frames = [
        &b""[..],
        b"\r\n",
        b"MSG x 1 0\r\n\r\nPING\r\n",
        b"\0\0",
        b"+OK",
        &every,
    ];
    for frame in frames {
        assert!(one.bus.send(&two.me, Bytes::copy_from_slice(frame)));
        assert!(one.bus.send_all(Bytes::copy_from_slice(frame)));
    }
    for frame in frames.iter().flat_map(|frame| [frame, frame]) {
        let heard = timeout(SOON, two.inbox.recv()).await.expect("it comes");
        assert_eq!(heard.expect("an open inbox"), *frame);
    }
}

/// Runs every case of the suite as a test of its own; `$place` makes a fresh [`Place`].
#[macro_export]
macro_rules! bus_suite {
    ($place:expr) => {
        $crate::bus_suite! {
            $place;
            a_frame_arrives_at_one_start_only,
            a_frame_for_all_arrives_at_all_but_its_sender,
            a_frame_for_oneself_is_refused,
            frames_of_a_sender_arrive_in_order,
            the_last_words_of_a_node_are_heard,
            a_new_boot_does_not_hear_frames_for_the_old,
            a_frame_for_nobody_vanishes,
            a_full_inbox_drops_counts_and_goes_on,
            a_frame_has_a_largest_size,
            any_bytes_survive,
        }
    };
    ($place:expr; $($case:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::bus::suite::$case(&$place).await;
            }
        )*
    };
}
