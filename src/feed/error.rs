//! Why a feed could not be read.
//!
//! A bad *row* is never one of these: it is data, and the mapping and the
//! rules judge it. Every error names the feed and, where there is one, the line
//! or the row; [`FeedError::help`] says what to do about it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::SeveralError;
use super::openpgp::OpenPgpError;
use crate::files;
use crate::model::{Limit, RowNumber};

/// Why a feed could not be read, or not to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// There is no such file.
    #[error("feed `{}` does not exist", .0.display())]
    NotFound(Arc<Path>),
    /// The file exists and may not be opened, or not be read at all.
    #[error("feed `{}` cannot be opened", path.display())]
    CannotOpen {
        /// The feed.
        path: Arc<Path>,
        /// What the system says.
        source: io::Error,
    },
    /// The machine refuses the threads that read it.
    #[error("the threads that read the feed cannot be started")]
    Threads {
        /// What the system says.
        source: io::Error,
    },
    /// A folder was named.
    #[error("feed `{}` is a folder, not a file", .0.display())]
    Directory(Arc<Path>),
    /// A device was named: reading it could go on for ever.
    #[error("feed `{}` is a device, not a file", .0.display())]
    Device(Arc<Path>),
    /// Nothing is in the file, or nothing but blank lines.
    #[error("feed `{}` is empty", .0.display())]
    Empty(Arc<Path>),
    /// No row can be the header.
    #[error("feed `{}` has no header row", .0.display())]
    NoHeader(Arc<Path>),
    /// The header is not text in the feed's encoding.
    #[error("the header of feed `{}` (line {row}, column {column}) is not {encoding} text", path.display())]
    HeaderNotText {
        /// The feed.
        path: Arc<Path>,
        /// Where the header is.
        row: RowNumber,
        /// The first header cell that is not text, counted from 1.
        column: usize,
        /// What the feed was read as.
        encoding: &'static str,
    },
    /// The mapping's `header_row` names a row that cannot be the header.
    #[error("feed `{}` has no row at `header_row = {row}`", path.display())]
    HeaderRowNotFound {
        /// The feed.
        path: Arc<Path>,
        /// As the mapping says it.
        row: u32,
    },
    /// A file that is not a table.
    #[error("feed `{}` is {what}, not a CSV or XLSX file", path.display())]
    NotATable {
        /// The feed.
        path: Arc<Path>,
        /// What it seems to be: `a PDF document`.
        what: &'static str,
    },
    /// A workbook that opens with a password only.
    #[error("feed `{}` is protected by a password", .0.display())]
    Password(Arc<Path>),
    /// An archive that opens with a password only.
    #[error("feed `{}` is a ZIP archive protected by a password", .0.display())]
    PasswordOfArchive(Arc<Path>),
    /// A table in a format that hrfeed does not read yet.
    #[error("feed `{}` is {format}, which is not supported", path.display())]
    FormatNotSupported {
        /// The feed.
        path: Arc<Path>,
        /// What it is.
        format: OtherFormat,
    },
    /// The letters of the text do not show its encoding.
    #[error("the encoding of feed `{}` is not certain: it may be {}", path.display(), alternatives(likely))]
    EncodingUnclear {
        /// The feed.
        path: Arc<Path>,
        /// The encodings in which the text makes most sense, the likeliest first.
        likely: Vec<&'static str>,
    },
    /// The mapping's `encoding` is not known.
    #[error("encoding `{}` is not known", encoding.escape_debug())]
    EncodingNotSupported {
        /// As the mapping says it.
        encoding: String,
        /// The nearest that is known.
        near: Option<&'static str>,
    },
    /// The mapping's `delimiter` cannot part cells.
    #[error("delimiter `{}` is not supported", char::from(*delimiter).escape_default())]
    DelimiterNotSupported {
        /// As the mapping says it.
        delimiter: u8,
    },
    /// The mapping names a sheet that the workbook does not have.
    #[error("feed `{}` has no sheet `{sheet}`; it has {}", path.display(), listed(sheets))]
    SheetNotFound {
        /// The feed.
        path: Arc<Path>,
        /// As the mapping says it.
        sheet: String,
        /// The sheets that exist, the nearest name first.
        sheets: Vec<String>,
    },
    /// Every sheet with a table is hidden.
    #[error("feed `{}` has tables in hidden sheets only: {}", path.display(), listed(sheets))]
    AllHidden {
        /// The feed.
        path: Arc<Path>,
        /// Their names.
        sheets: Vec<String>,
    },
    /// The quotes of the header do not show where its cells end.
    #[error("the quotes in the header (row {row}) of feed `{}` do not show where its cells end", path.display())]
    HeaderQuotes {
        /// The feed.
        path: Arc<Path>,
        /// The header.
        row: RowNumber,
    },
    /// Somewhere among the people, the header comes again with its columns in another order.
    #[error("row {row} of feed `{}` is a header with other columns than the one in row {header}", path.display())]
    OtherHeader {
        /// The feed.
        path: Arc<Path>,
        /// The header by which it is read.
        header: RowNumber,
        /// The other one.
        row: RowNumber,
    },
    /// A quote opens a cell, and nothing closes it.
    #[error("a quote in line {line} of feed `{}` is never closed", path.display())]
    UnclosedQuote {
        /// The feed.
        path: Arc<Path>,
        /// Where the quote opens.
        line: RowNumber,
    },
    /// A record of many megabytes.
    #[error("the row in line {line} of feed `{}` is longer than {max} bytes", path.display())]
    RecordTooLong {
        /// The feed.
        path: Arc<Path>,
        /// Where the record starts, or where the quote opens that swallows it.
        line: RowNumber,
        /// The bound.
        max: usize,
    },
    /// More columns than a spreadsheet can have.
    #[error("the header of feed `{}` has {columns} columns; the maximum is {max}", path.display())]
    TooManyColumns {
        /// The feed.
        path: Arc<Path>,
        /// Columns found.
        columns: usize,
        /// The bound.
        max: usize,
    },
    /// More sheets than are looked through for a table.
    #[error("workbook `{}` has {sheets} sheets; the maximum is {max}", path.display())]
    TooManySheets {
        /// The feed.
        path: Arc<Path>,
        /// Sheets found.
        sheets: usize,
        /// The bound.
        max: usize,
    },
    /// Several files are not one feed.
    #[error(transparent)]
    Several(#[from] SeveralError),
    /// More lines than a row number can count.
    #[error("feed `{}` has more than {} lines", .0.display(), u32::MAX)]
    TooManyLines(Arc<Path>),
    /// The file is not the one that was read before.
    #[error("feed `{}` changed while it was read", .0.display())]
    Changed(Arc<Path>),
    /// The system could not read on.
    #[error("feed `{}` cannot be read after byte {byte}", path.display())]
    Read {
        /// The feed.
        path: Arc<Path>,
        /// How far reading came.
        byte: u64,
        /// What the system says.
        source: io::Error,
    },
    /// The workbook does not hold together.
    #[error("workbook `{}` is damaged{}", path.display(), after_row(*row))]
    Workbook {
        /// The feed.
        path: Arc<Path>,
        /// The last row that could be read.
        row: Option<RowNumber>,
        /// What does not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The compressed file does not hold together.
    #[error("feed `{}` is a damaged gzip file", path.display())]
    Gzip {
        /// The feed.
        path: Arc<Path>,
        /// What the decompressor says.
        source: io::Error,
    },
    /// A file that would fill the disk or the memory if it were unpacked.
    #[error("feed `{}` unpacks to far more than its size ({packed} to {unpacked} bytes)", path.display())]
    Bomb {
        /// The feed.
        path: Arc<Path>,
        /// Its compressed size.
        packed: u64,
        /// What it unpacks to, as far as that was followed.
        unpacked: u64,
    },
    /// More bytes than the mapping lets a feed have.
    #[error("feed `{}` {} more than {}", path.display(), if *is_unpacked { "unpacks to" } else { "has" }, files::size(*max))]
    TooLarge {
        /// The feed.
        path: Arc<Path>,
        /// The bound, in bytes.
        max: u64,
        /// Whether it is the unpacked content that is too large.
        is_unpacked: bool,
    },
    /// A cell of a workbook that is too long for one.
    #[error("a cell of workbook `{}` is longer than {max} bytes", path.display())]
    CellTooLong {
        /// The feed.
        path: Arc<Path>,
        /// The bound.
        max: usize,
    },
    /// A part of a workbook that would have to be held as a whole.
    #[error("workbook `{}` is too large: {part} unpacks to more than {max} bytes", path.display())]
    TooMuchHeld {
        /// The feed.
        path: Arc<Path>,
        /// The part's name in the archive.
        part: String,
        /// The bound.
        max: u64,
    },
    /// The private copy of stdin or of an unpacked feed could not be written.
    #[error("the private copy of feed `{}` cannot be written to {}", path.display(), folder.display())]
    Spool {
        /// The feed.
        path: Arc<Path>,
        /// The folder for temporary files.
        folder: Box<Path>,
        /// What the system says.
        source: io::Error,
    },
    /// The private copy would fill the disk, on which other programs depend.
    #[error(
        "there is not enough room in {} for the private copy of feed `{}`: {} free",
        folder.display(), path.display(), files::size(*available)
    )]
    NoRoom {
        /// The feed.
        path: Arc<Path>,
        /// The folder for temporary files.
        folder: Box<Path>,
        /// The bytes that are free there.
        available: u64,
    },
    /// An OpenPGP message that cannot be read.
    #[error("feed `{}` {why}", path.display())]
    OpenPgp {
        /// The feed.
        path: Arc<Path>,
        /// Why not.
        why: OpenPgpError,
    },
    /// A file that is joined to the feed cannot be read.
    #[error(transparent)]
    Joined(OtherFile),
    /// A file that is joined to the feed has a header and no rows.
    #[error("joined file `{}` has no rows", .0.display())]
    JoinedWithoutRows(Arc<Path>),
    /// A file that is joined to the feed was cut off.
    #[error(
        "joined file `{}` is cut off in row {row}, which is shorter than every other and has no \
         line end", path.display()
    )]
    JoinedCutOff {
        /// The file.
        path: Arc<Path>,
        /// Its last row.
        row: RowNumber,
    },
    /// A file that is joined to the feed has rows of nobody in it.
    #[error("no row of joined file `{}` is about anybody in the feed: {keys}", path.display())]
    JoinedOfNobody {
        /// The file.
        path: Arc<Path>,
        /// Which keys both have, as a sentence.
        keys: Box<str>,
    },
}

/// Why a file beside the feed could not be read.
#[derive(Debug)]
pub struct OtherFile {
    /// What the file is to a person: `joined file`.
    kind: &'static str,
    error: Box<FeedError>,
}

impl std::fmt::Display for OtherFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.error.of_file(self.kind))
    }
}

impl std::error::Error for OtherFile {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.error)
    }
}

/// A format of tables that hrfeed does not read yet. Shown to people: `an Apple Numbers
/// spreadsheet (.numbers)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherFormat {
    /// A workbook of Excel 2 to 4.
    OldWorkbook,
    /// An XML spreadsheet of Excel 2003.
    XmlWorkbook,
    /// A web page. Some systems write tables so and call them `.xls`.
    WebPage,
    /// A web page in one file with its pictures, as Excel saves them.
    WebArchive,
    /// A spreadsheet of Apple Numbers.
    Numbers,
}

impl OtherFormat {
    /// What to do about it.
    fn help(self) -> &'static str {
        match self {
            Self::OldWorkbook | Self::XmlWorkbook => {
                "open it in Excel and save it as `Excel Workbook (.xlsx)`, or let the HR system \
                 export XLSX or CSV"
            }
            Self::WebPage | Self::WebArchive => {
                "if Excel shows the people in it, save it there as `Excel Workbook (.xlsx)`, or let \
                 the HR system export XLSX or CSV"
            }
            Self::Numbers => {
                "open it in Numbers and choose File, Export To, Excel, with the format .xlsx"
            }
        }
    }
}

impl std::fmt::Display for OtherFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::OldWorkbook => "a workbook of Excel 4 or older",
            Self::XmlWorkbook => "an XML spreadsheet of Excel 2003",
            Self::WebPage => "an HTML page",
            Self::WebArchive => "a web archive (MHTML)",
            Self::Numbers => "an Apple Numbers spreadsheet (.numbers)",
        })
    }
}

impl FeedError {
    /// The same of a file that is joined to the feed.
    pub(crate) fn joined(error: Self) -> Self {
        Self::Joined(OtherFile {
            kind: "joined file",
            error: Box::new(error),
        })
    }

    /// The same in words, of a file that `kind` names in place of a feed.
    pub(crate) fn of_file(&self, kind: &str) -> String {
        let named = format!("{kind} `");
        let said = self.to_string().replacen("feed `", &named, 1);
        said.replacen("workbook `", &named, 1)
    }

    /// An error of reading on after `byte`.
    pub(super) fn read(path: &Arc<Path>, byte: u64) -> impl FnOnce(io::Error) -> Self {
        let path = path.clone();
        move |source| Self::Read { path, byte, source }
    }

    /// The file is not a table but what `what` says.
    pub(super) fn not_a_table(path: &Arc<Path>, what: &'static str) -> Self {
        let path = path.clone();
        Self::NotATable { path, what }
    }

    /// The table is in a format that is not supported.
    pub(super) fn format(path: &Arc<Path>, format: OtherFormat) -> Self {
        let path = path.clone();
        Self::FormatNotSupported { path, format }
    }

    /// The OpenPGP message cannot be read.
    pub(super) fn openpgp(path: &Arc<Path>, why: OpenPgpError) -> Self {
        let path = path.clone();
        Self::OpenPgp { path, why }
    }

    /// What to do about it, as a sentence without a full stop.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::NotFound(_) => "check the path; a relative path starts at the current folder",
            Self::CannotOpen { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "give the user who runs hrfeed permission to read the file; on Windows, close it in Excel"
            }
            Self::Threads { .. } => Limit::Threads.help(),
            Self::Directory(_) => "give the path of a file in it",
            Self::Empty(_) | Self::NoHeader(_) => {
                "check that the export is complete: the first row must contain the column names"
            }
            Self::HeaderNotText { .. } => {
                "set the file's encoding, such as `encoding = \"windows-1250\"` in [source] or \
                 `init --encoding`, or save the file again as `CSV UTF-8`"
            }
            Self::HeaderRowNotFound { .. } => {
                "count lines (CSV) or sheet rows (workbooks) from 1, including title rows and blank rows, \
                 or remove `header_row`"
            }
            Self::NotATable { .. } => "export the people as CSV or XLSX",
            Self::Password(_) => {
                "open it in Excel or LibreOffice, remove the password (in Excel: File, Info, Protect \
                 Workbook) or the sensitivity label that encrypts it, and save it"
            }
            Self::PasswordOfArchive(_) => "unpack it and give hrfeed the file in it",
            Self::FormatNotSupported { format, .. } => format.help(),
            Self::EncodingUnclear { likely, .. } => {
                let first = likely.first().unwrap_or(&"windows-1252");
                return Some(format!(
                    "ask who makes the export and set its encoding, such as `encoding = \"{first}\"` \
                     in [source] or `init --encoding {first}`, or save the file again as `CSV UTF-8`"
                ));
            }
            Self::EncodingNotSupported { encoding, near } => {
                return Some(known_encoding(encoding, *near));
            }
            Self::DelimiterNotSupported { .. } => {
                "use one character such as `,` `;` `|` or a tab, or remove `delimiter`"
            }
            Self::AllHidden { .. } => {
                "name the sheet to read with `sheet` in [source], or show it in Excel"
            }
            Self::SheetNotFound { .. } => "set `sheet` to one of these names, or remove it",
            Self::UnclosedQuote { .. } | Self::HeaderQuotes { .. } | Self::RecordTooLong { .. } => {
                "check that line: a quote inside a quoted value must be doubled (\"\")"
            }
            Self::OtherHeader { .. } => {
                "the people below it would get each other's values: put their columns in the order of \
                 the first header, or make a file of each part"
            }
            Self::TooManyColumns { .. } => "check the delimiter, and that this is the right file",
            Self::TooManySheets { .. } => "save the sheet with the people as a workbook of its own",
            Self::TooManyLines(_) => "split the feed",
            Self::Changed(_) => {
                "run again when the export has finished; let it write to another name and rename the \
                 file at the end"
            }
            Self::Read { .. } => "check the disk or the network drive, then run again",
            Self::Workbook { .. } => "open it in Excel, let Excel repair it, and save it again",
            Self::Gzip { .. } => "check that the copy is complete, for example with `gzip -t`",
            Self::Bomb { .. } => "unpack it yourself and check what it contains",
            Self::CellTooLong { .. } => {
                "open it in Excel and shorten the cell; Excel allows 32,767 characters in a cell"
            }
            Self::TooMuchHeld { .. } => "save it as `CSV UTF-8`, which has no limit",
            Self::OpenPgp { why, .. } => why.help(),
            Self::Device(_) => "give the path of a file, or `-` for standard input",
            Self::TooLarge { .. } => {
                "check that this is the right file; if it is, allow more with `max_feed` in \
                 [source], for example `max_feed = \"8 GiB\"`"
            }
            Self::Spool { .. } | Self::NoRoom { .. } => {
                "free some space there, or set TMPDIR (on Windows: TMP) to another folder"
            }
            Self::Joined(OtherFile { error, .. }) => match &**error {
                Self::NotFound(_) => {
                    "check `file` in [join]; a relative path starts at the folder of the mapping"
                }
                error => return error.help().map(|help| help.replace("[source]", "[join]")),
            },
            Self::JoinedWithoutRows(_) => "check that its export is complete",
            Self::JoinedCutOff { .. } => {
                "export it again; if it is whole, let its last line have an end"
            }
            Self::JoinedOfNobody { .. } => {
                "check `on` in [join]: both columns must have the same keys, with the same zeros and \
                 case; if they have, check that the file is of these people"
            }
            Self::Several(error) => return Some(error.help()),
            Self::CannotOpen { .. } => return None,
        };
        Some(help.to_owned())
    }

    /// Whether the call or the mapping must change, rather than the file.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        if let Self::Joined(OtherFile { error, .. }) = self {
            return error.is_usage();
        }
        if let Self::OpenPgp { why, .. } = self {
            return why.is_usage();
        }
        matches!(
            self,
            Self::HeaderRowNotFound { .. }
                | Self::EncodingNotSupported { .. }
                | Self::EncodingUnclear { .. }
                | Self::DelimiterNotSupported { .. }
                | Self::SheetNotFound { .. }
                | Self::AllHidden { .. }
        )
    }
}

/// What to write instead of an encoding that is not known.
fn known_encoding(encoding: &str, near: Option<&str>) -> String {
    if encoding.trim().eq_ignore_ascii_case("ansi") {
        return "Windows calls so what it writes in each country: set \"windows-1252\" in Western \
                Europe and America, \"windows-1250\" in Central Europe, \"windows-1251\" for \
                Cyrillic, \"windows-1253\" for Greek and \"windows-1254\" for Turkish"
            .into();
    }
    match near {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "use for example \"windows-1252\", \"windows-1250\" or \"utf-16\", or save the \
                 file as `CSV UTF-8` and remove `encoding`"
            .into(),
    }
}

/// `` `Staff`, `Leavers` and 3 more ``: enough to see which one was meant.
fn listed(sheets: &[String]) -> String {
    const ROWS_SHOWN: usize = 8;
    let names: Vec<_> = sheets
        .iter()
        .take(ROWS_SHOWN)
        .map(|name| format!("`{name}`"))
        .collect();
    match sheets.len().saturating_sub(ROWS_SHOWN) {
        0 if names.is_empty() => "none".to_owned(),
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// `windows-1252, cp850 or macintosh`.
fn alternatives(names: &[&str]) -> String {
    match names.split_last() {
        None => "anything".to_owned(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

fn after_row(row: Option<RowNumber>) -> String {
    row.map_or_else(String::new, |row| format!(" after row {row}"))
}
