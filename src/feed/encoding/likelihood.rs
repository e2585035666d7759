//! How likely people of some languages have written a text.
//!
//! A line is about a person, and a person's name is of one language; a feed has people
//! of several. So each line counts in the languages that all lines speak for, and each
//! language that is needed has its price: a wrong reading of one language needs letters
//! of many.

use std::collections::{HashMap, HashSet};

use super::letters::Language;
use super::places::{Place, is_letter, small};

/// How much of a text is written with the letters of its languages.
const OWN: f64 = 0.85;
/// The share of a letter of another language, for somebody who has come from elsewhere.
const FOREIGN: f64 = 1.5e-3;
/// The share of a letter of no language that is known.
const UNKNOWN: f64 = 1e-4;
/// What each language after the first costs, as a logarithm.
const PRICE: f64 = 3.0;
/// Of more lines with the same letters, no more counts: a thousand people called Müller
/// say nothing of three from elsewhere.
const MAX_ALIKE: f64 = 20.0;
/// How often the shares of the languages are estimated; they hardly change then.
const ROUNDS: usize = 12;

/// Languages that people may have written in.
pub(super) struct Languages {
    /// The letters of each, with their shares.
    shares: Vec<HashMap<char, f64>>,
    /// The letters of all of them.
    known: HashSet<char>,
}

impl Languages {
    pub(super) fn new(languages: &[Language]) -> Self {
        let share = |&(letter, share): &(char, u16)| (letter, f64::from(share) / 1000.0);
        let shares = languages.iter().map(|it| it.iter().map(share).collect());
        let letters = languages.iter().copied().flatten();
        Self {
            shares: shares.collect(),
            known: letters.map(|&(letter, _)| letter).collect(),
        }
    }

    /// The logarithm of how likely these letters are in each language.
    fn logs(&self, letters: &[char]) -> Vec<f64> {
        let log = |shares: &HashMap<char, f64>, letter: &char| {
            let share = shares.get(letter).copied().unwrap_or(0.0);
            let is_known = self.known.contains(letter);
            (OWN * share + if is_known { FOREIGN } else { UNKNOWN }).ln()
        };
        let sum = |shares| letters.iter().map(|letter| log(shares, letter)).sum();
        self.shares.iter().map(sum).collect()
    }
}

/// How likely people have written this, as a logarithm.
pub(super) fn likelihood(text: &str, languages: &Languages) -> f64 {
    let mut against = 0.0;
    let mut signs = HashSet::new();
    // The letters of each line, and how many lines have them.
    let mut lines: HashMap<Vec<char>, f64> = HashMap::new();
    for line in text.split(['\n', '\r']).filter(|line| !line.is_ascii()) {
        let mut letters = Vec::new();
        for place in places(line) {
            if is_letter(place.char) {
                letters.push(small(place.char));
                against += place.of_letter();
            } else {
                against += place.of_sign(!signs.insert(place.char));
            }
        }
        if !letters.is_empty() {
            letters.sort_unstable();
            *lines.entry(letters).or_default() += 1.0;
        }
    }
    // In an order that is the same each time: sums of floating point depend on it.
    let mut lines: Vec<_> = lines.into_iter().collect();
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    against + of_lines(&lines, languages)
}

/// The characters beyond ASCII of a line.
fn places(line: &str) -> impl Iterator<Item = Place> {
    // What ASCII says is the same in each reading.
    let beyond = line.char_indices().filter(|(_, char)| !char.is_ascii());
    beyond.map(|(at, char)| {
        let (passed, rest) = line.split_at(at);
        let (mut passed, mut rest) = (passed.chars().rev(), rest.chars().skip(1));
        let mut next = || [passed.next(), rest.next()].map(|char| char.unwrap_or(' '));
        let ([last, after], [before, behind]) = (next(), next());
        Place {
            before: [before, last],
            char,
            after: [after, behind],
        }
    })
}

/// A line in each language.
struct Line {
    /// How many lines are like this.
    count: f64,
    /// The logarithm of how likely it is in the language that suits it best.
    best: f64,
    /// How likely it is in each, compared with that.
    ratios: Vec<f64>,
}

/// How likely lines with these letters are, in the languages that suit all of them best.
fn of_lines(lines: &[(Vec<char>, f64)], languages: &Languages) -> f64 {
    let lines: Vec<_> = lines
        .iter()
        .map(|(letters, count)| {
            let logs = languages.logs(letters);
            let best = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            Line {
                count: count.min(MAX_ALIKE),
                best,
                ratios: logs.iter().map(|log| (log - best).exp()).collect(),
            }
        })
        .collect();
    let all: f64 = lines.iter().map(|line| line.count).sum();
    if all == 0.0 {
        return 0.0;
    }
    let n_languages = languages.shares.len();
    let mut weights = vec![1.0 / n_languages as f64; n_languages];
    for _ in 0..ROUNDS {
        weights = estimated(&lines, &weights);
    }
    let likely = lines
        .iter()
        .map(|line| line.count * (line.best + mean(line, &weights).ln()));
    let used: f64 = weights.iter().map(|weight| (weight * all).min(1.0)).sum();
    likely.sum::<f64>() - PRICE * (used - 1.0)
}

/// The share of each language by how well it suits each line.
fn estimated(lines: &[Line], weights: &[f64]) -> Vec<f64> {
    // No share becomes nothing: the line to come may need it.
    let mut counts = vec![1e-3; weights.len()];
    for line in lines {
        let mean = mean(line, weights);
        for ((count, weight), ratio) in counts.iter_mut().zip(weights).zip(&line.ratios) {
            *count += line.count * weight * ratio / mean;
        }
    }
    let all: f64 = counts.iter().sum();
    counts.iter().map(|count| count / all).collect()
}

fn mean(line: &Line, weights: &[f64]) -> f64 {
    let parts = line.ratios.iter().zip(weights);
    parts.map(|(ratio, weight)| ratio * weight).sum()
}

#[cfg(test)]
mod tests {
    use super::super::letters::{CYRILLIC, LATIN};
    use super::*;

    #[test]
    fn people_of_several_languages_are_likelier_than_letters_of_none() {
        let staff = "1,Müller\n2,Jörg\n3,Jäger\n4,Köhler\n".repeat(30);
        let right = format!("{staff}5,Dvořák\n6,Jiří\n7,Růžička\n8,Němec\n9,Zdeněk\n");
        let wrong = format!("{staff}5,Dvoøák\n6,Jiøí\n7,Rùžièka\n8,Nìmec\n9,Zdenìk\n");
        let latin = Languages::new(LATIN);
        assert!(likelihood(&right, &latin) > likelihood(&wrong, &latin) + 5.0);
    }

    #[test]
    fn a_character_has_those_beside_it_in_its_line() {
        for (line, expected) in [
            ("", &[][..]),
            ("Ann", &[]),
            ("é", &["  é  "]),
            ("Zoë", &["Zoë  "]),
            ("aé b", &[" aé b"]),
            ("Łódź", &["  Łód", " Łódź", "ódź  "]),
        ] {
            let found = places(line).map(|it| {
                let [first, before] = it.before;
                String::from_iter([first, before, it.char, it.after[0], it.after[1]])
            });
            assert_eq!(found.collect::<Vec<_>>(), expected, "{line}");
        }
    }

    #[test]
    fn a_long_line_is_as_good_as_many() {
        let line = "Иван Петров ".repeat(4000);
        let found = likelihood(&line, &Languages::new(CYRILLIC));
        assert!(found.is_finite() && found < 0.0, "{found}");
        assert!(likelihood("Ann\n", &Languages::new(LATIN)).abs() < 1e-9);
        assert!(likelihood("", &Languages::new(&[])).abs() < 1e-9);
    }
}
