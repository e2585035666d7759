//! Dates as feeds write them.
//!
//! # Invariants
//!
//! - A year is never guessed: `%Y` is four digits, and only `%y` is two, whose
//!   century follows from the day on which the feed is read.
//! - The day is the one that is written, unless the mapping names a time zone.

mod column;
mod form;
mod time;
mod words;

use jiff::civil::Date;
use jiff::tz::TimeZone;

pub use self::column::{DateTally, Evidence, Verdict, likely_forms};
pub use self::form::DateForm;
use self::time::TimeOfDay;
use self::words::Weekdays;

/// The months of a year.
const MONTHS: i8 = 12;

/// The first year of a date that can be about somebody in a feed.
const FIRST_YEAR: i16 = 1900;

/// How many years of a sliding century are still to come: a contract of a young
/// person may end with the pension.
const YEARS_AHEAD: i16 = 50;

/// What a date is about, as far as that says which day is meant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    /// The day on which the feed is read.
    pub(super) today: Date,
    /// It is a day of birth, so it is past.
    pub(super) is_birth: bool,
    /// The time zone of the day, where the text has a time in another.
    pub(super) zone: Option<&'a TimeZone>,
}

/// A date that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// The day.
    pub(super) day: Date,
    /// The text has a time in UTC that is not midnight: where the people are it may
    /// be the next day already.
    pub(super) is_doubtful: bool,
}

/// Why a text is not a date that can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotADate {
    /// It has another form, or there is no such day.
    Form,
    /// It is the number by which a spreadsheet knows a day.
    Serial,
    /// It is not on the day of the week that it names.
    Weekday,
    /// Nobody in a feed was there in that year.
    Early,
    /// Nobody is born on a day to come.
    Unborn,
}

/// The parts of a date as they are written.
#[derive(Clone, Copy, Debug, Default)]
struct Written {
    year: Year,
    month: i8,
    day: i8,
    weekday: Weekdays,
    time: Option<TimeOfDay>,
}

#[derive(Clone, Copy, Debug)]
enum Year {
    Full(i16),
    /// The last two digits.
    Short(i16),
}

impl Default for Year {
    fn default() -> Self {
        Self::Full(0)
    }
}

impl Written {
    /// The day in its century, if there is one.
    fn date(self, context: Context<'_>) -> Option<Date> {
        let year = match self.year {
            Year::Full(year) => year,
            Year::Short(short) => return self.in_century(short, context),
        };
        Date::new(year, self.month, self.day).ok()
    }

    /// A birth is the last such day that is past. Other days are at most
    /// [`YEARS_AHEAD`] years to come.
    fn in_century(self, short: i16, context: Context<'_>) -> Option<Date> {
        let today = context.today;
        let ahead = if context.is_birth { 0 } else { YEARS_AHEAD };
        let last = today.year() + ahead;
        let year = last - (last - short).rem_euclid(100);
        let day = Date::new(year, self.month, self.day);
        match day {
            Ok(day) if context.is_birth && day > today => {
                Date::new(year - 100, self.month, self.day).ok()
            }
            // 1900 had no 29 February, and 2000 had.
            Err(_) if context.is_birth => Date::new(year - 100, self.month, self.day).ok(),
            day => day.ok(),
        }
    }

    /// Whether there is such a day, on the day of the week that is written.
    fn is_possible(self, context: Context<'_>) -> bool {
        let day = self.date(context);
        day.is_some_and(|day| self.weekday.may_be_of(day))
    }

    /// With day and month in each other's place.
    const fn swapped(self) -> Self {
        Self {
            month: self.day,
            day: self.month,
            ..self
        }
    }

    /// What a date cell of a spreadsheet shows of the order in which its text was read.
    const fn of_cell(self) -> Option<Evidence> {
        match self.evidence() {
            Evidence::Either => Some(Evidence::EitherCell),
            Evidence::Only => Some(Evidence::OnlyCell),
            _ => None,
        }
    }

    /// What a date shows of the order of day and month.
    const fn evidence(self) -> Evidence {
        if self.day == self.month {
            Evidence::Fits
        } else if self.day <= MONTHS {
            Evidence::Either
        } else {
            Evidence::Only
        }
    }

    fn reading(self, context: Context<'_>) -> Result<Reading, NotADate> {
        let mut day = self.date(context).ok_or(NotADate::Form)?;
        if !self.weekday.may_be_of(day) {
            return Err(NotADate::Weekday);
        }
        let mut is_doubtful = false;
        if let Some(time) = self.time {
            match context.zone {
                Some(zone) => day = time.day_in(zone, day).ok_or(NotADate::Form)?,
                None => is_doubtful = time.is_utc() && !time.is_midnight(),
            }
        }
        checked(day, context)?;
        Ok(Reading { day, is_doubtful })
    }
}

/// Refuses days that are slips, whatever their form.
fn checked(day: Date, context: Context<'_>) -> Result<(), NotADate> {
    if day.year() < FIRST_YEAR {
        return Err(NotADate::Early);
    }
    // Where the people are it may be tomorrow already.
    let last = || context.today.tomorrow().unwrap_or(context.today);
    if context.is_birth && day > context.today && day > last() {
        return Err(NotADate::Unborn);
    }
    Ok(())
}

/// What a text is as a date, and what it shows of the dates of its column.
pub(super) type Judged = (Result<Reading, NotADate>, Evidence);

/// Reads a date of a form. Without one it is `2026-11-23`, with or without a time of day
/// or a time zone behind it, as a spreadsheet's date cells and most HR systems write
/// dates.
pub(super) fn read(form: Option<&DateForm>, text: &str, context: Context<'_>) -> Judged {
    let written = form.map_or_else(|| form::iso(text), |form| form.written(text));
    let day = match written {
        Some(written) => written.reading(context),
        None if form::serial(text).is_some() => Err(NotADate::Serial),
        None => Err(NotADate::Form),
    };
    let can_swap = form.is_some_and(|form| form.swapped().is_some());
    let evidence = match (written, day) {
        // A slip of the year has the form even so.
        (Some(written), Ok(_) | Err(NotADate::Early | NotADate::Unborn)) if can_swap => {
            written.evidence()
        }
        (_, Ok(_) | Err(NotADate::Early | NotADate::Unborn)) => Evidence::Fits,
        (Some(written), _) if can_swap && written.swapped().is_possible(context) => {
            Evidence::Swapped(column::forms_of(text))
        }
        (_, Err(NotADate::Weekday)) => Evidence::Fits,
        _ => Evidence::Other(column::forms_of(text)),
    };
    (day, evidence)
}

/// What a date cell shows of the dates of its column, whose texts have the form `texts`.
pub(super) fn of_cell(texts: Option<&DateForm>, text: &str) -> Option<Evidence> {
    texts.filter(|form| form.swapped().is_some())?;
    of_any_cell(text)
}

/// The same, where nobody says which form the texts have.
pub(super) fn of_any_cell(text: &str) -> Option<Evidence> {
    form::iso(text)?.of_cell()
}

/// When a date is, as far as its text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// The day that is written.
    pub(super) day: Date,
    /// Seconds since midnight, if a time of day is written.
    pub(super) seconds: Option<i64>,
    /// Seconds by which that time is ahead of UTC, if that is written.
    pub(super) offset: Option<i64>,
}

/// Reads a date as [`read`] does, with its time of day.
pub(super) fn moment(
    form: Option<&DateForm>,
    text: &str,
    context: Context<'_>,
) -> Result<Moment, NotADate> {
    let (reading, _) = read(form, text, context);
    let day = reading?.day;
    let written = form.map_or_else(|| form::iso(text), |form| form.written(text));
    let time = written.and_then(|written| written.time);
    let of_serial = || {
        form.filter(|form| form.is_serial())
            .and(form::serial_time(text))
    };
    Ok(Moment {
        day,
        seconds: time.and_then(TimeOfDay::seconds).or_else(of_serial),
        offset: time.and_then(TimeOfDay::offset),
    })
}

/// A date as `2026-11-23`, written into `buffer`: once a row, so without an
/// allocation.
pub(super) fn iso(date: Date, buffer: &mut [u8; 10]) -> &str {
    let two = |number: u8| [b'0' + number / 10 % 10, b'0' + number % 10];
    let (century, year) = (
        date.year().unsigned_abs() / 100,
        date.year().unsigned_abs() % 100,
    );
    let [century, year] = [century, year].map(|number| two(u8::try_from(number).unwrap_or(0)));
    let [month, day] = [date.month(), date.day()].map(|number| two(number.unsigned_abs()));
    *buffer = [
        century[0], century[1], year[0], year[1], b'-', month[0], month[1], b'-', day[0], day[1],
    ];
    // Digits and dashes are text.
    str::from_utf8(buffer).unwrap_or("")
}

#[cfg(test)]
mod tests;
