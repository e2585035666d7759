//! Writes without an answer that were sent again: the first one may land although the
//! second was acknowledged, and after whatever is sent later.

use tokio::time::Instant;

use super::doubt::Trust;

/// Which writes of a job may still land.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Strays {
    /// When the last write went out, if it got no answer.
    lost: Option<Instant>,
    /// When the last one went out, at the latest, that was sent again.
    stray: Option<Instant>,
}

impl Strays {
    /// Those of a job for which an older run may have sent something then.
    pub(super) const fn of_older(sent: Option<Instant>) -> Self {
        Self {
            lost: sent,
            stray: None,
        }
    }

    /// The write that went out then got no answer, and may be carried out.
    pub(super) const fn lost(&mut self, sent: Option<Instant>) {
        self.lost = sent;
    }

    /// A write goes out.
    pub(super) fn sent(&mut self) {
        self.stray = self.stray.max(self.lost.take());
    }

    /// The LMS has acknowledged the last write, or shows that it was carried out.
    pub(super) const fn known(&mut self) {
        self.lost = None;
    }

    /// When the last one went out, at the latest, that may still land.
    pub(super) fn landing(&self, trust: &Trust) -> Option<Instant> {
        let may_land = |over| over > Instant::now();
        self.stray
            .filter(|_| trust.over(self.stray).is_some_and(may_land))
    }
}
