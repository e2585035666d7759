//! `title`: names in capitals, or in small letters, as people write them.

use std::borrow::Cow;

use crate::schema::{Field, System};

/// Which names a field has: where particles begin follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamePart {
    /// Last names: particles are at their start.
    Last,
    /// What is between first and last name: nothing but particles, or another first name.
    Middle,
    /// First names, whole names, and all else: a particle is never the first word.
    Other,
}

impl NamePart {
    /// What a field of a system has.
    pub(super) fn of(field: &Field, system: System) -> Self {
        if system.spec().names.last() == Some(&field.name) {
            Self::Last
        } else if field.name == "middleName" {
            Self::Middle
        } else {
            Self::Other
        }
    }
}

/// Particles of Dutch, German, French, Spanish, Portuguese and Swedish names. Those of
/// Italian names (`Di Maio`) have a capital.
const PARTICLES: [&str; 22] = [
    "af", "da", "das", "de", "del", "den", "der", "des", "do", "dos", "du", "het", "ten", "ter",
    "te", "van", "vom", "von", "zu", "zum", "zur", "'t",
];

/// Those that begin a name only before another one: `op den Akker`.
const BEFORE_PARTICLES: [&str; 4] = ["aan", "auf", "op", "uit"];

/// Articles: particles behind another one only (`de la Cruz`, and `La Fontaine`).
const ARTICLES: [&str; 5] = ["la", "las", "le", "les", "los"];

/// What joins two last names: `Ortega y Gasset`. In a whole name it may be an initial.
const JOINING: [&str; 2] = ["e", "y"];

/// Behind a name.
const NUMERALS: [&str; 5] = ["ii", "iii", "iv", "vii", "viii"];

/// Words before an apostrophe, beside single letters, behind which a name begins.
const BEFORE_APOSTROPHE: [&str; 5] = ["all", "dall", "dell", "nell", "sant"];

/// What follows `Mac` with a capital. Most names that begin so have none: `Macron`.
const AFTER_MAC: [&str; 20] = [
    "allister", "arthur", "askill", "aulay", "bride", "callum", "donald", "donnell", "dougall",
    "farlane", "gregor", "intosh", "intyre", "kinnon", "lachlan", "leod", "millan", "neil",
    "neill", "pherson",
];

/// A name that is all in capitals, or all in small letters, with capitals where names have
/// them. A name that mixes them stays as it is: somebody has used care of it.
pub(super) fn title(text: &str, part: NamePart) -> Cow<'_, str> {
    let (mut has_capital, mut has_small) = (false, false);
    for char in text.chars().filter(|char| !is_small_in_capitals(*char)) {
        has_capital |= char.is_uppercase();
        has_small |= char.is_lowercase();
    }
    if has_capital == has_small {
        return Cow::Borrowed(text);
    }
    let small = in_small_letters(text);
    let name = Name::new(&small, part, is_turkish(text));
    let mut titled = String::with_capacity(text.len() + 2);
    let as_written = text.split_inclusive(char::is_whitespace);
    for (at, (word, written)) in name.words.iter().zip(as_written).enumerate() {
        if word.contains(char::is_numeric) {
            titled.push_str(written);
        } else if name.is_particle(at) {
            titled.push_str(word);
        } else if at > 0 && at + 1 == name.words.len() && NUMERALS.contains(&word.trim_end()) {
            titled.push_str(&word.to_uppercase());
        } else {
            name.push_word(at, word, &mut titled);
        }
    }
    Cow::Owned(titled)
}

/// Letters that have no capital where everything else is in capitals: `STRAUß`, `Mª`.
const fn is_small_in_capitals(char: char) -> bool {
    matches!(char, 'ß' | 'ª' | 'º')
}

/// Only Turkish and Azerbaijani have these letters, and two of what others call `i`.
fn is_turkish(text: &str) -> bool {
    text.contains(['İ', 'ı'])
}

fn in_small_letters(text: &str) -> String {
    if is_turkish(text) {
        let small = |char| match char {
            'İ' => 'i',
            'I' => 'ı',
            char => char,
        };
        text.chars().map(small).collect::<String>().to_lowercase()
    } else {
        text.to_lowercase()
    }
}

/// A name in small letters, by its words with the white space behind them.
struct Name<'n> {
    words: Vec<&'n str>,
    part: NamePart,
    /// How many words the last name in front has: `van den Berg, Jan`.
    before_comma: Option<usize>,
    is_turkish: bool,
}

impl<'n> Name<'n> {
    fn new(small: &'n str, part: NamePart, is_turkish: bool) -> Self {
        let words: Vec<_> = small.split_inclusive(char::is_whitespace).collect();
        let comma = words.iter().position(|word| word.trim_end().ends_with(','));
        Self {
            before_comma: comma.map(|at| at + 1),
            is_turkish,
            words,
            part,
        }
    }

    /// The word at a place, without white space.
    fn word(&self, at: usize) -> Option<&'n str> {
        self.words.get(at).map(|word| word.trim_end())
    }

    fn is_one_of(&self, at: usize, words: &[&str]) -> bool {
        self.word(at).is_some_and(|word| words.contains(&word))
    }

    /// Whether the word at a place may belong to a last name.
    fn is_in_last_name(&self, at: usize) -> bool {
        at > 0 || self.part == NamePart::Last || self.before_comma.is_some()
    }

    /// Whether a word is a particle, which begins with a small letter.
    fn is_particle(&self, at: usize) -> bool {
        if self.part == NamePart::Middle && self.is_one_of(at, &PARTICLES) {
            return true;
        }
        let is_last = at + 1 == self.words.len();
        // `Berg, Jan van den`
        let ends_behind_comma = self.before_comma.is_some_and(|comma| at > comma);
        if !self.is_in_last_name(at) || (is_last && !ends_behind_comma) {
            return self.part == NamePart::Middle && self.is_article(at);
        }
        let precedes = self.is_one_of(at + 1, &PARTICLES);
        match self.word(at) {
            Some(word) if PARTICLES.contains(&word) => true,
            Some(word) if BEFORE_PARTICLES.contains(&word) => at > 0 || precedes,
            Some("in") => precedes,
            // `von und zu Guttenberg`
            Some("und") => at > 0 && precedes && self.is_one_of(at - 1, &PARTICLES),
            Some(word) if JOINING.contains(&word) => at > 0 && self.part == NamePart::Last,
            _ => self.is_article(at),
        }
    }

    fn is_article(&self, at: usize) -> bool {
        let before = at.checked_sub(1);
        self.is_one_of(at, &ARTICLES) && before.is_some_and(|at| self.is_one_of(at, &PARTICLES))
    }

    /// Adds a word whose parts begin with capitals: `Jean-Pierre`.
    fn push_word(&self, at: usize, word: &str, titled: &mut String) {
        const HYPHENS: [char; 4] = ['-', '\u{2010}', '\u{2011}', '–'];
        let is_last = at + 1 == self.words.len();
        let mut parts = word.split_inclusive(HYPHENS).peekable();
        let mut is_first = true;
        while let Some(part) = parts.next() {
            let plain = part.trim_end_matches(HYPHENS).trim_end();
            // `Berg-de Vries`
            let is_particle =
                !is_first && PARTICLES.contains(&plain) && (parts.peek().is_some() || !is_last);
            if is_particle {
                titled.push_str(part);
            } else {
                self.push_part(at > 0 || !is_first, at, part, titled);
            }
            is_first = false;
        }
    }

    /// Adds what is between two hyphens: `O'Brien`, `d'Angelo`, `Isma'il`.
    fn push_part(&self, may_follow: bool, at: usize, part: &str, titled: &mut String) {
        const APOSTROPHES: [char; 4] = ['\'', '’', 'ʼ', '`'];
        let is_of_last_name = may_follow || self.is_in_last_name(at);
        let Some((before, rest)) = part.split_once(APOSTROPHES) else {
            self.push_begun(is_of_last_name, part, titled);
            return;
        };
        let letters = rest.chars().take_while(|char| char.is_alphabetic());
        let begins = letters.count() > 1;
        let is_elided = before == "d" && rest.starts_with(is_vowel_or_h) && is_of_last_name;
        if is_elided {
            titled.push_str(before);
        } else {
            self.push_begun(is_of_last_name, before, titled);
        }
        let apostrophe = part.get(before.len()..part.len() - rest.len());
        titled.push_str(apostrophe.unwrap_or_default());
        let is_short = before.chars().nth(1).is_none();
        if begins && (is_short || BEFORE_APOSTROPHE.contains(&before)) {
            self.push_begun(is_of_last_name, rest, titled);
        } else {
            titled.push_str(rest);
        }
    }

    /// Adds a piece with a capital in front, and behind what is not a letter: `J.P.`, `(Ann`.
    fn push_begun(&self, is_of_last_name: bool, piece: &str, titled: &mut String) {
        let mut before = None;
        let mut rest = piece;
        while let Some(char) = rest.chars().next() {
            let begins = before.is_none_or(|it: char| !it.is_alphabetic() && !is_mark(it));
            let used = if !begins {
                0
            } else if is_dutch_ij(rest) {
                titled.push_str("IJ");
                2
            } else {
                let prefix = scottish(rest)
                    .filter(|_| is_of_last_name)
                    .unwrap_or_default();
                let mut letters = prefix.chars();
                titled.extend(letters.next().map(|first| self.capital(first)));
                titled.push_str(letters.as_str());
                prefix.len()
            };
            if used > 0 {
                // Behind `Mc` another capital begins.
                before = rest.get(..used).and_then(|it| it.chars().last());
                before = before.filter(|last| *last == 'j');
                rest = rest.get(used..).unwrap_or_default();
                continue;
            }
            titled.push(if begins { self.capital(char) } else { char });
            before = Some(char);
            rest = rest.get(char.len_utf8()..).unwrap_or_default();
        }
    }

    /// The capital of a letter, where it is one letter.
    fn capital(&self, char: char) -> char {
        // Georgian is written without capitals.
        let has_capital = !matches!(char, '\u{10d0}'..='\u{10ff}');
        let mut capitals = char.to_uppercase();
        match (capitals.next(), capitals.next()) {
            _ if self.is_turkish && char == 'i' => 'İ',
            (Some(capital), None) if has_capital => capital,
            _ => char,
        }
    }
}

/// What is before the second capital of a Scottish or Irish name.
fn scottish(rest: &str) -> Option<&str> {
    let end = rest.find(|char: char| !char.is_alphabetic());
    let word = rest.get(..end.unwrap_or(rest.len()))?;
    let has_capital = match word.strip_prefix("mac") {
        Some(after) => AFTER_MAC.contains(&after),
        None => word.strip_prefix("mc").is_some_and(|after| after.len() > 1),
    };
    let length = if word.starts_with("mac") { 3 } else { 2 };
    has_capital.then(|| word.get(..length)).flatten()
}

/// Whether a word begins with the Dutch letter of two: `IJsbrand`, and not `Ijeoma`.
fn is_dutch_ij(rest: &str) -> bool {
    let after = rest.strip_prefix("ij");
    after.is_some_and(|after| !after.starts_with(is_vowel_or_h))
}

fn is_vowel_or_h(char: char) -> bool {
    use unicode_normalization::UnicodeNormalization;
    let base = char.nfd().next().unwrap_or(char);
    matches!(
        base,
        'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'h' | 'æ' | 'œ' | 'ı'
    )
}

fn is_mark(char: char) -> bool {
    matches!(char, '\u{300}'..='\u{36f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::NamePart::{Last, Middle, Other};
    use super::*;

    #[track_caller]
    fn check(part: NamePart, cases: &[(&str, &str)]) {
        for (text, name) in cases {
            assert_eq!(title(text, part), *name, "{text}");
        }
    }

    #[test]
    fn particles_are_small_at_the_start_of_a_last_name_and_in_the_middle_of_a_whole_one() {
        check(
            Last,
            &[
                ("VAN DER BERG", "van der Berg"),
                ("van der berg", "van der Berg"),
                ("VON TRAPP", "von Trapp"),
                ("DE LA CRUZ", "de la Cruz"),
                ("DE LA CRUZ Y SANTOS", "de la Cruz y Santos"),
                ("'T HOF", "'t Hof"),
                ("IN 'T VELD", "in 't Veld"),
                ("OP DEN AKKER", "op den Akker"),
                ("BERG-DE VRIES", "Berg-de Vries"),
                ("VAN DEN BERG-VAN DIJK", "van den Berg-van Dijk"),
                ("D'ANGELO", "d'Angelo"),
                ("D’HONDT", "d’Hondt"),
                ("D'SOUZA", "D'Souza"),
                ("DA SILVA", "da Silva"),
                // Names of their own.
                ("VAN", "Van"),
                ("LE", "Le"),
                ("LA FONTAINE", "La Fontaine"),
                ("LE PEN", "Le Pen"),
                ("DI MAIO", "Di Maio"),
                ("IN", "In"),
            ],
        );
        check(
            Other,
            &[
                ("IVA VAN 'T HOF", "Iva van 't Hof"),
                ("JAN VAN DER BERG", "Jan van der Berg"),
                ("AL GORE", "Al Gore"),
                (
                    "LUDWIG VON UND ZU GUTTENBERG",
                    "Ludwig von und zu Guttenberg",
                ),
                ("VAN MORRISON", "Van Morrison"),
                ("JOHN E SMITH", "John E Smith"),
                ("MARIA DE LOS ANGELES", "Maria de los Angeles"),
                ("OLIVIA D'ANGELO", "Olivia d'Angelo"),
                ("D'ANGELO", "D'Angelo"),
                ("VAN DER BERG, JAN", "van der Berg, Jan"),
                ("BERG, JAN VAN DER", "Berg, Jan van der"),
                ("DEN HAAG", "Den Haag"),
                ("'S-HERTOGENBOSCH", "'s-Hertogenbosch"),
                ("ALPHEN AAN DEN RIJN", "Alphen aan den Rijn"),
            ],
        );
        check(
            Middle,
            &[("VAN DER", "van der"), ("DE LA", "de la"), ("ANN", "Ann")],
        );
    }

    #[test]
    fn parts_of_a_name_begin_with_capitals() {
        check(
            Last,
            &[
                ("SMITH-JONES", "Smith-Jones"),
                ("O'BRIEN", "O'Brien"),
                ("o’brien", "O’Brien"),
                ("DELL'AQUILA", "Dell'Aquila"),
                ("PETER'S", "Peter's"),
                ("MCDONALD", "McDonald"),
                ("MACLEOD", "MacLeod"),
                ("MACRON", "Macron"),
                ("MACHADO", "Machado"),
                ("IJSSEL", "IJssel"),
                ("SMITH III", "Smith III"),
                ("smith jr.", "Smith Jr."),
            ],
        );
        check(
            Other,
            &[
                ("JEAN-PIERRE", "Jean-Pierre"),
                ("J.P.", "J.P."),
                ("j.p. van dam", "J.P. van Dam"),
                ("ANN (ANNE)", "Ann (Anne)"),
                ("ISMA'IL", "Isma'il"),
                ("IJEOMA", "Ijeoma"),
                ("MCEBISI", "Mcebisi"),
                ("JOHN MCKAY", "John McKay"),
                ("ELIZABETH II", "Elizabeth II"),
                ("STREET 12A", "Street 12A"),
            ],
        );
    }

    #[test]
    fn letters_beyond_ascii_have_their_capitals_and_no_others() {
        check(
            Last,
            &[
                ("ÉMILE ÖZ", "Émile Öz"),
                ("STRAUß", "Strauß"),
                ("STRAU\u{1e9e}", "Strauß"),
                ("STRAUSS", "Strauss"),
                ("ΠΑΠΑΔΟΠΟΥΛΟΣ", "Παπαδοπουλος"),
                ("ИВАНОВ", "Иванов"),
                ("İNÖNÜ", "İnönü"),
                ("YILDIZ İNAN", "Yıldız İnan"),
                ("yıldız inan", "Yıldız İnan"),
                ("YILDIZ", "Yildiz"),
                ("გიორგი", "გიორგი"),
                ("王小明", "王小明"),
                ("GARCÍA Mª", "García Mª"),
            ],
        );
    }

    #[test]
    fn a_name_that_has_capitals_and_small_letters_stays_as_it_is() {
        for text in [
            "McDonald",
            "Van Der Berg",
            "de Vries",
            "Jan DE VRIES",
            "12",
            "",
            "- -",
        ] {
            check(Last, &[(text, text)]);
            check(Other, &[(text, text)]);
        }
    }

    proptest! {
        #[test]
        fn a_titled_name_is_the_same_name_and_stays_as_it_is(
            text in "([A-Z' .,-]{0,24}|[\\PC]{0,12}|((VAN|DE|LA|IN|OP|Y|MC|MAC|IJ|D'|II|É)[ -]?){0,5})",
        ) {
            for text in [text.clone(), text.to_uppercase(), text.to_lowercase()] {
                for part in [Last, Middle, Other] {
                    let once = title(&text, part);
                    prop_assert_eq!(&title(&once, part), &once);
                    if text.is_ascii() {
                        prop_assert!(once.eq_ignore_ascii_case(&text), "{}", once);
                    }
                }
            }
        }
    }
}
