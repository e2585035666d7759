//! What the rows of a feed show together.

use super::TalliedBatch;
use super::lengths::Lengths;
use crate::feed::{Feed, FeedError};
use crate::mapping::{Bound, Duplicates, MappingError};
use crate::model::{InWorkbook, Remark, Remarked, Rule};
use crate::plan::profile::JoinedProfile;
use crate::plan::rows::RowTable;
use crate::validate::unique::RowIndex;

/// What the joined files are like, by the number of rows without a row in each.
///
/// # Errors
/// A file is of nobody in the feed: the mapping joins the wrong one, or by the wrong
/// columns.
pub(super) fn joined(
    feed: &Feed,
    bound: &Bound<'_>,
    rows: u64,
    absent: &[u64],
) -> Result<Vec<JoinedProfile>, FeedError> {
    let files = feed.joined().into_iter().enumerate();
    let profiles = files.zip(absent).map(|((position, file), absent)| {
        if rows > 0 && *absent == rows {
            return Err(FeedError::JoinedOfNobody {
                path: file.path.clone(),
                keys: file.keys(),
            });
        }
        Ok(JoinedProfile {
            file: file.file.to_string(),
            rows: file.rows,
            people: rows - absent,
            end: file.end,
            nobodys: file.nobodys,
            clears: bound.clears_without(position),
        })
    });
    profiles.collect()
}

/// Rejects the rows that have too few cells, by what all of them show.
pub(super) fn reject_short_rows(feed: &Feed, lengths: &Lengths, rows: &mut RowTable) {
    let columns = u32::try_from(feed.own_columns().len()).unwrap_or(u32::MAX);
    for short in lengths.too_short(feed) {
        let rule = Rule::TooFewCells {
            cells: short.cells,
            columns,
            short: short.why,
        };
        if let Ok(row) = RowIndex::try_from(short.row) {
            rows.reject(row, rule);
        }
    }
}

/// Rejects the rows whose people may be meant by a row of a joined file that has a damaged
/// key: which of its values are theirs is known only now that all keys of the feed are.
pub(super) fn reject_uncertain_rows(feed: &Feed, rows: &mut RowTable) {
    for (number, why) in feed.uncertain_rows() {
        if let Some(row) = rows.at(number) {
            rows.reject(row, Rule::Undecided { why: why.into() });
        }
    }
}

/// What the feed as a whole shows, by the number of its rows.
///
/// # Errors
/// It shows that the mapping would read a column wrongly.
pub(super) fn of_whole_feed(
    feed: &Feed,
    bound: &Bound<'_>,
    rows: &RowTable,
    all: &TalliedBatch,
) -> Result<Vec<Remarked>, MappingError> {
    let of_column = |field: Option<usize>, remark| Remarked {
        column: field.and_then(|field| bound.column(field)).map(Into::into),
        ..Remarked::from(remark)
    };
    let of_feed = feed.remarks().into_iter();
    let old = Remark::Workbook(InWorkbook::OldResults);
    let of_feed = of_feed.filter(|it| it.remark != old || bound.heeds(it));
    let of_filter = bound.judge_filter(rows.len() as u64 + all.leaving, all.skipped);
    let of_mapping = bound.remarks().chain(of_filter).map(Remarked::from);
    let mut remarks: Vec<_> = of_feed.chain(of_mapping).collect();
    for (field, tally) in all.dates.iter().enumerate() {
        let remark = bound.judge_dates(field, tally)?;
        remarks.extend(remark.map(|remark| of_column(Some(field), remark)));
    }
    // Nothing is wrong with somebody who is twice on a list of leavers.
    let superseded = rows
        .superseded()
        .filter(|_| !bound.mapping().lists_leavers());
    let which = match bound.mapping().unique.duplicates {
        Duplicates::Reject => "reject",
        Duplicates::First => "first",
        Duplicates::Last => "last",
    };
    let losers = Remarked::of_rows(Remark::OtherRowCounts { which }, None, superseded);
    remarks.extend((losers.count > 0).then_some(losers));
    let of_groups = all.groups.remarks().into_iter();
    remarks.extend(of_groups.map(|remark| of_column(bound.groups(), remark)));
    Ok(remarks)
}

/// What was said of rows, as far as it is worth saying of the feed as a whole.
pub(super) fn of_rows(bound: &Bound<'_>, all: &mut TalliedBatch, rows: u64) -> Vec<Remarked> {
    let has_others = |column: Option<&str>| {
        let mut fields = all.no_dates.iter().enumerate();
        fields.any(|(field, is_noted)| *is_noted && bound.column(field) == column)
    };
    let date = Remark::Workbook(InWorkbook::DateInText);
    let of_rows = std::mem::take(&mut all.remarks).into_iter();
    let of_rows = of_rows.filter(|it| it.is_exception_among(rows));
    // Where all cells of the column are dates, they are meant.
    let of_rows = of_rows.filter(|it| it.remark != date || has_others(it.column.as_deref()));
    of_rows.collect()
}
