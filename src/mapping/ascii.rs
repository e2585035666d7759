//! `ascii`: letters as the nearest ones of ASCII, for logins.

use std::borrow::Cow;

use deunicode::deunicode_char;

/// How letters are written that several languages write differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ascii {
    /// Without what is above and below them: `Müller` is `Muller`.
    Plain,
    /// As in German: `Müller` is `Mueller`.
    German,
}

impl Ascii {
    /// The text in ASCII. `None` if a character has no counterpart there, or nothing is
    /// left.
    pub(super) fn of(self, text: &str) -> Option<Cow<'_, str>> {
        if text.is_ascii() {
            return Some(Cow::Borrowed(text));
        }
        let mut ascii = String::with_capacity(text.len());
        let mut before = None;
        let mut chars = text.chars().peekable();
        while let Some(char) = chars.next() {
            let letters = self.letters(char)?;
            // `Æ` is `AE` among capitals, and `Ae` in front of small letters.
            let neighbour = chars.peek().copied().filter(|it| it.is_alphabetic());
            let neighbour = neighbour.or(before);
            if letters.len() > 1 && char.is_uppercase() {
                let among_capitals = neighbour.is_some_and(char::is_uppercase);
                push_capital(&letters, among_capitals, &mut ascii);
            } else {
                ascii.push_str(&letters);
            }
            before = Some(char).filter(|it| it.is_alphabetic());
        }
        // Signs of scripts without an alphabet are syllables with a space behind.
        let ascii = ascii.split_whitespace().collect::<Vec<_>>().join(" ");
        (!ascii.is_empty()).then_some(Cow::Owned(ascii))
    }

    /// What stands for one character.
    fn letters(self, char: char) -> Option<Cow<'static, str>> {
        let known = match char {
            'ä' | 'Ä' if self == Self::German => "ae",
            'ö' | 'Ö' if self == Self::German => "oe",
            'ü' | 'Ü' if self == Self::German => "ue",
            // As passports have them.
            'ə' => "e",
            'Ə' => "E",
            'ь' | 'Ь' | 'ー' => "",
            // Apostrophes that count as letters: `Kaʻahumanu`.
            '\u{2b9}' | '\u{2bb}'..='\u{2bf}' => "'",
            _ if char.is_alphabetic() => return deunicode_char(char).and_then(of_letter),
            _ => {
                let letters = deunicode_char(char)?;
                // A picture is not a letter, whatever its name.
                let is_named = letters.contains(|it: char| it.is_alphabetic());
                let is_question = letters.contains('?') && char != '?';
                return (!is_question && (!is_named || char.is_alphanumeric()))
                    .then_some(letters.into());
            }
        };
        Some(known.into())
    }
}

/// What stands for a letter, without the marks that tell it from others of its alphabet:
/// `k'` is `k`. A letter for which there are nothing but marks has no counterpart.
fn of_letter(letters: &'static str) -> Option<Cow<'static, str>> {
    let is_mark = |it: char| !it.is_ascii_alphanumeric() && it != ' ';
    if !letters.contains(is_mark) {
        return Some(letters.into());
    }
    let without = letters.replace(is_mark, "");
    (!without.is_empty() && !letters.contains('?')).then_some(without.into())
}

fn push_capital(letters: &str, among_capitals: bool, ascii: &mut String) {
    let mut rest = letters.chars();
    ascii.extend(rest.next().map(|first| first.to_ascii_uppercase()));
    let of_rest = if among_capitals {
        char::to_ascii_uppercase
    } else {
        char::to_ascii_lowercase
    };
    ascii.extend(rest.map(|letter| of_rest(&letter)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(how: Ascii, cases: &[(&str, Option<&str>)]) {
        for (text, ascii) in cases {
            assert_eq!(how.of(text).as_deref(), *ascii, "{text}");
        }
    }

    #[test]
    fn letters_are_written_as_the_nearest_of_ascii() {
        check(
            Ascii::Plain,
            &[
                ("Zoë Müller", Some("Zoe Muller")),
                ("Łukasz Groß", Some("Lukasz Gross")),
                ("Søren Ærø", Some("Soren Aero")),
                ("Þór", Some("Thor")),
                ("ÞÓR", Some("THOR")),
                ("İnönü Şık", Some("Inonu Sik")),
                ("O’Brien", Some("O'Brien")),
                ("Иванов", Some("Ivanov")),
                ("ЩУКИН", Some("SHCHUKIN")),
                ("Παπαδόπουλος", Some("Papadopoulos")),
                ("王小明", Some("Wang Xiao Ming")),
                ("e\u{301}", Some("e")),
                ("Ольга Ґудзь", Some("Olga Gudz")),
                ("Қанат Əliyev", Some("Kanat Eliyev")),
                ("ფეტრე", Some("petre")),
                ("Պողոս", Some("Poghos")),
                ("Ka\u{2bb}ahumanu", Some("Ka'ahumanu")),
                ("マリー", Some("mari")),
                ("Ann", Some("Ann")),
                ("Ann?", Some("Ann?")),
            ],
        );
        check(
            Ascii::German,
            &[
                ("Müller", Some("Mueller")),
                ("MÜLLER", Some("MUELLER")),
                ("Ärzte Öz Ü", Some("Aerzte Oez Ue")),
                ("Groß", Some("Gross")),
                ("Zoë", Some("Zoe")),
            ],
        );
    }

    #[test]
    fn what_has_no_counterpart_is_no_text() {
        for text in [
            "\u{1f600}",
            "Ann \u{2764}",
            "\u{e000}",
            "\u{bf}que",
            "\u{fffd}",
            "\u{200b}",
            // Letters of which nothing but a mark would remain.
            "\u{639}",
            "\u{639}\u{645}\u{631}",
            "\u{623}\u{62d}\u{645}\u{62f}",
            "\u{641}\u{627}\u{637}\u{645}\u{629}",
            "\u{645}\u{635}\u{637}\u{641}\u{649}",
            "佐々木",
            "Въло",
        ] {
            check(Ascii::Plain, &[(text, None)]);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_in_ascii_is_ascii_and_never_empty(text in "\\PC{1,24}") {
            for how in [Ascii::Plain, Ascii::German] {
                if let Some(ascii) = how.of(&text) {
                    prop_assert!(ascii.is_ascii() && !ascii.is_empty(), "{:?}", ascii);
                    prop_assert!(ascii.matches('?').count() <= text.matches('?').count());
                    let again = how.of(&ascii);
                    prop_assert_eq!(again.as_deref(), Some(ascii.as_ref()));
                }
            }
        }
    }
}
