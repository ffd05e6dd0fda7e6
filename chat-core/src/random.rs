//! The one home of randomness. A seeded source gives simulations the same numbers each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

/// A source of random bytes.
#[derive(Clone)]
pub struct Random(Arc<Fill>);

type Fill = dyn Fn(&mut [u8]) + Send + Sync;

impl Random {
    /// The operating system's source. A machine without one can't run a server: it panics.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where randomness is drawn"
    )]
    pub fn system() -> Self {
        Self(Arc::new(|bytes| {
            getrandom::fill(bytes).expect("the operating system gives random bytes");
        }))
    }

    /// The same bytes for the same seed: SHA-256 over (seed, counter). For tests only.
    pub fn seeded(seed: u64) -> Self {
        let counter = AtomicU64::new(0);
        Self(Arc::new(move |bytes| {
            for chunk in bytes.chunks_mut(32) {
                let turn = counter.fetch_add(1, Ordering::Relaxed);
                let digest = Sha256::new()
                    .chain_update(seed.to_be_bytes())
                    .chain_update(turn.to_be_bytes())
                    .finalize();
                chunk.copy_from_slice(&digest[..chunk.len()]);
            }
        }))
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }
}
