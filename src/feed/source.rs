//! Where a feed comes from.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{Remark, counted};

/// The most files that are named with their numbers.
const MAX_NAMED: usize = 20;

/// Where a feed comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedSource {
    /// A file.
    Path(PathBuf),
    /// Standard input.
    Stdin,
    /// A file of another machine, fetched.
    Copy(FeedCopy),
    /// Several files, one after the other.
    Files {
        /// What the command line calls them: a folder or a pattern.
        place: PathBuf,
        /// The files, in their order.
        files: Vec<FeedSource>,
    },
}

/// The private copy of a file of another machine.
#[derive(Clone, Debug)]
pub struct FeedCopy {
    /// Its address there, without anything secret.
    pub address: PathBuf,
    /// The copy, which has no name: one pass at a time reads it.
    pub file: Arc<File>,
    /// In bytes.
    pub length: u64,
    /// The digest of its bytes.
    pub sha256: [u8; 32],
    /// When it was written there, where the other machine says so.
    pub modified: Option<Timestamp>,
}

impl PartialEq for FeedCopy {
    fn eq(&self, other: &Self) -> bool {
        (&self.address, self.sha256) == (&other.address, other.sha256)
    }
}

impl Eq for FeedCopy {}

impl FeedSource {
    /// The source that an argument of the command line means: `-` is stdin.
    pub fn from_argument(argument: impl AsRef<OsStr>) -> Self {
        let argument = argument.as_ref();
        if argument == "-" {
            Self::Stdin
        } else {
            Self::Path(argument.into())
        }
    }

    /// What messages call the feed: its path or address, of several files their folder or
    /// pattern; `<stdin>` for stdin.
    #[must_use]
    pub fn place(&self) -> &Path {
        match self {
            Self::Path(path) | Self::Files { place: path, .. } => path,
            Self::Stdin => Path::new("<stdin>"),
            Self::Copy(copy) => &copy.address,
        }
    }

    /// The files of a feed that may be several; none otherwise.
    pub fn several(&self) -> &[Self] {
        match self {
            Self::Files { files, .. } => files,
            Self::Path(_) | Self::Stdin | Self::Copy(_) => &[],
        }
    }

    /// The feed, or its files if it may be several.
    pub fn parts(&self) -> &[Self] {
        match self {
            Self::Files { files, .. } => files,
            Self::Path(_) | Self::Stdin | Self::Copy(_) => std::slice::from_ref(self),
        }
    }

    /// Which file has which number, where there may be several.
    pub fn remark(&self) -> Option<Remark> {
        let files = self.several();
        let folder = files.first()?.place().parent();
        let is_one_folder = files.iter().all(|file| file.place().parent() == folder);
        let name = |file: &Self| match file.place().file_name() {
            Some(name) if is_one_folder => name.to_string_lossy().into_owned(),
            _ => file.place().display().to_string(),
        };
        let named = files.iter().zip(1..).take(MAX_NAMED);
        let named = named.map(|(file, number)| format!("{number} `{}`", name(file)));
        let more = files.len().saturating_sub(MAX_NAMED);
        let more = (more > 0).then(|| format!("and {more} more"));
        let numbered: Vec<_> = named.chain(more).collect();
        let files = counted(files.len() as u64, "file", "files");
        let files = format!("{files}: {}", numbered.join(", ")).into();
        Some(Remark::Files { files })
    }
}
