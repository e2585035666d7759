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

/// The fingerprints of a person's fields, packed with [`pack`]. Only who made
/// them knows which field a number stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonFingerprints {
    /// One of each mapped field.
    pub fields: Vec<u8>,
    /// One of each field that identifies a person.
    pub identity: Vec<u8>,
}

/// Packs fingerprints of numbered things, each number once and below 2,040: which
/// numbers there are, a bit each, and then the fingerprints by number.
#[must_use]
pub fn pack<const N: usize>(fingerprints: &[(u16, [u8; N])]) -> Vec<u8> {
    let mut sorted: Vec<_> = fingerprints
        .iter()
        .filter(|(number, _)| *number < MAX_NUMBER)
        .collect();
    sorted.sort_by_key(|(number, _)| *number);
    sorted.dedup_by_key(|(number, _)| *number);
    let Some((last, _)) = sorted.last() else {
        return Vec::new();
    };
    let bits = usize::from(last / 8 + 1);
    let mut packed = Vec::with_capacity(1 + bits + N * sorted.len());
    packed.resize(1 + bits, 0);
    packed[0] = u8::try_from(bits).unwrap_or(u8::MAX);
    for (number, fingerprint) in sorted {
        packed[1 + usize::from(number / 8)] |= 1 << (number % 8);
        packed.extend_from_slice(fingerprint);
    }
    packed
}

/// Numbers from here on have no bit.
const MAX_NUMBER: u16 = 255 * 8;

/// What [`pack`] packed, by number. Of bytes that it did not pack, whatever there
/// is.
pub fn unpack<const N: usize>(packed: &[u8]) -> impl Iterator<Item = (u16, [u8; N])> {
    let (bits, fingerprints) = match packed {
        [bits, rest @ ..] => rest
            .split_at_checked(usize::from(*bits))
            .unwrap_or_default(),
        [] => Default::default(),
    };
    let numbers = (0_u16..).zip(bits).flat_map(|(at, byte)| {
        let bits = (0..8).filter(move |bit| byte >> bit & 1 == 1);
        bits.map(move |bit| at * 8 + bit)
    });
    numbers.zip(fingerprints.as_chunks().0.iter().copied())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked_by_number(
            given in prop::collection::btree_map(0..2_040_u16, any::<[u8; 8]>(), 0..40),
            any_order in any::<prop::sample::Index>(),
        ) {
            let sorted: Vec<_> = given.into_iter().collect();
            let mut mixed = sorted.clone();
            if !mixed.is_empty() {
                let first = any_order.index(mixed.len());
                mixed.rotate_left(first);
            }
            let unpacked: Vec<(u16, [u8; 8])> = unpack(&pack(&mixed)).collect();
            prop_assert_eq!(unpacked, sorted);
        }

        #[test]
        fn any_bytes_are_unpacked_without_a_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            let fields = unpack::<8>(&bytes).count();
            prop_assert!(fields * 8 <= bytes.len());
            prop_assert!(unpack::<16>(&bytes).count() * 16 <= bytes.len());
        }
    }

    #[test]
    fn twelve_fields_of_a_schema_take_little_more_than_their_fingerprints() {
        let fields: Vec<_> = (0..12).map(|number| (number * 4, [7; 8])).collect();
        assert_eq!(pack(&fields).len(), 12 * 8 + 7);
        let identity = [(1, [7; 16]), (2, [8; 16])];
        assert_eq!(pack(&identity).len(), 2 * 16 + 2);
        assert!(pack::<8>(&[]).is_empty());
        // A number that cannot be is left out, and so is one that comes again.
        assert!(pack(&[(2_040, [0; 8])]).is_empty());
        assert_eq!(pack(&[(3, [1; 8]), (3, [2; 8])]).len(), 2 + 8);
    }

    #[test]
    fn a_key_is_never_shown() {
        let shown = format!("{:?}", FingerprintKey([171; 32]));
        assert_eq!(shown, "FingerprintKey(…)");
    }
}
