//! The time of day beside a date, and its offset from UTC.

use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};

use super::form::digits;
use super::words::letters;

/// A time of day as it is written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TimeOfDay {
    pub(super) hour: i8,
    pub(super) minute: i8,
    pub(super) second: i8,
    /// `AM` or `PM` is behind it.
    pub(super) half: Option<Half>,
    /// Where it is that time.
    pub(super) zone: Zone,
}

/// What is written of the time zone of a time of day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Zone {
    /// Nothing.
    #[default]
    Unsaid,
    /// Its offset from UTC.
    Offset(Offset),
    /// A name, such as `CET`, which does not say the offset for certain.
    Named,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Morning,
    Afternoon,
}

impl TimeOfDay {
    /// Whether there is such a time.
    pub(super) fn is_possible(self) -> bool {
        self.time().is_some()
    }

    fn time(self) -> Option<Time> {
        let hour = match (self.half, self.hour) {
            // The end of the day.
            (None, 24) if self.minute == 0 && self.second == 0 => {
                return Time::new(23, 59, 59, 0).ok();
            }
            (None, hour) => hour,
            (Some(_), 0 | 13..) => return None,
            (Some(Half::Morning), hour) => hour % 12,
            (Some(Half::Afternoon), hour) => hour % 12 + 12,
        };
        // A leap second belongs to the minute before it.
        Time::new(hour, self.minute, self.second.min(59), 0).ok()
    }

    /// Seconds since midnight.
    pub(super) fn seconds(self) -> Option<i64> {
        let time = self.time()?;
        let minutes = i64::from(time.hour()) * 60 + i64::from(time.minute());
        Some(minutes * 60 + i64::from(time.second()))
    }

    /// Seconds ahead of UTC, if they are written.
    pub(super) fn offset(self) -> Option<i64> {
        match self.zone {
            Zone::Offset(offset) => Some(offset.seconds().into()),
            Zone::Unsaid | Zone::Named => None,
        }
    }

    pub(super) fn is_utc(self) -> bool {
        self.zone == Zone::Offset(Offset::UTC)
    }

    pub(super) fn is_midnight(self) -> bool {
        self.time() == Some(Time::midnight())
    }

    /// The day on which it is this time of `day`, in a zone; without an offset the day
    /// that is written. `None` if it cannot be known.
    pub(super) fn day_in(self, zone: &TimeZone, day: Date) -> Option<Date> {
        let offset = match self.zone {
            Zone::Unsaid => return Some(day),
            Zone::Offset(offset) => offset,
            Zone::Named => return None,
        };
        match offset.to_timestamp(day.to_datetime(self.time()?)) {
            Ok(moment) => Some(moment.to_zoned(zone.clone()).date()),
            // Behind the last day of 9999, which stands for no end, there is none.
            Err(_) => Some(day),
        }
    }
}

/// What is behind a date: a time of day, or nothing that changes the day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Behind(pub(super) Option<TimeOfDay>);

/// Reads what is behind a date: a time of day, an offset from UTC, or both.
pub(super) fn behind_date(text: &str) -> Option<Behind> {
    if text.is_empty() {
        return Some(Behind(None));
    }
    let (time, rest) = if let Some(rest) = text.strip_prefix(['T', 't']) {
        clock_time(rest, true).map(|(time, rest)| (Some(time), rest))?
    } else {
        let rest = text.strip_prefix(',').unwrap_or(text);
        let inner = skip_space(rest);
        match (inner.len() < rest.len()).then(|| clock_time(inner, false)) {
            Some(Some((time, rest))) => (Some(time), rest),
            // An offset alone, as XML writes it: the day is the one that is written.
            _ => (None, text),
        }
    };
    match time {
        Some(time) => {
            let zone = zone(skip_space(rest))?;
            let time = TimeOfDay { zone, ..time };
            time.is_possible().then_some(Behind(Some(time)))
        }
        None => match offset(skip_space(rest))? {
            (_, "") => Some(Behind(None)),
            _ => None,
        },
    }
}

/// What is behind a time of day: nothing, an offset, a name, or an offset with a name
/// behind it, as in `+01:00[Europe/Paris]`.
pub(super) fn zone(text: &str) -> Option<Zone> {
    let (zone, rest) = match offset(text) {
        Some((offset, rest)) => (Zone::Offset(offset), rest),
        None => (Zone::Unsaid, text),
    };
    if rest.is_empty() {
        return Some(zone);
    }
    let in_brackets = rest.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let name = in_brackets.unwrap_or(rest);
    let is_place = |char: char| char.is_ascii_alphanumeric() || "/_+-".contains(char);
    let is_short = (3..=5).contains(&name.len()) && name.bytes().all(|it| it.is_ascii_uppercase());
    let is_name = match in_brackets {
        Some(name) => !name.is_empty() && name.chars().all(is_place),
        None => is_short || name.contains('/') && name.chars().all(is_place),
    };
    match zone {
        _ if !is_name => None,
        Zone::Unsaid => Some(Zone::Named),
        zone => in_brackets.map(|_| zone),
    }
}

/// `8:30`, `08:30:00`, `08.30.00`, `08:30:00.000`, `8:30 AM`; behind a `T` also `083000`.
fn clock_time(text: &str, may_be_digits: bool) -> Option<(TimeOfDay, &str)> {
    let part = |rest: &mut &str, least| {
        let number = digits(rest, least, 2)?;
        i8::try_from(number).ok()
    };
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let is_digits = may_be_digits && matches!(length, 4 | 6);
    let mut rest = text;
    let mut time = TimeOfDay {
        hour: part(&mut rest, 1)?,
        ..TimeOfDay::default()
    };
    let separator = match rest.get(..1)? {
        _ if is_digits => "",
        separator @ (":" | ".") => separator,
        _ => return None,
    };
    rest = rest.strip_prefix(separator)?;
    time.minute = part(&mut rest, 2)?;
    let has_seconds = if is_digits {
        length == 6
    } else {
        rest.starts_with(separator)
    };
    if has_seconds {
        rest = rest.strip_prefix(separator)?;
        time.second = part(&mut rest, 2)?;
        rest = fraction(rest);
    }
    if let Some((half, behind)) = half(skip_space(rest)) {
        time.half = Some(half);
        rest = behind;
    }
    Some((time, rest))
}

/// Without a fraction of a second.
pub(super) fn fraction(text: &str) -> &str {
    match text.strip_prefix(['.', ',']) {
        Some(digits) if digits.starts_with(|char: char| char.is_ascii_digit()) => {
            digits.trim_start_matches(|char: char| char.is_ascii_digit())
        }
        _ => text,
    }
}

/// `AM`, `pm`, `a.m.`, `p. m.`.
pub(super) fn half(text: &str) -> Option<(Half, &str)> {
    let half = match text.as_bytes().first()? {
        b'A' | b'a' => Half::Morning,
        b'P' | b'p' => Half::Afternoon,
        _ => return None,
    };
    let rest = text.get(1..)?;
    let rest = skip_space(rest.strip_prefix('.').unwrap_or(rest));
    let rest = rest.strip_prefix(['M', 'm'])?;
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    (!rest.starts_with(char::is_alphanumeric)).then_some((half, rest))
}

/// `Z`, `UTC`, `GMT`, `+01:00`, `-0500`, `+01`, `GMT+01:00`.
pub(super) fn offset(text: &str) -> Option<(Offset, &str)> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => {
            let rest = letters(text)?;
            let word = text.get(..text.len() - rest.len())?;
            let is_utc = ["Z", "UTC", "GMT"]
                .iter()
                .any(|it| it.eq_ignore_ascii_case(word));
            return match rest.as_bytes().first() {
                _ if !is_utc => None,
                Some(b'+' | b'-') => offset(rest),
                _ => Some((Offset::UTC, rest)),
            };
        }
    };
    let mut rest = text.get(1..)?;
    let hours = digits(&mut rest, 2, 2)?;
    rest = rest.strip_prefix(':').unwrap_or(rest);
    let minutes = digits(&mut rest, 2, 2).unwrap_or(0);
    if hours > 15 || minutes > 59 {
        return None;
    }
    let seconds = sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60);
    Some((Offset::from_seconds(seconds).ok()?, rest))
}

/// Without white space of any kind, which some programs write between a time and
/// `AM`.
pub(super) fn skip_space(text: &str) -> &str {
    match text.as_bytes().first() {
        Some(first) if first.is_ascii_graphic() => text,
        _ => text.trim_start_matches(char::is_whitespace),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The offset of a time of day behind a date, in seconds.
    #[track_caller]
    fn offset_of(text: &str) -> Option<i32> {
        let Behind(time) = behind_date(text).unwrap();
        match time.unwrap().zone {
            Zone::Offset(offset) => Some(offset.seconds()),
            Zone::Unsaid | Zone::Named => None,
        }
    }

    #[test]
    fn times_are_read_as_programs_write_them_behind_a_date() {
        for text in [
            " 00:00",
            "T08:30:00",
            "T08:30:00.1234567",
            " 12:00:00 AM",
            ", 12:00:00\u{202f}PM",
            " 8:05 p.m.",
            " 8:05 p. m.",
            "T23:59:60",
            "T24:00:00",
            " 08.30.00",
            " 8.30",
            "T0830",
            " 08:30 CET",
            "T08:30:00[Europe/Paris]",
            " 00:00:00 Europe/Amsterdam",
        ] {
            assert_eq!(offset_of(text), None, "{text:?}");
        }
        for (text, seconds) in [
            ("T23:00:00.000Z", 0),
            (" 23:00:00 UTC", 0),
            ("T00:00:00+01:00", 3600),
            ("T00:00:00-0530", -19_800),
            (" 00:00:00 +02", 7200),
            ("T083000Z", 0),
            ("T00:00:00+01:00[Europe/Paris]", 3600),
            (" 00:00:00 GMT+01:00", 3600),
        ] {
            assert_eq!(offset_of(text), Some(seconds), "{text:?}");
        }
        for text in ["", "Z", "+14:00", "-08:00"] {
            assert!(matches!(behind_date(text), Some(Behind(None))), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_time_is_not_left_out_of_a_date() {
        for text in [
            " ",
            "T",
            "X",
            "T25:00",
            "T8",
            " 13:00 PM",
            " 0:30 AM",
            "T08:61",
            " 5",
            "1",
            "/1",
            " CET",
            "T08:30 tomorrow",
            "T08:30 [a b]",
            "T08:30 []",
            "T08:30:00Z later",
            "T24:01",
            "T083",
            " 2025",
            " 08:30.00",
            "T08:30:00+99:00",
            "\u{fffd}",
            "+",
            "-1",
        ] {
            assert!(behind_date(text).is_none(), "{text:?}");
        }
    }
}
