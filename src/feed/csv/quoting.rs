//! How a file marks cells that hold what parts cells: RFC 4180 and its neighbours.
//!
//! # Invariants
//!
//! - What a file does beyond RFC 4180 is decided when it is opened, over its beginning, and
//!   only if that is certain: every row there can be read so, and to the width of the
//!   header. Any row that does not fit what was decided is refused.
//! - White space around a quoted cell is never its text, in any file.

use memchr::{memchr, memchr2, memchr2_iter};

use crate::model::QuotingStyle;

/// What parts a file into cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::feed) struct Dialect {
    /// The byte between two cells.
    pub(super) delimiter: u8,
    pub(super) quoting: Quoting,
}

/// How a file quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quoting {
    pub(super) marks: Marks,
    pub(super) inner: Inner,
    /// Lines are quoted as a whole, with the quotes of their cells doubled.
    pub(super) lines: bool,
}

/// The characters around a quoted cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marks {
    /// `"`.
    Double,
    /// `'`.
    Single,
    /// `“`, `”`, `„`, `«` and the like, any at either end.
    CurlyDouble,
    /// `‘`, `’` and the like.
    CurlySingle,
}

impl Marks {
    /// The mark, if it is one byte.
    pub(super) const fn byte(self) -> Option<u8> {
        match self {
            Self::Double => Some(b'"'),
            Self::Single => Some(b'\''),
            Self::CurlyDouble | Self::CurlySingle => None,
        }
    }
}

/// How a quotation mark is written inside a quoted cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inner {
    /// Twice.
    Doubled,
    /// Behind a backslash. `lone`: backslashes mean themselves, too, or no sound row shows
    /// that they do not, so that two of them may be one or two.
    Backslash { lone: bool },
    /// As it is: the mark that ends the cell is the one before a delimiter or a line end.
    AsIs,
}

/// The bytes of marks that are longer than one byte, without those that begin them.
const CURLY_DOUBLE: [[u8; 2]; 4] = [[0x80, 0x9c], [0x80, 0x9d], [0x80, 0x9e], [0x80, 0x9f]];
const CURLY_SINGLE: [[u8; 2]; 4] = [[0x80, 0x98], [0x80, 0x99], [0x80, 0x9a], [0x80, 0x9b]];

impl Quoting {
    /// RFC 4180.
    pub(super) const PLAIN: Self = Self {
        marks: Marks::Double,
        inner: Inner::Doubled,
        lines: false,
    };

    /// Whether records end where RFC 4180 says.
    pub(super) fn ends_as_plain(self) -> bool {
        self.marks == Marks::Double && self.inner == Inner::Doubled
    }

    /// Whether a backslash between quotes may mean something else.
    pub(super) const fn has_backslashes(self) -> bool {
        matches!(self.inner, Inner::Backslash { .. })
    }

    /// What a person should hear of it.
    pub(super) fn styles(self) -> impl Iterator<Item = QuotingStyle> {
        let marks = match self.marks {
            Marks::Double => None,
            Marks::Single => Some(QuotingStyle::SingleQuotes),
            Marks::CurlyDouble | Marks::CurlySingle => Some(QuotingStyle::CurlyQuotes),
        };
        let inner = match (self.inner, self.marks) {
            (Inner::Doubled, _) | (_, Marks::CurlyDouble | Marks::CurlySingle) => None,
            (Inner::Backslash { .. }, _) => Some(QuotingStyle::Backslash),
            (Inner::AsIs, _) => Some(QuotingStyle::InnerQuotes),
        };
        let lines = self.lines.then_some(QuotingStyle::WholeLines);
        marks.into_iter().chain(inner).chain(lines)
    }

    /// What a file that begins so may do beyond RFC 4180, the likeliest first. Empty for
    /// nearly every file that keeps to it.
    pub(super) fn candidates(sample: &[u8]) -> Vec<Self> {
        let of = |marks, inner| Self {
            marks,
            inner,
            lines: false,
        };
        let lone = Inner::Backslash { lone: false };
        let mut found = Vec::new();
        let doubles = memchr(b'"', sample).is_some();
        if doubles {
            if memchr::memmem::find(sample, b"\\\"").is_some() {
                found.push(of(Marks::Double, lone));
            }
            found.push(of(Marks::Double, Inner::AsIs));
        }
        if opens_cells(sample, Marks::Single) {
            // Where both fit as well, a backslash before an apostrophe decides.
            if memchr::memmem::find(sample, b"\\'").is_some() {
                found.push(of(Marks::Single, lone));
            }
            found.push(of(Marks::Single, Inner::Doubled));
            found.push(of(Marks::Single, Inner::AsIs));
        }
        if opens_cells(sample, Marks::CurlyDouble) {
            found.push(of(Marks::CurlyDouble, Inner::AsIs));
        }
        if opens_cells(sample, Marks::CurlySingle) {
            found.push(of(Marks::CurlySingle, Inner::AsIs));
        }
        if doubles && memchr::memmem::find(sample, b"\"\"").is_some() {
            found.push(Self {
                lines: true,
                ..Self::PLAIN
            });
        }
        found
    }
}

/// Whether a mark opens a cell anywhere, whatever the delimiter is.
fn opens_cells(sample: &[u8], marks: Marks) -> bool {
    let dialect = Dialect {
        delimiter: b',',
        quoting: Quoting {
            marks,
            ..Quoting::PLAIN
        },
    };
    let opens = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| sample.get(before));
        before.is_none_or(|byte| b",;\t|\r\n \xa0\xbf".contains(byte))
    };
    let mut from = 0;
    while let Some((at, length)) = dialect.next_mark(sample, from) {
        if opens(at) {
            return true;
        }
        from = at + length;
    }
    false
}

impl Dialect {
    /// The dialect of RFC 4180 with this delimiter.
    pub(super) fn plain(delimiter: u8) -> Self {
        Self {
            delimiter,
            quoting: Quoting::PLAIN,
        }
    }

    /// The length of the quotation mark at a place, if one is there.
    #[inline]
    pub(super) fn mark(self, data: &[u8], at: usize) -> Option<usize> {
        let first = *data.get(at)?;
        match self.quoting.marks {
            Marks::Double => (first == b'"').then_some(1),
            Marks::Single => (first == b'\'').then_some(1),
            marks => match (first, data.get(at + 1..at + 3)) {
                (0xe2, Some(rest)) => {
                    let set = match marks {
                        Marks::CurlySingle => CURLY_SINGLE,
                        _ => CURLY_DOUBLE,
                    };
                    set.iter().any(|it| it == rest).then_some(3)
                }
                (0xc2, Some([0xab | 0xbb, _])) if marks == Marks::CurlyDouble => Some(2),
                _ => None,
            },
        }
    }

    /// The next quotation mark from a place on, and its length.
    #[inline]
    pub(super) fn next_mark(self, data: &[u8], from: usize) -> Option<(usize, usize)> {
        let rest = data.get(from..)?;
        match self.quoting.marks {
            Marks::Double => Some((from + memchr(b'"', rest)?, 1)),
            Marks::Single => Some((from + memchr(b'\'', rest)?, 1)),
            Marks::CurlyDouble | Marks::CurlySingle => memchr2_iter(0xe2, 0xc2, rest)
                .find_map(|at| Some((from + at, self.mark(data, from + at)?))),
        }
    }

    /// The next backslash or mark of one byte from a place on.
    pub(super) fn next_escape(self, data: &[u8], from: usize) -> Option<usize> {
        let mark = match self.quoting.marks {
            Marks::Single => b'\'',
            _ => b'"',
        };
        Some(from + memchr2(mark, b'\\', data.get(from..)?)?)
    }

    /// Where what is blank from a place on ends: white space, a byte order mark and the
    /// character with which old programs end a text.
    #[inline]
    pub(super) fn skip_blanks(self, data: &[u8], from: usize) -> usize {
        let mut at = from;
        loop {
            at += match data.get(at) {
                Some(b' ' | b'\t' | 0x1a) if data.get(at) != Some(&self.delimiter) => 1,
                Some(0xc2) if data.get(at + 1) == Some(&0xa0) => 2,
                Some(0xef) if data.get(at + 1..at + 3) == Some(b"\xbb\xbf") => 3,
                _ => return at,
            };
        }
    }

    /// Where what is blank before a place begins.
    pub(super) fn blanks_before(self, data: &[u8], to: usize) -> usize {
        let mut at = to;
        while let Some(before) = data.get(..at) {
            at -= match before {
                [.., byte @ (b' ' | b'\t' | 0x1a)] if *byte != self.delimiter => 1,
                [.., 0xc2, 0xa0] => 2,
                [.., 0xef, 0xbb, 0xbf] => 3,
                _ => break,
            };
        }
        at
    }

    /// Whether a cell ends at a place.
    #[inline]
    pub(super) fn ends_cell(self, data: &[u8], at: usize) -> bool {
        data.get(at)
            .is_none_or(|&byte| byte == self.delimiter || byte == b'\n' || byte == b'\r')
    }
}
