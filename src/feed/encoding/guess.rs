//! The encoding of text that is not Unicode, by what it reads as.
//!
//! Each encoding reads the same bytes as other letters, and one reading makes
//! sense. Latin and Cyrillic letters are judged by how often languages have them and
//! by where they are: a capital behind a small letter, a sign within a word and a
//! consonant between consonants speak against a reading. `chardetng` knows neither
//! the encodings of DOS nor those of old Macs; it decides the rest, and what it says
//! is checked. Where two readings are likely, or none, a person is asked.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs as web;
use unicode_normalization::UnicodeNormalization;

use super::charset::Charset;
use super::letters::{self, Language};

/// Encodings of the Latin script, each with how likely it is before a letter is
/// read, as the logarithm of its ratio to the first.
const LATIN: &[(Charset, f64)] = &[
    (Charset::Web(web::WINDOWS_1252), 0.0),
    (Charset::Web(web::WINDOWS_1250), -1.0),
    (Charset::Web(web::WINDOWS_1254), -1.5),
    (Charset::Web(web::WINDOWS_1257), -1.5),
    (Charset::Web(web::ISO_8859_2), -2.0),
    (Charset::Web(web::ISO_8859_15), -2.0),
    (Charset::Web(web::MACINTOSH), -2.0),
    (Charset::CP850, -2.0),
    (Charset::CP437, -2.5),
    (Charset::CP852, -2.5),
];

/// The same of the Cyrillic script.
const CYRILLIC: &[(Charset, f64)] = &[
    (Charset::Web(web::WINDOWS_1251), 0.0),
    (Charset::Web(web::KOI8_U), -1.0),
    (Charset::Web(web::IBM866), -1.0),
    (Charset::Web(web::ISO_8859_5), -1.5),
    (Charset::Web(web::X_MAC_CYRILLIC), -2.0),
];

/// By how much a reading must be likelier than every other: twenty times.
const MARGIN: f64 = 3.0;
/// The same of what nearly every Western program writes, in a text that has none of the
/// bytes which are letters in DOS and on Macs.
const MARGIN_OF_THE_USUAL: f64 = 0.7;
/// Below this mean of a letter, a reading makes no sense.
const SENSE: f64 = -4.5;
/// How many likely encodings are named to a person.
const NAMED: usize = 3;

/// The encoding of a text in some Latin, Cyrillic, Greek, Semitic, Thai or East Asian
/// language, by lines of it that have bytes beyond ASCII.
///
/// # Errors
/// The likeliest encodings, where their letters do not decide.
pub(super) fn guess(sample: &[u8]) -> Result<Charset, Vec<Charset>> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    let detected = Charset::Web(detector.guess(None, Utf8Detection::Deny));
    if !detected.is_single_byte() && is_east_asian(detected, sample) {
        return Ok(detected);
    }
    if !has_whole_words(sample) {
        return likeliest(sample, LATIN, letters::LATIN);
    }
    if let Some(script) = script(detected)
        && share(&detected.text(sample), &script) > 0.9
    {
        return Ok(usual(detected, sample));
    }
    likeliest(sample, CYRILLIC, letters::CYRILLIC)
}

/// Whether an encoding is one of the Latin script.
pub(super) fn is_latin(charset: Charset) -> bool {
    LATIN.iter().any(|&(latin, _)| latin == charset)
}

struct Reading {
    charset: Charset,
    text: String,
    /// How likely it is, as a logarithm.
    likelihood: f64,
    /// The same for a letter, the encoding's own left out.
    mean: f64,
}

fn likeliest(
    sample: &[u8],
    candidates: &[(Charset, f64)],
    languages: &[Language],
) -> Result<Charset, Vec<Charset>> {
    let mut readings: Vec<_> = candidates
        .iter()
        .map(|&(charset, prior)| {
            let text = charset.text(sample);
            let likelihood = likelihood(&text, languages);
            let letters = text.chars().filter(|char| !char.is_ascii()).count();
            Reading {
                charset,
                text,
                likelihood: likelihood + prior,
                mean: likelihood / letters.max(1) as f64,
            }
        })
        .collect();
    readings.sort_by(|a, b| b.likelihood.total_cmp(&a.likelihood));
    if let Some((best, others)) = readings.split_first() {
        let is_usual = candidates.first().is_some_and(|it| it.0 == best.charset)
            && !sample.iter().any(|byte| matches!(byte, 0x80..=0x9f));
        let margin = if is_usual {
            MARGIN_OF_THE_USUAL
        } else {
            MARGIN
        };
        let least = best.likelihood - margin;
        let mut rivals = others.iter().filter(|it| it.likelihood > least);
        // Where both read the same, either is right.
        if best.mean > SENSE && rivals.all(|rival| rival.text == best.text) {
            return Ok(best.charset);
        }
    }
    // Of those that read the same, the likeliest stands for all.
    let mut texts = HashSet::new();
    readings.retain(|reading| texts.insert(reading.text.clone()));
    let likely = readings.iter().map(|reading| reading.charset);
    Err(likely.take(NAMED).collect())
}

/// How likely people of some language have written this, as a logarithm.
fn likelihood(text: &str, languages: &[Language]) -> f64 {
    let mut counts: HashMap<char, f64> = HashMap::new();
    let mut against = 0.0;
    let mut before = [' '; 2];
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let after = chars.peek().copied().unwrap_or(' ');
        if char.is_ascii() {
            // What ASCII says is the same in each reading.
        } else if is_letter(char) {
            *counts.entry(small(char)).or_default() += 1.0;
            against += letter_at(before, char, after);
        } else {
            against += sign_at(before[1], char, after);
        }
        before = [before[1], char];
    }
    let letters = languages.iter().copied().flatten();
    let known: HashSet<char> = letters.map(|&(letter, _)| letter).collect();
    let of_language = |language: &Language| -> f64 {
        let shares: HashMap<_, _> = language.iter().copied().collect();
        let log = |(letter, &count): (&char, &f64)| {
            let share = shares.get(letter).map_or(0.0, |&it| f64::from(it) / 1000.0);
            // Somebody has come from elsewhere.
            let foreign = if known.contains(letter) { 1.5e-3 } else { 1e-4 };
            count * (0.85 * share + foreign).ln()
        };
        counts.iter().map(log).sum()
    };
    let best = languages.iter().map(of_language);
    best.fold(f64::NEG_INFINITY, f64::max) + against
}

fn is_letter(char: char) -> bool {
    // The signs of ordinals count as letters in Unicode.
    char.is_alphabetic() && !matches!(char, 'ª' | 'º')
}

/// The small letter; the capital `İ` has none of one character.
fn small(char: char) -> char {
    let mut letters = char.to_lowercase();
    match (letters.next(), letters.next()) {
        (Some(small), None) => small,
        _ => char,
    }
}

/// What speaks against a letter beyond ASCII where it is, as a logarithm.
fn letter_at([second, first]: [char; 2], char: char, after: char) -> f64 {
    let (follows, goes_on) = (is_letter(first), is_letter(after));
    let mut against = 0.0;
    if char.is_uppercase() {
        if first.is_lowercase() {
            against -= 5.0;
        } else if follows && after.is_lowercase() {
            against -= 1.0;
        }
    } else if char.is_lowercase() {
        let ends_in_capitals = !goes_on && second.is_uppercase();
        if first.is_uppercase() && (after.is_uppercase() || ends_in_capitals) {
            against -= 2.0;
        }
        // Names, places and jobs begin with a capital.
        if !follows && goes_on {
            against -= 1.2;
        }
    }
    if !follows && !goes_on {
        against -= 3.0;
    }
    if follows && goes_on {
        match [first, char, after].map(is_vowel) {
            [true, true, true] => against -= 0.7,
            [false, false, false] => against -= 1.2,
            _ => {}
        }
        let is_latin = char < '\u{250}';
        if is_latin && !first.is_ascii() && !after.is_ascii() {
            against -= 2.0;
        }
    }
    against
}

fn is_vowel(char: char) -> bool {
    let base = std::iter::once(char).nfd().next().unwrap_or(char);
    "aeiouyæøœıаеиоуыэюяіїєъ".contains(small(base))
}

/// What speaks against a sign beyond ASCII where it is, as a logarithm.
fn sign_at(before: char, sign: char, after: char) -> f64 {
    let is_common = "‘’“”«»„–—…€£ªº°®©™\u{a0}´·•§½№".contains(sign);
    match (is_letter(before), is_letter(after)) {
        (true, true) => match sign {
            '’' | '‘' | '·' => -1.5,
            '´' => -3.0,
            _ => -7.0,
        },
        (false, false) if !is_common => -5.0,
        _ if is_common => -2.5,
        _ => -6.0,
    }
}

/// Whether most bytes beyond ASCII are in words of nothing else, as in scripts other
/// than the Latin one.
fn has_whole_words(sample: &[u8]) -> bool {
    let (mut whole, mut all) = (0, 0);
    for word in sample.split(|byte| byte.is_ascii() && !byte.is_ascii_alphabetic()) {
        let beyond = word.iter().filter(|byte| !byte.is_ascii()).count();
        all += beyond;
        if beyond == word.len() && beyond > 1 {
            whole += beyond;
        }
    }
    whole * 10 > all * 7
}

/// Whether a text reads as Chinese, Japanese or Korean: all of it, in characters that
/// are in use, and not glued to Latin letters.
fn is_east_asian(charset: Charset, sample: &[u8]) -> bool {
    let Charset::Web(encoding) = charset else {
        return false;
    };
    let text = encoding.decode_without_bom_handling_and_without_replacement(sample);
    let Some(text) = text else {
        return false;
    };
    let (mut all, mut common, mut glued) = (0, 0, 0);
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let after = chars.peek().copied().unwrap_or(' ');
        if !char.is_ascii() {
            all += 1;
            common += usize::from(is_in_use(encoding, char));
            glued += usize::from(before.is_ascii_alphabetic() || after.is_ascii_alphabetic());
        }
        before = char;
    }
    all > 0 && glued * 5 <= all && common * 10 >= all * 8
}

/// Whether a character is among those that the encoding lists first, since people
/// use them.
fn is_in_use(encoding: &'static web::Encoding, char: char) -> bool {
    let is_kana = matches!(char, '\u{3040}'..='\u{30ff}' | '\u{ff66}'..='\u{ff9f}');
    if is_kana || matches!(char, '\u{ac00}'..='\u{d7a3}') {
        return true;
    }
    let mut buffer = [0; 4];
    let (bytes, _, _) = encoding.encode(char.encode_utf8(&mut buffer));
    let [lead, trail] = *bytes else {
        return false;
    };
    match encoding.name() {
        "GBK" | "gb18030" => matches!(lead, 0xa1 | 0xa3 | 0xb0..=0xd7) && trail >= 0xa1,
        "Big5" => matches!(lead, 0xa1 | 0xa4..=0xc6),
        "EUC-KR" => lead == 0xa1,
        "EUC-JP" => matches!(lead, 0xa1 | 0xa3 | 0xb0..=0xcf),
        _ => matches!(lead, 0x81 | 0x82 | 0x88..=0x97),
    }
}

/// The characters of an encoding's script, if it has one that no other candidate has.
fn script(charset: Charset) -> Option<RangeInclusive<char>> {
    match charset.name() {
        "windows-1253" | "ISO-8859-7" => Some('\u{370}'..='\u{3ff}'),
        "windows-1255" | "ISO-8859-8" => Some('\u{590}'..='\u{5ff}'),
        "windows-1256" | "ISO-8859-6" => Some('\u{600}'..='\u{6ff}'),
        "windows-874" => Some('\u{e00}'..='\u{e7f}'),
        _ => None,
    }
}

/// The encoding of Windows where it reads the same: a person knows it rather.
fn usual(detected: Charset, sample: &[u8]) -> Charset {
    let of_windows = match detected.name() {
        "ISO-8859-7" => Charset::Web(web::WINDOWS_1253),
        "ISO-8859-8" => Charset::Web(web::WINDOWS_1255),
        "ISO-8859-6" => Charset::Web(web::WINDOWS_1256),
        _ => return detected,
    };
    if of_windows.text(sample) == detected.text(sample) {
        of_windows
    } else {
        detected
    }
}

/// How many of the characters beyond ASCII are of a script.
fn share(text: &str, script: &RangeInclusive<char>) -> f64 {
    let (mut all, mut of_script) = (0, 0);
    for char in text.chars().filter(|char| !char.is_ascii()) {
        all += 1;
        of_script += i32::from(script.contains(&char));
    }
    f64::from(of_script) / f64::from(all.max(1))
}
