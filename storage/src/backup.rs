//! A backup: one file with everything that a store held at one moment.
//!
//! ```text
//! magic 8 · format 4 · format of the store 8 · incarnation 8 · position 8 · its time 8 · made at 8
//! entries:  length of the key 4 · key · length of the value 4 · value          (keys in their order)
//! 0 (4) · entries 8 · rows 8 · homes 8 · length of the file 8 · SHA-256 of all before it 32 · end 8
//! ```
//!
//! Numbers are big-endian. A file that was cut short has no end, one in which a byte changed another sum:
//! [`check`] reads it whole before anything is believed, and [`restore`] before anything is touched.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::contract::OpenError;
use crate::engine::embedded;
use crate::engine::embedded::upgrade::{WAYS, Ways};
use crate::engine::layout;
use crate::limits::Limits;

/// The first bytes of each backup.
const MAGIC: [u8; 8] = *b"\x89CKSTORE";
/// The last ones.
const END: [u8; 8] = *b"CKWHOLE\n";
/// Format of the file.
const BACKUP_FORMAT: u32 = 1;
/// Magic, format and what is known of the store.
const HEAD_BYTES: u64 = 8 + 4 + 5 * 8;
/// The 0 behind the entries, four numbers, sum, end.
const FOOT_BYTES: u64 = 4 + 4 * 8 + 32 + 8;
/// A longer key or value stands in no store: a row is limited to 64 KiB, a round's effects to 1 MiB.
const PIECE_BYTES_MAX: u32 = 16 << 20;
/// Read at once while the sum is made.
const READ_BYTES: usize = 256 << 10;

/// What a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Position of the newest commit in it.
    pub position: u64,
    /// When that commit was made, in ms since 1970; 0 in an empty store.
    pub time_ms: i64,
    /// When the backup was made.
    pub made_ms: i64,
    /// Of the store that it was made of.
    pub incarnation: u64,
    /// Rows of homes, and what the store keeps of its rounds.
    pub entries: u64,
    /// Rows of homes.
    pub rows: u64,
    /// Homes that have rows.
    pub homes: u64,
    /// Length of the file.
    pub bytes: u64,
}

/// Why there is no backup, or none to restore.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The engine has another way.
    #[error(
        "this store keeps everything in a database: back that up with the tools of the database"
    )]
    Unsupported,
    /// It begins otherwise.
    #[error("this is no backup")]
    Foreign,
    /// A newer version made it.
    #[error(
        "the backup has format {found}, this version reads up to {known}: restore it with the release that made it, or a newer one"
    )]
    Newer {
        /// What it says.
        found: u64,
        /// What is read here.
        known: u64,
    },
    /// Its end is missing.
    #[error("the backup is cut short: its end is missing")]
    Cut,
    /// The sum is another one.
    #[error("the backup was changed after it was made: its checksum does not fit")]
    Changed,
    /// It is whole, and contradicts itself: a mistake of who made it.
    #[error("the backup contradicts itself: {0}")]
    Wrong(String),
    /// A store is there, or something else.
    #[error("{0} is not empty; a backup is restored into a new folder only")]
    NotEmpty(String),
    /// The store can't be read or written.
    #[error("{0}")]
    Store(String),
    /// The file system refuses.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl From<OpenError> for BackupError {
    fn from(error: OpenError) -> Self {
        Self::Store(error.to_string())
    }
}

/// Writes a backup piece by piece.
pub(crate) struct Writer<'a> {
    out: &'a mut (dyn Write + Send),
    sum: Sha256,
    summary: Summary,
    home: Vec<u8>,
}

impl<'a> Writer<'a> {
    /// Begins with what is known of the store; the counts of `summary` are made here.
    pub(crate) fn begin(
        out: &'a mut (dyn Write + Send),
        format: u64,
        summary: Summary,
    ) -> Result<Self, BackupError> {
        let mut writer = Self {
            out,
            sum: Sha256::new(),
            summary: Summary {
                entries: 0,
                rows: 0,
                homes: 0,
                bytes: 0,
                ..summary
            },
            home: Vec::new(),
        };
        writer.put(&MAGIC)?;
        writer.put(&BACKUP_FORMAT.to_be_bytes())?;
        writer.put(&format.to_be_bytes())?;
        writer.put(&summary.incarnation.to_be_bytes())?;
        writer.put(&summary.position.to_be_bytes())?;
        writer.put(&summary.time_ms.to_be_bytes())?;
        writer.put(&summary.made_ms.to_be_bytes())?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.sum.update(bytes);
        self.summary.bytes += bytes.len() as u64;
        Ok(self.out.write_all(bytes)?)
    }

    fn piece(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        if length > PIECE_BYTES_MAX {
            return Err(BackupError::Wrong(format!("{length} bytes in one piece")));
        }
        self.put(&length.to_be_bytes())?;
        self.put(bytes)
    }

    /// One more entry, in order of the keys.
    pub(crate) fn entry(&mut self, key: &[u8], value: &[u8]) -> Result<(), BackupError> {
        self.piece(key)?;
        self.piece(value)?;
        count(&mut self.summary, &mut self.home, key);
        Ok(())
    }

    /// Writes the end.
    pub(crate) fn end(mut self) -> Result<Summary, BackupError> {
        let bytes = self.summary.bytes + FOOT_BYTES;
        let (entries, rows, homes) = (self.summary.entries, self.summary.rows, self.summary.homes);
        self.put(&0_u32.to_be_bytes())?;
        for number in [entries, rows, homes, bytes] {
            self.put(&number.to_be_bytes())?;
        }
        let sum: [u8; 32] = self.sum.clone().finalize().into();
        self.put(&sum)?;
        self.put(&END)?;
        self.out.flush()?;
        Ok(self.summary)
    }
}

fn count(summary: &mut Summary, home: &mut Vec<u8>, key: &[u8]) {
    summary.entries += 1;
    if !layout::is_row(key) {
        return;
    }
    summary.rows += 1;
    // Rows of one home lie together.
    let prefix = layout::home_part(key);
    if prefix != home.as_slice() {
        summary.homes += 1;
        prefix.clone_into(home);
    }
}

/// Key and value.
pub(crate) type Entry = (Vec<u8>, Vec<u8>);

/// A backup whose sum fits, read entry by entry.
pub(crate) struct Source {
    file: BufReader<File>,
    /// What its head says; the counts grow with what is read.
    pub(crate) summary: Summary,
    /// Of the store that it was made of.
    pub(crate) format: u64,
    home: Vec<u8>,
    length: u64,
}

impl Source {
    /// Checks the whole sum and reads the head; a format to which no way leads is refused.
    pub(crate) fn open(path: &Path, ways: &Ways) -> Result<Self, BackupError> {
        let (mut file, length) = whole(path)?;
        file.seek(SeekFrom::Start(12))?;
        let mut file = BufReader::with_capacity(READ_BYTES, file);
        let found = number(&mut file)?;
        if !ways.reads(found) {
            let known = ways.format;
            return Err(BackupError::Newer { found, known });
        }
        let summary = Summary {
            incarnation: number(&mut file)?,
            position: number(&mut file)?,
            time_ms: number(&mut file)?.cast_signed(),
            made_ms: number(&mut file)?.cast_signed(),
            entries: 0,
            rows: 0,
            homes: 0,
            bytes: length,
        };
        Ok(Self {
            file,
            summary,
            format: found,
            home: Vec::new(),
            length,
        })
    }

    /// The next entry; nothing behind the last one, and then the counts were the right ones.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, BackupError> {
        let key = self.piece()?;
        if key.is_empty() {
            let told = [(); 4].map(|()| number(&mut self.file));
            let [entries, rows, homes, bytes] = told;
            let summary = &self.summary;
            let read = (summary.entries, summary.rows, summary.homes, self.length);
            if (entries?, rows?, homes?, bytes?) != read {
                return Err(BackupError::Wrong("its counts are others".to_owned()));
            }
            return Ok(None);
        }
        let value = self.piece()?;
        count(&mut self.summary, &mut self.home, &key);
        self.check_version(&key, &value)?;
        Ok(Some((key, value)))
    }

    fn piece(&mut self) -> Result<Vec<u8>, BackupError> {
        let mut length = [0; 4];
        self.file.read_exact(&mut length).map_err(ended)?;
        let length = u32::from_be_bytes(length);
        if length > PIECE_BYTES_MAX {
            return Err(BackupError::Wrong(format!("{length} bytes in one piece")));
        }
        let mut bytes = vec![0; length as usize];
        self.file.read_exact(&mut bytes).map_err(ended)?;
        Ok(bytes)
    }

    /// No row is newer than the newest commit: what was not answered by then is not half there.
    fn check_version(&self, key: &[u8], value: &[u8]) -> Result<(), BackupError> {
        if !layout::is_row(key) {
            return Ok(());
        }
        let version = value.first_chunk::<8>().map(|v| u64::from_be_bytes(*v));
        match version {
            Some(version) if version <= self.summary.position => Ok(()),
            _ => Err(BackupError::Wrong(
                "a row is newer than its journal".to_owned(),
            )),
        }
    }
}

/// Opens a file that is a backup and whole; gives its length too.
fn whole(path: &Path) -> Result<(File, u64), BackupError> {
    let mut file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(BackupError::Foreign);
    }
    let length = file.metadata()?.len();
    check_kind(&mut file)?;
    check_sum(&mut file, length)?;
    Ok((file, length))
}

/// Whether a file is a whole backup, of whatever format of the store.
pub(crate) fn sum_fits(path: &Path) -> bool {
    whole(path).is_ok()
}

fn check_kind(file: &mut File) -> Result<(), BackupError> {
    let mut head = [0; 12];
    file.read_exact(&mut head)
        .map_err(|_| BackupError::Foreign)?;
    let (magic, format) = head.split_at(8);
    if magic != MAGIC {
        return Err(BackupError::Foreign);
    }
    let format = format
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    if format > u64::from(BACKUP_FORMAT) {
        let known = u64::from(BACKUP_FORMAT);
        return Err(BackupError::Newer {
            found: format,
            known,
        });
    }
    Ok(())
}

fn check_sum(file: &mut File, length: u64) -> Result<(), BackupError> {
    if length < HEAD_BYTES + FOOT_BYTES {
        return Err(BackupError::Cut);
    }
    let mut foot = [0; 48];
    file.seek(SeekFrom::Start(length - 48))?;
    file.read_exact(&mut foot)?;
    let (told, rest) = foot.split_at(8);
    let (sum, end) = rest.split_at(32);
    if end != END {
        return Err(BackupError::Cut);
    }
    file.rewind()?;
    let (mut left, mut buffer, mut found) = (length - 40, vec![0; READ_BYTES], Sha256::new());
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(READ_BYTES).min(READ_BYTES);
        file.read_exact(&mut buffer[..most])?;
        found.update(&buffer[..most]);
        left -= most as u64;
    }
    if found.finalize().as_slice() != sum || told != length.to_be_bytes() {
        return Err(BackupError::Changed);
    }
    Ok(())
}

fn number(file: &mut impl Read) -> Result<u64, BackupError> {
    let mut bytes = [0; 8];
    file.read_exact(&mut bytes).map_err(ended)?;
    Ok(u64::from_be_bytes(bytes))
}

/// The sum fits, so this is no cut.
fn ended(error: std::io::Error) -> BackupError {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            BackupError::Wrong("an entry reaches over its end".to_owned())
        }
        _ => BackupError::Io(error),
    }
}

/// Reads a backup whole and gives what it holds. Blocks.
///
/// # Errors
/// [`BackupError`] says in words why it can't be restored.
pub fn check(file: &Path) -> Result<Summary, BackupError> {
    let mut source = Source::open(file, &WAYS)?;
    while source.next()?.is_some() {}
    Ok(source.summary)
}

/// Makes a store in the new folder `folder` of a backup, which is read whole before. The store has another
/// incarnation than the one it was made of, and goes on at a position above all that one may have reached
/// since. Blocks. `clock` gives ms since 1970.
///
/// # Errors
/// [`BackupError`] says in words why not; the folder is not there then.
pub fn restore(
    file: &Path,
    folder: &Path,
    limits: &Limits,
    clock: std::sync::Arc<dyn Fn() -> i64 + Send + Sync>,
) -> Result<Summary, BackupError> {
    check(file)?;
    embedded::backup::restore(&WAYS, file, folder, limits, &clock)
}
