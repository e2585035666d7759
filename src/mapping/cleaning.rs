//! What programs put around a value and into it that is none of it: `="00123"`, and
//! characters that nobody sees.

use std::borrow::Cow;

use crate::model::{Removed, is_invisible, is_number_in_groups};
use crate::schema::FieldKind;

/// The first bytes of what programs put around a value, the last one of typographic marks.
pub(super) const WRAPS: [u8; 4] = [b'=', b'\'', b'"', 0xe2];

/// Whether a text may have something around it, by its first bytes.
#[inline]
pub(super) fn may_be_wrapped(text: &str) -> bool {
    match text.as_bytes() {
        [0xe2, second, third, ..] => *second == 0x80 && matches!(third, 0x98..=0x9f),
        [first, _, ..] => WRAPS.contains(first),
        _ => false,
    }
}

/// Marks around a text that word processors write as well: `“00123”`.
const QUOTES: [(char, char); 6] = [
    ('"', '"'),
    ('\'', '\''),
    ('\u{201c}', '\u{201d}'),
    ('\u{201e}', '\u{201c}'),
    ('\u{2018}', '\u{2019}'),
    ('\u{2019}', '\u{2019}'),
];

/// The mark in front of a text, also as word processors write it.
const APOSTROPHES: [char; 3] = ['\'', '\u{2018}', '\u{2019}'];

/// The value of a cell without what a program put around it for the sake of Excel, and
/// what that was.
///
/// `="00123"` is a value in any column. A mark in front or quotation marks around it
/// belong to names (`'t Hart`, `"Bob"`), so these are taken away from IDs and numbers
/// only.
pub(super) fn unwrapped(text: &str, is_id: bool) -> Option<(Cow<'_, str>, Removed)> {
    if let Some(value) = of_formula(text) {
        return Some((value, Removed::Formula));
    }
    let may_be = |value: &str| is_long_number(value) || (is_id && is_marked_id(value));
    let within = |(open, close)| text.strip_prefix(open)?.strip_suffix(close);
    if let Some(value) = QUOTES.into_iter().find_map(within) {
        return may_be(value).then_some((Cow::Borrowed(value), Removed::Quotes));
    }
    let value = text.strip_prefix(APOSTROPHES)?;
    may_be(value).then_some((Cow::Borrowed(value), Removed::Apostrophe))
}

/// The text of `="text"`.
fn of_formula(text: &str) -> Option<Cow<'_, str>> {
    let value = text.strip_prefix('=')?.trim_ascii_start();
    let value = value.strip_prefix('"')?.strip_suffix('"')?;
    if !value.contains('"') {
        return Some(Cow::Borrowed(value));
    }
    // A quotation mark in it is written twice.
    let single = value.replace("\"\"", "");
    (!single.contains('"')).then(|| Cow::Owned(value.replace("\"\"", "\"")))
}

/// Digits with what phone numbers have between them.
fn is_long_number(text: &str) -> bool {
    const DIGITS: usize = 4;
    let is_of_number = |byte: u8| {
        byte.is_ascii_digit() || matches!(byte, b'+' | b' ' | b'-' | b'(' | b')' | b'/' | b'.')
    };
    text.bytes().all(is_of_number) && text.bytes().filter(u8::is_ascii_digit).count() >= DIGITS
}

/// A word with a digit, which no name is.
fn is_marked_id(text: &str) -> bool {
    let is_mark = |char: char| matches!(char, '\'' | '"' | '\u{2018}'..='\u{201f}');
    let is_of_word = |char: char| !char.is_whitespace() && !is_mark(char);
    text.chars().all(is_of_word) && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Whether a field's values tell people apart, so that what nobody sees in them makes
/// two people of one.
pub(super) const fn is_key(kind: FieldKind) -> bool {
    matches!(
        kind,
        FieldKind::ExternalId | FieldKind::Login | FieldKind::Email
    )
}

/// The value of such a field without what nobody sees, with plain spaces, and with letters
/// and digits of the usual width, and what that was. The text is trimmed.
pub(super) fn visible(text: &str) -> Option<(String, Removed)> {
    if text.is_ascii() {
        return None;
    }
    if text.contains(is_full_width) {
        let narrow: String = text.chars().map(narrowed).collect();
        let (narrow, _) = visible(&narrow).unwrap_or((narrow, Removed::FullWidth));
        return Some((narrow, Removed::FullWidth));
    }
    // In many scripts, joiners are part of a word.
    let keeps_joiners = text.chars().any(is_of_joined_script);
    let is_removed = |char: char| is_invisible(char) && !(keeps_joiners && is_joiner(char));
    if text.contains(is_removed) {
        let mut seen: String = text.chars().filter(|char| !is_removed(*char)).collect();
        if let Some((spaced, _)) = spaced(&seen) {
            seen = spaced;
        }
        return Some((seen.trim().to_owned(), Removed::Invisible));
    }
    spaced(text)
}

/// The text with plain spaces, unless it is a number whose thousands are apart: what
/// becomes of that is not certain.
fn spaced(text: &str) -> Option<(String, Removed)> {
    const NO_BREAK: [char; 3] = ['\u{a0}', '\u{2007}', '\u{202f}'];
    let is_number = || NO_BREAK.iter().any(|it| is_number_in_groups(text, *it));
    (text.contains(NO_BREAK) && !is_number())
        .then(|| (text.replace(NO_BREAK, " "), Removed::NoBreakSpaces))
}

/// Whether a character is one of ASCII as East Asian keyboards write it.
const fn is_full_width(char: char) -> bool {
    matches!(char, '\u{ff01}'..='\u{ff5e}')
}

fn narrowed(char: char) -> char {
    const DISTANCE: u32 = 0xff01 - 0x21;
    let narrow = is_full_width(char).then(|| char::from_u32(char as u32 - DISTANCE));
    narrow.flatten().unwrap_or(char)
}

const fn is_joiner(char: char) -> bool {
    matches!(char, '\u{200c}' | '\u{200d}')
}

fn is_of_joined_script(char: char) -> bool {
    let is_later = char >= '\u{590}' && !matches!(char, '\u{1e00}'..='\u{1fff}');
    is_later && char.is_alphabetic()
}

/// Whether a character that nobody sees is white space at the end of any value: a byte
/// order mark glued to a key is a classic, and Windows copies names with marks that turn
/// the direction.
const fn is_unseen_end(char: char) -> bool {
    matches!(
        char,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}'
    ) || is_direction(char)
}

/// Whether a character turns the direction of those that follow, up to one that ends it.
const fn is_direction(char: char) -> bool {
    matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text without white space at its ends, and without what nobody sees there.
pub(super) fn trimmed(text: &str) -> &str {
    let is_end = |char: char| char.is_whitespace() || is_unseen_end(char);
    if !text.starts_with(is_end) && !text.ends_with(is_end) {
        return text;
    }
    let trimmed = text.trim_matches(is_end);
    if !trimmed.contains(is_direction) {
        return trimmed;
    }
    // A part of the text has another direction, so that the marks belong together.
    text.trim_matches(|char: char| {
        char.is_whitespace() || (is_unseen_end(char) && !is_direction(char))
    })
}

/// Whether the ends of a text have more than white space that is not part of its value.
pub(super) fn has_unseen_ends(text: &str) -> bool {
    let text = text.trim();
    text.starts_with(is_unseen_end) || text.ends_with(is_unseen_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, is_id: bool, expected: Option<(&str, Removed)>) {
        let found = unwrapped(text, is_id);
        let found = found
            .as_ref()
            .map(|(value, removed)| (value.as_ref(), *removed));
        assert_eq!(found, expected, "{text}");
        assert!(found.is_none() || may_be_wrapped(text), "{text}");
    }

    #[test]
    fn a_formula_around_a_text_is_taken_away_in_any_column() {
        for is_id in [true, false] {
            check("=\"00123\"", is_id, Some(("00123", Removed::Formula)));
            check("= \"00123\"", is_id, Some(("00123", Removed::Formula)));
            check("=\"Lee\"", is_id, Some(("Lee", Removed::Formula)));
            check("=\"\"", is_id, Some(("", Removed::Formula)));
            check("=\"5\"\"\"", is_id, Some(("5\"", Removed::Formula)));
            for text in [
                "=A2",
                "=\"A\"&\"B\"",
                "=\"A",
                "=",
                "==\"A\"",
                "=)",
                "=\"a\"b\"",
            ] {
                check(text, is_id, None);
            }
        }
    }

    #[test]
    fn marks_around_ids_and_numbers_are_taken_away_and_those_of_names_stay() {
        let mark = Some(("00123", Removed::Apostrophe));
        let quotes = Some(("00123", Removed::Quotes));
        for is_id in [true, false] {
            check("'00123", is_id, mark);
            check("\"00123\"", is_id, quotes);
            check("'00123'", is_id, quotes);
            check(
                "'+31 (0)6-123",
                is_id,
                Some(("+31 (0)6-123", Removed::Apostrophe)),
            );
            for text in [
                "'t Hart",
                "'s-Gravenhage",
                "\"Bob\"",
                "'",
                "''",
                "\"\"",
                "'94 '95",
            ] {
                check(text, is_id, None);
            }
        }
        check("\u{2019}00996", true, Some(("00996", Removed::Apostrophe)));
        check(
            "\u{2018}00996\u{2019}",
            true,
            Some(("00996", Removed::Quotes)),
        );
        check(
            "\u{201c}00996\u{201d}",
            true,
            Some(("00996", Removed::Quotes)),
        );
        check("\u{2019}t Hart", true, None);
        check("'E7", true, Some(("E7", Removed::Apostrophe)));
        check("\"E7\"", true, Some(("E7", Removed::Quotes)));
        for text in ["'E7", "'94", "\"B2\"", "'94 Lane", "'2nd floor"] {
            check(text, false, None);
        }
    }

    #[test]
    fn what_nobody_sees_is_taken_out_of_ids_and_no_break_spaces_are_spaces() {
        let invisible = |text: &str| Some((text.to_owned(), Removed::Invisible));
        let spaces = |text: &str| Some((text.to_owned(), Removed::NoBreakSpaces));
        for (text, expected) in [
            ("00\u{200b}123", invisible("00123")),
            ("ef\u{ad}ox", invisible("efox")),
            ("E\u{202a}7\u{202c}\u{a0}b", invisible("E7 b")),
            ("ann\u{200d}e", invisible("anne")),
            ("E\u{a0}7", spaces("E 7")),
            (
                "\u{ff25}\u{ff11}\u{ff15}\u{200b}2",
                Some(("E152".to_owned(), Removed::FullWidth)),
            ),
            ("E\u{202f}7\u{2007}x", spaces("E 7 x")),
            // Nobody knows what these are.
            ("1\u{a0}523", None),
            ("12\u{202f}345\u{202f}678", None),
            ("E7", None),
            ("Zo\u{eb}", None),
            // A word of Persian, with the joiner that it is written with.
            ("\u{645}\u{6cc}\u{200c}\u{62e}", None),
        ] {
            assert_eq!(visible(text), expected, "{text:?}");
        }
    }

    #[test]
    fn marks_of_direction_at_the_ends_are_white_space_unless_they_belong_to_a_part() {
        assert_eq!(trimmed(" \u{202a}00124\u{202c}\t"), "00124");
        assert_eq!(trimmed("\u{feff}E7\u{200e}"), "E7");
        assert_eq!(trimmed("E7\u{ad}"), "E7");
        assert!(has_unseen_ends("\u{202a}7\u{202c}") && !has_unseen_ends("\u{a0}7 "));
        let parts = "\u{202a}a\u{202c} b \u{202b}c\u{202c}";
        assert_eq!(trimmed(&format!("{parts} ")), parts);
    }
}
