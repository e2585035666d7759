//! The keys with which a message is encrypted: one of ours opens them.

use memchr::memmem;
use pgp::composed::{
    Esk, PlainSessionKey, PublicOrSecret, SignedSecretKey, decrypt_session_key_with_password,
};
use pgp::packet::{PublicKeyEncryptedSessionKey, SecretKey, SecretSubkey};
use pgp::types::{
    DecryptionKey, EskType, KeyDetails, Password, PkeskVersion, S2kParams, SecretParams,
    StringToKey,
};

use super::{Material, OpenPgpError, OpenPgpKeys, Recipients};

/// The most session keys that are tried, each on all of the message; and the most times that
/// a passphrase is derived, each of which may take a second.
const MAX_TRIED: usize = 8;

/// Keys that may open a message.
pub(super) struct Found {
    pub(super) keys: Vec<PlainSessionKey>,
    /// Nothing but the message itself shows whether they are right.
    pub(super) are_guesses: bool,
}

/// Finds out with which keys the message may be encrypted.
pub(super) fn keys(esks: &[Esk], ours: &OpenPgpKeys) -> Result<Found, OpenPgpError> {
    let for_keys: Vec<_> = (esks.iter())
        .filter_map(|esk| match esk {
            Esk::PublicKeyEncryptedSessionKey(esk) => Some(esk),
            Esk::SymKeyEncryptedSessionKey(_) => None,
        })
        .collect();
    let passphrase = ours.passphrase.as_ref();
    let password = passphrase.map(|it| Password::from(it.expose()));
    let mut ring = Ring {
        for_keys: &for_keys,
        password: password.as_ref(),
        found: Vec::new(),
        locked: None,
        not_opened: None,
        is_stub: false,
        ids: Vec::new(),
    };
    if let Some(key) = ours.key.as_ref().filter(|_| !for_keys.is_empty()) {
        ring.try_all(private_keys(key)?);
    }
    if !ring.found.is_empty() {
        ring.found.truncate(MAX_TRIED);
        return Ok(Found {
            keys: ring.found,
            are_guesses: false,
        });
    }
    let for_words = esks.iter().filter_map(|esk| match esk {
        Esk::SymKeyEncryptedSessionKey(esk) => Some(esk),
        Esk::PublicKeyEncryptedSessionKey(_) => None,
    });
    let derived = for_words
        .clone()
        .take(MAX_TRIED)
        .filter_map(|esk| decrypt_session_key_with_password(esk, password.as_ref()?).ok());
    let derived: Vec<_> = derived.collect();
    if !derived.is_empty() {
        return Ok(Found {
            keys: derived,
            are_guesses: true,
        });
    }
    let recipients = recipients(&for_keys, for_words.count() > 0);
    Err(
        match (ring.not_opened, ring.locked, passphrase, &ours.key) {
            (Some(key), _, Some(Material { place, .. }), _) => {
                let place = place.clone();
                OpenPgpError::PassphraseOfKey { key, place }
            }
            (_, Some(key), _, Some(Material { place, .. })) => {
                let place = place.clone();
                OpenPgpError::KeyIsLocked { key, place }
            }
            (.., Some(Material { place, .. })) if ring.is_stub => OpenPgpError::KeyFile {
                place: place.clone(),
                what: "does not have the private part of the key, which is on a card or elsewhere",
            },
            (.., Some(Material { place, .. })) => OpenPgpError::OtherKey {
                recipients,
                ours: ring.ids,
                place: place.clone(),
            },
            (_, _, Some(Material { place, .. }), None) if recipients.takes_passphrase => {
                let place = place.clone();
                OpenPgpError::PassphraseOfMessage { place }
            }
            _ => OpenPgpError::NoKey { recipients },
        },
    )
}

/// An ID as GnuPG writes it.
pub(super) fn shown(id: impl std::fmt::Display) -> String {
    id.to_string().to_uppercase()
}

fn recipients(for_keys: &[&PublicKeyEncryptedSessionKey], takes_passphrase: bool) -> Recipients {
    let mut recipients = Recipients {
        takes_passphrase,
        ..Recipients::default()
    };
    for esk in for_keys {
        let id = match (esk.id(), esk.fingerprint()) {
            (Ok(id), _) if !id.is_wildcard() => Some(shown(id)),
            (_, Ok(Some(fingerprint))) => Some(shown(fingerprint)),
            _ => None,
        };
        match id {
            Some(id) => recipients.keys.push(id),
            None => recipients.has_hidden = true,
        }
    }
    recipients
}

/// The private keys in a file.
fn private_keys(material: &Material) -> Result<Vec<SignedSecretKey>, OpenPgpError> {
    let wrong = |what| OpenPgpError::KeyFile {
        place: material.place.clone(),
        what,
    };
    let keys = all_keys(material.expose()).ok_or_else(|| wrong("is not an OpenPGP key"))?;
    let has_keys = !keys.is_empty();
    let private: Vec<_> = keys
        .into_iter()
        .filter_map(|key| key.try_into().ok())
        .collect();
    match (private.is_empty(), has_keys) {
        (false, _) => Ok(private),
        (true, true) => Err(wrong("is a public key, which decrypts nothing")),
        (true, false) => Err(wrong("is not an OpenPGP key")),
    }
}

/// The keys in a file, armoured or not; several armoured ones may follow each other.
pub(super) fn all_keys(content: &[u8]) -> Option<Vec<PublicOrSecret>> {
    const BEGIN: &[u8] = b"-----BEGIN PGP ";
    if content.first()? & 0x80 != 0 && !content.starts_with(b"\xef\xbb\xbf") {
        let keys = PublicOrSecret::from_bytes_many(content).ok()?;
        return keys.collect::<Result<_, _>>().ok();
    }
    let mut keys = Vec::new();
    let mut begins = memmem::find_iter(content, BEGIN).peekable();
    begins.peek()?;
    while let Some(begin) = begins.next() {
        let end = begins.peek().copied().unwrap_or(content.len());
        let (of_block, _) = PublicOrSecret::from_armor_many(content.get(begin..end)?).ok()?;
        for key in of_block {
            keys.push(key.ok()?);
        }
    }
    Some(keys)
}

/// A private key that may be locked.
trait Private: DecryptionKey {
    fn is_locked(&self) -> bool;
    fn unlock(&mut self, password: &Password) -> pgp::errors::Result<()>;
    /// Whether it names a key whose secret is elsewhere.
    fn is_stub(&self) -> bool;
}

macro_rules! private {
    ($($key:ty),*) => {$(
        impl Private for $key {
            fn is_locked(&self) -> bool {
                self.secret_params().is_encrypted()
            }

            fn unlock(&mut self, password: &Password) -> pgp::errors::Result<()> {
                self.remove_password(password)
            }

            fn is_stub(&self) -> bool {
                is_stub(self.secret_params())
            }
        }
    )*};
}

private!(SecretKey, SecretSubkey);

fn is_stub(params: &SecretParams) -> bool {
    let SecretParams::Encrypted(params) = params else {
        return false;
    };
    match params.string_to_key_params() {
        S2kParams::Aead { s2k, .. }
        | S2kParams::Cfb { s2k, .. }
        | S2kParams::MalleableCfb { s2k, .. } => matches!(s2k, StringToKey::Private { .. }),
        S2kParams::Unprotected | S2kParams::LegacyCfb { .. } => false,
    }
}

/// Tries keys on what a message says about its own.
struct Ring<'a> {
    for_keys: &'a [&'a PublicKeyEncryptedSessionKey],
    password: Option<&'a Password>,
    found: Vec<PlainSessionKey>,
    /// A key that fits and opens with a passphrase.
    locked: Option<String>,
    /// A key that fits and does not open with the passphrase.
    not_opened: Option<String>,
    /// A key fits that is not there.
    is_stub: bool,
    /// The keys.
    ids: Vec<String>,
}

impl Ring<'_> {
    fn try_all(&mut self, keys: Vec<SignedSecretKey>) {
        for SignedSecretKey {
            primary_key,
            secret_subkeys,
            ..
        } in keys
        {
            self.ids.push(shown(primary_key.legacy_key_id()));
            self.try_key(primary_key);
            for subkey in secret_subkeys {
                self.try_key(subkey.key);
            }
        }
    }

    /// Tries a key, even one that expired or was revoked: what was encrypted for it is ours.
    fn try_key(&mut self, mut key: impl Private) {
        let for_key: Vec<_> = (self.for_keys.iter())
            .filter(|esk| {
                esk.match_identity(&key) && esk.algorithm().is_ok_and(|it| it == key.algorithm())
            })
            .collect();
        if for_key.is_empty() {
            return;
        }
        let id = || shown(key.legacy_key_id());
        if key.is_stub() {
            self.is_stub = true;
            return;
        }
        if key.is_locked() {
            let Some(password) = self.password else {
                self.locked.get_or_insert_with(id);
                return;
            };
            if key.unlock(password).is_err() {
                let id = shown(key.legacy_key_id());
                self.not_opened.get_or_insert(id);
                return;
            }
        }
        for esk in for_key {
            let kind = match esk.version() {
                PkeskVersion::V6 => EskType::V6,
                _ => EskType::V3_4,
            };
            let Ok(values) = esk.values() else { continue };
            if let Ok(Ok(found)) = key.decrypt(&Password::empty(), values, kind)
                && !self.found.contains(&found)
            {
                self.found.push(found);
            }
        }
    }
}
