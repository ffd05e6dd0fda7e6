//! One timer for all connections: each asks to be woken at a second, one task a second wakes those
//! whose turn it is. An idle connection has no timer of its own.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use super::outbox::Handle;

/// Seconds ahead that the wheel reaches; more than the longest wait of a connection (75 s), and a
/// wait beyond it is only asked for again.
const SLOTS: usize = 128;

/// The wheel.
pub struct Wheel {
    slots: Vec<Mutex<Vec<Weak<Handle>>>>,
}

impl Default for Wheel {
    fn default() -> Self {
        Self {
            slots: (0..SLOTS).map(|_| Mutex::default()).collect(),
        }
    }
}

impl Wheel {
    /// Wakes `handle` at `at_ms` or up to a second later.
    pub fn wake_at(&self, handle: &Arc<Handle>, at_ms: i64, now_ms: i64) {
        let reach_ms = i64::try_from(SLOTS - 2).unwrap_or(0) * 1_000;
        let at_ms = at_ms.clamp(now_ms + 1, now_ms + reach_ms);
        // The second after: never too early.
        if let Ok(mut slot) = self.slot(at_ms.div_euclid(1_000) + 1).lock() {
            slot.push(Arc::downgrade(handle));
        }
    }

    /// Wakes those of the second `second`.
    pub fn turn(&self, second: i64) {
        let due = self
            .slot(second)
            .lock()
            .map(|mut slot| std::mem::take(&mut *slot))
            .unwrap_or_default();
        due.iter()
            .filter_map(Weak::upgrade)
            .for_each(|handle| handle.tick());
    }

    fn slot(&self, second: i64) -> &Mutex<Vec<Weak<Handle>>> {
        let at = second.rem_euclid(SLOTS as i64);
        &self.slots[usize::try_from(at).unwrap_or(0)]
    }
}

/// Turns the wheel every second, every slot once even when a turn came late; calls `each` beside it.
pub async fn run<F, Fut>(wheel: Arc<Wheel>, now_ms: impl Fn() -> i64, mut each: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = ()>,
{
    let mut turned = now_ms().div_euclid(1_000);
    let mut beat = tokio::time::interval(Duration::from_secs(1));
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let second = now_ms().div_euclid(1_000);
        // A clock that jumped ahead turns the wheel round once at most.
        turned = turned.max(second - SLOTS as i64);
        while turned < second {
            turned += 1;
            wheel.turn(turned);
        }
        each().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::outbox::Next;
    use chat_core::api::Codec;
    use chat_core::ids::Id;

    #[test]
    fn a_connection_is_woken_in_its_second_and_not_before() {
        let wheel = Wheel::default();
        let handle = Arc::new(Handle::new(1, Id([1; 16]), Id([1; 16]), Codec::Json));
        wheel.wake_at(&handle, 30_500, 0);
        (0..=30).for_each(|second| wheel.turn(second));
        assert_eq!(handle.next(), Next::Idle);
        wheel.turn(31);
        assert_eq!(handle.next(), Next::Tick);
    }

    #[test]
    fn a_wait_beyond_the_wheel_is_cut_to_its_reach() {
        let wheel = Wheel::default();
        let handle = Arc::new(Handle::new(1, Id([1; 16]), Id([1; 16]), Codec::Json));
        wheel.wake_at(&handle, 900_000, 0);
        (0..SLOTS as i64).for_each(|second| wheel.turn(second));
        assert_eq!(handle.next(), Next::Tick);
    }
}
