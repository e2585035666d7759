//! How long the LMS keeps a run waiting, and how many leavers are done.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::clock::{self, Clock};
use crate::event::{Event, Listener};
use crate::model::{Outage, Outcome};

/// A wait that is worth a word afterwards.
const WORTH_TELLING: Duration = Duration::from_secs(5);

/// The most outages of a run that are kept: of an LMS that comes and goes, the longest.
const MAX_OUTAGES: usize = 50;

/// The listener of a run, and what it heard of outages and leavers.
pub(super) struct Watch<'a> {
    listener: &'a mut dyn Listener,
    clock: Clock,
    open: Option<Open>,
    outages: Vec<Outage>,
    /// Leavers who are done for certain, or refused.
    leavers: u64,
}

/// An outage that is not over yet.
struct Open {
    from: Timestamp,
    since: Instant,
    /// How long it had lasted by then.
    before: Duration,
    /// When it was said to go on; it may fail again.
    until: Option<Instant>,
    reason: String,
}

impl<'a> Watch<'a> {
    pub(super) fn new(listener: &'a mut dyn Listener, clock: Clock) -> Self {
        Self {
            listener,
            clock,
            open: None,
            outages: Vec::new(),
            leavers: 0,
        }
    }

    /// Leavers so far who are done for certain, or refused.
    pub(super) const fn leavers(&self) -> u64 {
        self.leavers
    }

    /// The outages so far, the earliest first.
    pub(super) fn outages(&self) -> &[Outage] {
        &self.outages
    }

    fn open(&mut self, why: &str, before: Duration) {
        if let Some(open) = &mut self.open {
            open.until = None;
            return;
        }
        let now = self.clock.now();
        let from = SignedDuration::try_from(before).ok();
        self.open = Some(Open {
            from: from
                .and_then(|before| now.checked_sub(before).ok())
                .unwrap_or(now),
            since: clock::monotonic(),
            before,
            until: None,
            reason: why.to_owned(),
        });
    }

    /// The LMS is at work again, or the run is over.
    fn close(&mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        let until = open.until.unwrap_or_else(clock::monotonic);
        let lasted = open.before + until.saturating_duration_since(open.since);
        if lasted < WORTH_TELLING {
            return;
        }
        self.outages.push(Outage {
            from: open.from,
            seconds: lasted.as_secs(),
            reason: open.reason,
        });
        if self.outages.len() > MAX_OUTAGES {
            let all = self.outages.iter().enumerate();
            let shortest = all.min_by_key(|(_, outage)| outage.seconds);
            if let Some((at, _)) = shortest {
                self.outages.remove(at);
            }
        }
    }

    /// Takes note of an event, and hands it on.
    pub(super) fn on_event(&mut self, event: &Event<'_>) {
        match event {
            Event::Paused {
                why,
                down: Some(down),
                ..
            } => self.open(why, *down),
            Event::Continued => {
                if let Some(open) = &mut self.open {
                    open.until = Some(clock::monotonic());
                }
            }
            Event::Settled { outcome, row, .. } => {
                let is_leaver = row.is_none() && *outcome != Outcome::Unknown;
                self.leavers += u64::from(is_leaver);
                let is_done = !matches!(
                    outcome,
                    Outcome::Failed | Outcome::Unknown | Outcome::Pending | Outcome::Held
                );
                if is_done && self.open.as_ref().is_some_and(|open| open.until.is_some()) {
                    self.close();
                }
            }
            Event::Finished => self.close(),
            _ => {}
        }
        self.listener.on_event(event);
    }
}

impl Listener for Watch<'_> {
    fn on_event(&mut self, event: &Event<'_>) {
        Watch::on_event(self, event);
    }
}
