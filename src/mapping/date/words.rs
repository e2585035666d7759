//! The names of months and of days of the week in English, Dutch, German, French and Spanish.

use jiff::civil::Date;
use unicode_normalization::UnicodeNormalization as _;

/// For each month its names without accents. A text is a month if only that
/// month's names begin with it.
const MONTHS: [&str; 12] = [
    "january januari januar janner janvier enero",
    "february februari februar feber fevrier febrero",
    "march maart mrt marz maerz mrz mars marzo",
    "april avril abril",
    "may mei mai mayo",
    "june juni juin junio",
    "july juli juillet julio",
    "august augustus aout agosto",
    "september septembre septiembre setiembre",
    "october oktober octobre octubre",
    "november novembre noviembre",
    "december dezember decembre diciembre",
];

/// The fewest letters of a month's name.
const FEWEST: usize = 3;

/// The month that the text begins with, from 1, and the rest of the text.
pub(super) fn month(text: &str) -> Option<(i8, &str)> {
    let end = text
        .char_indices()
        .find(|(_, char)| !char.is_alphabetic() && !is_accent(*char))
        .map_or(text.len(), |(at, _)| at);
    let (word, rest) = text.split_at_checked(end)?;
    let word = plain(word);
    if word.len() < FEWEST {
        return None;
    }
    let mut months = (1..).zip(MONTHS).filter(|(_, names)| {
        let mut names = names.split(' ');
        names.any(|name| name.starts_with(&word))
    });
    match (months.next(), months.next()) {
        (Some((month, _)), None) => Some((month, rest)),
        _ => None,
    }
}

/// For each day of the week its names, from Monday on, without accents. `sobota` is Czech,
/// whose abbreviation is that of a German Sunday.
const WEEKDAYS: [&str; 7] = [
    "monday maandag montag lundi lunes",
    "tuesday dinsdag dienstag mardi martes",
    "wednesday woensdag mittwoch mercredi miercoles",
    "thursday donderdag donnerstag jeudi jueves",
    "friday vrijdag freitag vendredi viernes",
    "saturday zaterdag samstag sonnabend samedi sabado sobota",
    "sunday zondag sonntag dimanche domingo",
];

/// The days of the week that a word can mean.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weekdays {
    /// A bit for each, from Monday on; none if the word is not known.
    bits: u8,
}

impl Weekdays {
    /// Whether such a date can be meant. A word of another language says nothing.
    pub(super) fn may_be_of(self, day: Date) -> bool {
        // Most dates are without a word, and which day it is takes a calculation.
        self.bits == 0 || self.bits >> day.weekday().to_monday_zero_offset() & 1 == 1
    }
}

/// The days of the week that the text begins with, and the rest of the text.
pub(super) fn weekday(text: &str) -> Option<(Weekdays, &str)> {
    let rest = letters(text)?;
    let word = plain(text.strip_suffix(rest).unwrap_or(text));
    // One letter is of too many languages.
    let is_of = |names: &&str| word.len() > 1 && names.split(' ').any(|it| it.starts_with(&word));
    let days = (0..).zip(WEEKDAYS).filter(|(_, names)| is_of(names));
    let bits = days.fold(0, |bits, (day, _)| bits | 1 << day);
    Some((Weekdays { bits }, rest))
}

/// The letters that are behind the day in a date with the name of a month: `1er`, `5th`,
/// `5.`, `5º`. The rest of the text.
pub(super) fn behind_day(text: &str) -> &str {
    let rest = letters(text).unwrap_or(text);
    match text.strip_suffix(rest).unwrap_or_default() {
        "er" | "st" | "nd" | "rd" | "th" | "º" => rest,
        _ => text.strip_prefix(['.', '°']).unwrap_or(text),
    }
}

/// What is between the day, the month and the year in Spanish and Portuguese. The rest of
/// the text.
pub(super) fn without_of(text: &str) -> &str {
    let rest = text
        .strip_prefix("de ")
        .or_else(|| text.strip_prefix("del "));
    rest.map_or(text, str::trim_start)
}

/// A day of the week or a zone's name: letters, whatever they say. The rest of the text.
pub(super) fn letters(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|char: char| char.is_alphabetic() || is_accent(char));
    (rest.len() < text.len()).then_some(rest)
}

/// In lower case and without accents.
fn plain(word: &str) -> String {
    word.nfd()
        .filter(|char| !is_accent(*char))
        .flat_map(char::to_lowercase)
        .collect()
}

fn is_accent(char: char) -> bool {
    matches!(char, '\u{300}'..='\u{36f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_known_by_names_and_abbreviations_in_five_languages() {
        for (text, expected) in [
            ("MAR", 3),
            ("mrt", 3),
            ("Mrz", 3),
            ("März", 3),
            ("Ma\u{308}rz", 3),
            ("Jänner", 1),
            ("ene", 1),
            ("févr", 2),
            ("août", 8),
            ("AOU", 8),
            ("juil", 7),
            ("juin", 6),
            ("Sept", 9),
            ("dic", 12),
            ("Dez", 12),
            ("déc", 12),
            ("mei", 5),
            ("MAYO", 5),
        ] {
            assert_eq!(month(text), Some((expected, "")), "{text}");
        }
        assert_eq!(month("Oct 1985"), Some((10, " 1985")));
    }

    #[test]
    fn what_could_be_two_months_or_none_is_no_month() {
        for text in [
            "ju",
            "jui",
            "ma",
            "",
            "3",
            "Januaryy",
            "Foo",
            "é",
            "m\u{fffd}",
        ] {
            assert_eq!(month(text), None, "{text}");
        }
    }
}
