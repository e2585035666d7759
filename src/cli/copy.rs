//! Copies of rows of a feed, for people who know whom they are about.

use std::io::Write;

use super::context::{Context, PrintError};
use super::exit::Failure;
use super::output_file::OutputFile;
use crate::feed::{Feed, Format, Record};
use crate::report::{CopyCell, CopyError, CopyRow, CsvCopy, XlsxCopy, XlsxLayout, can_write};

/// What a copy is written as.
#[derive(Clone, Debug)]
pub(super) enum CopyFormat {
    /// Text, in this encoding and with this delimiter.
    Csv {
        encoding: &'static str,
        delimiter: u8,
    },
    /// A workbook whose sheet has this name; of a text file all cells are texts.
    Xlsx { sheet: String, is_text: bool },
}

/// The columns of a feed that go into a copy: not those that came with an earlier one.
#[derive(Clone, Debug)]
pub(super) struct CopyColumns {
    kept: Vec<usize>,
    all: usize,
    pub(super) names: Vec<String>,
    pub(super) is_of_workbook: bool,
}

/// A copy: its columns are the feed's and those that are added.
pub(super) struct Copy<'a> {
    pub(super) format: CopyFormat,
    pub(super) columns: &'a CopyColumns,
    pub(super) added: &'a [&'a str],
}

impl CopyColumns {
    pub(super) fn of(feed: &Feed) -> Self {
        let added = feed.corrections().map_or(&[][..], |it| it.added());
        let columns = feed.own_columns().iter().enumerate();
        let columns = columns.filter(|(at, _)| !added.contains(at));
        let (kept, names) = columns.map(|(at, name)| (at, name.clone())).unzip();
        Self {
            kept,
            all: feed.own_columns().len(),
            names,
            is_of_workbook: matches!(feed.format(), Format::Workbook { .. }),
        }
    }

    /// The cells of a record in these columns, and what is beyond the header.
    pub(super) fn cells(&self, record: &Record, is_too_short: bool) -> Vec<CopyCell> {
        let cells = CopyCell::of_record(record, self.all, is_too_short);
        if self.kept.len() == self.all {
            return cells;
        }
        let beyond = cells.get(self.all..).unwrap_or_default();
        let kept = self.kept.iter().filter_map(|at| cells.get(*at));
        kept.chain(beyond).cloned().collect()
    }
}

/// What writes a row of a copy.
pub(super) type WriteRow<'w> = dyn FnMut(&CopyRow<'_>) -> Result<(), CopyError> + 'w;

impl CopyFormat {
    /// Text as the feed is text. What is said of a text file is known once it is read.
    pub(super) fn csv(feed: &Feed) -> Self {
        match feed.format() {
            Format::Csv {
                delimiter,
                encoding,
                ..
            } => Self::Csv {
                delimiter: *delimiter,
                encoding,
            },
            Format::Workbook { .. } => Self::Csv {
                delimiter: b',',
                encoding: "UTF-8",
            },
        }
    }

    /// Whether it can have the character.
    pub(super) fn can_have(&self, char: char) -> bool {
        match self {
            Self::Csv { encoding, .. } => can_write(encoding, char),
            Self::Xlsx { .. } => true,
        }
    }

    /// A workbook whose sheet has this name, or that of the feed's.
    pub(super) fn xlsx(feed: &Feed, sheet: Option<&str>) -> Self {
        let (name, is_text) = match feed.format() {
            Format::Csv { .. } => ("Rows", true),
            Format::Workbook { sheet } => (sheet.as_str(), false),
        };
        let name = sheet.unwrap_or(name);
        // OpenDocument has names that Excel does not.
        let is_of_excel = name.chars().count() <= 31
            && !name.contains(['[', ']', ':', '*', '?', '/', '\\'])
            && !name.starts_with('\'')
            && !name.ends_with('\'');
        Self::Xlsx {
            sheet: if is_of_excel { name } else { "Rows" }.to_owned(),
            is_text,
        }
    }
}

impl Copy<'_> {
    /// Writes the copy; `rows` writes its rows. A workbook is never written to stdout.
    pub(super) fn write(
        &self,
        context: &Context,
        output: Option<&OutputFile<'_>>,
        rows: impl FnOnce(&mut WriteRow<'_>) -> Result<(), PrintError>,
    ) -> Result<(), Failure> {
        let write = |out: &mut dyn Write| match &self.format {
            CopyFormat::Xlsx { sheet, is_text } => {
                let layout = XlsxLayout {
                    sheet,
                    is_text: *is_text,
                };
                let mut copy = XlsxCopy::new(layout, &self.columns.names, self.added)?;
                rows(&mut |row| copy.write(row))?;
                Ok(out.write_all(&copy.finish()?)?)
            }
            CopyFormat::Csv {
                encoding,
                delimiter,
            } => {
                let columns = (&*self.columns.names, self.added);
                let mut copy = CsvCopy::new(out, encoding, *delimiter, columns)?;
                rows(&mut |row| copy.write(row))?;
                Ok(copy.finish()?)
            }
        };
        match output {
            Some(output) => output.write(context, write),
            None => context.print_with(|out| write(out)),
        }
    }
}

/// Why a copy could not be written.
pub(super) fn not_copied(error: CopyError) -> Failure {
    match error {
        CopyError::Io(error) => error.into(),
        CopyError::TooLarge(_) => Failure::usage(
            error.to_string(),
            "choose `--format csv`, or another name for the file",
        ),
        CopyError::Workbook(_) => Failure::machine(error.to_string()),
    }
}

impl From<CopyError> for PrintError {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Io(error) => Self::Io(error),
            error => Self::Failed(not_copied(error)),
        }
    }
}
