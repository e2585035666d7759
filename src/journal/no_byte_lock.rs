//! Where nobody can take the lock file away from a run: Windows lets nobody delete or
//! rename a file that was opened to stay. There the lock file alone holds.

use std::io;

use super::error::JournalError;
use super::ids::Scope;
use super::place::Place;

/// Nothing: the lock file holds.
#[derive(Debug)]
pub(super) struct ByteLock;

/// Leaves it to the lock file.
pub(super) fn take(_: &Place, _: &Scope) -> Result<Option<ByteLock>, JournalError> {
    Ok(Some(ByteLock))
}

/// Only the lock file says it.
pub(super) fn is_locked(_: &Place, _: &Scope) -> io::Result<bool> {
    Ok(false)
}

impl ByteLock {
    /// Nobody can take the lock file away.
    pub(super) fn is_held(&self) -> io::Result<bool> {
        Ok(true)
    }
}
