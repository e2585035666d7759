//! What spreadsheets and keyboards do to external IDs.

use crate::mapping::fold;
use crate::model::is_invisible;
use crate::model::latin_like;
use unicode_normalization::UnicodeNormalization as _;

/// How two external IDs that a person reads as one differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// `123` and `00123`.
    LeadingZeros,
    /// `1523.0` and `1523`.
    Decimals,
    /// `'00123` and `00123`, or `="00123"`.
    Quotes,
    /// `12,345` and `12345`.
    Thousands,
    /// `１２３` and `123`.
    FullWidth,
    /// `E` of the Cyrillic or Greek alphabet and `E`.
    LookAlike,
    /// A character that nobody sees.
    Invisible,
    /// `e7` and `E 7`.
    CaseOrSpaces,
    /// Several of these.
    Several,
}

/// What normalizes one kind of damage.
type Step = fn(&str) -> String;

/// Each kind with what undoes it, in the order in which they are undone.
const STEPS: [(Damage, Step); 8] = [
    (Damage::Invisible, without_invisible),
    (Damage::FullWidth, narrow),
    (Damage::LookAlike, latin),
    (Damage::CaseOrSpaces, fold),
    (Damage::Quotes, without_quotes),
    (Damage::Thousands, without_thousands),
    (Damage::Decimals, without_decimals),
    (Damage::LeadingZeros, without_zeros),
];

impl Damage {
    /// How the two differ, if they are one once undamaged.
    #[must_use]
    pub fn between(known: &str, new: &str) -> Option<Self> {
        if known == new || normal(known) != normal(new) {
            return None;
        }
        let alone = STEPS.iter().find(|(_, undo)| undo(known) == undo(new));
        Some(alone.map_or(Self::Several, |(damage, _)| *damage))
    }

    /// What happened, as a clause: "leading zeros differ".
    #[must_use]
    pub const fn clause(self) -> &'static str {
        match self {
            Self::LeadingZeros => "the leading zeros differ",
            Self::Decimals => "one has decimals that a spreadsheet added",
            Self::Quotes => "one has quotation marks that a spreadsheet added",
            Self::Thousands => "one has thousands separators that a spreadsheet added",
            Self::FullWidth => "one is written with full-width characters",
            Self::LookAlike => "one has letters of another alphabet that look the same",
            Self::Invisible => "one has invisible characters",
            Self::CaseOrSpaces => "they differ in case or spaces only",
            Self::Several => "they differ in what spreadsheets change, such as zeros or separators",
        }
    }
}

/// The external ID without damage: equal for IDs that a person reads as one.
#[must_use]
pub(super) fn normal(id: &str) -> String {
    (STEPS.iter()).fold(id.to_owned(), |text, (_, undo)| undo(&text))
}

fn without_invisible(text: &str) -> String {
    text.chars().filter(|char| !is_invisible(*char)).collect()
}

fn narrow(text: &str) -> String {
    text.nfkc().collect()
}

/// The text in Latin letters, where others look like them.
fn latin(text: &str) -> String {
    let latin = |char| latin_like(char).unwrap_or(char);
    text.chars().map(latin).collect()
}

fn without_quotes(text: &str) -> String {
    let text = text.strip_prefix('=').unwrap_or(text);
    text.trim_matches(['\'', '"', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}'])
        .to_owned()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn without_thousands(text: &str) -> String {
    for separator in [',', '.', '\'', '\u{2019}', '\u{a0}', '\u{202f}'] {
        let mut groups = text.split(separator);
        let first = groups.next().unwrap_or_default();
        let rest: Vec<_> = groups.collect();
        let is_number = is_digits(first)
            && first.len() <= 3
            && !rest.is_empty()
            && rest
                .iter()
                .all(|group| is_digits(group) && group.len() == 3);
        if is_number {
            return text.replace(separator, "");
        }
    }
    text.to_owned()
}

fn without_decimals(text: &str) -> String {
    match text.split_once(['.', ',']) {
        Some((whole, zeros))
            if is_digits(whole) && is_digits(zeros) && zeros.bytes().all(|it| it == b'0') =>
        {
            whole.to_owned()
        }
        _ => text.to_owned(),
    }
}

fn without_zeros(text: &str) -> String {
    if !is_digits(text) {
        return text.to_owned();
    }
    match text.trim_start_matches('0') {
        "" => "0".into(),
        digits => digits.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_happened_to_an_id_is_named() {
        for (known, new, damage) in [
            ("00123", "123", Damage::LeadingZeros),
            ("123", "00123", Damage::LeadingZeros),
            ("1523", "1523.0", Damage::Decimals),
            ("1523", "1523,00", Damage::Decimals),
            ("00123", "'00123", Damage::Quotes),
            ("00123", "=\"00123\"", Damage::Quotes),
            ("12345", "12,345", Damage::Thousands),
            ("1234567", "1.234.567", Damage::Thousands),
            ("123", "１２３", Damage::FullWidth),
            ("E7", "\u{415}7", Damage::LookAlike),
            ("E7", "E\u{200b}7", Damage::Invisible),
            ("E7", "e 7", Damage::CaseOrSpaces),
            ("00123", "'123.0", Damage::Several),
        ] {
            assert_eq!(Damage::between(known, new), Some(damage), "{known} {new}");
        }
    }

    #[test]
    fn different_ids_are_different() {
        for (known, new) in [
            ("E7", "E7"),
            ("E7", "E8"),
            ("120", "12"),
            ("1.5", "15"),
            ("A-1", "A1"),
            ("A01", "A1"),
            ("0", "00x"),
        ] {
            assert_eq!(Damage::between(known, new), None, "{known} {new}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_spreadsheet_does_to_a_number_is_recognised(id in "[1-9][0-9]{3,8}") {
            let grouped: String = (id.chars().rev().enumerate())
                .flat_map(|(at, digit)| {
                    let comma = (at > 0 && at % 3 == 0).then_some(',');
                    comma.into_iter().chain([digit])
                })
                .collect();
            let grouped: String = grouped.chars().rev().collect();
            for damaged in [format!("00{id}"), format!("{id}.0"), format!("'{id}"), grouped] {
                prop_assert!(Damage::between(&id, &damaged).is_some(), "{}", damaged);
                prop_assert!(Damage::between(&damaged, &id).is_some(), "{}", damaged);
            }
        }

        #[test]
        fn numbers_differ_in_value_or_not_at_all(one in 0_u32..100_000, other in 0_u32..100_000) {
            let spelled = format!("{other:08}");
            let is_same = normal(&one.to_string()) == normal(&spelled);
            prop_assert_eq!(is_same, one == other);
        }
    }
}
