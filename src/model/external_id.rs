//! The HR system's key for a person, and what is none although it looks like one.

use std::fmt;

use serde::Serialize;

use super::{Rule, has_control};

/// The HR system's key for a person.
///
/// Text, never a number: `007` is not `7`. Trimmed, in Unicode NFC, 1 to
/// [`ExternalId::MAX_CHARS`] characters, no control characters, case
/// significant. The KMI page types it as an integer, but its own example is
/// `ID10-05113`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ExternalId(Box<str>);

impl ExternalId {
    /// The longest external ID that is sent, in characters. No API page states
    /// a bound; a longer "ID" is a sentence that slipped into the column.
    pub const MAX_CHARS: u32 = 255;

    /// Judges a person's external ID: the text of a cell that is already trimmed and in
    /// NFC.
    ///
    /// # Errors
    /// The [`Rule`] that the text breaks: it cannot be an external ID at all, or it is
    /// what a program made of one.
    pub fn check(text: &str) -> Result<(), Rule> {
        Self::check_shape(text)?;
        match damage(text) {
            Some(problem) => Err(Rule::ExternalIdDamaged { problem }),
            None if has_look_alike(text) => Err(Rule::ExternalIdLookAlike),
            None => Ok(()),
        }
    }

    /// Judges the external ID of a group or of a library likewise. These are often
    /// names, so that `1.0` or `"A"` can be meant.
    ///
    /// # Errors
    /// The [`Rule`] that the text breaks: absent, too long, a control
    /// character, or a number that a spreadsheet wrote in scientific notation.
    pub fn check_shape(text: &str) -> Result<(), Rule> {
        if text.is_empty() {
            return Err(Rule::ExternalIdMissing);
        }
        // Bytes bound characters from above, and are at hand.
        if text.len() > Self::MAX_CHARS as usize {
            let chars = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
            if chars > Self::MAX_CHARS {
                return Err(Rule::TooLong {
                    max: Self::MAX_CHARS,
                    chars,
                });
            }
        }
        if has_control(text) {
            return Err(Rule::ControlCharacter);
        }
        if is_scientific(text) {
            return Err(Rule::ExternalIdScientific);
        }
        // Every proxy on the way reads a path segment of dots as a directory,
        // even percent-encoded.
        if matches!(text, "." | "..") {
            return Err(Rule::ExternalIdDots);
        }
        Ok(())
    }

    /// An ID from the journal or the target. It is not checked again, since it
    /// was accepted once.
    #[must_use]
    pub fn known(text: &str) -> Self {
        Self(text.into())
    }

    /// The ID as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for ExternalId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `1.2E+05`, `1,2E+05` and `1E5` are what Excel makes of long numbers;
/// `8E467` is an ID, since no spreadsheet writes an exponent without a sign or
/// a fraction for it.
fn is_scientific(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some(at) = bytes.iter().position(|byte| matches!(byte, b'e' | b'E')) else {
        return false;
    };
    let (number, exponent) = (&bytes[..at], &bytes[at + 1..]);
    let number = number.strip_prefix(b"-").unwrap_or(number);
    let (signed, digits) = match exponent {
        [b'+' | b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let is_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b',');
    let fraction = || number.iter().any(|byte| matches!(byte, b'.' | b','));
    number.first().is_some_and(u8::is_ascii_digit)
        && number.iter().all(is_number)
        && !digits.is_empty()
        && digits.iter().all(u8::is_ascii_digit)
        && (signed || fraction())
}

/// What a program made of an external ID, as a sentence without its subject.
fn damage(text: &str) -> Option<&'static str> {
    match text.as_bytes() {
        [b'=', formula @ ..] if is_formula(formula) => {
            Some("is the text of a formula: let the export write its result")
        }
        [b'"', ..] | [.., b'"'] => {
            Some("begins or ends with a quotation mark: correct how the export quotes values")
        }
        [b'1'..=b'9', ..] if is_with_separators(text) => Some(
            "is a number with thousands separators: a program took the ID for a number, and \
             leading zeros may be lost; let the export write the column as text",
        ),
        [b'0'..=b'9', ..] if is_with_decimals(text) => Some(
            "is a number with decimals: a program took the ID for a number, and leading zeros \
             may be lost; let the export write the column as text",
        ),
        _ => None,
    }
}

/// Whether this behind an equals sign is a formula: a cell (`A2`), or something with a
/// function or a text. `=1+1` is somebody's ID.
fn is_formula(text: &[u8]) -> bool {
    let digits = text
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (column, _) = text.split_at(text.len() - digits);
    let is_of_cell = |byte: &u8| byte.is_ascii_uppercase() || *byte == b'$';
    let is_cell = digits > 0 && (1..=5).contains(&column.len()) && column.iter().all(is_of_cell);
    is_cell || text.iter().any(|byte| matches!(byte, b'"' | b'('))
}

/// Whether a text is a number whose digits are in groups of three, with `separator`
/// between them.
#[must_use]
pub fn is_number_in_groups(text: &str, separator: char) -> bool {
    let is_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = text.split(separator);
    let first = groups.next().unwrap_or_default();
    let is_first = (1..=3).contains(&first.len()) && is_digits(first) && !first.starts_with('0');
    let mut rest = groups.peekable();
    is_first && rest.peek().is_some() && rest.all(|group| group.len() == 3 && is_digits(group))
}

/// `1,523`, `1'523`, `1 523` with a no-break space, `1,523.00`, `1.523,00`. Not
/// `12.345.678`: in some countries, the numbers of identity cards are written so.
fn is_with_separators(text: &str) -> bool {
    let is_zeros = |text: &str| text.len() <= 2 && text.bytes().all(|byte| byte == b'0');
    let whole = |point| {
        let (whole, zeros) = text.rsplit_once(point)?;
        is_zeros(zeros).then_some(whole)
    };
    [',', '\'', '\u{2019}', '\u{a0}', '\u{202f}']
        .iter()
        .any(|separator| {
            is_number_in_groups(text, *separator)
                || whole('.').is_some_and(|whole| is_number_in_groups(whole, *separator))
        })
        || whole(',').is_some_and(|whole| is_number_in_groups(whole, '.'))
}

/// `1523.0`, `1523,00`. A number has no zeros in front, and programs write one or two
/// behind.
fn is_with_decimals(text: &str) -> bool {
    let Some((whole, zeros)) = text.split_once(['.', ',']) else {
        return false;
    };
    let is_number = whole == "0" || !whole.starts_with('0');
    is_number && whole.bytes().all(|byte| byte.is_ascii_digit()) && matches!(zeros, "0" | "00")
}

/// Whether some letters are Latin and all others look as if they were.
fn has_look_alike(text: &str) -> bool {
    !text.is_ascii()
        && is_of_latin_shapes(text)
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && text.chars().any(|char| latin_like(char).is_some())
}

/// Whether no letter of a text is Latin, and all look as if they were.
#[must_use]
pub fn looks_latin(text: &str) -> bool {
    !text.is_ascii()
        && is_of_latin_shapes(text)
        && !text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && text.chars().any(|char| latin_like(char).is_some())
}

fn is_of_latin_shapes(text: &str) -> bool {
    let mut letters = text.chars().filter(|char| char.is_alphabetic());
    letters.all(|char| char.is_ascii() || latin_like(char).is_some())
}

/// The Latin letter that a Cyrillic or Greek one looks like.
#[must_use]
pub fn latin_like(letter: char) -> Option<char> {
    const ALIKE: [(&str, &str); 4] = [
        ("АВЕКМНОРСТУХІЈЅ", "ABEKMHOPCTYXIJS"),
        ("асеорухіјѕ", "aceopyxijs"),
        ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
        ("ον", "ov"),
    ];
    if letter.is_ascii() {
        return None;
    }
    (ALIKE.iter())
        .flat_map(|(other, latin)| other.chars().zip(latin.chars()))
        .find(|(other, _)| *other == letter)
        .map(|(_, latin)| latin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refuses(texts: &[&str], code: &str) {
        for text in texts {
            let broken = ExternalId::check(text).map_err(|rule| rule.code());
            assert_eq!(broken, Err(code), "{text}");
        }
    }

    #[test]
    fn what_excel_shortens_is_refused_and_ids_with_an_e_are_not() {
        let shortened = ["1.2E+05", "1,2E+05", "1E+15", "1.5E5", "4e-7"];
        refuses(&shortened, "external-id-scientific");
        for text in ["8E467", "E7", "ID10-05113", "007", "1E", "E+5", "12-3E+4x"] {
            assert_eq!(ExternalId::check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn ids_that_a_program_took_for_numbers_are_refused() {
        let damaged = [
            "1523.0",
            "1523.00",
            "1523,0",
            "0.0",
            "7.0",
            "1,523",
            "12,345,678",
            "1'523",
            "1\u{2019}523",
            "1\u{a0}523",
            "1\u{202f}523",
            "1,523.00",
            "1.523,00",
            "=A2",
            "=$AB$12",
            "=TEXT(A2,\"00000\")",
            "\"00123",
            "00123\"",
        ];
        refuses(&damaged, "external-id-damaged");
    }

    #[test]
    fn ids_with_points_and_marks_that_are_meant_are_none_of_these() {
        for text in [
            "1.1",
            "1523.1",
            "01.0",
            "00123.0",
            "001,234",
            "12.345.678",
            "12.345.678-9",
            "1,5",
            "1,52",
            "1,5234",
            "12 345",
            "A1.0",
            "1.0.0",
            "E'7",
            "5'9",
            "'t Hart",
            "D'Souza",
            "a=b",
            "YWJj==",
            "=1+1",
            "=abc",
            "10,20",
        ] {
            assert_eq!(ExternalId::check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn letters_that_look_latin_among_latin_ones_are_refused() {
        let mixed = [
            "E\u{41d}7",
            "\u{415}N7",
            "\u{395}N-12",
            "ab\u{441}-1",
            "X\u{3bf}7",
        ];
        refuses(&mixed, "external-id-look-alike");
        // Words of another alphabet, alone and beside Latin ones.
        for text in [
            "\u{415}123",
            "\u{41d}\u{41e}\u{41c}-7",
            "\u{418}\u{432}\u{430}\u{43d} HR7",
            "HR-\u{3a3}\u{3a9}7",
            "\u{e9}l\u{e8}ve7",
            "M\u{fc}ller",
        ] {
            assert_eq!(ExternalId::check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn names_of_groups_are_not_judged_as_numbers() {
        for text in ["1.0", "1,523", "\"A\"", "=team", "E\u{41d}7"] {
            assert_eq!(ExternalId::check_shape(text), Ok(()), "{text}");
        }
        let broken = ExternalId::check_shape("1.2E+05");
        assert_eq!(broken, Err(Rule::ExternalIdScientific));
    }
}
