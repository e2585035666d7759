//! Words that cells of a column hold.

/// Forms of address and academic titles, normalized as column names are.
const TITLES: &str = "dr drs ir ing mr mrs ms miss mx prof profdr profdring drir dring bsc msc ba ma mba llm \
     phd md sir dame rev dhr deheer heer mw mevr mevrouw meneer herr frau dipling mag m mme \
     mlle sr sra srta";

/// Whether a normalized text is a form of address, and not a job.
pub(super) fn is_title(normalized: &str) -> bool {
    TITLES.split_whitespace().any(|title| title == normalized)
}

/// `male` or `female`, if a normalized word means it in English, Dutch, German,
/// French or Spanish, and nothing if it means unknown.
pub(super) fn gender(word: &str) -> Option<&'static str> {
    match word {
        "m" | "male" | "man" | "mannelijk" | "heer" | "dhr" | "mann" | "mannlich" | "herr"
        | "h" | "homme" | "masculin" | "hombre" | "masculino" => Some("male"),
        "f" | "female" | "woman" | "v" | "vrouw" | "vrouwelijk" | "mevrouw" | "mevr" | "mw"
        | "w" | "weiblich" | "frau" | "femme" | "feminin" | "mujer" | "femenino" => Some("female"),
        "unknown" | "unspecified" | "notspecified" | "undisclosed" | "notdisclosed" | "na"
        | "none" | "onbekend" | "nietopgegeven" | "nvt" | "unbekannt" | "keineangabe"
        | "inconnu" | "desconocido" => Some(""),
        _ => None,
    }
}

/// Whether hrfeed reads the word as a gender by itself.
pub(super) fn is_known_gender(word: &str) -> bool {
    matches!(word, "m" | "male" | "man" | "f" | "female" | "woman")
}
