//! What the binary does beside serving. A command that needs the store asks the server that has it open, over a
//! socket in the data folder ([`socket`]); where no server runs it opens the folder itself, so that both ways end
//! in the same code ([`request`]).

use std::path::{Path, PathBuf};

use chat_core::clock::Clock;
use clap::Args;
use storage::{Limits, OpenError, Store};

use crate::config::Command;

pub mod backup;
pub mod demo;
pub mod doctor;
pub mod folder;
pub mod request;
pub mod reset;
pub mod restore;
pub mod socket;
pub mod status;

/// How a command ends: well, or with a sentence.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Which data folder.
#[derive(Clone, Debug, Args)]
pub struct Data {
    /// The folder that holds everything the server keeps.
    #[arg(
        long = "data",
        env = "CHAOKE_DATA",
        default_value = "./data",
        value_name = "DIR"
    )]
    pub folder: PathBuf,
}

/// Runs a command that is not serving.
///
/// # Errors
/// A sentence.
pub fn run(command: Command) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match command {
            Command::Backup(backup) => backup::run(&backup).await,
            Command::Restore(restore) => restore::run(&restore),
            Command::Status(status) => status::run(&status.data).await,
            Command::Doctor(doctor) => doctor::run(&doctor).await,
            Command::Demo(demo) => demo::run(&demo).await,
            Command::Admin(admin) => reset::run(&admin).await,
            // Those are no commands of this kind; `main` does not ask for them here.
            Command::Serve(_)
            | Command::Healthcheck(_)
            | Command::Config { .. }
            | Command::Version => Ok(()),
        }
    })
}

/// Opens the store of a data folder that no server serves.
///
/// # Errors
/// There is none, or it can't be opened.
fn open(data: &Path, clock: &Clock) -> Result<Store, Box<dyn std::error::Error>> {
    let folder = folder::store(data);
    if !folder.join("db").exists() {
        return Err(format!("there is no store in {}", data.display()).into());
    }
    match Store::embedded(&folder, Limits::default(), clock.as_fn()) {
        Err(OpenError::InUse(_)) => Err(format!(
            "a server serves from {}, and does not answer at {}: is it another user's, or older than this command?",
            data.display(),
            socket::path(data).display()
        )
        .into()),
        other => Ok(other?),
    }
}
