//! A file is read, and its rows are kept by their keys.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;

use super::keys::{Key, shape};
use super::numbers::NumberTally;
use super::packed::Packing;
use super::pick::{Found, Picking, Words, context, form_of};
use super::resolve::Resolving;
use super::rows::{Entry, Rows};
use super::settings::Pick;
use super::{JoinError, Watch};
use crate::event::Event;
use crate::feed::{Cell, CellKind, Feed, LastRow, Record, RowLengths, RowWidths, Store, TooShort};
use crate::mapping::date::{self, DateTally};
use crate::mapping::{DateForm, Mapping, MappingError, Verdict};
use crate::model::{Joined, Remark, Remarks, RowNumber};

/// Whether a row counts; or why that cannot be said, without its values.
pub(super) type Counts<'a> =
    &'a (dyn Fn(&Record) -> Result<Result<bool, String>, MappingError> + Sync);

/// Which rows of a file are kept, and what of them.
pub(super) struct Gathering<'a> {
    pub(super) words: Words,
    /// The column of the keys.
    pub(super) key: usize,
    /// Its name, for remarks.
    pub(super) key_name: &'a str,
    /// The columns that are kept.
    pub(super) columns: Vec<usize>,
    /// For each of these, whether a person has one value of it.
    pub(super) is_single: Vec<bool>,
    /// The positions in `columns` of those of which all values count.
    pub(super) all: Vec<usize>,
    pub(super) pick: Option<&'a Pick>,
    /// The position in `columns` of the one that `pick` names.
    pub(super) picked_by: Option<usize>,
    pub(super) counts: Counts<'a>,
    /// The names of `columns`, for the feed itself.
    pub(super) names: Vec<String>,
    /// How many columns the file has.
    pub(super) width: usize,
    pub(super) today: Date,
    pub(super) mapping: &'a Mapping,
}

/// The rows of a file by their keys.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) rows: Rows,
    /// Rows that count, those without a key among them.
    pub(super) counted: u64,
    /// Those of them of which nobody can say whose they are.
    pub(super) nobodys: u64,
    /// Rows that the condition left out.
    pub(super) left_out: u64,
    pub(super) remarks: Remarks,
    pub(super) last: Option<LastRow>,
    /// Why rows are not whole.
    pub(super) short: HashMap<RowNumber, String>,
    /// What the first key looks like.
    pub(super) shape: String,
    /// Rows of the feed whose keys differ from those of others only in their spelling.
    pub(super) alike: BTreeSet<RowNumber>,
}

/// What a worker makes of a batch.
#[derive(Default)]
struct Batched {
    packed: Vec<u8>,
    entries: Vec<Entry>,
    counted: u64,
    nobodys: u64,
    left_out: u64,
    remarks: Remarks,
    lengths: RowLengths,
    widths: RowWidths,
    dates: DateTally,
    numbers: NumberTally,
    shape: String,
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The condition leaves it out.
    LeftOut,
    /// It is kept by its key.
    Kept,
    /// Nobody can say whose it is.
    Nobodys,
}

impl Gathering<'_> {
    /// Reads the whole file.
    pub(super) fn read(
        &self,
        file: &mut Feed,
        watch: &mut Watch<'_>,
    ) -> Result<Gathered, JoinError> {
        watch.listener.on_event(&Event::JoinStarted {
            file: &self.words.file,
            bytes: file.bytes(),
        });
        let path: Arc<Path> = Arc::from(file.path());
        let mut store = Store::new(&path)?;
        let mut all = Batched {
            entries: Vec::with_capacity(file.estimated_rows()),
            ..Batched::default()
        };
        file.read(
            |records| {
                let mut batch = Batched::default();
                let mut packing = Packing::default();
                while let Some(record) = records.next_record() {
                    self.take(record, &mut packing, &mut batch)?;
                }
                batch.remarks.extend(records.take_remarks());
                for &(row, what) in records.left_out() {
                    batch.remarks.add(row, None, &Remark::NoPerson { what });
                }
                Ok::<_, MappingError>(batch)
            },
            |batch, progress| {
                if (watch.stop)() {
                    return Err(JoinError::Stopped);
                }
                let batch = batch?;
                let first = store.append(&batch.packed)?;
                let entries = batch.entries.iter();
                all.entries.extend(entries.map(|entry| entry.behind(first)));
                all.counted += batch.counted;
                all.nobodys += batch.nobodys;
                if all.shape.is_empty() {
                    all.shape = batch.shape;
                }
                all.left_out += batch.left_out;
                all.remarks.extend(batch.remarks);
                all.lengths.extend(&batch.lengths);
                all.widths.extend(batch.widths, 0);
                all.dates.merge(&batch.dates);
                all.numbers.extend(batch.numbers);
                watch.listener.on_event(&Event::ReadProgress {
                    bytes: progress.bytes,
                    rows: all.counted,
                    rejected: 0,
                });
                Ok::<_, JoinError>(())
            },
        )?;
        watch.listener.on_event(&Event::ReadFinished {
            rows: all.counted,
            skipped: all.left_out,
            rejected: 0,
        });
        let form = self.form(&all.dates)?;
        let short = self.short_rows(&all.widths, file, &mut all.remarks);
        let resolving = Resolving {
            picking: Picking {
                words: self.words.clone(),
                pick: self.pick,
                form: match self.pick.and_then(|pick| pick.date.as_ref()) {
                    Some(form) => Some(form),
                    None => form.as_ref(),
                },
                fraction: all.numbers.fraction(),
                today: self.today,
            },
            picked_by: self.picked_by,
            is_single: self.is_single.clone(),
            all: self.all.clone(),
            names: self.names.clone(),
            short,
            key_name: self.key_name,
            alike: Mutex::default(),
        };
        let rows = Rows::of(all.entries, store, Store::new(&path)?, &resolving)?;
        Ok(Gathered {
            rows,
            counted: all.counted,
            nobodys: all.nobodys,
            short: resolving.short,
            alike: resolving
                .alike
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
            shape: all.shape,
            left_out: all.left_out,
            remarks: all.remarks,
            last: all.lengths.last_row(self.width, file.ends_line(0)),
        })
    }

    /// Takes in a row.
    fn take(
        &self,
        record: &Record,
        packing: &mut Packing,
        into: &mut Batched,
    ) -> Result<(), MappingError> {
        into.lengths.add(record);
        let fate = self.keep(record, packing, into)?;
        into.nobodys += u64::from(fate == Fate::Nobodys);
        let row = (fate != Fate::LeftOut).then_some((0, fate == Fate::Nobodys));
        into.widths.add(record, self.width, row);
        Ok(())
    }

    /// Keeps a row, if it counts.
    fn keep(
        &self,
        record: &Record,
        packing: &mut Packing,
        into: &mut Batched,
    ) -> Result<Fate, MappingError> {
        let unclear = match (self.counts)(record)? {
            Ok(true) => self.unreadable(record),
            Ok(false) => {
                into.left_out += 1;
                return Ok(Fate::LeftOut);
            }
            Err(problem) => Some(format!(
                "`where` fails in row {} of {}: {problem}",
                record.row(),
                self.words.file
            )),
        };
        into.counted += 1;
        let mut remark = |column, what| {
            (into.remarks).add(record.row(), column, &Remark::Joined(what));
        };
        let hides_rows = record.flaw().is_some_and(|it| it.last_line > record.row());
        if hides_rows {
            remark(None, Joined::HidesRows);
        }
        let key = record.cell(self.key).map_or(Key::None, Key::of);
        let (key, removed) = match key {
            Key::Of(key, removed) => (key, removed),
            Key::None if unclear.is_none() => {
                remark(Some(self.key_name), Joined::NoKey);
                return Ok(Fate::Nobodys);
            }
            Key::None | Key::Lost => {
                remark(Some(self.key_name), Joined::KeyLost);
                return Ok(Fate::Nobodys);
            }
        };
        if unclear.is_some() && !hides_rows {
            remark(None, Joined::Unreadable);
        }
        if into.shape.is_empty() {
            into.shape = shape(&key);
        }
        if let Some(removed) = removed {
            let remark = Remark::Cleaned { removed };
            into.remarks.add(record.row(), Some(self.key_name), &remark);
        }
        packing.start(record.row(), &key, false, None);
        for (at, &column) in self.columns.iter().enumerate() {
            let cell = record.cell(column).unwrap_or(NOTHING);
            if self.picked_by == Some(at) {
                self.note_value(cell, into);
            }
            packing.cell(match &unclear {
                Some(why) => Cell {
                    text: why,
                    kind: CellKind::Undecided,
                },
                None => cell,
            });
        }
        let place = Store::pack(&mut into.packed, packing.bytes());
        into.entries.push(Entry::new(&key, place));
        Ok(match unclear {
            Some(_) => Fate::Nobodys,
            None => Fate::Kept,
        })
    }

    /// Why rows are not whole, by what all rows of the file show. Those of the feed itself
    /// are judged when it is scanned.
    fn short_rows(
        &self,
        widths: &RowWidths,
        file: &Feed,
        remarks: &mut Remarks,
    ) -> HashMap<RowNumber, String> {
        let is_joined = self.names.is_empty();
        let judged = if is_joined && file.has_row_ends() {
            widths.judge(self.width, file.ends_line(0))
        } else {
            Vec::new()
        };
        let why = |short: &TooShort| {
            format!(
                "row {} of {} has {} of {} cells: {}",
                short.number,
                self.words.file,
                short.cells,
                self.width,
                short.why.text()
            )
        };
        let judged = judged.iter().inspect(|short| {
            remarks.add(short.number, None, &Remark::Joined(Joined::Unreadable));
        });
        judged.map(|short| (short.number, why(short))).collect()
    }

    /// Why no cell of a row can be believed.
    fn unreadable(&self, record: &Record) -> Option<String> {
        if let Some(flaw) = record.flaw() {
            let (row, file, why) = (record.row(), &self.words.file, flaw.problem.text());
            return Some(format!("row {row} of {file} cannot be read: {why}"));
        }
        let has_more = || {
            let mut beyond = self.width..record.len();
            let is_filled = |cell: Cell<'_>| !cell.text.trim().is_empty();
            beyond.any(|index| record.own_cell(index).is_some_and(is_filled))
        };
        (record.len() > self.width && has_more()).then(|| {
            format!(
                "row {} of {} has {} cells, but its header has {}",
                record.row(),
                self.words.file,
                record.len(),
                self.width
            )
        })
    }

    /// What a cell shows of the dates or numbers of the column that `pick` names.
    fn note_value(&self, cell: Cell<'_>, into: &mut Batched) {
        let text = cell.text.trim();
        let Some(pick) = self.pick else { return };
        if text.is_empty() {
            return;
        }
        let of_dates = pick.order.is_of_dates();
        match (cell.kind, of_dates, &pick.date) {
            (CellKind::Text, false, _) => into.numbers.add(text),
            (CellKind::Text, true, None) => into.dates.add_text(text),
            (CellKind::Text, true, form) => {
                let (_, evidence) = date::read(form.as_ref(), text, context(self.today));
                into.dates.add(evidence);
            }
            (CellKind::Date, true, form) => {
                let evidence = match form {
                    Some(form) => date::of_cell(Some(form), text),
                    None => date::of_any_cell(text),
                };
                if let Some(evidence) = evidence {
                    into.dates.add(evidence);
                }
            }
            _ => {}
        }
    }

    /// Why the dates by which rows are compared would be read wrongly, of which each may be a
    /// date, and what to do.
    fn misread(
        &self,
        pick: &Pick,
        dates: &DateTally,
        form: Option<&DateForm>,
    ) -> Option<(String, String)> {
        let column = pick.column.as_deref().unwrap_or_default();
        let file = &self.words.file;
        let of = |what: &str| format!("{what} dates of `{column}` in {file}");
        let verdict = match &pick.date {
            Some(_) => dates.verdict(),
            None => form
                .is_some_and(|form| dates.is_half_converted_from(form))
                .then_some(Verdict::HalfConverted),
        };
        match verdict? {
            Verdict::HalfConverted => Some((
                format!(
                    "{}: its date cells are the days up to 12, and its texts all others",
                    of("a spreadsheet has exchanged day and month in")
                ),
                "use the export as the HR system writes it, before it is opened in Excel"
                    .to_owned(),
            )),
            Verdict::BothOrders => Some((
                format!("{} have day and month in both orders", of("the")),
                "let the export write all dates in one form, such as 2027-12-31".to_owned(),
            )),
            Verdict::Swapped => Some((
                format!(
                    "{} have day and month the other way round than `date` says",
                    of("the")
                ),
                "correct `date` in `pick`".to_owned(),
            )),
            // Their rows are not compared.
            Verdict::FewSwapped | Verdict::Other(_) => None,
        }
    }

    /// The form of the dates by which rows are compared.
    fn form(&self, dates: &DateTally) -> Result<Option<DateForm>, JoinError> {
        let Some(pick) = self.pick else {
            return Ok(None);
        };
        let column = pick.column.as_deref().unwrap_or_default();
        let file = &self.words.file;
        let found = match pick.date {
            // The mapping says it.
            Some(_) => Found::Form(None),
            None => form_of(dates),
        };
        let (message, help) = match found {
            Found::Form(form) => match self.misread(pick, dates, form.as_ref()) {
                None => return Ok(form),
                Some(misread) => misread,
            },
            Found::Either(one, other) => (
                format!(
                    "the dates of `{column}` in {file} do not show whether day or month comes first"
                ),
                format!("set date = \"{one}\" or date = \"{other}\" in `pick`"),
            ),
            Found::No => (
                format!("most texts of `{column}` in {file} are not dates of one form"),
                "check the column, or set `date` in `pick`, for example date = \"%d-%m-%Y\""
                    .to_owned(),
            ),
        };
        Err(self.mapping.error_in(pick.place, message, help).into())
    }
}

/// A cell that the row does not have.
const NOTHING: Cell<'static> = Cell {
    text: "",
    kind: CellKind::Text,
};
