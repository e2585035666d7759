//! Forms of dates such as `%d-%m-%Y`, compiled once.

use std::sync::LazyLock;

use jiff::Span;
use jiff::civil::{Date, Time};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use super::time::{TimeOfDay, Zone, behind_date, fraction, half, offset, skip_space, zone};
use super::words::{Weekdays, behind_day, month, weekday, without_of};
use super::{Context, Written, Year};

/// A date form such as `%d-%m-%Y`, compiled once.
///
/// Nearly all forms are read by hand. What only `jiff` knows, such as the day of the
/// year, goes through it.
#[derive(Debug)]
pub struct DateForm {
    text: String,
    kind: Kind,
    /// With day and month in each other's place, where both are numbers that could be
    /// either.
    swapped: Option<String>,
}

#[derive(Debug)]
enum Kind {
    Pieces(Pieces),
    /// The number by which a spreadsheet knows a day.
    Serial,
    /// With a year of two digits, whose century slides.
    Other {
        is_short: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Day,
    Month,
    MonthName,
    Year,
    ShortYear,
    Weekday,
    Hour,
    Minute,
    Second,
    Half,
    Offset,
    Space,
    Literal(char),
}

impl Piece {
    /// Whether it is read from digits.
    const fn is_number(self) -> bool {
        matches!(
            self,
            Self::Day
                | Self::Month
                | Self::Year
                | Self::ShortYear
                | Self::Hour
                | Self::Minute
                | Self::Second
        )
    }
}

/// A form taken apart, with what is asked of it for every date.
#[derive(Debug)]
struct Pieces {
    /// Each with the fewest digits of a number, 0 for what is not one: of digits that
    /// nothing parts, each number has two.
    all: Vec<(Piece, usize)>,
    has_month_name: bool,
    has_hour: bool,
}

impl Pieces {
    fn of(pieces: &[Piece]) -> Self {
        let is_number = |at: usize| pieces.get(at).is_some_and(|piece| piece.is_number());
        let is_alone = |at: usize| !is_number(at.wrapping_sub(1)) && !is_number(at + 1);
        let fewest = |(at, piece): (usize, &Piece)| {
            let fewest = if is_alone(at) { 1 } else { 2 };
            (*piece, if piece.is_number() { fewest } else { 0 })
        };
        Self {
            all: pieces.iter().enumerate().map(fewest).collect(),
            has_month_name: pieces.contains(&Piece::MonthName),
            has_hour: pieces.contains(&Piece::Hour),
        }
    }

    fn get(&self, at: usize) -> Option<Piece> {
        self.all.get(at).map(|(piece, _)| *piece)
    }

    fn has(&self, wanted: Piece) -> bool {
        self.all.iter().any(|(piece, _)| *piece == wanted)
    }
}

/// For questions about the form, whatever the day is.
const READABLE: Context<'static> = Context {
    today: Date::constant(2026, 1, 1),
    is_birth: false,
    zone: None,
};

/// The word for dates that are a spreadsheet's numbers.
const SERIAL: &str = "serial";

const ISO: [Piece; 5] = [
    Piece::Year,
    Piece::Literal('-'),
    Piece::Month,
    Piece::Literal('-'),
    Piece::Day,
];

const AMERICAN: [Piece; 5] = [
    Piece::Month,
    Piece::Literal('/'),
    Piece::Day,
    Piece::Literal('/'),
    Piece::ShortYear,
];

const CLOCK: [Piece; 5] = [
    Piece::Hour,
    Piece::Literal(':'),
    Piece::Minute,
    Piece::Literal(':'),
    Piece::Second,
];

impl DateForm {
    /// Reads a form.
    ///
    /// # Errors
    /// What is wrong with the form, as a fragment of a sentence.
    pub fn compile(text: &str) -> Result<Self, String> {
        if text == SERIAL {
            return Ok(Self {
                text: text.into(),
                kind: Kind::Serial,
                swapped: None,
            });
        }
        // A form is sound when the date that it writes is read back as the same.
        let probe = Date::constant(2026, 11, 23);
        let moment = probe.to_datetime(Time::midnight());
        let printed = moment
            .to_zoned(TimeZone::UTC)
            .and_then(|moment| strtime::format(text, &moment))
            .map_err(|error| error.to_string())?;
        let is_short = is_short(text);
        let pieces = pieces(text).as_deref().map(Pieces::of);
        let kind = pieces.map_or(Kind::Other { is_short }, Kind::Pieces);
        let form = Self {
            text: text.into(),
            swapped: swapped(text, &kind),
            kind,
        };
        let read = form.written(&printed);
        let read = read.and_then(|written| written.reading(READABLE).ok());
        match read {
            Some(read) if read.day == probe => Ok(form),
            Some(_) | None => Err("use %d (day), %m (month) and %Y (year)".into()),
        }
    }

    /// The form as the mapping spells it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a text has the form.
    pub fn fits(&self, text: &str) -> bool {
        let written = self.written(text);
        written.is_some_and(|written| written.reading(READABLE).is_ok())
    }

    /// The form with day and month in each other's place, where both are numbers that
    /// could be either.
    pub fn swapped(&self) -> Option<&str> {
        self.swapped.as_deref()
    }

    /// Whether dates are the numbers by which spreadsheets know them.
    pub(super) const fn is_serial(&self) -> bool {
        matches!(self.kind, Kind::Serial)
    }

    /// What a text of this form says.
    pub(super) fn written(&self, text: &str) -> Option<Written> {
        match self.kind {
            Kind::Pieces(ref pieces) => read(pieces, text),
            Kind::Serial => serial(text).map(Written::of),
            Kind::Other { is_short } => {
                let parts = strtime::parse(&self.text, text).ok()?;
                let written = Written::of(parts.to_date().ok()?);
                Some(Written {
                    year: match written.year {
                        Year::Full(year) if is_short => Year::Short(year.rem_euclid(100)),
                        year => year,
                    },
                    time: parts.hour().map(|hour| TimeOfDay {
                        hour,
                        minute: parts.minute().unwrap_or(0),
                        second: parts.second().unwrap_or(0),
                        half: None,
                        zone: parts.offset().map_or(Zone::Unsaid, Zone::Offset),
                    }),
                    ..written
                })
            }
        }
    }
}

/// Whether a form has a year of two digits alone, without its century.
fn is_short(text: &str) -> bool {
    let is_digit = |char: char| char.is_ascii_digit();
    let has_short = |(before, _): (&str, &str)| !before.ends_with(is_digit);
    text.split_once("%y").is_some_and(has_short) && !text.contains("%C")
}

impl Written {
    fn of(day: Date) -> Self {
        Self {
            year: Year::Full(day.year()),
            month: day.month(),
            day: day.day(),
            weekday: Weekdays::default(),
            time: None,
        }
    }
}

/// A form with day and month in each other's place, where both are numbers that could
/// be either.
fn swapped(text: &str, kind: &Kind) -> Option<String> {
    let Kind::Pieces(pieces) = kind else {
        return None;
    };
    let first = pieces.all.iter().find(|(piece, _)| piece.is_number());
    let first = first.map(|(piece, _)| *piece);
    // Behind a year comes the month: nobody writes the day there.
    let begins_with_year = matches!(first, Some(Piece::Year | Piece::ShortYear));
    if !pieces.has(Piece::Day) || !pieces.has(Piece::Month) || begins_with_year {
        return None;
    }
    let mut swapped = String::with_capacity(text.len());
    let mut is_specifier = false;
    for char in text.chars() {
        match char {
            'd' | 'e' if is_specifier => swapped.push('m'),
            'm' if is_specifier => swapped.push('d'),
            'D' if is_specifier => swapped.push_str("d/%m/%y"),
            char => swapped.push(char),
        }
        is_specifier = match char {
            '%' => !is_specifier,
            '-' | '_' | '0' => is_specifier,
            _ => false,
        };
    }
    Some(swapped)
}

/// What a text says that is written as `2026-11-23`.
pub(super) fn iso(text: &str) -> Option<Written> {
    static PIECES: LazyLock<Pieces> = LazyLock::new(|| Pieces::of(&ISO));
    read(&PIECES, text)
}

/// The day that a spreadsheet means by a number, counted from the end of 1899. Five
/// digits reach from 1927 to 2173; others are something else, such as a year.
pub(super) fn serial(text: &str) -> Option<Date> {
    let (days, part) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if days.len() != 5 || !is_digits(days) || !is_digits(part) {
        return None;
    }
    let days = Span::new().try_days(days.parse::<i64>().ok()?).ok()?;
    Date::constant(1899, 12, 30).checked_add(days).ok()
}

/// The time of day of such a number, in seconds since midnight, if it has one.
pub(super) fn serial_time(text: &str) -> Option<i64> {
    let (_, part) = text.split_once(['.', ','])?;
    let digits: i64 = part.get(..part.len().min(9))?.parse().ok()?;
    let parts = 10_i64.pow(u32::try_from(part.len().min(9)).ok()?);
    // Programs round to the second.
    Some((digits * 86_400 + parts / 2) / parts)
}

/// Takes a form apart; `None` if it holds what only `jiff` knows.
fn pieces(text: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char.is_whitespace() {
            pieces.push(Piece::Space);
            continue;
        }
        if char != '%' {
            let is_behind_time = matches!(pieces.last(), Some(Piece::Minute | Piece::Second));
            pieces.push(match char {
                // UTC, although the form has it as a letter.
                'Z' if is_behind_time => Piece::Offset,
                char => Piece::Literal(char),
            });
            continue;
        }
        let mut letter = chars.next()?;
        while matches!(letter, '-' | '_' | '0' | ':') {
            letter = chars.next()?;
        }
        let parts: &[Piece] = match letter {
            'd' | 'e' => &[Piece::Day],
            'm' => &[Piece::Month],
            'b' | 'B' | 'h' => &[Piece::MonthName],
            'Y' => &[Piece::Year],
            'C' if chars.as_str().starts_with("%y") => {
                chars = chars.as_str().get(2..)?.chars();
                &[Piece::Year]
            }
            // Digits before it are its century.
            'y' if matches!(pieces.last(), Some(Piece::Literal('0'..='9'))) => return None,
            'y' => &[Piece::ShortYear],
            'a' | 'A' => &[Piece::Weekday],
            'H' | 'I' | 'k' | 'l' => &[Piece::Hour],
            'M' => &[Piece::Minute],
            'S' => &[Piece::Second],
            'p' | 'P' => &[Piece::Half],
            'z' => &[Piece::Offset],
            'F' => &ISO,
            'D' => &AMERICAN,
            'T' => &CLOCK,
            'R' => CLOCK.get(..3)?,
            '%' => &[Piece::Literal('%')],
            _ => return None,
        };
        pieces.extend_from_slice(parts);
    }
    Some(pieces)
}

/// Reads a text piece by piece. Behind a form without a time of day there may be one.
fn read(pieces: &Pieces, text: &str) -> Option<Written> {
    let mut written = Written::default();
    let mut time = TimeOfDay::default();
    let mut rest = text;
    for (at, (piece, fewest)) in pieces.all.iter().enumerate() {
        if *fewest > 0 {
            // Some programs write a space where a number has one digit.
            rest = skip_space(rest);
        }
        let mut small = || digits(&mut rest, *fewest, 2).and_then(|it| i8::try_from(it).ok());
        match piece {
            Piece::Day => {
                written.day = small()?;
                if pieces.has_month_name && pieces.get(at + 1) != Some(Piece::Literal('.')) {
                    rest = behind_day(rest);
                }
            }
            Piece::Month => written.month = small()?,
            Piece::Hour => time.hour = small()?,
            Piece::Minute => time.minute = small()?,
            Piece::Second => time.second = small()?,
            Piece::Year => written.year = Year::Full(digits(&mut rest, 4, 4)?),
            Piece::ShortYear => written.year = Year::Short(digits(&mut rest, 2, 2)?),
            Piece::MonthName => {
                (written.month, rest) = month(rest)?;
                rest = behind_name(rest, pieces.get(at + 1));
            }
            Piece::Weekday => {
                (written.weekday, rest) = weekday(rest)?;
                rest = behind_name(rest, pieces.get(at + 1));
            }
            Piece::Half => {
                let (half, behind) = half(rest)?;
                (time.half, rest) = (Some(half), behind);
            }
            Piece::Offset => {
                let (offset, behind) = offset(rest)?;
                (time.zone, rest) = (Zone::Offset(offset), behind);
            }
            Piece::Space => {
                let inner = skip_space(rest);
                let is_number = |at: usize| pieces.get(at).is_some_and(Piece::is_number);
                if is_number(at.wrapping_sub(1)) && is_number(at + 1) && inner.len() == rest.len() {
                    return None;
                }
                let is_beside_name = match pieces.get(at + 1) {
                    Some(Piece::MonthName) => true,
                    Some(Piece::Year | Piece::ShortYear) => pieces.has_month_name,
                    _ => false,
                };
                rest = if is_beside_name {
                    without_of(inner)
                } else {
                    inner
                };
            }
            Piece::Literal(literal) => rest = behind(rest, *literal)?,
        }
    }
    written.time = if pieces.has_hour {
        let behind = zone(skip_space(fraction(rest)))?;
        if time.zone == Zone::Unsaid {
            time.zone = behind;
        }
        if !time.is_possible() {
            return None;
        }
        Some(time)
    } else {
        behind_date(rest)?.0
    };
    Some(written)
}

/// What follows a sign, if the text begins with it.
#[inline]
fn behind(text: &str, sign: char) -> Option<&str> {
    match text.as_bytes().first() {
        // A sign of one byte, and the text goes on behind it.
        Some(first) if sign.is_ascii() => (char::from(*first) == sign).then(|| text.get(1..))?,
        _ => text.strip_prefix(sign),
    }
}

/// Without the full stop of an abbreviation, where the form has none of its own there.
fn behind_name(text: &str, next: Option<Piece>) -> &str {
    match next {
        Some(Piece::Literal('.')) => text,
        _ => text.strip_prefix('.').unwrap_or(text),
    }
}

/// A number of `least` to `most` digits, which are taken from the text.
#[inline]
pub(super) fn digits(text: &mut &str, least: usize, most: usize) -> Option<i16> {
    let (mut number, mut count) = (0, 0);
    while count < most
        && let Some(byte @ b'0'..=b'9') = text.as_bytes().get(count)
    {
        number = number * 10 + i16::from(byte - b'0');
        count += 1;
    }
    if count < least {
        return None;
    }
    *text = text.get(count..)?;
    Some(number)
}
