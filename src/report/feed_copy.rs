//! Rows of a feed as they are, with one more column that says why each of them
//! is listed: for somebody who knows the people and not hrfeed.

use std::io::{self, BufWriter, Write};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use rust_xlsxwriter::{Format, Workbook, XlsxError};

use super::lines::{disarmed, io_error};

/// The heading of the column with the reason.
pub(super) const REASON: &str = "hrfeed: reason";

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
}

impl<W: Write> CsvCopy<W> {
    /// Writes the header to `out`. `encoding` is a name that
    /// [`crate::feed::Format`] gives.
    pub fn new(
        out: W,
        encoding: &str,
        delimiter: u8,
        columns: &[String],
    ) -> Result<Self, CopyError> {
        let encoding = Encoding::for_label(encoding.as_bytes()).unwrap_or(UTF_8);
        let writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(csv::Terminator::CRLF)
            .from_writer(Encoded::new(out, encoding)?);
        let mut copy = Self { writer };
        copy.write(columns.iter().map(String::as_str), REASON)?;
        Ok(copy)
    }

    /// Writes one row: a cell for each column, and the reason.
    pub fn write<'a>(
        &mut self,
        cells: impl Iterator<Item = &'a str>,
        reason: &'a str,
    ) -> Result<(), CopyError> {
        for cell in cells.chain([reason]) {
            let cell = disarmed(cell);
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

/// Rows as a workbook: every cell is text, so that no ID loses its zeros and no
/// formula runs.
pub struct XlsxCopy {
    book: Workbook,
    text: Format,
    rows: u32,
}

impl std::fmt::Debug for XlsxCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("XlsxCopy")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl XlsxCopy {
    /// About as many characters as a cell of the reason shows.
    const REASON_WIDTH: f64 = 60.0;

    /// Begins a workbook with the header.
    pub fn new(columns: &[String]) -> Result<Self, CopyError> {
        let mut book = Workbook::new();
        let head = Format::new().set_bold();
        let sheet = book.add_worksheet_with_constant_memory()?;
        sheet.set_name("Held")?;
        sheet.set_freeze_panes(1, 0)?;
        let names = columns.iter().map(String::as_str).chain([REASON]);
        let last = column(columns.len())?;
        sheet.set_column_width(last, Self::REASON_WIDTH)?;
        for (at, name) in names.enumerate() {
            sheet.write_string_with_format(0, column(at)?, name, &head)?;
        }
        Ok(Self {
            book,
            text: Format::new().set_num_format("@"),
            rows: 1,
        })
    }

    /// Writes one row: a cell for each column, and the reason.
    pub fn write<'a>(
        &mut self,
        cells: impl Iterator<Item = &'a str>,
        reason: &'a str,
    ) -> Result<(), CopyError> {
        let sheet = self.book.worksheet_from_index(0)?;
        for (at, cell) in cells.chain([reason]).enumerate() {
            if !cell.is_empty() {
                sheet.write_string_with_format(self.rows, column(at)?, cell, &self.text)?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// The workbook's bytes.
    pub fn finish(mut self) -> Result<Vec<u8>, CopyError> {
        Ok(self.book.save_to_buffer()?)
    }
}

fn column(at: usize) -> Result<u16, CopyError> {
    u16::try_from(at).map_err(|_| CopyError::TooLarge("that many columns"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut copy = CsvCopy::new(&mut out, encoding, delimiter, &columns()).unwrap();
        for row in ROWS {
            copy.write(row.into_iter(), "no longer in the feed")
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

    #[test]
    fn a_workbook_says_when_a_sheet_has_no_room() {
        let wide: Vec<_> = (0..16_384).map(|at| format!("c{at}")).collect();
        let error = XlsxCopy::new(&wide).unwrap_err().to_string();
        assert!(error.contains("write a CSV file instead"), "{error}");
        let mut copy = XlsxCopy::new(&columns()).unwrap();
        let long = "x".repeat(40_000);
        let error = copy.write([long.as_str()].into_iter(), "").unwrap_err();
        assert!(error.to_string().contains("32,767"), "{error}");
    }
}
