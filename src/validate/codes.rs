//! Codes of two letters: countries (ISO 3166-1 alpha-2), and US states and
//! territories (INCITS 38). A line of a table is the code, the English name,
//! and other names that feeds use.

use std::sync::OnceLock;

use crate::mapping::nearest;

/// Countries, by their codes. The first of the other names has three letters
/// (ISO 3166-1 alpha-3).
pub(super) static COUNTRIES: Codes = Codes::of(include_str!("countries.txt"));

/// States and territories of the US.
pub(super) static STATES: Codes = Codes::of(include_str!("states.txt"));

/// A table of codes, with a bit for each pair of letters: a feed asks for one
/// in every row.
#[derive(Debug)]
pub(super) struct Codes {
    table: &'static str,
    /// The table taken apart, once something is asked that is not a code.
    lines: OnceLock<Vec<Vec<&'static str>>>,
    bits: [u32; 26],
}

impl Codes {
    const fn of(table: &'static str) -> Self {
        let (bytes, mut bits, mut at) = (table.as_bytes(), [0; 26], 0);
        while at < bytes.len() {
            if at == 0 || bytes[at - 1] == b'\n' {
                bits[(bytes[at] - b'A') as usize] |= 1 << (bytes[at + 1] - b'A');
            }
            at += 1;
        }
        Self {
            table,
            lines: OnceLock::new(),
            bits,
        }
    }

    /// Whether `text` is a code, in capitals.
    pub(super) fn contains(&self, text: &str) -> bool {
        match text.as_bytes() {
            [first @ b'A'..=b'Z', second @ b'A'..=b'Z'] => {
                self.bits[usize::from(first - b'A')] & (1 << (second - b'A')) != 0
            }
            _ => false,
        }
    }

    fn lines(&self) -> &[Vec<&'static str>] {
        self.lines.get_or_init(|| {
            let lines = self.table.lines();
            lines.map(|line| line.split('|').collect()).collect()
        })
    }

    /// The code that was probably meant: by a name in any case, or by a small
    /// slip in the English name.
    pub(super) fn meant(&self, text: &str) -> Option<&'static str> {
        let lower = text.to_lowercase();
        let is = |name: &&str| {
            name.eq_ignore_ascii_case(&lower) || !lower.is_ascii() && name.to_lowercase() == lower
        };
        let lines = self.lines();
        let named = lines.iter().find(|line| line.iter().any(is));
        let meant = named.or_else(|| {
            let near = nearest(text, lines.iter().filter_map(|line| line.get(1).copied()))?;
            let is_slip = strsim::levenshtein(&near.to_lowercase(), &lower) <= 2;
            let mut lines = lines.iter().filter(|_| is_slip);
            lines.find(|line| line.get(1) == Some(&near))
        });
        meant.and_then(|line| line.first().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(codes: &Codes, meant: &[(&str, Option<&str>)]) {
        for (text, code) in meant {
            assert_eq!(codes.meant(text), *code, "{text}");
        }
    }

    #[test]
    fn every_code_is_found_in_capitals_only() {
        let lines = COUNTRIES.lines();
        assert_eq!(lines.len(), 249);
        assert!(lines.is_sorted());
        for line in lines {
            assert!(COUNTRIES.contains(line[0]), "{line:?}");
            assert!(
                line[2].len() == 3 && !COUNTRIES.contains(line[2]),
                "{line:?}"
            );
        }
        for text in ["nl", "", "UK", "N"] {
            assert!(!COUNTRIES.contains(text), "{text}");
        }
        assert!(STATES.contains("OH"));
        for text in ["oh", "XX", "Ohio"] {
            assert!(!STATES.contains(text), "{text}");
        }
    }

    #[test]
    fn what_feeds_write_instead_is_answered_with_its_code() {
        check(
            &COUNTRIES,
            &[
                ("Netherlands", Some("NL")),
                ("Holland", Some("NL")),
                ("nl", Some("NL")),
                ("USA", Some("US")),
                ("UK", Some("GB")),
                ("österreich", Some("AT")),
                ("ÖSTERREICH", Some("AT")),
                ("Germny", Some("DE")),
                ("DEU", Some("DE")),
                ("United  States", Some("US")),
                ("", None),
                ("X", None),
                ("Sales", None),
                ("Atlantis", None),
                ("N/A", None),
            ],
        );
    }

    #[test]
    fn names_and_small_slips_are_answered_with_their_code() {
        check(
            &STATES,
            &[
                ("Ohio", Some("OH")),
                ("oh", Some("OH")),
                ("Massachusets", Some("MA")),
                ("Bavaria", None),
            ],
        );
    }

    #[test]
    fn every_state_is_there_and_no_code_is_there_twice() {
        let mut codes: Vec<_> = STATES.lines().iter().map(|line| line[0]).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), STATES.lines().len());
        assert_eq!(
            codes.len(),
            50 + 1 + 6 + 3,
            "states, DC, territories, freely associated states"
        );
    }
}
