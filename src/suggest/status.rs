//! Who is still there: a filter made from the words of a status.

use super::quote::{cell, listed, literal, quoted, remark};
use super::recognise::{Origin, Work};
use super::words;
use crate::headers::Meaning;

/// A status has at most that many words.
const MAX_WORDS: usize = 12;

/// Which rows belong to the feed.
#[derive(Debug)]
pub(super) struct Filter {
    /// The expression of `where`.
    pub(super) expression: String,
    /// The column that it asks.
    pub(super) column: usize,
    /// What it does, for a person.
    pub(super) why: String,
    /// Whether it is certain enough to be active.
    pub(super) is_certain: bool,
    /// Rows of those read that it leaves out.
    pub(super) leaves_out: u32,
    /// Rows that were read.
    pub(super) rows: u32,
}

impl Filter {
    /// Its lines in [source], which is there already or not.
    pub(super) fn lines(&self, has_section: bool) -> String {
        let why = remark(&self.why);
        let line = format!("where = {}", quoted(&self.expression));
        match (self.is_certain, has_section) {
            (true, _) => format!("{why}{line}\n"),
            (false, true) => format!("{why}# {line}\n"),
            (false, false) => format!("{why}# [source]\n# {line}\n"),
        }
    }
}

/// The filter that the feed's status columns suggest. Nobody is removed by it: whom it
/// leaves out is a leaver, and these are left alone unless a person decides otherwise.
pub(super) fn filter(work: &mut Work<'_>) -> Option<Filter> {
    let found = by_words(work)
        .or_else(|| by_flag(work))
        .or_else(|| by_date(work))
        .or_else(|| externals(work))?;
    let is_used = work
        .choices
        .iter()
        .any(|it| it.columns().contains(&found.column));
    if !is_used {
        work.not(found.column, "see `where` in [source]");
    }
    Some(found)
}

/// The words of a column as `|lower` makes them, without repetition.
fn words_of(work: &Work<'_>, index: usize) -> Vec<String> {
    let samples = work.column(index).samples.iter();
    let mut words: Vec<_> = samples.map(|it| it.to_lowercase()).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// `row['Status']|lower not in ['left', 'retired']`.
fn without(work: &Work<'_>, index: usize, words: &[&String]) -> String {
    let cell = cell(work.name(index));
    if let [one] = words {
        return format!("{cell}|lower != {}", literal(one));
    }
    let words: Vec<_> = words.iter().map(|it| literal(it)).collect();
    format!("{cell}|lower not in [{}]", words.join(", "))
}

/// The filter that leaves out rows with one of `words`; `why` makes a sentence of which
/// rows that are.
fn leaving_out(
    work: &Work<'_>,
    index: usize,
    words: &[&String],
    is_certain: bool,
    why: impl Fn(&str) -> String,
) -> Filter {
    let column = work.column(index);
    let leaves_out = column.rows_with(|it| words.iter().any(|word| **word == it.to_lowercase()));
    let said = listed(words.iter().map(|it| it.as_str()));
    let rows = column.rows;
    Filter {
        expression: without(work, index, words),
        column: index,
        why: why(&format!(
            "Leaves out {leaves_out} of the {rows} rows looked at, with {said}"
        )),
        is_certain,
        leaves_out,
        rows,
    }
}

/// The filter that leaves out people who have left.
fn of_leavers(work: &Work<'_>, index: usize, words: &[&String], is_certain: bool) -> Filter {
    leaving_out(work, index, words, is_certain, |rows| {
        if is_certain {
            format!("{rows}: these people have left.")
        } else {
            format!("{rows}, if that means that they have left.")
        }
    })
}

/// A status in words: active, terminated.
fn by_words(work: &Work<'_>) -> Option<Filter> {
    let columns = work.named(&[Meaning::Status, Meaning::Active]);
    columns.into_iter().find_map(|index| {
        let words = words_of(work, index);
        if words.is_empty() || words.len() > MAX_WORDS {
            return None;
        }
        // Who is suspended by an employer comes back; an account that is suspended is shut.
        let is_here = |word: &str| match words::is_here(word) {
            None if words::is_suspended(word) && work.is_of_accounts(index) => Some(false),
            known => known,
        };
        let of = |here| words.iter().filter(move |it| is_here(it) == Some(here));
        let (here, left): (Vec<_>, Vec<_>) = (of(true).collect(), of(false).collect());
        if left.is_empty() {
            return None;
        }
        Some(of_leavers(work, index, &left, !here.is_empty()))
    })
}

/// A status as yes and no: `Active`, `Blocked`.
fn by_flag(work: &Work<'_>) -> Option<Filter> {
    let columns = work.named(&[Meaning::Active, Meaning::Inactive]);
    columns.into_iter().find_map(|index| {
        let leaves_with = work.rank(index, Meaning::Inactive).is_some();
        let words = words_of(work, index);
        let of = |yes| {
            words
                .iter()
                .filter(move |it| words::is_yes(it) == Some(yes))
        };
        let (left, here): (Vec<_>, Vec<_>) =
            (of(leaves_with).collect(), of(!leaves_with).collect());
        if left.is_empty() || left.len() + here.len() < words.len() {
            return None;
        }
        // A mark such as `x` in some cells, and nothing in the others.
        let others_are_empty = work.column(index).filled < work.column(index).rows;
        let is_certain = !here.is_empty() || (leaves_with && others_are_empty);
        Some(of_leavers(work, index, &left, is_certain))
    })
}

/// The last day at work, where no field of the LMS takes it.
fn by_date(work: &Work<'_>) -> Option<Filter> {
    let index = work.named(&[Meaning::EndDate]).into_iter().find(|index| {
        let column = work.column(*index);
        column.filled > 0 && column.filled * 2 <= column.rows
    })?;
    let is_last_day = |column: &Origin| *column == Origin::Column(index);
    if work.choices.iter().any(|it| is_last_day(&it.origin)) {
        return None;
    }
    let column = work.column(index);
    Some(Filter {
        expression: format!("{} == ''", cell(&column.name)),
        column: index,
        why: format!(
            "Leaves out all {} people with a date in {}, also those who leave later.",
            column.filled,
            listed([column.name.as_str()].into_iter())
        ),
        is_certain: false,
        leaves_out: column.filled,
        rows: column.rows,
    })
}

/// People who work there without being employed.
fn externals(work: &Work<'_>) -> Option<Filter> {
    let columns = work.named(&[Meaning::Status]);
    columns.into_iter().find_map(|index| {
        let words = words_of(work, index);
        let external: Vec<_> = words.iter().filter(|it| words::is_external(it)).collect();
        if external.is_empty() || words.len() > MAX_WORDS {
            return None;
        }
        Some(leaving_out(work, index, &external, false, |rows| {
            format!("{rows}, if they do not belong into the LMS.")
        }))
    })
}
