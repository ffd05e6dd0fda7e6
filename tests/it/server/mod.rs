//! The real binary, killed in the middle of things.

mod chain;
mod killed;
mod manual;
