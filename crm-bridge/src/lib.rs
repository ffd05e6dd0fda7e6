//! The CRM and office applications that hang off conversations and feeds: customers, deals, approvals, calendar, tasks.
//!
//! Nothing of it is built yet: it adds no method to the table.

/// Adds the methods and events of this crate to the table.
pub fn register(_: &mut chat_core::api::Registry) {}
