//! The one table of methods and events, and what every method shares: errors, access, pages, codecs.

pub mod codec;
pub mod error;
pub mod page;
pub mod registry;
pub mod schema;
pub mod strict;

pub use codec::{Codec, Push};
pub use error::{ApiError, Class, Sentence};
pub use registry::{Access, Effectful, Event, Method, Registry};

/// What a method answers.
pub type Answer<T> = Result<T, ApiError>;
