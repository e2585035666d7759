//! Why a feed could not be picked up, and what to do.

use std::path::PathBuf;
use std::{fmt, io};

use thiserror::Error;

use super::problem::Problem;
use crate::model::MAX_FEED_FILES;

/// Why a feed could not be picked up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PickUpError {
    /// A folder or a pattern has no file that could be a feed.
    #[error("{}", Nothing(.place, *.is_folder))]
    Nothing {
        /// The folder or the pattern.
        place: PathBuf,
        /// Whether it is a folder.
        is_folder: bool,
    },
    /// There are several, and the mapping does not say which counts.
    #[error(
        "`{}` has {count} files, among them `{}` and `{}`", .place.display(), .files[0].display(),
        .files[1].display()
    )]
    Several {
        /// The folder or the pattern.
        place: PathBuf,
        /// How many there are.
        count: usize,
        /// Two of them, the newest first.
        files: Box<[PathBuf; 2]>,
    },
    /// There are more than a feed can have. None of them was fetched.
    #[error("`{}` has {count} files; one feed has at most {MAX_FEED_FILES}", .place.display())]
    TooMany {
        /// The folder or the pattern.
        place: PathBuf,
        /// How many there are.
        count: usize,
    },
    /// The mapping names files of a folder, and this is none.
    #[error("`{}` is not a folder, and `files` in [source] names files of one", .0.display())]
    NotAFolder(PathBuf),
    /// A file that the mapping names is not in the folder.
    #[error("`{}` is not there, and `files` in [source] names it", .0.display())]
    Missing(PathBuf),
    /// Two are the newest.
    #[error("`{}` and `{}` were written at the same time", .0[0].display(), .0[1].display())]
    EquallyNew(Box<[PathBuf; 2]>),
    /// The newest by its time is older by the date in its name.
    #[error(
        "`{}` was written last, but `{}` has the later date in its name", .0[0].display(),
        .0[1].display()
    )]
    OtherDate(Box<[PathBuf; 2]>),
    /// The pattern cannot be one.
    #[error("`{}` is not a pattern of files: {why}", .pattern.display())]
    Pattern {
        /// What was given.
        pattern: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The feed was waited for in vain.
    #[error("{}{why}", Waited(.waited))]
    NotWhole {
        /// What was missing until the end.
        why: String,
        /// How long it was waited for.
        waited: jiff::SignedDuration,
    },
    /// The checksum beside the feed is of another content.
    #[error("`{}` does not have the checksum that `{}` names", .feed.display(), .file.display())]
    OtherContent {
        /// The feed.
        feed: PathBuf,
        /// The file with the checksum.
        file: PathBuf,
    },
    /// The file with the checksum is required, and not there.
    #[error("`{}` is not there, and `checksum` in [source] requires it", .0.display())]
    NoChecksumFile(PathBuf),
    /// The file with the checksum does not say one of the feed.
    #[error("`{}` has no checksum of `{}`", .file.display(), .feed.display())]
    NoChecksum {
        /// The feed.
        feed: PathBuf,
        /// The file that should have it.
        file: PathBuf,
    },
    /// A file or a folder cannot be read.
    #[error("cannot read `{}`: {source}", .path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The address of a feed on another machine cannot be one.
    #[error("`{}` is not an address of a feed: {why}", .shown.display())]
    Address {
        /// What of it may be shown.
        shown: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// This program was built without feeds from other machines.
    #[error("this hrfeed was built without feeds from other machines, so it cannot read `{}`", .0.display())]
    NotBuilt(PathBuf),
    /// Another machine does not give the feed.
    #[error("cannot fetch `{}`: {problem}", .path.display())]
    Remote {
        /// What was asked for.
        path: PathBuf,
        /// Why not.
        problem: Problem,
    },
    /// A signal came while the feed was waited for.
    #[error("stopped while waiting for the feed: {why}")]
    Stopped {
        /// What was missing.
        why: String,
    },
}

impl PickUpError {
    pub(super) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::Read { path, source }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Nothing {
                is_folder: true, ..
            } => format!(
                "a feed ends in {}; write a pattern such as \"exports/people-*\" for other names",
                super::choose::endings()
            ),
            Self::Nothing { .. } | Self::Pattern { .. } => {
                "`*` is any text, `?` one character, and `**` any folders".into()
            }
            Self::Several { .. } => {
                "name one of them, or write in [source] `files = \"newest\"`, for the file that was \
                 written last, or `files = \"all\"`, for all of them as one feed"
                    .into()
            }
            Self::TooMany { .. } => "move old exports away, or write a pattern such as \
                                     \"exports/people-*\" for those of today"
                .into(),
            Self::NotAFolder(_) => "name the folder on the command line".into(),
            Self::Missing(_) => {
                "whose people are in it would be missing; have it exported, or remove it from \
                 `files`"
                    .into()
            }
            Self::EquallyNew(_) | Self::OtherDate(_) => {
                "name the one that is right on the command line".into()
            }
            Self::NotWhole { .. } => {
                "nothing was read or sent; import it when it is there, or write a longer `wait` in \
                 [source]"
                    .into()
            }
            Self::OtherContent { .. } => {
                "the file is incomplete or was exchanged: have it sent again; if the checksum is \
                 an old one, write `checksum = false` in [source]"
                    .into()
            }
            Self::NoChecksumFile(_) => {
                "have it sent with the feed; if it comes later, write how long to `wait` for it \
                 in [source]"
                    .into()
            }
            Self::NoChecksum { .. } => {
                "it should have the checksum in hexadecimal digits, alone or before the name of \
                 the feed"
                    .into()
            }
            Self::Address { .. } => {
                "write an address such as sftp://hr.example.com/exports/people.csv, and who hrfeed \
                 is into [source.remote] of the mapping"
                    .into()
            }
            Self::NotBuilt(_) => {
                "use a released hrfeed, or build it with `cargo build --release --features remote`"
                    .into()
            }
            Self::Remote { problem, .. } => return problem.help().map(Into::into),
            Self::Read { .. } => return None,
            Self::Stopped { .. } => "nothing was read or sent".into(),
        })
    }
}

struct Nothing<'a>(&'a PathBuf, bool);

impl fmt::Display for Nothing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.0.display();
        if self.1 {
            write!(f, "the folder `{place}` has no file that could be a feed")
        } else {
            write!(f, "no file matches `{place}`")
        }
    }
}

struct Waited<'a>(&'a jiff::SignedDuration);

impl fmt::Display for Waited<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_zero() {
            f.write_str("the feed is not whole: ")
        } else {
            write!(f, "waited {:#} for the feed: ", self.0)
        }
    }
}
