//! What of OpenPGP a file is, by its first bytes.

use memchr::memmem;

/// What of OpenPGP a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::feed) enum Found {
    /// A message, from which a feed can be read.
    Message(Form),
    /// Something else that people confuse with one: `an OpenPGP key`.
    Other(&'static str),
}

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::feed) enum Form {
    /// As bytes.
    Binary,
    /// As text, from this byte on.
    Armoured {
        /// Where its first line begins.
        at: usize,
    },
}

/// What of OpenPGP a file is that begins with `start`.
pub(in crate::feed) fn recognise(start: &[u8]) -> Option<Found> {
    match start.first()? {
        // Every packet begins with this bit.
        0x80.. if !start.starts_with(MARK) => binary(start),
        _ => armoured(start),
    }
}

/// UTF-8's mark of its byte order, which some programs put before any text.
const MARK: &[u8] = b"\xef\xbb\xbf";

const BEGIN: &[u8] = b"-----BEGIN PGP ";

/// Text may be around a message, as in a mail that was saved.
fn armoured(start: &[u8]) -> Option<Found> {
    let begins_line = |at: &usize| {
        let before = start.get(..*at).unwrap_or_default();
        let before = before.strip_prefix(MARK).unwrap_or(before);
        matches!(before.last(), None | Some(b'\n' | b'\r'))
    };
    let at = memmem::find_iter(start, BEGIN).find(begins_line)?;
    let before = start.get(..at).unwrap_or_default();
    let before = before.strip_prefix(MARK).unwrap_or(before);
    let line = start.get(at + BEGIN.len()..)?;
    let line = line.split(|byte| matches!(byte, b'\n' | b'\r')).next()?;
    match line.trim_ascii_end() {
        b"MESSAGE-----" => Some(Found::Message(Form::Armoured { at })),
        // A table may hold the others in its cells.
        _ if !before.trim_ascii().is_empty() => None,
        b"SIGNED MESSAGE-----" => Some(Found::Other(
            "a text with an OpenPGP signature around it (`gpg --clear-sign`; use `gpg --sign`)",
        )),
        b"SIGNATURE-----" => Some(Found::Other(DETACHED)),
        b"PUBLIC KEY BLOCK-----" | b"PRIVATE KEY BLOCK-----" => Some(Found::Other(KEY)),
        line if line.starts_with(b"MESSAGE, PART ") => {
            Some(Found::Other("a part of an OpenPGP message"))
        }
        _ => None,
    }
}

const KEY: &str = "an OpenPGP key";
const DETACHED: &str = "an OpenPGP signature without what it is of";

/// The first packet shows it: nobody writes text with such control characters.
fn binary(start: &[u8]) -> Option<Found> {
    let packet = Packet::first(start)?;
    let is_message = match (packet.tag, packet.body) {
        // Session keys for a public key: version, key ID, algorithm.
        (1, [3, _, _, _, _, _, _, _, _, algorithm, ..]) => {
            matches!(algorithm, 1..=3 | 16 | 18 | 19 | 25 | 26)
        }
        // Session keys for a passphrase: version, cipher, kind of derivation.
        (3, [4, 1..=13, derivation, ..]) => matches!(derivation, 0 | 1 | 3 | 4),
        // A signature: version, kind of content. What it is of follows, or is elsewhere.
        (2, [3, 5, 0 | 1, ..] | [4 | 6, 0 | 1, ..]) if !packet.is_followed => {
            return Some(Found::Other(DETACHED));
        }
        (2, [3, 5, 0 | 1, ..] | [4 | 6, 0 | 1, ..])
        // One that follows.
        | (4, [3 | 6, 0 | 1, ..])
        // Newer session keys.
        | (1, [6, ..])
        | (3, [5 | 6, _, ..])
        // Compressed.
        | (8, [0..=3, _, ..])
        // Encrypted, with its integrity protected.
        | (18, [1 | 2, _, ..])
        | (20, [1, _, ..])
        // A mark of old programs.
        | (10, [b'P', b'G', b'P', ..]) => true,
        (5 | 6, [3..=6, _, _, _, _, ..]) => return Some(Found::Other(KEY)),
        _ => false,
    };
    is_message.then_some(Found::Message(Form::Binary))
}

/// A packet as far as it can be seen.
struct Packet<'a> {
    tag: u8,
    body: &'a [u8],
    is_followed: bool,
}

impl<'a> Packet<'a> {
    fn first(start: &'a [u8]) -> Option<Self> {
        let (&first, rest) = start.split_first()?;
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
        };
        let (tag, header, length) = if first & 0x40 == 0 {
            let header = match first & 3 {
                0 => 1,
                1 => 2,
                2 => 4,
                _ => 0,
            };
            let length = (header > 0).then(|| number(rest.get(..header).unwrap_or_default()));
            ((first >> 2) & 0x0f, header, length)
        } else {
            let (header, length) = match *rest.first()? {
                short @ ..192 => (1, Some(usize::from(short))),
                high @ 192..224 => {
                    let low = usize::from(*rest.get(1)?);
                    (2, Some(((usize::from(high) - 192) << 8) + low + 192))
                }
                // The first of several parts.
                224..255 => (1, None),
                255 => (5, Some(number(rest.get(1..5)?))),
            };
            (first & 0x3f, header, length)
        };
        let body = rest.get(header..)?;
        let length = length.unwrap_or(usize::MAX);
        Some(Self {
            tag,
            body: body.get(..length).unwrap_or(body),
            is_followed: body.len() > length,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_any_encoding_is_no_message() {
        for text in [
            "Élan;Name\n1;Ö\n",
            "Ã;b\n1;2\n",
            "姓名,部门\n张伟,人事\n",
            "Имя;Фамилия\nИван;Петров\n",
            "名前,部署\n山田,人事\n",
        ] {
            for label in [
                "utf-8",
                "windows-1252",
                "gbk",
                "shift_jis",
                "windows-1251",
                "koi8-r",
            ] {
                let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap();
                let (bytes, ..) = encoding.encode(text);
                assert_eq!(recognise(&bytes), None, "{label}: {text}");
            }
            let marked = [MARK, text.as_bytes()].concat();
            assert_eq!(recognise(&marked), None);
            let utf16: Vec<_> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert_eq!(recognise(&utf16), None);
        }
    }

    #[test]
    fn a_line_begins_a_message_wherever_it_is() {
        let line = "-----BEGIN PGP MESSAGE-----";
        for (before, end) in [
            ("", "\n"),
            ("", "\r\n"),
            ("\u{feff}", " \n"),
            ("Dear HR,\r\n\r\n", "\r\n"),
        ] {
            let text = format!("{before}{line}{end}\nhQEM\n");
            let at = before.len();
            let found = recognise(text.as_bytes());
            assert_eq!(found, Some(Found::Message(Form::Armoured { at })), "{text}");
        }
        for other in [
            "name;note\n1;-----BEGIN PGP MESSAGE-----\n",
            "-----BEGIN CERTIFICATE-----\n",
            "----BEGIN PGP MESSAGE----\n",
            "-----BEGIN PGP MESSAGE\n",
            "name;key\n1;\"\n-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
        ] {
            assert_eq!(recognise(other.as_bytes()), None, "{other}");
        }
        for other in [
            "SIGNED MESSAGE",
            "PUBLIC KEY BLOCK",
            "SIGNATURE",
            "MESSAGE, PART 1/2",
        ] {
            let text = format!("\n-----BEGIN PGP {other}-----\n");
            assert!(matches!(recognise(text.as_bytes()), Some(Found::Other(_))));
        }
    }
}
