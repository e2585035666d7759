//! Workbooks: one sheet, cell by cell.
//!
//! # Invariants
//!
//! - A sheet is never held as a whole: memory grows with the workbook's shared
//!   strings, and not with its rows. What is held is bounded.
//! - A cell far out costs no more than the columns up to it, in one record.
//! - A cell that cannot be understood is a flaw of that cell, not of the workbook.
//! - The hash of the whole file is computed when it is opened, and compared before each
//!   pass: a workbook that changed hands out nothing.

mod book;
mod cell;
mod choose;
mod format;
mod formula;
mod head;
mod merged;
mod ods;
mod ooxml;
mod package;
mod rows;
mod source;
mod text;
mod tokens;
mod xls;
mod xlsb;
mod xml;

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use self::book::{Book, MAX_SHEETS, Sheet};
use self::head::Head;
use self::merged::{Areas, Filling};
pub(super) use self::ods::is_spreadsheet;
pub(super) use self::rows::{SheetBatch, SheetRows};
use self::rows::{Shown, Zero};
use self::source::{MAX_ROW_TEXT, NoRow, Source};

pub(super) use self::xls::is_stream;
use self::xml::{Damage, MAX_PIECE};
use super::corrections::Corrections;
use super::header;
use super::left_out::LeftOut;
use super::pipeline::{self, Filled};
use super::spool::{self, Opened};
use super::zip::Archive;
use super::{Again, Batch, FeedError, FeedOptions, Progress};
use crate::model::{InWorkbook, NoPerson, Remark, Remarked, Remarks, RowNumber};

/// A batch is full at this many cells or bytes of text, whichever is first.
const CELLS: usize = 1 << 14;
const TEXT: usize = 1 << 19;

/// A hidden sheet with as many of the columns is one of the same kind.
const COLUMNS_IN_COMMON: usize = 2;

/// What a workbook is written in.
#[derive(Debug)]
pub(super) enum Container {
    /// An archive of XML: `.xlsx`, `.xlsm`.
    Xml(Archive),
    /// An archive of binary records: `.xlsb`.
    Records(Archive),
    /// An archive of OpenDocument: `.ods`.
    OpenDocument(Archive),
    /// A stream of binary records: what is in an `.xls`.
    Stream,
}

/// An open sheet of a workbook.
pub(super) struct SheetFile {
    path: Arc<Path>,
    file: File,
    book: Book,
    sheet: Sheet,
    /// Other visible sheets that have a table.
    pub(super) others: Vec<String>,
    pub(super) columns: Vec<String>,
    pub(super) header_row: RowNumber,
    /// The last row above those of people.
    last_above: RowNumber,
    /// Rows below the header that explain it.
    pub(super) below_header: Vec<(RowNumber, NoPerson)>,
    /// The names that columns would have by the rows around it.
    pub(super) other_names: Vec<(RowNumber, Vec<String>)>,
    left_out: LeftOut,
    /// What it is, if its rows came back.
    pub(super) corrections: Option<Arc<Corrections>>,
    pub(super) estimated_rows: usize,
    /// How long the sheet is in the file.
    length: u64,
    /// What a formula's 0 means in each column.
    zeros: Vec<Zero>,
    /// The merged areas that are filled.
    filled: Areas,
    /// The digest of the file as it was given, once known.
    pub(super) sha256: Option<[u8; 32]>,
    /// Whether a pass makes the digest, if there is none yet.
    pub(super) wants_digest: bool,
    /// The hash of the file.
    hash: u64,
    remarks: Vec<Remark>,
    /// What the last pass saw of rows.
    seen: Seen,
}

/// What is seen of rows, and a person should hear of.
#[derive(Debug, Default)]
struct Seen {
    rows: Remarks,
    merged: Vec<Remarked>,
}

impl std::fmt::Debug for SheetFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SheetFile")
            .field("path", &self.path)
            .field("sheet", &self.sheet)
            .finish_non_exhaustive()
    }
}

/// The sheet that is read, and what is said of the others.
struct Choice {
    sheet: Sheet,
    head: Head,
    others: Vec<String>,
}

impl SheetFile {
    /// Opens a workbook and finds its table.
    pub(super) fn open(
        path: &Arc<Path>,
        opened: Opened,
        container: &Container,
        options: &FeedOptions,
    ) -> Result<Self, FeedError> {
        let file = opened.file;
        let (hash, _) = spool::hashes_of_file(&file, false).map_err(FeedError::read(path, 0))?;
        let book = Book::read(&file, container).map_err(damaged(path, None))?;
        if book.n_sheets > MAX_SHEETS {
            return Err(FeedError::TooManySheets {
                path: path.clone(),
                sheets: book.n_sheets,
                max: MAX_SHEETS,
            });
        }
        let until = options.header_row.unwrap_or(0);
        let choice = match &options.sheet {
            Some(wanted) => named(path, &book, &file, wanted, until)
                .or_else(|error| of_corrections(path, &book, &file).ok_or(error))?,
            None => first_with_a_table(path, &book, &file, options)?,
        };
        let header = header::of(path, &choice.head.rows, options, |_| Ok(()))?;
        let columns = header.columns;
        let last_above = header.below.last().map_or(header.row, |(row, _)| *row);
        let alike = match &options.sheet {
            Some(_) => Vec::new(),
            None => hidden_and_alike(&book, &file, until, &columns),
        };
        let place = choice.sheet.place().map_err(damaged(path, None))?;
        let (length, unpacked) = place.sizes();
        let filled = if options.fill_merged {
            let source = Source::open(&book, &file, &choice.sheet, Arc::default());
            let areas =
                source.and_then(|source| source.map_or(Ok(Areas::default()), Source::merged_areas));
            areas.map_err(damaged(path, None))?.sorted()
        } else {
            Areas::default()
        };
        Ok(Self {
            path: path.clone(),
            estimated_rows: estimate(&choice.head, last_above, unpacked),
            length,
            zeros: choice.head.zeros(header.rows, columns.len(), &book),
            remarks: choice.remarks(&columns, alike),
            sheet: choice.sheet,
            others: choice.others,
            left_out: LeftOut::of((path, header.row), &header.cells, columns.len()),
            corrections: header.corrections.map(Arc::new),
            columns,
            header_row: header.row,
            last_above,
            below_header: header.below,
            other_names: header.others,
            filled,
            sha256: opened.sha256,
            wants_digest: true,
            hash,
            seen: Seen::default(),
            file,
            book,
        })
    }

    /// The name of the sheet.
    pub(super) fn name(&self) -> &str {
        &self.sheet.name
    }

    /// The packed size of the sheet, which is what a pass reads.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// See [`super::Feed::remarks`].
    pub(super) fn remarks(&self) -> Vec<Remarked> {
        let of_sheet = self.remarks.iter().cloned().map(Remarked::from);
        let of_rows = self.seen.rows.clone().into_iter();
        let all = of_sheet.chain(of_rows);
        all.chain(self.seen.merged.iter().cloned()).collect()
    }

    /// See [`super::Feed::read`].
    pub(super) fn read<T: Send, E: From<FeedError>>(
        &mut self,
        work: impl Fn(&mut Batch<'_>) -> T + Sync + Send,
        mut take: impl FnMut(T, Progress, Again<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let wants_digest = self.wants_digest && self.sha256.is_none();
        let (hash, sha256) = spool::hashes_of_file(&self.file, wants_digest)
            .map_err(FeedError::read(&self.path, 0))?;
        if hash != self.hash {
            return Err(E::from(FeedError::Changed(self.path.clone())));
        }
        self.sha256 = self.sha256.or(sha256);
        self.seen = Seen::default();
        let packed = Arc::new(AtomicU64::new(0));
        let cells = Source::open(&self.book, &self.file, &self.sheet, packed.clone())
            .and_then(|cells| cells.ok_or(Damage::Unexpected("a sheet without rows")))
            .map_err(damaged(&self.path, None))?;
        let mut pass = Pass {
            path: &self.path,
            last_above: self.last_above,
            columns: &self.columns,
            cells,
            filling: Filling::new(&self.filled, self.columns.len()),
            is_filled: self.filled.is_some(),
            seen: &mut self.seen,
        };
        let shown = Shown {
            formats: &self.book.formats,
            zeros: &self.zeros,
        };
        let (length, left_out) = (self.length, &self.left_out);
        pipeline::run(
            move |batch: &mut SheetBatch| {
                batch.clear();
                let has_rows = pass.fill(batch)?;
                let bytes = packed.load(Ordering::Relaxed).min(length);
                Ok(if has_rows {
                    Filled::Batch(Progress { bytes })
                } else {
                    Filled::End
                })
            },
            |batch: &mut SheetBatch| work(&mut Batch::sheet(batch.rows(shown), left_out)),
            |batch, result, progress| {
                let again = Box::new(|| Batch::sheet(batch.rows(shown), left_out));
                take(result, progress, again)
            },
        )
    }
}

/// One pass over the rows.
struct Pass<'a> {
    path: &'a Arc<Path>,
    last_above: RowNumber,
    columns: &'a [String],
    cells: Source<'a>,
    filling: Filling<'a>,
    is_filled: bool,
    seen: &'a mut Seen,
}

impl Pass<'_> {
    /// Fills a batch; false if no row is left.
    fn fill(&mut self, batch: &mut SheetBatch) -> Result<bool, FeedError> {
        while batch.cells.len() < CELLS && batch.text.len() < TEXT {
            let last = self.cells.state().row;
            match self.cells.next_row(batch) {
                Ok(true) => {}
                Ok(false) => {
                    self.see_merged(last);
                    return Ok(!batch.rows.is_empty());
                }
                Err(NoRow::Damaged(source)) => return Err(damaged(self.path, last)(source)),
                Err(NoRow::TooLong) => return Err(self.too_long()),
            }
            let row = self.cells.state().row.unwrap_or(self.last_above);
            if row <= self.last_above {
                batch.pop();
                continue;
            }
            if !self.filling.fill(batch) {
                return Err(self.too_long());
            }
            if self.cells.state().is_hidden {
                let hidden = Remark::Workbook(InWorkbook::HiddenRow);
                self.seen.rows.add(row, None, &hidden);
            }
            let columns = self.cells.state().old_results.iter();
            for name in columns.filter_map(|column| self.columns.get(usize::from(*column))) {
                let old = Remark::Workbook(InWorkbook::OldResults);
                self.seen.rows.add(row, Some(name), &old);
            }
        }
        Ok(true)
    }

    /// The row that was read last is too long.
    fn too_long(&self) -> FeedError {
        FeedError::RecordTooLong {
            path: self.path.clone(),
            line: self.cells.state().row.unwrap_or(self.last_above),
            max: MAX_ROW_TEXT,
        }
    }

    /// Keeps which columns have merged cells up to the last row.
    fn see_merged(&mut self, last: Option<RowNumber>) {
        if self.is_filled {
            return;
        }
        let above = self.last_above;
        let (first, last) = (above.row() + 1, last.unwrap_or(above).row());
        let areas = self.cells.state().merged.between(first, last);
        let merged = areas.into_iter().filter_map(|(column, rows)| {
            let name = self.columns.get(usize::from(column))?;
            let merged = Remark::Workbook(InWorkbook::MergedCells);
            Some(Remarked::of_rows(merged, Some(name), rows))
        });
        self.seen.merged = merged.collect();
    }
}

impl Choice {
    /// What a person should hear of the sheet and of the others; `alike` are hidden.
    fn remarks(&self, columns: &[String], alike: Vec<String>) -> Vec<Remark> {
        let others = (!self.others.is_empty()).then(|| InWorkbook::OtherSheets {
            sheet: self.sheet.name.as_str().into(),
            others: self.others.as_slice().into(),
        });
        let sheets = (!alike.is_empty()).then(|| InWorkbook::HiddenSheets {
            sheets: alike.into(),
        });
        let hidden: Box<[String]> = self.head.hidden(columns).cloned().collect();
        let hidden = (!hidden.is_empty()).then_some(InWorkbook::HiddenColumns { columns: hidden });
        let all = others.into_iter().chain(sheets).chain(hidden);
        all.map(Remark::Workbook).collect()
    }
}

/// The names of hidden sheets that have a table with these columns.
fn hidden_and_alike(book: &Book, file: &File, until: u32, columns: &[String]) -> Vec<String> {
    let columns: HashSet<&String> = columns.iter().collect();
    let has_columns = |row: &header::HeadRow| {
        let common = row.cells.iter().filter(|cell| columns.contains(cell));
        common.count() >= COLUMNS_IN_COMMON
    };
    let hidden = hidden_tables(book, file, until);
    let alike = hidden.filter(|(_, head)| head.rows.iter().any(has_columns));
    alike.map(|(sheet, _)| sheet.name.clone()).collect()
}

/// The hidden sheets that have a table, with the start of each, one after the other.
fn hidden_tables<'b>(
    book: &'b Book,
    file: &'b File,
    until: u32,
) -> impl Iterator<Item = (&'b Sheet, Head)> {
    let hidden = book.sheets.iter().filter(|sheet| !sheet.is_visible);
    hidden.filter_map(move |sheet| {
        // What nobody sees, and cannot be read, matters to nobody.
        let head = head::read(book, file, sheet, until).ok().flatten()?;
        head.has_table().then_some((sheet, head))
    })
}

/// The sheet that the mapping names.
fn named(
    path: &Arc<Path>,
    book: &Book,
    file: &File,
    wanted: &str,
    until: u32,
) -> Result<Choice, FeedError> {
    // Excel takes names that differ in case only for one.
    let folded = wanted.trim().to_lowercase();
    let exact = book.sheets.iter().find(|sheet| sheet.name == wanted);
    let found = exact.or_else(|| {
        let mut sheets = book.sheets.iter();
        sheets.find(|sheet| sheet.name.trim().to_lowercase() == folded)
    });
    let Some(sheet) = found else {
        let mut names: Vec<_> = book.sheets.iter().map(|sheet| sheet.name.clone()).collect();
        names.sort_by_cached_key(|name| strsim::osa_distance(&name.to_lowercase(), &folded));
        return Err(FeedError::SheetNotFound {
            path: path.clone(),
            sheet: wanted.to_owned(),
            sheets: names,
        });
    };
    let head = head::read(book, file, sheet, until)
        .and_then(|head| head.ok_or(Damage::Unexpected("a chart in place of this sheet")))
        .map_err(damaged(path, None))?;
    Ok(Choice {
        sheet: sheet.clone(),
        head,
        others: Vec::new(),
    })
}

/// The sheet with rows that came back: a program that made a workbook of them has called it
/// something else.
fn of_corrections(path: &Arc<Path>, book: &Book, file: &File) -> Option<Choice> {
    let choice = first_with_a_table(path, book, file, &FeedOptions::default()).ok()?;
    Corrections::find(&choice.head.rows)?;
    Some(choice)
}

/// The first visible sheet with a table, or one behind it that is more like what is wanted,
/// and the names of the others. A sheet with a single column is read only if no other has
/// more.
fn first_with_a_table(
    path: &Arc<Path>,
    book: &Book,
    file: &File,
    options: &FeedOptions,
) -> Result<Choice, FeedError> {
    let until = options.header_row.unwrap_or(0);
    let (mut first, mut narrow) = (None, None);
    let mut tables = Vec::new();
    for sheet in book.sheets.iter().filter(|sheet| sheet.is_visible) {
        let head = head::read(book, file, sheet, until).map_err(damaged(path, None))?;
        // A chart may call itself a sheet.
        let Some(head) = head else { continue };
        if head.has_table() {
            tables.push((sheet, choose::merit(path, &head, options)));
            first.get_or_insert((sheet, head));
        } else if narrow.is_none() && !head.rows.is_empty() {
            narrow = Some((sheet, head));
        }
    }
    let merits: Vec<_> = tables.iter().map(|(_, merit)| *merit).collect();
    let chosen = choose::best(&merits);
    if let Some((sheet, _)) = tables.get(chosen).filter(|_| chosen > 0)
        && let Some(head) = head::read(book, file, sheet, until).map_err(damaged(path, None))?
    {
        first = Some((sheet, head));
    }
    let others = tables.iter().enumerate().filter(|(at, _)| *at != chosen);
    let others = others.map(|(_, (sheet, _))| sheet.name.clone()).collect();
    if let Some((sheet, head)) = first.or(narrow) {
        return Ok(Choice {
            sheet: sheet.clone(),
            head,
            others,
        });
    }
    let hidden = hidden_tables(book, file, until);
    let sheets: Vec<_> = hidden.map(|(sheet, _)| sheet.name.clone()).collect();
    Err(if sheets.is_empty() {
        FeedError::Empty(path.clone())
    } else {
        FeedError::AllHidden {
            path: path.clone(),
            sheets,
        }
    })
}

/// From the row that the sheet declares as its last, unless its size disproves
/// it.
fn estimate(head: &Head, header: RowNumber, unpacked: u64) -> usize {
    // A cell of a binary workbook with a number, which nothing undercuts.
    const SHORTEST_ROW: u64 = 14;
    let fits = usize::try_from(unpacked / SHORTEST_ROW).unwrap_or(usize::MAX);
    let said = head.said.saturating_sub(header.row()) as usize;
    said.max(head.rows.len()).min(fits).min(super::MAX_ESTIMATE)
}

/// An error of a workbook of which `row` is the last that could be read.
fn damaged(path: &Arc<Path>, row: Option<RowNumber>) -> impl FnOnce(Damage) -> FeedError {
    let path = path.clone();
    move |source| match source {
        Damage::TooLong => FeedError::CellTooLong {
            path,
            max: MAX_PIECE,
        },
        Damage::Password => FeedError::Password(path),
        Damage::TooMuchHeld { part, max } => FeedError::TooMuchHeld { path, part, max },
        source => FeedError::Workbook {
            path,
            row,
            source: Box::new(source),
        },
    }
}

#[cfg(test)]
mod tests;
