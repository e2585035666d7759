//! Areas of merged cells, of which only the first cell has a value.

use std::collections::BTreeMap;

use super::rows::{SheetBatch, SheetCell, Value};
use super::source::MAX_ROW_TEXT;
use super::xml::Damage;
use crate::feed::record::MAX_COLUMNS;
use crate::model::RowNumber;

/// The most areas that go over several rows.
const MAX_AREAS: usize = 1 << 20;

/// A rectangle of cells. Columns count from 0, rows from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) column: u16,
    pub(super) first_row: u32,
    pub(super) last_row: u32,
}

impl Area {
    /// The area of `B2:C7`; a single cell is one, too. `None` if it has no rows, as
    /// whole columns have none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once(':').unwrap_or((text, text));
        let (column, first_row) = cell(first)?;
        let (_, last_row) = cell(last)?;
        Some(Self {
            column,
            first_row,
            last_row,
        })
    }
}

fn cell(text: &str) -> Option<(u16, u32)> {
    let text = text.trim().replace('$', "");
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (letters, digits) = text.split_at_checked(letters)?;
    if letters.is_empty() || letters.len() > 3 {
        return None;
    }
    let column = letters.bytes().fold(0_usize, |column, letter| {
        column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1
    });
    let column = column.checked_sub(1).filter(|it| *it < MAX_COLUMNS)?;
    let row = digits.parse().ok().filter(|row| *row > 0)?;
    Some((u16::try_from(column).ok()?, row))
}

/// The areas of a sheet that go over several rows, in the order of their rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Areas(Vec<Area>);

impl Areas {
    pub(super) fn add(&mut self, area: Area) -> Result<(), Damage> {
        if area.last_row > area.first_row {
            if self.0.len() == MAX_AREAS {
                return Err(Damage::Unexpected("a million merged areas"));
            }
            self.0.push(area);
        }
        Ok(())
    }

    /// Those that begin in these rows, by column: each with the rows in which it begins.
    pub(super) fn between(&self, first: u32, last: u32) -> BTreeMap<u16, Vec<RowNumber>> {
        let mut found: BTreeMap<u16, Vec<RowNumber>> = BTreeMap::new();
        for area in &self.0 {
            if (first..=last).contains(&area.first_row) {
                let rows = found.entry(area.column).or_default();
                rows.push(RowNumber::new(area.first_row));
            }
        }
        for rows in found.values_mut() {
            rows.sort_unstable();
        }
        found
    }

    /// Whether there is one.
    pub(super) fn is_some(&self) -> bool {
        !self.0.is_empty()
    }

    /// Ready to fill rows.
    pub(super) fn sorted(mut self) -> Self {
        let place = |area: &Area| (area.first_row, area.column);
        self.0.sort_by_key(place);
        // No spreadsheet writes one twice.
        self.0.dedup_by_key(|area| place(area));
        self
    }
}

/// Fills merged areas while rows are read.
pub(super) struct Filling<'a> {
    coming: std::slice::Iter<'a, Area>,
    next: Option<Area>,
    /// How many columns the header has. Cells beyond are not filled.
    columns: usize,
    /// By column, the area that is being filled.
    current: BTreeMap<u16, Filled>,
}

/// An area, and the value of its first cell.
struct Filled {
    last_row: u32,
    value: Option<Value>,
    text: String,
}

impl<'a> Filling<'a> {
    pub(super) fn new(areas: &'a Areas, columns: usize) -> Self {
        let mut coming = areas.0.iter();
        Self {
            columns,
            next: coming.next().copied(),
            coming,
            current: BTreeMap::new(),
        }
    }

    /// Fills the last row of a batch. False if its text becomes longer than a row's may be:
    /// so much is then held, too.
    pub(super) fn fill(&mut self, batch: &mut SheetBatch) -> bool {
        let Some(&(row, end)) = batch.rows.last() else {
            return true;
        };
        let before = batch.rows.len().checked_sub(2);
        let start = before.and_then(|before| batch.rows.get(before));
        let start = start.map_or(0, |&(_, end)| end);
        self.current
            .retain(|_, filled| filled.last_row >= row.row());
        while let Some(area) = self.next.filter(|area| area.first_row <= row.row()) {
            self.next = self.coming.next().copied();
            if area.last_row < row.row() || usize::from(area.column) >= self.columns {
                continue;
            }
            let cells = batch.cells.get(start..end).unwrap_or_default();
            let first = cells.iter().find(|cell| cell.column == area.column);
            let value = first
                .filter(|_| area.first_row == row.row())
                .map(|cell| cell.value);
            let text = value.and_then(|value| batch.text.get(value.range()?));
            let filled = Filled {
                last_row: area.last_row,
                value,
                text: text.unwrap_or_default().to_owned(),
            };
            self.current.insert(area.column, filled);
        }
        if self.current.is_empty() {
            return true;
        }
        let held: usize = self.current.values().map(|filled| filled.text.len()).sum();
        if held > MAX_ROW_TEXT {
            return false;
        }
        let mut cells = batch.cells.split_off(start);
        for (&column, filled) in &self.current {
            let (Some(value), Err(at)) = (
                filled.value,
                cells.binary_search_by_key(&column, |cell| cell.column),
            ) else {
                continue;
            };
            let at_text = batch.text.len();
            batch.text.push_str(&filled.text);
            let value = value.moved(at_text..batch.text.len());
            cells.insert(at, SheetCell { column, value });
        }
        batch.cells.append(&mut cells);
        if let Some((_, end)) = batch.rows.last_mut() {
            *end = batch.cells.len();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_is_read_from_its_corners() {
        let area = |column, first_row, last_row| {
            Some(Area {
                column,
                first_row,
                last_row,
            })
        };
        assert_eq!(Area::parse("B2:C7"), area(1, 2, 7));
        assert_eq!(Area::parse("$A$1"), area(0, 1, 1));
        for text in ["A:D", "1:3", "", "A0:B2", "AAAA1", "XFE1", "A99999999999"] {
            assert_eq!(Area::parse(text), None, "{text}");
        }
    }
}
