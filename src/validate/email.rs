//! E-mail addresses, as LMSs take them.

use crate::model::ByteSet;

/// Whether a message could be sent to `text`: the plain form of RFC 5321, a
/// domain with a dot in it, ASCII only. Quoted local parts, comments, address
/// literals and internationalised local parts are legal on paper and are, in
/// an HR export, a flaw.
pub(super) fn is_valid(text: &str) -> bool {
    let bytes = text.as_bytes();
    // A dot is between two atoms: neither first, nor last, nor twice.
    let mut before = b'.';
    for (at, &byte) in bytes.iter().enumerate() {
        if byte == b'@' {
            return at <= 64 && before != b'.' && is_domain(&bytes[at + 1..]);
        }
        if !IN_ATOM.has(byte) && (byte != b'.' || before == b'.') {
            return false;
        }
        before = byte;
    }
    false
}

/// The bytes of an atom (RFC 5322, 3.2.3).
const IN_ATOM: ByteSet = ByteSet::NONE
    .with(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    .with(b"!#$%&'*+-/=?^_`{|}~");

fn is_domain(domain: &[u8]) -> bool {
    // Where the label begins, and whether all of it are digits so far.
    let (mut start, mut is_number, mut before) = (0, true, b'.');
    for (at, &byte) in domain.iter().enumerate() {
        if byte.is_ascii_alphabetic() {
            is_number = false;
        } else if byte == b'.' {
            // No label is empty, or ends with a hyphen.
            if matches!(before, b'.' | b'-') || at - start > 63 {
                return false;
            }
            (start, is_number) = (at + 1, true);
        } else if byte == b'-' && before != b'.' {
            is_number = false;
        } else if !byte.is_ascii_digit() {
            return false;
        }
        before = byte;
    }
    start > 0 && (2..=63).contains(&(domain.len() - start)) && before != b'-' && !is_number
}

#[cfg(test)]
mod tests {
    use super::is_valid;

    #[test]
    fn addresses_that_a_message_can_be_sent_to_pass() {
        for text in [
            "jane@example.com",
            "jane.o'neil+hr@mail.example.co.uk",
            "a@b.museum",
            "x_y-z@xn--bcher-kva.example",
            "JANE@EXAMPLE.COM",
        ] {
            assert!(is_valid(text), "{text}");
        }
    }

    #[test]
    fn what_feeds_hold_instead_of_an_address_does_not() {
        for text in [
            "",
            "jane",
            "dwizardexample.com",
            "jane@",
            "@example.com",
            "jane@example",
            "jane@@example.com",
            "jane doe@example.com",
            "jane.@example.com",
            ".jane@example.com",
            "ja..ne@example.com",
            "jane@-example.com",
            "jane@example..com",
            "jane@example.com.",
            "jane@example.c",
            "jane@127.0.0.1",
            "Kılıc@example.com",
            "jane@exämple.com",
            "jane@example.com;john@example.com",
            "Jane <jane@example.com>",
            "n/a",
            "jane@example.com\n",
        ] {
            assert!(!is_valid(text), "{text:?}");
        }
    }
}
