//! CSV: the file in blocks that end where records end.
//!
//! # Invariants
//!
//! - Blocks of two passes over the same bytes are the same, so a hash for each
//!   block tells in a later pass whether the file is still the same, before
//!   anything of that block is handed on.
//! - The file is opened once. A later pass seeks; a file that was renamed over
//!   does not concern it.

mod cut;
mod look;
mod rows;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64;

use self::cut::{lines, scan};
pub(super) use self::rows::{Block, CsvRows};
use super::pipeline::{self, Filled};
use super::record::MAX_COLUMNS;
use super::{FeedError, FeedOptions, Progress, Rows, header};
use crate::model::RowNumber;

/// Large enough that a block costs little to hand around, small enough that a
/// dozen of them are no memory to speak of.
const BLOCK: usize = 1 << 20;
/// What is looked at to find delimiter and header, unless they are longer.
const SAMPLE: usize = 1 << 16;
/// The longest record. Nobody has that many data on a person: it is a quote
/// that was never closed.
const MAX_RECORD: usize = 16 << 20;

/// An open CSV file.
#[derive(Debug)]
pub(super) struct CsvFile {
    path: Arc<Path>,
    file: File,
    length: u64,
    pub(super) delimiter: u8,
    pub(super) columns: Vec<String>,
    pub(super) header_row: RowNumber,
    pub(super) estimated_rows: usize,
    /// Where the records after the header start.
    start: u64,
    start_line: u32,
    /// The hash of all bytes before.
    head: u64,
    /// The digest of the file's bytes, once known.
    pub(super) sha256: Option<[u8; 32]>,
    /// Whether a pass makes the digest, if there is none yet.
    pub(super) wants_digest: bool,
    /// The hash of each block, after the first complete pass.
    seen: Option<Vec<u64>>,
    block: usize,
}

impl CsvFile {
    /// Looks at a file of `length` bytes. `sha256` is known if the file is a
    /// private copy of what was given.
    pub(super) fn open(
        path: &Arc<Path>,
        file: File,
        length: u64,
        options: &FeedOptions,
        sha256: Option<[u8; 32]>,
    ) -> Result<Self, FeedError> {
        Self::open_with(path, file, length, options, sha256, BLOCK)
    }

    fn open_with(
        path: &Arc<Path>,
        mut file: File,
        length: u64,
        options: &FeedOptions,
        sha256: Option<[u8; 32]>,
        block: usize,
    ) -> Result<Self, FeedError> {
        if let Some(delimiter) = options.delimiter.filter(|&it| !look::is_delimiter(it)) {
            return Err(FeedError::DelimiterNotSupported { delimiter });
        }
        let fail = |byte: u64| {
            move |source| FeedError::Read {
                path: path.clone(),
                byte,
                source,
            }
        };
        file.seek(SeekFrom::Start(0)).map_err(fail(0))?;
        let mut sample = Vec::new();
        let mut wanted = SAMPLE;
        let (head, whole) = loop {
            let missing = wanted - sample.len();
            let read =
                read_up_to(&file, missing, &mut sample).map_err(fail(sample.len() as u64))?;
            let whole = read < missing;
            let (at, line, named) = look::start(&sample);
            let until = options.header_row.unwrap_or(0);
            let head = match options.delimiter.or(named) {
                Some(delimiter) => Some(look::head(&sample, (at, line), whole, delimiter, until)),
                None => look::best_head(&sample, (at, line), whole, until),
            };
            let Some(head) = head else {
                return Err(FeedError::NoHeader { path: path.clone() });
            };
            let enough = head.rows.len() >= 2
                && head.rows.last().and_then(|row| row.row) > Some(RowNumber(until));
            if whole || enough {
                break (head, whole);
            }
            if wanted >= MAX_RECORD {
                return Err(too_much_before_the_header(path, &head, &sample, options));
            }
            wanted *= 4;
        };
        if let (true, Some(open)) = (whole, head.open) {
            let (at, line, _) = look::start(&sample);
            return Err(FeedError::UnclosedQuote {
                path: path.clone(),
                line: line_at(line, sample.get(at..open).unwrap_or_default()),
            });
        }
        Self::from_head(path, file, length, options, sha256, block, &head, &sample)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the second half of `open_with`, apart only to be read apart"
    )]
    fn from_head(
        path: &Arc<Path>,
        file: File,
        length: u64,
        options: &FeedOptions,
        sha256: Option<[u8; 32]>,
        block: usize,
        head: &look::Head,
        sample: &[u8],
    ) -> Result<Self, FeedError> {
        let index = match options.header_row {
            None => header::find(&head.rows).ok_or_else(|| FeedError::Empty { path: path.clone() }),
            Some(row) => head
                .rows
                .iter()
                .position(|it| it.row == Some(RowNumber(row)))
                .ok_or_else(|| FeedError::HeaderRowNotFound {
                    path: path.clone(),
                    row,
                }),
        }?;
        let (Some(header), Some(&(start, start_line))) =
            (head.rows.get(index), head.ends.get(index))
        else {
            return Err(FeedError::NoHeader { path: path.clone() });
        };
        let header_row = header.row.unwrap_or(RowNumber(1));
        if header.width > MAX_COLUMNS {
            return Err(FeedError::TooManyColumns {
                path: path.clone(),
                columns: header.width,
                max: MAX_COLUMNS,
            });
        }
        if let Some(cell) = header.not_text {
            return Err(FeedError::HeaderNotText {
                path: path.clone(),
                row: header_row,
                column: cell + 1,
            });
        }
        let rows_seen = head.rows.len() - index - 1;
        let end_seen = head.ends.last().map_or(start, |&(end, _)| end);
        Ok(Self {
            path: path.clone(),
            file,
            length,
            delimiter: head.delimiter,
            columns: header::names(&header.cells),
            header_row,
            estimated_rows: super::estimate(
                length.saturating_sub(start as u64),
                rows_seen,
                (end_seen - start) as u64,
            ),
            start: start as u64,
            start_line,
            head: xxh3_64(sample.get(..start).unwrap_or_default()),
            sha256,
            wants_digest: true,
            seen: None,
            block,
        })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// See [`super::Feed::read`].
    pub(super) fn read<T: Send, E: From<FeedError>>(
        &mut self,
        work: impl Fn(&mut Rows<'_>) -> T + Sync + Send,
        take: impl FnMut(T, Progress) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut blocks = Blocks::start(self)?;
        let delimiter = self.delimiter;
        pipeline::run(
            |block| blocks.fill(block),
            |block: &mut Block| work(&mut Rows::csv(block.rows(delimiter))),
            take,
        )?;
        let Blocks { hashes, digest, .. } = blocks;
        if let Some(digest) = digest {
            self.sha256 = Some(digest.finalize().into());
        }
        self.seen = Some(hashes);
        Ok(())
    }
}

/// The reading stage of one pass.
struct Blocks<'f> {
    feed: &'f CsvFile,
    /// What stood behind the last record end.
    carry: Vec<u8>,
    line: u64,
    /// Bytes of the file read, and handed on.
    read: u64,
    handed: u64,
    ended: bool,
    hashes: Vec<u64>,
    /// Where the digest of the file is not known yet.
    digest: Option<Sha256>,
}

impl<'f> Blocks<'f> {
    /// Seeks to the start and passes everything up to the header.
    fn start(feed: &'f CsvFile) -> Result<Self, FeedError> {
        let mut this = Self {
            feed,
            carry: Vec::new(),
            line: u64::from(feed.start_line),
            read: 0,
            handed: feed.start,
            ended: false,
            hashes: Vec::new(),
            digest: (feed.wants_digest && feed.sha256.is_none()).then(Sha256::new),
        };
        (&feed.file)
            .seek(SeekFrom::Start(0))
            .map_err(|source| this.failed(source))?;
        let mut head = Vec::new();
        let length = usize::try_from(feed.start).unwrap_or(usize::MAX);
        this.read_more(&mut head, length)?;
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
            // that it is not looked at a hundred times.
            let wanted = self.feed.block.saturating_sub(data.len()).max(data.len());
            let wanted = wanted.min((MAX_RECORD + 1).saturating_sub(data.len()));
            if !self.ended {
                self.read_more(data, wanted)?;
            }
            // A `\r` at the end may be half of a line end.
            let known = match data.last() {
                Some(b'\r') if !self.ended => data.len() - 1,
                _ => data.len(),
            };
            let found = scan(data.get(..known).unwrap_or_default(), self.feed.delimiter);
            if self.ended || found.end > 0 {
                break found;
            }
            if data.len() > MAX_RECORD {
                return Err(FeedError::RecordTooLong {
                    path: self.feed.path.clone(),
                    line: self.line_at(data.get(..found.open.unwrap_or(0)))?,
                    max: MAX_RECORD,
                });
            }
        };
        if self.ended {
            if let Some(open) = found.open {
                return Err(FeedError::UnclosedQuote {
                    path: self.feed.path.clone(),
                    line: self.line_at(data.get(..open))?,
                });
            }
            if self.read != self.feed.length {
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

        block.line = self.line_at(Some(&[]))?.0;
        self.line += lines(data).ends as u64;
        self.line_at(Some(&[]))?;
        let hash = xxh3_64(data);
        if let Some(seen) = &self.feed.seen
            && seen.get(self.hashes.len()) != Some(&hash)
        {
            return Err(self.changed());
        }
        self.hashes.push(hash);
        self.handed += data.len() as u64;
        Ok(Filled::Batch(Progress { bytes: self.handed }))
    }

    /// Appends up to `wanted` bytes of the file.
    fn read_more(&mut self, data: &mut Vec<u8>, wanted: usize) -> Result<(), FeedError> {
        let before = data.len();
        let read = read_up_to(&self.feed.file, wanted, data).map_err(|it| self.failed(it))?;
        self.ended = read < wanted;
        self.read += read as u64;
        if let Some(digest) = &mut self.digest {
            digest.update(data.get(before..).unwrap_or_default());
        }
        Ok(())
    }

    /// The line behind `passed`, which starts at the current line.
    fn line_at(&self, passed: Option<&[u8]>) -> Result<RowNumber, FeedError> {
        let line = self.line + lines(passed.unwrap_or_default()).ends as u64;
        match u32::try_from(line) {
            Ok(line) => Ok(RowNumber(line)),
            Err(_) => Err(FeedError::TooManyLines {
                path: self.feed.path.clone(),
            }),
        }
    }

    fn failed(&self, source: io::Error) -> FeedError {
        FeedError::Read {
            path: self.feed.path.clone(),
            byte: self.read,
            source,
        }
    }

    fn changed(&self) -> FeedError {
        FeedError::Changed {
            path: self.feed.path.clone(),
        }
    }
}

/// Appends up to `wanted` bytes; fewer only at the end of the file.
fn read_up_to(file: &File, wanted: usize, data: &mut Vec<u8>) -> io::Result<usize> {
    data.reserve(wanted);
    file.take(wanted as u64).read_to_end(data)
}

fn line_at(line: u32, passed: &[u8]) -> RowNumber {
    let passed = u32::try_from(lines(passed).ends).unwrap_or(u32::MAX);
    RowNumber(line.saturating_add(passed))
}

/// Megabytes without two rows, or without the line that the mapping names.
fn too_much_before_the_header(
    path: &Arc<Path>,
    head: &look::Head,
    sample: &[u8],
    options: &FeedOptions,
) -> FeedError {
    match options.header_row {
        Some(row) if head.rows.len() >= 2 => FeedError::HeaderRowNotFound {
            path: path.clone(),
            row,
        },
        _ => {
            let (at, line, _) = look::start(sample);
            let record = head.open.unwrap_or(head.looked_at);
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
