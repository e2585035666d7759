//! How much the target bears: the share of the configured rate that is used,
//! and how many requests are under way at once.
//!
//! Pure: instants are arguments, and the same calls give the same numbers. Who
//! waits, and for how long a `Retry-After` holds, is the engine's affair.
//!
//! # Invariants
//!
//! - The rate lies between a floor, so that the run goes on, and the configured
//!   rate; the number under way between 1 and `max_in_flight`.
//! - What was sent before a cut says nothing about what came after it: of many
//!   refusals under way at once only the first cuts.
//! - A refusal now and then, whatever the rate, is not a bound: it costs neither
//!   rate nor number.
//! - A target that answers nobody any more is asked by one request at a time.
//! - Neither stays low without a reason: the rate comes back with every clean
//!   answer, and a target that has become slower is measured again.

mod rate;
mod window;

use tokio::time::Instant;

use self::rate::{Change, Rate};
use self::window::Window;

/// Both, for one target, over a whole run.
#[derive(Debug)]
pub(super) struct Pressure {
    rate: Rate,
    window: Window,
    closed: Option<Closed>,
}

/// The target turns everybody away, as far as is known.
#[derive(Debug)]
struct Closed {
    since: Instant,
    /// How often everybody has waited for it.
    times: u32,
    /// How many that were sent before are still under way, at most.
    older: usize,
}

/// How a target turned a request away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 429: too many in a time.
    TooMany,
    /// 503: more than it can do just now, whatever the rate.
    Overloaded,
}

/// A request that was turned away.
#[derive(Clone, Copy, Debug)]
pub(super) struct TurnedAway {
    pub(super) why: Refusal,
    /// The target said how long to wait, and not for no time at all.
    pub(super) says_how_long: bool,
    pub(super) sent: Instant,
    pub(super) now: Instant,
    /// How many were sent in the last second.
    pub(super) lately: usize,
    /// How many others are under way.
    pub(super) in_flight: usize,
}

/// Who waits after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// The one that was turned away.
    One,
    /// Everybody, so often in a row by now.
    All(u32),
}

/// Calls of one kind take about as long as each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
}

/// A usable answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) kind: Kind,
    pub(super) sent: Instant,
    pub(super) now: Instant,
    /// How many were under way, this one included.
    pub(super) in_flight: usize,
}

impl Pressure {
    pub(super) fn new(per_second: f64, max_in_flight: usize) -> Self {
        Self {
            rate: Rate::new(per_second),
            window: Window::new(max_in_flight),
            closed: None,
        }
    }

    /// Requests a second, at most.
    pub(super) fn per_second(&self) -> f64 {
        self.rate.allowed()
    }

    /// Whether that is less than the configured rate.
    pub(super) fn is_slowed(&self) -> bool {
        self.rate.is_slowed()
    }

    /// Requests under way at once, at most.
    pub(super) fn in_flight(&self) -> usize {
        let most = self.window.allowed();
        match &self.closed {
            Some(closed) => most.min(closed.older + 1),
            None => most,
        }
    }

    /// The target answered as it should.
    pub(super) fn answered(&mut self, answer: Answer) {
        self.returned(answer.sent);
        if self.is_after_closing(answer.sent) {
            self.closed = None;
        }
        self.rate.answered(answer.sent, answer.now);
        self.window.answered(answer);
    }

    /// The target turned a request away.
    pub(super) fn refused(&mut self, away: &TurnedAway) -> Waits {
        self.returned(away.sent);
        let is_still_closed = self.is_after_closing(away.sent);
        let change = if is_still_closed {
            // That nobody is served yet says nothing about the rate.
            Change::Nothing
        } else {
            self.rate.refused(away)
        };
        if change == Change::Lowered {
            self.window.cut(0.7, away.sent, away.now);
        }
        if !is_still_closed && !away.says_how_long && change != Change::Lowered {
            return Waits::One;
        }
        let times = match &self.closed {
            Some(closed) if !is_still_closed => closed.times,
            Some(closed) => closed.times + 1,
            None => 1,
        };
        self.closed = Some(Closed {
            since: away.now,
            times,
            older: away.in_flight,
        });
        Waits::All(times)
    }

    /// Whether the target turned everybody away when that was sent.
    fn is_after_closing(&self, sent: Instant) -> bool {
        (self.closed.as_ref()).is_some_and(|closed| sent > closed.since)
    }

    /// One is not under way any more.
    fn returned(&mut self, sent: Instant) {
        if let Some(closed) = &mut self.closed
            && sent <= closed.since
        {
            closed.older = closed.older.saturating_sub(1);
        }
    }

    /// Nothing is sent until then, which is not time in which the target showed
    /// that it bears more.
    pub(super) fn paused(&mut self, until: Instant) {
        self.rate.paused(until);
    }

    /// The target did not answer in time.
    pub(super) fn timed_out(&mut self, sent: Instant, now: Instant) {
        self.returned(sent);
        self.window.cut(0.5, sent, now);
    }

    /// The target was down and is up again: others wait for it as well.
    pub(super) fn back_up(&mut self, now: Instant) {
        self.closed = None;
        self.rate.back_up(now);
        self.window.back_up(now);
    }
}

#[cfg(test)]
#[path = "pressure_tests.rs"]
mod tests;
