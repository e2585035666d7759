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
mod csv;
mod encoding;
mod error;
mod estimate;
mod extension;
mod header;
mod kind;
mod last_row;
mod left_out;
mod pipeline;
mod record;
mod row_widths;
mod sheet;
mod spool;
mod store;
mod text;
mod words;
mod zip;

use std::ffi::OsStr;
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::attachments::Attachments;
pub use self::batch::Batch;
pub use self::error::{FeedError, OtherFile, OtherFormat};
pub use self::extension::{Extension, JoinedColumns, JoinedFacts};
pub use self::header::letters as column_letters;
pub(crate) use self::last_row::RowLengths;
pub use self::last_row::{FileEnd, LastRow};
pub use self::record::{Cell, CellKind, QuoteFlaw, Record};
pub(crate) use self::row_widths::{RowWidths, TooShort};
pub use self::store::Store;

use self::csv::CsvFile;
use self::encoding::Charset;
use self::estimate::{MAX_ESTIMATE, estimate};
use self::extension::Extended;
use self::kind::FileKind;
use self::sheet::SheetFile;
use self::spool::{Bounds, Opened};
use self::text::Text;
use crate::files;
use crate::model::{Remark, Remarked, Remarks, RowNumber};

/// How much of a file is read to find out what it is.
const START: u64 = 1 << 16;

/// What the mapping says about the file; all of it is found in the file if it
/// is not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedOptions {
    /// The encoding of the text, by any label of the WHATWG or the number of a code
    /// page: `windows-1252`, `latin1`, `cp850`. A byte order mark counts for more.
    pub encoding: Option<String>,
    /// The byte between two cells of a CSV file.
    pub delimiter: Option<u8>,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// The line or sheet row of the header, counted from 1.
    pub header_row: Option<u32>,
    /// No row names the columns: they are called `A`, `B` and so on.
    pub has_no_header: bool,
    /// Give the value of merged cells to all rows that they go over.
    pub fill_merged: bool,
    /// The most bytes that the feed may have, unpacked; [`DEFAULT_MAX_FEED`] if it
    /// is not given.
    pub max_feed: Option<u64>,
}

impl FeedOptions {
    /// The most bytes that the feed may have, unpacked.
    fn max_bytes(&self) -> u64 {
        self.max_feed.unwrap_or(DEFAULT_MAX_FEED)
    }
}

/// The most bytes that a feed may have unless the mapping says otherwise: a
/// hundred times what HR departments have, and less than most disks.
pub const DEFAULT_MAX_FEED: u64 = 4 << 30;

/// Where a feed comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedSource {
    /// A file.
    Path(PathBuf),
    /// Standard input.
    Stdin,
}

impl FeedSource {
    /// The source that an argument of the command line means: `-` is stdin.
    pub fn from_argument(argument: impl AsRef<OsStr>) -> Self {
        let argument = argument.as_ref();
        if argument == "-" {
            Self::Stdin
        } else {
            Self::Path(argument.into())
        }
    }
}

/// What a feed was found to be. Shown to people: ``CSV, semicolon``.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Text with a delimiter.
    Csv {
        /// The byte between two cells.
        delimiter: u8,
        /// Whether the file was compressed.
        gzip: bool,
        /// The encoding's name. As long as all that was read is ASCII, that is
        /// `UTF-8`; the end of the first complete pass makes it final.
        encoding: &'static str,
    },
    /// A sheet of a workbook, be it Excel's or OpenDocument's.
    Workbook {
        /// The sheet's name.
        sheet: String,
    },
}

impl Format {
    /// The name of the text's encoding, unless it is UTF-8.
    pub fn other_encoding(&self) -> Option<&'static str> {
        match self {
            Self::Csv { encoding, .. } if *encoding != Charset::UTF_8.name() => Some(encoding),
            Self::Csv { .. } | Self::Workbook { .. } => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Csv {
                delimiter,
                gzip,
                encoding: _,
            } => {
                f.write_str(if *gzip { "compressed CSV, " } else { "CSV, " })?;
                match delimiter {
                    b',' => f.write_str("comma"),
                    b';' => f.write_str("semicolon"),
                    b'\t' => f.write_str("tab"),
                    b'|' => f.write_str("pipe"),
                    other => write!(f, "delimiter `{}`", char::from(*other).escape_default()),
                }?;
                match self.other_encoding() {
                    Some(encoding) => write!(f, ", {encoding}"),
                    None => Ok(()),
                }
            }
            Self::Workbook { sheet } => write!(f, "sheet `{sheet}`"),
        }
    }
}

/// How far a pass has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Of [`Feed::bytes`], those that are read and worked on.
    pub bytes: u64,
}

/// An open feed.
#[derive(Debug)]
pub struct Feed {
    source: FeedSource,
    path: Arc<Path>,
    format: Format,
    /// The mapping says in which encoding the text is.
    encoding_is_named: bool,
    table: Table,
    extended: Extended,
}

#[derive(Debug)]
enum Table {
    Csv(Box<CsvFile>),
    Sheet(Box<SheetFile>),
}

impl Feed {
    /// Opens a feed and finds out what it is. Stdin and compressed files are
    /// read to their end.
    pub fn open(source: &FeedSource, options: &FeedOptions) -> Result<Self, FeedError> {
        let named = options
            .encoding
            .as_deref()
            .map(encoding::named)
            .transpose()?;
        let path: Arc<Path> = match source {
            FeedSource::Path(path) => Arc::from(path.as_path()),
            FeedSource::Stdin => Arc::from(Path::new("<stdin>")),
        };
        let bounds = Bounds {
            named,
            max: options.max_bytes(),
        };
        let opened = match source {
            FeedSource::Stdin => spool::spool(&path, io::stdin().lock(), bounds)?,
            FeedSource::Path(_) => open_file(&path, bounds)?,
        };
        let (opened, start, kind) = unpacked(&path, opened, bounds)?;
        let gzip = opened.gzip;
        let (format, table) = match kind {
            FileKind::Packed(_) | FileKind::Compound(_) => {
                return Err(FeedError::not_a_table(&path, "an archive of archives"));
            }
            FileKind::Text => {
                let text = text(&path, opened, &start, named)?;
                let csv = CsvFile::open(text, options)?;
                let format = Format::Csv {
                    delimiter: csv.delimiter(),
                    gzip,
                    encoding: csv.encoding(),
                };
                (format, Table::Csv(Box::new(csv)))
            }
            FileKind::Workbook(container) => {
                let sheet = SheetFile::open(&path, opened, &container, options)?;
                let format = Format::Workbook {
                    sheet: sheet.name().to_owned(),
                };
                (format, Table::Sheet(Box::new(sheet)))
            }
        };
        Ok(Self {
            source: source.clone(),
            path,
            format,
            encoding_is_named: named.is_some(),
            table,
            extended: Extended::default(),
        })
    }

    /// What was decided about the feed as a whole, and a person should hear of. All
    /// of it is known after a complete pass.
    #[must_use]
    pub fn remarks(&self) -> Vec<Remarked> {
        let is_marked = matches!(&self.table, Table::Csv(csv) if csv.has_mark());
        let guessed = self.format.other_encoding();
        let guessed = guessed.filter(|_| !self.encoding_is_named && !is_marked);
        let encoding = guessed.map(|encoding| Remark::Encoding { encoding }.into());
        let (below, of_table) = match &self.table {
            Table::Csv(csv) => {
                let styles = csv.quoting().map(|style| Remark::Quoting { style }.into());
                (&csv.below_header, styles.collect())
            }
            Table::Sheet(sheet) => (&sheet.below_header, sheet.remarks()),
        };
        let mut of_header = Remarks::default();
        for &(row, what) in below {
            of_header.add(row, None, &Remark::NoPerson { what });
        }
        let all = encoding.into_iter().chain(of_header);
        let extension = self.extension();
        let of_others = extension.iter().flat_map(|it| it.remarks());
        all.chain(of_table).chain(of_others).collect()
    }

    /// The file's path, for messages; `<stdin>` for stdin.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the feed comes from.
    pub fn source(&self) -> &FeedSource {
        &self.source
    }

    /// What the feed was found to be.
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// The names of the file's own columns: the header's cells, trimmed and in NFC. A
    /// header cell that is empty gives its column the name under which a
    /// spreadsheet knows it: `column C`.
    pub fn own_columns(&self) -> &[String] {
        match &self.table {
            Table::Csv(csv) => &csv.columns,
            Table::Sheet(sheet) => &sheet.columns,
        }
    }

    /// The names that columns would have by the rows around the header, for a mapping that
    /// means another row.
    pub fn other_names(&self) -> &[(RowNumber, Vec<String>)] {
        match &self.table {
            Table::Csv(csv) => &csv.other_names,
            Table::Sheet(sheet) => &sheet.other_names,
        }
    }

    /// The names that more than one of the file's own columns has, each with the indices
    /// of all columns that have it.
    pub fn duplicate_columns(&self) -> Vec<(&str, Vec<usize>)> {
        header::duplicates(self.own_columns())
    }

    /// Where the header is; row 0 without one.
    pub fn header_row(&self) -> RowNumber {
        match &self.table {
            Table::Csv(csv) => csv.header_row,
            Table::Sheet(sheet) => sheet.header_row,
        }
    }

    /// Other visible sheets of the workbook that have a table. None if the
    /// mapping named the sheet, or for CSV.
    pub fn other_sheets(&self) -> &[String] {
        match &self.table {
            Table::Csv(_) => &[],
            Table::Sheet(sheet) => &sheet.others,
        }
    }

    /// What a pass has to read, in the unit of [`Progress`]: the unpacked bytes
    /// of a CSV file as UTF-8, the packed bytes of a sheet. It may grow in the
    /// first pass, if only letters deep in the file show its encoding.
    pub fn bytes(&self) -> Option<u64> {
        let bytes = match &self.table {
            Table::Csv(csv) => csv.length(),
            Table::Sheet(sheet) => sheet.length(),
        };
        (bytes > 0).then_some(bytes)
    }

    /// About how many rows there are, rather too many than too few, and never
    /// absurdly many: for reserving memory.
    pub fn estimated_rows(&self) -> usize {
        match &self.table {
            Table::Csv(csv) => csv.estimated_rows,
            Table::Sheet(sheet) => sheet.estimated_rows,
        }
    }

    /// Leaves the digest out of the first pass, for callers that do not report
    /// it: it is a fifteenth of the work on a CSV.
    pub fn skip_digest(&mut self) {
        if let Table::Csv(csv) = &mut self.table {
            csv.wants_digest = false;
        }
    }

    /// Whether rows of the feed may be shorter than its header by mistake: a sheet has no
    /// rows that end.
    pub fn has_row_ends(&self) -> bool {
        matches!(&self.table, Table::Csv(_))
    }

    /// Whether the end of the file is that of a line, white space left out: known after a
    /// complete pass, for text.
    pub fn ends_line(&self) -> Option<bool> {
        match &self.table {
            Table::Csv(csv) => csv.ends_line,
            Table::Sheet(_) => None,
        }
    }

    /// The SHA-256 of the file as it was given: of the compressed bytes of a
    /// compressed file, of what came over stdin. Known at the latest after the
    /// first complete pass.
    pub fn sha256(&self) -> Option<[u8; 32]> {
        match &self.table {
            Table::Csv(csv) => csv.sha256(),
            Table::Sheet(sheet) => Some(sheet.sha256),
        }
    }

    /// Makes one pass over all records after the header, in the order of the
    /// file.
    ///
    /// `work` is called for one batch after the other on rayon's threads, and
    /// `take` on the calling thread for each result, in the order of the file.
    /// An error of `take` ends the pass. A batch may hold no record at all.
    ///
    /// # Errors
    /// What `take` returns, or the [`FeedError`] that ended the pass early:
    /// the results before it are right, but they are not the whole feed.
    pub fn read<T: Send, E: From<FeedError>>(
        &mut self,
        work: impl Fn(&mut Batch<'_>) -> T + Sync + Send,
        mut take: impl FnMut(T, Progress) -> Result<(), E>,
    ) -> Result<(), E> {
        let extension = self.extension();
        let work = |batch: &mut Batch<'_>| {
            batch.extend_by(extension.clone());
            let result = work(batch);
            batch.failure().map_or(Ok(result), Err)
        };
        let take = |result: Result<T, FeedError>, progress| take(result?, progress);
        match &mut self.table {
            Table::Csv(csv) => {
                let read = csv.read(work, take);
                if let Format::Csv { encoding, .. } = &mut self.format {
                    *encoding = csv.encoding();
                }
                read
            }
            Table::Sheet(sheet) => sheet.read(work, take),
        }
    }
}

/// Whether the mapping's `encoding` can be read.
///
/// # Errors
/// [`FeedError::EncodingNotSupported`], whose help names the nearest that can.
pub fn check_encoding(label: &str) -> Result<(), FeedError> {
    encoding::named(label).map(drop)
}

/// What a file is, with its start; of what is around one file, what that file is.
fn unpacked(
    path: &Arc<Path>,
    mut opened: Opened,
    bounds: Bounds,
) -> Result<(Opened, Vec<u8>, FileKind), FeedError> {
    let find = |opened: &Opened| {
        let start = start_of(&opened.file).map_err(|source| FeedError::CannotOpen {
            path: path.clone(),
            source,
        })?;
        let kind = kind::find(path, opened, &start, bounds)?;
        Ok::<_, FeedError>((start, kind))
    };
    let (mut start, mut kind) = find(&opened)?;
    if let FileKind::Packed(part) = &kind {
        opened = spool::member(path, &opened, part, bounds)?;
        (start, kind) = find(&opened)?;
    }
    if let FileKind::Compound(name) = kind {
        opened = spool::stream(path, &opened, name, bounds)?;
        (start, kind) = find(&opened)?;
    }
    Ok((opened, start, kind))
}

/// Makes sure that a file may be a table, and that it reads as UTF-8.
fn text(
    path: &Arc<Path>,
    opened: Opened,
    start: &[u8],
    named: Option<Charset>,
) -> Result<Text, FeedError> {
    let text = Text::open(path, opened, start, named)?;
    // What has other bytes for ASCII's letters shows only now what it is.
    if !kind::is_readable(start, named) {
        let start = start_of(&text.file).map_err(FeedError::read(path, 0))?;
        kind::refuse_other_text(path, &start)?;
    }
    Ok(text)
}

/// Opens a file, or a private copy of it if it cannot be read twice as it is.
fn open_file(path: &Arc<Path>, bounds: Bounds) -> Result<Opened, FeedError> {
    let cannot_open = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => FeedError::NotFound(path.clone()),
        _ => FeedError::CannotOpen {
            path: path.clone(),
            source,
        },
    };
    let refuse_device = |about: &Metadata| {
        if files::is_device(about) {
            return Err(FeedError::Device(path.clone()));
        }
        Ok(())
    };
    // Asked before opening: Windows does not open folders, and opening a device can
    // act on it.
    let about = std::fs::metadata(path).map_err(cannot_open)?;
    if about.is_dir() {
        return Err(FeedError::Directory(path.clone()));
    }
    refuse_device(&about)?;
    let mut file = files::open(path, &about).map_err(cannot_open)?;
    let metadata = file.metadata().map_err(cannot_open)?;
    refuse_device(&metadata)?;
    // A pipe can be read once only, and its start not twice.
    if !metadata.is_file() {
        return spool::spool(path, file, bounds);
    }
    let start = start_of(&file).map_err(cannot_open)?;
    if spool::is_gzip(&start) {
        file.seek(SeekFrom::Start(0)).map_err(cannot_open)?;
        return spool::spool(path, file, bounds);
    }
    Ok(Opened {
        file,
        length: metadata.len(),
        sha256: None,
        gzip: false,
    })
}

fn start_of(mut file: &File) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(START).read_to_end(&mut start)?;
    Ok(start)
}

#[cfg(test)]
mod detection_tests;
#[cfg(test)]
mod quoting_tests;
#[cfg(test)]
mod tests;
