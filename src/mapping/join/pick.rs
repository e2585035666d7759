//! Which of several rows of a person counts.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::civil::Date;

use super::settings::{Pick, Ranking};
use crate::feed::{Cell, CellKind};
use crate::mapping::DateForm;
use crate::mapping::date::{self, Context, DateTally};
use crate::mapping::value::clean;
use crate::model::RowNumber;

/// The words in which a message speaks of rows.
#[derive(Clone, Debug)]
pub(super) struct Words {
    /// Whose rows: `` `contracts.csv` ``, `the feed`.
    pub(super) file: Arc<str>,
    /// How to say which row counts.
    pub(super) setting: &'static str,
}

/// How rows of a person are compared.
#[derive(Debug)]
pub(super) struct Picking<'a> {
    pub(super) words: Words,
    pub(super) pick: Option<&'a Pick>,
    /// The form of the dates, as the mapping says it or as it was found out.
    pub(super) form: Option<&'a DateForm>,
    pub(super) today: Date,
}

/// What a column of dates without a form is like.
pub(super) enum Found {
    /// Its form; `None` for dates as spreadsheets and most HR systems write them.
    Form(Option<DateForm>),
    /// It can be either.
    Either(&'static str, &'static str),
    /// It has none.
    No,
}

/// The form of the dates of a whole column.
pub(super) fn form_of(tally: &DateTally) -> Found {
    let forms = tally.likely();
    let Some(first) = forms.first() else {
        return if tally.is_empty() {
            Found::Form(None)
        } else {
            Found::No
        };
    };
    let Ok(form) = DateForm::compile(first) else {
        return Found::No;
    };
    let swapped = form.swapped();
    if let Some(other) = forms.iter().find(|form| Some(**form) == swapped) {
        return Found::Either(first, other);
    }
    Found::Form((*first != "%Y-%m-%d").then_some(form))
}

/// Where a row is among those of its person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rank {
    /// All rows are alike.
    Any,
    /// By its place.
    Place(i64),
    /// By a date or number.
    Value(f64),
}

impl Rank {
    pub(super) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Place(one), Self::Place(other)) => one.cmp(&other),
            (Self::Value(one), Self::Value(other)) => one.total_cmp(&other),
            _ => Ordering::Equal,
        }
    }
}

impl Picking<'_> {
    /// The rank of a row, whose cell `pick` names; or why it has none.
    pub(super) fn rank(&self, row: RowNumber, cell: Option<Cell<'_>>) -> Result<Rank, String> {
        let Some(pick) = self.pick else {
            return Ok(Rank::Any);
        };
        let place = i64::from(row.0);
        let order = match pick.order {
            Ranking::First => return Ok(Rank::Place(-place)),
            Ranking::Last => return Ok(Rank::Place(place)),
            order => order,
        };
        let cell = cell.unwrap_or(Cell {
            text: "",
            kind: CellKind::Text,
        });
        let value = match cell.kind {
            CellKind::Undecided => return Err(cell.text.to_owned()),
            CellKind::Text | CellKind::Number | CellKind::Date => {
                let text = clean(cell.text);
                match text.is_empty() {
                    true => Err("is empty"),
                    false if order.is_of_dates() => self.day(&text, cell.kind),
                    false => number(&text),
                }
            }
            _ => Err("has no value"),
        };
        let value = value.map_err(|what| {
            format!(
                "which row of the person counts is not certain: `{}` in row {row} of {} {what}",
                pick.column.as_deref().unwrap_or_default(),
                self.words.file
            )
        })?;
        let is_reversed = matches!(order, Ranking::Earliest | Ranking::Lowest);
        Ok(Rank::Value(if is_reversed { -value } else { value }))
    }

    /// A number that grows with the day.
    fn day(&self, text: &str, kind: CellKind) -> Result<f64, &'static str> {
        let context = Context {
            today: self.today,
            is_birth: false,
            zone: None,
        };
        let form = self.form.filter(|_| kind != CellKind::Date);
        let (day, _) = date::read(form, text, context);
        let day = day.map_err(|_| "is not a date like the others")?.day;
        let months = i32::from(day.year()) * 12 + i32::from(day.month());
        Ok(f64::from(months * 31 + i32::from(day.day())))
    }

    /// The same of rows of the feed, which name the column.
    pub(super) fn tie_in(&self, one: RowNumber, other: RowNumber, column: &str) -> String {
        let tie = self.tie(one, other);
        tie.replacen("differ here", &format!("differ in column `{column}`"), 1)
    }

    /// Why two rows that are alike do not say what a cell is.
    pub(super) fn tie(&self, one: RowNumber, other: RowNumber) -> String {
        let Words { file, setting } = &self.words;
        match self.pick.and_then(|pick| pick.column.as_deref()) {
            Some(column) => format!(
                "rows {one} and {other} of {file} are about this person, have the same `{column}`, \
                 and differ here"
            ),
            None => format!(
                "rows {one} and {other} of {file} are about this person and differ here: say which \
                 row counts with {setting}, for example {{ column = \"Start\", order = \"latest\" }}"
            ),
        }
    }
}

/// A number with a full stop or a comma before its fraction.
fn number(text: &str) -> Result<f64, &'static str> {
    const NO_NUMBER: &str = "is not a number";
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match digits.split_once(['.', ',']) {
        // Three digits may be the rest of a thousand.
        Some((_, fraction)) if digits.contains(',') && fraction.len() == 3 => {
            return Err(NO_NUMBER);
        }
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(NO_NUMBER),
        None => (digits, "0"),
    };
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return Err(NO_NUMBER);
    }
    text.replace(',', ".").parse().map_err(|_| NO_NUMBER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_full_stop_or_a_comma_and_nothing_between_thousands() {
        for (text, value) in [("0.8", 0.8), ("0,8", 0.8), ("-2", -2.0), ("1523", 1523.0)] {
            assert_eq!(number(text), Ok(value), "{text}");
        }
        for text in [
            "",
            "1,523",
            "1.523.000",
            "1e3",
            "NaN",
            "inf",
            "0x1",
            ".5",
            "5.",
            "- 1",
        ] {
            assert!(number(text).is_err(), "{text}");
        }
    }
}
