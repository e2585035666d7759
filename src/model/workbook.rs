//! What to say of a workbook.

use std::fmt;

use super::remark::in_backticks;

/// What a workbook has beside the cells that are read, or says of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum InWorkbook {
    /// The workbook has other sheets that have a table.
    OtherSheets {
        /// The sheet that is read.
        sheet: Box<str>,
        /// The others.
        others: Box<[String]>,
    },
    /// Hidden sheets of the workbook have tables with the same columns.
    HiddenSheets {
        /// Their names.
        sheets: Box<[String]>,
    },
    /// Columns of the sheet are hidden.
    HiddenColumns {
        /// Their names.
        columns: Box<[String]>,
    },
    /// Rows of the sheet are hidden, as a filter hides them.
    HiddenRow,
    /// Cells of the column are merged over several rows.
    MergedCells,
    /// Formulas of the column have results in the file that are to be worked out again.
    OldResults,
    /// A cell of a field for text is a date.
    DateInText,
    /// A formula that shows another cell gives 0, which that cell may not have.
    ZeroOfReference,
}

impl fmt::Display for InWorkbook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherSheets { sheet, others } => write!(
                f,
                "reading sheet `{sheet}`; other sheets contain tables too: {} (choose one with \
                 `sheet` in [source])",
                in_backticks(others)
            ),
            Self::HiddenSheets { sheets } => write!(
                f,
                "hidden sheets contain tables with the same columns and are not read: {} (choose \
                 one with `sheet` in [source])",
                in_backticks(sheets)
            ),
            Self::HiddenColumns { columns } => write!(
                f,
                "columns of the sheet are hidden and read even so: {}",
                in_backticks(columns)
            ),
            Self::HiddenRow => f.write_str(
                "hidden rows of the sheet are read even so (to leave people out, delete \
                 their rows or set `where` in [source])",
            ),
            Self::MergedCells => f.write_str(
                "cells are merged over several rows, and only the first row has the value (to \
                 give it to all of them, set `fill_merged = true` in [source])",
            ),
            Self::OldResults => f.write_str(
                "results of formulas may be out of date: the workbook says that they are to be \
                 worked out again (open it in Excel or LibreOffice with automatic calculation, and \
                 save it)",
            ),
            Self::DateInText => f.write_str(
                "cells are dates, and others of the column are texts or numbers: a spreadsheet \
                 takes `3-1` for 3 January; read as 2027-01-03 (format the column as Text and enter \
                 these again, or translate them with the field's map)",
            ),
            Self::ZeroOfReference => f.write_str(
                "formulas that show another cell give 0, as they do if that cell is empty: read as \
                 0 (if it means nothing, translate it with the field's map = { 0 = \"\" })",
            ),
        }
    }
}
