//! How many requests are under way at once.

use std::time::Duration;

use tokio::time::Instant;

use super::{Answer, Kind};

/// How many may be under way: one more for about as many answers as are under
/// way, while they take about as long as they do when few are; fewer by a
/// factor when they take clearly longer (AIMD by latency).
#[derive(Debug)]
pub(super) struct Window {
    most: f64,
    pub(super) limit: f64,
    /// Below this it grows by half of itself with each round of answers. TCP
    /// starts by doubling, but answers tell of a queue a round too late.
    fast_until: f64,
    /// What was sent before says nothing about the present limit.
    changed: Option<Instant>,
    read: Latency,
    pub(super) write: Latency,
    /// The limit before it was lowered for a moment to measure.
    measuring: Option<f64>,
}

/// How long calls of one kind take.
#[derive(Debug, Default)]
pub(super) struct Latency {
    /// Smoothed, in seconds.
    mean: f64,
    samples: u32,
    /// When few are under way.
    pub(super) base: Option<Base>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Base {
    pub(super) seconds: f64,
    /// When answers were last as fast as that.
    seen: Instant,
}

/// How many are in flight at first, and when a new kind of call begins.
const START: f64 = 2.0;

/// How many answers make a mean that is worth something.
const ENOUGH: u32 = 4;

/// How many are enough when nothing else disturbs them.
const ENOUGH_ALONE: u32 = 3;

/// Twice the base and this: a busy moment of this machine is not a queue there.
const SLACK: f64 = 0.05;

/// A target may be slower at night: after so long without an answer as fast as
/// the base, it is measured again.
const BASE_HOLDS: Duration = Duration::from_mins(1);

impl Window {
    pub(super) fn new(max_in_flight: usize) -> Self {
        let most = max_in_flight.max(1) as f64;
        Self {
            most,
            limit: START.min(most),
            fast_until: most,
            changed: None,
            read: Latency::default(),
            write: Latency::default(),
            measuring: None,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and the mapping's bound"
    )]
    pub(super) fn allowed(&self) -> usize {
        self.limit as usize
    }

    pub(super) fn answered(&mut self, answer: Answer) {
        if self.most < 2.0 || self.is_stale(answer.sent) {
            return;
        }
        let now = answer.now;
        let alone = self.measuring.is_some() || self.allowed() == 1;
        let latency = match answer.kind {
            Kind::Read => &mut self.read,
            Kind::Write => &mut self.write,
        };
        if latency.base.is_none() && latency.samples == 0 && self.limit > START {
            // What is known of other calls is not a measure for these.
            self.fast_until = self.limit;
            self.set(START, now);
            return;
        }
        let took = now.saturating_duration_since(answer.sent);
        latency.take(took);
        if alone {
            if latency.samples < ENOUGH_ALONE {
                return;
            }
            latency.base = Some(Base {
                seconds: latency.mean,
                seen: now,
            });
            if let Some(limit) = self.measuring.take() {
                self.set(limit, now);
                return;
            }
        }
        match latency.judge(took, now) {
            Judgement::Queueing => self.cut(0.7, answer.sent, now),
            Judgement::Unsure => {
                self.measuring = Some(self.limit);
                // A target that bears the limit bears a quarter with ease.
                self.set((self.limit / 4.0).max(1.0), now);
            }
            // A limit that is not used has not been borne.
            Judgement::Fine if answer.in_flight * 2 > self.allowed() => {
                let step = if self.limit < self.fast_until {
                    0.5
                } else {
                    1.0 / self.limit
                };
                self.limit = (self.limit + step).min(self.most);
            }
            Judgement::Fine | Judgement::Enough => {}
        }
    }

    pub(super) fn cut(&mut self, factor: f64, sent: Instant, now: Instant) {
        if self.is_stale(sent) {
            return;
        }
        let limit = self.measuring.take().unwrap_or(self.limit) * factor;
        self.fast_until = limit;
        self.set(limit, now);
    }

    pub(super) fn back_up(&mut self, now: Instant) {
        self.fast_until = self.measuring.take().unwrap_or(self.limit);
        self.set(1.0, now);
    }

    fn is_stale(&self, sent: Instant) -> bool {
        self.changed.is_some_and(|at| sent <= at)
    }

    fn set(&mut self, limit: f64, now: Instant) {
        self.limit = limit.clamp(1.0, self.most);
        self.changed = Some(now);
        self.read.samples = 0;
        self.write.samples = 0;
    }
}

enum Judgement {
    /// About as fast as when few are under way.
    Fine,
    /// Not so fast any more, or not known yet.
    Enough,
    /// Requests wait for each other.
    Queueing,
    /// For too long no answer has shown whether the base is still true.
    Unsure,
}

impl Latency {
    fn take(&mut self, took: Duration) {
        let took = took.as_secs_f64();
        if self.samples == 0 {
            self.mean = took;
        } else {
            // One answer among many may take as long as it likes.
            let took = took.min(self.mean * 4.0 + SLACK);
            self.mean += (took - self.mean) / f64::from(self.samples.min(7) + 1);
        }
        self.samples = self.samples.saturating_add(1);
    }

    /// Judges after an answer that took so long.
    fn judge(&mut self, took: Duration, now: Instant) -> Judgement {
        if self.samples < ENOUGH {
            return Judgement::Enough;
        }
        let base = self.base.get_or_insert(Base {
            seconds: self.mean,
            seen: now,
        });
        if self.mean < base.seconds {
            // Not at once: a few lucky answers make no base.
            base.seconds += (self.mean - base.seconds) / 4.0;
        }
        let took = took.as_secs_f64();
        if self.mean <= base.seconds * 1.25 + SLACK / 10.0 {
            base.seen = now;
        }
        if self.mean > base.seconds * 2.0 + SLACK {
            Judgement::Queueing
        } else if now.saturating_duration_since(base.seen) > BASE_HOLDS {
            Judgement::Unsure
        } else if self.mean.max(took) > base.seconds * 1.5 + SLACK / 4.0 {
            Judgement::Enough
        } else {
            Judgement::Fine
        }
    }
}
