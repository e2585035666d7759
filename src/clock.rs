//! The wall clock, and the clock that never goes back. Rules take the time as
//! an argument; this is where the argument comes from.
//!
//! Sending has a clock of its own: `upload` reads tokio's, which a test can
//! pause.

use std::time::{Duration, Instant, SystemTime};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The clock that a run goes by. It is handed in, so that a year of nights takes
/// no year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// How far it is ahead of the machine's clock.
    ahead: SignedDuration,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self::shifted(SignedDuration::ZERO)
    }

    /// A clock that is ahead of the machine's by `by`: for runs that are simulated.
    #[must_use]
    pub const fn shifted(by: SignedDuration) -> Self {
        Self { ahead: by }
    }

    /// What time it is.
    #[must_use]
    pub fn now(self) -> Timestamp {
        let now = now();
        // Beyond the calendar there is no time to show.
        now.checked_add(self.ahead).unwrap_or(now)
    }

    /// Which day it is, in UTC.
    #[must_use]
    pub fn today(self) -> Date {
        day(self.now())
    }

    /// How long ago `moment` was by this clock; `None` if it is yet to come.
    #[must_use]
    pub fn age(self, moment: SystemTime) -> Option<Duration> {
        let moment = Timestamp::try_from(moment).ok()?;
        Duration::try_from(self.now().duration_since(moment)).ok()
    }
}

/// On which day that is, in UTC.
#[must_use]
pub fn day(moment: Timestamp) -> Date {
    moment.to_zoned(TimeZone::UTC).date()
}

/// What time it is by the machine's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the wall clock"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// How long ago `moment` was by the machine's clock; `None` if it is yet to come.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the wall clock"
)]
pub fn age(moment: SystemTime) -> Option<Duration> {
    moment.elapsed().ok()
}

/// A moment to measure from.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the monotonic clock"
)]
pub fn monotonic() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_clock_is_ahead_in_all_that_it_says() {
        let week = SignedDuration::from_hours(7 * 24);
        let clock = Clock::shifted(week);
        let ahead = clock.now().duration_since(Clock::system().now());
        assert!(
            (ahead - week).abs() < SignedDuration::from_mins(1),
            "{ahead}"
        );
        let moment = SystemTime::from(now());
        assert!(clock.age(moment) >= Some(week.unsigned_abs()));
        assert_eq!(Clock::shifted(-week).age(moment), None, "it is yet to come");
    }

    #[test]
    fn beyond_the_calendar_the_clock_says_what_the_machine_says() {
        let clock = Clock::shifted(SignedDuration::MAX);
        assert!(clock.now().duration_since(now()).abs() < SignedDuration::from_mins(1));
    }
}
