//! Every test that needs more than one crate, in one binary.

mod connection;
mod conversation;
mod covered;
mod message;
mod people;
mod story;
mod tidy;
