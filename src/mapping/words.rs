//! What people write in a cell, as the word that the target accepts.

use crate::schema::{GROUP_TYPES, Kind, Role};

/// The target's word for `text`, where the kind has one. Any other text stays as
/// it is, and validation reports it.
pub(super) fn canonical(kind: Kind, text: &str) -> Option<&'static str> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    match kind {
        Kind::Bool if is(&["true", "yes", "y", "1", "ja", "oui", "si", "sí", "wahr"]) => {
            Some("true")
        }
        Kind::Bool if is(&["false", "no", "n", "0", "nee", "nein", "non", "falsch"]) => {
            Some("false")
        }
        Kind::Gender if is(&["male", "m", "man"]) => Some("male"),
        Kind::Gender if is(&["female", "f", "woman"]) => Some("female"),
        Kind::Role => Role::named(text).map(|role| role.word),
        Kind::GroupType => Role::named(text)
            .map(|role| role.word)
            .filter(|word| GROUP_TYPES.contains(word)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_front_end_and_of_the_api_are_one() {
        for text in ["Learner", "student", "LEARNER"] {
            assert_eq!(canonical(Kind::Role, text), Some("student"), "{text}");
        }
        assert_eq!(canonical(Kind::Role, "Observer"), Some("mentor"));
        assert_eq!(canonical(Kind::GroupType, "Instructor"), Some("teacher"));
        assert_eq!(canonical(Kind::GroupType, "author"), None);
        assert_eq!(canonical(Kind::Bool, "Yes"), Some("true"));
        assert_eq!(canonical(Kind::Bool, "maybe"), None);
    }
}
