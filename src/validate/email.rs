//! E-mail addresses, as LMSs take them.

/// Whether a message could be sent to `text`: the plain form of RFC 5321, a
/// domain with a dot in it, ASCII only. Quoted local parts, comments, address
/// literals and internationalised local parts are legal on paper and are, in
/// an HR export, a flaw.
pub(super) fn is_valid(text: &str) -> bool {
    let bytes = text.as_bytes();
    let steps = bytes.iter().map(|&byte| STEPS[usize::from(byte)]);
    let place = steps.fold(Place::Atom as u64, |place, step| step >> place & PLACE);
    // No top-level domain has one letter.
    let ends_well = place == Place::InTop as u64 && bytes.iter().nth_back(1) != Some(&b'.');
    ends_well && (bytes.len() <= MAX_LABEL || is_within_bounds(text))
}

/// The longest local part, and the longest label of a domain, in bytes.
const MAX_LOCAL: usize = 64;
const MAX_LABEL: usize = 63;

#[cold]
fn is_within_bounds(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(local, domain)| {
        let is_within = |label: &str| label.len() <= MAX_LABEL;
        local.len() <= MAX_LOCAL && domain.split('.').all(is_within)
    })
}

/// Where in an address a byte is, as the bits by which a step is shifted for it.
#[derive(Clone, Copy)]
enum Place {
    /// No address begins so.
    Nowhere = 0,
    /// An atom of the local part begins, or goes on.
    Atom = 6,
    InAtom = 12,
    /// A label of a domain without a dot so far begins, goes on, or goes on behind a hyphen.
    Label = 18,
    InLabel = 24,
    BehindHyphen = 30,
    /// The same of a label that may be the last, which is not only digits.
    Top = 36,
    InDigits = 42,
    InTop = 48,
    InTopBehindHyphen = 54,
}

/// The bits of a place.
const PLACE: u64 = 0x3f;

/// For each byte, and each place before it, the place behind it: six bits each, so that a shift
/// finds it and nothing has to be guessed ahead.
static STEPS: [u64; 256] = {
    let mut steps = [0; 256];
    let mut byte = 0;
    while byte < steps.len() {
        #[expect(clippy::cast_possible_truncation, reason = "it counts the bytes")]
        let step = step(byte as u8);
        steps[byte] = step;
        byte += 1;
    }
    steps
};

/// Where a byte leads from each place.
const fn step(byte: u8) -> u64 {
    let in_atom = [(Place::Atom, Place::InAtom), (Place::InAtom, Place::InAtom)];
    let in_label = [
        (Place::Label, Place::InLabel),
        (Place::InLabel, Place::InLabel),
        (Place::BehindHyphen, Place::InLabel),
        (Place::InTop, Place::InTop),
        (Place::InTopBehindHyphen, Place::InTop),
    ];
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' => {
            let top = [(Place::Top, Place::InTop), (Place::InDigits, Place::InTop)];
            all(&in_atom) | all(&in_label) | all(&top)
        }
        b'0'..=b'9' => {
            let top = [
                (Place::Top, Place::InDigits),
                (Place::InDigits, Place::InDigits),
            ];
            all(&in_atom) | all(&in_label) | all(&top)
        }
        b'-' => {
            let label = [
                (Place::InLabel, Place::BehindHyphen),
                (Place::BehindHyphen, Place::BehindHyphen),
                (Place::InDigits, Place::InTopBehindHyphen),
                (Place::InTop, Place::InTopBehindHyphen),
                (Place::InTopBehindHyphen, Place::InTopBehindHyphen),
            ];
            all(&in_atom) | all(&label)
        }
        b'.' => all(&[
            (Place::InAtom, Place::Atom),
            (Place::InLabel, Place::Top),
            (Place::InDigits, Place::Top),
            (Place::InTop, Place::Top),
        ]),
        b'@' => all(&[(Place::InAtom, Place::Label)]),
        // The other bytes of an atom (RFC 5322, 3.2.3).
        b'!' | b'#'..=b'\'' | b'*' | b'+' | b'/' | b'=' | b'?' | b'^'..=b'`' | b'{'..=b'~' => {
            all(&in_atom)
        }
        _ => Place::Nowhere as u64,
    }
}

const fn all(steps: &[(Place, Place)]) -> u64 {
    let (mut all, mut at) = (0, 0);
    while at < steps.len() {
        let (from, to) = steps[at];
        all |= (to as u64) << from as u64;
        at += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::is_valid;

    /// The same, part by part.
    fn is_valid_by_parts(text: &str) -> bool {
        let is_in_atom =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
        let is_atom = |atom: &str| !atom.is_empty() && atom.bytes().all(is_in_atom);
        let is_in_label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let is_label = |label: &str| {
            let is_long = !(1..=63).contains(&label.len());
            !is_long && label.bytes().all(is_in_label) && label.trim_matches('-') == label
        };
        text.split_once('@').is_some_and(|(local, domain)| {
            let top = domain.rsplit_once('.').map_or("", |(_, top)| top);
            local.len() <= 64
                && local.split('.').all(is_atom)
                && domain.split('.').all(is_label)
                && top.len() >= 2
                && !top.bytes().all(|byte| byte.is_ascii_digit())
        })
    }

    proptest! {
        #[test]
        fn an_address_is_valid_if_its_parts_are(
            parts in prop::collection::vec(prop::sample::select(vec![
                "a", "Z", "0", "7", "-", ".", "@", "+", "=", "~", "x.org", "@ex", ".nl", "/", "(", " ",
                "\u{e9}", "\0", "\u{7f}", "a-b", "\"", ",", ":", "_", "|", "twenty-letters-of-it",
            ]), 0..14),
            is_address in any::<bool>(),
            long in prop_oneof![Just(0), 60..70_usize],
        ) {
            let mut text = parts.concat();
            if is_address {
                text = format!("{}{text}@{text}{}.org", "a".repeat(long), "b".repeat(long));
            }
            prop_assert_eq!(is_valid(&text), is_valid_by_parts(&text), "{}", text);
        }

        #[test]
        fn each_byte_is_judged_wherever_it_stands(byte in 0..128_u8, at in 0..14_usize) {
            let mut bytes = b"ab.c7@d-2.ef3g".to_vec();
            bytes[at] = byte;
            let text = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(is_valid(&text), is_valid_by_parts(&text), "{}", text);
        }
    }

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
