//! Codes of two letters: countries (ISO 3166-1 alpha-2, and `XK`, which is in use for
//! Kosovo), and US states, territories (INCITS 38) and military addresses. A line of a table is the code, the English name, for a
//! country the code of three letters (alpha-3), and other names that feeds use: in Dutch,
//! German, French and Spanish; for countries whose people are in many feeds also in their
//! own language, Norwegian, Danish, Swedish, Polish, Italian, Portuguese, Japanese and
//! Chinese.

use std::collections::HashMap;
use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization as _;

/// Countries, by their codes.
pub static COUNTRIES: Codes = Codes::of(include_str!("codes/countries.txt"));

/// States and territories of the US.
pub static STATES: Codes = Codes::of(include_str!("codes/states.txt"));

/// A table of codes, with a bit for each pair of letters: a feed asks for one
/// in every row.
#[derive(Debug)]
pub struct Codes {
    table: &'static str,
    /// By the plain text of codes and names, once something is asked that is not a code.
    names: OnceLock<HashMap<String, &'static str>>,
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
            names: OnceLock::new(),
            bits,
        }
    }

    /// Whether `text` is a code, in capitals.
    pub fn contains(&self, text: &str) -> bool {
        match text.as_bytes() {
            [first @ b'A'..=b'Z', second @ b'A'..=b'Z'] => {
                self.bits[usize::from(first - b'A')] & (1 << (second - b'A')) != 0
            }
            _ => false,
        }
    }

    /// The lines of the table, each with the code, the English name, and others.
    pub fn lines(&self) -> impl Iterator<Item = impl Iterator<Item = &'static str>> {
        self.table.lines().map(|line| line.split('|'))
    }

    /// The code of a text that is a code or a name; case, accents and punctuation do
    /// not count.
    pub fn named(&self, text: &str) -> Option<&'static str> {
        let names = self.names.get_or_init(|| {
            let mut names = HashMap::new();
            for line in self.table.lines() {
                let code = line.get(..2).unwrap_or(line);
                for name in line.split('|') {
                    names.entry(plain(name)).or_insert(code);
                }
            }
            // Exact names come first.
            for line in self.table.lines() {
                let code = line.get(..2).unwrap_or(line);
                for name in line.split('|').filter_map(spelled_out) {
                    names.entry(plain(&name)).or_insert(code);
                }
            }
            names
        });
        if let Some(code) = names.get(&plain(text)).filter(|_| text.ends_with(THE)) {
            return Some(code);
        }
        // As ISO 3166 lists some of them.
        let text = text.strip_suffix(THE).unwrap_or(text);
        let plain = plain(text);
        // `N/A` and `na` are not Namibia: punctuation belongs to names only.
        let is_short = plain.len() <= 3 && !text.chars().all(char::is_alphabetic);
        if is_short && !self.lists(text) || plain == "na" && text != "NA" {
            return None;
        }
        names.get(&plain).copied()
    }
}

impl Codes {
    /// Whether a text is in the table just so, but for case.
    fn lists(&self, text: &str) -> bool {
        let mut lines = self.table.lines();
        lines.any(|line| line.split('|').any(|name| name.eq_ignore_ascii_case(text)))
    }
}

/// What ISO 3166 has behind some names.
const THE: &str = " (the)";

/// Names that two countries have in common, and both.
const OF_TWO: [(&str, &str); 2] = [
    (
        "congo kongo",
        "CG (Republic of the Congo, Brazzaville) or CD (Democratic Republic of the Congo, Kinshasa)",
    ),
    (
        "korea corea coree coreia",
        "KR (South Korea) or KP (North Korea)",
    ),
];

/// The two countries whose name a text is, where it does not say which.
pub fn countries_of_name(text: &str) -> Option<&'static str> {
    let plain = plain(text);
    let is_one = |names: &str| names.split(' ').any(|name| name == plain);
    let found = OF_TWO.iter().find(|(names, _)| is_one(names));
    found.map(|(_, both)| *both)
}

/// A name with the letters of German and Danish as two, if it has any.
fn spelled_out(name: &str) -> Option<String> {
    let mut spelled = String::with_capacity(name.len() + 2);
    for char in name.chars().flat_map(char::to_lowercase) {
        match char {
            'ä' => spelled.push_str("ae"),
            'ö' | 'ø' => spelled.push_str("oe"),
            'ü' => spelled.push_str("ue"),
            'ß' => spelled.push_str("ss"),
            char => spelled.push(char),
        }
    }
    (spelled != name.to_lowercase()).then_some(spelled)
}

/// The letters of a text, in lower case and without accents; `&` is `and`.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    // What is above and below a letter is a character of its own in NFD.
    for char in text.nfd() {
        match char {
            '&' => plain.push_str("and"),
            char if char.is_alphanumeric() => plain.extend(char.to_lowercase()),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_is_found_in_capitals_only() {
        let lines: Vec<Vec<_>> = COUNTRIES.lines().map(Iterator::collect).collect();
        assert_eq!(lines.len(), 249 + 1, "those of ISO, and Kosovo");
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
    fn every_state_is_there_and_no_code_is_there_twice() {
        let codes: Vec<_> = STATES.lines().filter_map(|mut line| line.next()).collect();
        let distinct: HashSet<_> = codes.iter().collect();
        assert_eq!(distinct.len(), codes.len());
        assert_eq!(
            codes.len(),
            50 + 1 + 6 + 3 + 3,
            "states, DC, territories, freely associated states, armed forces"
        );
    }

    #[test]
    fn no_name_means_two_of_them() {
        for codes in [&COUNTRIES, &STATES] {
            for line in codes.lines() {
                let names: Vec<_> = line.collect();
                for name in &names {
                    assert_eq!(codes.named(name), Some(names[0]), "{name}");
                }
            }
        }
    }

    #[test]
    fn countries_are_known_by_name_in_many_languages_and_by_either_code() {
        for (text, code) in [
            ("Netherlands", "NL"),
            ("Nederland", "NL"),
            ("NIEDERLANDE", "NL"),
            ("Pays-Bas", "NL"),
            ("pays bas", "NL"),
            ("Países Bajos", "NL"),
            ("nld", "NL"),
            ("nl", "NL"),
            ("Österreich", "AT"),
            ("O\u{308}STERREICH", "AT"),
            ("Oostenrijk", "AT"),
            ("Côte d’Ivoire", "CI"),
            ("Cote d'Ivoire", "CI"),
            ("U.S.A.", "US"),
            ("Etats Unis", "US"),
            ("Großbritannien", "GB"),
            ("UK", "GB"),
            ("Suiza", "CH"),
            ("Turkey", "TR"),
            ("United  States", "US"),
            ("United States of America (the)", "US"),
            ("Trinidad & Tobago", "TT"),
            ("Korea, Republic of", "KR"),
            ("Iran (Islamic Republic of)", "IR"),
            ("Cape Verde", "CV"),
            ("NA", "NA"),
            ("Norge", "NO"),
            ("Polska", "PL"),
            ("Česko", "CZ"),
            ("Magyarország", "HU"),
            ("Hrvatska", "HR"),
            ("Ελλάδα", "GR"),
            ("Україна", "UA"),
            ("Türkiye", "TR"),
            ("日本", "JP"),
            ("中国", "CN"),
            ("Tyskland", "DE"),
            ("Niemcy", "DE"),
            ("Germania", "DE"),
            ("Alemanha", "DE"),
            ("ドイツ", "DE"),
            ("德国", "DE"),
            ("Österrike", "AT"),
            ("Paesi Bassi", "NL"),
            ("Países Baixos", "NL"),
            ("Island", "IS"),
            ("Kosovo", "XK"),
            ("EE.UU.", "US"),
            ("EEUU", "US"),
            ("Oesterreich", "AT"),
            ("DAENEMARK", "DK"),
            ("Rumaenien", "RO"),
            ("St. Maarten", "SX"),
            ("Congo (the)", "CG"),
            ("Congo-Brazzaville", "CG"),
            ("Congo (the Democratic Republic of the)", "CD"),
        ] {
            assert_eq!(COUNTRIES.named(text), Some(code), "{text}");
        }
        for text in [
            "", "X", "Sales", "Atlantis", "N/A", "n.a.", "na", "Na", "Germny", "D", "-", "&",
        ] {
            assert_eq!(COUNTRIES.named(text), None, "{text}");
        }
        assert_eq!(STATES.named("ohio"), Some("OH"));
        assert_eq!(STATES.named("Washington, D.C."), Some("DC"));
        assert_eq!(STATES.named("Armed Forces Europe"), Some("AE"));
        assert_eq!(STATES.named("armed forces pacific"), Some("AP"));
        assert_eq!(STATES.named("Armed Forces Americas"), Some("AA"));
        assert_eq!(STATES.named("Bavaria"), None);
    }

    #[test]
    fn a_name_that_two_countries_have_is_neither() {
        for text in ["Congo", "KONGO", "Korea", "Corée", "Corea"] {
            assert_eq!(COUNTRIES.named(text), None, "{text}");
            assert!(countries_of_name(text).is_some(), "{text}");
        }
        for text in [
            "Republic of Korea",
            "Congo-Kinshasa",
            "South Korea",
            "Tonga",
        ] {
            assert!(COUNTRIES.named(text).is_some(), "{text}");
            assert_eq!(countries_of_name(text), None, "{text}");
        }
    }
}
