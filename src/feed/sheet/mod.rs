//! XLSX: one sheet of a workbook, cell by cell.
//!
//! # Invariants
//!
//! - A sheet is never held as a whole: memory grows with the workbook's shared
//!   strings, which calamine keeps, and not with its rows. What calamine keeps
//!   is bounded before it begins.
//! - A cell far out costs no more than the columns up to it, in one record.
//! - The digest of the whole file is computed before the first row is read, and
//!   compared before each later pass: a workbook that changed hands out nothing.

mod guard;
mod rows;
mod stream;
mod text;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use calamine::{Reader as _, SheetType, SheetVisible, Style, Xlsx, XlsxError};

pub(super) use self::rows::{SheetBatch, SheetRows};
use self::stream::{MAX_ROW_TEXT, NoAnswer, Position, Stream, Tracked};
use self::text::Padded;
use super::header::{self, HeadRow};
use super::pipeline::{self, Filled};
use super::record::Record;
use super::spool::{self, Opened};
use super::zip::Archive;
use super::{Batch, FeedError, FeedOptions, Progress};
use crate::model::RowNumber;

/// A batch is full at this many cells or bytes of text, whichever is first.
const CELLS: usize = 1 << 15;
const TEXT: usize = 1 << 20;

/// The most sheets of a workbook: finding one among them takes longer the more there
/// are.
const MAX_SHEETS: usize = 1_000;

type Workbook = Xlsx<BufReader<Tracked>>;

/// An open sheet of a workbook.
pub(super) struct SheetFile {
    path: Arc<Path>,
    /// The same file as the workbook's, for its digest.
    file: File,
    workbook: Workbook,
    /// Where the workbook reads.
    position: Arc<Position>,
    pub(super) sheet: String,
    /// Other visible sheets that have a table.
    pub(super) others: Vec<String>,
    pub(super) columns: Vec<String>,
    pub(super) header_row: RowNumber,
    pub(super) estimated_rows: usize,
    /// Where the sheet lies in the file, and how long it is there.
    offset: u64,
    length: u64,
    padded: Vec<Option<Padded>>,
    pub(super) sha256: [u8; 32],
}

impl std::fmt::Debug for SheetFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SheetFile")
            .field("path", &self.path)
            .field("sheet", &self.sheet)
            .finish_non_exhaustive()
    }
}

/// The start of a sheet.
struct Head {
    rows: Vec<HeadRow>,
    /// The last row that the sheet says it has.
    last: u32,
    padded: Vec<Option<Padded>>,
    /// Where in the file the sheet's part is.
    position: u64,
}

impl SheetFile {
    /// Opens a workbook and finds its table.
    pub(super) fn open(
        path: &Arc<Path>,
        opened: Opened,
        archive: &Archive,
        options: &FeedOptions,
    ) -> Result<Self, FeedError> {
        let file = opened.file;
        let sha256 = match opened.sha256 {
            Some(sha256) => sha256,
            None => spool::sha256(&file).map_err(FeedError::read(path, 0))?,
        };
        guard::judge(path, &file, archive)?;
        let tracked = Tracked {
            file: file.try_clone().map_err(FeedError::read(path, 0))?,
            position: Arc::default(),
        };
        let position = tracked.position.clone();
        let mut workbook = Workbook::new(BufReader::with_capacity(1 << 16, tracked))
            .map_err(|source| damaged(path, None, source))?;
        let sheets = workbook.sheets_metadata().len();
        if sheets > MAX_SHEETS {
            return Err(FeedError::TooManySheets {
                path: path.clone(),
                sheets,
                max: MAX_SHEETS,
            });
        }
        let until = options.header_row.unwrap_or(0);
        let (sheet, head, others) = match &options.sheet {
            Some(wanted) => {
                let sheet = named(path, &workbook, wanted)?;
                let head = read_head(&mut workbook, &position, &sheet, until)
                    .map_err(|source| damaged(path, None, source))?;
                (sheet, head, Vec::new())
            }
            None => first_with_a_table(path, &mut workbook, &position, until)?,
        };

        let (_, header) = header::of(path, &head.rows, options.header_row)?;
        let header_row = header.row.unwrap_or(RowNumber(1));
        let part = archive.part_at(head.position);
        let unpacked = part.map_or(u64::MAX, |part| part.unpacked);
        Ok(Self {
            path: path.clone(),
            file,
            workbook,
            position,
            sheet,
            others,
            columns: header::names(&header.cells),
            header_row,
            estimated_rows: estimate(&head, header_row, unpacked),
            offset: part.map_or(0, |part| part.offset),
            length: part.map_or(0, |part| part.packed),
            padded: head.padded,
            sha256,
        })
    }

    /// The packed size of the sheet, which is what a pass reads.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// See [`super::Feed::read`].
    pub(super) fn read<T: Send, E: From<FeedError>>(
        &mut self,
        work: impl Fn(&mut Batch<'_>) -> T + Sync + Send,
        take: impl FnMut(T, Progress) -> Result<(), E>,
    ) -> Result<(), E> {
        let now = spool::sha256(&self.file).map_err(FeedError::read(&self.path, 0))?;
        if now != self.sha256 {
            return Err(E::from(FeedError::Changed(self.path.clone())));
        }
        let path = &self.path;
        let cells = self
            .workbook
            .worksheet_cells_reader(&self.sheet)
            .map_err(|source| damaged(path, None, source))?;
        let mut stream = Stream::new(cells);
        let (header, offset, length) = (self.header_row, self.offset, self.length);
        let (position, padded) = (&self.position, &self.padded);
        pipeline::run(
            move |batch: &mut SheetBatch| {
                batch.clear();
                while batch.cells.len() < CELLS && batch.text.len() < TEXT {
                    let last = stream.row;
                    match stream.next_row(batch) {
                        Ok(true) => {}
                        Ok(false) if batch.rows.is_empty() => return Ok(Filled::End),
                        Ok(false) => break,
                        Err(NoAnswer::Sheet(source)) => return Err(damaged(path, last, source)),
                        Err(NoAnswer::TooLong) => {
                            return Err(FeedError::RecordTooLong {
                                path: path.clone(),
                                line: stream.row.unwrap_or(header),
                                max: MAX_ROW_TEXT,
                            });
                        }
                    }
                    if batch.rows.last().is_some_and(|&(row, _)| row <= header) {
                        batch.pop();
                    }
                }
                let position = position.now.load(Ordering::Relaxed);
                Ok(Filled::Batch(Progress {
                    bytes: position.saturating_sub(offset).min(length),
                }))
            },
            |batch: &mut SheetBatch| work(&mut Batch::sheet(batch.rows(padded))),
            take,
        )
    }
}

/// The sheet that the mapping names.
fn named(path: &Arc<Path>, workbook: &Workbook, wanted: &str) -> Result<String, FeedError> {
    let mut names: Vec<String> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| sheet.name.clone())
        .collect();
    if names.iter().any(|name| name == wanted) {
        return Ok(wanted.to_owned());
    }
    // Excel takes names that differ in case only for one.
    let folded = wanted.trim().to_lowercase();
    if let Some(name) = names
        .iter()
        .find(|name| name.trim().to_lowercase() == folded)
    {
        return Ok(name.clone());
    }
    names.sort_by_cached_key(|name| strsim::osa_distance(&name.to_lowercase(), &folded));
    Err(FeedError::SheetNotFound {
        path: path.clone(),
        sheet: wanted.to_owned(),
        sheets: names,
    })
}

/// The first visible sheet with a table, and the names of the others. A sheet
/// with a single column is read only if no other has more.
fn first_with_a_table(
    path: &Arc<Path>,
    workbook: &mut Workbook,
    position: &Position,
    until: u32,
) -> Result<(String, Head, Vec<String>), FeedError> {
    let visible: Vec<String> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible)
        .map(|sheet| sheet.name.clone())
        .collect();
    let mut first = None;
    let mut narrow = None;
    let mut others = Vec::new();
    for name in visible {
        let head = match read_head(workbook, position, &name, until) {
            Ok(head) => head,
            // A chart that calls itself a sheet.
            Err(XlsxError::NotAWorksheet(_)) => continue,
            Err(source) => return Err(damaged(path, None, source)),
        };
        if head.rows.iter().any(|row| row.filled() >= 2) {
            if first.is_none() {
                first = Some((name, head));
            } else {
                others.push(name);
            }
        } else if narrow.is_none() && !head.rows.is_empty() {
            narrow = Some((name, head));
        }
    }
    match first.or(narrow) {
        Some((name, head)) => Ok((name, head, others)),
        None => Err(FeedError::Empty(path.clone())),
    }
}

/// Reads the first rows of a sheet.
fn read_head(
    workbook: &mut Workbook,
    position: &Position,
    sheet: &str,
    until: u32,
) -> Result<Head, XlsxError> {
    let cells = workbook.worksheet_cells_reader(sheet)?;
    let mut head = Head {
        rows: Vec::new(),
        last: cells.dimensions().end.0.saturating_add(1),
        padded: cells.styles().iter().map(padded).collect(),
        position: position.sought.load(Ordering::Relaxed),
    };
    let mut stream = Stream::new(cells);
    let mut batch = SheetBatch::default();
    let mut record = Record::new();
    while head.rows.len() < header::ROWS_EXAMINED || stream.row.is_some_and(|row| row.0 < until) {
        batch.clear();
        match stream.next_row(&mut batch) {
            Ok(true) => {}
            Ok(false) => break,
            Err(NoAnswer::Sheet(source)) => return Err(source),
            Err(NoAnswer::TooLong) => return Err(XlsxError::Unexpected("a row of many megabytes")),
        }
        if !batch.rows(&head.padded).read(&mut record) || record.is_blank() {
            continue;
        }
        head.rows.push(HeadRow {
            row: Some(record.row()),
            cells: header::cells(&record),
            not_text: None,
            width: record.len(),
        });
    }
    Ok(head)
}

fn padded(style: &Style) -> Option<Padded> {
    Padded::parse(&style.number_format.as_ref()?.format_code)
}

/// From the row that the sheet declares as its last, unless its size disproves
/// it.
fn estimate(head: &Head, header: RowNumber, unpacked: u64) -> usize {
    // `<row><c><v>1</v></c></row>`, which no writer undercuts.
    const SHORTEST_ROW: u64 = 26;
    let fits = usize::try_from(unpacked / SHORTEST_ROW).unwrap_or(usize::MAX);
    let said = head.last.saturating_sub(header.0) as usize;
    said.max(head.rows.len()).min(fits).min(super::MAX_ESTIMATE)
}

fn damaged(path: &Arc<Path>, row: Option<RowNumber>, source: XlsxError) -> FeedError {
    match source {
        XlsxError::Password => FeedError::Password(path.clone()),
        source => FeedError::Workbook {
            path: path.clone(),
            row,
            source: Box::new(source),
        },
    }
}

#[cfg(test)]
mod tests;
