//! Opening, staying, resuming, closing.

mod frames;
mod opening;
mod resuming;
mod slow;
mod stopping;
