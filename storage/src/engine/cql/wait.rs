//! When a start may take the journal: at once if its owner left, else only when nothing moved for a while.
//! The protocol is safe without this; it only spares a living owner.

use super::database::{Database, Guard, Token};
use super::owner::Journal;
use crate::contract::OpenError;
use crate::limits::CqlLimits;

/// What moves while an owner lives.
type Pulse = (Option<Guard>, Option<(Token, u64, bool)>);

/// Waits until the owner left or stood still for `still_ms`.
pub(super) async fn until_still<D: Database>(
    database: &D,
    journal: &Journal<D>,
    hint: u64,
    limits: &CqlLimits,
) -> Result<(), OpenError> {
    let (mut still_ms, mut waited_ms, mut known): (u64, u64, Option<Pulse>) = (0, 0, None);
    loop {
        let guard = journal.look(hint).await;
        let guard = guard.map_err(|failure| OpenError::Unreachable(failure.why))?;
        let beat = database.last_beat().await;
        let beat = beat.map_err(|failure| OpenError::Unreachable(failure.why))?;
        if is_free(guard, beat) {
            return Ok(());
        }
        let pulse = (guard, beat);
        if known == Some(pulse) {
            still_ms += limits.look_ms;
        } else {
            (still_ms, known) = (0, Some(pulse));
        }
        if still_ms >= limits.still_ms {
            return Ok(());
        }
        if waited_ms >= limits.wait_ms {
            return Err(OpenError::InUse(
                "this cluster: it writes while this one waits".to_owned(),
            ));
        }
        database.pause(limits.look_ms).await;
        waited_ms += limits.look_ms;
    }
}

/// Nobody ever owned the journal, or its last owner said that it left.
fn is_free(guard: Option<Guard>, beat: Option<(Token, u64, bool)>) -> bool {
    match (guard, beat) {
        (None, _) => true,
        (Some(guard), Some((token, _, free))) => free && token == guard.token,
        (Some(_), None) => false,
    }
}
