//! What can be said of a journal without changing it.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::JournalError;
use super::open::{Journal, connect, size};
use super::place::refuse_unsafe_names;
use super::schema::{self, Format, MIGRATIONS};

/// What is known of a journal.
#[derive(Clone, Debug)]
pub struct Health {
    /// Its format.
    pub format: usize,
    /// Whether the next run brings it up to date.
    pub is_older: bool,
    /// Its size in bytes, with the log of its latest changes.
    pub bytes: u64,
    /// What is damaged in it, as SQLite says it.
    pub damage: Vec<String>,
}

/// Examines a journal from its first byte to its last; `None` if there is none yet.
///
/// # Errors
/// It is not a journal that this hrfeed can use.
pub fn examine(path: &Path) -> Result<Option<Health>, JournalError> {
    let Some(bytes) = size(path)?.filter(|bytes| *bytes > 0) else {
        return Ok(None);
    };
    refuse_unsafe_names(path)?;
    let Some(journal) = Journal::open_existing(path)? else {
        return Ok(None);
    };
    let older = match connect(path).and_then(|conn| schema::format(&conn, path, MIGRATIONS)) {
        Ok(Format::Older(format)) => Some(format),
        // Read through a copy, since the folder cannot be written.
        _ => None,
    };
    // The first three places.
    let check = "PRAGMA integrity_check(3)";
    let damage: Vec<String> = journal.all(check, (), |row| row.get(0))?;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let log = fs::metadata(PathBuf::from(log)).map_or(0, |log| log.len());
    Ok(Some(Health {
        format: older.unwrap_or(MIGRATIONS.len()),
        is_older: older.is_some(),
        bytes: bytes + log,
        damage: damage.into_iter().filter(|line| line != "ok").collect(),
    }))
}
