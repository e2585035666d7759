//! The first pass: the whole feed is read, mapped and validated, on all cores,
//! and a few words of each row are kept.

mod findings;
mod lengths;
mod odd_ids;
mod whole_feed;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use self::findings::Findings;
pub(super) use self::findings::finding;
pub use self::findings::{MAX_FINDINGS, own_findings, with_later_causes};
use self::lengths::Lengths;
use self::odd_ids::OddIds;
use self::whole_feed::{joined, of_rows, of_whole_feed, reject_short_rows, reject_uncertain_rows};
use crate::event::{Event, Listener};
use crate::feed::{Batch as Records, Feed, FeedError, FileEnd, LastRow, Record};
use crate::mapping::{Bound, DateTally, Fault, Mapped, MappingError, Person, garbled};
use crate::model::{Causes, ExternalId, Finding, Joined, Remark, Remarked, Remarks};
use crate::plan::effects::EffectFields;
use crate::plan::fingerprints;
use crate::plan::groups::NamedGroups;
use crate::plan::profile::{Profile, ProfileTally, ProfiledColumns};
use crate::plan::rows::{Batch, RowTable, fault};
use crate::schema::FieldKind;
use crate::validate;
use crate::validate::unique::{Comparison, Keys};

/// What the first pass found in a feed.
#[derive(Debug)]
pub struct Scan {
    /// The rows.
    pub rows: RowTable,
    /// Rows that the mapping's filter left out, those that gave way to another row of
    /// the same person, and those that say that their people leave.
    pub left_out: u64,
    /// Whom rows mark as leavers, and whether the mapping protects them.
    pub marked: HashMap<ExternalId, bool>,
    /// What is wrong, in the order of the feed; at most [`MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// All that is wrong, grouped.
    pub causes: Causes,
    /// What was decided about the feed and its rows, and a person should hear of.
    pub remarks: Vec<Remarked>,
    /// Rows without a readable external ID that may be somebody.
    pub unidentified: u64,
    /// The user groups that rows name.
    pub groups: NamedGroups,
    /// What the feed looks like; only with the columns of closed lists where people are not
    /// compared.
    pub profile: Profile,
    /// The last row, left out by the filter or not.
    pub last: Option<LastRow>,
}

/// Why the first pass ended early. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The feed cannot be read.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The mapping does not fit the feed.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// The program was asked to stop.
    #[error("stopped while the feed was being read")]
    Stopped,
}

/// What a worker finds in a batch of records.
#[derive(Default)]
struct TalliedBatch {
    batch: Batch,
    findings: Findings,
    remarks: Remarks,
    skipped: u64,
    gave_way: u64,
    /// Rows that say that their people leave.
    leaving: u64,
    marked: HashMap<ExternalId, bool>,
    /// For each joined file, people who have no row in it.
    absent: Vec<u64>,
    rejected: u64,
    unidentified: u64,
    groups: NamedGroups,
    profile: ProfileTally,
    lengths: Lengths,
    odd_ids: OddIds,
    /// What the dates of each field show, by its position in the mapping, and behind them
    /// those by which people leave.
    dates: Vec<DateTally>,
    /// Whether a field's column has what is not a date, likewise.
    no_dates: Vec<bool>,
}

impl TalliedBatch {
    /// Adds what is counted in the batch that follows, `rows` rows after the start of
    /// the feed. Returns what is kept of each of its rows.
    fn extend(&mut self, next: Self, rows: usize) -> Batch {
        self.skipped += next.skipped;
        self.gave_way += next.gave_way;
        self.leaving += next.leaving;
        for (id, is_protected) in next.marked {
            *self.marked.entry(id).or_default() |= is_protected;
        }
        for (sum, more) in self.absent.iter_mut().zip(&next.absent) {
            *sum += more;
        }
        self.rejected += next.rejected;
        self.unidentified += next.unidentified;
        self.remarks.extend(next.remarks);
        self.groups.extend(next.groups, rows);
        self.profile.merge(&next.profile);
        self.lengths.extend(next.lengths, rows);
        self.odd_ids.extend(&next.odd_ids, rows);
        self.findings.extend(next.findings);
        for (sum, more) in self.dates.iter_mut().zip(&next.dates) {
            sum.merge(more);
        }
        for (is_noted, more) in self.no_dates.iter_mut().zip(&next.no_dates) {
            *is_noted |= more;
        }
        next.batch
    }

    /// Adds what a row shows of the dates of the feed.
    fn show_dates(&mut self, person: &Person) {
        for (field, evidence) in person.dates() {
            if let Some(tally) = self.dates.get_mut(*field) {
                tally.add(*evidence);
            }
        }
    }

    /// Notes that a row says that this person leaves.
    fn mark(&mut self, bound: &Bound<'_>, person: &Person) {
        let field = bound.mapping().unique.fields.first();
        if let Some(id) = field.and_then(|field| person.text(*field)) {
            let is_protected = self.marked.entry(ExternalId::known(id)).or_default();
            *is_protected |= person.is_protected();
        }
    }
}

/// Reads the whole feed. `seed` is this run's for hashing; `fingerprints` and the
/// profile of the columns are computed only where people will be compared.
///
/// # Errors
/// The feed cannot be read, the mapping does not fit, or `stop` said so.
pub fn scan(
    feed: &mut Feed,
    bound: &Bound<'_>,
    seed: u64,
    fingerprints: bool,
    stop: &dyn Fn() -> bool,
    listener: &mut dyn Listener,
) -> Result<Scan, ScanError> {
    let unique = &bound.mapping().unique;
    let comparison = Comparison::new(seed, unique.variants);
    let mut rows = RowTable::new(
        unique.fields.len(),
        comparison,
        feed.estimated_rows(),
        fingerprints,
    );
    rows.closed_by(bound.mapping());
    // Of closed lists, wrong values are named where most are right.
    let is_counted = |kind: FieldKind| fingerprints || kind.is_closed_list();
    let columns = ProfiledColumns::of(bound, feed.columns(), is_counted);
    let pass = Pass {
        bound,
        columns: &columns,
        files: feed.joined().len(),
        comparison,
        fingerprints,
        effects: EffectFields::of(bound.mapping()),
        width: feed.has_row_ends().then(|| feed.own_columns().len()),
    };
    let mut all = pass.begin(0);
    let (batch_rows, kept) = (AtomicUsize::new(0), AtomicUsize::new(0));
    listener.on_event(&Event::ReadStarted {
        bytes: feed.bytes(),
    });

    feed.read(
        |records| {
            // The batch before was about as long. What is certainly not kept need not be made.
            let expected = batch_rows.load(Ordering::Relaxed);
            let room = MAX_FINDINGS.saturating_sub(kept.load(Ordering::Relaxed));
            let tallied = pass.batch(records, expected, room)?;
            batch_rows.store(tallied.batch.numbers.len(), Ordering::Relaxed);
            Ok::<_, MappingError>(tallied)
        },
        |tallied, progress| {
            if stop() {
                return Err(ScanError::Stopped);
            }
            let batch = all.extend(tallied?, rows.len());
            rows.extend(batch);
            kept.store(all.findings.kept.len(), Ordering::Relaxed);
            listener.on_event(&Event::ReadProgress {
                bytes: progress.bytes,
                rows: rows.len() as u64,
                rejected: all.rejected,
            });
            Ok(())
        },
    )?;

    settle(feed, bound, &mut all, &mut rows);
    let (findings, mut causes) = std::mem::take(&mut all.findings).finish();
    // People whom a way back removes are not rows of a feed.
    let leaving = if bound.mapping().is_way_back() {
        0
    } else {
        all.leaving
    };
    let left_out = all.skipped + all.gave_way + leaving;
    listener.on_event(&Event::ReadFinished {
        rows: rows.counted(),
        skipped: rows.skipped(left_out),
        rejected: rows.count(super::RowState::Rejected),
    });
    let all_rows = rows.len() as u64;
    let joined = joined(feed, bound, all_rows, &all.absent)?;
    let remarks = of_whole_feed(feed, bound, &rows, &all)?;
    let of_rows = of_rows(bound, &mut all, all_rows);
    let last = all.lengths.last_row(feed);
    let profile = columns.profile(&all.profile);
    causes.keep_values(|name| profile.column(name).map(|column| column.filled));
    Ok(Scan {
        rows,
        left_out,
        marked: all.marked,
        findings,
        causes,
        remarks: remarks.into_iter().chain(of_rows).collect(),
        unidentified: all.unidentified,
        groups: all.groups,
        profile: Profile {
            files: all.lengths.files_with_rows(feed),
            joined,
            end: last.map_or(FileEnd::Unknown, |last| last.end),
            ..profile
        },
        last,
    })
}

/// Rejects the rows of which only the whole feed shows that they are wrong.
fn settle(feed: &Feed, bound: &Bound<'_>, all: &mut TalliedBatch, rows: &mut RowTable) {
    reject_short_rows(feed, &all.lengths, rows);
    reject_uncertain_rows(feed, rows);
    for (row, rule) in all.odd_ids.damaged() {
        // Whom the ID would be of is not known.
        all.unidentified += 1;
        rows.reject(row, rule);
    }
    rows.settle_duplicates(bound.mapping().unique.duplicates);
    for row in rows.rejected_by_others() {
        for found in rows.faults(row) {
            let fault = fault(bound, found);
            (all.findings).add(finding(bound, rows.number(row), None, fault));
        }
    }
}

/// How rows are tallied.
struct Pass<'a, 'm> {
    bound: &'a Bound<'m>,
    columns: &'a ProfiledColumns,
    /// How many files are joined to the feed.
    files: usize,
    comparison: Comparison,
    fingerprints: bool,
    /// The fields whose values have effects.
    effects: EffectFields,
    /// The columns of the header, if rows can be shorter by mistake.
    width: Option<usize>,
}

impl Pass<'_, '_> {
    /// Nothing yet, and room for `expected` rows.
    fn begin(&self, expected: usize) -> TalliedBatch {
        let mut tallied = TalliedBatch {
            profile: self.columns.tally(),
            absent: vec![0; self.files],
            dates: vec![DateTally::default(); self.bound.mapping().fields().len() + 1],
            no_dates: vec![false; self.bound.mapping().fields().len()],
            ..TalliedBatch::default()
        };
        let keys = self.bound.mapping().unique.fields.len();
        let batch = &mut tallied.batch;
        batch.reserve(expected, self.fingerprints);
        batch
            .keys
            .resize_with(keys, || Keys::with_capacity(expected));
        tallied
    }

    /// Counts what is in a batch of about `expected` records, and keeps as many findings as
    /// there is `room` for.
    fn batch(
        &self,
        records: &mut Records<'_>,
        expected: usize,
        room: usize,
    ) -> Result<TalliedBatch, MappingError> {
        let mut tallied = self.begin(expected);
        // What is certainly not kept need not be made.
        tallied.findings.max = room;
        let (mut spare, mut faults) = (Person::default(), Vec::new());
        while let Some(record) = records.next_record() {
            let mut person: Person<'_> = spare;
            let row = match self.bound.apply(record, &mut person, &mut faults)? {
                Mapped::Skipped => {
                    tallied.skipped += 1;
                    None
                }
                Mapped::GaveWay => {
                    tallied.gave_way += 1;
                    let gave_way = match record.undecided() {
                        Some(_) => Joined::GaveWayToNone,
                        None => Joined::GaveWay,
                    };
                    let remark = Remark::Joined(gave_way);
                    tallied.remarks.add(record.row(), None, &remark);
                    None
                }
                Mapped::Leaver => {
                    tallied.leaving += 1;
                    tallied.mark(self.bound, &person);
                    tallied.show_dates(&person);
                    None
                }
                Mapped::Row => Some(self.tally(record, &person, &mut faults, &mut tallied)),
            };
            tallied.lengths.add(record, self.width, row);
            spare = person.emptied();
        }
        tallied.remarks.extend(records.take_remarks());
        for &(row, what) in records.left_out() {
            tallied.remarks.add(row, None, &Remark::NoPerson { what });
        }
        Ok(tallied)
    }

    /// Counts a row. Returns its place in the batch, and whether it is rejected.
    fn tally(
        &self,
        record: &Record,
        person: &Person,
        faults: &mut Vec<Fault>,
        into: &mut TalliedBatch,
    ) -> (usize, bool) {
        let (bound, number) = (self.bound, record.row());
        self.columns.add(record, person, &mut into.profile);
        for file in record.absent() {
            if let Some(people) = into.absent.get_mut(file) {
                *people += 1;
            }
        }
        for (field, remark) in person.remarks() {
            let column = field.and_then(|field| bound.column(field));
            into.remarks.add(number, column, remark);
        }
        for (field, remark) in garbled(bound, person) {
            into.remarks.add(number, bound.column(field), &remark);
        }
        into.show_dates(person);
        if record.is_of_workbook() {
            bound.note_no_dates(record, &mut into.no_dates);
        }
        let id = validate::person(bound, person, faults);
        let unique = &bound.mapping().unique;
        for (position, (field, keys)) in unique.fields.iter().zip(&mut into.batch.keys).enumerate()
        {
            let value = if position == 0 {
                id
            } else {
                person.text(*field)
            };
            keys.push(value.map(|value| self.comparison.key(value)));
        }
        // The lines behind a quote that nothing closes may be people.
        let hides_people = record.flaw().is_some_and(|it| it.last_line > number);
        let is_unknown = id.is_none() && bound.mapping().may_be_person(person);
        into.unidentified += u64::from(hides_people || is_unknown);
        let row = into.batch.numbers.len();
        if let Some(id) = id {
            into.odd_ids.add(row, id, person.id_cells());
        }
        let is_rejected = !faults.is_empty();
        into.groups.add(bound, person, row, !is_rejected);
        into.batch.file = number.file();
        into.batch.numbers.push(number.row());
        into.batch.rejected.push(is_rejected);
        if self.fingerprints {
            let fingerprint = fingerprints::of_person(bound, person);
            into.batch.fingerprints.push(fingerprint);
            if bound.compares_unkeyed() {
                let unkeyed = fingerprints::unkeyed(bound, person);
                into.batch.unkeyed.push(unkeyed);
            }
            if person.is_protected() {
                into.batch.protected.push(row);
            }
            if self.effects.are_any() {
                into.batch.effects.push(self.effects.bits(person));
            }
            into.batch.shapes.push(person.shape());
        }
        if is_rejected {
            into.rejected += 1;
            // In the order of the schema: first the row as a whole, then the ID.
            faults.sort_by_key(|fault| fault.field);
            let id = id.map(ExternalId::known);
            for fault in faults.drain(..) {
                into.findings.add(finding(bound, number, id.clone(), fault));
            }
        }
        (row, is_rejected)
    }
}
