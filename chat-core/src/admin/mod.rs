//! What an administrator of the server looks at and repairs.

pub mod dead_letter;
pub mod list;

use crate::api::Registry;

/// Adds the rows of this area to the table.
pub fn register(api: &mut Registry) {
    dead_letter::register(api);
    list::register(api);
}
