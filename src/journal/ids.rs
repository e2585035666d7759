//! Names of things in the journal: scopes and runs.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::model::hex;

/// What a run is for: the system, its base URL and the API key.
///
/// External IDs belong to the key, so what was acknowledged is remembered per
/// scope. Only a digest is kept; the key cannot be read back from it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope([u8; 32]);

impl Scope {
    /// The scope of one API key at one system. A slash at the end of the base
    /// URL makes no difference.
    #[must_use]
    pub fn new(system: &str, base_url: &str, api_key: &str) -> Self {
        let mut digest = Sha256::new();
        for part in [system, base_url.trim_end_matches('/')] {
            // The length in front keeps `ab` + `c` apart from `a` + `bc`.
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        digest.update(Sha256::digest(api_key));
        Self(digest.finalize().into())
    }

    /// The digest as 64 hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(self.0)
    }

    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({})", self.hex())
    }
}

/// A run's name: a plain number, such as 12, counted up over the whole journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub(super) i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is not a run's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a run: use a number such as 12 (`hrfeed runs` lists them) or `latest`")]
pub struct RunIdError {
    text: String,
}

impl FromStr for RunId {
    type Err = RunIdError;

    fn from_str(text: &str) -> Result<Self, RunIdError> {
        let number = positive(text).map(Self);
        number.ok_or_else(|| RunIdError { text: text.into() })
    }
}

/// A hold's name: a plain number, such as 7, counted up over the whole journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldId(pub(super) i64);

impl HoldId {
    /// The hold of that number.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// The number, as the JSON shows it.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is not a hold's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a hold: use a number such as 7 (`hrfeed holds` lists them)")]
pub struct HoldIdError {
    text: String,
}

impl FromStr for HoldId {
    type Err = HoldIdError;

    fn from_str(text: &str) -> Result<Self, HoldIdError> {
        let number = positive(text).map(Self);
        number.ok_or_else(|| HoldIdError { text: text.into() })
    }
}

/// A number as names have it.
fn positive(text: &str) -> Option<i64> {
    // `parse` alone would take `+12`.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok()?;
    (digits && number > 0).then_some(number)
}

/// A run, by its number or by its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunRef {
    /// The newest run in the journal.
    Latest,
    /// This one.
    Id(RunId),
}

impl FromStr for RunRef {
    type Err = RunIdError;

    /// Reads `latest` or a number.
    fn from_str(text: &str) -> Result<Self, RunIdError> {
        if text == "latest" {
            Ok(Self::Latest)
        } else {
            text.parse().map(Self::Id)
        }
    }
}

/// A feed's identity: a digest of the path of its mapping. People of one feed
/// are not leavers of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FeedKey(pub(super) i64);

impl FeedKey {
    /// The feed with this mapping.
    #[must_use]
    pub fn of_mapping(mapping_path: &str) -> Self {
        Self(xxhash_rust::xxh3::xxh3_64(mapping_path.as_bytes()).cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_differs_by_each_of_its_parts_and_shows_no_key() {
        let scope = Scope::new("kmi", "https://lms.example.com", "secret-key");
        for other in [
            Scope::new("anewspring", "https://lms.example.com", "secret-key"),
            Scope::new("kmi", "https://lms2.example.com", "secret-key"),
            Scope::new("kmi", "https://lms.example.com", "other"),
            Scope::new("kmih", "ttps://lms.example.com", "secret-key"),
        ] {
            assert_ne!(scope, other);
        }
        assert_eq!(
            scope,
            Scope::new("kmi", "https://lms.example.com/", "secret-key")
        );
        assert_eq!(scope.hex().len(), 64);
        assert!(!format!("{scope:?}").contains("secret"));
    }

    #[test]
    fn the_digest_of_a_scope_never_changes() {
        // A changed digest would forget everybody in a journal.
        insta::assert_snapshot!(
            Scope::new("kmi", "https://lms.example.com", "k").hex(),
            @"33aabf5f7aad4a2e22b0934a58c7b43ec4f6b7f02b5c00306913a8a84d162eb9"
        );
    }

    #[test]
    fn a_run_and_a_hold_are_named_by_a_positive_number_and_nothing_else() {
        assert_eq!("7".parse(), Ok(HoldId(7)));
        assert_eq!("12".parse(), Ok(RunId(12)));
        assert_eq!(RunId(12).to_string(), "12");
        assert_eq!("latest".parse(), Ok(RunRef::Latest));
        for text in [
            "",
            "0",
            "-1",
            "+1",
            " 1",
            "1.0",
            "x",
            "99999999999999999999",
        ] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
            assert!(text.parse::<HoldId>().is_err(), "{text}");
        }
    }
}
