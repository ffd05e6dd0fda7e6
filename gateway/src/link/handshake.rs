//! Both ends of a link prove that they know the key of the cluster, without saying it. The first message of
//! the listening end is a number used once; the dialling end answers with one of its own and a proof over
//! both; the listening end proves the same with the order turned. Pure.

use std::path::Path;

use chat_core::secret;

/// Shortest key in bytes.
pub(super) const KEY_BYTES_MIN: usize = 16;
/// Bytes of a number used once.
pub(super) const NONCE_BYTES: usize = 32;
/// Bytes of a proof.
pub(super) const PROOF_BYTES: usize = 32;

/// What all nodes of a cluster know and nobody else does.
#[derive(Clone)]
pub struct LinkKey(Vec<u8>);

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey")
    }
}

impl LinkKey {
    /// A key from its text.
    ///
    /// # Errors
    /// A sentence: it is too short.
    pub fn new(text: &str) -> Result<Self, String> {
        let key = text.trim().as_bytes().to_vec();
        if key.len() < KEY_BYTES_MIN {
            return Err(format!(
                "the key of the cluster is too short: at least {KEY_BYTES_MIN} characters, the same on all nodes"
            ));
        }
        Ok(Self(key))
    }

    /// The first line of a file.
    ///
    /// # Errors
    /// A sentence: it can't be read, or is too short.
    pub fn read(file: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            format!(
                "the key of the cluster can't be read from {}: {error}",
                file.display()
            )
        })?;
        Self::new(text.lines().next().unwrap_or_default())
    }

    fn proof(&self, of: &str, first: &[u8], second: &[u8]) -> [u8; PROOF_BYTES] {
        let said = [super::PROTOCOL.as_bytes(), of.as_bytes(), first, second];
        secret::mac(&self.0, &said)
    }

    /// What the dialling end says to the other's number.
    pub(super) fn introduce(&self, theirs: &[u8], own: &[u8; NONCE_BYTES]) -> Vec<u8> {
        [&own[..], &self.proof("dials", theirs, own)].concat()
    }

    /// What the listening end says to that; nothing if the other does not know the key.
    pub(super) fn admit(&self, own: &[u8; NONCE_BYTES], said: &[u8]) -> Option<[u8; PROOF_BYTES]> {
        let (theirs, proof) = said.split_at_checked(NONCE_BYTES)?;
        secret::same(proof, &self.proof("dials", own, theirs))
            .then(|| self.proof("listens", theirs, own))
    }

    /// Whether the listening end knows the key.
    pub(super) fn knows(&self, theirs: &[u8], own: &[u8; NONCE_BYTES], said: &[u8]) -> bool {
        secret::same(said, &self.proof("listens", own, theirs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> LinkKey {
        LinkKey::new(text).expect("long enough")
    }

    #[test]
    fn both_ends_know_the_key_or_nothing_is_said() {
        let (one, other) = (key("0123456789abcdef"), key("0123456789abcdeX"));
        let (listens, dials) = ([1; 32], [2; 32]);
        let said = one.introduce(&listens, &dials);
        let answer = one.admit(&listens, &said).expect("it knows the key");
        assert!(one.knows(&listens, &dials, &answer));
        assert!(other.admit(&listens, &said).is_none());
        assert!(!other.knows(&listens, &dials, &answer));
        // Said once, it is worth nothing later, nor sent back.
        assert!(one.admit(&[3; 32], &said).is_none());
        assert!(!one.knows(&listens, &dials, &said[32..]));
        for wrong in [&said[..63], &said[..31], b"", &[&said[..], b"x"].concat()] {
            assert!(one.admit(&listens, wrong).is_none());
        }
    }

    #[test]
    fn a_short_key_is_refused_in_words() {
        let said = LinkKey::new("0123456789abcde").unwrap_err();
        assert!(said.contains("at least 16 characters"), "{said}");
        assert!(LinkKey::new(" 0123456789abcdef \n").is_ok());
    }
}
