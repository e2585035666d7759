//! The rows of a sheet, one after the other, whatever format they are in.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::book::{Book, Place, Sheet};
use super::merged::Areas;
use super::ods::OdsCells;
use super::ooxml::Cells;
use super::rows::SheetBatch;
use super::xls::XlsCells;
use super::xlsb::XlsbCells;
use super::xml::Damage;
use crate::model::RowNumber;

/// The most text of one row, as in a CSV file.
pub(super) const MAX_ROW_TEXT: usize = 16 << 20;

/// The rows of a sheet, while they are read. Their numbers ascend.
pub(super) enum Source<'b> {
    Xml(Box<Cells<'b>>),
    Records(Box<XlsbCells<'b>>),
    OpenDocument(Box<OdsCells<'b>>),
    Stream(Box<XlsCells<'b>>),
}

/// What is known of a sheet while its rows are read.
#[derive(Default)]
pub(super) struct RowState {
    /// The row that was read last.
    pub(super) row: Option<RowNumber>,
    /// The last row that the sheet says it has.
    pub(super) said: u32,
    /// The columns that are hidden, each range from its first to its last, counted from 1.
    pub(super) hidden_columns: Vec<(u32, u32)>,
    /// Whether the row that was read last is hidden.
    pub(super) is_hidden: bool,
    /// The columns of the row that was read last in which formulas have results that may be
    /// out of date.
    pub(super) old_results: Vec<u16>,
    /// The areas of merged cells; all of them are known at the end.
    pub(super) merged: Areas,
}

impl RowState {
    /// Takes the next row.
    ///
    /// # Errors
    /// It does not come behind the last one: the number identifies a row, whose outcome
    /// is looked up by it. Excel, too, takes such a file for damaged.
    pub(super) fn follow(&mut self, row: RowNumber) -> Result<(), Damage> {
        if self.row.is_some_and(|before| before >= row) {
            return Err(Damage::Unexpected("rows that are out of order"));
        }
        self.row = Some(row);
        Ok(())
    }
}

/// Why there is no next row.
pub(super) enum NoRow {
    Damaged(Damage),
    TooLong,
}

impl<E: Into<Damage>> From<E> for NoRow {
    fn from(error: E) -> Self {
        Self::Damaged(error.into())
    }
}

impl<'b> Source<'b> {
    /// Begins to read a sheet; `None` if it is one that has no rows, such as a chart.
    /// `read` counts what is read of its place.
    pub(super) fn open(
        book: &'b Book,
        file: &File,
        sheet: &Sheet,
        read: Arc<AtomicU64>,
    ) -> Result<Option<Self>, Damage> {
        Ok(match sheet.place()? {
            Place::Xml(part) => {
                let cells = Cells::open(book, file, part, read)?;
                cells.map(|cells| Self::Xml(Box::new(cells)))
            }
            Place::Records(part) => {
                let cells = XlsbCells::open(book, file, part, read)?;
                cells.map(|cells| Self::Records(Box::new(cells)))
            }
            Place::Table { part, index, rows } => {
                let mut cells = OdsCells::open(book, file, (part, *index), read)?;
                cells.state.said = *rows;
                Some(Self::OpenDocument(Box::new(cells)))
            }
            Place::Stream(place) => {
                let cells = XlsCells::open(book, file, place, read)?;
                cells.map(|cells| Self::Stream(Box::new(cells)))
            }
        })
    }

    /// Appends the next row that has cells; false at the end.
    pub(super) fn next_row(&mut self, batch: &mut SheetBatch) -> Result<bool, NoRow> {
        match self {
            Self::Xml(cells) => cells.next_row(batch),
            Self::Records(cells) => cells.next_row(batch),
            Self::OpenDocument(cells) => cells.next_row(batch),
            Self::Stream(cells) => cells.next_row(batch),
        }
    }

    /// What is known so far.
    pub(super) fn state(&self) -> &RowState {
        match self {
            Self::Xml(cells) => &cells.state,
            Self::Records(cells) => &cells.state,
            Self::OpenDocument(cells) => &cells.state,
            Self::Stream(cells) => &cells.state,
        }
    }

    /// Reads the areas of merged cells, and no row.
    pub(super) fn merged_areas(self) -> Result<Areas, Damage> {
        match self {
            Self::Xml(cells) => cells.merged_areas(),
            Self::Records(cells) => cells.merged_areas(),
            Self::OpenDocument(cells) => cells.merged_areas(),
            // Known when the sheet is opened.
            Self::Stream(cells) => Ok(cells.state.merged),
        }
    }
}
