//! Numbers by which rows are compared. A full stop or a comma is before the fraction or
//! between thousands: what it is in `1.000` is seen in the whole column.

use crate::model::is_number_in_groups;

/// A number that was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Read {
    /// It is certain.
    Certain(f64),
    /// It has three digits behind one mark, which is before its fraction or not.
    Either {
        /// The mark.
        mark: char,
        /// With a fraction.
        fraction: f64,
        /// With thousands.
        thousands: f64,
    },
}

impl Read {
    /// The number, where `fraction` is before fractions.
    pub(super) fn by(self, fraction: Option<char>) -> Option<f64> {
        match self {
            Self::Certain(number) => Some(number),
            Self::Either {
                mark,
                fraction: with_fraction,
                thousands,
            } => fraction.map(|it| if it == mark { with_fraction } else { thousands }),
        }
    }
}

/// Reads a number with digits, and full stops or commas among them. Nothing else is one.
pub(super) fn read(text: &str) -> Option<Read> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text),
    };
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    let value = |whole: &str, mark: char, fraction: &str| {
        let whole = whole.replace(if mark == '.' { ',' } else { '.' }, "");
        let number: f64 = format!("{whole}.{fraction}").parse().ok()?;
        Some(sign * number)
    };
    let Some(at) = digits.rfind(['.', ',']) else {
        return is_digits(digits)
            .then(|| value(digits, '.', "0"))?
            .map(Read::Certain);
    };
    let (whole, rest) = digits.split_at_checked(at)?;
    let mark = rest.chars().next()?;
    let fraction = rest.get(1..)?;
    let other = if mark == '.' { ',' } else { '.' };
    let is_of_thousands = is_number_in_groups(digits, mark);
    let without = digits.replace(mark, "");
    if is_digits(whole) && is_digits(fraction) {
        let with_fraction = value(whole, mark, fraction)?;
        return Some(if is_of_thousands {
            Read::Either {
                mark,
                fraction: with_fraction,
                thousands: value(&without, '.', "0")?,
            }
        } else {
            Read::Certain(with_fraction)
        });
    }
    if is_of_thousands {
        return value(&without, '.', "0").map(Read::Certain);
    }
    (is_digits(fraction) && is_number_in_groups(whole, other))
        .then(|| value(whole, mark, fraction))?
        .map(Read::Certain)
}

/// What the numbers of a column show of their marks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NumberTally {
    /// A full stop is before a fraction, or a comma between thousands.
    has_stop: bool,
    /// A comma is before a fraction, or a full stop between thousands.
    has_comma: bool,
}

impl NumberTally {
    /// Adds a cell.
    pub(super) fn add(&mut self, text: &str) {
        let Some(Read::Certain(_)) = read(text) else {
            return;
        };
        let mut marks = text.chars().filter(|char| matches!(char, '.' | ','));
        let (first, last) = (marks.next(), marks.next_back());
        // Marks that are alike are between thousands.
        let is_stop = match (first, last) {
            (Some(first), None) => first == '.',
            (Some(first), Some(last)) if first == last => last == ',',
            (_, Some(last)) => last == '.',
            (None, None) => return,
        };
        self.has_stop |= is_stop;
        self.has_comma |= !is_stop;
    }

    /// Adds the cells that follow.
    pub(super) fn extend(&mut self, next: Self) {
        self.has_stop |= next.has_stop;
        self.has_comma |= next.has_comma;
    }

    /// What is before fractions, if the column shows it.
    pub(super) fn fraction(self) -> Option<char> {
        match (self.has_stop, self.has_comma) {
            (true, false) => Some('.'),
            (false, true) => Some(','),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_digits_with_full_stops_and_commas_among_them() {
        for (text, value) in [
            ("0.8", 0.8),
            ("0,8", 0.8),
            ("-2", -2.0),
            ("1523", 1523.0),
            ("0.125", 0.125),
            ("1000,500", 1000.5),
            ("1.523.000", 1_523_000.0),
            ("1.523,5", 1523.5),
            ("1,523.50", 1523.5),
            ("-1,523,000.5", -1_523_000.5),
        ] {
            assert_eq!(read(text), Some(Read::Certain(value)), "{text}");
        }
        for text in [
            "", "1e3", "NaN", "inf", "0x1", ".5", "5.", "- 1", "1.52.3", "1,5.000", "1.000.5",
            "80%", "+1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        for (text, fraction, thousands) in [("1.000", 1.0, 1000.0), ("-1,523", -1.523, -1523.0)] {
            let read = read(text).unwrap();
            let mark = if text.contains('.') { '.' } else { ',' };
            let other = if mark == '.' { ',' } else { '.' };
            assert_eq!(read.by(Some(mark)), Some(fraction), "{text}");
            assert_eq!(read.by(Some(other)), Some(thousands), "{text}");
            assert_eq!(read.by(None), None, "{text}");
        }
    }

    #[test]
    fn a_column_shows_what_its_marks_are_unless_its_numbers_contradict_each_other() {
        for (column, fraction) in [
            (&["40", "1.000", "32,5"][..], Some(',')),
            (&["40", "1.000", "32.5"], Some('.')),
            (&["1.000", "1.523.000"], Some(',')),
            (&["1,000", "1,523,000"], Some('.')),
            (&["1.000", "0.800"], Some('.')),
            (&["1.000", "1,523.5"], Some('.')),
            (&["1.000", "36"], None),
            (&["1.000", "1,5", "2.5"], None),
        ] {
            let mut tally = NumberTally::default();
            for text in column {
                tally.add(text);
            }
            assert_eq!(tally.fraction(), fraction, "{column:?}");
        }
    }
}
