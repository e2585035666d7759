//! What can go wrong with a journal. Each of these ends a run.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;

use super::ids::RunId;

/// Why the journal could not be used.
///
/// Can be cloned, since one failure is told to everybody who waits.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The folder for it could not be made.
    #[error("failed to create the journal's folder `{}`", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: Arc<io::Error>,
    },
    /// The file could not be looked at or made.
    #[error("failed to open journal `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: Arc<io::Error>,
    },
    /// SQLite could not open the file, or a file beside it.
    #[error("failed to open journal `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// The path names a folder.
    #[error("journal `{}` is a folder", path.display())]
    IsFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The file is no SQLite database.
    #[error("`{}` is not a journal: it is not an SQLite file", path.display())]
    NotSqlite {
        /// The file.
        path: PathBuf,
    },
    /// The file is a database of another program.
    #[error("`{}` is not a journal: it is another program's SQLite file", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer hrfeed wrote the file.
    #[error(
        "journal `{}` was written by a newer hrfeed (its format is {found}, this program knows {known})",
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
    /// The file is of an older hrfeed and could not be brought up to date. It
    /// is as it was.
    #[error(
        "failed to bring journal `{}` from format {from} to {to}; it is as it was",
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
    /// No room is left.
    #[error("journal `{}` cannot grow: the disk is full", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The file or its folder may not be written.
    #[error("journal `{}` cannot be written: the file or its folder is read-only", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// Another process kept the file locked for too long.
    #[error("journal `{}` is locked by another process", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The file holds something that hrfeed did not write.
    #[error("journal `{}` is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Anything else that SQLite reports.
    #[error("failed to use journal `{}`", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// A scope's lock file could not be made or locked.
    #[error("failed to lock `{}`", path.display())]
    LockFile {
        /// The lock file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: Arc<io::Error>,
    },
    /// The journal holds no such run.
    #[error("journal `{}` holds no run {run}", path.display())]
    NoRun {
        /// The file.
        path: PathBuf,
        /// The run that was asked for.
        run: RunId,
    },
    /// An outcome that cannot be: a bug of the caller.
    #[error("an outcome cannot be recorded: {what}")]
    Misuse {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The writer's thread could not be started.
    #[error("failed to start the journal's writer for `{}`", path.display())]
    Thread {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: Arc<io::Error>,
    },
    /// The writer ended without saying why.
    #[error("the writer of journal `{}` has stopped", path.display())]
    Stopped {
        /// The file.
        path: PathBuf,
    },
}

impl JournalError {
    /// What SQLite says, sorted by what a person can do about it.
    pub(super) fn sqlite(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotSqlite { path },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged {
                path,
                what: "SQLite cannot make sense of it".into(),
            },
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Self::Open {
                path,
                source: Arc::new(error),
            },
            _ => Self::Sqlite {
                path,
                source: Arc::new(error),
            },
        }
    }

    /// What a person can do about it, as a whole sentence.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Folder { .. } | Self::File { .. } | Self::Open { .. } | Self::ReadOnly { .. } => {
                "Give a place that you may write to with `--journal PATH`, or correct the \
                 permissions of the file and its folder."
            }
            Self::IsFolder { .. } => {
                "Give the name of a file inside the folder with `--journal PATH`."
            }
            Self::NotSqlite { .. } | Self::Foreign { .. } => {
                "Nothing was changed in it. Give another file with `--journal PATH`."
            }
            Self::Newer { .. } => {
                "Nothing was changed in it. Use the newer hrfeed, or give another file with \
                 `--journal PATH`."
            }
            Self::Migration { .. } => {
                "Make a copy of the file, see that its disk has room for as much again, and try \
                 once more."
            }
            Self::Full { .. } => {
                "Make room on the disk, then go on with `hrfeed resume`: what was recorded so far \
                 is safe."
            }
            Self::Busy { .. } => {
                "Wait until the other process is done and try again. If no hrfeed is running, \
                 another program has the file open."
            }
            Self::Damaged { .. } => {
                "Put a copy from a backup in its place. Without one, move the file away: the next \
                 run then asks the target who exists."
            }
            Self::Sqlite { .. } => {
                "See that the disk is well and that the journal lies on a local disk, then go on \
                 with `hrfeed resume`."
            }
            Self::LockFile { .. } => {
                "Put the journal in a folder that you may write to, on a local disk: some network \
                 disks cannot lock files."
            }
            Self::NoRun { .. } => "See `hrfeed runs` for those that it holds.",
            Self::Misuse { .. } => "This is a bug in hrfeed: please report it.",
            Self::Thread { .. } | Self::Stopped { .. } => {
                "Try again with `hrfeed resume`: what was recorded so far is safe."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn what_sqlite_says_is_sorted_by_what_to_do() {
        let kind = |code| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let error = JournalError::sqlite(Path::new("j.db"), error);
            assert!(error.to_string().contains("j.db"), "{error}");
            assert!(error.help().ends_with('.'));
            let debug = format!("{error:?}");
            debug.split(' ').next().unwrap().to_owned()
        };
        for (code, expected) in [
            (ffi::SQLITE_NOTADB, "NotSqlite"),
            (ffi::SQLITE_FULL, "Full"),
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
