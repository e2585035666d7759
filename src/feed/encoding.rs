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
mod likelihood;
mod places;
mod probe;

use encoding_rs::{Encoding, REPLACEMENT, UTF_16LE, X_USER_DEFINED};
use memchr::{memchr2, memrchr2};

pub(super) use self::charset::{Charset, Decoder};
pub(super) use self::probe::of_letters;
use super::FeedError;

/// Names that people might mean when they mistype one. More labels are known.
const NAMES: &str = "
    utf-8 windows-1252 utf-16 utf-16le utf-16be utf-32 latin1 ascii cp1252 iso-8859-1 iso-8859-2
    iso-8859-3 iso-8859-4 iso-8859-5 iso-8859-6 iso-8859-7 iso-8859-8 iso-8859-9 iso-8859-10
    iso-8859-13 iso-8859-14 iso-8859-15 iso-8859-16 windows-874 windows-1250 windows-1251
    windows-1253 windows-1254 windows-1255 windows-1256 windows-1257 windows-1258 macintosh
    x-mac-cyrillic x-mac-ce koi8-r koi8-u ibm866 cp437 cp850 cp852 shift_jis euc-jp euc-kr gbk gb18030 big5
";

/// Of a line that is longer, not all is held at once.
const LONG: usize = 1 << 16;
/// How many bytes of lines with letters beyond ASCII are judged in any case: hundreds of
/// people.
const SAMPLE: usize = 1 << 16;
/// The same with the lines that have rare letters.
const MAX_SAMPLE: usize = 1 << 17;
/// A sample with less room than this is full: after hundreds of lines, two more decide
/// nothing.
const ROOM: usize = 1 << 8;
/// A letter is rare until the sample has it so often.
const RARE: u8 = 8;
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
        "macce"
        | "xmacce"
        | "maccentraleurope"
        | "maccentraleurroman"
        | "xmaccentraleurroman"
        | "maclatin2" => return Some(Charset::MAC_CE),
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
        "latin7" => "iso-8859-13",
        "latin8" => "iso-8859-14",
        "latin9" | "latin0" => "iso-8859-15",
        "latin10" => "iso-8859-16",
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
    // They sound like others, and none of those that are read is meant.
    if ["utf7", "utf-7", "hz", "hz-gb-2312"].contains(&label.as_str()) {
        return None;
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
    let by_zeros = || charset::of_zeros(start);
    // Nobody who writes `utf-16` knows which byte of two is the first.
    let in_order = |named: Charset| match by_zeros() {
        Some(found) if found.is_form_of(named) => found,
        _ => named,
    };
    charset::of_mark(start).or_else(|| {
        let charset = named.map(in_order).or_else(by_zeros)?;
        Some((charset, 0))
    })
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
    sample: Sample,
    /// Letters that are whole in UTF-8.
    whole: u64,
    /// Those of them that have three bytes or more.
    long: u64,
    /// Bytes beyond ASCII that are not part of one.
    broken: u64,
}

impl Judge {
    /// Examines the next bytes of the file; true if more would change nothing.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        let mut seen = std::mem::take(&mut self.held);
        seen.extend_from_slice(bytes);
        // Nothing that matters goes over the end of a line, of which a `\r` may be half.
        let known = seen.len() - usize::from(seen.last() == Some(&b'\r'));
        let end = match memrchr2(b'\n', b'\r', seen.get(..known).unwrap_or_default()) {
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
        let guess = guess::guess(&self.sample.text);
        let likeliest = match &guess {
            Ok(charset) => Some(*charset),
            Err(likely) => likely.first().copied(),
        };
        // Letters that follow each other can look like one of UTF-8: now and then in
        // scripts of their own, hardly ever in the Latin one.
        let is_latin = likeliest.is_some_and(guess::is_latin);
        let chance = if is_latin { 20 } else { 2 };
        // All characters of East Asia have three bytes in UTF-8, and two of theirs can look
        // like a letter.
        let is_of_two_bytes = |charset: &Charset| !charset.is_single_byte();
        let is_east_asian = match &guess {
            Ok(charset) => is_of_two_bytes(charset),
            Err(likely) => likely.iter().any(is_of_two_bytes),
        } && self.long == 0;
        if self.broken > chance * self.whole || is_east_asian && self.broken * 2 >= self.whole {
            guess
        } else {
            Ok(Charset::UTF_8)
        }
    }

    /// Judges lines. The whole of a file is, so ASCII is passed as fast as can be, and so are
    /// letters in lines that the sample has no room for.
    fn examine(&mut self, text: &[u8]) {
        let mut at = 0;
        loop {
            let rest = text.get(at..).unwrap_or_default();
            let (ascii, behind) = rest.split_at(Encoding::ascii_valid_up_to(rest));
            let length = behind.iter().take_while(|byte| !byte.is_ascii()).count();
            let (letters, more) = behind.split_at(length);
            if letters.is_empty() {
                return;
            }
            let before = ascii.last().copied().unwrap_or(b' ');
            at += ascii.len();
            if self.sample.is_full() && !self.sample.has_rare(letters) {
                self.count([before, more.first().copied().unwrap_or(b' ')], letters);
                at += length;
                continue;
            }
            let passed = text.get(..at).unwrap_or_default();
            let start = memrchr2(b'\n', b'\r', passed).map_or(0, |at| at + 1);
            let end = at + line_length(behind);
            let mut has_rare = false;
            for (around, letters) in beyond_ascii(before, text.get(at..end).unwrap_or_default()) {
                self.count(around, letters);
                has_rare = has_rare || self.sample.has_rare(letters);
            }
            let line = text.get(start..end).unwrap_or_default();
            self.sample.push(line, has_rare);
            at = end;
        }
    }

    /// Counts bytes beyond ASCII that are between these two of ASCII.
    fn count(&mut self, [before, behind]: [u8; 2], letters: &[u8]) {
        // So letters of UTF-8 begin.
        let begins = |pair: &[u8]| matches!(pair, [0xc2..=0xf4, 0x80..=0xbf]);
        if !letters.windows(2).any(begins) {
            self.broken += letters.len() as u64;
            return;
        }
        let mut before = char::from(before);
        for chunk in letters.utf8_chunks() {
            let is_last = chunk.invalid().is_empty();
            let behind = if is_last { char::from(behind) } else { ' ' };
            let mut chars = chunk.valid().chars().peekable();
            while let Some(char) = chars.next() {
                let after = chars.peek().copied().unwrap_or(behind);
                if is_letters_of_two_bytes([before, char, after]) {
                    self.broken += 2;
                } else {
                    self.whole += 1;
                    self.long += u64::from(char > '\u{7ff}');
                }
                before = char;
            }
            self.broken += chunk.invalid().len() as u64;
            before = ' ';
        }
    }
}

/// Lines with bytes beyond ASCII: the first ones, and from then on those with letters
/// that are rare so far. Feeds are sorted, and the last country has letters of its own.
#[derive(Debug, Default)]
struct Sample {
    text: Vec<u8>,
    /// How often the text has each byte; empty as long as there is none.
    counts: Vec<u8>,
}

impl Sample {
    /// Takes a line if it is wanted. `has_rare`: of its letters beyond ASCII some are rare
    /// so far.
    fn push(&mut self, line: &[u8], has_rare: bool) {
        let length = self.text.len() + line.len();
        let is_wanted = length <= SAMPLE || length <= MAX_SAMPLE && has_rare;
        if is_wanted || self.text.is_empty() {
            self.text.extend_from_slice(line);
            self.counts.resize(256, 0);
            for &byte in line {
                if let Some(count) = self.counts.get_mut(usize::from(byte)) {
                    *count = count.saturating_add(1);
                }
            }
        }
    }

    /// Whether it takes no line any more but for its rare letters.
    fn is_full(&self) -> bool {
        self.text.len() + ROOM > SAMPLE
    }

    fn has_rare(&self, letters: &[u8]) -> bool {
        let is_rare = |&byte: &u8| {
            let count = self.counts.get(usize::from(byte));
            count.is_none_or(|&count| count < RARE)
        };
        letters.iter().any(is_rare)
    }
}

/// The length of the first line, or what is left of it, with its end: `\n`, `\r\n` or a lone `\r`.
fn line_length(text: &[u8]) -> usize {
    match memchr2(b'\n', b'\r', text) {
        Some(at) if text.get(at..at + 2) == Some(b"\r\n") => at + 2,
        Some(at) => at + 1,
        None => text.len(),
    }
}

/// The bytes beyond ASCII of a text, without those between, each with the bytes of ASCII
/// around them: `before` is before the text.
fn beyond_ascii(before: u8, mut text: &[u8]) -> impl Iterator<Item = ([u8; 2], &[u8])> {
    std::iter::from_fn(move || {
        let (ascii, rest) = text.split_at(Encoding::ascii_valid_up_to(text));
        let length = rest.iter().take_while(|byte| !byte.is_ascii()).count();
        let (letters, behind) = rest.split_at(length);
        text = behind;
        let around = [
            ascii.last().copied().unwrap_or(before),
            behind.first().copied().unwrap_or(b' '),
        ];
        (!letters.is_empty()).then_some((around, letters))
    })
}

/// Whether a character of two bytes is a sign that no table has, of Hebrew or Syriac, or a
/// letter of theirs in a Latin word: rather two letters of another encoding, such as `Íñ` of
/// DOS or `ří` of old Macs.
fn is_letters_of_two_bytes([before, char, after]: [char; 3]) -> bool {
    let is_in_latin_word = before.is_ascii_alphabetic() || after.is_ascii_alphabetic();
    match char {
        '\u{530}'..='\u{7ff}' => !char.is_alphanumeric() || is_in_latin_word,
        '\u{370}'..='\u{52f}' => !char.is_alphanumeric(),
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
mod tests;
