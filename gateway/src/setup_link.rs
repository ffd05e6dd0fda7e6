//! The one-time link that sets up the company: printed, and kept in a file for its owner only.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use chat_core::ids::Id;

/// The file's name in the data folder.
pub const FILE: &str = "setup-link";

/// A token of 256 bits for the link.
pub fn token(random: [u8; 32]) -> String {
    let (one, other) = random.split_at(16);
    [one, other]
        .iter()
        .map(|half| Id(<[u8; 16]>::try_from(*half).unwrap_or_default()).to_string())
        .collect()
}

/// Writes the link to a file that only its owner may read.
///
/// # Errors
/// The file can't be written.
pub fn write(path: &Path, link: &str) -> io::Result<()> {
    remove(path);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{link}")
}

/// Removes the file; an absent one is as good.
pub fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}

/// The addresses by which the server can be reached, the nearest first.
pub fn addresses(scheme: &str, bound: SocketAddr) -> Vec<String> {
    let with = |ip| format!("{scheme}://{}", SocketAddr::new(ip, bound.port()));
    if !bound.ip().is_unspecified() {
        return vec![with(bound.ip())];
    }
    let near = IpAddr::V4(Ipv4Addr::LOCALHOST);
    std::iter::once(near)
        .chain(outward_address())
        .map(with)
        .collect()
}

/// The machine's own address towards the network. Connecting a UDP socket sends nothing.
fn outward_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // RFC 5737: an address for documentation, which nobody has.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_file_is_for_its_owner_only() {
        let dir = std::env::temp_dir().join(format!("chaoke-link-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join(FILE);
        write(&path, "http://127.0.0.1:1/setup#x").unwrap();
        write(&path, "http://127.0.0.1:1/setup#y").unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "http://127.0.0.1:1/setup#y\n"
        );
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        remove(&path);
        assert!(!path.exists());
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn listening_everywhere_names_an_address_that_can_be_opened() {
        assert_eq!(
            addresses("http", "0.0.0.0:8080".parse().unwrap())[0],
            "http://127.0.0.1:8080"
        );
        assert_eq!(
            addresses("https", "10.1.2.3:80".parse().unwrap()),
            ["https://10.1.2.3:80"]
        );
    }
}
