//! Feeds that are OpenPGP messages: encrypted, signed, or both.
//!
//! What a message holds goes into a private copy, and no other part of the program sees a
//! byte of it before its integrity is verified to the end. The cryptography is only in a
//! program that was built with the feature `openpgp`; that a file is such a message is
//! known without.

#[cfg(feature = "openpgp")]
mod bounded;
mod error;
#[cfg(feature = "openpgp")]
mod message;
#[cfg(feature = "openpgp")]
mod packets;
mod recognise;
#[cfg(feature = "openpgp")]
mod session;
#[cfg(feature = "openpgp")]
mod signed;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use zeroize::Zeroizing;

pub use self::error::{BadSignature, OpenPgpError, Recipients};
pub(super) use self::recognise::{Form, Found, recognise};
use super::FeedError;
use super::spool::{Bounds, Opened};

/// What messages are decrypted with, and by whom they have to be signed.
#[derive(Clone, Debug, Default)]
pub struct OpenPgpKeys {
    /// Private keys, armoured or not.
    pub key: Option<Material>,
    /// What opens the private keys, or a message that is encrypted with a passphrase.
    pub passphrase: Option<Material>,
    /// Certificates: a feed has to be signed by one of them.
    pub signed_by: Option<Material>,
    /// The time at which a signature has to count, unless it counts for ever.
    pub now: Option<Timestamp>,
}

impl OpenPgpKeys {
    /// Refuses what is not signed although it has to be.
    pub(super) fn require(&self, path: &Arc<Path>, signature: Signature) -> Result<(), FeedError> {
        match &self.signed_by {
            Some(signers) if signature != Signature::Verified => {
                let place = signers.place.clone();
                Err(FeedError::openpgp(path, OpenPgpError::Unsigned { place }))
            }
            _ => Ok(()),
        }
    }
}

/// What a file or an environment variable holds that must not be shown, nor stay in memory.
#[derive(Clone)]
pub struct Material {
    /// Where it is, as the subject of a sentence: ``the file `hr.key` ``.
    pub place: String,
    content: Arc<Zeroizing<Vec<u8>>>,
}

impl Material {
    /// Takes in what is at `place`.
    pub fn new(place: impl Into<String>, content: Vec<u8>) -> Self {
        Self {
            place: place.into(),
            content: Arc::new(Zeroizing::new(content)),
        }
    }

    /// The content, for the one who decrypts with it.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.content
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

/// Whether a feed is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signature {
    /// It is not.
    None,
    /// It is, and nobody said by whom it has to be.
    Unchecked,
    /// It is, by whom it has to be.
    Verified,
}

/// What a message holds.
#[derive(Debug)]
pub(super) struct Plaintext {
    /// A private copy of it, with the digest of the message.
    pub(super) opened: Opened,
    pub(super) signature: Signature,
}

/// Reads the message that a file is.
///
/// # Errors
/// Why it cannot be decrypted, does not hold together or is not signed by the right one.
#[cfg(feature = "openpgp")]
pub(super) fn read(
    path: &Arc<Path>,
    given: &Opened,
    form: Form,
    bounds: Bounds,
    keys: &OpenPgpKeys,
) -> Result<Plaintext, FeedError> {
    let given = message::Given {
        path,
        opened: given,
        form,
        bounds,
    };
    message::read(&given, keys)
}

/// Says that this program cannot.
#[cfg(not(feature = "openpgp"))]
pub(super) fn read(
    path: &Arc<Path>,
    _given: &Opened,
    _form: Form,
    _bounds: Bounds,
    _keys: &OpenPgpKeys,
) -> Result<Plaintext, FeedError> {
    Err(FeedError::openpgp(path, OpenPgpError::NotBuilt))
}
