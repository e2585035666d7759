//! What fingerprints of people are made with, and how they travel.
//!
//! A fingerprint of a person is made with the secret of one journal: without
//! the journal nobody can find a value by trying all there are.

use std::fmt;

/// The secret with which the fingerprints of a journal are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FingerprintKey(pub(crate) [u8; 32]);

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(…)")
    }
}

/// The fingerprints of a person's fields, packed. Only who made them knows what
/// the bytes mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonFingerprints {
    /// One of each mapped field.
    pub fields: Vec<u8>,
    /// One of each field that identifies a person.
    pub identity: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        let shown = format!("{:?}", FingerprintKey([171; 32]));
        assert_eq!(shown, "FingerprintKey(…)");
    }
}
