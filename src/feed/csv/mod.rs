//! CSV: the file in blocks that end where records end.
//!
//! # Invariants
//!
//! - Blocks of two passes over the same bytes are the same, so a hash for each
//!   block shows in a later pass whether the file is still the same, before
//!   anything of that block is handed on.
//! - The file is opened once. A later pass seeks; a file that was renamed over
//!   does not concern it.

mod cells;
mod cut;
mod dialect;
mod line;
mod quotes;
mod quoting;
mod rows;

use std::path::Path;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use self::cut::{lines, scan};
use self::dialect::Sample;
pub(super) use self::line::LineCells;
use self::quoting::Dialect;
pub(super) use self::rows::{Block, CsvRows};
use super::corrections::Corrections;
use super::encoding::Charset;
use super::header::{self, HeadRow};
use super::left_out::LeftOut;
use super::pipeline::{self, Filled};
use super::record::MAX_COLUMNS;
use super::text::{Text, TextReader};
use super::{Again, Batch, FeedError, FeedOptions, Progress};
use crate::model::{NoPerson, QuotingStyle, RowNumber};

/// Large enough that a block costs little to hand around, small enough that a
/// dozen of them need little memory.
const BLOCK: usize = 1 << 20;
/// How much of a file is read to find delimiter and header, unless they are
/// longer.
const SAMPLE: usize = 1 << 16;
/// The longest record. Nobody has that many data on a person: it is a quote
/// that was never closed.
const MAX_RECORD: usize = 16 << 20;

/// An open CSV file.
#[derive(Debug)]
pub(super) struct CsvFile {
    text: Text,
    dialect: Dialect,
    pub(super) columns: Vec<String>,
    pub(super) header_row: RowNumber,
    /// Rows below the header that explain it.
    pub(super) below_header: Vec<(RowNumber, NoPerson)>,
    /// The names that columns would have by the rows around it.
    pub(super) other_names: Vec<(RowNumber, Vec<String>)>,
    left_out: LeftOut,
    /// What it is, if its rows came back.
    pub(super) corrections: Option<Arc<Corrections>>,
    pub(super) estimated_rows: usize,
    /// Where the records of people start.
    start: u64,
    start_line: u32,
    /// The hash of all bytes before.
    head: u64,
    /// Whether a pass makes the digest, if there is none yet.
    pub(super) wants_digest: bool,
    /// Whether the end of the file is that of a line, after the first complete pass.
    pub(super) ends_line: Option<bool>,
    /// The hash of each block, after the first complete pass.
    seen: Option<Vec<u64>>,
    block: usize,
}

impl CsvFile {
    /// Opens a CSV file and finds its dialect in the first records.
    pub(super) fn open(text: Text, options: &FeedOptions) -> Result<Self, FeedError> {
        Self::open_with(text, options, BLOCK)
    }

    fn open_with(mut text: Text, options: &FeedOptions, block: usize) -> Result<Self, FeedError> {
        if let Some(delimiter) = options.delimiter.filter(|&it| !dialect::is_delimiter(it)) {
            return Err(FeedError::DelimiterNotSupported { delimiter });
        }
        let path = &text.path;
        let mut reader = text.reader(false)?;
        let mut sample = Vec::new();
        let mut wanted = SAMPLE;
        let (head, whole) = loop {
            let missing = wanted - sample.len();
            reader.read_more(&mut sample, missing)?;
            let whole = reader.has_ended();
            if whole {
                trim_end(&mut sample);
            }
            let (at, line, named) = dialect::start(&sample);
            let until = options.header_row.unwrap_or(0);
            let start = Sample {
                bytes: &sample,
                start: (at, line),
                whole,
                until,
            };
            let head = match (
                dialect::of_corrections(start, options.delimiter),
                options.delimiter.or(named),
            ) {
                (Some(head), _) => Some(head),
                (None, Some(delimiter)) => dialect::find(start, &[delimiter]),
                (None, None) => dialect::find_any(start),
            };
            let Some(head) = head else {
                return Err(FeedError::NoHeader(path.clone()));
            };
            let enough = head.rows.len() >= 2
                && head.rows.last().and_then(|row| row.row) > Some(RowNumber::new(until));
            if whole || enough {
                break (head, whole);
            }
            if wanted >= MAX_RECORD {
                return Err(too_much_before_the_header(path, &head, &sample, options));
            }
            wanted *= 4;
        };
        if let (true, Some(open)) = (whole, head.open) {
            let (at, line, _) = dialect::start(&sample);
            return Err(FeedError::UnclosedQuote {
                path: path.clone(),
                line: line_at(line, sample.get(at..open).unwrap_or_default()),
            });
        }
        let length = reader.expected_length(sample.len());
        text.encoding = reader.encoding();
        Self::from_head(text, options, block, &head, (&sample, length))
    }

    /// The second half of `open_with`, with what was read, and how long all of it is, about.
    fn from_head(
        text: Text,
        options: &FeedOptions,
        block: usize,
        head: &dialect::Head,
        (sample, length): (&[u8], u64),
    ) -> Result<Self, FeedError> {
        let path = &text.path;
        let header = header::of(path, &head.rows, options, |header| {
            check_header(&text, header)
        })?;
        if head.is_wrong_in(header.row) {
            return Err(FeedError::HeaderQuotes {
                path: path.clone(),
                row: header.row,
            });
        }
        let (at, line, _) = dialect::start(sample);
        let ends = |rows: usize| head.ends.get(rows.checked_sub(1)?).copied();
        let (start, start_line) = ends(header.rows).unwrap_or((at, line));
        let rows_seen = head.rows.len().saturating_sub(header.rows);
        let end_seen = head.ends.last().map_or(start, |&(end, _)| end);
        Ok(Self {
            dialect: head.dialect,
            left_out: LeftOut::of(&header.cells, header.columns.len()),
            corrections: header.corrections.map(Arc::new),
            columns: header.columns,
            header_row: header.row,
            below_header: header.below,
            other_names: header.others,
            estimated_rows: super::estimate(
                length.saturating_sub(start as u64),
                rows_seen,
                (end_seen - start) as u64,
            ),
            start: start as u64,
            start_line,
            head: xxh3_64(sample.get(..start).unwrap_or_default()),
            wants_digest: true,
            ends_line: None,
            seen: None,
            block,
            text,
        })
    }

    pub(super) fn length(&self) -> u64 {
        self.text.length
    }

    /// The byte between two cells.
    pub(super) fn delimiter(&self) -> u8 {
        self.dialect.delimiter
    }

    /// What the file does with quotes that not every file does.
    pub(super) fn quoting(&self) -> impl Iterator<Item = QuotingStyle> {
        self.dialect.quoting.styles()
    }

    /// The digest of the file as it was given, once known.
    pub(super) fn sha256(&self) -> Option<[u8; 32]> {
        self.text.sha256
    }

    /// Whether a byte order mark says the encoding.
    pub(super) fn has_mark(&self) -> bool {
        self.text.mark > 0
    }

    /// The name of the encoding, as far as the file was read.
    pub(super) fn encoding(&self) -> &'static str {
        self.text.encoding_name()
    }

    /// See [`super::Feed::read`].
    pub(super) fn read<T: Send, E: From<FeedError>>(
        &mut self,
        work: impl Fn(&mut Batch<'_>) -> T + Sync + Send,
        mut take: impl FnMut(T, Progress, Again<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut blocks = Blocks::start(self)?;
        let (dialect, columns, left_out) = (self.dialect, self.columns.len(), &self.left_out);
        pipeline::run(
            |block| blocks.fill(block),
            |block: &mut Block| work(&mut Batch::csv(block.rows(dialect, columns), left_out)),
            |block, result, progress| {
                let again = Box::new(|| Batch::csv(block.rows(dialect, columns), left_out));
                take(result, progress, again)
            },
        )?;
        let Blocks {
            reader,
            hashes,
            ends_line,
            ..
        } = blocks;
        // A pass that was ended early leaves the feed as it was: how far the
        // reading stage came by then is chance.
        let encoding = reader.encoding().unwrap_or(Charset::UTF_8);
        let sha256 = reader.sha256();
        self.text.encoding = Some(encoding);
        self.text.sha256 = self.text.sha256.or(sha256);
        self.seen = Some(hashes);
        self.ends_line = ends_line;
        Ok(())
    }
}

/// The reading stage of one pass.
struct Blocks<'f> {
    feed: &'f CsvFile,
    reader: TextReader<'f>,
    /// What followed the last record end.
    carry: Vec<u8>,
    line: u64,
    /// Bytes of the file that are handed on.
    handed: u64,
    /// Whether the end of what was handed on is that of a line.
    ends_line: Option<bool>,
    hashes: Vec<u64>,
}

impl<'f> Blocks<'f> {
    /// Seeks to the start and passes everything up to the header.
    fn start(feed: &'f CsvFile) -> Result<Self, FeedError> {
        let wants_digest = feed.wants_digest && feed.text.sha256.is_none();
        let mut this = Self {
            feed,
            reader: feed.text.reader(wants_digest)?,
            carry: Vec::new(),
            line: u64::from(feed.start_line),
            handed: 0,
            ends_line: None,
            hashes: Vec::new(),
        };
        let mut head = Vec::new();
        let length = usize::try_from(feed.start).unwrap_or(usize::MAX);
        this.reader.read_more(&mut head, length)?;
        if xxh3_64(&head) != feed.head {
            return Err(this.changed());
        }
        Ok(this)
    }

    /// Fills a block with whole records.
    fn fill(&mut self, block: &mut Block) -> Result<Filled, FeedError> {
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
                return match &self.feed.seen {
                    Some(seen) if seen.len() != self.hashes.len() => Err(self.changed()),
                    _ => Ok(Filled::End),
                };
            }
        } else {
            self.carry
                .extend_from_slice(data.get(found.end..).unwrap_or_default());
            data.truncate(found.end);
        }

        block.line = self.line_at(Some(&[]))?.row();
        self.line += lines(data).ends as u64;
        self.line_at(Some(&[]))?;
        let hash = xxh3_64(data);
        if let Some(seen) = &self.feed.seen
            && seen.get(self.hashes.len()) != Some(&hash)
        {
            return Err(self.changed());
        }
        self.hashes.push(hash);
        // Old programs end a text with the character 26.
        let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\x1a');
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

/// Whether a row can be the header.
fn check_header(text: &Text, header: &HeadRow) -> Result<(), FeedError> {
    if header.width > MAX_COLUMNS {
        return Err(FeedError::TooManyColumns {
            path: text.path.clone(),
            columns: header.width,
            max: MAX_COLUMNS,
        });
    }
    match header.not_text {
        Some(cell) => Err(FeedError::HeaderNotText {
            path: text.path.clone(),
            row: header.row.unwrap_or(RowNumber::new(1)),
            column: cell + 1,
            encoding: text.encoding_name(),
        }),
        None => Ok(()),
    }
}

/// Takes off the character 26 with which old programs end a text.
fn trim_end(data: &mut Vec<u8>) {
    let text = data.trim_ascii_end();
    if text.last() == Some(&0x1a) {
        let length = text.iter().rposition(|&byte| byte != 0x1a);
        data.truncate(length.map_or(0, |last| last + 1));
    }
}

fn line_at(line: u32, passed: &[u8]) -> RowNumber {
    let passed = u32::try_from(lines(passed).ends).unwrap_or(u32::MAX);
    RowNumber::new(line.saturating_add(passed))
}

/// Megabytes without two rows, or without the line that the mapping names.
fn too_much_before_the_header(
    path: &Arc<Path>,
    head: &dialect::Head,
    sample: &[u8],
    options: &FeedOptions,
) -> FeedError {
    match options.header_row {
        Some(row) if head.rows.len() >= 2 => FeedError::HeaderRowNotFound {
            path: path.clone(),
            row,
        },
        _ => {
            let (at, line, _) = dialect::start(sample);
            let record = head.open.unwrap_or(head.examined);
            FeedError::RecordTooLong {
                path: path.clone(),
                line: line_at(line, sample.get(at..record).unwrap_or_default()),
                max: MAX_RECORD,
            }
        }
    }
}

#[cfg(test)]
mod tests;
