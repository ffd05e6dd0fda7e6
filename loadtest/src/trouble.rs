//! What can go wrong on the way to a figure: a sentence for the person who started the run.

use std::fmt;

/// Why a run could not be done. (A wrong result is no trouble: it is a finding of the audit.)
#[derive(Debug)]
pub(crate) struct Trouble(pub(crate) String);

/// What most functions here answer.
pub(crate) type Outcome<T> = Result<T, Trouble>;

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Trouble {
    /// A sentence.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// For `map_err`: says what was being done.
    pub(crate) fn at<E: fmt::Display>(what: &str) -> impl Fn(E) -> Self {
        move |error| Self(format!("{what}: {error}"))
    }
}
