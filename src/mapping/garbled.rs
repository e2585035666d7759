//! Letters that were lost or spoilt before a feed reached hrfeed.
//!
//! The text is valid, so no row is wrong for certain; but people are called otherwise.

use encoding_rs::WINDOWS_1252;

use super::{Bound, Person, shifted};
use crate::model::{Garbled, Remark, Signs};
use crate::schema::FieldKind;

/// What looks spoilt in a person's values, by the field's position in the mapping.
pub fn garbled(bound: &Bound<'_>, person: &Person) -> Vec<(usize, Remark)> {
    // Asked once for all values, since nearly none does. Letters that are encoded twice or lost
    // are beyond these.
    let has_marks = !person.signs().is_without_marks();
    if person.signs().is_western() && !has_marks {
        return Vec::new();
    }
    let fields = bound.mapping().fields().iter().enumerate();
    let of_field = fields.filter_map(|(field, rule)| {
        let text = person
            .text(field)
            .filter(|text| has_marks || !text.is_ascii())?;
        let how = of_text(text, rule.field.kind)?;
        Some((field, Remark::Garbled { how }))
    });
    of_field.collect()
}

fn of_text(text: &str, kind: FieldKind) -> Option<Garbled> {
    let signs = Signs::of(text.as_bytes());
    let beyond_ascii = Some(text).filter(|_| !signs.is_ascii());
    let marked = Some(text).filter(|_| !signs.is_without_marks());
    let is_text = matches!(kind, FieldKind::Text);
    if matches!(kind, FieldKind::Password) {
        None
    } else if beyond_ascii.is_some_and(has_letters_encoded_twice) {
        Some(Garbled::EncodedTwice)
    } else if beyond_ascii.is_some_and(|text| text.contains(char::REPLACEMENT_CHARACTER)) {
        Some(Garbled::LostLetters)
    } else if marked.is_some_and(has_html_code) {
        Some(Garbled::HtmlCodes)
    } else if is_text && marked.is_some_and(shifted::has_any) {
        Some(Garbled::Shifted)
    } else if is_text && marked.is_some_and(has_mark_for_letter) {
        Some(Garbled::MarksForLetters)
    } else {
        None
    }
}

fn has_letters_encoded_twice(text: &str) -> bool {
    runs(text).any(|run| is_encoded_twice(text, run))
}

/// Where two or more characters beyond ASCII follow each other.
fn runs(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = text.as_bytes().get(at..)?;
            let start = at + rest.iter().position(|byte| !byte.is_ascii())?;
            let rest = text.as_bytes().get(start..)?;
            let length = rest.iter().position(u8::is_ascii);
            let end = start + length.unwrap_or(rest.len());
            at = end;
            if text.get(start..end)?.chars().nth(1).is_some() {
                return Some((start, end));
            }
        }
    })
}

/// Whether a run was UTF-8 that a program took for windows-1252, or for an encoding of
/// Macs or DOS, and wrote as UTF-8 again.
fn is_encoded_twice(text: &str, (start, end): (usize, usize)) -> bool {
    let Some(run) = text.get(start..end) else {
        return false;
    };
    let mut chars = run.chars();
    let (first, second) = (chars.next().unwrap_or(' '), chars.next().unwrap_or(' '));
    // The first bytes of `ü` are a root sign on Macs and a line of a frame in DOS.
    if matches!(first, '√' | '├') {
        return true;
    }
    if !matches!(first, '\u{c2}'..='\u{f4}') {
        return false;
    }
    let (bytes, _, is_unmappable) = WINDOWS_1252.encode(run);
    let Some(read) = str::from_utf8(&bytes).ok().filter(|_| !is_unmappable) else {
        // Quotes and dashes around such a letter.
        return run.contains("â€");
    };
    let mut read = read.chars();
    let (Some(letter), None) = (read.next(), read.next()) else {
        // More than two characters do not fit by chance.
        return true;
    };
    if !matches!(letter, '\u{a0}'..='\u{17f}') {
        // Three bytes or more; or two that are not letters of the Latin script.
        return letter > '\u{7ff}';
    }
    // A name in capitals may end in such a letter, with a quote or a dash behind it.
    let before = text.get(..start).and_then(|text| text.chars().next_back());
    let after = text.get(end..).and_then(|text| text.chars().next());
    let is_in_word = after.is_some_and(char::is_alphabetic);
    let is_in_small_word = before.is_some_and(char::is_lowercase);
    let is_typography = matches!(
        second,
        '‘' | '’' | '“' | '”' | '–' | '—' | '…' | '»' | '«' | '›' | '‹'
    );
    first.is_uppercase() && (is_in_word || is_in_small_word || !is_typography)
}

/// Whether a text has a character as HTML writes it: `&eacute;`, `&#233;`.
fn has_html_code(text: &str) -> bool {
    text.split('&').skip(1).any(|rest| {
        let Some((code, _)) = rest.split_once(';') else {
            return false;
        };
        match code.strip_prefix('#') {
            Some(number) => {
                let digits = number.strip_prefix(['x', 'X']).unwrap_or(number);
                let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                is_number && (1..=7).contains(&digits.len())
            }
            None => is_html_name(code),
        }
    })
}

fn is_html_name(name: &str) -> bool {
    let accents = [
        "acute", "grave", "circ", "uml", "tilde", "ring", "cedil", "slash", "caron", "ogon",
    ];
    let is_letter = |begin: &str| matches!(begin.as_bytes(), [byte] if byte.is_ascii_alphabetic());
    let has_accent = |accent: &&str| name.strip_suffix(*accent).is_some_and(is_letter);
    let signs = [
        "amp", "lt", "gt", "quot", "apos", "nbsp", "rsquo", "lsquo", "rdquo", "ldquo", "ndash",
        "mdash", "szlig", "aelig", "AElig", "oelig", "OElig", "euro", "middot", "ordf", "ordm",
    ];
    signs.contains(&name) || accents.iter().any(has_accent)
}

/// Whether `?` is inside a word, where a program could not write the letter.
fn has_mark_for_letter(text: &str) -> bool {
    // An address of the web has it too, and so has what a program wrote for a program.
    if text.contains(['/', '=', '@']) {
        return false;
    }
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let after = chars.peek().copied().unwrap_or(' ');
        // A sentence goes on with a capital.
        let is_inside = before.is_alphabetic()
            && after.is_alphabetic()
            && (after.is_lowercase() || before.is_uppercase());
        if char == '?' && is_inside {
            return true;
        }
        before = char;
    }
    false
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::civil::Date;

    use super::*;
    use crate::feed::Record;
    use crate::mapping::Mapping;
    use crate::model::RowNumber;

    #[track_caller]
    fn check(text: &str, expected: Option<&Garbled>) {
        assert_eq!(of_text(text, FieldKind::Text).as_ref(), expected, "{text}");
    }

    #[test]
    fn a_value_is_judged_whatever_the_one_beside_it_has() {
        let text = "[target]\nsystem = \"kmi\"\nbase_url = \"https://lms.example.com\"\n\
             api_key = { env = \"K\" }\napi_secret = { env = \"S\" }\n[fields]\n\
             externalId = \"A\"\nemail = \"A\"\nfirstName = \"A\"\nlastName = \"B\"\nloginName = \"A\"\n";
        let mapping = Mapping::parse(Path::new("m.toml"), text).unwrap();
        let columns = ["A", "B"].map(String::from);
        let bound = mapping
            .bind(&columns, &[], Date::constant(2026, 11, 23))
            .unwrap();
        let record = Record::of_line(RowNumber::new(2), "Zo\u{eb},\u{c3}\u{a9}cole");
        let mut person = Person::default();
        bound.apply(&record, &mut person, &mut Vec::new()).unwrap();
        let last_name = mapping
            .fields()
            .iter()
            .position(|it| it.field.name == "lastName");
        let how = Garbled::EncodedTwice;
        assert_eq!(
            garbled(&bound, &person),
            [(last_name.unwrap(), Remark::Garbled { how })]
        );
    }

    /// UTF-8 that a program reads as an encoding.
    fn twice(text: &str, encoding: &'static encoding_rs::Encoding) -> String {
        let (text, _) = encoding.decode_without_bom_handling(text.as_bytes());
        text.into_owned()
    }

    #[test]
    fn what_was_encoded_twice_is_recognised() {
        for name in [
            "Müller",
            "René",
            "Émile",
            "Łukasz",
            "Bogumił",
            "Žižka",
            "İbrahim",
            "Sjælland",
            "Ångström",
            "Иван Петров",
            "Γιώργος",
            "山田",
            "O’Brien",
            "MÜLLER",
            "Àngel",
            "Ann – HR",
            "“Bob”",
        ] {
            check(name, None);
            check(&twice(name, WINDOWS_1252), Some(&Garbled::EncodedTwice));
        }
        for name in ["Müller", "René"] {
            check(
                &twice(name, encoding_rs::MACINTOSH),
                Some(&Garbled::EncodedTwice),
            );
        }
        check("M├╝ller", Some(&Garbled::EncodedTwice));
    }

    #[test]
    fn letters_and_signs_that_follow_each_other_are_no_flaw() {
        for text in [
            "Åäö",
            "ÅÄÖ",
            "“IRMÔ",
            "IRMÔ",
            "l’Éÿ",
            "Mª José",
            "«À»",
            "CAFÉ’S",
            "ÄÖÜ",
            "Ýr",
            "Noëë",
            "Þórður",
            "ÇİÇEK",
            "Zoë…",
            "JOÃO",
            "ÁÉÍ",
            "Ölçüm",
            "“Ä…”",
            "Đặng",
            "ÐÍS",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn letters_in_utf_7_and_hz_are_recognised() {
        for text in [
            "Ren+AOk-",
            "M+APw-ller",
            "+AMk-mile",
            "Zo+AOs",
            "+BBgEMgQwBD0-",
            "+c4tc124X-",
            "~{M5P!C7~}",
            "Ann ~{@n~}",
        ] {
            check(text, Some(&Garbled::Shifted));
        }
        for text in [
            "+31 6 1234-5678",
            "+32475123456",
            "R+D-Team",
            "A+B",
            "C++-Developer",
            "Sales+Marketing-BE",
            "+ABC-",
            "HR+ICT-EU",
            "+plus-minus",
            "~{}~",
            "~{a~}",
            "~5",
        ] {
            check(text, None);
        }
        assert_eq!(of_text("ann+AOk-@example.com", FieldKind::Email), None);
    }

    #[test]
    fn letters_that_were_lost_are_recognised() {
        check("Jos\u{fffd}", Some(&Garbled::LostLetters));
        for text in ["M?ller", "J?rg", "M?LLER", "Andr?-Marie K?hn"] {
            check(text, Some(&Garbled::MarksForLetters));
        }
        for text in [
            "Who?",
            "Ready?Go",
            "https://a.example/b?c",
            "a?b=c",
            "? (unknown)",
            "5?6",
        ] {
            check(text, None);
        }
        assert_eq!(of_text("a?b", FieldKind::Login), None);
        assert_eq!(of_text("a&amp;b", FieldKind::Password), None);
    }

    #[test]
    fn characters_as_html_writes_them_are_recognised() {
        for text in [
            "Ren&eacute;e",
            "M&uuml;ller",
            "R&amp;D",
            "O&#39;Brien",
            "O&#x27;Brien",
        ] {
            check(text, Some(&Garbled::HtmlCodes));
        }
        for text in [
            "R&D",
            "Sales & HR; Ghent",
            "R&D; Ops",
            "A&B;",
            "&;",
            "&#;",
            "Fish&Chips;",
        ] {
            check(text, None);
        }
    }
}
