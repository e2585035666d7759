//! Cells of other files, and of other rows of the same person, for each record.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::keys::Key;
use super::packed::Packed;
use super::rows::Rows;
use crate::feed::{Cell, CellKind, Extension, FeedError, FileEnd, JoinedFacts, Record};
use crate::model::{Joined, Remark, Remarked, RowNumber};

/// A joined file, read.
#[derive(Debug)]
pub(super) struct JoinedFile {
    pub(super) file: Arc<str>,
    pub(super) path: Arc<Path>,
    /// The column of the keys in the record.
    pub(super) key: usize,
    /// Its name in the feed and in the file.
    pub(super) names: [String; 2],
    /// What the first key of the file looks like.
    pub(super) shape: String,
    /// Where the columns of the file begin in the record.
    pub(super) from: usize,
    pub(super) kept: Kept,
    pub(super) rows: Rows,
    pub(super) counted: u64,
    /// Rows of which nobody can say whose they are.
    pub(super) nobodys: u64,
    /// Why rows are not whole.
    pub(super) short: HashMap<RowNumber, String>,
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
    /// The name of its column.
    pub(super) key_name: String,
    pub(super) kept: Kept,
    pub(super) rows: Rows,
    pub(super) remarks: Vec<Remarked>,
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
            let key = record.cell(file.key).map_or(Key::None, Key::of);
            let found = match key {
                Key::Of(key, _) => file.rows.find(&key, record.row(), &mut row)?,
                Key::None => false,
                Key::Lost => {
                    self.add_undecided(file, &file.lost_key(), record);
                    continue;
                }
            };
            match found.then(|| Packed::of(&row)).flatten() {
                Some(row) => match file.short.get(&row.row) {
                    Some(why) => self.add_undecided(file, why, record),
                    None => self.add(file, &row, record),
                },
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
                key: file.names.each_ref().map(String::as_str),
                shapes: [file.rows.asked(), &file.shape],
                rows: file.counted,
                nobodys: file.nobodys,
                end: file.end,
                sha256: file.sha256,
            })
            .collect()
    }

    fn uncertain_rows(&self) -> Vec<(RowNumber, String)> {
        let of_files = self.files.iter().flat_map(|file| {
            let rows = file.rows.may_mean().into_iter();
            rows.map(|(of, row)| (of, file.damaged_key(row)))
        });
        of_files.collect()
    }

    fn remarks(&self) -> Vec<Remarked> {
        let of_files = self.files.iter().flat_map(|file| {
            let people = file.rows.not_met();
            let of_nobody =
                (people > 0).then(|| Remark::Joined(Joined::OfNobody { people }).into());
            let spelled = file.rows.spelled();
            let remark = Remark::Joined(Joined::OtherSpelling);
            let spelled = (!spelled.is_empty())
                .then(|| Remarked::of_rows(remark, Some(&file.names[1]), spelled));
            let of_pass = spelled.into_iter().chain(of_nobody);
            let of_pass = of_pass.map(|it: Remarked| it.of_joined(&file.file));
            file.remarks.iter().cloned().chain(of_pass)
        });
        let merged = self.merged.iter();
        let of_rows = merged.flat_map(|merged| merged.remarks.iter().cloned());
        of_files.chain(of_rows).collect()
    }
}

impl Merged {
    fn lost_key(&self) -> String {
        format!(
            "`{}` has no key that is certain (an error, a formula, a number that Excel shortened), \
             so that nobody can say whose row it is (`merge` in [source]): correct it",
            self.key_name
        )
    }
}

impl JoinedFile {
    fn lost_key(&self) -> String {
        let [of_feed, _] = &self.names;
        format!(
            "`{}` has the person's row by column `{of_feed}`, which has no key that is certain",
            self.file
        )
    }

    fn damaged_key(&self, row: RowNumber) -> String {
        let [of_feed, of_file] = &self.names;
        format!(
            "row {row} of `{}` may be about this person: its `{of_file}` is the person's `{of_feed}` \
             but for what a program made of one of them (decimals, thousands separators, quotes, \
             look-alike letters); correct it",
            self.file
        )
    }
}

impl Joiner {
    /// Leaves the cells of a joined file undecided.
    fn add_undecided(&self, file: &JoinedFile, why: &str, record: &mut Record) {
        let Kept { columns, all } = &file.kept;
        let undecided = Cell {
            text: why,
            kind: CellKind::Undecided,
        };
        for &column in columns {
            record.add(file.from + column, undecided);
        }
        for column in all.iter().filter_map(|at| columns.get(*at)) {
            record.add(self.columns + file.from + column, undecided);
        }
    }

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
            let key = match record.cell(merged.key).map_or(Key::None, Key::of) {
                Key::Of(key, _) => Some(key.into_owned()),
                Key::None => None,
                Key::Lost => {
                    record.leave_undecided(&merged.lost_key());
                    None
                }
            };
            if let Some(key) = key
                && merged.rows.find(&key, record.row(), row)?
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
