//! In how many ways one name is spelled.

use unicode_normalization::UnicodeNormalization as _;

/// A text without case, accents, white space and punctuation.
#[must_use]
pub fn normalized(text: &str) -> String {
    if text.is_ascii() {
        let letters = text.bytes().filter(u8::is_ascii_alphanumeric);
        return letters
            .map(|it| char::from(it.to_ascii_lowercase()))
            .collect();
    }
    let mut plain = String::with_capacity(text.len());
    let chars = text.nfkd().filter(|char| char.is_alphanumeric());
    for char in chars.flat_map(char::to_lowercase) {
        match plain_letters(char) {
            Some(letters) => plain.push_str(letters),
            None => plain.push(char),
        }
    }
    plain
}

/// What stands for a letter that is not one with a sign above or below it.
const fn plain_letters(char: char) -> Option<&'static str> {
    match char {
        'ß' => Some("ss"),
        'æ' => Some("ae"),
        'œ' => Some("oe"),
        'ø' => Some("o"),
        'ł' => Some("l"),
        'đ' | 'ð' => Some("d"),
        'ı' => Some("i"),
        _ => None,
    }
}

/// A name with its signs for "number" in letters: `Employee #` is a number, and not an
/// employee.
pub(super) fn spelled_out(name: &str) -> String {
    if !name.contains(['#', '№', '°', 'º']) {
        return name.to_owned();
    }
    let mut name = name.replace(['#', '№'], " no ");
    for sign in ["n°", "N°", "nº", "Nº"] {
        name = name.replace(sign, " no ");
    }
    name
}

/// Words that are left out between others: `date d'embauche`, `DateEmbauche`.
const BETWEEN: &str = "de d del di do da du des dos das della dell of the la le les l";

/// What ends with the first is also written with the second.
const SHORT: &[(&str, &str)] = &[
    ("nummer", "nr"),
    ("number", "no"),
    ("number", "nr"),
    ("number", "num"),
    ("numero", "no"),
    ("numero", "num"),
    ("numer", "nr"),
    ("telephone", "tel"),
    ("telefoon", "tel"),
    ("telefono", "tel"),
    ("telefone", "tel"),
    ("telefon", "tel"),
    ("telefonnummer", "tel"),
    ("telefoonnummer", "tel"),
    ("toevoeging", "toev"),
    ("dienstlich", "dienstl"),
    ("geschaftlich", "geschaftl"),
    ("geschaftlich", "gesch"),
    ("zakelijk", "zak"),
    ("professionnel", "prof"),
    ("privat", "priv"),
    ("prive", "priv"),
];

/// How else a name is written, normalized: `Strasse` and `Taetigkeit`, without the words
/// between others, and with words cut short.
pub(super) fn variants(name: &str) -> Vec<String> {
    let words = |text: &str| {
        let words = text.split(|char: char| !char.is_alphanumeric());
        let words = words.map(normalized).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>()
    };
    let mut all = vec![words(name)];
    if !name.is_ascii() {
        all.push(words(&in_two_letters(name)));
    }
    for at in 0..all.len() {
        let is_between = |word: &String| BETWEEN.split(' ').any(|it| it == word);
        let mut fewer = all[at].clone();
        fewer.retain(|word| !is_between(word));
        if fewer.len() >= 2 {
            all.push(fewer);
        }
    }
    // Each cut makes a word shorter, so that this ends.
    let mut at = 0;
    while at < all.len() {
        for (long, short) in SHORT {
            let Some(position) = all[at].iter().position(|word| word.ends_with(long)) else {
                continue;
            };
            let mut cut = all[at].clone();
            let start = cut[position].len() - long.len();
            // A word that is short anyway says too little: `number` alone.
            if cut.len() > 1 || start > 0 {
                cut[position].replace_range(start.., short);
                all.push(cut);
            }
        }
        at += 1;
    }
    let mut names: Vec<_> = all.iter().map(|words| words.concat()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// `ae` for `ä`, as where only the letters of English can be written.
fn in_two_letters(name: &str) -> String {
    let mut written = String::with_capacity(name.len());
    for char in name.nfc().flat_map(char::to_lowercase) {
        match char {
            'ä' => written.push_str("ae"),
            'ö' | 'ø' => written.push_str("oe"),
            'ü' => written.push_str("ue"),
            'å' => written.push_str("aa"),
            char => written.push(char),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_any_language_are_compared_by_those_that_a_file_may_be_limited_to() {
        for (text, plain) in [
            ("Straße", "strasse"),
            ("STRASSE", "strasse"),
            ("Fødselsdato", "fodselsdato"),
            ("Płeć", "plec"),
            ("Prénom usuel", "prenomusuel"),
            ("Ｅ－ｍａｉｌ", "email"),
            ("氏名", "氏名"),
        ] {
            assert_eq!(normalized(text), plain);
        }
    }

    #[test]
    fn a_name_has_the_forms_in_which_files_have_it() {
        for (name, form) in [
            ("Tätigkeit", "taetigkeit"),
            ("Fødselsdato", "foedselsdato"),
            ("date d'embauche", "dateembauche"),
            ("número de empleado", "numempleado"),
            ("huisnummer toevoeging", "huisnummertoev"),
            ("rijksregisternummer", "rijksregisternr"),
            ("Telefon privat", "telprivat"),
        ] {
            assert!(variants(name).iter().any(|it| it == form), "{name}: {form}");
        }
        assert_eq!(variants("number"), ["number"]);
    }
}
