//! What a store measures of itself while it works.

use std::time::Duration;

use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

/// From a tenth of a millisecond, less than any disk needs, to 13 s, longer than any call waits.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.000_1, 2.0, 18))
}

/// Measured since the start.
#[derive(Clone, Debug)]
pub struct Figures {
    /// From sending a commit to its answer, wherever its writer is.
    pub commit_seconds: Histogram,
    /// How long a round of this process took to be durable.
    pub durable_seconds: Histogram,
    /// How long a round of this process took to be durable and visible.
    pub round_seconds: Histogram,
    /// How many commits a round of this process had.
    pub round_commits: Histogram,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            commit_seconds: seconds(),
            durable_seconds: seconds(),
            round_seconds: seconds(),
            round_commits: Histogram::new(exponential_buckets(1.0, 2.0, 11)),
        }
    }
}

impl Figures {
    pub(crate) fn durable(&self, took: Duration) {
        self.durable_seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn round(&self, took: Duration, commits: u64) {
        self.round_seconds.observe(took.as_secs_f64());
        #[expect(
            clippy::cast_precision_loss,
            reason = "a round has thousands of commits at most"
        )]
        self.round_commits.observe(commits as f64);
    }
}
