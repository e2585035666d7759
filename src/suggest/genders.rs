//! What a column's words for a gender must be translated to.

use super::recognise::{Origin, Work, by};
use super::words;
use crate::headers::{Meaning, normalized};
use crate::mapping::fold;

/// The words of a column of genders.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Genders {
    /// Words and their meaning, which is empty for `unknown`. Empty if hrfeed knows
    /// all words.
    pub(super) map: Vec<(String, &'static str)>,
    /// Words that mean neither.
    pub(super) neither: Vec<String>,
    /// The words could mean something else: numbers.
    pub(super) is_guessed: bool,
}

impl Genders {
    /// Of the words in a column with this header.
    pub(super) fn of(header: &str, samples: &[String]) -> Self {
        let mut it = Self::default();
        let mut seen = Vec::new();
        let mut is_needed = false;
        let plain: Vec<_> = samples.iter().map(|it| normalized(it)).collect();
        let are_numbers =
            !plain.is_empty() && plain.iter().all(|it| words::gender_number(it).is_some());
        let has = |word: &str| plain.iter().any(|it| it == word);
        // Hombre and mujer, varón and mujer.
        let is_spanish = matches!(normalized(header).as_str(), "sexo" | "genero");
        let m_is_female = has("m") && (has("h") || (is_spanish && has("v")));
        for sample in samples {
            // As a map compares them: case and white space do not count.
            let word = fold(sample);
            if seen.contains(&word) {
                continue;
            }
            let plain = normalized(sample);
            let meant = match plain.as_str() {
                "m" if m_is_female => Some("female"),
                "v" if m_is_female => Some("male"),
                number if are_numbers => words::gender_number(number),
                plain => words::gender(plain),
            };
            match meant {
                Some(meant) => {
                    is_needed |= m_is_female || !words::is_known_gender(&word);
                    it.map.push((sample.clone(), meant));
                }
                None => it.neither.push(sample.clone()),
            }
            seen.push(word);
        }
        it.is_guessed = are_numbers;
        it.map
            .sort_unstable_by_key(|(word, meant)| (*meant, word.clone()));
        it.neither.sort_unstable();
        if !is_needed {
            it.map.clear();
        }
        it
    }
}

impl Work<'_> {
    /// Whether all words of a column are forms of address for women and men: `Frau`.
    pub(super) fn are_salutations(&self, index: usize) -> bool {
        let samples = &self.column(index).samples;
        let is_either = |it: &String| {
            let word = normalized(it);
            words::is_title(it) && words::gender(&word).is_some_and(|it| !it.is_empty())
        };
        !samples.is_empty() && samples.iter().all(is_either)
    }

    /// The form of address says it where no column of its own does.
    pub(super) fn gender_by_salutation(&mut self) {
        let is_open = self
            .choice(|field| field.name == "gender")
            .is_some_and(|it| it.origin == Origin::Nothing);
        let says = |index: &usize| {
            let is_title = self.rank(*index, Meaning::Title).is_some();
            let column = self.column(*index);
            is_title && !column.repeated && column.is_filled(50) && self.are_salutations(*index)
        };
        let Some(index) = (0..self.used.len()).find(says).filter(|_| is_open) else {
            return;
        };
        let why = by("by the form of address", self.column(index));
        self.take(|field| field.name == "gender", index, why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_a_gender_are_translated_where_one_is_not_known_anyway() {
        let with_header = |header: &str, words: &[&str]| {
            let words: Vec<_> = words.iter().map(|it| (*it).to_owned()).collect();
            let genders = Genders::of(header, &words);
            let map: Vec<_> = genders
                .map
                .iter()
                .map(|(it, to)| format!("{it}={to}"))
                .collect();
            format!("{} | {}", map.join(" "), genders.neither.join(" "))
        };
        let of = |words: &[&str]| with_header("Gender", words);
        assert_eq!(of(&["M", "V"]), "V=female M=male | ");
        assert_eq!(
            of(&["männlich", "Weiblich", "weiblich", "divers"]),
            "divers= Weiblich=female männlich=male | "
        );
        assert_eq!(of(&["Dhr.", "Mevr."]), "Mevr.=female Dhr.=male | ");
        assert_eq!(of(&["Female", "m", "F"]), " | ");
        assert_eq!(of(&["F", "Unknown"]), "Unknown= F=female | ");
        assert_eq!(of(&["1", "2"]), "2=female 1=male | ");
        assert_eq!(of(&["1", "2", "3"]), " | 1 2 3");
        assert_eq!(of(&["H", "M"]), "M=female H=male | ");
        assert_eq!(with_header("Sexo", &["V", "M"]), "M=female V=male | ");
        assert_eq!(of(&["男", "女"]), "女=female 男=male | ");
    }
}
