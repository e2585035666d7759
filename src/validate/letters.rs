//! Codes of two capital letters, as a set that is asked once a row.

/// A set of codes: a bit for each pair of letters.
#[derive(Debug)]
pub(super) struct TwoLetters([u32; 26]);

impl TwoLetters {
    pub(super) const EMPTY: Self = Self([0; 26]);

    /// The set with one more code, which must be two capital letters.
    pub(super) const fn with(mut self, code: &str) -> Self {
        let code = code.as_bytes();
        self.0[(code[0] - b'A') as usize] |= 1 << (code[1] - b'A');
        self
    }

    /// Whether `text` is one of the codes.
    pub(super) fn contains(&self, text: &str) -> bool {
        match text.as_bytes() {
            [first @ b'A'..=b'Z', second @ b'A'..=b'Z'] => {
                self.0[usize::from(first - b'A')] & (1 << (second - b'A')) != 0
            }
            _ => false,
        }
    }
}
