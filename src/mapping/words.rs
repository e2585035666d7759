//! What people write in a cell, as the word that the target accepts.

use crate::schema::{FieldKind, Role};

/// The target's word for `text`, where the kind has one. Any other text stays as
/// it is, and validation reports it.
pub(super) fn canonical(kind: FieldKind, text: &str) -> Option<&'static str> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    match kind {
        FieldKind::Bool if is(&["true", "yes", "y", "1", "ja", "oui", "si", "sí", "wahr"]) => {
            Some("true")
        }
        FieldKind::Bool if is(&["false", "no", "n", "0", "nee", "nein", "non", "falsch"]) => {
            Some("false")
        }
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
}
