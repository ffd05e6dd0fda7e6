//! Looks through the database's journals before the database does.
//!
//! Its checksum of a batch covers the items but not the batch's sequence number. A flipped bit there would
//! let an old row win over a newer one, silently; and a sealed journal with a damaged middle would be cut
//! while the next one is still read. So: sequence numbers must rise, and only the newest journal may end
//! inside a batch. The format is that of fjall 3 (`FJL` 3); a test fails when it changes.

use std::path::{Path, PathBuf};

use crate::contract::OpenError;

/// The end of every batch.
const TRAILER: [u8; 4] = [b'F', b'J', b'L', 3];

/// What was found in one journal.
#[derive(Debug, PartialEq, Eq)]
struct Scan {
    /// Whole batches.
    batches: usize,
    /// Sequence number of the last one.
    last: Option<u64>,
    /// True if nothing but zeros follows.
    whole: bool,
}

/// Refuses journals that the database would read wrongly. Gives the number of batches.
pub(crate) fn check(database: &Path) -> Result<usize, OpenError> {
    let journals = journals(database)?;
    let mut batches = 0;
    let mut last = None;
    for (n, path) in journals.iter().enumerate() {
        let found = scan(&std::fs::read(path)?, last)?;
        if !found.whole && n + 1 < journals.len() {
            return Err(damaged(
                "a journal ends inside a batch and another one follows",
            ));
        }
        batches += found.batches;
        last = found.last;
    }
    Ok(batches)
}

/// The journals, oldest first; none before the database was created.
pub(super) fn journals(database: &Path) -> Result<Vec<PathBuf>, OpenError> {
    let entries = match std::fs::read_dir(database) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let number = path
            .file_stem()
            .and_then(|stem| stem.to_str()?.parse::<u64>().ok());
        if path.extension().is_some_and(|end| end == "jnl")
            && let Some(number) = number
        {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

fn damaged(why: &str) -> OpenError {
    OpenError::Damaged(why.to_owned())
}

fn scan(bytes: &[u8], last: Option<u64>) -> Result<Scan, OpenError> {
    let mut found = Scan {
        batches: 0,
        last,
        whole: true,
    };
    let mut rest = bytes;
    let mut end = bytes;
    while let Some(number) = batch(&mut rest) {
        if found.last.is_some_and(|last| number <= last) {
            return Err(damaged("the batches of a journal are out of order"));
        }
        found.batches += 1;
        found.last = Some(number);
        end = rest;
    }
    found.whole = end.iter().all(|byte| *byte == 0);
    Ok(found)
}

/// The sequence number of the batch at the front; nothing if there is no whole one.
fn batch(rest: &mut &[u8]) -> Option<u64> {
    let [1] = *take::<1>(rest)? else { return None };
    take::<4>(rest)?;
    let number = u64::from_le_bytes(*take(rest)?);
    loop {
        match *take::<1>(rest)? {
            // An item: kind of value, compression, keyspace, three lengths, key, value.
            [2] => {
                take::<10>(rest)?;
                let key = usize::from(u16::from_le_bytes(*take(rest)?));
                take::<4>(rest)?;
                let value = u32::from_le_bytes(*take(rest)?);
                let length = key.checked_add(usize::try_from(value).ok()?)?;
                *rest = rest.get(length..)?;
            }
            [3] => {
                take::<8>(rest)?;
                return (*take::<4>(rest)? == TRAILER).then_some(number);
            }
            // A cleared keyspace.
            [4] => {
                take::<8>(rest)?;
            }
            _ => return None,
        }
    }
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(numbers: &[u64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for number in numbers {
            bytes.extend_from_slice(&[1, 1, 0, 0, 0]);
            bytes.extend_from_slice(&number.to_le_bytes());
            bytes.extend_from_slice(&[2, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
            bytes.extend_from_slice(&[1, 0, 2, 0, 0, 0, 2, 0, 0, 0, b'k', b'v', b'v']);
            bytes.extend_from_slice(&[3, 0, 0, 0, 0, 0, 0, 0, 0]);
            bytes.extend_from_slice(&TRAILER);
        }
        bytes
    }

    #[test]
    fn rising_numbers_and_a_torn_tail_are_fine() {
        let mut bytes = written(&[3, 4, 9]);
        let found = |batches, last, whole| Scan {
            batches,
            last: Some(last),
            whole,
        };
        assert_eq!(scan(&bytes, Some(2)).unwrap(), found(3, 9, true));
        bytes.extend_from_slice(&[0; 100]);
        assert_eq!(scan(&bytes, None).unwrap(), found(3, 9, true));
        bytes.truncate(bytes.len() - 101);
        assert_eq!(scan(&bytes, None).unwrap(), found(2, 4, false));
    }

    #[test]
    fn numbers_that_do_not_rise_are_refused() {
        for numbers in [[3, 3, 4], [3, 9, 4], [3, 2, 4]] {
            assert!(scan(&written(&numbers), None).is_err());
        }
        assert!(scan(&written(&[3]), Some(3)).is_err());
    }
}
