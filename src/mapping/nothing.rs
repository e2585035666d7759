//! Words that programs write where there is nothing, and errors that a spreadsheet
//! writes as text.

use crate::model::ByteSet;

/// What spreadsheets show in a cell whose formula failed, and write into a CSV, in
/// English, Dutch, German, French and Spanish.
const ERRORS: [&str; 40] = [
    "#BEZUG!",
    "#BLOCKED!",
    "#BUSY!",
    "#CALC!",
    "#CONNECT!",
    "#DEEL/0!",
    "#DIV/0!",
    "#EXTERNAL!",
    "#FELD!",
    "#FIELD!",
    "#GETAL!",
    "#GETTING_DATA",
    "#KALK!",
    "#LEEG!",
    "#N/A",
    "#N/B",
    "#NAAM?",
    "#NAME?",
    "#NOM?",
    "#NOMBRE!",
    "#NULL!",
    "#NUL!",
    "#NUM!",
    "#NV",
    "#PYTHON!",
    "#REF!",
    "#SPILL!",
    "#UNKNOWN!",
    "#VALEUR!",
    "#VALUE!",
    "#VERW!",
    "#WAARDE!",
    "#WERT!",
    "#ZAHL!",
    "#ÜBERLAUF!",
    "#¡DIV/0!",
    "#¡NUM!",
    "#¡REF!",
    "#¡VALOR!",
    "#¿NOMBRE?",
];

/// What databases, languages and spreadsheets write for nothing. Nobody is called so.
const WORDS: [&str; 44] = [
    "\\N",
    "\\n",
    "(null)",
    "<null>",
    "[null]",
    "{null}",
    "(none)",
    "<none>",
    "[none]",
    "(nil)",
    "<nil>",
    "(blank)",
    "(blanks)",
    "(empty)",
    "<empty>",
    "[empty]",
    "(leeg)",
    "(leer)",
    "(vide)",
    "(vacío)",
    "(vacio)",
    "N/A",
    "n/a",
    "N.A.",
    "n.a.",
    "n.v.t.",
    "N.V.T.",
    "k.A.",
    "k. A.",
    "NaN",
    "undefined",
    "-",
    "--",
    "---",
    "–",
    "—",
    "_",
    ".",
    "..",
    "...",
    "?",
    "??",
    "???",
    "*",
];

/// What people type where there is nothing, in English, Dutch, German, French and Spanish.
/// Nobody is called so.
const TYPED: [&str; 48] = [
    "TBA",
    "tba",
    "TBC",
    "tbc",
    "TBD",
    "tbd",
    "n/b",
    "N/B",
    "n/d",
    "N/D",
    "n/v",
    "N/V",
    "s/o",
    "S/O",
    "k.a.",
    "K.A.",
    "K. A.",
    "k/A",
    "k/a",
    "K/A",
    "geen",
    "Geen",
    "GEEN",
    "leeg",
    "Leeg",
    "LEEG",
    "keine",
    "Keine",
    "KEINE",
    "keine Angabe",
    "Keine Angabe",
    "keine Angaben",
    "Keine Angaben",
    "aucun",
    "Aucun",
    "AUCUN",
    "aucune",
    "Aucune",
    "AUCUNE",
    "néant",
    "Néant",
    "NÉANT",
    "ninguno",
    "Ninguno",
    "NINGUNO",
    "ninguna",
    "Ninguna",
    "NINGUNA",
];

/// The same, where it could be a name as well: only its letters tell.
const NAMES: [&str; 11] = [
    "NULL", "null", "None", "none", "NONE", "nil", "NIL", "nvt", "NVT", "nan", "leer",
];

/// What a text is that is not a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoValue {
    /// An error of a spreadsheet.
    Error,
    /// A word for nothing. `is_name` if somebody could be called so.
    Word { word: &'static str, is_name: bool },
}

/// The longest of all, in bytes.
const LONGEST: usize = 16;

/// The longest that begins with a letter as names do.
const LONGEST_LIKE_NAMES: usize = 6;

/// The bytes with which one of these begins.
pub(super) const BEGINS: ByteSet = ByteSet::NONE.with(b"AaEGgKkLlNnSsTtu#\\(<[{-_.?*\xe2");

/// Whether a text could be one of these, by its first bytes: asked for each cell.
#[inline]
pub(super) fn may_be_no_value(text: &str) -> bool {
    let first = text.as_bytes().first();
    first.is_some_and(|first| BEGINS.has(*first)) && begins_as_no_value(text)
}

fn begins_as_no_value(text: &str) -> bool {
    let longest = match text.as_bytes() {
        // A number that is wider than its column is as long as that is wide.
        [b'#', ..] => return true,
        [b'K' | b'k', b'E' | b'e', b'I' | b'i', b'N' | b'n', ..]
        | [b'N' | b'n', b'I' | b'i', b'N' | b'n', ..]
        | [b'N' | b'n', 0xc3, ..]
        | [b'E', b'r', b'r', b':', ..]
        | [b'u', b'n', b'd', b'e', ..]
        | [
            b'\\' | b'(' | b'<' | b'[' | b'{' | b'-' | b'_' | b'.' | b'?' | b'*' | 0xe2,
            ..,
        ] => LONGEST,
        [
            b'N' | b'n',
            b'/' | b'.' | b'U' | b'u' | b'O' | b'o' | b'I' | b'i' | b'V' | b'v',
            ..,
        ]
        | [b'N' | b'n', b'a', b'N' | b'n']
        | [b'T' | b't', b'B' | b'b', _]
        | [b'S' | b's', b'/', _]
        | [b'G' | b'g' | b'L' | b'l', b'E' | b'e', b'E' | b'e', _]
        | [b'A' | b'a', b'U' | b'u', b'C' | b'c', b'U' | b'u', ..]
        | [b'K' | b'k', b'.' | b'/', ..] => LONGEST_LIKE_NAMES,
        _ => return false,
    };
    text.len() <= longest
}

/// What a text is, if it is not a value.
pub(super) fn no_value(text: &str) -> Option<NoValue> {
    if is_error(text) {
        return Some(NoValue::Error);
    }
    let of = |words: &[&'static str], is_name| {
        let word = words.iter().find(|word| **word == text)?;
        Some(NoValue::Word { word, is_name })
    };
    let of_nobody = of(&WORDS, false).or_else(|| of(&TYPED, false));
    of_nobody.or_else(|| of(&NAMES, true))
}

/// Whether a text is what a spreadsheet shows for an error, or for a number that is
/// wider than its column.
pub(super) fn is_error(text: &str) -> bool {
    let is_numbered = || {
        let number = text.strip_prefix("Err:");
        number.is_some_and(|it| it.len() == 3 && it.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is_too_wide = || text.len() >= 3 && text.bytes().all(|byte| byte == b'#');
    match text.as_bytes().first() {
        Some(b'#') => ERRORS.contains(&text) || is_too_wide(),
        Some(b'E') => is_numbered(),
        _ => false,
    }
}

/// What a first mapping translates to nothing.
#[must_use]
pub fn means_nothing(text: &str) -> bool {
    // Errors but this are to be mended; it is what a look-up shows that found nothing.
    matches!(no_value(text), Some(NoValue::Word { .. })) || text == "#N/A" || text == "#NV"
}

/// Whether a text cannot be an external ID, since it means nothing or is an error.
#[must_use]
pub fn is_no_external_id(text: &str) -> bool {
    // Initials of three letters are external IDs in many a company; the other words
    // are what programs write.
    let is_initials = |word: &str| {
        let is_small = |it: u8| it.is_ascii_lowercase();
        let is_capital = |it: u8| it.is_ascii_uppercase();
        word.len() == 3 && (word.bytes().all(is_small) || word.bytes().all(is_capital))
    };
    // Dots have a rule of their own, and a login can be somebody's name.
    let is_other = matches!(text, "." | ".." | "leer");
    may_be_no_value(text)
        && !is_other
        && match no_value(text) {
            Some(NoValue::Word { word, .. }) => !is_initials(word),
            Some(NoValue::Error) => true,
            None => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_them_pass_the_first_look() {
        for text in ERRORS
            .into_iter()
            .chain(WORDS)
            .chain(TYPED)
            .chain(NAMES)
            .chain(["Err:508", "#####", "########################"])
        {
            assert!(may_be_no_value(text), "{text}");
            assert!(no_value(text).is_some(), "{text}");
        }
    }

    #[test]
    fn errors_are_what_spreadsheets_show_and_nothing_else() {
        for text in ["#N/A", "#¡REF!", "#WERT!", "Err:508", "#####"] {
            assert_eq!(no_value(text), Some(NoValue::Error), "{text}");
        }
        for text in [
            "#1", "# 12", "#TEAM!", "Err:5", "Error", "##", "#", "N", "#ref!",
        ] {
            assert!(!is_error(text), "{text}");
        }
    }

    #[test]
    fn people_and_places_are_no_words_for_nothing() {
        for text in [
            "Leer", "Geens", "Nina", "Keiner", "Null", "Nil", "Nan", "Na", "NA", "Non", "Nun",
            "-1", "Nuñez", "Nvidia", ".",
        ] {
            let is_word = matches!(no_value(text), Some(NoValue::Word { .. }));
            assert_eq!(is_word, text == ".", "{text}");
        }
    }

    #[test]
    fn words_for_nothing_are_no_external_ids_and_initials_are() {
        for text in [
            "geen",
            "Keine Angabe",
            "NaN",
            "NULL",
            "null",
            "None",
            "-",
            "N/A",
            "(none)",
            "\\N",
            "?",
            "#REF!",
            "#####",
        ] {
            assert!(is_no_external_id(text), "{text}");
        }
        for text in [
            "TBD", "tbc", "nan", "leer", "NIL", "nvt", "NaNa", "N7", "-1", "_x", "nullius", "Null",
            "#12", "k.A.1",
        ] {
            assert!(!is_no_external_id(text), "{text}");
        }
    }
}
