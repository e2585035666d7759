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
                push_capital(letters, among_capitals, &mut ascii);
            } else {
                ascii.push_str(letters);
            }
            before = Some(char).filter(|it| it.is_alphabetic());
        }
        // Signs of scripts without an alphabet are syllables with a space behind.
        let ascii = ascii.split_whitespace().collect::<Vec<_>>().join(" ");
        (!ascii.is_empty()).then_some(Cow::Owned(ascii))
    }

    /// What stands for one character.
    fn letters(self, char: char) -> Option<&'static str> {
        let of_german = match char {
            'ä' | 'Ä' => "ae",
            'ö' | 'Ö' => "oe",
            'ü' | 'Ü' => "ue",
            _ => "",
        };
        if self == Self::German && !of_german.is_empty() {
            return Some(of_german);
        }
        let letters = deunicode_char(char)?;
        // A picture is not a letter, whatever its name.
        let is_named = !char.is_alphanumeric() && letters.contains(|it: char| it.is_alphabetic());
        let is_question = letters.contains('?') && char != '?';
        (!is_named && !is_question).then_some(letters)
    }
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
