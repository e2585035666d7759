//! Where a feed comes from.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

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
    /// Several files, one after the other.
    Files {
        /// What the command line calls them: a folder or a pattern.
        place: PathBuf,
        /// The files, in their order.
        files: Vec<PathBuf>,
    },
}

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

    /// The path that stands for the feed in messages; `<stdin>` for stdin.
    pub fn place(&self) -> &Path {
        match self {
            Self::Path(path) | Self::Files { place: path, .. } => path,
            Self::Stdin => Path::new("<stdin>"),
        }
    }

    /// The files of a feed that may be several, as a person reads them.
    pub fn several(&self) -> Vec<String> {
        match self {
            Self::Files { files, .. } => {
                let files = files.iter().map(|path| path.display().to_string());
                files.collect()
            }
            Self::Path(_) | Self::Stdin => Vec::new(),
        }
    }

    /// How many files the feed is, where it may be several; 0 where it is one file.
    pub fn number_of_files(&self) -> u64 {
        match self {
            Self::Files { files, .. } => files.len() as u64,
            Self::Path(_) | Self::Stdin => 0,
        }
    }

    /// Which file has which number, where there may be several.
    pub fn remark(&self) -> Option<Remark> {
        let Self::Files { files, .. } = self else {
            return None;
        };
        let folder = files.first().map(|path| path.parent());
        let is_one_folder = files.iter().all(|path| Some(path.parent()) == folder);
        let name = |path: &PathBuf| match path.file_name() {
            Some(name) if is_one_folder => name.to_string_lossy().into_owned(),
            _ => path.display().to_string(),
        };
        let named = files.iter().zip(1..).take(MAX_NAMED);
        let named = named.map(|(path, number)| format!("{number} `{}`", name(path)));
        let more = files.len().saturating_sub(MAX_NAMED);
        let more = (more > 0).then(|| format!("and {more} more"));
        let numbered: Vec<_> = named.chain(more).collect();
        let files = counted(files.len() as u64, "file", "files");
        let files = format!("{files}: {}", numbered.join(", ")).into();
        Some(Remark::Files { files })
    }

    /// The files; none for stdin.
    pub fn files(&self) -> &[PathBuf] {
        match self {
            Self::Path(path) => std::slice::from_ref(path),
            Self::Files { files, .. } => files,
            Self::Stdin => &[],
        }
    }
}
