//! The file that the journal's path leads to: that it is still there.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::JournalError;

/// Which file it is, whatever its names are.
///
/// Windows lets nobody delete, rename or replace a file that SQLite has open: there
/// all files count as the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    #[cfg(unix)]
    device: u64,
    #[cfg(unix)]
    inode: u64,
}

impl FileId {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    #[cfg(not(unix))]
    pub(super) const fn of(_: &Metadata) -> Self {
        Self {}
    }
}

/// A path, and the file that it led to.
#[derive(Clone, Debug)]
pub(super) struct Place {
    path: PathBuf,
    file: FileId,
}

impl Place {
    /// The place of a file that is there.
    pub(super) fn at(path: &Path) -> Result<Self, JournalError> {
        Ok(Self {
            path: path.into(),
            file: FileId::of(&metadata(path)?),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    #[cfg(unix)]
    pub(super) const fn file(&self) -> FileId {
        self.file
    }

    /// Fails if the path leads to no file any more, or to another one.
    pub(super) fn check(&self) -> Result<(), JournalError> {
        if FileId::of(&metadata(&self.path)?) == self.file {
            return Ok(());
        }
        Err(self.is_replaced())
    }

    /// The failure where the path leads to another file.
    pub(super) fn is_replaced(&self) -> JournalError {
        JournalError::Displaced {
            path: self.path.clone(),
            is_replaced: true,
            kept: None,
        }
    }
}

/// Examines a file that was there.
fn metadata(path: &Path) -> Result<Metadata, JournalError> {
    // By its path: to open the file and close it again would take SQLite's locks away.
    fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => JournalError::Displaced {
            path: path.into(),
            is_replaced: false,
            kept: None,
        },
        _ => JournalError::File(path.into(), Arc::new(error)),
    })
}
