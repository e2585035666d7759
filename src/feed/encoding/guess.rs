//! The encoding of text that is not Unicode, by what it reads as.
//!
//! Each encoding reads the same bytes as other letters, and one reading makes
//! sense. Latin and Cyrillic letters are judged by how often languages have them
//! ([`likelihood`]) and by where they are ([`super::places`]). `chardetng` knows neither
//! the encodings of DOS nor those of old Macs; it decides the rest, and what it says
//! is checked. Where two readings are likely, or none, a person is asked. What nearly
//! all Western programs write needs little to be likely: a feed of theirs with a letter
//! or two must not stop.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs as web;

use super::charset::Charset;
use super::letters::{self, Language};
use super::likelihood::{Languages, likelihood};

/// Encodings of the Latin script, each with how likely it is before a letter is
/// read, as the logarithm of its ratio to the first.
const LATIN: &[(Charset, f64)] = &[
    (Charset::Web(web::WINDOWS_1252), 0.0),
    (Charset::Web(web::WINDOWS_1250), -2.0),
    (Charset::Web(web::WINDOWS_1254), -2.0),
    (Charset::Web(web::WINDOWS_1257), -3.0),
    (Charset::Web(web::ISO_8859_15), -3.0),
    (MACINTOSH, -3.0),
    (Charset::CP850, -3.0),
    (Charset::CP437, -3.5),
    (Charset::Web(web::ISO_8859_2), -3.5),
    (Charset::CP852, -4.0),
];

/// Encodings of the Cyrillic script, likewise.
const CYRILLIC: &[(Charset, f64)] = &[
    (Charset::Web(web::WINDOWS_1251), 0.0),
    (Charset::Web(web::KOI8_U), -1.0),
    (Charset::Web(web::IBM866), -1.0),
    (Charset::Web(web::ISO_8859_5), -1.5),
    (MAC_CYRILLIC, -2.0),
];

/// Encodings with two bytes for most characters.
const EAST_ASIAN: [&web::Encoding; 5] = [
    web::SHIFT_JIS,
    web::GBK,
    web::BIG5,
    web::EUC_KR,
    web::EUC_JP,
];

const MACINTOSH: Charset = Charset::Web(web::MACINTOSH);
const MAC_CYRILLIC: Charset = Charset::Web(web::X_MAC_CYRILLIC);

/// By how much a reading must be likelier than every other: twenty times.
const MARGIN: f64 = 3.0;
/// The same of what nearly every program of the script writes.
const MARGIN_OF_THE_USUAL: f64 = 0.7;
/// The same, compared with DOS and old Macs, in a text with bytes that are letters there.
const MARGIN_OVER_OLD: f64 = 2.0;
/// Below this mean of a letter, a reading makes no sense.
const SENSE: f64 = -4.5;
/// In all encodings of Windows and ISO.
const NO_BREAK_SPACE: u8 = 0xa0;
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
    // `chardetng` does not take an encoding in which one character is broken.
    let east_asian = EAST_ASIAN.iter().copied().map(Charset::Web);
    let mut possible = east_asian.filter(|&it| is_east_asian(it, sample));
    let possible = (possible.next(), possible.next());
    match (likeliest(sample, CYRILLIC, letters::CYRILLIC), possible) {
        (Ok(cyrillic), (Some(east_asian), _))
            if is_short(sample) && is_like_east_asian(cyrillic) =>
        {
            Err(vec![east_asian, cyrillic])
        }
        (Ok(cyrillic), _) => Ok(cyrillic),
        (Err(_), (Some(only), None)) => Ok(only),
        (Err(_), (Some(first), Some(second))) => Err(vec![first, second]),
        (Err(likely), (None, _)) => Err(likely),
    }
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
    let is_of_mac = has_lone_returns(sample);
    let languages = Languages::new(languages);
    let mut readings: Vec<_> = candidates
        .iter()
        .map(|&(charset, prior)| {
            let text = charset.text(sample);
            let likelihood = likelihood(&text, &languages);
            let letters = text.chars().filter(|char| !char.is_ascii()).count();
            let is_usual = is_of_mac && [MACINTOSH, MAC_CYRILLIC].contains(&charset);
            Reading {
                charset,
                text,
                likelihood: likelihood + if is_usual { 0.0 } else { prior },
                mean: likelihood / letters.max(1) as f64,
            }
        })
        .collect();
    readings.sort_by(|a, b| b.likelihood.total_cmp(&a.likelihood));
    if let Some((best, others)) = readings.split_first() {
        let is_usual = candidates.first().is_some_and(|it| it.0 == best.charset);
        let margin = |rival: &Reading| margin(sample, is_usual, rival.charset);
        let rivals = others.iter();
        let mut rivals = rivals.filter(|it| best.likelihood - it.likelihood < margin(it));
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

/// By how much the likeliest reading of a text must be likelier than a rival.
fn margin(sample: &[u8], is_usual: bool, rival: Charset) -> f64 {
    let mut beyond = sample.iter().filter(|byte| !byte.is_ascii());
    if is_usual {
        let is_old = matches!(rival, Charset::Dos { .. }) || rival == MACINTOSH;
        if is_old && beyond.any(|byte| matches!(byte, 0x80..=0x9f)) {
            MARGIN_OVER_OLD
        } else {
            MARGIN_OF_THE_USUAL
        }
    } else if beyond.all(|&byte| byte == NO_BREAK_SPACE) {
        // Nothing but these spaces, or a feed of DOS that has `á` and no other letter.
        f64::INFINITY
    } else {
        MARGIN
    }
}

/// Whether lines end as Macs end them.
fn has_lone_returns(sample: &[u8]) -> bool {
    memchr::memchr_iter(b'\r', sample).any(|at| sample.get(at + 1) != Some(&b'\n'))
}

/// Whether most bytes beyond ASCII are in words of nothing else, as in scripts other
/// than the Latin one. Spaces and lines of one sign, which fill cells, are not words.
fn has_whole_words(sample: &[u8]) -> bool {
    let (mut whole, mut all) = (0, 0);
    let ends =
        |byte: &u8| *byte == NO_BREAK_SPACE || byte.is_ascii() && !byte.is_ascii_alphabetic();
    for word in sample.split(ends) {
        let beyond = word.iter().filter(|byte| !byte.is_ascii()).count();
        all += beyond;
        let is_one_sign = word.windows(2).all(|pair| pair.first() == pair.last());
        if beyond == word.len() && !is_one_sign {
            whole += beyond;
        }
    }
    whole * 10 > all * 7
}

/// Whether a text reads as Chinese, Japanese or Korean: in characters that are in use,
/// and not glued to Latin letters. A few may be cut, as databases cut long values.
fn is_east_asian(charset: Charset, sample: &[u8]) -> bool {
    let Charset::Web(encoding) = charset else {
        return false;
    };
    let text = charset.text(sample);
    let (mut all, mut common, mut glued, mut broken) = (0, 0, 0, 0);
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let after = chars.peek().copied().unwrap_or(' ');
        if !char.is_ascii() {
            all += 1;
            common += usize::from(is_in_use(encoding, char));
            glued += usize::from(before.is_ascii_alphabetic() || after.is_ascii_alphabetic());
            broken += usize::from(char == char::REPLACEMENT_CHARACTER);
        }
        before = char;
    }
    all > 0 && broken * 30 <= all && glued * 5 <= all && common * 10 >= all * 8
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

/// Whether a text is a few names.
fn is_short(sample: &[u8]) -> bool {
    const FEW: usize = 24;
    sample.iter().filter(|byte| !byte.is_ascii()).count() <= FEW
}

/// Whether a few small letters of a Cyrillic encoding can be characters of East Asia that are
/// in use: `刘静` and `БхёВ` are the same bytes. KOI8 has its letters in another order, and
/// all of its names can.
fn is_like_east_asian(cyrillic: Charset) -> bool {
    ["windows-1251", "ISO-8859-5"].contains(&cyrillic.name())
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
