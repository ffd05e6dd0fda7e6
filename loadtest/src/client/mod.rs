//! A client of the public wire contract (`docs/methods.md`, `docs/events.md`). It shares no code with
//! the server, so that a mistake in one is not made again in the other.

pub(crate) mod frame;
pub(crate) mod http;
pub(crate) mod socket;
