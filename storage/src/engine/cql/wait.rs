//! When a start may take the journal: at once if its owner left, else only when nothing moved for a while.
//! The protocol is safe without this; it only spares a living owner.

use super::database::{Beat, Database, Failure, Guard};
use super::owner::Journal;
use crate::contract::OpenError;
use crate::limits::CqlLimits;

/// What moves while an owner lives.
pub(super) type Pulse = (Option<Guard>, Option<Beat>);

/// The pulse of now. `hint` as for [`Journal::claim`].
pub(super) async fn pulse<D: Database>(journal: &Journal<D>, hint: u64) -> Result<Pulse, Failure> {
    let guard = journal.look(hint).await?;
    Ok((guard, journal.database().last_beat().await?))
}

/// Waits until the owner left or stood still for `still_ms`.
pub(super) async fn until_still<D: Database>(
    journal: &Journal<D>,
    hint: u64,
    limits: &CqlLimits,
) -> Result<(), OpenError> {
    let (mut still_ms, mut waited_ms, mut known): (u64, u64, Option<Pulse>) = (0, 0, None);
    loop {
        let pulse = pulse(journal, hint).await;
        let pulse = pulse.map_err(|failure| OpenError::Unreachable(failure.why))?;
        if is_free(&pulse) {
            return Ok(());
        }
        if known.as_ref() == Some(&pulse) {
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
        journal.database().pause(limits.look_ms).await;
        waited_ms += limits.look_ms;
    }
}

/// Nobody ever owned the journal, or its last owner said that it left.
pub(super) fn is_free(pulse: &Pulse) -> bool {
    match pulse {
        (None, _) => true,
        (Some(guard), Some(beat)) => beat.free && beat.token == guard.token,
        (Some(_), None) => false,
    }
}
