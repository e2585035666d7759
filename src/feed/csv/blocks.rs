//! The reading stage: a file in blocks of whole records.

use xxhash_rust::xxh3::xxh3_64;

use super::cut::{lines, scan};
use super::{Block, CsvFile, MAX_RECORD};
use crate::feed::encoding::Charset;
use crate::feed::pipeline::Filled;
use crate::feed::text::TextReader;
use crate::feed::{FeedError, Progress, Wants};
use crate::model::RowNumber;

/// The character with which old programs end a text.
const END_OF_TEXT: u8 = 0x1a;

/// The reading stage of one pass.
pub(super) struct Blocks<'f> {
    feed: &'f CsvFile,
    wants: Wants<'f>,
    reader: TextReader<'f>,
    /// What followed the last record end.
    carry: Vec<u8>,
    line: u64,
    /// Bytes of the file that are handed on.
    handed: u64,
    /// Whether the end of what was handed on is that of a line.
    ends_line: Option<bool>,
    /// The blocks so far, handed on or skipped.
    passed: Vec<SeenBlock>,
    /// Whether blocks may be skipped, and whether one was.
    may_skip: bool,
    has_skipped: bool,
}

/// What a pass came to know of the file.
pub(super) struct Facts {
    pub(super) encoding: Charset,
    pub(super) sha256: Option<[u8; 32]>,
    pub(super) blocks: Vec<SeenBlock>,
    pub(super) ends_line: Option<bool>,
}

/// A block of an earlier pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeenBlock {
    hash: u64,
    /// Its bytes, as UTF-8.
    length: usize,
    /// The line of the first.
    line: u32,
}

impl<'f> Blocks<'f> {
    /// Seeks to the start and passes everything up to the header.
    pub(super) fn start(feed: &'f CsvFile, wants: Wants<'f>) -> Result<Self, FeedError> {
        let wants_digest = feed.wants_digest && feed.text.sha256.is_none();
        let mut this = Self {
            feed,
            wants,
            reader: feed.text.reader(wants_digest)?,
            carry: Vec::new(),
            line: u64::from(feed.start_line),
            handed: 0,
            ends_line: None,
            passed: Vec::new(),
            may_skip: feed.seen.is_some() && feed.text.is_as_opened(),
            has_skipped: false,
        };
        let mut head = Vec::new();
        let length = usize::try_from(feed.start).unwrap_or(usize::MAX);
        this.reader.read_more(&mut head, length)?;
        if xxh3_64(&head) != feed.head {
            return Err(this.changed());
        }
        Ok(this)
    }

    /// What the pass came to know of the file.
    pub(super) fn finish(self) -> Facts {
        Facts {
            encoding: self.reader.encoding().unwrap_or(Charset::UTF_8),
            sha256: self.reader.sha256(),
            blocks: self.passed,
            ends_line: self.ends_line,
        }
    }

    /// Fills a block with whole records.
    pub(super) fn fill(&mut self, block: &mut Block) -> Result<Filled, FeedError> {
        match &self.feed.seen {
            Some(seen) => self.fill_again(block, seen),
            None => self.fill_first(block),
        }
    }

    /// Fills a block with the next one of an earlier pass that is wanted.
    fn fill_again(
        &mut self,
        block: &mut Block,
        seen: &'f [SeenBlock],
    ) -> Result<Filled, FeedError> {
        let data = &mut block.data;
        while let Some(next) = seen.get(self.passed.len()) {
            self.passed.push(*next);
            let behind = seen.get(self.passed.len());
            let behind = behind.map_or(u32::MAX, |behind| behind.line);
            let is_wanted = (self.wants)(RowNumber::new(next.line), RowNumber::new(behind));
            if !is_wanted && self.may_skip && self.reader.skip(next.length)? {
                self.has_skipped = true;
                continue;
            }
            data.clear();
            self.reader.read_more(data, next.length)?;
            if xxh3_64(data) != next.hash {
                return Err(self.changed());
            }
            if is_wanted {
                block.line = next.line;
                let bytes = self.reader.position();
                return Ok(Filled::Batch(Progress { bytes }));
            }
        }
        self.read_end(data)?;
        if self.has_skipped && !self.feed.text.is_as_opened() {
            // Somebody wrote to it meanwhile: each block is read, and none is wanted.
            let mut all = Self::start(self.feed, &|_, _| false)?;
            return all.fill_again(block, seen);
        }
        Ok(Filled::End)
    }

    /// Reads what is behind the last block: nothing but what old programs end a text with.
    fn read_end(&mut self, data: &mut Vec<u8>) -> Result<(), FeedError> {
        let is_end = |byte: &u8| *byte == END_OF_TEXT || byte.is_ascii_whitespace();
        loop {
            data.clear();
            self.reader.read_more(data, self.feed.block)?;
            let has_ended = self.reader.has_ended();
            if !data.iter().all(is_end) || (has_ended && !self.reader.is_at_known_end()) {
                return Err(self.changed());
            }
            if has_ended {
                return Ok(());
            }
        }
    }

    /// Fills a block up to where a record ends.
    fn fill_first(&mut self, block: &mut Block) -> Result<Filled, FeedError> {
        let data = &mut block.data;
        data.clear();
        data.append(&mut self.carry);
        let found = loop {
            // A record longer than a block: what is read grows with it, so
            // that it is not scanned a hundred times.
            let wanted = self.feed.block.saturating_sub(data.len()).max(data.len());
            let wanted = wanted.min((MAX_RECORD + 1).saturating_sub(data.len()));
            if !self.reader.has_ended() {
                self.reader.read_more(data, wanted)?;
            }
            let ended = self.reader.has_ended();
            if ended {
                trim_end(data);
            }
            // A `\r` at the end may be half of a line end.
            let known = match data.last() {
                Some(b'\r') if !ended => data.len() - 1,
                _ => data.len(),
            };
            let (dialect, columns) = (self.feed.dialect, self.feed.columns.len());
            let known = data.get(..known).unwrap_or_default();
            let found = scan(known, dialect, columns, ended);
            if ended || found.end > 0 {
                break found;
            }
            if data.len() > MAX_RECORD {
                return Err(FeedError::RecordTooLong {
                    path: self.feed.text.path.clone(),
                    line: self.line_at(data.get(..found.open.unwrap_or(0)))?,
                    max: MAX_RECORD,
                });
            }
        };
        if self.reader.has_ended() {
            if let Some(open) = found.open {
                return Err(FeedError::UnclosedQuote {
                    path: self.feed.text.path.clone(),
                    line: self.line_at(data.get(..open))?,
                });
            }
            if !self.reader.is_at_known_end() {
                return Err(self.changed());
            }
            if data.is_empty() {
                return Ok(Filled::End);
            }
        } else {
            self.carry
                .extend_from_slice(data.get(found.end..).unwrap_or_default());
            data.truncate(found.end);
        }

        block.line = self.line_at(Some(&[]))?.row();
        self.line += lines(data).ends as u64;
        self.line_at(Some(&[]))?;
        self.passed.push(SeenBlock {
            hash: xxh3_64(data),
            length: data.len(),
            line: block.line,
        });
        // Old programs end a text with the character 26.
        let is_blank = |byte: &&u8| matches!(**byte, b' ' | b'\t' | END_OF_TEXT);
        let last = data.iter().rev().find(|byte| !is_blank(byte));
        self.ends_line = last
            .map(|last| matches!(last, b'\r' | b'\n'))
            .or(self.ends_line);
        // What is carried has about as many bytes in the file as in UTF-8.
        let handed = self.reader.position();
        self.handed = handed
            .saturating_sub(self.carry.len() as u64)
            .max(self.handed);
        Ok(Filled::Batch(Progress { bytes: self.handed }))
    }

    /// The line behind `passed`, which starts at the current line.
    fn line_at(&self, passed: Option<&[u8]>) -> Result<RowNumber, FeedError> {
        let line = self.line + lines(passed.unwrap_or_default()).ends as u64;
        match u32::try_from(line) {
            Ok(line) => Ok(RowNumber::new(line)),
            Err(_) => Err(FeedError::TooManyLines(self.feed.text.path.clone())),
        }
    }

    fn changed(&self) -> FeedError {
        FeedError::Changed(self.feed.text.path.clone())
    }
}

/// Takes off the character 26 with which old programs end a text.
pub(super) fn trim_end(data: &mut Vec<u8>) {
    let text = data.trim_ascii_end();
    if text.last() == Some(&END_OF_TEXT) {
        let length = text.iter().rposition(|&byte| byte != END_OF_TEXT);
        data.truncate(length.map_or(0, |last| last + 1));
    }
}
