//! The real binary, run to its end.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::process::binary;

/// What is run to its end does little; a busy machine gets the rest.
const END: Duration = Duration::from_secs(20);

/// How a run ended, and what it said.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; nothing if it was killed.
    pub code: Option<i32>,
    /// What it printed.
    pub out: String,
    /// What it complained of.
    pub err: String,
}

impl Ran {
    /// Runs the binary with these variables in its environment beside those of the test.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let running = Command::new(binary())
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let ran = tokio::time::timeout(END, running).await;
        let ran = ran.expect("it ends in time").expect("it starts");
        Self {
            code: ran.status.code(),
            out: String::from_utf8_lossy(&ran.stdout).into_owned(),
            err: String::from_utf8_lossy(&ran.stderr).into_owned(),
        }
    }
}
