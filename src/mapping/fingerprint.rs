//! Fingerprints: what the journal keeps of a person instead of values.
//!
//! BLAKE3 in its keyed mode, with a secret that is in the journal: a reader of a
//! report or a log cannot try which name belongs to a fingerprint, and
//! two journals have different ones for the same person.
//!
//! # Invariants
//!
//! - The same journal gives the same value the same fingerprint, in every
//!   release: otherwise everybody would count as changed.
//! - A fingerprint covers the field's name, so that a value in another field is
//!   another fingerprint.

use xxhash_rust::xxh3::xxh3_128;

use super::fold;
use crate::model::{FingerprintKey, PersonFingerprints, pack, unpack};
use crate::schema::System;

/// A field of a system by its number: its position in the system's schema, which
/// is in journals. A schema is only ever appended to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldTag(u16);

impl FieldTag {
    /// The tag of the field of that name; `None` if the system has no such field.
    #[must_use]
    pub fn of(system: System, name: &str) -> Option<Self> {
        let mut fields = system.spec().fields.iter();
        let position = fields.position(|field| field.name == name)?;
        u16::try_from(position).ok().map(Self)
    }
}

/// Fields of a system, a bit each: many rows may have some.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldSet(u64);

impl FieldSet {
    /// Whether a field is among them.
    #[must_use]
    pub fn contains(self, tag: FieldTag) -> bool {
        self.0 & Self::bit(tag) != 0
    }

    /// The same as a number.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The fields of such a number.
    #[must_use]
    pub const fn of_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The same, with these besides.
    #[must_use]
    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The fields of `system` that are among them, in the order of its schema.
    pub fn names(self, system: System) -> impl Iterator<Item = &'static str> {
        let fields = system.spec().fields.iter().map(|field| field.name);
        fields.filter(move |name| FieldTag::of(system, name).is_some_and(|tag| self.contains(tag)))
    }

    /// No schema has more fields than there are bits.
    fn bit(tag: FieldTag) -> u64 {
        1_u64.checked_shl(tag.0.into()).unwrap_or(0)
    }
}

impl FromIterator<FieldTag> for FieldSet {
    fn from_iter<T: IntoIterator<Item = FieldTag>>(tags: T) -> Self {
        Self(tags.into_iter().fold(0, |bits, tag| bits | Self::bit(tag)))
    }
}

/// The fingerprint of mapped content: field names and values, fields that are
/// left alone left out. A field that is to be empty counts as an empty text.
#[must_use]
pub fn fingerprint<'a>(
    key: &FingerprintKey,
    fields: impl Iterator<Item = (&'a str, &'a str)>,
) -> u128 {
    keyed(key, fields)
}

/// A digest of names and values without a secret: for groups, which are not
/// personal data, and for people in journals of releases that had no secret.
///
/// XXH3 with 128 bits, unseeded, since a later run must come to the same.
#[must_use]
pub fn unkeyed_fingerprint<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> u128 {
    let mut bytes = Vec::with_capacity(512);
    for text in fields.flat_map(|(name, value)| [name, value]) {
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    xxh3_128(&bytes)
}

/// The fingerprint of one mapped field.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "half of a hash")]
pub fn field_fingerprint(key: &FingerprintKey, name: &str, value: &str) -> u64 {
    keyed(key, std::iter::once((name, value))) as u64
}

/// The fingerprint of a value that tells who somebody is. Case and white space do
/// not count: a login is the same account in either.
#[must_use]
pub fn identity_fingerprint(key: &FingerprintKey, name: &str, value: &str) -> u128 {
    let folded = fold(value);
    keyed(key, [("identity", ""), (name, folded.as_ref())].into_iter())
}

/// A key that only who has `secret` can make, for digests of one purpose.
#[must_use]
pub fn derived_key(purpose: &str, secret: &str) -> FingerprintKey {
    FingerprintKey(blake3::derive_key(purpose, secret.as_bytes()))
}

fn keyed<'a>(key: &FingerprintKey, fields: impl Iterator<Item = (&'a str, &'a str)>) -> u128 {
    let mut bytes = Vec::with_capacity(256);
    for text in fields.flat_map(|(name, value)| [name, value]) {
        // The length in front keeps `("a", "bc")` and `("ab", "c")` apart. It takes
        // a byte as a rule: what is hashed for each row of each night is short.
        put_length(text.len(), &mut bytes);
        bytes.extend_from_slice(text.as_bytes());
    }
    let mut half = [0; 16];
    let whole = blake3::keyed_hash(&key.0, &bytes);
    half.copy_from_slice(&whole.as_bytes()[..16]);
    u128::from_le_bytes(half)
}

/// Seven bits a byte, the lowest first; all bytes but the last have the highest
/// bit.
#[expect(clippy::cast_possible_truncation, reason = "seven bits")]
fn put_length(length: usize, bytes: &mut Vec<u8>) {
    let mut rest = length;
    while rest >= 0x80 {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push((rest & 0x7f) as u8);
}

/// The fingerprints of a person's fields, by tag. They stay packed, and in one
/// piece: many people may be compared at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldFingerprints {
    /// Those of the fields, then those of the identity fields.
    packed: Box<[u8]>,
    /// Where those of the identity fields begin.
    identity_at: usize,
}

impl FieldFingerprints {
    /// Of each mapped field that the feed says something of, and of each identity
    /// field with a value.
    pub fn new(
        fields: impl Iterator<Item = (FieldTag, u64)>,
        identity: impl Iterator<Item = (FieldTag, u128)>,
    ) -> Self {
        let fields: Vec<_> = fields
            .map(|(tag, value)| (tag.0, value.to_le_bytes()))
            .collect();
        let identity: Vec<_> = identity
            .map(|(tag, value)| (tag.0, value.to_le_bytes()))
            .collect();
        Self::of_packed(&pack(&fields), &pack(&identity))
    }

    /// The fingerprints of the fields.
    pub fn fields(&self) -> impl Iterator<Item = (FieldTag, u64)> {
        let (fields, _) = self.packed.split_at(self.identity_at);
        unpack(fields).map(|(number, value)| (FieldTag(number), u64::from_le_bytes(value)))
    }

    /// The fingerprints of the identity fields.
    pub fn identity(&self) -> impl Iterator<Item = (FieldTag, u128)> {
        let (_, identity) = self.packed.split_at(self.identity_at);
        packed_identity(identity)
    }

    /// The fingerprint of a field.
    #[must_use]
    pub fn field(&self, tag: FieldTag) -> Option<u64> {
        self.fields()
            .find(|(of, _)| *of == tag)
            .map(|(_, value)| value)
    }

    /// Whether this is the fingerprint of an identity field.
    #[must_use]
    pub fn has_identity(&self, wanted: (FieldTag, u128)) -> bool {
        self.identity().any(|value| value == wanted)
    }

    /// The same, and these where there is none of the field.
    #[must_use]
    pub fn or_else(&self, fields: impl Iterator<Item = (FieldTag, u64)>) -> Self {
        // Of two of a field, the first counts.
        Self::new(self.fields().chain(fields), self.identity())
    }

    /// What the journal keeps.
    #[must_use]
    pub fn packed(&self) -> PersonFingerprints {
        let (fields, identity) = self.packed.split_at(self.identity_at);
        PersonFingerprints {
            fields: fields.to_owned(),
            identity: identity.to_owned(),
        }
    }

    /// Of what the journal keeps. Bytes that are not whole are left out: a missing
    /// fingerprint is compared with nothing.
    #[must_use]
    pub fn of_packed(fields: &[u8], identity: &[u8]) -> Self {
        Self {
            packed: [fields, identity].concat().into(),
            identity_at: fields.len(),
        }
    }
}

/// The fingerprints of identity fields, read from what the journal keeps of a
/// person.
pub fn packed_identity(identity: &[u8]) -> impl Iterator<Item = (FieldTag, u128)> {
    unpack(identity).map(|(number, value)| (FieldTag(number), u128::from_le_bytes(value)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::schema::System;

    const KEY: FingerprintKey = FingerprintKey([7; 32]);

    #[test]
    fn a_fingerprint_is_the_same_in_every_release() {
        let fields = || [("email", "a@b.example"), ("city", "")].into_iter();
        // With another value every known person would count as changed.
        insta::assert_snapshot!(
            [
                format!("{:032x}", fingerprint(&KEY, fields())),
                format!("{:032x}", unkeyed_fingerprint(fields())),
                format!("{:016x}", field_fingerprint(&KEY, "email", "a@b.example")),
                format!("{:032x}", identity_fingerprint(&KEY, "email", "a@b.example")),
            ].join("\n"), @"
        986396361a43a8531405b40059c7062e
        097670825e51000358be5bf753fb4416
        ae5b3c5dc37ffb27
        1b749f07e94bcc0821d40f8cbe3902b9
        "
        );
    }

    #[test]
    fn a_fingerprint_differs_by_name_value_and_key() {
        let of =
            |key: &FingerprintKey, name, value| fingerprint(key, std::iter::once((name, value)));
        assert_ne!(of(&KEY, "a", "bc"), of(&KEY, "ab", "c"));
        assert_ne!(of(&KEY, "a", "b"), of(&FingerprintKey([8; 32]), "a", "b"));
        assert_ne!(
            field_fingerprint(&KEY, "city", "Bonn"),
            field_fingerprint(&KEY, "state", "Bonn")
        );
        assert_eq!(
            identity_fingerprint(&KEY, "login", "Ann.Berg "),
            identity_fingerprint(&KEY, "login", "ann.berg")
        );
    }

    #[test]
    fn the_number_of_a_field_never_changes() {
        // Another number would make every known person seem changed.
        let numbered = |system: System| {
            let fields = system.spec().fields.iter().enumerate();
            let names: Vec<_> = fields
                .map(|(at, field)| format!("{at} {}", field.name))
                .collect();
            names.join(", ")
        };
        insta::assert_snapshot!(numbered(System::Kmi), @"0 externalId, 1 email, 2 firstName, 3 lastName, 4 loginName, 5 address, 6 address2, 7 city, 8 state, 9 zip, 10 country, 11 expirationDate");
        insta::assert_snapshot!(numbered(System::ANewSpring), @"0 userID, 1 login, 2 firstName, 3 middleName, 4 lastName, 5 email, 6 gender, 7 title, 8 initials, 9 function, 10 company, 11 dateOfBirth, 12 telephoneNumber, 13 faxNumber, 14 cellPhoneNumber, 15 address, 16 zip, 17 residence, 18 country, 19 invoiceAddress, 20 invoiceZip, 21 invoiceResidence, 22 invoiceCountry, 23 custom1, 24 custom2, 25 custom3, 26 custom4, 27 custom5, 28 locale, 29 timeZoneGroup, 30 timeZone, 31 active, 32 renewable, 33 password, 34 generatePassword, 35 forcePasswordChange, 36 notify, 37 avatar, 38 role, 39 authorContentLabel, 40 designerContentLabel, 41 group");
    }

    #[test]
    fn every_field_of_every_system_has_a_bit_of_its_own() {
        for &system in System::ALL {
            let names = system.spec().fields.iter().map(|field| field.name);
            let tags: Vec<_> = names
                .filter_map(|name| FieldTag::of(system, name))
                .collect();
            assert!(!tags.is_empty());
            for (at, tag) in tags.iter().enumerate() {
                let others: FieldSet = tags.iter().copied().filter(|it| it != tag).collect();
                assert!(!others.contains(*tag), "{system:?} {at}");
                assert!(
                    FieldSet::from_iter([*tag]).contains(*tag),
                    "{system:?} {at}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_packed_is_read_back(
            fields in prop::collection::btree_map(0_u16..60, any::<u64>(), 0..20),
            identity in prop::collection::btree_map(0_u16..60, any::<u128>(), 0..4),
        ) {
            let fields: Vec<_> = fields.into_iter().map(|(tag, value)| (FieldTag(tag), value)).collect();
            let identity: Vec<_> = identity.into_iter().map(|(tag, value)| (FieldTag(tag), value)).collect();
            let of = FieldFingerprints::new(fields.iter().copied(), identity.iter().copied());
            let packed = of.packed();
            let read = FieldFingerprints::of_packed(&packed.fields, &packed.identity);
            prop_assert_eq!(read.fields().collect::<Vec<_>>(), fields);
            prop_assert_eq!(read.identity().collect::<Vec<_>>(), identity);
        }

        #[test]
        fn damaged_bytes_are_read_without_a_panic(fields: Vec<u8>, identity: Vec<u8>) {
            let read = FieldFingerprints::of_packed(&fields, &identity);
            prop_assert!(read.fields().count() <= fields.len() / 8);
            prop_assert!(read.identity().count() <= identity.len() / 16);
        }
    }
}
