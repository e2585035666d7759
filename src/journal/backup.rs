//! A copy of the journal beside it: of an older one before it is upgraded, so that
//! the older hrfeed can go on with it, and of one that loses its place during a run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::error::JournalError;
use super::open::{Journal, create_file};

/// Copies the journal of `path` into a file next to it, such as
/// `journal.db.v2-backup` for the suffix `v2-backup`, and with a number where that
/// is there. `conn` is in no transaction, and the caller keeps others from writing.
pub(super) fn keep(conn: &Connection, path: &Path, suffix: &str) -> Result<PathBuf, JournalError> {
    let kept = free_name(&with_suffix(path, &format!(".{suffix}")));
    // A copy that a kill cut short has another name than a whole one.
    let part = with_suffix(path, &format!(".{suffix}.part"));
    let copied = copy(conn, &part).and_then(|()| fs::rename(&part, &kept));
    let done = copied.and_then(|()| sync_folder(path));
    match done {
        Ok(()) => Ok(kept),
        Err(source) => {
            // It may be half a copy, or none.
            drop(fs::remove_file(&part));
            Err(JournalError::Backup {
                path: path.into(),
                backup: kept,
                source: Arc::new(source),
            })
        }
    }
}

fn copy(conn: &Connection, part: &Path) -> io::Result<()> {
    for left in [part.to_path_buf(), with_suffix(part, "-journal")] {
        match fs::remove_file(&left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    create_file(part, folder(part))?;
    let pages = || {
        let mut to = Connection::open(part)?;
        Backup::new(conn, &mut to)?.step(-1)
    };
    match pages().map_err(io::Error::other)? {
        StepResult::Done => fs::OpenOptions::new().write(true).open(part)?.sync_all(),
        _ => Err(io::Error::other("another process has the journal locked")),
    }
}

impl Journal {
    /// Copies of the journal that hrfeed kept beside it, by name.
    #[must_use]
    pub fn copies(&self) -> Vec<PathBuf> {
        let path = fs::canonicalize(self.path()).unwrap_or_else(|_| self.path().into());
        let begin = format!(
            "{}.",
            path.file_name().unwrap_or_default().to_string_lossy()
        );
        let is_copy = |name: &str| {
            let suffix = name.strip_prefix(&begin).unwrap_or_default();
            let version = suffix
                .strip_prefix('v')
                .and_then(|it| it.split_once("-backup"));
            let is_backup = version.is_some_and(|(it, _)| it.parse::<u32>().is_ok());
            is_backup || suffix.starts_with("rescued")
        };
        let files = fs::read_dir(folder(&path)).into_iter().flatten().flatten();
        let mut copies: Vec<_> = files
            .filter(|file| is_copy(&file.file_name().to_string_lossy()))
            .map(|file| file.path())
            .collect();
        copies.sort();
        copies
    }
}

/// The first name that no file has.
fn free_name(name: &Path) -> PathBuf {
    let numbered = (2_u32..).map(|number| with_suffix(name, &format!("-{number}")));
    std::iter::once(name.to_path_buf())
        .chain(numbered)
        .find(|it| !it.exists())
        .unwrap_or_else(|| name.to_path_buf())
}

/// `path` with more at the end of its name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(suffix);
    path.with_file_name(name)
}

/// The folder of a file; of a name alone, the current one.
fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Without this the name of the copy may be lost with the power.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        fs::File::open(folder(path))?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_that_is_named_without_a_folder_is_kept_in_the_current_one() {
        assert_eq!(folder(Path::new("journal.db")), Path::new("."));
        assert_eq!(folder(Path::new("state/journal.db")), Path::new("state"));
    }
}
