//! The encoding of rows that came back, by letters that hrfeed wrote beside each of them: a
//! few rows have too few letters of their own to show what a program saved them in.

use super::charset::Charset;
use super::named;
use crate::model::corrections::{BEFORE_LETTERS, LETTERS};

/// The encodings that programs save text files in, the likeliest first.
const CANDIDATES: &str = "
    utf-8 windows-1252 windows-1250 windows-1251 windows-1253 windows-1254 windows-1257
    windows-1255 windows-1256 windows-1258 windows-874 macintosh x-mac-ce x-mac-cyrillic
    iso-8859-2 iso-8859-15 iso-8859-5 iso-8859-7 iso-8859-9 iso-8859-13 shift_jis gbk big5 euc-kr
    cp850 cp852 cp437 ibm866
";

/// The encoding of a text that starts so, if it has these letters and they show it.
pub(in crate::feed) fn of_letters(start: &[u8]) -> Option<Charset> {
    let at = memchr::memmem::find(start, BEFORE_LETTERS.as_bytes())?;
    let letters = start.get(at + BEFORE_LETTERS.len()..)?;
    let end = letters
        .iter()
        .position(|byte| b";\"\r\n,\t|".contains(byte))?;
    let letters = letters.get(..end)?;
    let candidates = CANDIDATES.split_whitespace();
    let charsets = candidates.filter_map(|label| named(label).ok());
    let fitting = charsets.filter_map(|it| Some((fit(it, letters)?, it)));
    // Of equals the first.
    let best = fitting.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, charset)| charset)
}

/// How well the letters read in an encoding: `None` if one of them is another than was
/// written. One that the encoding does not have may be gone, or a letter of ASCII.
fn fit(charset: Charset, bytes: &[u8]) -> Option<i32> {
    let text = charset.text(bytes);
    let (read, written) = (text.chars(), LETTERS.chars());
    if read.clone().count() != written.clone().count() {
        return None;
    }
    let mut fit = 0;
    for (read, written) in read.zip(written) {
        if read == written {
            fit += 1;
        } else if !read.is_ascii() {
            return None;
        } else if charset.has(written) {
            // It was gone before.
            fit -= 1;
        }
    }
    (fit > -2 && !text.is_ascii()).then_some(fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The letters in an encoding; those that it does not have as `?`, or the letter of
    /// ASCII that looks most like it.
    fn saved(charset: Charset, is_best: bool) -> Vec<u8> {
        let alike = LETTERS.chars().zip("esZlgkaZ".chars());
        let letters = alike.map(|(letter, alike)| match charset.has(letter) {
            true => letter,
            false if is_best => alike,
            false => '?',
        });
        let text: String = letters.collect();
        let text = format!("a,b\r\n1,\"run 5, row 2{BEFORE_LETTERS}{text}; ID 7\"\r\n");
        let web = encoding_rs::Encoding::for_label(charset.name().as_bytes());
        web.map_or_else(Vec::new, |web| web.encode(&text).0.into_owned())
    }

    #[test]
    fn the_letters_show_what_a_program_saved_a_file_in() {
        for label in [
            "utf-8",
            "windows-1252",
            "windows-1250",
            "windows-1251",
            "windows-1253",
            "windows-1254",
            "windows-1257",
            "macintosh",
            "gbk",
            "iso-8859-2",
        ] {
            let charset = named(label).unwrap();
            for is_best in [false, true] {
                let found = of_letters(&saved(charset, is_best));
                assert_eq!(found, Some(charset), "{label}");
            }
        }
        assert_eq!(of_letters(b"a,b\r\n1,2\r\n"), None);
        assert_eq!(
            of_letters(b"run 5, row 2; letters ????????; ID 7\r\n"),
            None
        );
    }
}
