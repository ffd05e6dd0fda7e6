//! What the server answered.

use std::fmt;

use serde_json::Value;

/// An error as a client sees it.
#[derive(Clone, PartialEq)]
pub struct Refusal {
    /// What a client does.
    pub class: String,
    /// What programs read.
    pub code: String,
    /// The parameter that is wrong.
    pub field: Option<String>,
    /// How long to wait.
    pub retry_after_ms: Option<i64>,
    /// All of it.
    pub whole: Value,
}

impl Refusal {
    /// Reads an error; checks that it has the form of the contract.
    ///
    /// # Panics
    /// When it has not.
    pub fn read(whole: Value) -> Self {
        let text = |name: &str| whole[name].as_str().map(str::to_owned);
        for language in ["zh", "en"] {
            assert!(
                whole["message"][language].is_string(),
                "an error speaks {language}: {whole}"
            );
        }
        Self {
            class: text("class").expect("an error has a class"),
            code: text("code").expect("an error has a code"),
            field: text("field"),
            retry_after_ms: whole["retry_after_ms"].as_i64(),
            whole,
        }
    }

    /// (class, code), to be compared.
    pub fn kind(&self) -> (&str, &str) {
        (&self.class, &self.code)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.whole)
    }
}

/// An answer over HTTP.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The body; null when it is no JSON.
    pub body: Value,
    /// The body as it came.
    pub text: String,
    /// The name of the call, as a header told it.
    pub request_id: Option<String>,
    /// After how many seconds to come again, as a header told it.
    pub retry_after: Option<i64>,
    /// The cookies that were set, as the server wrote them.
    pub cookies: Vec<String>,
}

impl HttpAnswer {
    /// The result of a call that worked.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    /// The error of a call that was refused.
    ///
    /// # Panics
    /// When it was not.
    #[track_caller]
    pub fn refusal(self) -> Refusal {
        assert_ne!(self.status, 200, "{}", self.body);
        Refusal::read(self.body)
    }

    /// The result or the error.
    ///
    /// # Errors
    /// What the server said.
    pub fn outcome(self) -> Result<Value, Refusal> {
        if self.status == 200 {
            Ok(self.body)
        } else {
            Err(Refusal::read(self.body))
        }
    }
}
