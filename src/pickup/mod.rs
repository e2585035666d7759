//! What the command line calls a feed becomes one file that is whole.
//!
//! A feed is a file, stdin, or of the files of a folder, or those that a pattern names, the
//! newest one or all. HR systems write it slowly, or upload it over a slow line: where the mapping
//! says how that is seen, [`pick_up`] waits until the file is whole. A checksum beside
//! it is verified.
//!
//! # Invariants
//!
//! - Of several files none is chosen unless the mapping says how.
//! - A file that the mapping's signs do not call whole is never handed on.

mod checksum;
mod choose;
mod error;
mod whole;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use self::checksum::endings as checksum_endings;
pub use self::error::PickUpError;

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

/// What was picked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PickedUp {
    /// A feed of one file.
    One(PathBuf),
    /// A feed that may be several files: at least one.
    Several(Vec<PathBuf>),
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

/// Finds the file that `feed` means, or the files, waits until each is whole, and verifies
/// its checksum.
///
/// `is_stopped` is asked several times a second; `tell` hears why it takes time.
///
/// # Errors
/// There is no such file, there are several, it did not become whole in time, or its
/// checksum does not fit.
pub fn pick_up(
    feed: &OsStr,
    options: &PickUpOptions,
    is_stopped: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(Waiting),
) -> Result<PickedUp, PickUpError> {
    whole::wait_for(feed, options, is_stopped, tell)
}
