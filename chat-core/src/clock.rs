//! The one home of wall-clock time. Everything else is told what time it is (`PLAT-i16`).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 60 * 60 * 1000;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// Milliseconds since the epoch, as this clock sees it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
    pub fn system() -> Self {
        Self(Arc::new(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| {
                    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
                })
        }))
    }

    /// A clock that shows what `read` gives, for simulations.
    pub fn reading(read: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// A clock that stands at what `hand` holds, for tests and simulations.
    pub fn by_hand(hand: Arc<AtomicI64>) -> Self {
        Self(Arc::new(move || hand.load(Ordering::SeqCst)))
    }

    /// Now, in milliseconds since the epoch.
    pub fn now_ms(&self) -> i64 {
        (self.0)()
    }

    /// The same clock as a plain function, for `storage`.
    pub fn as_fn(&self) -> Arc<dyn Fn() -> i64 + Send + Sync> {
        Arc::clone(&self.0)
    }
}
