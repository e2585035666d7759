//! What people write in a cell, as the word that the target accepts.

use super::codes::COUNTRIES;
use crate::schema::{FieldKind, Role};

/// Yes, in English, Dutch, German, French and Spanish.
const TRUE: &[&str] = &[
    "true",
    "yes",
    "y",
    "1",
    "t",
    "on",
    "x",
    "✓",
    "✔",
    "checked",
    "enabled",
    "waar",
    "ja",
    "j",
    "wahr",
    "oui",
    "vrai",
    "si",
    "sí",
    "SÍ",
    "verdadero",
];

/// No, in the same.
const FALSE: &[&str] = &[
    "false",
    "no",
    "n",
    "0",
    "f",
    "off",
    "unchecked",
    "disabled",
    "onwaar",
    "nee",
    "nein",
    "falsch",
    "non",
    "faux",
    "falso",
];

/// The target's word for `text`, where the kind has one. Any other text stays as
/// it is, and validation reports it.
pub(super) fn canonical(kind: FieldKind, text: &str) -> Option<&'static str> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    match kind {
        FieldKind::Bool if is(TRUE) => Some("true"),
        FieldKind::Bool if is(FALSE) => Some("false"),
        FieldKind::Country if !COUNTRIES.contains(text) => COUNTRIES.named(text),
        FieldKind::Gender if is(&["male", "m", "man"]) => Some("male"),
        FieldKind::Gender if is(&["female", "f", "woman"]) => Some("female"),
        FieldKind::Role(roles) | FieldKind::GroupType(roles) => {
            Role::named(text, roles).map(|role| role.word)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::System;

    #[test]
    fn the_words_of_the_front_end_and_of_the_api_are_one() {
        let spec = System::ANewSpring.spec();
        let role = spec.field("role").unwrap().kind;
        let group_type = spec.of_group[0].kind;
        for text in ["Learner", "student", "LEARNER"] {
            assert_eq!(canonical(role, text), Some("student"), "{text}");
        }
        assert_eq!(canonical(role, "Observer"), Some("mentor"));
        assert_eq!(canonical(group_type, "Instructor"), Some("teacher"));
        assert_eq!(canonical(group_type, "author"), None);
        assert_eq!(canonical(FieldKind::Bool, "Yes"), Some("true"));
        assert_eq!(canonical(FieldKind::Bool, "maybe"), None);
    }

    #[test]
    fn yes_and_no_are_read_in_five_languages_and_never_both() {
        for (text, word) in [
            ("Ja", "true"),
            ("WAAR", "true"),
            ("Wahr", "true"),
            ("Oui", "true"),
            ("Sí", "true"),
            ("x", "true"),
            ("Nee", "false"),
            ("ONWAAR", "false"),
            ("Falsch", "false"),
            ("Non", "false"),
        ] {
            assert_eq!(canonical(FieldKind::Bool, text), Some(word), "{text}");
        }
        assert!(TRUE.iter().all(|word| !FALSE.contains(word)));
    }

    #[test]
    fn a_country_is_read_by_name_and_a_code_stays_as_it_is() {
        assert_eq!(canonical(FieldKind::Country, "Deutschland"), Some("DE"));
        assert_eq!(canonical(FieldKind::Country, "deu"), Some("DE"));
        assert_eq!(canonical(FieldKind::Country, "DE"), None);
        assert_eq!(canonical(FieldKind::Country, "Germny"), None);
    }
}
