//! Which encoding a text is in.
//!
//! A byte order mark says it for certain, then the mapping, then the zero bytes
//! that UTF-16 has. Without any of them it is UTF-8 or windows-1252, which
//! [`Judge`] distinguishes. Every other encoding must be named: what is
//! plausible as neither is left as UTF-8, whose rows are then refused one by one.
//! A refused row does less harm than a person with a garbled name.

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};
use memchr::memrchr2;

use super::FeedError;

/// Names that people might mean when they mistype one. More labels are known.
const NAMES: &str = "
    utf-8 windows-1252 utf-16 utf-16le utf-16be latin1 ascii cp1252 iso-8859-1 iso-8859-2
    iso-8859-3 iso-8859-4 iso-8859-5 iso-8859-6 iso-8859-7 iso-8859-8 iso-8859-9 iso-8859-10
    iso-8859-13 iso-8859-14 iso-8859-15 iso-8859-16 windows-874 windows-1250 windows-1251
    windows-1253 windows-1254 windows-1255 windows-1256 windows-1257 windows-1258 macintosh
    x-mac-cyrillic koi8-r koi8-u ibm866 shift_jis euc-jp euc-kr gbk gb18030 big5
";

/// Of a line that is longer, not all is held at once.
const LONG: usize = 1 << 16;

/// The encoding that a label means, such as `windows-1252` or `latin1`.
pub(super) fn named(label: &str) -> Result<&'static Encoding, FeedError> {
    Encoding::for_label(label.as_bytes())
        // The one makes an error of all text, the other letters of nobody.
        .filter(|&it| it != REPLACEMENT && it != X_USER_DEFINED)
        .ok_or_else(|| FeedError::EncodingNotSupported {
            encoding: label.to_owned(),
            near: nearest(label),
        })
}

fn nearest(label: &str) -> Option<&'static str> {
    let label = label.trim().to_lowercase().replace(['_', ' '], "-");
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
pub(super) fn certain(
    start: &[u8],
    named: Option<&'static Encoding>,
) -> Option<(&'static Encoding, usize)> {
    Encoding::for_bom(start)
        .or(named.map(|encoding| (encoding, 0)))
        .or_else(|| zeros(start).map(|encoding| (encoding, 0)))
}

/// UTF-16 without a mark, by the zero bytes that Latin letters, digits and
/// delimiters have in it and that no other text has.
fn zeros(start: &[u8]) -> Option<&'static Encoding> {
    let pairs = start.get(..start.len().min(4096)).unwrap_or_default();
    let n_pairs = pairs.len() / 2;
    let zeros = |odd: usize| {
        pairs
            .chunks_exact(2)
            .filter(|pair| pair.get(odd) == Some(&0) && pair.get(1 - odd) != Some(&0))
            .count()
    };
    if n_pairs < 4 {
        None
    } else if zeros(1) * 4 > n_pairs * 3 {
        Some(UTF_16LE)
    } else if zeros(0) * 4 > n_pairs * 3 {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Distinguishes UTF-8 and windows-1252.
///
/// - A valid sequence of several bytes says UTF-8, whatever else there is:
///   such pairs of letters and signs make no sense in windows-1252. With
///   broken bytes around it, the file is damaged UTF-8.
/// - The five bytes that windows-1252 does not define say that it is not.
/// - Neither is text whose signs are not where Western languages have them:
///   words all of letters beyond ASCII (Cyrillic, Greek, Chinese), or signs
///   such as `³` and `„` between two letters (Polish, DOS, old Macs).
/// - Any other text with bytes beyond ASCII is windows-1252.
#[derive(Debug, Default)]
pub(super) struct Judge {
    /// The end of what was seen, which must be seen with what follows.
    held: Vec<u8>,
    /// Bytes beyond ASCII.
    high: u64,
    /// Of them, those among three or more in a row that would be letters.
    crowded: u64,
    /// Of them, those where no Western language has them.
    odd: u64,
    utf8: bool,
    undefined: bool,
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
        self.utf8 || self.undefined
    }

    /// What the file is, after all of it, or after enough of it.
    pub(super) fn verdict(mut self) -> &'static Encoding {
        let held = std::mem::take(&mut self.held);
        self.examine(&held);
        let western = self.crowded * 2 <= self.high && self.odd * 8 <= self.high;
        if self.utf8 || self.undefined || self.high == 0 || !western {
            UTF_8
        } else {
            WINDOWS_1252
        }
    }

    fn examine(&mut self, text: &[u8]) {
        if text.is_ascii() {
            return;
        }
        if text.utf8_chunks().any(|chunk| !chunk.valid().is_ascii()) {
            self.utf8 = true;
            return;
        }
        let mut run = 0;
        for (at, &byte) in text.iter().enumerate() {
            if byte >= 0xa1 {
                run += 1;
            } else {
                self.end_run(&mut run);
            }
            if byte.is_ascii() {
                continue;
            }
            self.high += 1;
            self.undefined |= matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d);
            let before = at.checked_sub(1).and_then(|it| text.get(it)).copied();
            let after = text.get(at + 1).copied();
            if let (Some(before), Some(after)) = (before, after)
                && is_odd(before, byte, after)
            {
                self.odd += 1;
            }
        }
        self.end_run(&mut run);
    }

    fn end_run(&mut self, run: &mut u64) {
        if *run >= 3 {
            self.crowded += *run;
        }
        *run = 0;
    }
}

/// Whether a byte, read as windows-1252, is a sign that no name has there.
fn is_odd(before: u8, byte: u8, after: u8) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte >= 0xc0;
    match byte {
        // Quotes but the apostrophe, and other typographic signs: ä, ö and é in DOS.
        0x82 | 0x84 | 0x86..=0x89 | 0x8b | 0x93..=0x95 | 0x98 | 0x99 | 0x9b
        // £ ¥ ¦ © ¬ ® ¯ ± ³ ¶ ¹ ¼ ½ ¾ ¿: Polish ł, ą, ż and their like.
        | 0xa3 | 0xa5 | 0xa6 | 0xa9 | 0xac | 0xae | 0xaf | 0xb1 | 0xb3 | 0xb6 | 0xb9
        | 0xbc..=0xbf => letter(before) && letter(after),
        // Š Ž Ÿ among small letters: ä, é, ü on old Macs.
        0x8a | 0x8e | 0x9f => before.is_ascii_lowercase() && after.is_ascii_lowercase(),
        _ => false,
    }
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
    use super::*;

    fn judged(bytes: &[u8], step: usize) -> &'static str {
        let mut judge = Judge::default();
        for part in bytes.chunks(step) {
            if judge.push(part) {
                break;
            }
        }
        judge.verdict().name()
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        for step in [1, 2, 3, 5, 1 << 10] {
            assert_eq!(judged(bytes, step), expected, "{bytes:?} by {step}");
        }
    }

    fn in_encoding(label: &str, text: &str) -> Vec<u8> {
        let (bytes, _, unmappable) = named(label).unwrap().encode(text);
        assert!(!unmappable);
        bytes.into_owned()
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
            "O¿Brien\nÄ\nÖ\nÜ\né\nè\nà\në\n",
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
    fn bytes_that_windows_1252_does_not_define_are_not_read_as_it() {
        for byte in [0x81, 0x8d, 0x8f, 0x90, 0x9d] {
            check(&[b'a', byte, b'b', 0xe9, b'\n'], "UTF-8");
        }
    }

    #[test]
    fn names_of_other_places_are_not_read_as_windows_1252() {
        for (label, text) in [
            ("windows-1251", "1,Иван Петров\n2,Анна Смирнова\n"),
            ("koi8-r", "1,Иван Петров\n2,Анна Смирнова\n"),
            ("windows-1253", "1,Γιώργος Παπαδόπουλος\n"),
            ("windows-1255", "1,דוד כהן\n"),
            ("windows-1256", "1,محمد أحمد\n"),
            ("gbk", "1,王小明\n2,李丽\n3,张伟国\n"),
            ("big5", "1,王小明\n2,陳美麗\n"),
            ("euc-kr", "1,김민준\n2,이서연\n"),
            ("shift_jis", "1,山田 太郎\n2,佐藤 花子\n"),
            (
                "windows-1250",
                "1,Michałowski\n2,Elżbieta\n3,Łukasz Dąbrowski\n",
            ),
            (
                "iso-8859-2",
                "1,Michałowski\n2,Elżbieta\n3,Łukasz Dąbrowski\n",
            ),
            ("macintosh", "1,Müller\n2,Jäger\n3,Hélène\n"),
        ] {
            check(&in_encoding(label, text), "UTF-8");
        }
        // Of DOS: Jäger, Köhler.
        check(b"1,J\x84ger\n2,K\x94hler\n", "UTF-8");
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
            (&b"\xef\xbb\xbfid"[..], latin1, Some((UTF_8, 3))),
            (b"\xff\xfei\0", latin1, Some((UTF_16LE, 2))),
            (b"\xfe\xff\0i", None, Some((UTF_16BE, 2))),
            (&utf16, None, Some((UTF_16LE, 0))),
            (&utf16be, None, Some((UTF_16BE, 0))),
            (&utf16, latin1, Some((WINDOWS_1252, 0))),
            (b"id,name\n", latin1, Some((WINDOWS_1252, 0))),
            (b"id,name\n", None, None),
        ] {
            assert_eq!(certain(start, named), expected, "{start:?}");
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
            ("windows1252", Some("windows-1252")),
            ("windows_1250", Some("windows-1250")),
            ("win-1251", Some("windows-1251")),
            ("ANSI", Some("windows-1252")),
            ("uft-8", Some("utf-8")),
            ("utf16", Some("utf-16")),
            ("latin-1", Some("latin1")),
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
