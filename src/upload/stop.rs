//! The wish to stop, from outside.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::Halt;

/// A switch that is thrown once, by a signal, and seen by every stage.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    requested: AtomicBool,
    /// Time was up before anybody asked.
    is_late: AtomicBool,
    /// Wakes tasks.
    notify: Notify,
    /// Wakes threads.
    gate: Mutex<()>,
    condvar: Condvar,
}

impl Stop {
    /// Asks the run to stop.
    pub fn request(&self) {
        self.inner.requested.store(true, Ordering::SeqCst);
        self.inner.notify.notify_waiters();
        // Under the lock, so that a thread between its look and its wait is
        // not missed.
        let _gate = self
            .inner
            .gate
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.inner.condvar.notify_all();
    }

    /// Asks the run to stop since its time is up.
    pub fn request_at_deadline(&self) {
        if !self.is_requested() {
            self.inner.is_late.store(true, Ordering::SeqCst);
        }
        self.request();
    }

    /// Why the run stops that was asked to.
    pub fn why(&self) -> Halt {
        if self.inner.is_late.load(Ordering::SeqCst) {
            Halt::Deadline
        } else {
            Halt::Requested
        }
    }

    /// Whether it was asked to.
    pub fn is_requested(&self) -> bool {
        self.inner.requested.load(Ordering::SeqCst)
    }

    /// Waits so long, or until it is asked to; returns whether it was. For a
    /// thread that has nothing else to do.
    pub fn wait(&self, timeout: Duration) -> bool {
        let gate = self
            .inner
            .gate
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .inner
            .condvar
            .wait_timeout_while(gate, timeout, |()| !self.is_requested());
        drop(waited);
        self.is_requested()
    }

    /// Returns once it is asked to.
    pub async fn requested(&self) {
        let notified = self.inner.notify.notified();
        // Registered before the look at the switch, so that a wish in between
        // is not missed.
        tokio::pin!(notified);
        notified.as_mut().enable();
        if !self.is_requested() {
            notified.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn a_wait_ends_with_the_request_and_without_one_with_its_time() {
        let stop = Stop::default();
        assert!(!stop.wait(Duration::from_millis(1)));
        let begun = clock::monotonic();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| stop.wait(Duration::from_mins(1)));
            stop.request();
            assert!(waiting.join().unwrap());
        });
        assert!(stop.wait(Duration::from_mins(1)));
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
}
