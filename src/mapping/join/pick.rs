//! Which of several rows of a person counts.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::civil::Date;

use super::numbers;
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
    /// What is before the fraction of numbers, if the column shows it.
    pub(super) fraction: Option<char>,
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
    /// By a number.
    Number(f64),
    /// By a date.
    Time(Span),
}

impl Rank {
    pub(super) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Place(one), Self::Place(other)) => one.cmp(&other),
            (Self::Number(one), Self::Number(other)) => one.total_cmp(&other),
            (Self::Time(one), Self::Time(other)) => one.compare(other),
            _ => Ordering::Equal,
        }
    }

    fn reversed(self) -> Self {
        match self {
            Self::Any => Self::Any,
            Self::Place(place) => Self::Place(-place),
            Self::Number(number) => Self::Number(-number),
            Self::Time(span) => Self::Time(Span {
                from: -span.to,
                to: -span.from,
                offset: span.offset.map(|offset| -offset),
            }),
        }
    }
}

/// When something is: a whole day, or a second of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The first and the last second by the clock where it is written.
    from: i64,
    to: i64,
    /// How many seconds that clock is ahead of UTC, if that is written.
    offset: Option<i64>,
}

impl Span {
    const DAY: i64 = 24 * 60 * 60;
    /// No clock on earth is further from UTC.
    const FURTHEST: i64 = 14 * 60 * 60;

    fn of(moment: date::Moment) -> Self {
        let days = moment.day.duration_since(Date::constant(1970, 1, 1));
        let midnight = days.as_secs();
        let (from, to) = match moment.seconds {
            Some(seconds) => (midnight + seconds, midnight + seconds),
            None => (midnight, midnight + Self::DAY - 1),
        };
        Self {
            from,
            to,
            offset: moment.offset,
        }
    }

    /// Equal where it is not certain which is before the other.
    fn compare(self, other: Self) -> Ordering {
        let (one, other) = match (self.offset, other.offset) {
            // By the same clock.
            (None, None) => ((self.from, self.to), (other.from, other.to)),
            _ => (self.in_utc(), other.in_utc()),
        };
        if one.1 < other.0 {
            Ordering::Less
        } else if one.0 > other.1 {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    }

    fn in_utc(self) -> (i64, i64) {
        match self.offset {
            Some(offset) => (self.from - offset, self.to - offset),
            None => (self.from - Self::FURTHEST, self.to + Self::FURTHEST),
        }
    }
}

/// How dates are read by which rows are compared.
pub(super) const fn context(today: Date) -> Context<'static> {
    Context {
        today,
        is_birth: false,
        zone: None,
    }
}

impl Picking<'_> {
    /// The rank of a row, whose cell `pick` names; or why it has none.
    pub(super) fn rank(&self, row: RowNumber, cell: Option<Cell<'_>>) -> Result<Rank, String> {
        let Some(pick) = self.pick else {
            return Ok(Rank::Any);
        };
        let place = i64::from(row);
        let order = match pick.order {
            Ranking::First => return Ok(Rank::Place(-place)),
            Ranking::Last => return Ok(Rank::Place(place)),
            order => order,
        };
        let cell = cell.unwrap_or(Cell {
            text: "",
            kind: CellKind::Text,
        });
        let rank = match cell.kind {
            CellKind::Undecided => return Err(cell.text.to_owned()),
            CellKind::Text
            | CellKind::Number
            | CellKind::Shortened
            | CellKind::ZeroOfReference
            | CellKind::Date
            | CellKind::Time => {
                let text = clean(cell.text);
                match text.is_empty() {
                    true => Err("is empty"),
                    false if order.is_of_dates() => self.time(&text, cell.kind),
                    false => self.number(&text, cell.kind),
                }
            }
            _ => Err("has no value"),
        };
        let rank = rank.map_err(|what| {
            format!(
                "which row of the person counts is not certain: `{}` in row {row} of {} {what}",
                pick.column.as_deref().unwrap_or_default(),
                self.words.file
            )
        })?;
        let is_reversed = matches!(order, Ranking::Earliest | Ranking::Lowest);
        Ok(if is_reversed { rank.reversed() } else { rank })
    }

    fn number(&self, text: &str, kind: CellKind) -> Result<Rank, &'static str> {
        let number = match kind {
            // As spreadsheets keep numbers.
            _ if kind.is_number() => text.parse().ok().filter(|it: &f64| it.is_finite()),
            _ => match numbers::read(text) {
                Some(read) => Some(read.by(self.fraction).ok_or(
                    "can be a number of thousands or one with a fraction, and no other number in \
                     the column shows which",
                )?),
                None => None,
            },
        };
        number.map(Rank::Number).ok_or("is not a number")
    }

    fn time(&self, text: &str, kind: CellKind) -> Result<Rank, &'static str> {
        let context = context(self.today);
        let form = self.form.filter(|_| kind != CellKind::Date);
        let moment = date::moment(form, text, context);
        let moment = moment.map_err(|_| "is not a date like the others")?;
        Ok(Rank::Time(Span::of(moment)))
    }

    /// The same of rows of the feed, which name the column.
    pub(super) fn tie_in(&self, tie: Tie, column: &str) -> String {
        let tie = self.tie(tie);
        tie.replacen("differ here", &format!("differ in column `{column}`"), 1)
    }

    /// Why two rows that are alike do not say what a cell is.
    pub(super) fn tie(&self, tie: Tie) -> String {
        let Words { file, setting } = &self.words;
        let Tie { one, other, .. } = tie;
        match self.pick.and_then(|pick| pick.column.as_deref()) {
            Some(column) if tie.is_same => format!(
                "rows {one} and {other} of {file} are about this person, have the same `{column}`, \
                 and differ here"
            ),
            Some(column) => format!(
                "rows {one} and {other} of {file} are about this person, have a `{column}` of which \
                 nobody can say which is later, and differ here"
            ),
            None => format!(
                "rows {one} and {other} of {file} are about this person and differ here: say which \
                 row counts with {setting}, for example {{ column = \"Start\", order = \"latest\" }}"
            ),
        }
    }
}

/// Two rows of which none counts more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tie {
    pub(super) one: RowNumber,
    pub(super) other: RowNumber,
    /// What they are compared by is the same in both.
    pub(super) is_same: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> Span {
        let context = Context {
            today: Date::constant(2026, 11, 26),
            is_birth: false,
            zone: None,
        };
        Span::of(date::moment(None, text, context).unwrap())
    }

    #[test]
    fn dates_are_compared_with_their_times_and_as_instants_where_zones_are_written() {
        for (before, after) in [
            ("2024-01-01", "2024-01-02"),
            ("2024-01-01 08:00", "2024-01-01 17:00"),
            ("2024-01-01T08:00:00", "2024-01-01T08:00:01"),
            ("2024-01-01 23:59", "2024-01-02"),
            // Earlier, although its day is later.
            ("2024-01-02T01:00:00+05:00", "2024-01-01T23:30:00-05:00"),
            ("2024-01-01T23:00:00Z", "2024-01-02T00:30:00+01:00"),
            ("2024-01-01T12:00:00Z", "2024-01-03"),
            ("2024-01-01", "9999-12-31"),
        ] {
            let (one, other) = (span(before), span(after));
            assert_eq!(one.compare(other), Ordering::Less, "{before} {after}");
            assert_eq!(other.compare(one), Ordering::Greater, "{before} {after}");
            let [one, other] = [one, other].map(|it| Rank::Time(it).reversed());
            assert_eq!(one.compare(other), Ordering::Greater, "{before} {after}");
        }
        for (one, other) in [
            ("2024-01-01", "2024-01-01"),
            ("2024-01-01", "2024-01-01 08:00"),
            ("2024-01-01T09:00:00+01:00", "2024-01-01T08:00:00Z"),
            // Nobody knows where the first clock is.
            ("2024-01-01 08:00", "2024-01-01T12:00:00Z"),
        ] {
            assert_eq!(
                span(one).compare(span(other)),
                Ordering::Equal,
                "{one} {other}"
            );
        }
    }
}
