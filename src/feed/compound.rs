//! Compound files, in which older programs of Office save: a file system in a file.
//!
//! The `cfb` crate reads them. What it holds of their allocation grows with what it reads
//! of them, and a file may name one sector again and again, so that is bounded here.
//! Some writers list sectors that are not there as used, behind the last one: `cfb` refuses
//! such a file for its length, so the length it gets is longer, and of the rest nothing can
//! be read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cfb::CompoundFile;

use super::FeedError;
use super::spool::Opened;

/// The allocation is one in 128 bytes of a file; small files may have many streams.
const MAX_DIRECTORY: u64 = 8 << 20;

/// What one sector of the list of sectors covers, in files that have sectors of 512 bytes:
/// so much of the list may be about sectors behind the end.
const MAX_LISTED_BEHIND: u64 = 128 * 512;

/// An open compound file.
pub(super) struct Compound<'a> {
    inner: CompoundFile<Metered<'a>>,
    left: Arc<AtomicU64>,
    length: u64,
}

/// A file of which a limited number of bytes is read, and that says it is longer.
struct Metered<'a> {
    file: &'a File,
    left: Arc<AtomicU64>,
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        if read == 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let left = self.left.load(Ordering::Relaxed);
        let left = left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "its parts are in one another")
        })?;
        self.left.store(left, Ordering::Relaxed);
        Ok(read)
    }
}

impl Seek for Metered<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let SeekFrom::End(offset) = position else {
            return self.file.seek(position);
        };
        let end = self.file.seek(SeekFrom::End(0))? + MAX_LISTED_BEHIND;
        let position = end.checked_add_signed(offset);
        let position = position.ok_or(io::ErrorKind::InvalidInput)?;
        self.file.seek(SeekFrom::Start(position))
    }
}

impl<'a> Compound<'a> {
    /// Reads the directory.
    pub(super) fn open(opened: &'a Opened) -> io::Result<Self> {
        let left = Arc::new(AtomicU64::new(opened.length / 32 + MAX_DIRECTORY));
        let file = Metered {
            file: &opened.file,
            left: left.clone(),
        };
        Ok(Self {
            inner: CompoundFile::open(file)?,
            left,
            length: opened.length,
        })
    }

    /// Whether a stream of this name is in it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.inner.is_stream(format!("/{name}"))
    }

    /// Begins to read a stream.
    pub(super) fn stream(&mut self, name: &str) -> io::Result<impl Read> {
        // Sectors are read once, and small streams are in sectors of others.
        let max = self.length.saturating_mul(2).saturating_add(MAX_DIRECTORY);
        self.left.store(max, Ordering::Relaxed);
        let stream = self.inner.open_stream(format!("/{name}"))?;
        Ok(stream.take(self.length))
    }

    /// The error for a file that does not hold together.
    pub(super) fn damaged(path: &Arc<Path>, error: io::Error) -> FeedError {
        match error.kind() {
            io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::NotFound
            | io::ErrorKind::UnexpectedEof => {
                FeedError::not_a_table(path, "a damaged file of an old Office program")
            }
            _ => FeedError::read(path, 0)(error),
        }
    }
}
