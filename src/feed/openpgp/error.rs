//! Why an OpenPGP message could not be read.

use std::fmt;

/// Why an OpenPGP message could not be read. Shown to people behind the name of the feed:
/// `is a damaged OpenPGP message`. Holds IDs of keys and nothing that is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenPgpError {
    /// The program cannot read such messages.
    NotBuilt,
    /// It is encrypted, and nothing to decrypt it with is known.
    NoKey {
        /// Whom it is encrypted for.
        recipients: Recipients,
    },
    /// It is encrypted for others.
    OtherKey {
        /// Whom it is encrypted for.
        recipients: Recipients,
        /// The keys that are known.
        ours: Vec<String>,
        /// Where they are.
        place: String,
    },
    /// The private key opens with a passphrase, and none is known.
    KeyIsLocked {
        /// The key.
        key: String,
        /// Where it is.
        place: String,
    },
    /// The passphrase does not open the private key.
    PassphraseOfKey {
        /// The key.
        key: String,
        /// Where the passphrase is.
        place: String,
    },
    /// The passphrase does not open the message; or the message is damaged, which looks the same.
    PassphraseOfMessage {
        /// Where the passphrase is.
        place: String,
    },
    /// The file of the private key holds none that can be used.
    KeyFile {
        /// Where it is.
        place: String,
        /// What is there.
        what: &'static str,
    },
    /// The file of certificates holds none that can be used.
    Certificates {
        /// Where it is.
        place: String,
        /// What is there.
        what: &'static str,
    },
    /// Anybody could have changed it on its way.
    Unprotected,
    /// It ends early, or is not what was sent.
    Damaged,
    /// More follows behind the message.
    Behind,
    /// Messages inside messages, or packets in an order that no program writes.
    Nested,
    /// It is not signed, and has to be.
    Unsigned {
        /// By whom.
        place: String,
    },
    /// It is signed by others than it has to be.
    OtherSigner {
        /// The keys by which it is signed.
        signers: Vec<String>,
        /// By whom it has to be.
        place: String,
    },
    /// It has a signature of the right key that does not count.
    BadSignature {
        /// The key.
        signer: String,
        /// Why not.
        why: BadSignature,
    },
}

/// Whom a message is encrypted for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipients {
    /// The IDs of the keys, as far as the message says them.
    pub keys: Vec<String>,
    /// Some are hidden.
    pub has_hidden: bool,
    /// Whether a passphrase opens it too.
    pub takes_passphrase: bool,
}

impl Recipients {
    /// Whether a passphrase is all that opens it.
    fn is_passphrase(&self) -> bool {
        self.keys.is_empty() && !self.has_hidden && self.takes_passphrase
    }
}

impl fmt::Display for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = named(&self.keys);
        if self.has_hidden {
            all.push("a hidden recipient".to_owned());
        }
        if self.takes_passphrase {
            all.push("a passphrase".to_owned());
        }
        if all.is_empty() {
            all.push("nobody".to_owned());
        }
        f.write_str(&all.join(", "))
    }
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadSignature {
    /// It is not of this content.
    Invalid,
    /// Its digest can be forged.
    Weak,
    /// It was given for a limited time, which is over.
    Expired,
    /// The key had expired, or did not exist, when it signed.
    KeyExpired,
    /// The key was revoked.
    KeyRevoked,
    /// The key is not one that signs.
    NotForSigning,
}

impl fmt::Display for BadSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "which is not valid",
            Self::Weak => "whose digest (MD5) can be forged",
            Self::Expired => "which has expired",
            Self::KeyExpired => "which was not valid when it signed",
            Self::KeyRevoked => "which is revoked",
            Self::NotForSigning => "which is not a key that signs",
        })
    }
}

/// How many keys are named.
const NAMED: usize = 8;

fn named(keys: &[String]) -> Vec<String> {
    let mut all: Vec<_> = keys.iter().take(NAMED).cloned().collect();
    if let more @ 1.. = keys.len().saturating_sub(NAMED) {
        all.push(format!("{more} more"));
    }
    all
}

impl fmt::Display for OpenPgpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBuilt => {
                f.write_str("is an OpenPGP message, and this hrfeed was built without OpenPGP")
            }
            Self::NoKey { recipients } if recipients.is_passphrase() => {
                f.write_str("is encrypted with a passphrase, and no passphrase is named")
            }
            Self::NoKey { recipients } => {
                write!(f, "is encrypted for {recipients}, and no key is named")
            }
            Self::OtherKey {
                recipients,
                ours,
                place,
            } => write!(
                f,
                "is encrypted for {recipients}; {place} has {}",
                named(ours).join(", ")
            ),
            Self::KeyIsLocked { key, place } => write!(
                f,
                "is encrypted for {key}, whose private key in {place} opens with a passphrase, and \
                 no passphrase is named"
            ),
            Self::PassphraseOfKey { key, place } => write!(
                f,
                "is encrypted for {key}, whose private key the passphrase in {place} does not open"
            ),
            Self::PassphraseOfMessage { place } => write!(
                f,
                "is a damaged OpenPGP message, or encrypted with another passphrase than the one \
                 in {place}"
            ),
            Self::KeyFile { place, what } => {
                write!(f, "is an OpenPGP message, and {place} {what}")
            }
            Self::Certificates { place, what } => {
                write!(f, "has to be signed, and {place} {what}")
            }
            Self::Unprotected => f.write_str(
                "is encrypted without integrity protection, so that anybody could have changed it",
            ),
            Self::Damaged => f.write_str("is a damaged or incomplete OpenPGP message"),
            Self::Behind => f.write_str("has more behind its OpenPGP message"),
            Self::Nested => f.write_str("is an OpenPGP message inside others"),
            Self::Unsigned { place } => {
                write!(f, "is not signed, and has to be signed by a key in {place}")
            }
            Self::OtherSigner { signers, place } => write!(
                f,
                "is signed by {}, and has to be signed by a key in {place}",
                named(signers).join(", ")
            ),
            Self::BadSignature { signer, why } => write!(f, "has a signature of {signer}, {why}"),
        }
    }
}

impl OpenPgpError {
    /// What to do about it.
    pub(in crate::feed) fn help(&self) -> &'static str {
        match self {
            Self::NotBuilt => {
                "build it with `cargo build --release --features openpgp`, or decrypt the feed \
                 first, for example with `gpg --decrypt`"
            }
            Self::NoKey { recipients } if recipients.is_passphrase() => {
                "name it with `passphrase = { file = \"…\" }` in [source.openpgp]; for `init`, \
                 decrypt the feed first, for example with `gpg --decrypt`"
            }
            Self::NoKey { .. } => {
                "name the private key with `key = { file = \"…\" }` in [source.openpgp]; for `init`, \
                 decrypt the feed first, for example with `gpg --decrypt`"
            }
            Self::OtherKey { .. } => {
                "let the sender encrypt for this key, or name the right one with `key` in \
                 [source.openpgp]"
            }
            Self::KeyIsLocked { .. } => {
                "name it with `passphrase = { file = \"…\" }` in [source.openpgp]"
            }
            Self::PassphraseOfKey { .. } => {
                "check `passphrase` in [source.openpgp]: white space around it does not count"
            }
            Self::PassphraseOfMessage { .. } => {
                "check `passphrase` in [source.openpgp], and that the file is complete"
            }
            Self::KeyFile { .. } => {
                "export the private key with `gpg --export-secret-keys` and name it with `key` in \
                 [source.openpgp]"
            }
            Self::Certificates { .. } => {
                "export the sender's certificate with `gpg --export` and name it with `signed_by` \
                 in [source.openpgp]"
            }
            Self::Unprotected => {
                "let the sender use a program of this century, or GnuPG without `--rfc2440` and \
                 `--disable-mdc`"
            }
            Self::Damaged => {
                "check that the transfer is complete and binary, for example with `gpg --decrypt` \
                 on both sides; nothing of it was used"
            }
            Self::Behind => "let the sender write one message to a file; nothing of it was used",
            Self::Nested => "let the sender encrypt the people file itself, once",
            Self::Unsigned { .. } | Self::OtherSigner { .. } => {
                "ask the sender: the feed may be somebody else's; if it is right, correct \
                 `signed_by` in [source.openpgp]"
            }
            Self::BadSignature { .. } => {
                "ask the sender: the feed may be somebody else's; nothing of it was used"
            }
        }
    }

    /// Whether the call or the mapping must change, rather than the file.
    pub(in crate::feed) fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NotBuilt
                | Self::NoKey { .. }
                | Self::KeyIsLocked { .. }
                | Self::PassphraseOfKey { .. }
                | Self::KeyFile { .. }
                | Self::Certificates { .. }
        )
    }
}
