//! Which encoding a text is in.
//!
//! A byte order mark says it for certain, then the mapping, then the zero bytes
//! that UTF-16 and UTF-32 have. Without any of them, [`Judge`] distinguishes UTF-8,
//! whose letters are like no others, and `guess` decides among the rest. Where
//! that is not certain, a person is asked: a run that stops does less harm than
//! people with garbled names.

mod charset;
mod guess;
mod letters;

use encoding_rs::{Encoding, REPLACEMENT, UTF_16LE, X_USER_DEFINED};
use memchr::memrchr2;

pub(super) use self::charset::Charset;
use super::FeedError;

/// Names that people might mean when they mistype one. More labels are known.
const NAMES: &str = "
    utf-8 windows-1252 utf-16 utf-16le utf-16be utf-32 latin1 ascii cp1252 iso-8859-1 iso-8859-2
    iso-8859-3 iso-8859-4 iso-8859-5 iso-8859-6 iso-8859-7 iso-8859-8 iso-8859-9 iso-8859-10
    iso-8859-13 iso-8859-14 iso-8859-15 iso-8859-16 windows-874 windows-1250 windows-1251
    windows-1253 windows-1254 windows-1255 windows-1256 windows-1257 windows-1258 macintosh
    x-mac-cyrillic koi8-r koi8-u ibm866 cp437 cp850 cp852 shift_jis euc-jp euc-kr gbk gb18030 big5
";

/// Of a line that is longer, not all is held at once.
const LONG: usize = 1 << 16;
/// How many bytes of lines with letters beyond ASCII are judged: hundreds of people.
const SAMPLE: usize = 1 << 16;
/// The number of letters in UTF-8, none of them broken, that chance does not make.
const CERTAIN: u64 = 64;

/// The encoding that a label means, such as `windows-1252`, `cp932` or `latin1`.
pub(super) fn named(label: &str) -> Result<Charset, FeedError> {
    let label = label.trim();
    Encoding::for_label(label.as_bytes())
        // The one makes an error of all text, the other letters of nobody.
        .filter(|&it| it != REPLACEMENT && it != X_USER_DEFINED)
        .map(Charset::Web)
        .or_else(|| alias(label))
        .ok_or_else(|| FeedError::EncodingNotSupported {
            encoding: label.to_owned(),
            near: nearest(label),
        })
}

/// What Windows, DOS, Python, Java and databases call an encoding.
fn alias(label: &str) -> Option<Charset> {
    let is_sign = |char: char| matches!(char, '-' | '_' | ' ' | ':');
    let plain = label.to_lowercase().replace(is_sign, "");
    let owners = [
        "codepage", "windows", "win", "ibm", "dos", "oem", "cp", "ms", "",
    ];
    let number = owners
        .iter()
        .find_map(|owner| plain.strip_prefix(owner)?.parse().ok());
    if let Some(charset) = number.and_then(Charset::of_code_page) {
        return Some(charset);
    }
    let label = match plain.as_str() {
        "mac" | "macroman" | "xmacroman" | "applemacintosh" => "macintosh",
        "maccyrillic" => "x-mac-cyrillic",
        "utf16" | "ucs2" | "unicode" => return Some(Charset::Web(UTF_16LE)),
        "utf32" | "utf32le" | "ucs4" => return Some(Charset::Utf32 { little: true }),
        "utf32be" => return Some(Charset::Utf32 { little: false }),
        "utf8mb4" | "utf8sig" | "al32utf8" | "utf8bom" => "utf-8",
        "we8mswin1252" => "windows-1252",
        "sjis" | "shiftjis" => "shift_jis",
        "eucjp" => "euc-jp",
        "euckr" => "euc-kr",
        "big5hkscs" => "big5",
        plain => plain,
    };
    let encoding = Encoding::for_label(label.as_bytes())?;
    (encoding != REPLACEMENT && encoding != X_USER_DEFINED).then_some(Charset::Web(encoding))
}

fn nearest(label: &str) -> Option<&'static str> {
    let label = label.to_lowercase().replace(['_', ' '], "-");
    // What Windows calls it where one saves a file.
    if label == "ansi" {
        return Some("windows-1252");
    }
    NAMES
        .split_ascii_whitespace()
        .map(|name| (strsim::osa_distance(name, &label), name))
        .filter(|&(distance, name)| distance <= name.len() / 3)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

/// What is known without judging the letters: the encoding, and how many bytes
/// of byte order mark are before the text. A mark counts for more than the
/// mapping: it is there or not, and mappings outlive exports.
pub(super) fn certain(start: &[u8], named: Option<Charset>) -> Option<(Charset, usize)> {
    charset::of_mark(start)
        .or(named.map(|charset| (charset, 0)))
        .or_else(|| charset::of_zeros(start).map(|charset| (charset, 0)))
}

/// Finds out the encoding of a text in which ASCII's letters have ASCII's bytes.
///
/// - Valid sequences of several bytes say UTF-8, if there are any and few bytes
///   beside them are broken: such pairs of letters and signs make no sense in any
///   other encoding. What is broken is then damage.
/// - Of any other text, a sample of the lines that have bytes beyond ASCII is
///   judged by its letters.
#[derive(Debug, Default)]
pub(super) struct Judge {
    /// The end of what was seen, which must be seen with what follows.
    held: Vec<u8>,
    /// Lines with bytes beyond ASCII.
    sample: Vec<u8>,
    /// Letters that are whole in UTF-8.
    whole: u64,
    /// Bytes beyond ASCII that are not part of one.
    broken: u64,
}

impl Judge {
    /// Examines the next bytes of the file; true if more would change nothing.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        let mut seen = std::mem::take(&mut self.held);
        seen.extend_from_slice(bytes);
        // Nothing that matters goes over the end of a line.
        let end = match memrchr2(b'\n', b'\r', &seen) {
            Some(at) => at + 1,
            None if seen.len() < LONG => 0,
            None => seen.len() - begun(&seen),
        };
        self.examine(seen.get(..end).unwrap_or_default());
        seen.drain(..end);
        self.held = seen;
        self.whole >= CERTAIN && self.broken == 0
    }

    /// What the file is, after all of it, or after enough of it.
    ///
    /// # Errors
    /// The encodings that it may be in, the likeliest first.
    pub(super) fn verdict(mut self) -> Result<Charset, Vec<Charset>> {
        let held = std::mem::take(&mut self.held);
        self.examine(&held);
        if self.broken == 0 {
            return Ok(Charset::UTF_8);
        }
        let guess = guess::guess(&self.sample);
        match guess {
            _ if self.whole == 0 => guess,
            // Letters that follow each other can look like one of UTF-8: now and then in
            // scripts of their own, hardly ever in the Latin one.
            Ok(charset) => {
                let chance = if guess::is_latin(charset) { 20 } else { 2 };
                let is_chance = self.broken > chance * self.whole;
                Ok(if is_chance { charset } else { Charset::UTF_8 })
            }
            Err(_) => Ok(Charset::UTF_8),
        }
    }

    fn examine(&mut self, text: &[u8]) {
        if text.is_ascii() {
            return;
        }
        for chunk in text.utf8_chunks() {
            for char in chunk.valid().chars().filter(|char| !char.is_ascii()) {
                if is_letters_of_two_bytes(char) {
                    self.broken += 2;
                } else {
                    self.whole += 1;
                }
            }
            self.broken += chunk.invalid().len() as u64;
        }
        let ends = |byte: &u8| matches!(byte, b'\n' | b'\r');
        for line in text.split_inclusive(ends).filter(|line| !line.is_ascii()) {
            if self.sample.len() + line.len() > SAMPLE && !self.sample.is_empty() {
                return;
            }
            self.sample.extend_from_slice(line);
        }
    }
}

/// Whether a character of two bytes is a sign that no table has, of Hebrew or Syriac:
/// rather two letters of another encoding, such as `Íñ` of DOS.
fn is_letters_of_two_bytes(char: char) -> bool {
    matches!(char, '\u{370}'..='\u{7ff}') && !char.is_alphanumeric()
}

/// How many bytes at the end may begin a UTF-8 sequence that goes on.
fn begun(bytes: &[u8]) -> usize {
    (1..=3)
        .zip(bytes.iter().rev())
        .find(|&(length, &byte)| match byte {
            0xc2..=0xdf => length < 2,
            0xe0..=0xef => length < 3,
            0xf0..=0xf4 => length < 4,
            _ => false,
        })
        .map_or(0, |(length, _)| length)
}

#[cfg(test)]
mod tests {
    use encoding_rs::{UTF_8, UTF_16BE, WINDOWS_1252};

    use super::*;

    /// The encoding that is decided, or those that a person is asked about.
    fn judged(bytes: &[u8], step: usize) -> String {
        let mut judge = Judge::default();
        for part in bytes.chunks(step) {
            if judge.push(part) {
                break;
            }
        }
        match judge.verdict() {
            Ok(charset) => charset.name().to_owned(),
            Err(likely) => {
                let names: Vec<_> = likely.into_iter().map(Charset::name).collect();
                format!("{}?", names.join(", "))
            }
        }
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        for step in [1, 2, 3, 5, 1 << 10] {
            assert_eq!(judged(bytes, step), expected, "{bytes:?} by {step}");
        }
    }

    fn in_encoding(label: &str, text: &str) -> Vec<u8> {
        let encoding = Encoding::for_label(label.as_bytes()).unwrap();
        let (bytes, _, unmappable) = encoding.encode(text);
        assert!(!unmappable);
        bytes.into_owned()
    }

    /// What the DOS code pages have for some letters.
    fn in_dos(text: &str) -> Vec<u8> {
        text.chars()
            .map(|char| match char {
                'ü' => 0x81,
                'é' => 0x82,
                'ä' => 0x84,
                'ö' => 0x94,
                char => u8::try_from(char).unwrap(),
            })
            .collect()
    }

    #[test]
    fn western_names_in_windows_1252_are_recognised() {
        for text in [
            "id,name\n1,José\n",
            "Zoë",
            "Conceição, Assunção\nSão João\n",
            "Åse Ørsted Øye\nJürgen Groß\nFrançois L’Œuf\n",
            "Mª José, C/ Mayor 3º\nl·l\nO´Brien — “Bob” £500 €5\n",
            "\u{a0}\u{a0}\u{a0}padded\u{a0}\u{a0}\u{a0}\n……… ———\n",
            "Šimon Žižka\n",
            // One sign that an export spoilt does not speak against the rest.
            "O¿Brien\nJosé\nHélène\nMüller\nZoë\n",
        ] {
            check(&in_encoding("windows-1252", text), "windows-1252");
            check(text.as_bytes(), "UTF-8");
        }
        check(b"id,name\n1,Ann\n", "UTF-8");
    }

    #[test]
    fn damaged_utf_8_stays_utf_8() {
        let text = "1,José\n2,Zoë\n3,Ødegård\n";
        for at in 0..text.len() {
            let cut = [&text.as_bytes()[..at], b"\n", &text.as_bytes()[at..]].concat();
            check(&cut, "UTF-8");
        }
        check("1,Jos\u{e9}".as_bytes(), "UTF-8");
        check(b"1,\xe9\n2,\xc3\xa9\n", "UTF-8");
        check(b"1,\xc3\xa9\n2,\xe9\n2,\xe9\n2,\xe9\n2,\xe9\n", "UTF-8");
    }

    #[test]
    fn names_of_other_places_are_read_in_their_encoding_or_asked_about() {
        for (label, text, expected) in [
            (
                "windows-1251",
                "1,Иван Петров\n2,Анна Смирнова\n",
                "windows-1251",
            ),
            ("koi8-r", "1,Иван Петров\n2,Анна Смирнова\n", "KOI8-U"),
            ("windows-1253", "1,Γιώργος Παπαδόπουλος\n", "windows-1253"),
            ("windows-1255", "1,דוד כהן\n", "windows-1255"),
            ("windows-1256", "1,محمد أحمد\n", "windows-1256"),
            ("gbk", "1,王小明\n2,李丽\n3,张伟国\n", "GBK"),
            ("big5", "1,王小明\n2,陳美麗\n", "Big5"),
            ("euc-kr", "1,김민준\n2,이서연\n", "EUC-KR"),
            ("shift_jis", "1,山田 太郎\n2,佐藤 花子\n", "Shift_JIS"),
            (
                "windows-1250",
                "1,Michałowski\n2,Elżbieta\n3,Łukasz Dąbrowski\n",
                "windows-1250",
            ),
            (
                "iso-8859-2",
                "1,Michałowski\n2,Elżbieta\n3,Łukasz Dąbrowski\n4,Ścibor Leśniak\n",
                "ISO-8859-2",
            ),
            ("macintosh", "1,Müller\n2,Jäger\n3,Hélène\n", "macintosh"),
        ] {
            check(&in_encoding(label, text), expected);
        }
        check(&in_dos("1,Jäger\n2,Köhler\n3,Müller\n"), "cp850");
        // Íñigo, of which the first two letters are one sign in UTF-8.
        check(b"1,\xd6\xa4igo Iba\xa4ez\n2,Bego\xa4a\n", "cp850");
        check(b"1,\xd6\xa4igo\n", "cp850");
    }

    #[test]
    fn what_two_encodings_read_as_people_is_asked_about() {
        // Košic or Koöic, on an old Mac or in Windows.
        check(b"1,Ko\x9aic\n", "windows-1252, macintosh, windows-1257?");
        // No letters at all in any reading.
        let judged = judged(b"1,a\xb2b\xb3c\xdbd\xb2e\n", 9);
        assert!(judged.ends_with('?'), "{judged}");
    }

    #[test]
    fn a_mark_counts_for_more_than_the_mapping_and_the_mapping_more_than_zeros() {
        let utf16: Vec<u8> = "id,name\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let utf16be: Vec<u8> = "id,name\n"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        let latin1 = Some(named("latin1").unwrap());
        for (start, named, expected) in [
            (&b"\xef\xbb\xbfid"[..], latin1, Some((UTF_8.into(), 3))),
            (b"\xff\xfei\0", latin1, Some((UTF_16LE.into(), 2))),
            (b"\xfe\xff\0i", None, Some((UTF_16BE.into(), 2))),
            (&utf16, None, Some((UTF_16LE.into(), 0))),
            (&utf16be, None, Some((UTF_16BE.into(), 0))),
            (&utf16, latin1, Some((WINDOWS_1252.into(), 0))),
            (b"id,name\n", latin1, Some((WINDOWS_1252.into(), 0))),
            (
                b"\xff\xfe\0\0i\0\0\0",
                None,
                Some((Charset::Utf32 { little: true }, 4)),
            ),
            (
                b"\0\0\xfe\xff\0\0\0i",
                None,
                Some((Charset::Utf32 { little: false }, 4)),
            ),
            (b"id,name\n", None, None),
        ] {
            assert_eq!(certain(start, named), expected, "{start:?}");
        }
    }

    #[test]
    fn an_encoding_may_be_called_what_any_program_calls_it() {
        for (label, expected) in [
            ("cp932", "Shift_JIS"),
            ("MS932", "Shift_JIS"),
            ("cp1252", "windows-1252"),
            ("windows1252", "windows-1252"),
            ("windows_1250", "windows-1250"),
            ("win-1251", "windows-1251"),
            ("1253", "windows-1253"),
            ("mac", "macintosh"),
            ("MacRoman", "macintosh"),
            ("mac_cyrillic", "x-mac-cyrillic"),
            ("cp850", "cp850"),
            ("IBM437", "cp437"),
            ("CP-852", "cp852"),
            ("cp866", "IBM866"),
            ("cp936", "GBK"),
            ("cp949", "EUC-KR"),
            ("cp950", "Big5"),
            ("cp65001", "UTF-8"),
            ("utf8mb4", "UTF-8"),
            ("latin-1", "windows-1252"),
            ("iso 8859-15", "ISO-8859-15"),
            ("28605", "ISO-8859-15"),
            ("utf16", "UTF-16LE"),
            ("UTF-32", "UTF-32LE"),
            ("utf-32be", "UTF-32BE"),
            ("euc_jp", "EUC-JP"),
            (" Shift-JIS ", "Shift_JIS"),
        ] {
            assert_eq!(named(label).unwrap().name(), expected, "{label}");
        }
    }

    #[test]
    fn an_unknown_label_is_refused_with_the_nearest() {
        for label in
            NAMES
                .split_ascii_whitespace()
                .chain([" Windows-1252 ", "UTF8", "l1", "cp1250"])
        {
            assert!(named(label).is_ok(), "{label}");
        }
        for (label, expected) in [
            ("windows-1525", Some("windows-1255")),
            ("ANSI", Some("windows-1252")),
            ("uft-8", Some("utf-8")),
            ("utf-61", Some("utf-16")),
            ("", None),
            ("replacement", None),
            ("hz-gb-2312", None),
            ("x-user-defined", None),
            ("klingon", None),
        ] {
            let error = named(label).unwrap_err();
            let FeedError::EncodingNotSupported { near, .. } = &error else {
                panic!("{error:?}");
            };
            assert_eq!(*near, expected, "{label}");
            assert!(error.is_usage());
        }
    }
}
