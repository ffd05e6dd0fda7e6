//! The real binary, killed in the middle of things.

mod chain;
pub(crate) mod killed;
mod manual;
