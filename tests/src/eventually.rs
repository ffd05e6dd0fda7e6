//! Waiting for what should happen.

use std::future::Future;
use std::time::Duration;

/// What a person would call at once; a busy machine gets the rest.
pub const SOON: Duration = Duration::from_secs(5);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks until `attempt` gives something, [`SOON`] at most.
///
/// # Panics
/// When it never does; `what` says what was waited for.
pub async fn eventually<T, F, Fut>(what: &str, attempt: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    within(SOON, what, attempt).await
}

/// As [`eventually`], for things that take longer by their nature.
///
/// # Panics
/// When it never happens.
pub async fn within<T, F, Fut>(limit: Duration, what: &str, mut attempt: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let looking = async {
        loop {
            if let Some(found) = attempt().await {
                return found;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    match tokio::time::timeout(limit, looking).await {
        Ok(found) => found,
        Err(_) => panic!("within {limit:?} it did not happen that {what}"),
    }
}
