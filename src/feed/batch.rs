//! The records of one batch, without rows that are plainly not people.

use std::sync::Arc;

use super::corrections::Corrections;
use super::csv::CsvRows;
use super::left_out::{LeftOut, Odd};
use super::sheet::SheetRows;
use super::{Extension, FeedError, Record};
use crate::model::{NoPerson, QuotingStyle, Remark, Remarks, RowNumber};

/// The records of one batch.
#[derive(Debug)]
pub struct Batch<'a> {
    records: Records<'a>,
    record: Record,
    rule: &'a LeftOut,
    left_out: Vec<(RowNumber, NoPerson)>,
    remarks: Remarks,
    file: u16,
    corrections: Option<Arc<Corrections>>,
    extension: Option<Arc<dyn Extension>>,
    /// Why there are no more records than were handed out.
    failed: Option<FeedError>,
}

#[derive(Debug)]
enum Records<'a> {
    Csv(CsvRows<'a>),
    Sheet(SheetRows<'a>),
}

impl<'a> Batch<'a> {
    pub(super) fn csv(rows: CsvRows<'a>, rule: &'a LeftOut) -> Self {
        Self::new(Records::Csv(rows), rule)
    }

    pub(super) fn sheet(rows: SheetRows<'a>, rule: &'a LeftOut) -> Self {
        Self::new(Records::Sheet(rows), rule)
    }

    fn new(records: Records<'a>, rule: &'a LeftOut) -> Self {
        Self {
            records,
            record: Record::new(),
            rule,
            left_out: Vec::new(),
            remarks: Remarks::default(),
            file: 0,
            corrections: None,
            extension: None,
            failed: None,
        }
    }

    /// The records are of the file of that number, which may be one of corrections, and
    /// `extension` adds to them.
    pub(super) fn begin(
        &mut self,
        (file, corrections): (u16, Option<Arc<Corrections>>),
        extension: Option<Arc<dyn Extension>>,
    ) {
        self.file = file;
        self.corrections = corrections;
        self.extension = extension;
    }

    /// Why it has fewer records than there are.
    pub(crate) fn failure(&mut self) -> Option<FeedError> {
        self.failed.take()
    }

    /// What a person should hear of how the rows so far were read.
    pub fn take_remarks(&mut self) -> Remarks {
        std::mem::take(&mut self.remarks)
    }

    /// The rows so far that were left out because they are plainly no people.
    pub fn left_out(&self) -> &[(RowNumber, NoPerson)] {
        &self.left_out
    }

    /// The next record that is not blank and may be a person. It is lent until the one
    /// after it is asked for.
    pub fn next_record(&mut self) -> Option<&Record> {
        self.next_of(|_| true)
    }

    /// The next such record of those that are wanted. The cells of others are not read, so
    /// that a later pass costs little where it is about few rows.
    pub fn next_of(&mut self, is_wanted: impl Fn(RowNumber) -> bool) -> Option<&Record> {
        let file = self.file;
        let is_wanted = |row: RowNumber| is_wanted(row.in_file(file));
        loop {
            if self.extension.is_some() {
                // What was added is the record's before.
                self.record.extend_from(usize::MAX);
            }
            let read = match &mut self.records {
                Records::Csv(rows) => rows.read_of(&mut self.record, is_wanted),
                Records::Sheet(rows) => rows.read(&mut self.record),
            };
            if !read {
                return None;
            }
            if !is_wanted(self.record.row()) {
                continue;
            }
            self.record.put_in_file(self.file);
            if self.record.spaced {
                let style = QuotingStyle::SpacesAround;
                let row = self.record.row();
                self.remarks.add(row, None, &Remark::Quoting { style });
            }
            if let Some(corrections) = &self.corrections {
                corrections.restore(&mut self.record);
            }
            if self.record.is_blank() {
                continue;
            }
            match self.rule.judge(&self.record) {
                None => {}
                Some(Odd::NoPerson(what)) => {
                    self.left_out.push((self.record.row(), what));
                    continue;
                }
                Some(Odd::OtherHeader) => {
                    self.failed = Some(self.rule.other_header(&self.record));
                    return None;
                }
            }
            if let Some(extension) = &self.extension
                && let Err(error) = extension.extend(&mut self.record)
            {
                self.failed = Some(error);
                return None;
            }
            return Some(&self.record);
        }
    }
}
