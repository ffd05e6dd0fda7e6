//! A machine that has no room: a port that is taken, a disk that is full.

use std::io::Write as _;
use std::process::Stdio;

use tokio::net::TcpListener;
use tokio::process::Command;
use world::{binary, says};

#[tokio::test]
async fn a_port_in_use_is_told_with_a_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let said = says(&["--data", data, "--listen", &address]).await;
    assert!(!said.ok);
    let wanted = format!("can't listen on {address}: Address already in use");
    assert!(said.err.contains(&wanted), "{}", said.err);
    let remedy = "stop it, or give another address with --listen";
    assert!(said.err.contains(remedy), "{}", said.err);
    // Another machine's address, and one of the metrics.
    let said = says(&["--data", data, "--listen", "192.0.2.1:8080"]).await;
    assert!(
        said.err.contains("this machine has no such address"),
        "{}",
        said.err
    );
    let flags = [
        "--data",
        data,
        "--listen",
        "127.0.0.1:0",
        "--metrics-listen",
    ];
    let said = says(&[&flags[..], &[&address]].concat()).await;
    assert!(
        said.err
            .contains(&format!("can't listen on {address} for metrics")),
        "{}",
        said.err
    );
}

/// Says on the real standard error that a test did not run; `scripts/tally.mjs` counts such lines.
fn skipped(test: &str, why: &str) {
    let line = format!("skipped server::crowded::{test}: {}\n", why.trim());
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Runs a script where `$1` is a file system of 16 MiB; `$0` is the binary. An error says why it can't be.
async fn on_a_full_disk(script: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let mount = r#"mount -t tmpfs -o size=16m none "$1" || exit 77; "#;
    let mut why = String::new();
    // As root, and as somebody who may become it in a namespace of his own.
    for private in ["-m", "-Urm"] {
        let mut unshare = Command::new("unshare");
        unshare.args([private, "sh", "-c", &(mount.to_owned() + script)]);
        unshare
            .arg(binary())
            .arg(folder.path())
            .stdin(Stdio::null());
        match unshare.output().await {
            Ok(ran) if ran.status.success() => {
                return Ok(String::from_utf8_lossy(&ran.stdout).into_owned());
            }
            Ok(ran) => why = String::from_utf8_lossy(&ran.stderr).into_owned(),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

#[tokio::test]
async fn a_store_is_not_begun_on_a_full_disk_and_a_backup_that_has_no_room_leaves_nothing() {
    let script = r#"
        "$0" --data "$1/data" --listen 127.0.0.1:0 2>&1; ls -A "$1/data"
        # A company that fits nowhere near: made on another disk, backed up to the small one.
        other=$(mktemp -d); "$0" demo --data "$other/data" >/dev/null 2>&1
        head -c 16000K /dev/zero >"$1/big"
        "$0" backup "$1/all.backup" --data "$other/data" 2>&1; ls -A "$1"
        rm -rf "$other""#;
    let told = match on_a_full_disk(script).await {
        Ok(told) => told,
        Err(why) => {
            let name =
                "a_store_is_not_begun_on_a_full_disk_and_a_backup_that_has_no_room_leaves_nothing";
            return skipped(name, &why);
        }
    };
    let refused = "a server refuses to write below 256 MiB: make room, or give a folder on a larger disk with --data";
    assert!(told.contains(refused), "{told}");
    let rest: Vec<&str> = told.lines().skip(1).collect();
    let [backup, there @ ..] = rest.as_slice() else {
        panic!("{told}");
    };
    assert!(backup.contains("No space left on device"), "{told}");
    assert_eq!(there, ["big", "data"], "{told}");
}
