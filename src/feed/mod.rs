//! A file becomes rows.
//!
//! [`Feed::open`] finds out what a file is: CSV or a workbook, by its content and
//! not by its name, in which encoding, with which delimiter, on which sheet,
//! below which header.
//! [`Feed::read`] then makes one pass over the records: one thread reads and
//! cuts the file into batches, rayon's threads work on them, and the calling
//! thread takes what they make of them, in the order of the file.
//!
//! # Invariants
//!
//! - A feed is streamed. Memory does not grow with the number of rows.
//! - Every pass hands out the same records. If the file is not what it was in
//!   an earlier pass, the pass ends with [`FeedError::Changed`] before anything
//!   of the changed part is handed out.
//! - A bad row is data: cells too many or too few, bytes that are not text. Only
//!   what makes the file unreadable is a [`FeedError`].
//! - Blank records and those that are plainly no people are never handed out, and row
//!   numbers are still the file's.

mod attachments;
mod batch;
mod compound;
mod corrections;
mod csv;
mod encoding;
mod error;
mod estimate;
mod extension;
mod file;
mod format;
mod header;
mod kind;
mod last_row;
mod left_out;
mod openpgp;
mod own;
mod pipeline;
mod record;
mod report_words;
mod row_widths;
mod several;
mod sheet;
mod source;
mod spool;
mod store;
mod text;
mod words;
mod zip;

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

pub use self::attachments::Attachments;
pub use self::batch::Batch;
pub use self::corrections::{Corrections, may_be_corrections};
pub use self::error::{FeedError, OtherFile, OtherFormat};
pub use self::extension::{Extension, JoinedColumns, JoinedFacts};
pub use self::format::Format;
pub use self::header::letters as column_letters;
pub(crate) use self::last_row::RowLengths;
pub use self::last_row::{FileEnd, LastRow};
pub use self::openpgp::{BadSignature, Material, OpenPgpError, OpenPgpKeys, Recipients};
pub use self::own::OwnFeed;
pub use self::record::{Cell, CellKind, QuoteFlaw, Record};
pub(crate) use self::row_widths::{RowWidths, TooShort};
pub use self::several::SeveralError;
pub use self::source::{FeedCopy, FeedSource};
pub use self::store::Store;

use self::estimate::{MAX_ESTIMATE, estimate};
use self::extension::Extended;
use self::file::FeedFile;
use self::spool::Bounds;
use crate::model::{Remarked, RowNumber};

/// How much of a file is read to find out what it is.
const START: u64 = 1 << 16;

/// What the mapping says about the file; all of it is found in the file if it
/// is not given.
#[derive(Clone, Debug, Default)]
pub struct FeedOptions {
    /// The encoding of the text, by any label of the WHATWG or the number of a code
    /// page: `windows-1252`, `latin1`, `cp850`. A byte order mark counts for more.
    pub encoding: Option<String>,
    /// The byte between two cells of a CSV file.
    pub delimiter: Option<u8>,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// Which sheet it is where none is named.
    pub among_sheets: AmongSheets,
    /// The line or sheet row of the header, counted from 1.
    pub header_row: Option<u32>,
    /// No row names the columns: they are called `A`, `B` and so on.
    pub has_no_header: bool,
    /// Give the value of merged cells to all rows that they go over.
    pub fill_merged: bool,
    /// The most bytes that the feed may have, unpacked; [`DEFAULT_MAX_FEED`] if it
    /// is not given.
    pub max_feed: Option<u64>,
    /// What it is decrypted with if it is encrypted, and by whom it has to be signed: no part
    /// of the mapping, which says only where that is found.
    pub openpgp: OpenPgpKeys,
}

/// Which visible sheet with a table is read where the mapping names none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AmongSheets {
    /// The first.
    #[default]
    First,
    /// The first that has these columns, as far as any has: a cover sheet may come before it.
    With(Vec<String>),
    /// The first whose header names more than two columns, as that of people does.
    OfPeople,
}

impl FeedOptions {
    /// What a file of the feed may be.
    fn bounds(&self) -> Result<Bounds, FeedError> {
        let named = self.encoding.as_deref().map(encoding::named).transpose()?;
        let max = self.max_bytes();
        Ok(Bounds { named, max })
    }

    /// The most bytes that a file of the feed may have, unpacked.
    pub(crate) fn max_bytes(&self) -> u64 {
        self.max_feed.unwrap_or(DEFAULT_MAX_FEED)
    }
}

/// The most bytes that a feed may have unless the mapping says otherwise: a
/// hundred times what HR departments have, and less than most disks.
pub const DEFAULT_MAX_FEED: u64 = 4 << 30;

/// How far a pass has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Of [`Feed::bytes`], those that are read and worked on.
    pub bytes: u64,
}

/// Reads a batch again, from its first record on.
pub(crate) type Again<'b> = Box<dyn FnOnce() -> Batch<'b> + 'b>;

/// Whether a pass wants any of the rows from one up to the one behind. Parts of which it wants
/// none may be missing from a later pass; the first one reads all.
pub(crate) type Wants<'w> = &'w (dyn Fn(RowNumber, RowNumber) -> bool + Sync);

/// An open feed: a file, or several one after the other.
#[derive(Debug)]
pub struct Feed {
    source: FeedSource,
    path: Arc<Path>,
    /// The file whose header counts.
    first: FeedFile,
    others: Vec<FeedFile>,
    keys: OpenPgpKeys,
    extended: Extended,
}

impl Feed {
    /// Opens a feed and finds out what it is. Stdin and compressed files are
    /// read to their end.
    ///
    /// # Errors
    /// A file cannot be read, is not a table, or has other columns than the first one.
    pub fn open(source: &FeedSource, options: &FeedOptions) -> Result<Self, FeedError> {
        let path: Arc<Path> = Arc::from(source.place());
        let (first, others) = match source {
            FeedSource::Path(_) | FeedSource::Stdin | FeedSource::Copy(_) => {
                (FeedFile::open(source, 0, options)?, Vec::new())
            }
            FeedSource::Files { files, .. } => several::open(&path, files, options)?,
        };
        Ok(Self {
            source: source.clone(),
            path,
            first,
            others,
            keys: options.openpgp.clone(),
            extended: Extended::default(),
        })
    }

    fn files(&self) -> impl Iterator<Item = &FeedFile> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// What was decided about the feed as a whole, and a person should hear of. All
    /// of it is known after a complete pass.
    #[must_use]
    pub fn remarks(&self) -> Vec<Remarked> {
        let numbered = self.source.remark().into_iter().map(Remarked::from);
        let own = self.files().flat_map(FeedFile::remarks);
        let extension = self.extension();
        let of_others = extension.iter().flat_map(|it| it.remarks());
        numbered.chain(own).chain(of_others).collect()
    }

    /// The feed's path, for messages: of several files, their folder or pattern;
    /// `<stdin>` for stdin.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it was decrypted with: files beside it may be encrypted too.
    pub(crate) fn keys(&self) -> &OpenPgpKeys {
        &self.keys
    }

    /// Where the feed comes from.
    pub fn source(&self) -> &FeedSource {
        &self.source
    }

    /// What the feed, or the first of its files, was found to be.
    pub fn format(&self) -> &Format {
        &self.first.format
    }

    /// The names of the file's own columns: the header's cells, trimmed and in NFC. A
    /// header cell that is empty gives its column the name under which a
    /// spreadsheet knows it: `column C`.
    pub fn own_columns(&self) -> &[String] {
        self.first.columns()
    }

    /// The names that columns would have by the rows around the header, for a mapping that
    /// means another row.
    pub fn other_names(&self) -> &[(RowNumber, Vec<String>)] {
        self.first.other_names()
    }

    /// The names that more than one of the file's own columns has, each with the indices
    /// of all columns that have it.
    pub fn duplicate_columns(&self) -> Vec<(&str, Vec<usize>)> {
        header::duplicates(self.own_columns())
    }

    /// What the file is, if hrfeed wrote its rows for the HR department, and they came back.
    pub fn corrections(&self) -> Option<&Corrections> {
        self.first.corrections().map(Arc::as_ref)
    }

    /// Where the header is; row 0 without one.
    pub fn header_row(&self) -> RowNumber {
        self.first.header_row()
    }

    /// Other visible sheets of the workbook that have a table. None if the
    /// mapping named the sheet, or for CSV.
    pub fn other_sheets(&self) -> &[String] {
        self.first.other_sheets()
    }

    /// What a pass has to read, in the unit of [`Progress`]: the unpacked bytes
    /// of a CSV file, the packed bytes of a sheet.
    pub fn bytes(&self) -> Option<u64> {
        let bytes = self.files().map(FeedFile::length).sum();
        (bytes > 0).then_some(bytes)
    }

    /// About how many rows there are, rather too many than too few, and never
    /// absurdly many: for reserving memory.
    pub fn estimated_rows(&self) -> usize {
        let rows: usize = self.files().map(FeedFile::estimated_rows).sum();
        rows.min(MAX_ESTIMATE)
    }

    /// Leaves the digest out of the first pass, for callers that do not report
    /// it: it is a fifteenth of the work on a CSV.
    pub fn skip_digest(&mut self) {
        self.first.skip_digest();
        self.others.iter_mut().for_each(FeedFile::skip_digest);
    }

    /// Whether rows of the feed may be shorter than its header by mistake: a sheet has no
    /// rows that end.
    pub fn has_row_ends(&self) -> bool {
        self.files().any(FeedFile::has_row_ends)
    }

    /// Whether the end of a file is that of a line, white space left out: known after a
    /// complete pass, for text. `file` is its number, as [`RowNumber::file`] has it.
    pub fn ends_line(&self, file: u16) -> Option<bool> {
        let mut files = self.files();
        files.find(|it| it.number == file)?.ends_line()
    }

    /// The SHA-256 of the file as it was given: of the compressed bytes of a
    /// compressed file, of what came over stdin; of several files, that of their digests
    /// one after the other. Known at the latest after the first complete pass.
    pub fn sha256(&self) -> Option<[u8; 32]> {
        if self.others.is_empty() {
            return self.first.sha256();
        }
        let digests: Option<Vec<_>> = self.files().map(FeedFile::sha256).collect();
        Some(Sha256::digest(digests?.concat()).into())
    }

    /// Makes one pass over all records after the header, in the order of the
    /// file.
    ///
    /// `work` is called for one batch after the other on rayon's threads, and
    /// `take` on the calling thread for each result, in the order of the file.
    /// An error of `take` ends the pass. A batch may hold no record at all. Records of
    /// several files are never in one batch.
    ///
    /// # Errors
    /// What `take` returns, or the [`FeedError`] that ended the pass early:
    /// the results before it are right, but they are not the whole feed.
    pub fn read<T: Send, E: From<FeedError>>(
        &mut self,
        work: impl Fn(&mut Batch<'_>) -> T + Sync + Send,
        mut take: impl FnMut(T, Progress) -> Result<(), E>,
    ) -> Result<(), E> {
        self.read_some(&|_, _| true, work, |result, progress, _| {
            take(result, progress)
        })
    }

    /// The same, where parts without a row that is wanted may be missing from a later pass, and
    /// `take` may read the records of the result's batch once more, from the first on: `work`
    /// need not make all of them into something before it is taken.
    ///
    /// # Errors
    /// As [`Feed::read`]. Why a batch that is read again has fewer records than there are
    /// is for `take` to ask.
    pub(crate) fn read_some<T: Send, E: From<FeedError>>(
        &mut self,
        wants: Wants<'_>,
        work: impl Fn(&mut Batch<'_>) -> T + Sync + Send,
        mut take: impl FnMut(T, Progress, Again<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let extension = self.extension();
        let mut before = 0;
        for file in std::iter::once(&mut self.first).chain(&mut self.others) {
            let (number, corrections) = (file.number, file.corrections().cloned());
            let begin = |batch: &mut Batch<'_>| {
                batch.begin((number, corrections.clone()), extension.clone());
            };
            let work = |batch: &mut Batch<'_>| {
                begin(batch);
                let result = work(batch);
                batch.failure().map_or(Ok(result), Err)
            };
            let take = |result: Result<T, FeedError>, progress: Progress, again: Again<'_>| {
                let bytes = before + progress.bytes;
                let again = Box::new(|| {
                    let mut batch = again();
                    begin(&mut batch);
                    batch
                });
                take(result?, Progress { bytes }, again)
            };
            let wants = |from: RowNumber, behind: RowNumber| {
                wants(from.in_file(number), behind.in_file(number))
            };
            file.read(&wants, work, take)?;
            before += file.length();
        }
        Ok(())
    }
}

/// Whether the mapping's `encoding` can be read.
///
/// # Errors
/// [`FeedError::EncodingNotSupported`], whose help names the nearest that can.
pub fn check_encoding(label: &str) -> Result<(), FeedError> {
    encoding::named(label).map(drop)
}

#[cfg(test)]
mod detection_tests;
#[cfg(test)]
mod quoting_tests;
#[cfg(test)]
mod tests;
