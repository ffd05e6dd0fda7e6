//! Signals to processes that a test has started.

use std::process::Command;

/// Sends a signal (`-KILL`). After `-STOP` every thread of the process stands still: when `kill` returns, the
/// signal is only sent, and a thread on another processor may still answer what is asked next.
///
/// # Panics
/// When there is no such process.
pub fn send(pid: u32, name: &str) {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status();
    assert!(sent.expect("kill runs").success(), "{name} to {pid}");
    while name == "-STOP" && !stands_still(pid) {
        std::thread::yield_now();
    }
}

/// Whether each thread of a process is stopped: state `T` of proc(5), or gone.
fn stands_still(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"));
    threads.into_iter().flatten().flatten().all(|thread| {
        let told = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // The name stands in brackets before the state, and may hold brackets itself.
        let (_, state) = told.rsplit_once(") ").unwrap_or_default();
        state.is_empty() || state.starts_with('T')
    })
}
