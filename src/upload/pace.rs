//! How fast: the configured rate, held in every one-second window.
//!
//! Two rules together. governor (GCRA) spreads requests evenly, with a burst
//! of 10 ms so that late wake-ups are made up for. A GCRA with a burst lets a
//! little more than the rate through in some windows, so the instants of the
//! last requests are kept as well, and the one that would be too many waits
//! until the oldest has left the window.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

/// The window, a little longer than a second: two requests a second apart here
/// can be closer together when they arrive, by what a busy machine or a new
/// connection delays the first of them.
const WINDOW: Duration = Duration::from_millis(1050);

/// Says when the next request may go. The clock is a parameter for the sake of
/// the tests.
#[derive(Debug)]
pub(super) struct Pace<C: Clock = MonotonicClock> {
    limiter: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    per_second: f64,
    /// Requests in a window, at most.
    most: usize,
    recent: VecDeque<C::Instant>,
}

impl Pace {
    /// A pace of `per_second` requests.
    pub(super) fn new(per_second: f64) -> Self {
        Self::with_clock(per_second, MonotonicClock)
    }
}

impl<C: Clock + Clone> Pace<C> {
    fn with_clock(per_second: f64, clock: C) -> Self {
        let period =
            Duration::from_secs_f64(1.0 / per_second.max(1e-6)).max(Duration::from_nanos(1));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounded by the mapping"
        )]
        let whole = per_second as u32;
        // Below two a second even a burst of two is too many.
        let burst = if whole < 2 { 1 } else { (whole / 100).max(2) };
        let quota = Quota::with_period(period)
            .unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN))
            .allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN));
        let most = whole.max(1) as usize;
        Self {
            limiter: RateLimiter::direct_with_clock(quota, clock.clone()),
            clock,
            per_second,
            most,
            recent: VecDeque::with_capacity(most),
        }
    }

    /// Requests a second, on average.
    pub(super) fn per_second(&self) -> f64 {
        self.per_second
    }

    /// Takes a place for a request that goes out now, or says how long to wait
    /// before asking again.
    pub(super) fn take(&mut self) -> Result<(), Duration> {
        let now = self.clock.now();
        if self.recent.len() >= self.most
            && let Some(oldest) = self.recent.front()
        {
            let age = Duration::from(now.duration_since(*oldest));
            if age < WINDOW {
                return Err(WINDOW.saturating_sub(age));
            }
        }
        if let Err(not_until) = self.limiter.check() {
            return Err(not_until.wait_time_from(now));
        }
        if self.recent.len() >= self.most {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use proptest::prelude::*;

    use super::*;

    /// Asks after each of `waits` and again whenever the pace says so, and
    /// returns the instants at which a request went out.
    fn sent(per_second: f64, waits: &[u64], seconds: u64) -> Vec<Duration> {
        let clock = FakeRelativeClock::default();
        let mut pace = Pace::with_clock(per_second, clock.clone());
        let mut now = Duration::ZERO;
        let mut sent = Vec::new();
        let mut waits = waits.iter().cycle();
        while now < Duration::from_secs(seconds) {
            let step = match pace.take() {
                Ok(()) => {
                    sent.push(now);
                    Duration::from_micros(*waits.next().unwrap_or(&0))
                }
                // A wake-up is never early, and often late.
                Err(wait) => wait + Duration::from_micros(*waits.next().unwrap_or(&0)),
            };
            clock.advance(step);
            now += step;
        }
        sent
    }

    fn most_in_a_second(sent: &[Duration]) -> usize {
        let within = |first: usize| {
            let end = sent[first] + Duration::from_secs(1);
            sent[first..].iter().take_while(|at| **at <= end).count()
        };
        (0..sent.len()).map(within).max().unwrap_or(0)
    }

    proptest! {
        #[test]
        fn no_second_holds_more_than_the_rate(
            per_second in 1_u32..300,
            waits in prop::collection::vec(prop_oneof![Just(0), 0..2000_u64, 0..2_000_000_u64], 1..20),
        ) {
            let sent = sent(f64::from(per_second), &waits, 4);
            prop_assert!(most_in_a_second(&sent) <= per_second as usize);
        }
    }

    #[test]
    fn the_rate_is_used_though_wake_ups_are_late() {
        for per_second in [10_u16, 100, 500] {
            let sent = sent(f64::from(per_second), &[0, 900, 100], 10).len();
            let wanted = usize::from(per_second) * 10;
            assert!(
                sent * 100 >= wanted * 94,
                "{sent} of {wanted} at {per_second}/s"
            );
        }
    }

    #[test]
    fn less_than_one_a_second_is_a_pace_too() {
        assert_eq!(sent(0.2, &[0], 16).len(), 4);
    }
}
