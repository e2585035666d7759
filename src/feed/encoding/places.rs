//! Where names have their letters and signs beyond ASCII, and where they have none.
//!
//! All of it speaks against a reading, as a logarithm: 0 where nothing is odd.

use unicode_normalization::UnicodeNormalization;

/// A character beyond ASCII and the two on each side of it in its line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) before: [char; 2],
    pub(super) char: char,
    pub(super) after: [char; 2],
}

/// Where hardly any name has a letter.
#[derive(Clone, Copy)]
enum Odd {
    /// Within a word.
    Within,
    /// Before a vowel.
    BeforeVowel,
    /// Before a consonant other than a last `s`.
    BeforeConsonant,
    /// Before one of these letters.
    Before(&'static str),
    /// At the end of a word.
    AtEnd,
    /// At the end of a word, behind one of these letters.
    AtEndAfter(&'static str),
    /// At the end of a word, behind a consonant.
    AtEndAfterConsonant,
}

/// What one encoding reads as letters of one language, and another as those of another:
/// `Kovačić` as `Kovaèiæ`, `Peña` as `Peńa`.
const ODD: &[(&str, Odd, f64)] = &[
    ("śźń", Odd::BeforeVowel, 4.0),
    ("ő", Odd::BeforeVowel, 2.0),
    ("ă", Odd::Before("oe"), 3.0),
    ("ã", Odd::Before("iu"), 2.0),
    ("ã", Odd::BeforeConsonant, 2.5),
    ("ç", Odd::BeforeConsonant, 3.0),
    ("ç", Odd::AtEnd, 1.5),
    ("þ", Odd::BeforeConsonant, 2.0),
    ("þ", Odd::AtEnd, 3.0),
    ("èæ", Odd::AtEndAfter("iae"), 3.0),
    ("ë", Odd::AtEndAfterConsonant, 3.0),
    ("ì", Odd::Within, 3.0),
    ("ù", Odd::Within, 2.0),
];

pub(super) fn is_letter(char: char) -> bool {
    // The signs of ordinals count as letters in Unicode.
    char.is_alphabetic() && !matches!(char, 'ª' | 'º')
}

/// The small letter; the capital `İ` has none of one character.
pub(super) fn small(char: char) -> char {
    let mut letters = char.to_lowercase();
    match (letters.next(), letters.next()) {
        (Some(small), None) => small,
        _ => char,
    }
}

fn is_vowel(char: char) -> bool {
    if char.is_ascii() {
        return matches!(char.to_ascii_lowercase(), 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
    }
    let base = std::iter::once(char).nfd().next().unwrap_or(char);
    "aeiouyæøœıаеиоуыэюяіїєъ".contains(small(base))
}

impl Place {
    /// What speaks against a letter here.
    pub(super) fn of_letter(self) -> f64 {
        let Self {
            before: [_, before],
            char,
            after: [after, _],
        } = self;
        let (follows, goes_on) = (is_letter(before), is_letter(after));
        let mut against = self.of_case();
        // `à`, `é` and `è` are words.
        if !follows && !goes_on && !"àéè".contains(small(char)) {
            against -= 3.0;
        }
        if follows && goes_on {
            match [before, char, after].map(is_vowel) {
                [true, true, true] if "øæè".contains(small(char)) => against -= 3.0,
                [true, true, true] => against -= 0.7,
                [false, false, false] => against -= 2.0,
                _ => {}
            }
            let is_latin = char < '\u{250}';
            if is_latin && !before.is_ascii() && !after.is_ascii() {
                against -= 2.0;
            }
        }
        let odd = ODD
            .iter()
            .filter(|&&(letters, place, _)| letters.contains(small(char)) && self.is_odd(place));
        against - odd.map(|&(.., cost)| cost).sum::<f64>()
    }

    /// What its case says.
    fn of_case(self) -> f64 {
        let Self {
            before: [second, before],
            char,
            after: [after, next],
        } = self;
        let (follows, goes_on) = (is_letter(before), is_letter(after));
        let mut against = 0.0;
        if char.is_uppercase() {
            if before.is_lowercase() {
                against -= 5.0;
            } else if follows && after.is_lowercase() {
                against -= 1.0;
            } else if follows && after.is_uppercase() && next.is_lowercase() {
                against -= 3.0;
            }
        } else if char.is_lowercase() {
            let ends_in_capitals = !goes_on && second.is_uppercase();
            if before.is_uppercase() && (after.is_uppercase() || ends_in_capitals) {
                against -= 2.0;
            } else if before.is_lowercase() && after.is_uppercase() {
                against -= 4.0;
            }
            // Names, places and jobs begin with a capital.
            if !follows && goes_on {
                against -= 1.2;
            }
        }
        against
    }

    fn is_odd(self, place: Odd) -> bool {
        let Self {
            before: [_, before],
            after: [after, next],
            ..
        } = self;
        let (follows, goes_on) = (is_letter(before), is_letter(after));
        let ends = follows && !goes_on;
        match place {
            Odd::Within => follows && goes_on,
            Odd::BeforeVowel => goes_on && is_vowel(after),
            Odd::BeforeConsonant => {
                goes_on && !is_vowel(after) && (small(after) != 's' || is_letter(next))
            }
            Odd::Before(letters) => goes_on && letters.contains(small(after)),
            Odd::AtEnd => ends,
            Odd::AtEndAfter(letters) => ends && letters.contains(small(before)),
            Odd::AtEndAfterConsonant => ends && !is_vowel(before),
        }
    }

    /// What speaks against a sign here. `is_known`: the text had it before, and a text
    /// that has a sign once has it often.
    pub(super) fn of_sign(self, is_known: bool) -> f64 {
        let Self {
            before: [second, before],
            char: sign,
            after: [after, next],
        } = self;
        let (follows, goes_on) = (is_letter(before), is_letter(after));
        let again = if is_known { 0.3 } else { 1.0 };
        let is_common = "‘’“”«»„–—…€£ªº°®©™\u{a0}´·•§½№".contains(sign);
        match (follows, goes_on, sign) {
            // What no text has: controls, lines of frames, and what the encoding lacks.
            (_, _, '\u{80}'..='\u{9f}' | '\u{2500}'..='\u{259f}' | '\u{fffd}') => -12.0,
            // Between two words, of which the second has a capital more often than not.
            (true, true, '\u{a0}') if !after.is_uppercase() => -4.0,
            (_, _, '\u{a0}') => -1.5 * again,
            // O’Brien, Ann’s, l’été.
            (true, true, '’' | '‘') => {
                let is_elision = !is_letter(second) && (is_vowel(after) || small(after) == 'h');
                if after.is_uppercase() || !is_letter(next) || is_elision {
                    -1.5 * again
                } else {
                    -5.0
                }
            }
            (true, true, '·') if small(before) == 'l' && small(after) == 'l' => -1.5,
            (true, true, '´') => -3.0,
            (true, true, '·') => -5.0,
            (true, true, _) => -7.0,
            (false, false, _) if is_common => -2.5 * again,
            (false, false, _) => -5.0,
            (true, false, '–' | '—' | '•' | '“' | '‘' | '«' | '€')
            | (false, true, '–' | '—' | '•' | '™' | '”' | '»' | '…') => -4.0,
            _ if is_common => -2.5,
            _ => -6.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What speaks against the characters beyond ASCII.
    fn against(text: &str) -> f64 {
        let padded: Vec<char> = format!("  {text}  ").chars().collect();
        let windows = padded.windows(5).filter(|it| !it[2].is_ascii());
        let of_one = |window: &[char]| {
            let place = Place {
                before: [window[0], window[1]],
                char: window[2],
                after: [window[3], window[4]],
            };
            if is_letter(place.char) {
                place.of_letter()
            } else {
                place.of_sign(false)
            }
        };
        windows.map(of_one).sum()
    }

    #[test]
    fn letters_and_signs_where_names_have_them_are_not_odd() {
        for text in [
            "Zoë",
            "Müller",
            "Peña",
            "João",
            "Hélène",
            "Petrović",
            "Noè",
            "MÜLLER",
            "Évreux",
            "Malmø",
            "Bodø",
            "Loïc",
            "Söderman",
            "François",
            "Łódz",
            "à",
        ] {
            let found = against(text);
            assert!(found >= -0.7, "{text}: {found}");
        }
        for text in [
            "O’Brien",
            "Ann’s",
            "l’eau",
            "Ann\u{a0}Bell",
            "col·legi",
            "Ann –",
        ] {
            let found = against(text);
            assert!(found >= -2.5, "{text}: {found}");
        }
    }

    #[test]
    fn letters_and_signs_of_another_encoding_are_odd() {
        for text in [
            "Petroviæ",
            "Kovaèevic",
            "Peńa",
            "Joăo",
            "Hélčne",
            "Sjćlland",
            "Yavaþ",
            "Nìmec",
            "AnnáBell",
            "OÆBrien",
            "RenŽ",
            "Garc’a",
            "Micha³owski",
            "Mareç",
            "Vytë",
            "Nicol•",
        ] {
            let found = against(text);
            assert!(found <= -1.5, "{text}: {found}");
        }
    }
}
