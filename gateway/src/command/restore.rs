//! `chaoke restore FILE --data DIR`: a new data folder of a backup.

use std::path::PathBuf;

use chat_core::clock::Clock;
use chat_core::random::Random;
use clap::Args;
use storage::{Limits, backup};

use super::backup::contents;
use super::{Data, Outcome, folder};

/// What `chaoke restore` is told.
#[derive(Clone, Debug, Args)]
pub struct Restore {
    /// The backup.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The new data folder.
    #[command(flatten)]
    pub data: Data,
}

/// See the module.
///
/// # Errors
/// A sentence; then nothing was touched.
pub fn run(told: &Restore) -> Outcome {
    let (file, data) = (&told.file, &told.data.folder);
    let of_file = |error| format!("{}: {error}", file.display());
    backup::check(file).map_err(of_file)?;
    let new = !data.exists();
    if !new && std::fs::read_dir(data)?.next().is_some() {
        return Err(format!(
            "{} is not empty; a backup is restored into a new folder only",
            data.display()
        )
        .into());
    }
    std::fs::create_dir_all(data)?;
    let limits = Limits {
        incarnation_seed: u64::from_be_bytes(Random::system().bytes()),
        ..Limits::default()
    };
    let clock = Clock::system();
    let restored = backup::restore(file, &folder::store(data), &limits, clock.as_fn());
    let summary = restored.map_err(|error| {
        if new {
            // It was made for this.
            let _ = std::fs::remove_dir(data);
        }
        of_file(error)
    })?;
    println!("{} holds {}", data.display(), contents(&summary));
    println!("Start it with: chaoke --data {}", data.display());
    Ok(())
}
