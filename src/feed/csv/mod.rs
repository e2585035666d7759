//! CSV: the file in blocks that end where records end.
//!
//! # Invariants
//!
//! - A later pass reads the blocks of the first complete one, and a hash for each shows
//!   whether it is still the same, before anything of that block is handed on. Blocks of
//!   which nobody wants a row are skipped, unless the file's length or time shows that
//!   somebody wrote to it.
//! - The file is opened once. A later pass seeks; a file that was renamed over
//!   does not concern it.

mod blocks;
mod cells;
mod cut;
mod dialect;
mod line;
mod quotes;
mod quoting;
mod rows;
mod step;

use std::path::Path;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use self::blocks::{Blocks, SeenBlock, trim_end};
use self::cut::lines;
use self::dialect::Sample;
pub(super) use self::line::LineCells;
use self::quoting::Dialect;
pub(super) use self::rows::{Block, CsvRows};
use super::corrections::Corrections;
use super::header::{self, HeadRow};
use super::left_out::LeftOut;
use super::pipeline;
use super::record::MAX_COLUMNS;
use super::text::Text;
use super::{Again, Batch, FeedError, FeedOptions, Progress, Wants};
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
    /// The blocks, after the first complete pass.
    seen: Option<Vec<SeenBlock>>,
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
            left_out: LeftOut::of((path, header.row), &header.cells, header.columns.len()),
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

    /// See [`super::Feed::read_some`].
    pub(super) fn read<T: Send, E: From<FeedError>>(
        &mut self,
        wants: Wants<'_>,
        work: impl Fn(&mut Batch<'_>) -> T + Sync + Send,
        mut take: impl FnMut(T, Progress, Again<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut blocks = Blocks::start(self, wants)?;
        let (dialect, columns, left_out) = (self.dialect, self.columns.len(), &self.left_out);
        pipeline::run(
            |block| blocks.fill(block),
            |block: &mut Block| work(&mut Batch::csv(block.rows(dialect, columns), left_out)),
            |block, result, progress| {
                let again = Box::new(|| Batch::csv(block.rows(dialect, columns), left_out));
                take(result, progress, again)
            },
        )?;
        // A pass that was ended early leaves the feed as it was: how far the
        // reading stage came by then is chance.
        let facts = blocks.finish();
        self.text.encoding = Some(facts.encoding);
        self.text.sha256 = self.text.sha256.or(facts.sha256);
        if self.seen.is_none() {
            self.seen = Some(facts.blocks);
            self.ends_line = facts.ends_line;
        }
        Ok(())
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
mod blocks_tests;
#[cfg(test)]
mod tests;
