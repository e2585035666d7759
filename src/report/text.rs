//! Numbers, spans of time and foreign text, as people read them.

use std::borrow::Cow;
use std::fmt::Write as _;

pub use crate::model::{count, counted};
use crate::model::{is_invisible, is_shaping};

/// `1 row`, `2 rows`.
pub(super) fn rows(number: u64) -> String {
    counted(number, "row", "rows")
}

/// A span of time: `20 ms`, `0.4 s`, `41 s`, `3 min 05 s`, `2 h 07 min`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    match seconds {
        0.05..9.95 => format!("{seconds:.1} s"),
        0.0005..0.05 => format!("{} ms", whole(seconds * 1_000.0)),
        9.95.. if seconds.is_finite() => span(whole(seconds)),
        _ => "0 s".to_owned(),
    }
}

/// A span of whole seconds: `3 s`, `3 min 05 s`, `2 h 07 min`.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!(
            "{} h {:02} min",
            count(seconds / 3_600),
            seconds % 3_600 / 60
        ),
    }
}

/// How often: `once`, `twice`, `12 times`.
pub(super) fn times(number: u64) -> String {
    match number {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{} times", count(number)),
    }
}

/// Rounded, and never negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, which is what a figure for people should do"
)]
pub(super) fn whole(number: f64) -> u64 {
    number.round() as u64
}

/// Time since the start: `0:00:14`.
pub(super) fn stopwatch(seconds: u64) -> String {
    format!(
        "{}:{:02}:{:02}",
        seconds / 3_600,
        seconds % 3_600 / 60,
        seconds % 60
    )
}

/// A size: `812 bytes`, `12.4 MB`.
pub(super) fn bytes(number: u64) -> String {
    let size = number as f64;
    if size < 1e3 {
        counted(number, "byte", "bytes")
    } else if size < 999.95e3 {
        format!("{:.1} kB", size / 1e3)
    } else if size < 999.95e6 {
        format!("{:.1} MB", size / 1e6)
    } else {
        format!("{:.1} GB", size / 1e9)
    }
}

/// How many in a second: `0.4`, `9.8`, `1,234`.
pub(super) fn rate(per_second: f64) -> String {
    if per_second < 99.95 {
        format!("{per_second:.1}")
    } else {
        count(whole(per_second))
    }
}

/// A part of a whole, never rounded up to all of it: `99 %`.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let percent = match whole {
        0 => 100,
        _ => u128::from(part.min(whole)) * 100 / u128::from(whole),
    };
    format!("{percent} %")
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn enumerate(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Foreign text, made harmless for a terminal and honest for a reader.
///
/// A control character could move the cursor or recolour the screen, a
/// bidirectional override could show `gpj.exe` for `exe.jpg`, and a zero-width
/// space makes two external IDs look alike. They are shown escaped, as
/// `\n` or `\u{202e}`.
#[must_use]
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if !text.chars().any(deceives) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        match char {
            '\n' => clean.push_str("\\n"),
            '\r' => clean.push_str("\\r"),
            '\t' => clean.push_str("\\t"),
            _ if deceives(char) => {
                // Writing to a `String` cannot fail.
                write!(clean, "\\u{{{:x}}}", u32::from(char)).ok();
            }
            _ => clean.push(char),
        }
    }
    Cow::Owned(clean)
}

/// Text of several lines, each of which is [sanitized](sanitize).
#[must_use]
pub fn sanitize_lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(sanitize).collect();
    lines.join("\n")
}

/// Whether a character acts on its surroundings, or cannot be seen. What other characters
/// are not written without is let through.
pub(super) fn deceives(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{2028}' | '\u{2029}')
        || is_invisible(char) && !is_shaping(char)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, shown) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345, "12,345"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(count(number), shown);
        }
    }

    #[test]
    fn one_row_is_not_rows() {
        assert_eq!(rows(1), "1 row");
        assert_eq!(rows(0), "0 rows");
        assert_eq!(rows(1_000), "1,000 rows");
    }

    #[test]
    fn spans_are_given_in_the_unit_that_a_person_would_use() {
        for (seconds, shown) in [
            (f64::NAN, "0 s"),
            (-1.0, "0 s"),
            (0.0, "0 s"),
            (0.02, "20 ms"),
            (0.42, "0.4 s"),
            (9.96, "10 s"),
            (41.4, "41 s"),
            (59.7, "1 min 00 s"),
            (185.0, "3 min 05 s"),
            (7_620.0, "2 h 07 min"),
        ] {
            assert_eq!(duration(seconds), shown, "{seconds}");
        }
    }

    #[test]
    fn a_part_is_not_shown_as_the_whole() {
        assert_eq!(percent(9_999, 10_000), "99 %");
        assert_eq!(percent(10_000, 10_000), "100 %");
        assert_eq!(percent(3, 2), "100 %");
        assert_eq!(percent(0, 0), "100 %");
    }

    #[test]
    fn sizes_and_rates_stay_short() {
        assert_eq!(bytes(812), "812 bytes");
        assert_eq!(bytes(12_400_000), "12.4 MB");
        assert_eq!(bytes(999_999), "1.0 MB");
        assert_eq!(bytes(124_000_000_000), "124.0 GB");
        assert_eq!(rate(9.84), "9.8");
        assert_eq!(rate(1_234.4), "1,234");
    }

    #[test]
    fn what_could_fool_a_reader_is_shown_escaped() {
        assert_eq!(
            sanitize("a\x1b[31mb\u{202e}c\nd\u{200b}"),
            "a\\u{1b}[31mb\\u{202e}c\\nd\\u{200b}"
        );
        // A filler of Korean, which makes a name of nothing.
        assert_eq!(sanitize("a\u{3164}"), "a\\u{3164}");
        for text in ["Zoë 👩\u{200d}💻 نام", "\u{2764}\u{fe0f}"] {
            assert!(matches!(sanitize(text), Cow::Borrowed(_)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_deceives_survives(text in any::<String>()) {
            prop_assert!(!sanitize(&text).chars().any(deceives));
        }

        #[test]
        fn grouping_keeps_the_digits(number in any::<u64>()) {
            prop_assert_eq!(count(number).replace(',', ""), number.to_string());
        }
    }
}
