//! The lock of the scope, or a wait for the run that has it.

use std::time::Duration;

use super::{RunError, Stages};
use crate::clock;
use crate::event::Event;
use crate::journal::{Journal, LockError, ScopeLock};

/// How often it is tried again: no system tells who waits that a lock is free.
const POLL: Duration = Duration::from_secs(1);

impl Stages<'_> {
    /// Takes the lock of the scope, as soon as it is free.
    ///
    /// # Errors
    /// Another run has it, all the time that this one may wait.
    pub(super) fn lock(&mut self, journal: &Journal) -> Result<ScopeLock, RunError> {
        let begun = clock::monotonic();
        let mut has_said = false;
        loop {
            let holder = match journal.lock(&self.scope) {
                Err(LockError::Held { holder }) => holder,
                locked => return Ok(locked?),
            };
            let left = self.wait.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(LockError::Held { holder }.into());
            }
            if !has_said {
                let holder = holder.map(|holder| holder.to_string());
                let holder = holder.as_deref();
                self.listener.on_event(&Event::LockAwaited { holder });
                has_said = true;
            }
            if self.stop.wait(left.min(POLL)) {
                return Err(self.stop.why().into());
            }
        }
    }
}
