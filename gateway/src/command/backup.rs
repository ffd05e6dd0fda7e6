//! `chaoke backup FILE`: everything of one moment in one file, while the server serves.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use chat_core::clock::Clock;
use clap::Args;
use storage::backup::{self, Summary};

use super::request::Request;
use super::{Data, Outcome, socket};

/// Bytes that are copied at once.
const COPIED_BYTES: usize = 256 << 10;

/// What `chaoke backup` is told.
#[derive(Clone, Debug, Args)]
pub struct Backup {
    /// The new file. It holds everything: keep it as safe as the data folder.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Which data folder.
    #[command(flatten)]
    pub data: Data,
}

/// See the module.
///
/// # Errors
/// A sentence; then there is no file of that name.
pub async fn run(told: &Backup) -> Outcome {
    let file = &told.file;
    if file.exists() {
        return Err(format!("{} is there already; give a new name", file.display()).into());
    }
    // Under its own name only once it is whole and checked.
    let mut part = file.as_os_str().to_owned();
    part.push(format!(".part-{}", std::process::id()));
    let part = PathBuf::from(part);
    let summary = match whole(&told.data.folder, &part).await {
        Ok(summary) => summary,
        Err(error) => {
            let _ = std::fs::remove_file(&part);
            return Err(error);
        }
    };
    std::fs::rename(&part, file)?;
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    println!("{} holds {}", file.display(), contents(&summary));
    let files = super::folder::files(&told.data.folder);
    if files.exists() {
        println!(
            "Pictures and files are not in it: copy {} too, now or later",
            files.display()
        );
    }
    Ok(())
}

/// What a backup holds, in words.
pub(super) fn contents(summary: &Summary) -> String {
    format!(
        "{} rows of {} homes up to commit {} ({} bytes)",
        summary.rows, summary.homes, summary.position, summary.bytes
    )
}

async fn whole(data: &Path, part: &Path) -> Result<Summary, Box<dyn std::error::Error>> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options
        .open(part)
        .map_err(|error| format!("{} can't be written: {error}", part.display()))?;
    match socket::ask(data, &Request::Backup {}).await? {
        Some(mut reply) => {
            let mut buffer = vec![0; COPIED_BYTES];
            loop {
                let read = reply.more(&mut buffer).await?;
                if read == 0 {
                    break;
                }
                file.write_all(&buffer[..read])?;
            }
        }
        None => {
            let store = super::open(data, &Clock::system())?;
            let made = store.backup(&mut file);
            store.close().await;
            made?;
        }
    }
    file.sync_all()?;
    // What the disk gives back is what a restore will get.
    Ok(backup::check(part)?)
}
