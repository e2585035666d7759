//! Texts in encodings that write all letters with those of ASCII: UTF-7 and HZ.

use encoding_rs::GBK;
use memchr::memchr_iter;

/// Whether a text has letters in UTF-7 (`Ren+AOk-`) or HZ (`~{M5P!C7~}`).
pub(super) fn has_any(text: &str) -> bool {
    let bytes = text.as_bytes();
    let behind = |at: usize| text.get(at + 1..).unwrap_or_default();
    memchr_iter(b'+', bytes).any(|at| is_utf_7(behind(at)))
        || memchr_iter(b'~', bytes).any(|at| is_hz(behind(at)))
}

/// Whether a text begins with letters of UTF-7, behind the sign that shifts to them: those of
/// the Latin, Greek or Cyrillic script, or several others that are marked as ended.
fn is_utf_7(text: &str) -> bool {
    // A phone number; no letter of these scripts begins so.
    if text.starts_with(|char: char| char.is_ascii_digit()) {
        return false;
    }
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let end = text.bytes().position(|byte| !is_base64(byte));
    let end = end.unwrap_or(text.len());
    let is_ended = text.as_bytes().get(end) == Some(&b'-');
    let Some(letters) = text.get(..end).and_then(from_base64) else {
        return false;
    };
    let are_near = letters.iter().all(|it| matches!(it, '\u{c0}'..='\u{52f}'));
    let are_far = letters.len() >= 2 && is_ended;
    letters
        .iter()
        .all(|it| it.is_alphabetic() && !it.is_ascii())
        && (are_near || are_far)
}

/// The characters of whole units of UTF-16; none of what is no such text.
fn from_base64(text: &str) -> Option<Vec<char>> {
    let (mut units, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for byte in text.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        held = (held << 6) | u32::from(six);
        bits += 6;
        if bits >= 16 {
            bits -= 16;
            units.push(u16::try_from(held >> bits).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    let is_whole = bits < 6 && held == 0 && !units.is_empty();
    let chars = char::decode_utf16(units)
        .collect::<Result<Vec<_>, _>>()
        .ok()?;
    is_whole.then_some(chars)
}

/// Whether a text begins with characters of HZ, behind the first sign that shifts to them.
fn is_hz(text: &str) -> bool {
    let text = text
        .strip_prefix('{')
        .and_then(|text| text.split_once("~}"));
    let Some((shifted, _)) = text else {
        return false;
    };
    let are_pairs = !shifted.is_empty() && shifted.len().is_multiple_of(2);
    let is_part = |byte: u8| matches!(byte, 0x21..=0x7e);
    if !are_pairs || !shifted.bytes().all(is_part) {
        return false;
    }
    let bytes: Vec<_> = shifted.bytes().map(|byte| byte | 0x80).collect();
    let (read, _, is_malformed) = GBK.decode(&bytes);
    !is_malformed && read.contains(char::is_alphabetic)
}
