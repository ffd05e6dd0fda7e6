//! Kills a process that writes, again and again, and compares what it acknowledged with what the next
//! start holds: the long form of the test of the same name.
//!
//! `cargo run --profile ci --features suite -p storage --example crash -- --rounds 50 [--seed 1]`; writes
//! `reports/kill-<rounds>.json` and fails when anything is missing, doubled or left out.

#![expect(dead_code, reason = "the benchmark uses the rest of what is common")]

use std::path::Path;
use std::process::{Command, ExitCode};

use storage::suite::kill::{self, FOLDER};

mod common;

#[expect(
    clippy::disallowed_methods,
    reason = "how the program tells its child which folder to write to"
)]
fn told_folder() -> Option<String> {
    std::env::var(FOLDER).ok()
}

#[tokio::main]
async fn main() -> ExitCode {
    if let Some(folder) = told_folder() {
        kill::child(Path::new(&folder)).await;
    }
    let number = |name, usual| common::argument(name, usual).parse().expect("a number");
    let (rounds, seed): (u64, u64) = (number("rounds", "50"), number("seed", "1"));
    let folder = tempfile::tempdir().expect("a folder");
    let load = common::load_average();
    let this = || Command::new(std::env::current_exe().expect("this executable"));
    let kills = kill::rounds(this, folder.path(), rounds, seed).await;
    println!("{kills:?}");
    let mut run = common::Run::default();
    for (name, value) in [
        ("rounds", kills.rounds),
        ("acknowledged", kills.acknowledged),
        ("entries_held", kills.held),
    ] {
        run.figures.insert(name.to_owned(), value as f64);
    }
    let found = [
        ("missing", kills.missing),
        ("doubled", kills.doubled),
        ("gaps", kills.gaps),
    ];
    run.audit.extend(found);
    let head = common::Head {
        name: &format!("kill-{rounds}"),
        scenario: "kill -9 of a process that writes",
        parameters: serde_json::json!({"rounds": rounds, "writers": 8}),
        seed,
        command: common::called("crash"),
        disk: "a folder for temporary files",
    };
    common::write(&head, &[(load, run)]);
    ExitCode::from(u8::from(found.iter().any(|(_, count)| *count > 0)))
}
