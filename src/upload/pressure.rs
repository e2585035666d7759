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
//! - Neither stays low without a reason: the rate comes back with every clean
//!   answer, and a target that has become slower is measured again.

use std::time::Duration;

use tokio::time::Instant;

/// Both, for one target, over a whole run.
#[derive(Debug)]
pub(super) struct Pressure {
    rate: Rate,
    window: Window,
}

/// How a target turned a request away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 429: too many in a time.
    TooMany,
    /// 503: more than it can do just now, whatever the rate.
    Overloaded,
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
        }
    }

    /// Requests a second, at most.
    pub(super) fn per_second(&self) -> f64 {
        self.rate.allowed()
    }

    /// Whether that is less than the configured rate.
    pub(super) fn is_slowed(&self) -> bool {
        self.rate.slow.is_some()
    }

    /// Requests under way at once, at most.
    pub(super) fn in_flight(&self) -> usize {
        self.window.allowed()
    }

    /// The target answered as it should.
    pub(super) fn answered(&mut self, answer: Answer) {
        self.rate.answered(answer.now);
        self.window.answered(answer);
    }

    /// The target turned a request away; `lately` were sent in the last second.
    pub(super) fn refused(&mut self, why: Refusal, sent: Instant, now: Instant, lately: usize) {
        self.rate.refused(why, sent, now, lately);
        self.window.cut(0.7, sent, now);
    }

    /// Nothing is sent until then, which is not time in which the target showed
    /// that it bears more.
    pub(super) fn paused(&mut self, until: Instant) {
        if let Some(slow) = &mut self.rate.slow {
            slow.mark = slow.mark.max(until);
        }
    }

    /// The target did not answer in time.
    pub(super) fn timed_out(&mut self, sent: Instant, now: Instant) {
        self.window.cut(0.5, sent, now);
    }

    /// The target was down and is up again: others wait for it as well.
    pub(super) fn back_up(&mut self, now: Instant) {
        self.rate.back_up(now);
        self.window.back_up(now);
    }
}

/// The rate. A refusal halves it; from there it rises along a cubic curve, as
/// TCP does (RFC 9438): fast at first, slowly around the goal, which lies where
/// the target last had too much, and faster again beyond it.
#[derive(Debug)]
struct Rate {
    configured: f64,
    floor: f64,
    slow: Option<Slow>,
    lowered: Option<Instant>,
}

#[derive(Debug)]
struct Slow {
    from: f64,
    goal: f64,
    /// How long it takes from the one to the other.
    over: Duration,
    /// How long the target has borne it.
    quiet: Duration,
    /// Up to when that is counted.
    mark: Instant,
}

/// From half the rate to the goal: after a limit on the rate, which is likely
/// to stay, and after an overload or an outage, which are not.
const AFTER_LIMIT: Duration = Duration::from_secs(10);
const AFTER_OVERLOAD: Duration = Duration::from_secs(1);
const AFTER_OUTAGE: Duration = Duration::from_secs(5);

/// One answer speaks for no longer than this before it.
const SPEAKS_FOR: Duration = Duration::from_secs(3);

/// Fewer requests than this say nothing about what the target bears.
const TELLING: usize = 5;

impl Rate {
    fn new(configured: f64) -> Self {
        Self {
            configured,
            floor: (configured / 1000.0).max(0.5).min(configured),
            slow: None,
            lowered: None,
        }
    }

    fn allowed(&self) -> f64 {
        let Some(slow) = &self.slow else {
            return self.configured;
        };
        let x = slow.quiet.as_secs_f64() / slow.over.as_secs_f64() - 1.0;
        (slow.goal + (slow.goal - slow.from) * x.powi(3)).clamp(self.floor, self.configured)
    }

    fn refused(&mut self, why: Refusal, sent: Instant, now: Instant, lately: usize) {
        if self.lowered.is_some_and(|at| sent <= at) {
            return;
        }
        let mut bore = self.allowed();
        let (goal, over) = match why {
            Refusal::TooMany => {
                // The allowed rate may be far above what was sent.
                if lately >= TELLING {
                    bore = bore.min(lately as f64);
                }
                (bore * 0.9, AFTER_LIMIT)
            }
            Refusal::Overloaded => (bore, AFTER_OVERLOAD),
        };
        self.lower(bore / 2.0, goal, over, now);
    }

    fn back_up(&mut self, now: Instant) {
        let bore = self.allowed();
        self.lower(bore / 10.0, bore, AFTER_OUTAGE, now);
    }

    fn lower(&mut self, from: f64, goal: f64, over: Duration, now: Instant) {
        let from = from.max(self.floor);
        self.lowered = Some(now);
        self.slow = (from < self.configured).then(|| Slow {
            from,
            // Always above, or it would never rise.
            goal: goal.max(from * 1.5),
            // Somebody's limit is not forgotten over an overload.
            over: self.slow.as_ref().map_or(over, |slow| slow.over.max(over)),
            quiet: Duration::ZERO,
            mark: now,
        });
    }

    fn answered(&mut self, now: Instant) {
        if let Some(slow) = &mut self.slow {
            let since = now.saturating_duration_since(slow.mark);
            slow.quiet = slow.quiet.saturating_add(since.min(SPEAKS_FOR));
            slow.mark = slow.mark.max(now);
        }
        if self.allowed() >= self.configured {
            self.slow = None;
        }
    }
}

/// How many may be under way: one more for about as many answers as are under
/// way, while they take about as long as they do when few are; fewer by a
/// factor when they take clearly longer (AIMD by latency).
#[derive(Debug)]
struct Window {
    most: f64,
    limit: f64,
    /// Below this it grows by half of itself with each round of answers. TCP
    /// starts by doubling, but answers tell of a queue a round too late.
    fast_until: f64,
    /// What was sent before says nothing about the present limit.
    changed: Option<Instant>,
    read: Latency,
    write: Latency,
    /// The limit before it was lowered for a moment to measure.
    measuring: Option<f64>,
}

/// How long calls of one kind take.
#[derive(Debug, Default)]
struct Latency {
    /// Smoothed, in seconds.
    mean: f64,
    samples: u32,
    /// When few are under way.
    base: Option<Base>,
}

#[derive(Clone, Copy, Debug)]
struct Base {
    seconds: f64,
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
    fn new(max_in_flight: usize) -> Self {
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
    fn allowed(&self) -> usize {
        self.limit as usize
    }

    fn answered(&mut self, answer: Answer) {
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

    fn cut(&mut self, factor: f64, sent: Instant, now: Instant) {
        if self.is_stale(sent) {
            return;
        }
        let limit = self.measuring.take().unwrap_or(self.limit) * factor;
        self.fast_until = limit;
        self.set(limit, now);
    }

    fn back_up(&mut self, now: Instant) {
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

#[cfg(test)]
#[path = "pressure_tests.rs"]
mod tests;
