//! A row as it is kept: its number, its key and the cells that the mapping reads.

use crate::feed::{Cell, CellKind};
use crate::model::RowNumber;

/// Why no cell of the row has a value that is certain, if that is so of the row.
const UNDECIDED: u8 = 1;
/// The cells of all rows of the person are there.
const ALL: u8 = 2;

/// Writes a row piece by piece.
#[derive(Debug, Default)]
pub(super) struct Packing {
    bytes: Vec<u8>,
}

impl Packing {
    /// Begins a row.
    pub(super) fn start(&mut self, row: RowNumber, key: &str, has_all: bool, why: Option<&str>) {
        self.bytes.clear();
        self.bytes.extend_from_slice(&i64::from(row).to_le_bytes());
        let undecided = if why.is_some() { UNDECIDED } else { 0 };
        self.bytes.push(undecided | if has_all { ALL } else { 0 });
        self.text(key);
        if let Some(why) = why {
            self.text(why);
        }
    }

    /// Adds the next cell.
    pub(super) fn cell(&mut self, cell: Cell<'_>) {
        let kind = CellKind::ALL.iter().position(|kind| *kind == cell.kind);
        self.bytes
            .push(kind.and_then(|it| u8::try_from(it).ok()).unwrap_or(0));
        self.text(cell.text);
    }

    /// Writes a row of which no cell can be believed.
    pub(super) fn undecided(&mut self, row: &Packed<'_>, why: &str) {
        self.start(row.row, row.key, row.has_all, row.why);
        for _ in row.cells() {
            self.cell(Cell {
                text: why,
                kind: CellKind::Undecided,
            });
        }
    }

    fn text(&mut self, text: &str) {
        // A row is bounded far below four gigabytes.
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// The row.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A row that was packed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed<'a> {
    pub(super) row: RowNumber,
    pub(super) key: &'a str,
    /// Why none of several rows of the person counts.
    pub(super) why: Option<&'a str>,
    pub(super) has_all: bool,
    cells: &'a [u8],
}

impl<'a> Packed<'a> {
    /// Reads a row; `None` of bytes that are none.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        let (row, after) = rest.split_first_chunk()?;
        let row = RowNumber::try_from(i64::from_le_bytes(*row)).ok()?;
        rest = after;
        let (&flags, after) = rest.split_first()?;
        rest = after;
        let key = text(&mut rest)?;
        let why = match flags & UNDECIDED {
            0 => None,
            _ => Some(text(&mut rest)?),
        };
        Some(Self {
            row,
            key,
            why,
            has_all: flags & ALL != 0,
            cells: rest,
        })
    }

    /// Its cells, in the order in which they were packed.
    pub(super) fn cells(&self) -> impl Iterator<Item = Cell<'a>> + use<'a> {
        let mut rest = self.cells;
        std::iter::from_fn(move || {
            let (&kind, after) = rest.split_first()?;
            rest = after;
            let kind = CellKind::ALL.get(usize::from(kind)).copied();
            Some(Cell {
                kind: kind.unwrap_or(CellKind::Text),
                text: text(&mut rest)?,
            })
        })
    }
}

fn number(bytes: &mut &[u8]) -> Option<u32> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*number))
}

fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::try_from(number(bytes)?).ok()?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_as_it_was_packed() {
        let cells = CellKind::ALL.map(|kind| Cell {
            text: "Zo\u{eb}",
            kind,
        });
        for (why, has_all) in [(None, false), (Some("because"), true)] {
            let mut packing = Packing::default();
            packing.start(RowNumber::new(7), "007", has_all, why);
            for cell in cells {
                packing.cell(cell);
            }
            let packed = Packed::of(packing.bytes()).unwrap();
            assert_eq!((packed.row, packed.key), (RowNumber::new(7), "007"));
            assert_eq!((packed.why, packed.has_all), (why, has_all));
            assert_eq!(packed.cells().collect::<Vec<_>>(), cells);
        }
        assert!(Packed::of(b"\0\0\0").is_none());
    }
}
