//! Sealing: what a run keeps of people is readable with its key alone.
//!
//! # Invariants
//!
//! - Every run has a key of its own, made from that of the caller and from a salt, and
//!   every sealed text a nonce of its own.
//! - What is sealed for one external ID opens for no other.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};

use crate::journal::Undoable;
use crate::model::{Earlier, Secret};

/// The shortest key, in characters.
pub const UNDO_KEY_CHARS: usize = 32;

/// What keys are made for: another use of the same text gives another key.
const PURPOSE: &[u8] = b"hrfeed: earlier values, version 1";

/// What the proof of a key says, and for whom.
const PROOF: &[u8] = b"hrfeed";

/// The key by which earlier values are sealed.
#[derive(Clone, Debug)]
pub struct UndoKey(Secret);

impl UndoKey {
    /// A key, unless the text is too short for one.
    #[must_use]
    pub fn new(text: Secret) -> Option<Self> {
        (text.expose().chars().count() >= UNDO_KEY_CHARS).then_some(Self(text))
    }
}

/// There is not enough randomness, or a cipher failed: neither happens on a machine that
/// works.
#[derive(Debug, thiserror::Error)]
#[error("cannot seal earlier values: the system gives no random bytes")]
pub struct CannotSeal;

/// Seals and opens what one run keeps.
pub(super) struct Sealer {
    key: LessSafeKey,
}

impl Sealer {
    fn of(key: &UndoKey, salt: &[u8; 32]) -> Result<Self, CannotSeal> {
        let secret = Salt::new(HKDF_SHA256, salt).extract(key.0.expose().as_bytes());
        let mut bytes = [0; 32];
        let expanded = secret.expand(&[PURPOSE], HKDF_SHA256);
        let filled = expanded.and_then(|it| it.fill(&mut bytes));
        let unbound = filled.and_then(|()| UnboundKey::new(&CHACHA20_POLY1305, &bytes));
        unbound
            .map(|unbound| Self {
                key: LessSafeKey::new(unbound),
            })
            .map_err(|_| CannotSeal)
    }

    /// A new key for a run, and by what it is known.
    pub(super) fn begin(key: &UndoKey) -> Result<(Self, Undoable), CannotSeal> {
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).map_err(|_| CannotSeal)?;
        let sealer = Self::of(key, &salt)?;
        let proof = sealer.seal_bytes(PROOF, PROOF.to_vec())?;
        Ok((sealer, Undoable { salt, proof }))
    }

    /// The key of a run; `None` if this is another one.
    pub(super) fn again(key: &UndoKey, of: &Undoable) -> Result<Option<Self>, CannotSeal> {
        let sealer = Self::of(key, &of.salt)?;
        let is_it = sealer.open_bytes(PROOF, &of.proof).is_some();
        Ok(is_it.then_some(sealer))
    }

    pub(super) fn seal(&self, external_id: &str, earlier: &Earlier) -> Result<Vec<u8>, CannotSeal> {
        let bytes = serde_json::to_vec(earlier).map_err(|_| CannotSeal)?;
        self.seal_bytes(external_id.as_bytes(), bytes)
    }

    /// What was sealed; `None` if it was for somebody else, or is damaged.
    pub(super) fn open(&self, external_id: &str, sealed: &[u8]) -> Option<Earlier> {
        let bytes = self.open_bytes(external_id.as_bytes(), sealed)?;
        serde_json::from_slice(&bytes).ok()
    }

    fn seal_bytes(&self, whose: &[u8], mut bytes: Vec<u8>) -> Result<Vec<u8>, CannotSeal> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| CannotSeal)?;
        let with = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(with, Aad::from(whose), &mut bytes)
            .map_err(|_| CannotSeal)?;
        Ok([&nonce[..], &bytes].concat())
    }

    fn open_bytes(&self, whose: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk()?;
        let mut bytes = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.key.open_in_place(nonce, Aad::from(whose), &mut bytes);
        opened.ok().map(|bytes| bytes.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Action;

    fn key(text: &str) -> UndoKey {
        UndoKey::new(Secret::new(text.into())).unwrap()
    }

    fn earlier() -> Earlier {
        Earlier {
            action: Action::Update,
            was: Some(vec![("city".into(), "Bonn".into())]),
            is_active: true,
            has_left: false,
            written: vec![("city".into(), "Köln".into())],
            sets: Vec::new(),
        }
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_and_for_its_person_alone() {
        let (own, undoable) = Sealer::begin(&key(&"k".repeat(32))).unwrap();
        let sealed = own.seal("E7", &earlier()).unwrap();
        assert!(!sealed.windows(4).any(|bytes| bytes == b"Bonn"));
        let again = Sealer::again(&key(&"k".repeat(32)), &undoable).unwrap();
        let again = again.unwrap();
        assert_eq!(again.open("E7", &sealed), Some(earlier()));
        assert_eq!(again.open("E8", &sealed), None);
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(again.open("E7", &damaged), None, "{at}");
        }
        assert_eq!(again.open("E7", &[]), None);
        let other = Sealer::again(&key(&"K".repeat(32)), &undoable).unwrap();
        assert!(other.is_none());
        // Another run of the same key has another one.
        let (other, _) = Sealer::begin(&key(&"k".repeat(32))).unwrap();
        assert_eq!(other.open("E7", &sealed), None);
    }

    #[test]
    fn a_key_has_32_characters_or_more() {
        assert!(UndoKey::new(Secret::new("é".repeat(31))).is_none());
        assert!(UndoKey::new(Secret::new("é".repeat(32))).is_some());
    }
}
