//! One run at a time for each scope.
//!
//! The locks are the operating system's: one on the journal's own file, which holds by
//! whichever name the journal is reached, and one on a file next to it, which an older
//! hrfeed knows, too, and which holds alone on Windows. They are released when their
//! process ends, however it ends, so a left-over lock file means nothing. The holder
//! is noted in the journal and not in that file, since no other process can read a
//! locked file on Windows.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::OptionalExtension as _;

use crate::clock;

use super::byte_lock::{self, ByteLock};
use super::codes::{coded, time};
use super::error::JournalError;
use super::ids::{RunId, Scope};
use super::open::Journal;

/// How often a held lock is tried again, and after how long.
const MAX_LOCK_POLLS: u32 = 5;
const LOCK_POLL: Duration = Duration::from_millis(20);

/// Why a scope could not be locked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another run holds the scope.
    #[error("another run is using this LMS{}", by(holder.as_ref()))]
    Held {
        /// Its holder, as far as is known.
        holder: Option<Holder>,
    },
    /// The journal or the lock file could not be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

fn by(holder: Option<&Holder>) -> String {
    holder.map_or_else(String::new, |holder| format!(": {holder}"))
}

/// Holds a scope until it and its clones are dropped or the process ends.
#[derive(Clone, Debug)]
pub struct ScopeLock {
    held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    byte: ByteLock,
    // Closing it releases the lock.
    _file: File,
}

impl ScopeLock {
    /// Whether the lock on the journal's file is still this process's.
    pub(super) fn is_held(&self) -> std::io::Result<bool> {
        self.held.byte.is_held()
    }
}

/// The holder of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// Its machine; known once its run has started or was resumed.
    pub host: Option<String>,
    /// Since when it holds the scope.
    pub since: Timestamp,
    /// Its run, once it has started.
    pub run: Option<RunId>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(run) = self.run {
            write!(f, "run {run}, ")?;
        }
        write!(f, "process {}", self.pid)?;
        if let Some(host) = &self.host {
            write!(f, " on {host}")?;
        }
        let since = self.since.strftime("%Y-%m-%d %H:%M:%S UTC");
        write!(f, ", since {since}")
    }
}

impl Journal {
    /// Locks the scope for this process, or names its holder.
    pub fn lock(&self, scope: &Scope) -> Result<ScopeLock, LockError> {
        if self.for_reading {
            return self.again()?.lock(scope);
        }
        let Some(byte) = byte_lock::take(&self.place, scope)? else {
            return Err(self.held(scope)?);
        };
        let path = lock_path(self.path(), scope);
        let failed = |error| JournalError::LockFile(path.clone(), Arc::new(error));
        let file = open(&path).map_err(failed)?;
        let mut locked = file.try_lock();
        // A process that only asks whether a run is under way holds the file for
        // a moment. The operating system has no wait for a lock that ends.
        for _ in 0..MAX_LOCK_POLLS {
            if !matches!(locked, Err(TryLockError::WouldBlock)) {
                break;
            }
            std::thread::park_timeout(LOCK_POLL);
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => {
                self.note_holder(scope)?;
                let held = Held { byte, _file: file };
                Ok(ScopeLock {
                    held: Arc::new(held),
                })
            }
            Err(TryLockError::WouldBlock) => Err(self.held(scope)?),
            Err(TryLockError::Error(error)) => Err(failed(error).into()),
        }
    }

    /// Whether a run of the scope is under way, in this process or another.
    pub fn is_under_way(&self, scope: &Scope) -> bool {
        if byte_lock::is_locked(&self.place, scope).is_ok_and(|locked| locked) {
            return true;
        }
        // Never created here: a lock file that is not there is not held.
        let Ok(file) = File::open(lock_path(self.path(), scope)) else {
            return false;
        };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    fn held(&self, scope: &Scope) -> Result<LockError, JournalError> {
        let holder = self.holder(scope)?;
        Ok(LockError::Held { holder })
    }

    fn note_holder(&self, scope: &Scope) -> Result<(), JournalError> {
        let since = clock::now().as_microsecond();
        let note = || {
            let tx = self.conn.unchecked_transaction()?;
            tx.execute(
                "INSERT INTO scopes (digest) VALUES (?1) ON CONFLICT DO NOTHING",
                [scope.bytes()],
            )?;
            tx.execute(
                "INSERT OR REPLACE INTO locks (scope, pid, since)
                 SELECT id, ?2, ?3 FROM scopes WHERE digest = ?1",
                (scope.bytes(), std::process::id(), since),
            )?;
            tx.commit()
        };
        note().map_err(|error| self.sql(error))
    }

    fn holder(&self, scope: &Scope) -> Result<Option<Holder>, JournalError> {
        self.conn
            .query_row(
                "SELECT pid, host, since, run FROM locks
                 WHERE scope = (SELECT id FROM scopes WHERE digest = ?1)",
                [scope.bytes()],
                |row| {
                    Ok(Holder {
                        pid: row.get(0)?,
                        host: row.get(1)?,
                        since: coded(row, 2, time)?,
                        run: row.get::<_, Option<i64>>(3)?.map(RunId),
                    })
                },
            )
            .optional()
            .map_err(|error| self.sql(error))
    }
}

/// The lock file of `scope`: next to the journal, named after both.
fn lock_path(journal: &Path, scope: &Scope) -> PathBuf {
    // A journal with two names has one lock.
    let journal = &std::fs::canonicalize(journal).unwrap_or_else(|_| journal.to_path_buf());
    let mut name = journal.file_name().unwrap_or_default().to_os_string();
    let digits: String = scope.hex().chars().take(12).collect();
    name.push(format!(".{digits}.lock"));
    journal.with_file_name(name)
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Others may read (1) and write (2) it, and not delete or rename it.
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 1 | 2);
    options.open(path)
}
