//! Names that are reserved, confirmed, taken over.

use bytes::Bytes;

use super::{Bench, open, raw};
use crate::{Home, ReserveError};

const HOLD_MS: i64 = 600_000;

/// One of many wins; repeating a step changes nothing.
pub async fn a_name_is_given_once(bench: &dyn Bench) {
    let (store, _, _) = open(bench);
    let (home, at) = (Home::new("name", "anna"), raw(b"", b""));
    let (first, other) = (Bytes::from_static(b"1"), Bytes::from_static(b"2"));
    store.reserve(&home, &at, &first, HOLD_MS).await.unwrap();
    store.reserve(&home, &at, &first, HOLD_MS).await.unwrap();
    let taken = store.reserve(&home, &at, &other, HOLD_MS).await;
    assert_eq!(taken, Err(ReserveError::Taken));
    assert_eq!(
        store.confirm(&home, &at, &other).await,
        Err(ReserveError::Taken)
    );
    for _ in 0..2 {
        store.confirm(&home, &at, &first).await.unwrap();
        store.reserve(&home, &at, &first, HOLD_MS).await.unwrap();
    }
    let held = store.reservation(&home, &at).await.unwrap().unwrap();
    assert_eq!((held.owner, held.until_ms), (first.clone(), None));
    store.release(&home, &at, &other).await.unwrap();
    assert!(store.reservation(&home, &at).await.unwrap().is_some());
    store.release(&home, &at, &first).await.unwrap();
    store.release(&home, &at, &first).await.unwrap();
    store.reserve(&home, &at, &other, HOLD_MS).await.unwrap();
    let many = (0..20_u8).map(|n| {
        let (store, home, at) = (store.clone(), Home::new("name", "otto"), at.clone());
        tokio::spawn(async move { store.reserve(&home, &at, &vec![n].into(), HOLD_MS).await })
    });
    let mut given = 0;
    for one in many.collect::<Vec<_>>() {
        given += usize::from(one.await.unwrap().is_ok());
    }
    assert_eq!(given, 1);
}

/// Exactly at its end, unless it was confirmed; the late owner is told.
pub async fn a_reservation_that_ran_out_is_taken_over(bench: &dyn Bench) {
    let (store, _, hands) = open(bench);
    let at = raw(b"", b"");
    let (slow, next) = (Bytes::from_static(b"slow"), Bytes::from_static(b"next"));
    let (lost, kept, late) = (Home::new("n", 1), Home::new("n", 2), Home::new("n", 3));
    for home in [&lost, &kept, &late] {
        store.reserve(home, &at, &slow, HOLD_MS).await.unwrap();
    }
    store.confirm(&kept, &at, &slow).await.unwrap();
    hands.forward(HOLD_MS - 1);
    let taken = store.reserve(&lost, &at, &next, HOLD_MS).await;
    assert_eq!(taken, Err(ReserveError::Taken));
    hands.forward(1);
    store.reserve(&lost, &at, &next, HOLD_MS).await.unwrap();
    assert_eq!(
        store.confirm(&lost, &at, &slow).await,
        Err(ReserveError::Taken)
    );
    let taken = store.reserve(&kept, &at, &next, HOLD_MS).await;
    assert_eq!(taken, Err(ReserveError::Taken));
    // Its time is up, but nobody came: the owner may still confirm.
    store.confirm(&late, &at, &slow).await.unwrap();
}
