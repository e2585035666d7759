//! Dates as feeds write them.

use jiff::civil::Date;

/// A date form such as `%d-%m-%Y`, compiled once.
///
/// Forms of day, month, year and literal text only, which is nearly all of
/// them, are read by hand; the rest goes through `jiff`.
#[derive(Debug)]
pub struct DateForm {
    text: String,
    simple: Option<Vec<Piece>>,
}

#[derive(Debug, PartialEq)]
enum Piece {
    Day,
    Month,
    Year,
    Literal(u8),
}

impl DateForm {
    /// Reads a form.
    ///
    /// # Errors
    /// What is wrong with the form, as a fragment of a sentence.
    pub fn compile(text: &str) -> Result<Self, String> {
        // A form is sound when the date that it writes is read back as the same.
        let probe = Date::constant(2026, 11, 23);
        let printed = jiff::fmt::strtime::format(text, probe).map_err(|error| error.to_string())?;
        match Date::strptime(text, &printed) {
            Ok(read) if read == probe => Ok(Self {
                text: text.into(),
                simple: simple(text),
            }),
            Ok(_) | Err(_) => Err("use %d (day), %m (month) and %Y (year)".into()),
        }
    }

    /// The form as the mapping spells it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Reads a date of this form.
    pub fn read(&self, text: &str) -> Option<Date> {
        match &self.simple {
            Some(pieces) => read_simple(pieces, text.as_bytes()),
            None => Date::strptime(&self.text, text).ok(),
        }
        // A year before the common era is a slip of the form.
        .filter(|date| date.year() >= 0)
    }
}

/// Reads `2026-11-23`, with or without a time of day behind it, as a
/// spreadsheet's date cells and most HR systems write dates.
pub(super) fn read_iso(text: &str) -> Option<Date> {
    const ISO: [Piece; 5] = [
        Piece::Year,
        Piece::Literal(b'-'),
        Piece::Month,
        Piece::Literal(b'-'),
        Piece::Day,
    ];
    let day = match text.as_bytes() {
        [_, _, _, _, _, _, _, _, _, _, b'T' | b' ', ..] => text.get(..10)?,
        _ => text,
    };
    read_simple(&ISO, day.as_bytes())
}

/// A date as `2026-11-23`, written into `buffer`: once a row, so without an
/// allocation.
pub(super) fn iso(date: Date, buffer: &mut [u8; 10]) -> &str {
    let (year, month, day) = (
        date.year().unsigned_abs(),
        date.month().unsigned_abs(),
        date.day().unsigned_abs(),
    );
    let digit = |number: u16| b'0' + u8::try_from(number % 10).unwrap_or(0);
    *buffer = [
        digit(year / 1000),
        digit(year / 100),
        digit(year / 10),
        digit(year),
        b'-',
        digit(u16::from(month / 10)),
        digit(u16::from(month)),
        b'-',
        digit(u16::from(day / 10)),
        digit(u16::from(day)),
    ];
    // Digits and dashes are text.
    str::from_utf8(buffer).unwrap_or("")
}

fn simple(text: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        pieces.push(match byte {
            b'%' => match bytes.next()? {
                b'd' => Piece::Day,
                b'm' => Piece::Month,
                b'Y' => Piece::Year,
                _ => return None,
            },
            // White space matches any white space in jiff; that stays its.
            b' ' | b'\t' => return None,
            literal if literal.is_ascii_digit() => return None,
            literal => Piece::Literal(literal),
        });
    }
    Some(pieces)
}

fn read_simple(pieces: &[Piece], mut text: &[u8]) -> Option<Date> {
    let (mut year, mut month, mut day) = (0_i16, 0_i8, 0_i8);
    for piece in pieces {
        match piece {
            Piece::Year => year = number(&mut text, 4, 4)?,
            Piece::Month => month = i8::try_from(number(&mut text, 1, 2)?).ok()?,
            Piece::Day => day = i8::try_from(number(&mut text, 1, 2)?).ok()?,
            Piece::Literal(literal) => {
                let (first, rest) = text.split_first()?;
                if first != literal {
                    return None;
                }
                text = rest;
            }
        }
    }
    if !text.is_empty() {
        return None;
    }
    Date::new(year, month, day).ok()
}

fn number(text: &mut &[u8], least: usize, most: usize) -> Option<i16> {
    let digits = text
        .iter()
        .take(most)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if digits < least {
        return None;
    }
    let (number, rest) = text.split_at(digits);
    *text = rest;
    Some(
        number
            .iter()
            .fold(0, |sum, digit| sum * 10 + i16::from(digit - b'0')),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_form_without_a_year_is_no_form() {
        assert!(DateForm::compile("%d-%m").is_err());
        assert!(DateForm::compile("%q").is_err());
        assert!(DateForm::compile("").is_err());
    }

    #[test]
    fn impossible_days_are_no_dates() {
        let form = DateForm::compile("%d-%m-%Y").unwrap();
        assert_eq!(form.read("31-12-2026"), Some(Date::constant(2026, 12, 31)));
        assert_eq!(form.read("1-2-2026"), Some(Date::constant(2026, 2, 1)));
        for text in [
            "30-02-2026",
            "12-31-2026",
            "31-12-26",
            "31-12-2026 ",
            "2026-12-31",
            "",
            "31/12/2026",
        ] {
            assert_eq!(form.read(text), None, "{text:?}");
        }
    }

    #[test]
    fn two_digit_years_and_month_names_are_read_too() {
        assert_eq!(
            DateForm::compile("%d/%m/%y").unwrap().read("05/06/24"),
            Some(Date::constant(2024, 6, 5))
        );
        assert_eq!(
            DateForm::compile("%d %b %Y").unwrap().read("05 Jun 2024"),
            Some(Date::constant(2024, 6, 5))
        );
    }

    #[test]
    fn an_iso_date_may_carry_a_time() {
        let day = Some(Date::constant(2024, 3, 1));
        for text in ["2024-03-01", "2024-03-01T08:30:00", "2024-03-01 00:00:00"] {
            assert_eq!(read_iso(text), day, "{text:?}");
        }
        for text in [
            "2024-03",
            "24-03-01",
            "01-03-2024",
            "2024-03-01X",
            "2024-03-41",
            "é024-03-01T",
        ] {
            assert_eq!(read_iso(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_date_is_written_as_iso_says(year in 0_i16..=9999, month in 1_i8..=12, day in 1_i8..=28) {
            let date = Date::new(year, month, day).unwrap();
            let mut buffer = [0; 10];
            prop_assert_eq!(iso(date, &mut buffer), date.to_string());
        }

        #[test]
        fn every_form_reads_what_it_prints(
            year in 1000_i16..=9999, month in 1_i8..=12, day in 1_i8..=28,
            form in prop::sample::select(vec!["%d-%m-%Y", "%Y%m%d", "%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%d", "%d %B %Y"]),
        ) {
            let date = Date::new(year, month, day).unwrap();
            let printed = jiff::fmt::strtime::format(form, date).unwrap();
            prop_assert_eq!(DateForm::compile(form).unwrap().read(&printed), Some(date));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC*", form in "\\PC*") {
            if let Ok(form) = DateForm::compile(&form) {
                let _date = form.read(&text);
            }
            let _date = read_iso(&text);
        }
    }
}
