//! How fast: the configured rate, held in every one-second window, or less.
//!
//! Two rules together. governor (GCRA) spreads requests evenly, with a burst
//! of 10 ms so that late wake-ups are made up for. A GCRA with a burst lets a
//! little more than the rate through in some windows, and requests arrive more or
//! less late, so what has gone out is kept as well ([`Departures`]), and the one that
//! would be too many waits.
//!
//! With `share_rate`, a request needs a place in the rate of all runs as well.
//!
//! A lower rate is another GCRA; the window is the configured rate's, whatever
//! becomes of the rate meanwhile.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::departures::{Departure, Departures};
use super::lateness::Kind;
use super::shared_rate::SharedRate;

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// tokio's clock, as nanoseconds since a fixed instant: the only monotonic
/// clock of `upload`, so that a test can pause it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokioClock {
    start: Instant,
}

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.start.elapsed().into()
    }
}

/// Says when the next request may go. The clock is a parameter for the sake of
/// the tests.
#[derive(Debug)]
pub(super) struct Pace<C: Clock = TokioClock> {
    limiter: Limiter<C>,
    clock: C,
    start: C::Instant,
    configured: f64,
    current: f64,
    departures: Departures,
    /// The limiter has let a request through that has not gone out yet.
    is_let_through: bool,
    shared: Option<SharedRate>,
}

impl Pace {
    /// A pace of `per_second` requests, which other runs may share.
    pub(super) fn new(per_second: f64, shared: Option<SharedRate>) -> Self {
        let start = Instant::now();
        Self {
            shared,
            ..Self::with_clock(per_second, TokioClock { start })
        }
    }

    /// The target has asked to wait: runs that share the rate wait as well.
    pub(super) fn hold_others(&mut self, wait: Duration) {
        if let Some(shared) = &mut self.shared {
            shared.hold(wait);
        }
    }

    /// What became of sharing the rate, if a person should know.
    pub(super) fn shared_in_words(&self) -> Option<String> {
        let shared = self.shared.as_ref()?;
        if let Some(why) = shared.lost() {
            return Some(format!(
                "the rate could not be shared with other runs of this machine ({why})"
            ));
        }
        shared.is_shared().then(|| {
            "other runs of this machine shared the rate: together they kept to the lowest \
             `requests_per_second` of them"
                .to_owned()
        })
    }
}

impl<C: Clock + Clone> Pace<C> {
    fn with_clock(per_second: f64, clock: C) -> Self {
        let most = whole(per_second).max(1) as usize;
        let quota = quota(per_second, full_burst(per_second));
        Self {
            limiter: RateLimiter::direct_with_clock(quota, clock.clone()),
            start: clock.now(),
            clock,
            configured: per_second,
            current: per_second,
            departures: Departures::new(most),
            is_let_through: false,
            shared: None,
        }
    }

    /// Requests a second, on average, as configured.
    pub(super) fn per_second(&self) -> f64 {
        self.configured
    }

    /// Goes on at another rate, but not beyond the configured one. What was
    /// sent before counts: a new rate is not a new burst.
    pub(super) fn change(&mut self, per_second: f64) {
        let wanted = per_second.min(self.configured);
        // Each change costs the burst: small ones are left to add up.
        let is_small = (wanted - self.current).abs() <= self.current / 50.0;
        if is_small && (wanted < self.configured || self.current >= self.configured) {
            return;
        }
        self.current = wanted;
        let period = period(wanted);
        // A lower rate is one that the target has shown to be near its limit.
        let burst = if wanted < self.configured {
            (whole(wanted) / 100).max(1)
        } else {
            full_burst(wanted)
        };
        let now = self.since_start(self.clock.now());
        let since_last = (self.departures.last()).map_or(period, |last| now.saturating_sub(last));
        // The "theoretical arrival time", from now: the next request may go so
        // much earlier than that as the burst allows.
        let arrival = period
            .saturating_mul(burst - 1)
            .saturating_add(period.saturating_sub(since_last));
        let state = InMemoryState::default();
        let Ok(()) = state.measure_and_replace(&NotKeyed::NonKey, |_| {
            Ok::<_, std::convert::Infallible>(((), Nanos::from(arrival)))
        });
        self.limiter = RateLimiter::new(quota(wanted, burst), state, self.clock.clone());
    }

    /// How many were sent in the last second.
    pub(super) fn sent_lately(&self) -> usize {
        self.departures.lately(self.since_start(self.clock.now()))
    }

    /// Takes a place for a request that goes out now, or says how long to wait
    /// before asking again, unless an answer comes before.
    pub(super) fn take(&mut self) -> Result<Departure, Duration> {
        let instant = self.clock.now();
        let now = self.since_start(instant);
        self.departures.admit(now)?;
        if !self.is_let_through {
            if let Err(not_until) = self.limiter.check() {
                return Err(not_until.wait_time_from(instant));
            }
            self.is_let_through = true;
        }
        if let Some(shared) = &mut self.shared {
            shared.take(self.current)?;
        }
        self.is_let_through = false;
        Ok(self.departures.add(now))
    }

    /// That request has an answer of that kind, or will have none.
    pub(super) fn returned(&mut self, departure: Departure, kind: Option<Kind>) {
        let now = self.since_start(self.clock.now());
        self.departures.returned(departure, kind, now);
    }

    fn since_start(&self, instant: C::Instant) -> Duration {
        instant.duration_since(self.start).into()
    }
}

fn period(per_second: f64) -> Duration {
    Duration::from_secs_f64(1.0 / per_second.max(1e-6)).max(Duration::from_nanos(1))
}

/// How many requests go in 10 ms.
fn full_burst(per_second: f64) -> u32 {
    // Below two a second even a burst of two is too many.
    match whole(per_second) {
        0..2 => 1,
        whole => (whole / 100).max(2),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded by the mapping"
)]
fn whole(per_second: f64) -> u32 {
    per_second as u32
}

fn quota(per_second: f64, burst: u32) -> Quota {
    Quota::with_period(period(per_second))
        .unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN))
        .allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN))
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
