//! Cells of other files, and of other rows of the same person, for each record.

use std::path::Path;
use std::sync::Arc;

use super::key_of;
use super::packed::Packed;
use super::rows::Rows;
use crate::feed::{Cell, CellKind, Extension, FeedError, FileEnd, JoinedFacts, Record};
use crate::model::{Joined, Remark, Remarked};

/// A joined file, read.
#[derive(Debug)]
pub(super) struct JoinedFile {
    pub(super) file: Arc<str>,
    pub(super) path: Arc<Path>,
    /// The column of the keys in the record.
    pub(super) key: usize,
    /// Its name in the file.
    pub(super) key_name: String,
    /// Where the columns of the file begin in the record.
    pub(super) from: usize,
    pub(super) kept: Kept,
    pub(super) rows: Rows,
    pub(super) counted: u64,
    pub(super) end: FileEnd,
    pub(super) sha256: Option<[u8; 32]>,
    pub(super) remarks: Vec<Remarked>,
}

/// Which columns are kept of each row.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    /// Their positions in the file; of rows of the feed, in the record.
    pub(super) columns: Vec<usize>,
    /// The positions in `columns` of those of which all values count.
    pub(super) all: Vec<usize>,
}

/// Rows of the feed that are about one person.
#[derive(Debug)]
pub(super) struct Merged {
    pub(super) key: usize,
    pub(super) kept: Kept,
    pub(super) rows: Rows,
}

/// Adds to each record of a feed.
#[derive(Clone, Debug)]
pub(super) struct Joiner {
    /// How many columns the feed itself has.
    pub(super) own: usize,
    /// How many columns there are with those of the joined files.
    pub(super) columns: usize,
    /// The feed's own columns of which all values count.
    pub(super) all_of_own: Vec<usize>,
    pub(super) files: Arc<[JoinedFile]>,
    pub(super) merged: Option<Arc<Merged>>,
}

impl Extension for Joiner {
    fn extend(&self, record: &mut Record) -> Result<(), FeedError> {
        record.extend_from(self.own);
        let mut row = Vec::new();
        for (position, file) in self.files.iter().enumerate() {
            let key = record.cell(file.key).and_then(key_of);
            let key = key.map(|(key, _)| key.into_owned());
            let found = match &key {
                Some(key) => file.rows.find(key, &mut row)?,
                None => false,
            };
            match found.then(|| Packed::of(&row)).flatten() {
                Some(row) => self.add(file, &row, record),
                None => record.note_absent(position),
            }
        }
        self.merge(record, &mut row)
    }

    fn joined(&self) -> Vec<JoinedFacts<'_>> {
        let files = self.files.iter();
        files
            .map(|file| JoinedFacts {
                file: &file.file,
                path: &file.path,
                key: &file.key_name,
                rows: file.counted,
                end: file.end,
                sha256: file.sha256,
            })
            .collect()
    }

    fn remarks(&self) -> Vec<Remarked> {
        let of_files = self.files.iter().flat_map(|file| {
            let people = file.rows.not_met();
            let of_nobody =
                (people > 0).then(|| Remark::Joined(Joined::OfNobody { people }).into());
            let of_nobody = of_nobody.map(|it: Remarked| it.of_file(&file.file));
            file.remarks.iter().cloned().chain(of_nobody)
        });
        of_files.collect()
    }
}

impl Joiner {
    /// Adds the cells of a row of a joined file.
    fn add(&self, file: &JoinedFile, row: &Packed<'_>, record: &mut Record) {
        let Kept { columns, all } = &file.kept;
        let mut cells = row.cells();
        for (&column, cell) in columns.iter().zip(cells.by_ref()) {
            record.add(file.from + column, cell);
        }
        for &at in all {
            let of_all = if row.has_all {
                cells.next()
            } else {
                row.cells().nth(at)
            };
            if let (Some(cell), Some(column)) = (of_all, columns.get(at)) {
                record.add(self.columns + file.from + column, cell);
            }
        }
    }

    /// Adds what other rows of the feed say of the person.
    fn merge(&self, record: &mut Record, row: &mut Vec<u8>) -> Result<(), FeedError> {
        if let Some(merged) = &self.merged {
            let key = record.cell(merged.key).and_then(key_of);
            let key = key.map(|(key, _)| key.into_owned());
            if let Some(key) = key
                && merged.rows.find(&key, row)?
                && let Some(one) = Packed::of(row)
            {
                if one.row != record.row() {
                    record.give_way();
                }
                if let Some(why) = one.why {
                    record.leave_undecided(why);
                }
                let cells = one.cells().skip(merged.kept.columns.len());
                for (&at, cell) in merged.kept.all.iter().zip(cells) {
                    if let Some(column) = merged.kept.columns.get(at) {
                        record.add(*column, cell);
                    }
                }
                return Ok(());
            }
        }
        for &column in &self.all_of_own {
            let cell = record.own_cell(column);
            let (text, kind) = cell.map_or((String::new(), CellKind::Text), |cell| {
                (cell.text.to_owned(), cell.kind)
            });
            record.add(self.columns + column, Cell { text: &text, kind });
        }
        Ok(())
    }
}
