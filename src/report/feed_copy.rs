//! Rows of a feed as they are, with more columns that say why each of them is listed:
//! for somebody who knows the people and not hrfeed.

use std::io::{self, BufWriter, Write};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use rust_xlsxwriter::XlsxError;

use super::lines::io_error;
use crate::feed::{Cell, CellKind, Record};
use crate::model::corrections::{TO_ENTER, defused};

/// A cell of a feed on its way into a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyCell {
    /// What the cell says.
    pub text: String,
    /// What it is: nothing that cannot be written again.
    pub kind: CellKind,
}

/// A row of a copy.
#[derive(Clone, Copy, Debug)]
pub struct CopyRow<'a> {
    /// What the feed has: a cell for each column, and those beyond the header, if any.
    pub cells: &'a [CopyCell],
    /// What is said of the row, in the columns that are added.
    pub notes: &'a [&'a str],
    /// The cells that are wrong, by their columns.
    pub wrong: &'a [usize],
}

impl CopyCell {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            kind: CellKind::Text,
        }
    }

    /// A cell that somebody must fill: empty, it would come back as one that says nothing.
    fn to_enter(why: &str) -> Self {
        Self::text(format!("{TO_ENTER} ({why})"))
    }

    /// A cell as it goes into a copy.
    fn of(cell: Cell<'_>) -> Self {
        match cell.kind {
            CellKind::NotText => Self::to_enter("it could not be read"),
            CellKind::Error => Self::to_enter(&format!("the cell shows {}", cell.text)),
            CellKind::Uncalculated => Self::to_enter("its formula has no result"),
            CellKind::ZeroForNothing => Self::to_enter("its formula shows an empty cell"),
            CellKind::Undecided => Self::to_enter("its value is not certain"),
            kind => Self {
                text: cell.text.to_owned(),
                kind,
            },
        }
    }

    /// The cells of a record: one for each of the `columns`, and what is beyond. Where the
    /// quotes of the record are wrong, or it `is_too_short`, what cannot be read must be
    /// entered.
    #[must_use]
    pub fn of_record(record: &Record, columns: usize, is_too_short: bool) -> Vec<Self> {
        let certain = record.flaw().map_or(usize::MAX, |flaw| flaw.cell);
        let width = columns.max(record.len());
        let cell = |index| match record.own_cell(index) {
            _ if index >= certain => Self::to_enter("the quotes of the line are wrong"),
            Some(cell) => Self::of(cell),
            None if is_too_short => Self::to_enter("the line ends before it"),
            None => Self::text(""),
        };
        let mut cells: Vec<_> = (0..width).map(cell).collect();
        // What nobody filled says nothing.
        while cells.len() > columns && cells.last().is_some_and(|cell| cell.text.is_empty()) {
            cells.pop();
        }
        cells
    }
}

/// Why the copy could not be written.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Its file takes no more.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A sheet has no room for it.
    #[error(
        "a sheet has no room for {what}; write a CSV file instead",
        what = .0
    )]
    TooLarge(&'static str),
    /// The workbook cannot be created.
    #[error("the workbook cannot be created: {0}")]
    Workbook(String),
}

impl From<XlsxError> for CopyError {
    fn from(error: XlsxError) -> Self {
        match error {
            XlsxError::RowColumnLimitError => Self::TooLarge("that many rows or columns"),
            XlsxError::MaxStringLengthExceeded => {
                Self::TooLarge("a cell of more than 32,767 characters")
            }
            XlsxError::IoError(error) => Self::Io(error),
            error => Self::Workbook(error.to_string()),
        }
    }
}

/// Rows as text, in the encoding and with the delimiter of their feed; in UTF-8 with a
/// mark where the feed is in an encoding that nothing is written in, such as those of DOS.
#[derive(Debug)]
pub struct CsvCopy<W: Write> {
    writer: csv::Writer<Encoded<W>>,
    columns: usize,
}

impl<W: Write> CsvCopy<W> {
    /// Writes the header to `out`: the feed's columns, and those that are added. `encoding`
    /// is a name that [`crate::feed::Format`] gives.
    pub fn new(
        out: W,
        encoding: &str,
        delimiter: u8,
        (columns, added): (&[String], &[&str]),
    ) -> Result<Self, CopyError> {
        let encoding = Encoding::for_label(encoding.as_bytes()).unwrap_or(UTF_8);
        let writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(csv::Terminator::CRLF)
            // Cells beyond the header are the row's own.
            .flexible(true)
            .from_writer(Encoded::new(out, encoding)?);
        let mut copy = Self {
            writer,
            columns: columns.len(),
        };
        let columns = columns.iter().map(String::as_str);
        copy.record(columns.chain(added.iter().copied()))?;
        Ok(copy)
    }

    /// Writes one row.
    pub fn write(&mut self, row: &CopyRow<'_>) -> Result<(), CopyError> {
        let (own, beyond) = row.cells.split_at(self.columns.min(row.cells.len()));
        let missing = std::iter::repeat_n("", self.columns - own.len());
        let [own, beyond] = [own, beyond].map(|cells| cells.iter().map(|it| it.text.as_str()));
        let notes = row.notes.iter().copied();
        self.record(own.chain(missing).chain(notes).chain(beyond))
    }

    fn record<'a>(&mut self, cells: impl Iterator<Item = &'a str>) -> Result<(), CopyError> {
        for cell in cells {
            let cell = defused(cell);
            self.writer.write_field(cell.as_bytes()).map_err(io_error)?;
        }
        self.writer.write_record(None::<&[u8]>).map_err(io_error)?;
        Ok(())
    }

    /// Writes what is held back.
    pub fn finish(mut self) -> Result<(), CopyError> {
        Ok(self.writer.flush()?)
    }
}

/// Whether a copy of a feed in this encoding can have the character.
#[must_use]
pub fn can_write(encoding: &str, char: char) -> bool {
    let encoding = Encoding::for_label(encoding.as_bytes()).unwrap_or(UTF_8);
    !encoding.encode(char.encode_utf8(&mut [0; 4])).2
}

/// Text on its way into an encoding.
#[derive(Debug)]
struct Encoded<W: Write> {
    out: BufWriter<W>,
    encoding: &'static Encoding,
    /// The first bytes of a character whose others are yet to come.
    begun: Vec<u8>,
}

impl<W: Write> Encoded<W> {
    /// Begins with the mark by which a spreadsheet knows Unicode.
    fn new(out: W, encoding: &'static Encoding) -> io::Result<Self> {
        let mut encoded = Self {
            out: BufWriter::new(out),
            encoding,
            begun: Vec::new(),
        };
        if encoding == UTF_8 || encoding == UTF_16LE || encoding == UTF_16BE {
            encoded.encode("\u{feff}")?;
        }
        Ok(encoded)
    }

    fn encode(&mut self, text: &str) -> io::Result<()> {
        if self.encoding == UTF_16LE {
            let units = text.encode_utf16();
            let bytes: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
            self.out.write_all(&bytes)
        } else if self.encoding == UTF_16BE {
            let units = text.encode_utf16();
            let bytes: Vec<u8> = units.flat_map(u16::to_be_bytes).collect();
            self.out.write_all(&bytes)
        } else {
            // All that the feed holds is in its encoding.
            let (bytes, ..) = self.encoding.encode(text);
            self.out.write_all(&bytes)
        }
    }
}

impl<W: Write> Write for Encoded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let whole = match str::from_utf8(&all) {
            Ok(_) => all.len(),
            Err(error) => error.valid_up_to(),
        };
        let (text, begun) = all.split_at(whole);
        self.begun = begun.to_vec();
        let text = str::from_utf8(text).map_err(io::Error::other)?;
        self.encode(text)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::corrections::REASON;

    const ROWS: [[&str; 3]; 3] = [
        ["007", "Zoë Ångström", "+31 20 555"],
        ["E8", "a\"b;c\nd", "=1+1"],
        ["E9", "", "@x"],
    ];

    fn columns() -> Vec<String> {
        ["ID", "Name", "Téléphone"].map(str::to_owned).into()
    }

    fn csv(encoding: &str, delimiter: u8) -> Vec<u8> {
        let mut out = Vec::new();
        let columns = (&columns()[..], &[REASON][..]);
        let mut copy = CsvCopy::new(&mut out, encoding, delimiter, columns).unwrap();
        for row in ROWS {
            copy.write(&CopyRow {
                cells: &row.map(CopyCell::text),
                notes: &["no longer in the feed"],
                wrong: &[],
            })
            .unwrap();
        }
        copy.finish().unwrap();
        out
    }

    #[test]
    fn a_copy_is_in_the_encoding_of_its_feed() {
        for (name, decoder) in [
            ("UTF-8", UTF_8),
            ("UTF-16LE", UTF_16LE),
            ("UTF-16BE", UTF_16BE),
            ("windows-1252", encoding_rs::WINDOWS_1252),
        ] {
            let bytes = csv(name, b';');
            let (text, _, is_wrong) = decoder.decode(&bytes);
            assert!(!is_wrong, "{name}");
            insta::allow_duplicates! {
                insta::assert_snapshot!(text.replace('\r', ""), @r#"
                ID;Name;Téléphone;hrfeed: reason
                007;Zoë Ångström;'+31 20 555;no longer in the feed
                E8;"a""b;c
                d";'=1+1;no longer in the feed
                E9;;'@x;no longer in the feed
                "#);
            }
        }
        let is_marked = |name| csv(name, b',').starts_with("\u{feff}".as_bytes());
        assert!(is_marked("UTF-8") && !is_marked("windows-1252"));
    }

    #[test]
    fn a_character_that_arrives_in_two_pieces_is_whole() {
        let mut out = Vec::new();
        let mut encoded = Encoded::new(&mut out, encoding_rs::WINDOWS_1252).unwrap();
        for byte in "aé€".as_bytes() {
            encoded.write_all(&[*byte]).unwrap();
        }
        encoded.flush().unwrap();
        drop(encoded);
        assert_eq!(out, b"a\xe9\x80");
    }
}
