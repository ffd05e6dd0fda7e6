//! What an administrator of the server looks at and repairs.

pub mod audit;
pub mod dead_letter;
pub mod list;
pub mod overview;
pub mod retention;
pub mod session;
pub mod storage;

use crate::api::Registry;

/// Adds the rows of this area to the table.
pub fn register(api: &mut Registry) {
    audit::register(api);
    dead_letter::register(api);
    list::register(api);
    overview::register(api);
    retention::register(api);
    session::register(api);
    storage::register(api);
}
