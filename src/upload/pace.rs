//! How fast: the configured rate, held in every one-second window, or less.
//!
//! Two rules together. governor (GCRA) spreads requests evenly, with a burst
//! of 10 ms so that late wake-ups are made up for. A GCRA with a burst lets a
//! little more than the rate through in some windows, so the instants of the
//! last requests are kept as well, and the one that would be too many waits
//! until the oldest has left the window.
//!
//! With `share_rate`, a request needs a place in the rate of all runs as well.
//!
//! A lower rate is another GCRA; the window is the configured rate's, whatever
//! becomes of the rate meanwhile.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::shared_rate::SharedRate;

/// The window, a little longer than a second: two requests a second apart here
/// can be closer together when they arrive, by what a busy machine or a new
/// connection delays the first of them.
const WINDOW: Duration = Duration::from_millis(1050);

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
    configured: f64,
    current: f64,
    /// Requests in a window, at most.
    most: usize,
    recent: VecDeque<C::Instant>,
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
            clock,
            configured: per_second,
            current: per_second,
            most,
            recent: VecDeque::with_capacity(most),
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
        let since_last = self.recent.back().map_or(period, |last| {
            Duration::from(self.clock.now().duration_since(*last))
        });
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

    /// How many were sent in the last second, as far as is remembered.
    pub(super) fn sent_lately(&self) -> usize {
        let now = self.clock.now();
        self.recent
            .iter()
            .rev()
            .take_while(|sent| Duration::from(now.duration_since(**sent)) < Duration::from_secs(1))
            .count()
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
        if !self.is_let_through {
            if let Err(not_until) = self.limiter.check() {
                return Err(not_until.wait_time_from(now));
            }
            self.is_let_through = true;
        }
        if let Some(shared) = &mut self.shared {
            shared.take(self.current)?;
        }
        self.is_let_through = false;
        if self.recent.len() >= self.most {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        Ok(())
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

    /// Like [`sent`], with a change of the rate after each request or wait
    /// that has one.
    fn sent_at_changing_rates(
        per_second: f64,
        steps: &[(u64, Option<f64>)],
        seconds: u64,
    ) -> Vec<Duration> {
        let clock = FakeRelativeClock::default();
        let mut pace = Pace::with_clock(per_second, clock.clone());
        let mut now = Duration::ZERO;
        let mut sent = Vec::new();
        for (micros, rate) in steps.iter().cycle() {
            if now >= Duration::from_secs(seconds) {
                break;
            }
            if let Some(rate) = rate {
                pace.change(*rate);
            }
            let waits = match pace.take() {
                Ok(()) => {
                    sent.push(now);
                    Duration::ZERO
                }
                // Or it asks again long before it is due.
                Err(wait) if micros % 2 == 0 => wait,
                Err(wait) => wait / 2 + Duration::from_nanos(1),
            };
            let step = waits + Duration::from_micros(*micros);
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

        #[test]
        fn no_second_holds_more_than_the_rate_however_the_rate_changes(
            per_second in 1_u32..300,
            steps in prop::collection::vec(
                (prop_oneof![1..2000_u64, 1..500_000_u64], prop::option::of(0.1..400.0_f64)),
                1..30,
            ),
        ) {
            let sent = sent_at_changing_rates(f64::from(per_second), &steps, 4);
            prop_assert!(most_in_a_second(&sent) <= per_second as usize);
        }

        #[test]
        fn changing_the_rate_again_and_again_gains_nothing(
            rates in prop::collection::vec(2.0..20.0_f64, 2..30),
        ) {
            let steps: Vec<_> = rates.iter().map(|rate| (1000, Some(*rate))).collect();
            let sent = sent_at_changing_rates(300.0, &steps, 4);
            // One more than the fastest of them, which lies on both ends.
            prop_assert!(most_in_a_second(&sent) <= 21, "{}", most_in_a_second(&sent));
        }
    }

    #[test]
    fn a_lower_rate_holds_from_the_next_request_on_and_the_old_one_comes_back() {
        let clock = FakeRelativeClock::default();
        let mut pace = Pace::with_clock(100.0, clock.clone());
        let mut in_two_seconds = |rate| {
            pace.change(rate);
            let mut sent = 0;
            for _ in 0..2000 {
                sent += u32::from(pace.take().is_ok());
                clock.advance(Duration::from_millis(1));
            }
            (sent, pace.sent_lately())
        };
        assert!((190..=200).contains(&in_two_seconds(100.0).0));
        assert_eq!(in_two_seconds(5.0), (10, 5));
        assert_eq!(in_two_seconds(0.5).0, 1);
        assert!((190..=200).contains(&in_two_seconds(1000.0).0));
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
