//! The keys by which files are joined.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

use crate::feed::{Cell, CellKind};
use crate::mapping::cleaning;
use crate::mapping::nothing::is_no_external_id;
use crate::mapping::value::{cell_value, flaw};
use crate::model::{ExternalId, Removed, Rule, is_number_in_groups, latin_like};
use crate::schema::FieldKind;

/// The key of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key<'c> {
    /// What an external ID would be, with what was taken away around it.
    Of(Cow<'c, str>, Option<Removed>),
    /// The cell is empty, or has a word for nothing.
    None,
    /// The cell had a key that nobody can read: an error, a formula, a number that Excel
    /// shortened.
    Lost,
}

impl<'c> Key<'c> {
    pub(super) fn of(cell: Cell<'c>) -> Self {
        if flaw(cell).is_some() || cell.kind == CellKind::Shortened {
            return Self::Lost;
        }
        let mut removed = None;
        let mut text = cell_value(cell, cell.text.is_ascii(), FieldKind::ExternalId, |what| {
            removed = Some(what);
        });
        if let Some((visible, what)) = cleaning::visible(&text) {
            (text, removed) = (Cow::Owned(visible), Some(what));
        }
        let is_formula = || text.starts_with('=') && ExternalId::check(&text).is_err();
        match text.is_empty() || is_no_external_id(&text) {
            true => Self::None,
            false if ExternalId::check_shape(&text).is_err() || is_formula() => Self::Lost,
            false => Self::Of(text, removed),
        }
    }
}

/// What programs make numbers of end in.
const DECIMALS: [&str; 4] = [".0", ".00", ",0", ",00"];

/// What is between the thousands of a number.
const SEPARATORS: [char; 5] = [',', '\'', '\u{2019}', '\u{a0}', '\u{202f}'];

/// A key without what programs and typists make of IDs: `1523.0`, `1,523`, `"1523`, letters
/// of other alphabets.
pub(super) fn undamaged(key: &str) -> Cow<'_, str> {
    let text = key.trim_matches('"');
    let whole = DECIMALS.iter().find_map(|end| text.strip_suffix(end));
    let is_number = |whole: &&str| {
        let is_of_thousands = || SEPARATORS.iter().any(|it| is_number_in_groups(whole, *it));
        whole.ends_with(|char: char| char.is_ascii_digit())
            && (!whole.contains(['.', ',']) || is_of_thousands())
    };
    let text = whole.filter(is_number).unwrap_or(text);
    if let Some(separator) = SEPARATORS.iter().find(|it| is_number_in_groups(text, **it)) {
        return Cow::Owned(text.replace(*separator, ""));
    }
    if !text.is_ascii() && ExternalId::check(text) == Err(Rule::ExternalIdLookAlike) {
        let latin = text.chars().map(|char| latin_like(char).unwrap_or(char));
        return Cow::Owned(latin.collect());
    }
    Cow::Borrowed(text)
}

/// Whether a program or a typist made something else of a key.
pub(super) fn is_damaged(key: &str) -> bool {
    undamaged(key) != key
}

/// What keys have in common that may mean the same: case, white space, leading zeros and
/// damage do not count.
pub(super) fn folded(key: &str) -> String {
    let text = undamaged(key);
    let mut folded = String::with_capacity(text.len());
    let chars = text.chars().filter(|char| !char.is_whitespace());
    for char in chars.flat_map(char::to_lowercase) {
        folded.push(char);
    }
    if folded.starts_with('0') && folded.bytes().all(|byte| byte.is_ascii_digit()) {
        let zeros = folded.len() - folded.trim_start_matches('0').len();
        folded.drain(..zeros.min(folded.len() - 1));
    }
    folded
}

/// A hash that keys have in common which may mean the same.
pub(super) fn hash(key: &str) -> u64 {
    xxh3_64(folded(key).as_bytes())
}

/// The longest key whose shape is shown whole, in characters.
const SHOWN: usize = 24;

/// What a key looks like, without what it says: `0` stands for a digit, `a` and `A` for a
/// letter, `x` for one that has no case.
pub(super) fn shape(key: &str) -> String {
    let mut shape: String = (key.chars().take(SHOWN))
        .map(|char| match char {
            _ if char.is_numeric() => '0',
            _ if char.is_uppercase() => 'A',
            _ if char.is_lowercase() => 'a',
            _ if char.is_alphabetic() => 'x',
            '!'..='~' => char,
            _ if char.is_whitespace() => ' ',
            _ => '?',
        })
        .collect();
    if key.chars().nth(SHOWN).is_some() {
        shape.push('\u{2026}');
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_that_an_external_id_would_be_or_lost() {
        let of = |text: &'static str| {
            Key::of(Cell {
                text,
                kind: CellKind::Text,
            })
        };
        for (text, key) in [
            ("007", "007"),
            (" Q013 ", "Q013"),
            ("=\"00123\"", "00123"),
            ("'00123", "00123"),
            ("\u{feff}E7", "E7"),
            ("Q013.0", "Q013.0"),
        ] {
            assert!(matches!(of(text), Key::Of(it, _) if it == key), "{text}");
        }
        for text in ["", "   ", "\u{a0}", "\u{200b}", "NULL", "-", "N/A", "=\"\""] {
            assert_eq!(of(text), Key::None, "{text}");
        }
        for text in [
            "#N/A", "#REF!", " #NAME?", "1.5E+03", "1,2E+05", "=A2", "#####", "a\tb", "..",
        ] {
            assert_eq!(of(text), Key::Lost, "{text}");
        }
    }

    #[test]
    fn what_programs_make_of_a_key_is_seen_and_codes_stay() {
        for (damaged, key) in [
            ("Q013.0", "Q013"),
            ("1523.0", "1523"),
            ("1523,00", "1523"),
            ("1,523", "1523"),
            ("1,523.00", "1523"),
            ("1\u{a0}523", "1523"),
            ("\"00123", "00123"),
            ("\u{415}N7", "EN7"),
        ] {
            assert_eq!(undamaged(damaged), key, "{damaged}");
            assert!(is_damaged(damaged), "{damaged}");
            assert_eq!(folded(damaged), folded(key), "{damaged}");
        }
        for key in [
            "1.1",
            "1.0.0",
            "12.345.678",
            "10,20",
            "A.00B",
            "007",
            "Team.0x",
            "\u{415}123",
        ] {
            assert!(!is_damaged(key), "{key}");
        }
    }

    #[test]
    fn keys_that_differ_in_case_white_space_and_zeros_may_mean_the_same() {
        for (one, other) in [
            ("E7", "e7"),
            ("007", "7"),
            ("A 1", "A1"),
            ("000", "0"),
            ("13.0", "013"),
        ] {
            assert_eq!(folded(one), folded(other), "{one}");
        }
        for (one, other) in [("E7", "E07"), ("10", "1"), ("1.1", "11"), ("A-1", "A1")] {
            assert_ne!(folded(one), folded(other), "{one}");
        }
    }

    #[test]
    fn a_shape_says_nothing_of_the_key() {
        assert_eq!(shape("Ab\u{4e2d}-0 12\u{301}"), "Aax-0 00?");
        assert_eq!(
            shape(&"7".repeat(30)),
            format!("{}\u{2026}", "0".repeat(24))
        );
    }
}
