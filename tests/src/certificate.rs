//! Certificates to test with.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A certificate for 127.0.0.1 that vouches for itself, good for 30 days, and its key.
///
/// # Panics
/// When it can't be made.
pub fn certificate(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join(name), folder.join(format!("{name}.key")));
    let kind = ["req", "-x509", "-nodes", "-newkey", "ec"];
    let curve = ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "30"];
    let whom = ["-subj", "/CN=127.0.0.1", "-addext"];
    let means = ["subjectAltName=IP:127.0.0.1", "-addext"];
    let made = Command::new("openssl")
        .args(kind.iter().chain(&curve).chain(&whom).chain(&means))
        .arg("basicConstraints=critical,CA:FALSE")
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("openssl is there: sudo apt-get install openssl");
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");
    (certificate, key)
}
