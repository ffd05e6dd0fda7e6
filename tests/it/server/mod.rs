//! The real binary, killed in the middle of things.

mod chain;
mod configured;
mod entrance;
pub(crate) mod killed;
mod manual;
mod telling;
