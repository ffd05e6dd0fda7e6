//! Sending and reading messages.

mod history;
mod send;
