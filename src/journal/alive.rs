//! Signs of life of a run: when a write of it went out at the latest.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::error::JournalError;

/// How many microseconds after the last sign of life of its run a write goes out at the
/// latest: see [`Writer::alive`](super::Writer::alive).
pub(super) const ALIVE_FOR: i64 = 1_000_000;

/// Until when the last sign of life is good, if there was one.
#[derive(Debug, Default)]
pub(super) struct Alive(Mutex<Option<Instant>>);

impl Alive {
    /// Makes sure that a sign of life is good now. `commit` records one, durably; `time`
    /// is now by the run's clock.
    pub(super) fn renew(
        &self,
        time: Timestamp,
        commit: impl Fn(Timestamp) -> Result<(), JournalError>,
        clock: impl Fn() -> Instant,
    ) -> Result<(), JournalError> {
        let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock();
        if until.is_none_or(|until| now >= until) {
            *until = Some(record(now, time, commit, clock)?);
        }
        Ok(())
    }
}

/// Records a sign of life, and returns until when it is good. On a slow disk it may
/// be over when it is recorded: then one of a later time is, until one is early enough.
fn record(
    now: Instant,
    time: Timestamp,
    commit: impl Fn(Timestamp) -> Result<(), JournalError>,
    clock: impl Fn() -> Instant,
) -> Result<Instant, JournalError> {
    let good_for = Duration::from_micros(ALIVE_FOR.unsigned_abs());
    let mut ahead = Duration::ZERO;
    loop {
        commit(time.checked_add(ahead).unwrap_or(time))?;
        let until = now + ahead + good_for;
        let elapsed = clock().saturating_duration_since(now);
        if now + elapsed < until {
            return Ok(until);
        }
        // Later by as long as the disk has taken so far, and as much again.
        ahead = 2 * elapsed;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;
    use crate::clock;

    #[test]
    fn a_sign_of_life_on_a_slow_disk_is_as_late_as_what_is_sent_then() {
        let start = clock::monotonic();
        for (slow, expected) in [
            (0, vec![0]),
            (999, vec![0]),
            (1_000, vec![0, 2_000]),
            (9_000, vec![0, 18_000]),
        ] {
            let (now, recorded) = (Cell::new(start), RefCell::new(Vec::new()));
            let commit = |time: Timestamp| {
                now.set(now.get() + Duration::from_millis(slow));
                recorded.borrow_mut().push(time.as_millisecond());
                Ok(())
            };
            let alive = Alive::default();
            let renew = || alive.renew(Timestamp::UNIX_EPOCH, commit, || now.get());
            renew().unwrap();
            assert_eq!(*recorded.borrow(), expected, "{slow}");
            // What goes out now is no later than the journal says.
            let said = expected.last().copied().unwrap_or_default() + 1_000;
            let until = start + Duration::from_millis(u64::try_from(said).unwrap());
            assert!(now.get() < until, "{slow}");
            // And the next one follows when it is over, not before.
            renew().unwrap();
            assert_eq!(recorded.borrow().len(), expected.len(), "{slow}");
            now.set(until);
            renew().unwrap();
            assert!(recorded.borrow().len() > expected.len(), "{slow}");
        }
    }
}
