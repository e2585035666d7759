//! Files that are joined to the feed, and several rows of one person.
//!
//! [`attach`] reads each joined file once, keeps the cells that the mapping reads by
//! their keys, and adds them to each record of the feed.
//!
//! # Invariants
//!
//! - Of a joined file 16 bytes a row stay in memory, 32 while it is read; the cells are in
//!   a private file.
//! - Every pass over the feed gets the same cells: the joined files are not read again.
//! - Of several rows none is chosen that the mapping does not choose: cells that differ
//!   are [`CellKind::Undecided`](crate::feed::CellKind).

mod extension;
mod gather;
mod keys;
mod numbers;
mod packed;
mod pick;
mod resolve;
mod rows;
mod settings;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;

use self::extension::{JoinedFile, Joiner, Kept, Merged};
use self::gather::{Gathered, Gathering};
use self::keys::Key;
use self::pick::Words;
pub(super) use self::settings::{
    Join, Merge, check_all, of_all_rows, read_join_sections, read_merge,
};
use super::columns::{ColumnNames, Columns, why_not_found};
use super::template::{Condition, TemplateCells};
use super::{Bound, Mapping, MappingError};
use crate::event::Listener;
use crate::feed::{
    Cell, Feed, FeedError, FeedOptions, FeedSource, FileEnd, JoinedColumns, OpenPgpKeys, Record,
};
use crate::model::{InWorkbook, Joined, Remark, Remarked};

/// Why files cannot be joined to a feed. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// A file cannot be read, or is not whole.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The mapping does not fit the files.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// The program was asked to stop.
    #[error("stopped while a joined file was being read")]
    Stopped,
}

/// Who watches over the reading of the files.
#[expect(missing_debug_implementations, reason = "it lends a closure")]
pub struct Watch<'a> {
    /// Whether the program was asked to stop.
    pub stop: &'a dyn Fn() -> bool,
    /// Who hears of the progress.
    pub listener: &'a mut dyn Listener,
}

impl JoinError {
    /// The same, where a joined file is read.
    fn of_file(self) -> Self {
        match self {
            Self::Feed(error) => Self::Feed(FeedError::joined(error)),
            error => error,
        }
    }
}

/// Reads the files that the mapping adds to a feed on the day `today`, and adds them to
/// it.
///
/// # Errors
/// A file is missing, empty or cut off, or does not have a column that the mapping names; or
/// the program was asked to stop.
pub fn attach(
    feed: Feed,
    mapping: &Mapping,
    today: Date,
    watch: &mut Watch<'_>,
) -> Result<Feed, JoinError> {
    if mapping.to_join.is_empty() && mapping.merge.is_none() {
        return Ok(feed);
    }
    let own = feed.own_columns().len();
    let opened = mapping
        .to_join
        .iter()
        .map(|join| Open::of(join, mapping, feed.keys()));
    let mut opened = opened.collect::<Result<Vec<_>, JoinError>>()?;
    let mut feed = feed.with_joined_columns(opened.iter().map(Open::columns).collect());
    let columns = feed.columns().len();
    let keys = keys_in_feed(&feed, mapping)?;
    let bound = mapping.bind_feed(&feed, today)?;
    let mut used = bound.used();
    used.extend(keys.iter().copied());
    let mut files = Vec::new();
    let mut from = own;
    for (open, key) in opened.iter_mut().zip(keys) {
        let width = open.feed.columns().len();
        let of_file = |column: usize| column.checked_sub(from).filter(|it| *it < width);
        let used = Used {
            single: used.iter().filter_map(|it| of_file(*it)).collect(),
            all: (used.iter())
                .filter_map(|it| of_file(it.checked_sub(columns)?))
                .collect(),
        };
        files.push(open.read(&used, (key, from), (mapping, today), watch)?);
        from += width;
    }
    let all_of_own = used.iter().filter_map(|it| it.checked_sub(columns));
    let joiner = Joiner {
        own,
        columns,
        all_of_own: all_of_own.filter(|column| *column < own).collect(),
        files: files.into(),
        merged: None,
    };
    feed.extend_by(Arc::new(joiner.clone()));
    if let Some(merge) = &mapping.merge {
        let merged = merged(&mut feed, (merge, &bound), (used, today), watch)?;
        feed.extend_by(Arc::new(Joiner {
            merged: Some(Arc::new(merged)),
            ..joiner
        }));
    }
    Ok(feed)
}

/// The rows of the feed that are about one person, of those that the filter leaves.
fn merged(
    feed: &mut Feed,
    (merge, bound): (&Merge, &Bound<'_>),
    (used, today): (BTreeSet<usize>, Date),
    watch: &mut Watch<'_>,
) -> Result<Merged, JoinError> {
    let mapping = bound.mapping();
    let find = |name: &str| {
        let found = bound.find(name).map_err(|(message, help)| {
            mapping.error_in(
                merge.place,
                format!("{message} (`merge` in [source])"),
                help,
            )
        });
        found.map_err(JoinError::from)
    };
    let key = find(&merge.on)?;
    let picked = merge.pick.as_ref().and_then(|pick| pick.column.as_deref());
    let picked = picked.map(find).transpose()?;
    let all = feed.all_of(0);
    let kept: BTreeSet<_> = used.iter().copied().chain(picked).collect();
    let columns: Vec<_> = kept.into_iter().collect();
    let names = feed.columns();
    let name = |column: &usize| names.get(column % all.max(1)).cloned().unwrap_or_default();
    let kept = Kept {
        all: (0..columns.len())
            .filter(|at| columns.get(*at).is_some_and(|column| *column >= all))
            .collect(),
        columns,
    };
    let counts = |record: &Record| bound.filtered(record);
    let gathering = Gathering {
        words: Words {
            file: "the feed".into(),
            setting: "`pick` in `merge`",
        },
        key,
        key_name: &merge.on,
        columns: kept.columns.clone(),
        is_single: (kept.columns.iter())
            .map(|column| *column < all && used.contains(column))
            .collect(),
        all: kept.all.clone(),
        pick: merge.pick.as_ref(),
        picked_by: picked.and_then(|picked| kept.columns.iter().position(|it| *it == picked)),
        counts: &counts,
        names: kept.columns.iter().map(name).collect(),
        width: feed.own_columns().len(),
        today,
        mapping,
    };
    let Gathered {
        mut rows,
        remarks,
        alike,
        ..
    } = gathering.read(feed, watch)?;
    rows.only_of_several();
    let alike = Remarked::of_rows(
        Remark::Joined(Joined::AlikeKeys),
        Some(merge.on.as_str()),
        alike,
    );
    let alike = Some(alike).filter(|it| it.count > 0);
    // Whatever else there is to say of rows of the feed, the scan says.
    let is_of_keys = |it: &Remarked| it.remark == Remark::Joined(Joined::KeyLost);
    Ok(Merged {
        key,
        key_name: merge.on.clone(),
        kept,
        rows,
        remarks: remarks
            .into_iter()
            .filter(is_of_keys)
            .chain(alike)
            .collect(),
    })
}

/// What cells have in common that may be the key of one person; `None` if a cell has no key.
#[must_use]
pub fn key_in_common(cell: Cell<'_>) -> Option<u64> {
    match Key::of(cell) {
        Key::Of(key, _) => Some(keys::hash(&key)),
        Key::None | Key::Lost => None,
    }
}

/// For each joined file, the column of the feed, or of a file before it, that has the
/// keys.
fn keys_in_feed(feed: &Feed, mapping: &Mapping) -> Result<Vec<usize>, MappingError> {
    let duplicates = feed.duplicate_columns().into_iter();
    let duplicates: Vec<_> = duplicates.map(|(name, _)| name.to_owned()).collect();
    let to_join = mapping.to_join.iter().enumerate();
    to_join
        .map(|(position, join)| {
            let before = feed.joined_columns().get(..position).unwrap_or_default();
            let of_before: usize = before.iter().map(|file| file.columns.len()).sum();
            let known = feed.own_columns().len() + of_before;
            let names = feed.columns().get(..known).unwrap_or_default();
            let columns = Columns::of_feed(names, &duplicates, before);
            let found = ColumnNames::new(&columns).find(&join.on_feed);
            found
                .map(|found| found.index)
                .ok_or_else(|| mapping.error_of_join(join, why_not_found(&join.on_feed, &columns)))
        })
        .collect()
}

/// A joined file whose header is read.
struct Open<'m> {
    join: &'m Join,
    feed: Feed,
    names: Columns,
    key: usize,
}

/// Which columns of a file the mapping reads.
struct Used {
    /// One value of them.
    single: BTreeSet<usize>,
    /// All values.
    all: BTreeSet<usize>,
}

impl<'m> Open<'m> {
    fn of(join: &'m Join, mapping: &Mapping, keys: &OpenPgpKeys) -> Result<Self, JoinError> {
        let source = FeedSource::Path(join.path.clone());
        let options = FeedOptions {
            openpgp: keys.clone(),
            ..join.options.clone()
        };
        let feed = Feed::open(&source, &options).map_err(FeedError::joined)?;
        let duplicates = feed.duplicate_columns().into_iter();
        let duplicates: Vec<_> = duplicates.map(|(name, _)| name.to_owned()).collect();
        let names = Columns::of_file(feed.own_columns(), &duplicates, &join.file);
        let found = ColumnNames::new(&names).find(&join.on_file);
        let key = found.map(|found| found.index);
        let key =
            key.ok_or_else(|| mapping.error_of_join(join, why_not_found(&join.on_file, &names)))?;
        Ok(Self {
            join,
            feed,
            names,
            key,
        })
    }

    fn columns(&self) -> JoinedColumns {
        let duplicates = self.feed.duplicate_columns().into_iter();
        JoinedColumns {
            name: self.join.name.clone(),
            file: self.join.file.clone(),
            columns: self.feed.own_columns().to_vec(),
            duplicates: duplicates.map(|(name, _)| name.to_owned()).collect(),
            same_key: (self.join.on_feed == self.join.on_file).then_some(self.key),
        }
    }

    /// Reads the file. `key` is the column of the keys in the feed, and `from` where the
    /// columns of the file begin there.
    fn read(
        &mut self,
        used: &Used,
        (key, from): (usize, usize),
        (mapping, today): (&Mapping, Date),
        watch: &mut Watch<'_>,
    ) -> Result<JoinedFile, JoinError> {
        let join = self.join;
        let names = ColumnNames::new(&self.names);
        let no_column = |name: &str| mapping.error_of_join(join, why_not_found(name, &self.names));
        let picked = join.pick.as_ref().and_then(|pick| pick.column.as_deref());
        let picked = picked
            .map(|name| names.find(name).ok_or_else(|| no_column(name)))
            .transpose()?
            .map(|found| found.index);
        let kept: BTreeSet<_> = (used.single.iter().chain(&used.all).copied())
            .chain(picked)
            .collect();
        let columns: Vec<_> = kept.into_iter().collect();
        let at = |column: usize| columns.iter().position(|it| *it == column);
        let mut spellings = Vec::new();
        let cells = TemplateCells::of(&join.templates, &names, &mut spellings, today);
        let counts = |record: &Record| counts(join, &cells, record, &no_column);
        let all: Vec<_> = used.all.iter().filter_map(|column| at(*column)).collect();
        let gathering = Gathering {
            words: Words {
                file: format!("`{}`", join.file).into(),
                setting: "`pick` in [join]",
            },
            key: self.key,
            key_name: &join.on_file,
            is_single: columns.iter().map(|it| used.single.contains(it)).collect(),
            all: all.clone(),
            pick: join.pick.as_ref(),
            picked_by: picked.and_then(at),
            counts: &counts,
            names: Vec::new(),
            width: self.feed.own_columns().len(),
            columns,
            today,
            mapping,
        };
        let gathered = gathering
            .read(&mut self.feed, watch)
            .map_err(JoinError::of_file)?;
        let path: Arc<Path> = Arc::from(self.feed.path());
        let (end, last) = match gathered.last {
            Some(last) => (last.end, last.row),
            None => return Err(FeedError::JoinedWithoutRows(path).into()),
        };
        if end == FileEnd::InShortRow {
            return Err(FeedError::JoinedCutOff { path, row: last }.into());
        }
        let own = self.feed.own_columns();
        let is_read = |it: &Remarked| {
            let mut read = gathering.columns.iter().chain([&self.key]);
            it.remark != Remark::Workbook(InWorkbook::OldResults)
                || read.any(|column| own.get(*column).map(String::as_str) == it.column.as_deref())
        };
        let mut of_file = self.feed.remarks();
        of_file.retain(is_read);
        let of_pass = of_file.into_iter().chain(gathered.remarks);
        let takes_all = join.templates.has(Condition::Joined) && gathered.left_out == 0;
        let takes_all = takes_all.then(|| Remarked::from(Remark::Joined(Joined::TakesAll)));
        let spelled = spellings.iter().map(|it| Remarked::from(it.remark()));
        let remarks = of_pass.chain(takes_all).chain(spelled);
        Ok(JoinedFile {
            file: join.file.clone(),
            path,
            key,
            names: [join.on_feed.clone(), join.on_file.clone()],
            shape: gathered.shape,
            nobodys: gathered.nobodys,
            short: gathered.short,
            from,
            kept: Kept {
                columns: gathering.columns,
                all,
            },
            rows: gathered.rows,
            counted: gathered.counted,
            end,
            sha256: self.feed.sha256(),
            remarks: remarks.map(|it| it.of_joined(&join.file)).collect(),
        })
    }
}

/// Whether a row of a joined file counts.
fn counts(
    join: &Join,
    cells: &TemplateCells,
    record: &Record,
    no_column: &dyn Fn(&str) -> MappingError,
) -> Result<Result<bool, String>, MappingError> {
    if !join.templates.has(Condition::Joined) {
        return Ok(Ok(true));
    }
    let row = cells.row(record);
    let answer = join.templates.is_true(Condition::Joined, &row);
    match row.missing() {
        Some(name) if answer.is_err() => Err(no_column(name)),
        _ => Ok(answer),
    }
}

impl Mapping {
    /// The columns of the feed by which rows are joined and merged.
    pub(super) fn columns_of_rows(&self) -> impl Iterator<Item = &str> {
        let joined = self.to_join.iter().map(|join| join.on_feed.as_str());
        let merge = self.merge.iter();
        let merged = merge.flat_map(|merge| {
            let picked = merge.pick.as_ref().and_then(|pick| pick.column.as_deref());
            std::iter::once(merge.on.as_str()).chain(picked)
        });
        joined.chain(merged)
    }

    /// A mistake in a [join]: what is wrong and what to do.
    fn error_of_join(&self, join: &Join, (message, help): (String, String)) -> MappingError {
        self.error_in(join.place, format!("{message} ([join])"), help)
    }

    fn error_in(&self, place: (usize, usize), message: String, help: String) -> MappingError {
        let (line, column) = place;
        MappingError::Content {
            path: self.path.clone(),
            line,
            column,
            message,
            help: Some(help),
        }
    }
}

#[cfg(test)]
mod tests;
