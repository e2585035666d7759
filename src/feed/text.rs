//! A text file that reads as UTF-8, whatever its encoding is.
//!
//! # Invariants
//!
//! - A pass decodes what it reads, in the thread that reads: its work is a small part of
//!   what is done with the text, and nothing of it needs room on a disk.
//! - How much is read at once changes nothing of the text. Lines stay the same. Bytes that
//!   the encoding does not have become a byte that UTF-8 does not have, so that their rows
//!   are refused like any others.
//! - A text counts as ASCII until another byte is read; its encoding is found before that
//!   byte is handed on.
//! - The digest is that of the bytes as they were given.

use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::FeedError;
use super::encoding::{self, Charset, Decoder, Judge};
use super::spool::{self, Opened};

/// How much is decoded at once.
const PIECE: usize = 1 << 17;

/// An open text file.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) path: Arc<Path>,
    pub(super) file: File,
    /// Of `file`.
    pub(super) length: u64,
    /// What the system knew of `file` when it was opened.
    pub(super) opened: Option<Metadata>,
    /// The digest of the file as it was given, once known.
    pub(super) sha256: Option<[u8; 32]>,
    /// `None` as long as all that was seen is ASCII, by which the encodings that remain do
    /// not differ.
    pub(super) encoding: Option<Charset>,
    /// How many bytes of a byte order mark are before the text. That of UTF-8 is part of
    /// the text.
    pub(super) mark: usize,
}

impl Text {
    /// Finds out the encoding of a file that starts with `start`, as far as that shows it.
    pub(super) fn open(
        path: &Arc<Path>,
        opened: Opened,
        start: &[u8],
        named: Option<Charset>,
    ) -> Result<Self, FeedError> {
        let mut text = Self {
            path: path.clone(),
            opened: opened.file.metadata().ok(),
            file: opened.file,
            length: opened.length,
            sha256: opened.sha256,
            encoding: None,
            mark: 0,
        };
        match encoding::certain(start, named) {
            Some((encoding, mark)) => {
                text.encoding = Some(encoding);
                if encoding != Charset::UTF_8 {
                    text.mark = mark;
                }
            }
            None if start.is_ascii() => {}
            None => text.encoding = Some(text.judge(0)?),
        }
        Ok(text)
    }

    /// The name of its encoding, as far as it was read.
    pub(super) fn encoding_name(&self) -> &'static str {
        self.encoding.unwrap_or(Charset::UTF_8).name()
    }

    /// Whether all of it reads as Unicode, or as ASCII alone.
    pub(super) fn is_unicode(&self) -> Result<bool, FeedError> {
        Ok(match self.encoding {
            Some(encoding) => encoding.is_unicode(),
            None => self.judge(0)?.is_unicode(),
        })
    }

    /// Whether nobody has written to the file since it was opened, as far as its length and the
    /// time of the last change show.
    pub(super) fn is_as_opened(&self) -> bool {
        let is_same = |then: &Metadata, now: &Metadata| {
            let times = then.modified().ok().zip(now.modified().ok());
            then.len() == now.len() && times.is_some_and(|(then, now)| then == now)
        };
        let metadata = self.opened.as_ref().zip(self.file.metadata().ok());
        metadata.is_some_and(|(then, now)| is_same(then, &now))
    }

    /// A pass over the text from its start. `wants_digest`: of the file, if it is read to
    /// its end.
    pub(super) fn reader(&self, wants_digest: bool) -> Result<TextReader<'_>, FeedError> {
        let mut reader = TextReader {
            text: self,
            encoding: None,
            decoder: None,
            piece: Vec::new(),
            ahead: Vec::new(),
            read: 0,
            has_read_all: false,
            ended: false,
            digest: wants_digest.then(Sha256::new),
        };
        reader.seek(0)?;
        if let Some(encoding) = self.encoding {
            let mut mark = Vec::new();
            reader.read_bytes(&mut mark, self.mark)?;
            reader.add_to_digest(&mark);
            reader.settle(encoding);
        }
        Ok(reader)
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
        let mut buffer = vec![0; PIECE];
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
}

/// A pass over a text.
pub(super) struct TextReader<'t> {
    text: &'t Text,
    /// `None` as long as nothing but ASCII was read.
    encoding: Option<Charset>,
    /// What makes UTF-8 of the bytes, where they are something else.
    decoder: Option<Decoder>,
    /// What is being decoded.
    piece: Vec<u8>,
    /// What was decoded, and nobody asked for yet.
    ahead: Vec<u8>,
    /// How many bytes of the file are read.
    read: u64,
    has_read_all: bool,
    ended: bool,
    digest: Option<Sha256>,
}

impl TextReader<'_> {
    /// Appends the next `wanted` bytes of the text, fewer only at its end. `data` holds all
    /// that was read before, from the start of some line on.
    pub(super) fn read_more(&mut self, data: &mut Vec<u8>, wanted: usize) -> Result<(), FeedError> {
        let (before, start) = (data.len(), self.read);
        if self.decoder.is_some() {
            self.decode(data, before + wanted)?;
        } else {
            self.read_bytes(data, wanted)?;
            let bytes = data.get(before..).unwrap_or_default();
            if self.encoding.is_none() && !bytes.is_ascii() {
                // To read the whole file for it before the pass would cost a fourteenth of
                // the work on a large one.
                let encoding = self.text.judge(start - before as u64)?;
                self.seek(start)?;
                self.settle(encoding);
                data.truncate(before);
                return self.read_more(data, wanted);
            }
            self.add_to_digest(bytes);
        }
        self.ended = data.len() - before < wanted;
        Ok(())
    }

    /// Skips the next bytes of the text, if they are bytes of the file as well, and nobody
    /// wants the digest. Returns whether it did. Nothing is certain of what is skipped, not
    /// even that it is there.
    pub(super) fn skip(&mut self, bytes: usize) -> Result<bool, FeedError> {
        if self.encoding.is_none() || self.decoder.is_some() || self.digest.is_some() {
            return Ok(false);
        }
        self.seek(self.read.saturating_add(bytes as u64))?;
        Ok(true)
    }

    /// Whether the text ended before all that was last asked for.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// How many bytes of the file are read, about, for the text that was handed on.
    pub(super) fn position(&self) -> u64 {
        self.read.saturating_sub(self.ahead.len() as u64)
    }

    /// Whether the end is where it was when the file was opened.
    pub(super) fn is_at_known_end(&self) -> bool {
        self.read == self.text.length
    }

    /// How long the text is, about, of which `seen` bytes were read.
    pub(super) fn expected_length(&self, seen: usize) -> u64 {
        let length = u128::from(self.text.length) * seen as u128;
        u64::try_from(length / u128::from(self.position().max(1))).unwrap_or(u64::MAX)
    }

    /// The encoding, as far as was read.
    pub(super) fn encoding(&self) -> Option<Charset> {
        self.encoding
    }

    /// The digest of the file, if it was wanted, after all of it was read.
    pub(super) fn sha256(self) -> Option<[u8; 32]> {
        self.digest.map(|digest| digest.finalize().into())
    }

    fn settle(&mut self, encoding: Charset) {
        self.encoding = Some(encoding);
        self.decoder = (encoding != Charset::UTF_8).then(|| encoding.decoder());
    }

    /// Appends decoded text up to the length `end`.
    fn decode(&mut self, data: &mut Vec<u8>, end: usize) -> Result<(), FeedError> {
        data.append(&mut self.ahead);
        while data.len() < end && !self.has_read_all {
            let wanted = (end - data.len()).min(PIECE);
            let mut piece = std::mem::take(&mut self.piece);
            piece.clear();
            self.read_bytes(&mut piece, wanted)?;
            self.add_to_digest(&piece);
            self.has_read_all = piece.len() < wanted;
            if let Some(decoder) = &mut self.decoder {
                decoder.decode(&piece, self.has_read_all, data);
            }
            self.piece = piece;
        }
        self.ahead
            .extend_from_slice(data.get(end..).unwrap_or_default());
        data.truncate(end);
        Ok(())
    }

    /// Appends the next `wanted` bytes of the file, fewer only at its end.
    fn read_bytes(&mut self, data: &mut Vec<u8>, wanted: usize) -> Result<(), FeedError> {
        data.reserve(wanted);
        let mut bytes = (&self.text.file).take(wanted as u64);
        let failed = FeedError::read(&self.text.path, self.read);
        self.read += bytes.read_to_end(data).map_err(failed)? as u64;
        Ok(())
    }

    fn add_to_digest(&mut self, bytes: &[u8]) {
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
    }

    /// Goes on reading the file at a place.
    fn seek(&mut self, place: u64) -> Result<(), FeedError> {
        let failed = FeedError::read(&self.text.path, place);
        let seeked = (&self.text.file).seek(SeekFrom::Start(place));
        self.read = seeked.map_err(failed)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
