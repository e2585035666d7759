//! A workbook without its rows, whatever format it is in: which sheets it has, where they
//! are, its texts, its formats.

use std::collections::HashMap;
use std::fs::File;

use calamine::{ExcelDateTime, ExcelDateTimeType};

use super::format::CellFormat;
use super::formula::Formula;
use super::rows::Value;
use super::text;
use super::xml::Damage;
use super::{Container, cell, ods, ooxml, xls, xlsb};
use crate::feed::CellKind;
use crate::feed::zip::Part;

/// The most sheets of a workbook: finding one among them takes longer the more there
/// are.
pub(super) const MAX_SHEETS: usize = 1_000;
/// The most formats of cells that are kept; Excel allows 65,490. No format has the
/// number [`u16::MAX`].
pub(super) const MAX_FORMATS: usize = u16::MAX as usize;
/// The most text that cells may share, in bytes: several columns that differ in each
/// of the million rows of a sheet.
pub(super) const MAX_SHARED: u64 = 512 << 20;

/// A workbook without its rows.
#[derive(Default)]
pub(super) struct Book {
    /// In the order of the tabs, the first [`MAX_SHEETS`].
    pub(super) sheets: Vec<Sheet>,
    /// How many there are.
    pub(super) n_sheets: usize,
    pub(super) strings: Strings,
    /// By the number of a cell's style.
    pub(super) formats: Vec<CellFormat>,
    /// The numbers of styles that have names.
    pub(super) style_names: HashMap<String, u16>,
    /// Days are counted from 1904 on.
    pub(super) is_1904: bool,
    /// The results of formulas are worked out when a spreadsheet program opens it, so
    /// what the file holds need not be one.
    pub(super) is_calculated_later: bool,
    /// What the file holds may be results of what the cells held before.
    pub(super) has_old_results: bool,
}

/// A sheet that has rows.
#[derive(Clone, Debug)]
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) is_visible: bool,
    pub(super) place: Option<Place>,
}

/// Where the rows of a sheet are.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// In a part of OOXML.
    Xml(Part),
    /// In a part of binary records.
    Records(Part),
    /// In a part with other sheets.
    Table {
        part: Part,
        /// Which of the sheets it is, counted from 0.
        index: usize,
        /// About how many rows it has.
        rows: u32,
    },
    /// In a stream of binary records.
    Stream(xls::Place),
}

impl Sheet {
    /// Where its rows are.
    pub(super) fn place(&self) -> Result<&Place, Damage> {
        self.place.as_ref().ok_or(Damage::Missing("sheet"))
    }
}

impl Place {
    /// How many bytes a pass reads, and how many they are unpacked.
    pub(super) fn sizes(&self) -> (u64, u64) {
        match self {
            Self::Xml(part) | Self::Records(part) | Self::Table { part, .. } => {
                (part.packed, part.unpacked)
            }
            Self::Stream(place) => (place.length(), place.length()),
        }
    }
}

/// The texts that cells share.
#[derive(Default)]
pub(super) struct Strings {
    text: String,
    ends: Vec<u32>,
}

impl Strings {
    /// The text with this number.
    pub(super) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start as usize..end as usize)
    }

    /// Adds the text that `write` appends. `None` if all of them become too long.
    pub(super) fn add<E>(
        &mut self,
        write: impl FnOnce(&mut String) -> Result<(), E>,
    ) -> Result<Option<()>, E> {
        write(&mut self.text)?;
        let held = (self.text.len() + size_of::<u32>() * self.ends.len()) as u64;
        Ok(match u32::try_from(self.text.len()) {
            Ok(end) if held <= MAX_SHARED => {
                self.ends.push(end);
                Some(())
            }
            _ => None,
        })
    }
}

impl Book {
    /// Reads all of it but rows.
    pub(super) fn read(file: &File, container: &Container) -> Result<Self, Damage> {
        match container {
            Container::Xml(archive) => ooxml::read(file, archive),
            Container::Records(archive) => xlsb::read(file, archive),
            Container::OpenDocument(archive) => ods::read(file, archive),
            Container::Stream => xls::read(file),
        }
    }

    /// Adds a sheet, unless there are too many.
    pub(super) fn add_sheet(&mut self, sheet: Sheet) {
        self.n_sheets += 1;
        if self.sheets.len() < MAX_SHEETS {
            self.sheets.push(sheet);
        }
    }

    /// Appends a text as its style shows it.
    pub(super) fn push_text(&self, cell: &str, style: usize, text: &mut String) {
        match self.formats.get(style).and_then(CellFormat::around_text) {
            Some((before, behind)) if !cell.is_empty() => {
                text.push_str(before);
                text.push_str(cell);
                text.push_str(behind);
            }
            _ => text.push_str(cell),
        }
    }

    /// A number as its style shows it.
    pub(super) fn number(
        &self,
        value: f64,
        style: usize,
        formula: Formula,
        text: &mut String,
    ) -> Value {
        let start = text.len();
        // What only a damaged workbook holds.
        if !value.is_finite() {
            let kind = cell::push_error("#NUM!", text);
            return Value::text(start..text.len(), kind);
        }
        let is_zero_of_formula = formula != Formula::None && value == 0.0;
        let kind = match self.formats.get(style) {
            Some(CellFormat::Date | CellFormat::Time | CellFormat::Duration)
                if is_zero_of_formula && self.is_calculated_later =>
            {
                return Value::text(start..start, CellKind::Uncalculated);
            }
            // There is no such day: the formula refers to an empty cell.
            Some(CellFormat::Date) if is_zero_of_formula => {
                text.push('0');
                return Value::text(start..text.len(), CellKind::ZeroForNothing);
            }
            Some(CellFormat::Date | CellFormat::Time) => ExcelDateTimeType::DateTime,
            Some(CellFormat::Duration) => ExcelDateTimeType::TimeDelta,
            _ => {
                let style = u16::try_from(style).unwrap_or(u16::MAX);
                return if is_zero_of_formula {
                    Value::ZeroOfFormula { style, formula }
                } else {
                    Value::Number { value, style }
                };
            }
        };
        let days = ExcelDateTime::new(value, kind, self.is_1904);
        let kind = text::date(&days, text);
        Value::text(start..text.len(), kind)
    }
}
