//! What nearly no text has, asked once for a whole row instead of for each of its values.

use wide::u8x16;

/// How many bytes are looked at together.
pub(crate) const STEP: usize = 16;

/// What is among the bytes of some text, be it of one value or of many: nothing is certain of
/// a single one but that it has none of what is not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signs(u8);

/// A byte beyond ASCII.
const BEYOND_ASCII: u8 = 1;
/// One with which U+0300 or a later character begins in UTF-8.
const BEYOND_LATIN: u8 = 1 << 1;
/// One of a control character, or with which one beyond ASCII begins.
const CONTROL: u8 = 1 << 2;
/// One that programs write instead of letters.
const MARK: u8 = 1 << 3;
/// One with which U+0140 or a later character begins in UTF-8.
const BEYOND_WESTERN: u8 = 1 << 4;

impl Signs {
    /// There is nothing of it.
    pub(crate) const NONE: Self = Self(0);

    /// Nobody looked.
    pub(crate) const UNKNOWN: Self = Self(u8::MAX);

    /// What is in a text.
    pub(crate) fn of(text: &[u8]) -> Self {
        let mut seen = Seen::default();
        let (steps, rest) = text.as_chunks::<STEP>();
        for step in steps {
            let bytes = u8x16::new(*step);
            seen.add(bytes, bytes);
        }
        if !rest.is_empty() {
            let bytes = u8x16::new(padded(rest));
            seen.add(bytes, bytes);
        }
        seen.signs()
    }

    /// What is in either of two texts.
    #[must_use]
    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all is ASCII.
    pub(crate) const fn is_ascii(self) -> bool {
        self.0 & BEYOND_ASCII == 0
    }

    /// Whether all is printable ASCII and what is from U+00C0 to U+02FF, nearly all of it letters
    /// of the Latin script: it is in NFC, and nothing of it is white space or cannot be seen.
    pub(crate) const fn is_latin(self) -> bool {
        self.0 & (BEYOND_LATIN | CONTROL) == 0
    }

    /// Whether all is printable ASCII and what is from U+00C0 to U+013F.
    pub(crate) const fn is_western(self) -> bool {
        self.0 & (BEYOND_WESTERN | CONTROL) == 0
    }

    /// Whether there is certainly no control character.
    pub(crate) const fn is_without_control(self) -> bool {
        self.0 & CONTROL == 0
    }

    /// Whether there is none of the marks that programs write instead of letters.
    pub(crate) const fn is_without_marks(self) -> bool {
        self.0 & MARK == 0
    }
}

/// What was seen so far, 16 bytes at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    most: u8x16,
    least: u8x16,
    control: u8x16,
    marks: u8x16,
}

impl Default for Seen {
    fn default() -> Self {
        let space = u8x16::splat(b' ');
        Self {
            most: space,
            least: space,
            control: u8x16::ZERO,
            marks: u8x16::ZERO,
        }
    }
}

impl Seen {
    /// Adds 16 bytes; `without` are the same with spaces in the place of control characters
    /// that do not count.
    #[inline]
    pub(crate) fn add(&mut self, bytes: u8x16, without: u8x16) {
        let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
        self.most = self.most.max(bytes);
        self.least = self.least.min(without);
        self.control |= is(0x7f) | is(0xc2);
        self.marks |= is(b'&') | is(b'?') | is(b'+') | is(b'~');
    }

    /// What they are signs of.
    #[inline]
    pub(crate) fn signs(self) -> Signs {
        let is_any = |bytes: u8x16, sign: u8| u8::from(bytes.to_bitmask() != 0) * sign;
        let least = self.least.simd_eq(u8x16::splat(b' '));
        let from = |byte: u8| self.most.max(u8x16::splat(byte)).simd_eq(self.most);
        Signs(
            is_any(self.most, BEYOND_ASCII)
                | is_any(from(0xc5), BEYOND_WESTERN)
                | is_any(from(0xcc), BEYOND_LATIN)
                | is_any(self.control | !least, CONTROL)
                | is_any(self.marks, MARK),
        )
    }
}

/// Up to 16 bytes, with spaces behind them.
#[inline]
fn padded(rest: &[u8]) -> [u8; STEP] {
    let mut padded = [b' '; STEP];
    padded
        .iter_mut()
        .zip(rest)
        .for_each(|(to, from)| *to = *from);
    padded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::has_control;
    use super::*;

    proptest! {
        #[test]
        fn what_a_text_has_is_seen_wherever_it_stands(
            before in "[ -~]{0,40}",
            sign in "[\u{0}-\u{3ff}\u{1f600}]",
            behind in "[ -~]{0,40}",
        ) {
            let text = format!("{before}{sign}{behind}");
            let signs = Signs::of(text.as_bytes());
            prop_assert_eq!(signs.is_ascii(), text.is_ascii());
            prop_assert!(!has_control(&text) || !signs.is_without_control());
            prop_assert_eq!(signs.is_without_marks(), !text.contains(['&', '?', '+', '~']));
            let is_printable = |char: char| matches!(char, ' '..='~' | '\u{c0}'..='\u{2ff}');
            prop_assert_eq!(signs.is_latin(), text.chars().all(is_printable));
            let is_western = |char: char| is_printable(char) && char < '\u{140}';
            prop_assert_eq!(signs.is_western(), text.chars().all(is_western));
        }
    }

    #[test]
    fn a_text_without_any_has_none() {
        let signs = Signs::of(b"E7;Ann;Lee;ann@example.com;12 Main street;Ghent");
        assert!(signs.is_ascii() && signs.is_without_control() && signs.is_without_marks());
        assert!(Signs::of(b"").is_without_control());
    }
}
