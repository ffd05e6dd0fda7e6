//! The real binary, killed in the middle of things; and its commands.

mod backup;
mod chain;
mod demo;
mod doctor;
pub(crate) mod killed;
mod manual;
mod operator;
mod upgrade;
