//! A text file that reads as UTF-8, whatever its encoding is.
//!
//! # Invariants
//!
//! - A file in another encoding is copied once, as UTF-8, into a private copy.
//!   Bytes that its encoding does not have become a byte that UTF-8 does not
//!   have, so that the reader refuses their rows like any others. Lines stay
//!   the same.
//! - The digest is that of the bytes as they were given.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use super::FeedError;
use super::encoding::{self, Charset, Judge};
use super::spool::{self, Opened};

/// An open text file.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) path: Arc<Path>,
    /// Holds UTF-8.
    pub(super) file: File,
    /// Of `file`.
    pub(super) length: u64,
    /// The digest of the file as it was given, once known.
    pub(super) sha256: Option<[u8; 32]>,
    /// What it was given in; `None` as long as all that was seen is ASCII, by
    /// which the encodings that remain do not differ.
    pub(super) encoding: Option<Charset>,
    /// A byte order mark says so.
    pub(super) has_mark: bool,
}

impl Text {
    /// Finds out the encoding of a file that starts with
    /// `start`, as far as that shows it, and makes the copy if one is needed.
    pub(super) fn open(
        path: &Arc<Path>,
        opened: Opened,
        start: &[u8],
        named: Option<Charset>,
    ) -> Result<Self, FeedError> {
        let text = Self {
            path: path.clone(),
            file: opened.file,
            length: opened.length,
            sha256: opened.sha256,
            encoding: None,
            has_mark: false,
        };
        match encoding::certain(start, named) {
            Some((encoding, mark)) => text.settle(encoding, mark),
            None if start.is_ascii() => Ok(text),
            None => text.judged(),
        }
    }

    /// The same text with its encoding known.
    pub(super) fn judged(self) -> Result<Self, FeedError> {
        let encoding = self.judge(0)?;
        self.settle(encoding, 0)
    }

    fn settle(mut self, encoding: Charset, mark: usize) -> Result<Self, FeedError> {
        if encoding == Charset::UTF_8 {
            self.encoding = Some(encoding);
            return Ok(self);
        }
        self.in_utf8(encoding, mark)
    }

    /// The encoding, by the bytes from `from` on, where a line begins; all before them are
    /// ASCII.
    /// Reads no further than it must, which in UTF-8 is not far.
    pub(super) fn judge(&self, from: u64) -> Result<Charset, FeedError> {
        let mut file = &self.file;
        let mut at = from;
        file.seek(SeekFrom::Start(from))
            .map_err(FeedError::read(&self.path, from))?;
        let mut judge = Judge::default();
        let mut buffer = vec![0; 1 << 17];
        loop {
            let failed = FeedError::read(&self.path, at);
            let bytes = spool::next_piece(&mut file, &mut buffer).map_err(failed)?;
            at += bytes.len() as u64;
            if bytes.is_empty() || judge.push(bytes) {
                let unclear = |likely: Vec<Charset>| FeedError::EncodingUnclear {
                    path: self.path.clone(),
                    likely: likely.into_iter().map(Charset::name).collect(),
                };
                return judge.verdict().map_err(unclear);
            }
        }
    }

    /// A private copy in UTF-8, without the `mark` bytes of its byte order mark.
    pub(super) fn in_utf8(&self, encoding: Charset, mark: usize) -> Result<Self, FeedError> {
        let copy = spool::decode(&self.path, &self.file, self.length, encoding, mark)?;
        Ok(Self {
            has_mark: mark > 0,
            path: self.path.clone(),
            file: copy.file,
            length: copy.length,
            // What is known is the digest of what this file was unpacked from.
            sha256: self.sha256.or(copy.sha256),
            encoding: Some(encoding),
        })
    }
}

#[cfg(test)]
mod tests;
