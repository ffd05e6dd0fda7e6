//! The process and its disk, as the overview of an administrator tells of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chat_core::host::{Disk, Host, HostFigures};
use storage::Limits;

use crate::ws::hub::Hub;

/// Files of a store that are counted at most: it has some hundreds.
const FILES_MAX: usize = 100_000;

/// This process.
pub(crate) struct Machine {
    pub(crate) hub: Arc<Hub>,
    /// The folder of a store on this machine.
    pub(crate) folder: Option<PathBuf>,
}

impl Host for Machine {
    fn figures(&self) -> HostFigures {
        HostFigures {
            version: env!("CARGO_PKG_VERSION"),
            sockets: self.hub.sockets() as u64,
            disk: self.folder.as_deref().and_then(disk),
        }
    }
}

/// Nothing where the file system does not tell.
fn disk(folder: &Path) -> Option<Disk> {
    Some(Disk {
        store_bytes: bytes_in(folder),
        free_bytes: storage::free_bytes(folder).ok()?,
        least_bytes: Limits::default().free_bytes_min,
    })
}

/// Bytes of the files in a folder. Files come and go meanwhile, so what is not there counts nothing.
fn bytes_in(folder: &Path) -> u64 {
    let (mut bytes, mut files) = (0, 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(entries) = folders.pop().map(std::fs::read_dir) {
        for entry in entries.into_iter().flatten().flatten() {
            let Ok(about) = entry.metadata() else {
                continue;
            };
            files += 1;
            if files > FILES_MAX {
                return bytes;
            }
            if about.is_dir() {
                folders.push(entry.path());
            } else {
                bytes += about.len();
            }
        }
    }
    bytes
}
