//! Dudu (嘟嘟), calls of up to nine people: rooms, signalling, the media router, the ledger.
//!
//! Nothing of it is built yet: it adds no method to the table.

/// Adds the methods and events of this crate to the table.
pub fn register(_: &mut chat_core::api::Registry) {}
