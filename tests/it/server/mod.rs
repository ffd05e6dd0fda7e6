//! The real binary, killed in the middle of things; and its commands.

mod backup;
mod chain;
mod commands;
mod configured;
mod crowded;
mod demo;
mod doctor;
mod entrance;
pub(crate) mod killed;
mod manual;
mod operator;
mod telling;
mod traces;
mod upgrade;
