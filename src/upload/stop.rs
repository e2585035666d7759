//! The wish to stop, from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// A switch that is thrown once, by a signal, and seen by every stage.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    requested: AtomicBool,
    notify: Notify,
}

impl Stop {
    /// Asks the run to stop.
    pub fn request(&self) {
        self.inner.requested.store(true, Ordering::SeqCst);
        self.inner.notify.notify_waiters();
    }

    /// Whether it was asked to.
    pub fn is_requested(&self) -> bool {
        self.inner.requested.load(Ordering::SeqCst)
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
