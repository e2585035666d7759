//! Spreadsheet values as the text that a person sees in the cell.

use std::fmt::Write as _;

use calamine::ExcelDateTime;

use crate::feed::CellKind;

/// Beyond, a double cannot distinguish one integer from the next in decimal digits
/// that a person typed: Excel keeps 15 and writes zeros for the rest.
pub(super) const MAX_EXACT: f64 = 1e15;
/// Below, digits would be mostly zeros behind the point.
const MIN_PLAIN: f64 = 1e-9;
const SECONDS_A_DAY: f64 = 86_400.0;

/// Writes a number with the 15 digits that Excel knows: `1523`, `0.1`. From
/// 10¹⁵ on it is written as Excel would, `1.2E+15`: its digits are lost.
pub(super) fn number(value: f64, text: &mut String) {
    if value == 0.0 {
        text.push('0');
    } else if value.abs() >= MAX_EXACT || value.abs() < MIN_PLAIN {
        scientific(value, text);
    } else if value.fract() == 0.0 {
        write(text, format_args!("{value}"));
    } else {
        let rounded = rounded(value);
        if rounded < MAX_EXACT {
            write(text, format_args!("{rounded}"));
        } else {
            scientific(rounded, text);
        }
    }
}

/// The number with the 15 digits that Excel knows: the sum of 0.1 and 0.2 is 0.3 to its
/// readers.
pub(super) fn rounded(value: f64) -> f64 {
    if value.fract() == 0.0 && value.abs() < MAX_EXACT {
        return value;
    }
    format!("{value:.14e}").parse().unwrap_or(value)
}

/// The number with that number of digits behind the point, a half upwards, as Excel
/// shows it.
pub(super) fn rounded_half_up(value: f64, decimals: usize) -> f64 {
    let digits = value.abs().log10().max(0.0).floor() + 1.0 + decimals as f64;
    // Nothing is behind the digits that a double has.
    if digits > 15.0 {
        return value;
    }
    let shift = 10_f64.powf(decimals as f64);
    (rounded(value * shift)).round() / shift
}

fn scientific(value: f64, text: &mut String) {
    let plain = format!("{:e}", rounded(value));
    match plain.split_once('e') {
        Some((mantissa, exponent)) => match exponent.strip_prefix('-') {
            Some(exponent) => write(text, format_args!("{mantissa}E-{exponent:0>2}")),
            None => write(text, format_args!("{mantissa}E+{exponent:0>2}")),
        },
        // Neither finite nor a number: no workbook holds it, but bytes may.
        None => text.push_str(&plain),
    }
}

/// Writes a date as `2024-03-01`, with `T08:30:00` behind it unless it is
/// midnight. A time or a duration without a date is `08:30:00`.
pub(super) fn date(value: &ExcelDateTime, text: &mut String) -> CellKind {
    let days = value.as_f64();
    if value.is_duration() || (0.0..1.0).contains(&days) {
        return duration(days, text);
    }
    // The last is 9999-12-31.
    if !(0.0..2_958_466.0).contains(&days) {
        // Excel shows ##### for it: no date.
        number(days, text);
        return CellKind::Number;
    }
    let (year, month, day, hour, minute, second, _) = value.to_ymd_hms_milli();
    write(text, format_args!("{year:04}-{month:02}-{day:02}"));
    if (hour, minute, second) != (0, 0, 0) {
        write(text, format_args!("T{hour:02}:{minute:02}:{second:02}"));
    }
    CellKind::Date
}

/// Writes a number of days as `36:00:00`.
pub(super) fn duration(days: f64, text: &mut String) -> CellKind {
    let seconds = (days * SECONDS_A_DAY).round();
    let sign = if seconds < 0.0 { "-" } else { "" };
    let seconds = seconds.abs();
    let (hours, rest) = ((seconds / 3600.0).floor(), seconds % 3600.0);
    write(
        text,
        format_args!(
            "{sign}{hours:02}:{:02}:{:02}",
            (rest / 60.0).floor(),
            rest % 60.0
        ),
    );
    CellKind::Time
}

/// A date that the file holds as ISO text: without a time that is midnight.
pub(super) fn iso_date<'a>(value: &'a str, text: &mut String) -> CellKind {
    let midnight = |time: &'a str| {
        time.trim_end_matches('Z')
            .chars()
            .all(|c| "0:.".contains(c))
    };
    match value.split_once('T') {
        Some((day, time)) if midnight(time) => text.push_str(day),
        _ => text.push_str(value),
    }
    CellKind::Date
}

fn write(text: &mut String, what: std::fmt::Arguments<'_>) {
    // A `String` takes everything.
    text.write_fmt(what).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(value: f64, expected: &str) {
        let mut text = String::new();
        number(value, &mut text);
        assert_eq!(text, expected);
    }

    #[test]
    fn numbers_are_written_as_a_person_reads_them() {
        check(1523.0, "1523");
        check(-7.0, "-7");
        check(-0.0, "0");
        check(0.1, "0.1");
        check(0.1 + 0.2, "0.3");
        check(1.005, "1.005");
        check(1e-8, "0.00000001");
        check(20_200_000_000_001.0, "20200000000001");
        check(999_999_999_999_999.0, "999999999999999");
    }

    #[test]
    fn a_number_whose_digits_are_lost_is_written_so_that_it_is_seen() {
        check(1e15, "1E+15");
        check(1_234_567_890_123_456.0, "1.23456789012346E+15");
        check(1.5e300, "1.5E+300");
        check(2.5e-10, "2.5E-10");
        check(f64::INFINITY, "inf");
    }

    proptest! {
        #[test]
        fn every_id_of_up_to_15_digits_stands_in_full(id in 0_u64..1_000_000_000_000_000) {
            let mut text = String::new();
            number(id as f64, &mut text);
            prop_assert_eq!(text, id.to_string());
        }

        #[test]
        fn no_number_is_too_odd(bits: u64) {
            let mut text = String::new();
            number(f64::from_bits(bits), &mut text);
            date(&ExcelDateTime::new(f64::from_bits(bits), ExcelDateTimeType::DateTime, false), &mut text);
            date(&ExcelDateTime::new(f64::from_bits(bits), ExcelDateTimeType::TimeDelta, true), &mut text);
            prop_assert!(text.len() < 1000);
        }
    }

    #[test]
    fn dates_are_iso_and_midnight_is_no_time() {
        for (days, expected, kind) in [
            (45_352.0, "2024-03-01", CellKind::Date),
            (45_352.0 + 8.5 / 24.0, "2024-03-01T08:30:00", CellKind::Date),
            (8.5 / 24.0, "08:30:00", CellKind::Time),
            (3_000_000.0, "3000000", CellKind::Number),
            (-1.0, "-1", CellKind::Number),
        ] {
            let mut text = String::new();
            let value = ExcelDateTime::new(days, ExcelDateTimeType::DateTime, false);
            assert_eq!(date(&value, &mut text), kind);
            assert_eq!(text, expected);
        }
        let mut text = String::new();
        let value = ExcelDateTime::new(1.5, ExcelDateTimeType::TimeDelta, false);
        assert_eq!(date(&value, &mut text), CellKind::Time);
        assert_eq!(text, "36:00:00");
        for (iso, expected) in [
            ("2024-03-01T00:00:00.000Z", "2024-03-01"),
            ("2024-03-01T08:30:00", "2024-03-01T08:30:00"),
            ("2024-03-01", "2024-03-01"),
        ] {
            let mut text = String::new();
            iso_date(iso, &mut text);
            assert_eq!(text, expected);
        }
    }
}
