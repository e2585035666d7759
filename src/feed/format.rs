//! What a feed was found to be.

use std::fmt;

use super::encoding::Charset;

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
