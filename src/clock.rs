//! The wall clock, and the clock that never goes back. Rules take the time as
//! an argument; this is where the argument comes from.
//!
//! Sending has a clock of its own: `upload` reads tokio's, which a test can
//! pause.

use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

/// What time it is.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the wall clock"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// How long ago `moment` was; `None` if it is yet to come.
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
