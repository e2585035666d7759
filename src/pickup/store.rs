//! Where files are: on this machine, or on another.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::PickUpError;
use crate::files;

/// A file as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) path: PathBuf,
    /// In bytes, where that is known.
    pub(super) length: Option<u64>,
    pub(super) modified: Option<Timestamp>,
    /// What a server calls this content.
    pub(super) tag: Option<String>,
}

/// What a command line can mean.
#[derive(Debug)]
pub(super) enum Meant {
    File(PathBuf),
    Folder(PathBuf),
    Pattern(PathBuf),
}

/// What `choose`, `whole` and `checksum` ask of the place where the files are.
pub(super) trait Store {
    /// What a command line means. What is there counts before what a name looks like:
    /// `people [1].csv` is a file.
    fn meant(&self, feed: &OsStr) -> Result<Meant, PickUpError>;

    /// What is known of a file; nothing of what is not there.
    fn look(&self, path: &Path) -> Result<Option<Look>, PickUpError>;

    /// The files of a folder whose names are wanted. Files that vanish while it is read
    /// are none of it.
    fn list(&self, folder: &Path, wanted: Names<'_>) -> Result<Vec<Look>, PickUpError>;

    /// The files that a pattern names, and whose names are wanted.
    fn matches(&self, pattern: &Path, wanted: Names<'_>) -> Result<Vec<Look>, PickUpError>;

    /// Whether a file is one of `others`, which are on this machine.
    fn is_one_of(&self, path: &Path, others: &[PathBuf]) -> bool;

    /// The path of a file in a folder.
    fn child(&self, folder: &Path, name: &str) -> PathBuf;

    /// The path of a file in the folder of another.
    fn sibling(&self, path: &Path, name: &str) -> PathBuf;

    /// A small file whole; nothing of what is not there or no file.
    fn small(&self, path: &Path, max: u64) -> Result<Option<Vec<u8>>, PickUpError>;

    /// The names in the folder of a file that are wanted, where listing them costs little.
    fn names_beside(&self, _: &Path, _: &dyn Fn(&str) -> bool) -> Option<Vec<String>> {
        None
    }

    /// Makes sure that the feed can be read as it was seen; false if it changed
    /// meanwhile.
    fn fetch(&self, feed: &Look) -> Result<bool, PickUpError>;

    /// The content of a feed that was fetched.
    fn content(&self, feed: &Look) -> io::Result<Box<dyn Read>>;

    /// What is said of a feed that is not there and not waited for.
    fn missing(&self, feed: &OsStr) -> Result<PathBuf, PickUpError>;

    /// How often a file is looked at, at most.
    fn between_looks(&self) -> Duration;
}

/// Which names are wanted.
pub(super) type Names<'a> = &'a dyn Fn(&Path) -> bool;

/// How patterns are read.
pub(super) const fn pattern_options(case_sensitive: bool) -> glob::MatchOptions {
    glob::MatchOptions {
        case_sensitive,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    }
}

/// Whether a name has what only patterns have.
pub(super) fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// The files of this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local;

impl Store for Local {
    fn meant(&self, feed: &OsStr) -> Result<Meant, PickUpError> {
        let path = PathBuf::from(feed);
        Ok(match fs::metadata(&path) {
            Ok(about) if about.is_dir() => Meant::Folder(path),
            Ok(_) => Meant::File(path),
            Err(_) => match feed.to_str() {
                Some(text) if is_pattern(text) => Meant::Pattern(path),
                _ => Meant::File(path),
            },
        })
    }

    fn look(&self, path: &Path) -> Result<Option<Look>, PickUpError> {
        match fs::metadata(path) {
            Ok(about) => Ok(Some(Look {
                path: path.to_owned(),
                length: Some(about.len()),
                modified: about.modified().ok().and_then(|it| it.try_into().ok()),
                tag: None,
            })),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(PickUpError::read(path)(error)),
        }
    }

    fn list(&self, folder: &Path, wanted: Names<'_>) -> Result<Vec<Look>, PickUpError> {
        let entries = fs::read_dir(folder).map_err(PickUpError::read(folder))?;
        let paths = entries.map(|entry| Ok(entry.map_err(PickUpError::read(folder))?.path()));
        self.looks(paths, wanted)
    }

    fn matches(&self, pattern: &Path, wanted: Names<'_>) -> Result<Vec<Look>, PickUpError> {
        // As the system compares names of files.
        let options = pattern_options(!cfg!(any(windows, target_os = "macos")));
        // Only text is a pattern.
        let text = pattern.to_str().unwrap_or_default();
        let paths = glob::glob_with(text, options).map_err(|error| PickUpError::Pattern {
            pattern: pattern.into(),
            why: error.msg.to_owned(),
        })?;
        let paths = paths.map(|path| {
            path.map_err(|error| {
                let path = error.path().to_owned();
                PickUpError::read(path)(error.into())
            })
        });
        self.looks(paths, wanted)
    }

    fn is_one_of(&self, path: &Path, others: &[PathBuf]) -> bool {
        let is_path = |it: PathBuf| others.iter().filter_map(real).any(|other| other == it);
        real(path).is_none_or(is_path)
    }

    fn child(&self, folder: &Path, name: &str) -> PathBuf {
        folder.join(name)
    }

    fn sibling(&self, path: &Path, name: &str) -> PathBuf {
        path.with_file_name(name)
    }

    fn small(&self, path: &Path, max: u64) -> Result<Option<Vec<u8>>, PickUpError> {
        if !path.is_file() {
            return Ok(None);
        }
        let (bytes, _) = files::read(path, max).map_err(PickUpError::read(path))?;
        Ok(Some(bytes))
    }

    fn names_beside(&self, path: &Path, wanted: &dyn Fn(&str) -> bool) -> Option<Vec<String>> {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let entries = fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
        let names = entries.map_while(|it| {
            it.ok()?
                .file_name()
                .into_string()
                .ok()
                .or(Some(String::new()))
        });
        let mut names: Vec<_> = names.filter(|name| wanted(name)).collect();
        names.sort_unstable();
        Some(names)
    }

    fn fetch(&self, _: &Look) -> Result<bool, PickUpError> {
        Ok(true)
    }

    fn content(&self, feed: &Look) -> io::Result<Box<dyn Read>> {
        let file = files::open(&feed.path, &fs::metadata(&feed.path)?)?;
        Ok(Box::new(file))
    }

    fn missing(&self, feed: &OsStr) -> Result<PathBuf, PickUpError> {
        // Reading it says what is wrong.
        Ok(feed.into())
    }

    fn between_looks(&self) -> Duration {
        Duration::from_secs(1)
    }
}

impl Local {
    fn looks(
        self,
        paths: impl Iterator<Item = Result<PathBuf, PickUpError>>,
        wanted: Names<'_>,
    ) -> Result<Vec<Look>, PickUpError> {
        let mut looks = Vec::new();
        for path in paths {
            let path = path?;
            if wanted(&path)
                && path.is_file()
                && let Some(look) = self.look(&path)?
            {
                looks.push(look);
            }
        }
        Ok(looks)
    }
}

fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

/// A file under the one name that it has without links.
fn real(path: impl AsRef<Path>) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}
