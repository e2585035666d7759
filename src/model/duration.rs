//! Durations as people write them.

use std::time::Duration;

/// The duration that a text such as `36 h`, `10m` or `7 days` is, if it is one; a day has
/// 24 hours.
#[must_use]
pub fn duration_of(text: &str) -> Option<Duration> {
    let span = text.trim().parse::<jiff::Span>().ok()?;
    let exact = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours());
    Duration::try_from(exact.ok()?).ok()
}
