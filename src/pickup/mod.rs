//! What the command line calls a feed becomes one file that is whole.
//!
//! A feed is a file, stdin, or of the files of a folder, or those that a pattern names,
//! the newest one or all; on this machine or on another. HR systems write files slowly, or
//! upload them over a slow line: where the mapping says how that is seen, [`pick_up`] waits
//! until each is whole. A checksum beside it is verified.
//!
//! # Invariants
//!
//! - Of several files none is chosen unless the mapping says how.
//! - A file that the mapping's signs do not call whole is never handed on.
//! - A file of another machine is read from a private copy, and only if it was the same
//!   after it was copied.

mod access;
mod address;
mod checksum;
mod choose;
mod error;
mod problem;
#[cfg(feature = "remote")]
mod remote;
mod store;
mod whole;

use std::ffi::OsStr;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

pub use self::access::{Access, HostKey};
pub use self::address::is_address;
pub(crate) use self::checksum::endings as checksum_endings;
pub use self::error::PickUpError;
pub use self::problem::Problem;
use self::store::Local;
use crate::model::Secret;

/// What the mapping says about where the feed is, and when it is whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PickUpOptions {
    /// Which file counts where a folder or a pattern has several.
    pub files: Option<Files>,
    /// A file is whole when its size and its time have not changed for so long.
    pub unchanged_for: Option<Duration>,
    /// A file is whole when this file is there, and not older: `.done` behind the name
    /// of the feed, or a name of its own.
    pub done_file: Option<String>,
    /// How long a feed is waited for that is not there, or not whole.
    pub wait: Option<Duration>,
    /// What is expected of a checksum beside the feed.
    pub checksum: Checksum,
    /// Files that the mapping reads beside the feed: none of several files is the feed
    /// because it is one of them.
    pub not_feeds: Vec<PathBuf>,
}

/// Which of several files is the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Files {
    /// The one that was written last.
    Newest,
    /// All of them, one after the other in the order of their names.
    All,
    /// These of a folder, one after the other: each has to be there.
    Named(Vec<String>),
}

/// What is expected of a checksum beside the feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// If there is one, it fits.
    #[default]
    IfThere,
    /// There is one with this ending (`.sha256`), and it fits.
    Required(String),
    /// It is not looked at.
    Ignored,
}

/// How long a feed is waited for where signs of a whole file are named, unless the
/// mapping says otherwise.
const DEFAULT_WAIT: Duration = Duration::from_mins(10);

impl PickUpOptions {
    /// Whether a file that a person names and no program writes could be refused, or waited
    /// for in vain.
    #[must_use]
    pub const fn is_for_programs(&self) -> bool {
        let is_required = matches!(self.checksum, Checksum::Required(_));
        let waits = self.unchanged_for.is_some() || self.done_file.is_some();
        waits || is_required || self.may_be_several()
    }

    /// Whether the feed may be several files.
    #[must_use]
    pub const fn may_be_several(&self) -> bool {
        matches!(self.files, Some(Files::All | Files::Named(_)))
    }

    fn wait(&self) -> Duration {
        let waits = self.unchanged_for.is_some() || self.done_file.is_some();
        let unless_said = if waits { DEFAULT_WAIT } else { Duration::ZERO };
        self.wait.unwrap_or(unless_said)
    }
}

/// What is said while a feed is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// For this reason the feed is not read yet.
    For(String),
    /// It is whole now, after so long.
    Over(Duration),
}

/// A feed that can be read.
#[derive(Debug)]
pub struct PickedUp {
    /// What the command line calls it, without anything secret.
    pub place: PathBuf,
    /// Its files, in their order: at least one.
    pub files: Vec<Picked>,
}

/// A file of a feed that can be read.
#[derive(Debug)]
pub struct Picked {
    /// Its path, or its address on another machine without anything secret.
    pub path: PathBuf,
    /// What is read in the place of a file of another machine.
    pub copy: Option<Fetched>,
}

/// The private copy of a file of another machine. It has no name (or, on Windows, vanishes
/// when it is closed) and is readable by the user alone: it holds people's data.
#[derive(Debug)]
pub struct Fetched {
    /// The copy.
    pub file: File,
    /// In bytes.
    pub length: u64,
    /// The digest of its bytes.
    pub sha256: [u8; 32],
    /// When it was written there, where the other machine says so.
    pub modified: Option<Timestamp>,
}

/// The caller, while a feed is picked up.
pub struct Watcher<'a> {
    /// Asked several times a second.
    pub is_stopped: &'a dyn Fn() -> bool,
    /// Hears why it takes time.
    pub tell: &'a mut dyn FnMut(Waiting),
}

/// Finds the file that `feed` means, or the files, waits until each is whole, and verifies
/// its checksum. A file of another machine is fetched, of at most `max_bytes`.
///
/// # Errors
/// There is no such file, there are several, it did not become whole in time, its
/// checksum does not fit, or another machine does not give it.
pub fn pick_up(
    feed: &OsStr,
    options: &PickUpOptions,
    (access, max_bytes): (&Access<Secret>, u64),
    watcher: &mut Watcher<'_>,
) -> Result<PickedUp, PickUpError> {
    if is_address(feed) {
        return fetch(feed, options, (access, max_bytes), watcher);
    }
    let files = whole::wait_for(&Local, feed, options, watcher)?;
    let picked = |path| Picked { path, copy: None };
    Ok(PickedUp {
        place: feed.into(),
        files: files.into_iter().map(picked).collect(),
    })
}

/// Verifies the checksums of files that the mapping reads beside the feed, where they have
/// one.
///
/// # Errors
/// One does not fit, or cannot be read.
pub fn verify_checksums(files: &[PathBuf], wanted: &Checksum) -> Result<(), PickUpError> {
    checksum::verify_files(files, wanted)
}

#[cfg(feature = "remote")]
fn fetch(
    feed: &OsStr,
    options: &PickUpOptions,
    (access, max_bytes): (&Access<Secret>, u64),
    watcher: &mut Watcher<'_>,
) -> Result<PickedUp, PickUpError> {
    let address = address::Address::parse(&feed.to_string_lossy())?;
    let address_is_of_web = address.scheme == address::Scheme::Web;
    let is_stopped = watcher.is_stopped;
    let store = remote::Remote::new(address, access, max_bytes, is_stopped)?;
    let mut options = options.clone();
    if address_is_of_web && options.checksum == Checksum::IfThere {
        // A web server may have an answer for every name.
        options.checksum = Checksum::Ignored;
    }
    let place = store.named();
    let files = whole::wait_for(&store, place.as_os_str(), &options, watcher)?;
    let files = store.into_picked(&files)?;
    Ok(PickedUp { place, files })
}

/// What is wrong with the address itself is said by any build.
#[cfg(not(feature = "remote"))]
fn fetch(
    feed: &OsStr,
    _: &PickUpOptions,
    _: (&Access<Secret>, u64),
    _: &mut Watcher<'_>,
) -> Result<PickedUp, PickUpError> {
    let address = address::Address::parse(&feed.to_string_lossy())?;
    Err(PickUpError::NotBuilt(address.shown()))
}
