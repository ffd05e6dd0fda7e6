//! The store: homes, rows and numbered logs with one atomic `commit`, on engines that all behave alike.
//!
//! It knows no word of the business. Reads go straight to the engine and are fresh after an answered
//! commit. Every write is a [`Transaction`] of one [`Home`]; one writer evaluates the waiting commits in
//! order against the rows they name, makes the whole round durable at once, and answers.
//!
//! ```
//! # use std::sync::Arc;
//! use storage::{Home, Limits, Log, Store, Table, Value};
//!
//! const NAMES: Table<(), String, u64> = Table::new(256, "names");
//! const EVENTS: Log<(), String> = Log::new(257, "events");
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), storage::StoreError> {
//! let store = Store::memory(Limits::default(), Arc::new(|| 1_700_000_000_000));
//! let home = Home::new("thing", 1);
//! let mut t = store.transaction(&home);
//! if t.read(&NAMES, &(), &"a".to_owned()).await?.is_none() {
//!     t.set(&NAMES, &(), &"a".to_owned(), &7)?;
//! }
//! let entry = t.append(EVENTS.partition(&()), Value::encode("named")?, true);
//! let done = t.commit().await?;
//! assert_eq!(done.seq(entry), 1);
//! assert_eq!(store.read(&home, &NAMES, &(), &"a".to_owned()).await?, Some(7));
//! # Ok(()) }
//! ```

pub mod key;

pub mod backup;
pub mod blob;
pub mod cluster;
mod commit;
mod contract;
pub mod engine;
mod figures;
mod index;
mod limits;
mod prepared;
mod reserve;
mod reserved;
mod scan;
mod store;
#[cfg(any(test, feature = "suite"))]
pub mod suite;
mod table;
mod timers;
mod transaction;
mod travel;
mod value;
mod writer;

pub use commit::{max_value, sum_value};
pub use contract::{
    AppliedCommit, AppliedRound, Change, Committed, Direction, Effect, Head, Home, KeyRange,
    Numbered, OpenError, Outcome, Partition, Row, RowAt, StoreError, TableId, Write,
};
pub use engine::cql::driver::{CqlLogin, CqlOptions};
pub use engine::embedded::free_bytes;
pub use engine::embedded::upgrade::{Upgraded, upgrade};
pub use figures::Figures;
pub use index::{Index, IndexError, Indexed, Unique};
pub use key::{KeyError, KeyPart};
pub use limits::{CqlLimits, FIRST_POSITION, Limits, RESERVED_TABLES_MAX, RETRIES_MAX};
pub use prepared::Prepared;
pub use reserve::{Reservation, ReserveError};
pub use store::Store;
pub use table::{Log, Table};
pub use timers::{TIMER_EFFECT, Timer};
pub use transaction::{Race, Transaction, retry};
pub use value::{Later, Part, Value};
