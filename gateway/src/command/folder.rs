//! The data folder: what stands in it, and whether it is one of ours.

use std::path::{Path, PathBuf};

use super::socket;
use crate::setup_link;

/// Endings of what people keep beside a store: settings, keys. A log is known by the end of its name.
const BESIDE: [&str; 6] = ["toml", "key", "pem", "crt", "env", "conf"];

/// Where the embedded store of a data folder stands.
pub fn store(data: &Path) -> PathBuf {
    data.join("store")
}

/// Where the files that people send stand, unless a setting says otherwise.
pub fn files(data: &Path) -> PathBuf {
    data.join("files")
}

/// Refuses a folder that holds no store of ours, but something else: a mistyped folder must not be filled.
///
/// # Errors
/// A sentence.
pub fn check(data: &Path) -> Result<(), String> {
    if store(data).exists() {
        return Ok(());
    }
    let Ok(entries) = std::fs::read_dir(data) else {
        // Not there yet, or not to be read: making the store says why.
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name == "store.restoring" {
            return Err(format!(
                "a restore was cut off in {}: remove that folder and restore again",
                data.display()
            ));
        }
        if !may_stand_beside(Path::new(&name)) {
            return Err(format!(
                "the folder {} holds no store but other things, such as {}; give an empty folder with --data",
                data.display(),
                name.display()
            ));
        }
    }
    Ok(())
}

fn may_stand_beside(name: &Path) -> bool {
    let text = name.to_string_lossy();
    let known = [
        setup_link::FILE,
        socket::FILE,
        "lost+found",
        "snapshots",
        "files",
    ];
    known.contains(&&*text)
        || text.starts_with('.')
        || text.ends_with("log")
        || name
            .extension()
            .is_some_and(|ending| BESIDE.iter().any(|beside| ending == *beside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_somebody_else_is_told_from_a_new_one() {
        for (name, ours) in [
            ("setup-link", true),
            ("chaoke.toml", true),
            ("server-log", true),
            (".keep", true),
            ("PG_VERSION", false),
            ("photos", false),
        ] {
            assert_eq!(may_stand_beside(Path::new(name)), ours, "{name}");
        }
    }
}
