//! Typed tables and logs: which bytes a partition, a key and a value become.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

use crate::contract::{Partition, Row, RowAt, StoreError, TableId};
use crate::key::{self, KeyPart};
use crate::limits::RESERVED_TABLES_MAX;
use crate::value::{Value, decode_named};

/// A table owns none of its types, so it is `Send` and `Sync` whatever they are.
type Typed<P, K, V> = fn() -> (P, K, V);

/// A table whose partitions are named by `P`, whose keys are `K` and whose values are `V`
/// (MessagePack with named fields).
pub struct Table<P, K, V> {
    id: TableId,
    name: &'static str,
    types: PhantomData<Typed<P, K, V>>,
}

impl<P: KeyPart, K: KeyPart, V: Serialize + DeserializeOwned> Table<P, K, V> {
    /// The table with this number and name.
    ///
    /// # Panics
    /// When the number is one of the store's own (0 to 255); in a constant that is an error of the compiler.
    #[must_use]
    pub const fn new(id: u16, name: &'static str) -> Self {
        assert!(id > RESERVED_TABLES_MAX, "tables 0 to 255 are the store's");
        Self {
            id: TableId::new(id),
            name,
            types: PhantomData,
        }
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> TableId {
        self.id
    }

    /// Its name, for errors and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The place of a row.
    pub fn at(&self, partition: &P, key: &K) -> RowAt {
        RowAt {
            table: self.id,
            partition: key::encode(partition),
            key: key::encode(key),
        }
    }

    /// A partition.
    pub fn partition(&self, partition: &P) -> Partition {
        Partition {
            table: self.id,
            name: key::encode(partition),
        }
    }

    /// The value to write for `value`.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the type cannot be written.
    pub fn value(&self, value: &V) -> Result<Value, StoreError> {
        Value::encode(value)
    }

    /// The value of a row.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the bytes are no `V`.
    pub fn decode(&self, row: &Row) -> Result<V, StoreError> {
        decode_named(&row.value, self.name)
    }

    /// The value in the bytes of an applied [`crate::Write`].
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the bytes are no `V`.
    pub fn decode_value(&self, value: &[u8]) -> Result<V, StoreError> {
        decode_named(value, self.name)
    }

    /// The key of a scanned row.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the bytes are no `K`.
    pub fn key(&self, raw: &[u8]) -> Result<K, StoreError> {
        key::decode(raw)
            .map_err(|error| StoreError::Corrupt(format!("a key of {}: {error}", self.name)))
    }
}

/// A log whose partitions are named by `P` and whose entries are `V`. The entry with number `seq` is the
/// row with the key `seq`, 8 bytes big-endian; the head is kept in a table of the store.
pub struct Log<P, V> {
    id: TableId,
    name: &'static str,
    types: PhantomData<fn() -> (P, V)>,
}

impl<P: KeyPart, V: Serialize + DeserializeOwned> Log<P, V> {
    /// The log with this number and name.
    ///
    /// # Panics
    /// When the number is one of the store's own (0 to 255); in a constant that is an error of the compiler.
    #[must_use]
    pub const fn new(id: u16, name: &'static str) -> Self {
        assert!(id > RESERVED_TABLES_MAX, "tables 0 to 255 are the store's");
        Self {
            id: TableId::of_logs(id),
            name,
            types: PhantomData,
        }
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> TableId {
        self.id
    }

    /// Its name, for errors and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// One log of the table.
    pub fn partition(&self, partition: &P) -> Partition {
        Partition {
            table: self.id,
            name: key::encode(partition),
        }
    }

    /// The place of an entry, to read or rewrite it.
    pub fn at(&self, partition: &P, seq: u64) -> RowAt {
        entry_at(&self.partition(partition), seq)
    }

    /// The place of an entry without its number, for [`crate::Transaction::put_at`].
    pub fn prefix(&self, partition: &P) -> RowAt {
        RowAt {
            table: self.id,
            partition: key::encode(partition),
            key: Bytes::new(),
        }
    }

    /// The value of an entry.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the bytes are no `V`.
    pub fn decode(&self, row: &Row) -> Result<V, StoreError> {
        decode_named(&row.value, self.name)
    }

    /// The value in the bytes of an applied [`crate::Write`].
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the bytes are no `V`.
    pub fn decode_value(&self, value: &[u8]) -> Result<V, StoreError> {
        decode_named(value, self.name)
    }
}

/// The place of entry `seq` of a log.
pub(crate) fn entry_at(log: &Partition, seq: u64) -> RowAt {
    RowAt {
        table: log.table,
        partition: log.name.clone(),
        key: key::encode(&seq),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::RESERVED_TABLES_MAX;

    #[test]
    fn a_table_has_a_number_above_those_of_the_store() {
        let first = RESERVED_TABLES_MAX + 1;
        let table: Table<(), (), u64> = Table::new(first, "first");
        assert_eq!(table.id(), TableId::new(first));
        let taken = || Table::<(), (), u64>::new(RESERVED_TABLES_MAX, "taken").id();
        assert!(std::panic::catch_unwind(taken).is_err());
        let taken = || Log::<(), u64>::new(RESERVED_TABLES_MAX, "taken").id();
        assert!(std::panic::catch_unwind(taken).is_err());
    }
}
