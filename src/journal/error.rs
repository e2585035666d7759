//! What can go wrong with a journal. Each of these ends a run.

use std::ffi::c_int;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{ErrorCode, ffi};

use super::ids::RunId;

/// Why the journal could not be used: the file, and what the system or SQLite
/// says.
///
/// Can be cloned, since one failure goes to everybody who waits.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Its folder could not be created.
    #[error("failed to create the journal's folder `{}`", .0.display())]
    Folder(PathBuf, #[source] Arc<io::Error>),
    /// The file could not be examined or created.
    #[error("failed to open journal `{}`", .0.display())]
    File(PathBuf, #[source] Arc<io::Error>),
    /// SQLite could not open the file, or one of its companions.
    #[error("failed to open journal `{}`", .0.display())]
    Open(PathBuf, #[source] Arc<rusqlite::Error>),
    /// The path names a folder.
    #[error("journal `{}` is a folder", .0.display())]
    IsFolder(PathBuf),
    /// The path names a pipe or a device.
    #[error("journal `{}` is a pipe or a device, not a file", .0.display())]
    NotAFile(PathBuf),
    /// The file is not an SQLite database.
    #[error("`{}` is not a journal: it is not an SQLite file", .0.display())]
    NotSqlite(PathBuf),
    /// The file is a database of another program.
    #[error("`{}` is not a journal: it is another program's SQLite file", .0.display())]
    Foreign(PathBuf),
    /// A newer hrfeed wrote the file.
    #[error(
        "journal `{}` was written by a newer hrfeed (format {found}; this version reads up to {known})",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's format.
        found: i64,
        /// The newest format that this program knows.
        known: i64,
    },
    /// An older hrfeed wrote the file, and it could not be upgraded. It is
    /// unchanged.
    #[error(
        "failed to upgrade journal `{}` from format {from} to {to}; the file is unchanged",
        path.display()
    )]
    Migration {
        /// The file.
        path: PathBuf,
        /// The file's format.
        from: i64,
        /// The format that could not be reached.
        to: i64,
        /// What SQLite says.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// An older journal could not be kept before it is upgraded. It is unchanged.
    #[error("failed to back up journal `{}` as `{}`; the journal is unchanged", path.display(), backup.display())]
    Backup {
        /// The file.
        path: PathBuf,
        /// The copy that could not be written.
        backup: PathBuf,
        /// What the system says.
        #[source]
        source: Arc<io::Error>,
    },
    /// The system gave no random bytes for the journal's secret.
    #[error("failed to create the secret of journal `{}`", .0.display())]
    NoRandomBytes(PathBuf, #[source] Arc<io::Error>),
    /// No room is left.
    #[error("failed to write journal `{}`: the disk is full", .0.display())]
    Full(PathBuf),
    /// The file or its folder is read-only.
    #[error("failed to write journal `{}`: the file or its folder is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// Another process kept the file locked for too long.
    #[error("journal `{}` is locked by another process", .0.display())]
    Busy(PathBuf),
    /// The file contains something that hrfeed did not write.
    #[error("journal `{}` is damaged: {}", .0.display(), .1)]
    Damaged(PathBuf, String),
    /// Anything else that SQLite reports.
    #[error("failed to use journal `{}`", .0.display())]
    Sqlite(PathBuf, #[source] Arc<rusqlite::Error>),
    /// A scope's lock file could not be created or locked.
    #[error("failed to lock `{}`", .0.display())]
    LockFile(PathBuf, #[source] Arc<io::Error>),
    /// The lock on the journal's file is another process's.
    #[error("the lock of journal `{}` was lost to another process", .0.display())]
    LockLost(PathBuf),
    /// The file has several names, each with a log of its own.
    #[error("journal `{}` has {} names (hard links)", .0.display(), .1)]
    ManyNames(PathBuf, u64),
    /// The file was mounted without its folder, where its log would be.
    #[error("journal `{}` is mounted without its folder", .0.display())]
    MountedAlone(PathBuf),
    /// The path leads to no file any more, or to another one.
    #[error("{}", displaced(path, *is_replaced, kept.as_deref()))]
    Displaced {
        /// The path.
        path: PathBuf,
        /// Another file is there.
        is_replaced: bool,
        /// Where everything is that was recorded.
        kept: Option<PathBuf>,
    },
    /// The journal does not have the run that was asked for.
    #[error("journal `{}` has no run {}", .0.display(), .1)]
    NoRun(PathBuf, RunId),
    /// An outcome that cannot be: a bug of the caller.
    #[error("an outcome cannot be recorded: {0}")]
    Misuse(&'static str),
    /// The writer's thread could not be started.
    #[error("failed to start the writer of journal `{}`", .0.display())]
    Thread(PathBuf, #[source] Arc<io::Error>),
    /// The writer ended without a reason.
    #[error("the writer of journal `{}` has stopped", .0.display())]
    Stopped(PathBuf),
}

impl JournalError {
    /// What SQLite says, sorted by what a person can do about it.
    pub(super) fn sqlite(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotSqlite(path),
            Some(ErrorCode::DiskFull) => Self::Full(path),
            // The file with which processes share the log could not grow.
            _ if extended_code(&error) == Some(ffi::SQLITE_IOERR_SHMSIZE) => Self::Full(path),
            Some(ErrorCode::ReadOnly) => Self::ReadOnly(path),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(path),
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged(path, "SQLite cannot read it".into()),
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::Open(path, Arc::new(error))
            }
            _ => Self::Sqlite(path, Arc::new(error)),
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Folder(..) | Self::File(..) | Self::Open(..) | Self::ReadOnly(_) => {
                "choose a path that you can write to with `--journal PATH`, or correct the \
                 permissions of the file and its folder"
            }
            Self::IsFolder(_) => "name a file inside the folder with `--journal PATH`",
            Self::NotAFile(_) => "name a file with `--journal PATH`",
            Self::NotSqlite(_) | Self::Foreign(_) => {
                "the file was not changed; choose another one with `--journal PATH`"
            }
            Self::Newer { .. } => {
                "the file was not changed; use the newer hrfeed, or choose another file with \
                 `--journal PATH`"
            }
            Self::Migration { .. } => {
                "back up the file, make sure that its disk has room for a second copy, and try \
                 again"
            }
            Self::Backup { .. } => {
                "make sure that the folder can be written to and that its disk has room for a \
                 second copy, and try again"
            }
            Self::NoRandomBytes(..) => {
                "this is a problem of the operating system: its random number generator is not \
                 ready"
            }
            Self::Full(_) => {
                "free some disk space, then continue with `hrfeed resume`: everything recorded so \
                 far is safe"
            }
            Self::Busy(_) => {
                "wait until the other process has finished, then try again; if no hrfeed is \
                 running, another program has the file open"
            }
            Self::Damaged(..) => {
                "restore the file from a backup; without one, move the file away: the next run \
                 then asks the LMS who exists"
            }
            Self::Sqlite(..) => {
                "check the disk, and that the journal is on a local one, then continue with \
                 `hrfeed resume`"
            }
            Self::LockFile(..) => {
                "put the journal in a folder that you can write to, on a local disk: some network \
                 disks cannot lock files"
            }
            Self::LockLost(_) => {
                "nothing more was sent; wait until the other run has finished, then continue with \
                 `hrfeed resume`: everything recorded so far is safe"
            }
            Self::ManyNames(..) => {
                "each name has a log of its own, and two of them damage the journal: delete the \
                 other names while no hrfeed is running"
            }
            Self::MountedAlone(_) => {
                "mount the folder of the journal instead of the file: the log of its latest \
                 changes is beside it, and would be lost or not shared"
            }
            Self::Displaced { kept: Some(_), .. } => {
                "nothing more was sent, and the copy has all that was recorded: while no hrfeed is \
                 running, move it to the journal's path, then continue with `hrfeed resume`"
            }
            Self::Displaced { kept: None, .. } => {
                "nothing more was sent: put the file back or restore a backup before the next \
                 import; without a journal, it asks the LMS who exists"
            }
            Self::NoRun(..) => "`hrfeed runs` lists the runs that it has",
            Self::Misuse(_) => "this is a bug in hrfeed: please report it",
            Self::Thread(..) | Self::Stopped(_) => {
                "try again with `hrfeed resume`: everything recorded so far is safe"
            }
        }
    }
}

/// The code in which SQLite says more than in the first one.
fn extended_code(error: &rusqlite::Error) -> Option<c_int> {
    error.sqlite_error().map(|error| error.extended_code)
}

fn displaced(path: &Path, is_replaced: bool, kept: Option<&Path>) -> String {
    let what = if is_replaced {
        "replaced by another file"
    } else {
        "deleted or moved"
    };
    let kept = kept.map_or_else(String::new, |kept| {
        format!("; a copy is in `{}`", kept.display())
    });
    format!(
        "journal `{}` was {what} during the run{kept}",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sqlite_says_is_sorted_by_what_to_do() {
        let kind = |code| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let error = JournalError::sqlite(Path::new("j.db"), error);
            assert!(error.to_string().contains("j.db"), "{error}");
            assert!(!error.help().ends_with('.'));
            let debug = format!("{error:?}");
            debug.split('(').next().unwrap().to_owned()
        };
        for (code, expected) in [
            (ffi::SQLITE_NOTADB, "NotSqlite"),
            (ffi::SQLITE_FULL, "Full"),
            (ffi::SQLITE_IOERR_SHMSIZE, "Full"),
            (ffi::SQLITE_READONLY, "ReadOnly"),
            (ffi::SQLITE_READONLY_DIRECTORY, "ReadOnly"),
            (ffi::SQLITE_BUSY, "Busy"),
            (ffi::SQLITE_CORRUPT, "Damaged"),
            (ffi::SQLITE_CANTOPEN, "Open"),
            (ffi::SQLITE_PERM, "Open"),
            (ffi::SQLITE_IOERR_FSYNC, "Sqlite"),
        ] {
            assert_eq!(kind(code), expected);
        }
    }
}
