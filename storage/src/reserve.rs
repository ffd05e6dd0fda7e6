//! Names that are unique over all homes: reserve in the name's own home, do the work elsewhere, confirm.
//!
//! A reservation that is not confirmed in time may be taken over, so a caller that died leaves no name
//! blocked. Each step may be repeated by its owner; nothing here needs a second home to agree.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::contract::{Home, RowAt, StoreError};
use crate::store::Store;
use crate::transaction::{Race, retry};
use crate::value::{Value, decode_named};

/// What stands in the row of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Who has it.
    pub owner: Bytes,
    /// When it may be taken over, in ms since 1970; never once it is confirmed.
    pub until_ms: Option<i64>,
}

/// Why a name was not given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReserveError {
    /// Somebody else has it.
    #[error("the name is taken")]
    Taken,
    /// What the store answers.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Race for ReserveError {
    fn lost_race(&self) -> bool {
        matches!(self, Self::Store(error) if error.lost_race())
    }

    fn contended() -> Self {
        Self::Store(StoreError::Contended)
    }
}

impl Store {
    /// Who has the name.
    ///
    /// # Errors
    /// When the engine cannot read it.
    pub async fn reservation(
        &self,
        home: &Home,
        at: &RowAt,
    ) -> Result<Option<Reservation>, StoreError> {
        let row = self.get(home, at).await?;
        row.map(|row| decode_named(&row.value, "reservations"))
            .transpose()
    }

    /// Reserves a name for `owner` for `hold_ms`. Its owner may repeat it; a reservation of somebody else
    /// is taken over once its time is up and it was not confirmed.
    ///
    /// # Errors
    /// [`ReserveError::Taken`] when somebody else has it.
    pub async fn reserve(
        &self,
        home: &Home,
        at: &RowAt,
        owner: &Bytes,
        hold_ms: i64,
    ) -> Result<(), ReserveError> {
        self.change(home, at, |held, now_ms| match held {
            Some(held) if held.owner == *owner && held.until_ms.is_none() => Ok(Some(held)),
            Some(held) if held.owner != *owner && held.until_ms.is_none_or(|end| end > now_ms) => {
                Err(ReserveError::Taken)
            }
            _ => Ok(Some(Reservation {
                owner: owner.clone(),
                until_ms: Some(now_ms.saturating_add(hold_ms)),
            })),
        })
        .await
    }

    /// Makes the owner's reservation last. Also after its time, as long as nobody took it over.
    ///
    /// # Errors
    /// [`ReserveError::Taken`] when the name is not the owner's any more.
    pub async fn confirm(
        &self,
        home: &Home,
        at: &RowAt,
        owner: &Bytes,
    ) -> Result<(), ReserveError> {
        self.change(home, at, |held, _| match held {
            Some(held) if held.owner == *owner => Ok(Some(Reservation {
                until_ms: None,
                ..held
            })),
            _ => Err(ReserveError::Taken),
        })
        .await
    }

    /// Gives the owner's name back, confirmed or not; one that is not his stays.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn release(
        &self,
        home: &Home,
        at: &RowAt,
        owner: &Bytes,
    ) -> Result<(), ReserveError> {
        self.change(home, at, |held, _| {
            Ok(held.filter(|held| held.owner != *owner))
        })
        .await
    }

    /// Reads the reservation and writes what the rule makes of it, again after a lost race.
    async fn change<R>(&self, home: &Home, at: &RowAt, rule: R) -> Result<(), ReserveError>
    where
        R: Fn(Option<Reservation>, i64) -> Result<Option<Reservation>, ReserveError> + Sync,
    {
        retry(async || {
            let mut t = self.transaction(home);
            let row = t.get(at).await?;
            let held: Option<Reservation> = row
                .map(|row| decode_named(&row.value, "reservations"))
                .transpose()?;
            let next = rule(held.clone(), self.now_ms())?;
            if next == held {
                return Ok(());
            }
            match next {
                Some(next) => t.put(at.clone(), Value::encode(&next)?),
                None => t.delete(at.clone()),
            }
            t.commit().await?;
            Ok(())
        })
        .await
    }
}
