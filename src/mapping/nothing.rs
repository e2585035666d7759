//! Words that programs write where there is nothing, and errors that a spreadsheet
//! writes as text.

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

/// How words begin, by two bytes: for the first, a bit for each second one by its lowest five
/// bits, which letters have whatever their case.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beginnings([u32; 256]);

impl Beginnings {
    const NONE: Self = Self([0; 256]);

    /// The same, and whatever begins with one of these bytes.
    pub(super) const fn with(mut self, bytes: &[u8]) -> Self {
        let mut at = 0;
        while at < bytes.len() {
            self.0[bytes[at] as usize] = u32::MAX;
            at += 1;
        }
        self
    }

    /// The same, and what begins with one of `firsts` and one of `seconds` behind it.
    const fn with_pairs(mut self, firsts: &[u8], seconds: &[u8]) -> Self {
        let mut at = 0;
        while at < firsts.len() * seconds.len() {
            let second = seconds[at % seconds.len()];
            self.0[firsts[at / seconds.len()] as usize] |= 1 << (second % 32);
            at += 1;
        }
        self
    }

    /// Whether a text may begin as one of them.
    #[inline]
    pub(super) fn may_begin(&self, text: &str) -> bool {
        match text.as_bytes() {
            [first, second, ..] => self.0[usize::from(*first)] >> (second % 32) & 1 == 1,
            [first] => self.0[usize::from(*first)] != 0,
            [] => false,
        }
    }
}

/// How one of these begins.
pub(super) const BEGINNINGS: Beginnings = Beginnings::NONE
    .with(b"#\\(<[{-_.?*\xe2")
    .with_pairs(b"Nn", b"/.aiouv\xc3")
    .with_pairs(b"Aa", b"u")
    .with_pairs(b"E", b"r")
    .with_pairs(b"GgLl", b"e")
    .with_pairs(b"Kk", b"./e")
    .with_pairs(b"Ss", b"/")
    .with_pairs(b"Tt", b"b")
    .with_pairs(b"u", b"n");

/// Whether a text could be one of these, by its first bytes: asked for each cell.
#[inline]
pub(super) fn may_be_no_value(text: &str) -> bool {
    BEGINNINGS.may_begin(text) && begins_as_no_value(text)
}

fn begins_as_no_value(text: &str) -> bool {
    let Some((&first, behind)) = text.as_bytes().split_first() else {
        return false;
    };
    let next = |at: usize| behind.get(at).map_or(0, u8::to_ascii_lowercase);
    let longest = match first {
        // A number that is wider than its column is as long as that is wide.
        b'#' => return true,
        b'N' | b'n' => match next(0) {
            b'/' | b'.' | b'v' => LONGEST_LIKE_NAMES,
            b'u' if next(1) == b'l' => LONGEST_LIKE_NAMES,
            b'a' | b'o' if next(1) == b'n' => LONGEST_LIKE_NAMES,
            b'i' if matches!(next(1), b'n' | b'l') => LONGEST,
            0xc3 => LONGEST,
            _ => return false,
        },
        b'A' | b'a' if next(0) == b'u' && next(1) == b'c' => LONGEST_LIKE_NAMES,
        b'E' if next(0) == b'r' && next(1) == b'r' => LONGEST,
        b'G' | b'g' | b'L' | b'l' if next(0) == b'e' && next(1) == b'e' => LONGEST_LIKE_NAMES,
        b'K' | b'k' => match next(0) {
            b'.' | b'/' => LONGEST_LIKE_NAMES,
            b'e' if next(1) == b'i' => LONGEST,
            _ => return false,
        },
        b'S' | b's' if next(0) == b'/' => LONGEST_LIKE_NAMES,
        b'T' | b't' if next(0) == b'b' => LONGEST_LIKE_NAMES,
        b'u' if next(0) == b'n' => LONGEST,
        b'\\' | b'(' | b'<' | b'[' | b'{' | b'-' | b'_' | b'.' | b'?' | b'*' | 0xe2 => LONGEST,
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
