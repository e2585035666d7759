//! A lock on the journal's own file: on one byte of it for each scope.
//!
//! It belongs to the file and not to a name, so it holds whatever becomes of the lock
//! file and by whichever path the journal is reached. The system releases it when the
//! process ends, however it ends.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::error::JournalError;
use super::ids::Scope;
use super::place::{FileId, Place};

/// SQLite locks some 500 bytes from `0x4000_0000` on; these are beyond them.
const FIRST: libc::off_t = 0x4800_0000;

/// The journals that this process has opened here. They stay open until it ends: when
/// a process closes any descriptor of a file, POSIX releases all classic locks that it
/// has on the file, and SQLite's are of that kind.
static FILES: Mutex<Vec<OpenFile>> = Mutex::new(Vec::new());

/// A journal's file, and the bytes of it that this process has locked.
struct OpenFile {
    id: FileId,
    file: File,
    locked: HashSet<libc::off_t>,
}

/// A byte of a journal, locked until this is dropped.
#[derive(Debug)]
pub(super) struct ByteLock {
    id: FileId,
    byte: libc::off_t,
}

/// Locks the byte of `scope`. Does not wait: `None` if somebody has it.
pub(super) fn take(place: &Place, scope: &Scope) -> Result<Option<ByteLock>, JournalError> {
    let (id, byte) = (place.file(), byte_of(scope));
    let failed = |error| JournalError::LockFile(place.path().into(), Arc::new(error));
    let mut files = files();
    let open = opened(&mut files, place).map_err(failed)?;
    // By now the path leads to another file.
    let open = open.ok_or_else(|| place.is_replaced())?;
    if open.locked.contains(&byte) || !set(&open.file, Kind::Lock, byte).map_err(failed)? {
        return Ok(None);
    }
    open.locked.insert(byte);
    Ok(Some(ByteLock { id, byte }))
}

/// Whether the byte of `scope` is locked, by this process or another.
pub(super) fn is_locked(place: &Place, scope: &Scope) -> io::Result<bool> {
    let byte = byte_of(scope);
    let mut files = files();
    Ok(match opened(&mut files, place)? {
        Some(open) => open.locked.contains(&byte) || is_locked_elsewhere(&open.file, byte)?,
        None => false,
    })
}

impl ByteLock {
    /// Whether it is still this process's.
    pub(super) fn is_held(&self) -> io::Result<bool> {
        match files().iter().find(|open| open.id == self.id) {
            // To lock again what is locked changes nothing.
            Some(open) => set(&open.file, Kind::Lock, self.byte),
            None => Ok(false),
        }
    }
}

impl Drop for ByteLock {
    fn drop(&mut self) {
        let mut files = files();
        if let Some(open) = files.iter_mut().find(|open| open.id == self.id) {
            open.locked.remove(&self.byte);
            // A lock that cannot be released ends with the process.
            drop(set(&open.file, Kind::Release, self.byte));
        }
    }
}

fn files() -> MutexGuard<'static, Vec<OpenFile>> {
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file of a place, opened if that was not done before. `None` if the path leads
/// to another file.
fn opened<'f>(files: &'f mut Vec<OpenFile>, place: &Place) -> io::Result<Option<&'f mut OpenFile>> {
    if !files.iter().any(|open| open.id == place.file()) {
        let file = open(place.path())?;
        files.push(OpenFile {
            id: FileId::of(&file.metadata()?),
            file,
            locked: HashSet::new(),
        });
    }
    Ok(files.iter_mut().find(|open| open.id == place.file()))
}

fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).open(path);
    match file.as_ref().map_err(io::Error::kind) {
        // To ask for a lock, the right to read is enough.
        Err(io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
            File::open(path)
        }
        _ => file,
    }
}

/// The byte of a scope: the same in every process.
fn byte_of(scope: &Scope) -> libc::off_t {
    let mut digits = [0; size_of::<libc::off_t>()];
    for (digit, byte) in digits.iter_mut().zip(scope.bytes()) {
        *digit = *byte;
    }
    FIRST + libc::off_t::from_le_bytes(digits).rem_euclid(libc::off_t::MAX - FIRST)
}

/// What is done to a byte.
#[derive(Clone, Copy)]
enum Kind {
    Lock,
    Release,
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "small constants, which systems declare in different widths"
)]
const fn one_byte(kind: Kind, byte: libc::off_t) -> libc::flock {
    libc::flock {
        l_type: match kind {
            Kind::Lock => libc::F_WRLCK as libc::c_short,
            Kind::Release => libc::F_UNLCK as libc::c_short,
        },
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: byte,
        l_len: 1,
        l_pid: 0,
    }
}

/// Locks or releases a byte. False if another process has it.
fn set(file: &File, kind: Kind, byte: libc::off_t) -> io::Result<bool> {
    let lock = one_byte(kind, byte);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let done = match fcntl(file, FcntlArg::F_OFD_SETLK(&lock)) {
        // A sandboxed kernel may know classic locks only.
        Err(Errno::EINVAL) => fcntl(file, FcntlArg::F_SETLK(&lock)),
        done => done,
    };
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let done = fcntl(file, FcntlArg::F_SETLK(&lock));
    match done {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn is_locked_elsewhere(file: &File, byte: libc::off_t) -> io::Result<bool> {
    let mut lock = one_byte(Kind::Lock, byte);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let done = match fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock)) {
        Err(Errno::EINVAL) => fcntl(file, FcntlArg::F_GETLK(&mut lock)),
        done => done,
    };
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let done = fcntl(file, FcntlArg::F_GETLK(&mut lock));
    done?;
    Ok(lock.l_type != one_byte(Kind::Release, byte).l_type)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;
    use crate::journal::Journal;

    fn scope() -> Scope {
        Scope::new("kmi", "https://lms.example.com", "key")
    }

    fn journal() -> (TempDir, PathBuf, Journal) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let journal = Journal::open(&path).unwrap();
        (folder, path, journal)
    }

    #[test]
    fn a_byte_is_beyond_sqlite_and_the_same_each_time() {
        for key in ["", "a", "b", "c", "d", "e", "f", "g"] {
            let scope = Scope::new("kmi", "https://lms.example.com", key);
            assert!(byte_of(&scope) >= FIRST);
            assert_eq!(byte_of(&scope), byte_of(&scope));
        }
        assert_ne!(byte_of(&scope()), byte_of(&Scope::new("kmi", "", "key")));
    }

    #[test]
    fn a_byte_is_locked_until_it_is_released() {
        let (_folder, path, _journal) = journal();
        let place = Place::at(&path).unwrap();
        let lock = take(&place, &scope()).unwrap().unwrap();
        assert!(take(&place, &scope()).unwrap().is_none());
        assert!(is_locked(&place, &scope()).unwrap());
        assert!(lock.is_held().unwrap());
        let other = Scope::new("kmi", "https://lms.example.com", "other");
        assert!(!is_locked(&place, &other).unwrap());
        drop(lock);
        assert!(!is_locked(&place, &scope()).unwrap());
        assert!(take(&place, &scope()).unwrap().is_some());
    }

    #[test]
    fn a_file_in_the_place_of_another_is_not_locked_for_it() {
        let (_folder, path, _journal) = journal();
        let place = Place::at(&path).unwrap();
        std::fs::rename(&path, path.with_extension("old")).unwrap();
        std::fs::write(&path, "").unwrap();
        let error = take(&place, &scope()).unwrap_err();
        assert!(matches!(
            error,
            JournalError::Displaced {
                is_replaced: true,
                ..
            }
        ));
        assert!(!is_locked(&place, &scope()).unwrap());
    }

    /// An open file description sees the locks of others, those of SQLite in the same
    /// process among them.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    mod descriptions {
        use super::*;

        #[test]
        fn to_lock_and_release_takes_none_of_sqlites_locks_away() {
            const SHARED_LOCK: libc::off_t = 0x4000_0002;
            let (_folder, path, journal) = journal();
            let place = Place::at(&path).unwrap();
            // SQLite holds it from the first look on.
            assert!(journal.runs(1).unwrap().is_empty());
            for _ in 0..2 {
                drop(take(&place, &scope()).unwrap().unwrap());
                assert!(!is_locked(&place, &scope()).unwrap());
            }
            let mut files = files();
            let open = opened(&mut files, &place).unwrap().unwrap();
            assert!(is_locked_elsewhere(&open.file, SHARED_LOCK).unwrap());
        }

        #[test]
        fn nothing_is_recorded_once_somebody_else_has_the_lock() {
            let (_folder, path, journal) = journal();
            let place = Place::at(&path).unwrap();
            let lock = journal.lock(&scope()).unwrap();
            let writer = journal.writer_under(&lock).unwrap();
            writer.flush().wait_blocking().unwrap();
            let byte = byte_of(&scope());
            if let Some(open) = opened(&mut files(), &place).unwrap() {
                assert!(set(&open.file, Kind::Release, byte).unwrap());
            }
            let other = open(&path).unwrap();
            assert!(set(&other, Kind::Lock, byte).unwrap());
            let failed = writer.flush().wait_blocking().unwrap_err();
            assert!(matches!(failed, JournalError::LockLost(_)), "{failed:?}");
        }
    }
}
