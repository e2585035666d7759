//! What happened so far, and the words for it.

use std::time::{Duration, Instant};

use super::fields::json;
use crate::event::Event;
use crate::model::{Calls, Counts, Outcome};
use crate::report::log::{LogFields, log_fields};
use crate::report::text::{self, bytes, count, counted, percent, rows, sanitize, span};

/// Where a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    #[default]
    Idle,
    Reading,
    Surveying,
    Settling,
    Sending,
}

impl Stage {
    /// How the log calls it.
    const fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Reading => "reading",
            Self::Surveying => "surveying",
            Self::Settling => "settling",
            Self::Sending => "sending",
        }
    }
}

/// Why nothing is being sent, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pause {
    pub(super) why: String,
    pub(super) until: Option<Instant>,
}

impl Pause {
    /// `LMS unavailable (HTTP 503); retrying in 23 s`.
    pub(super) fn sentence(&self, now: Instant) -> String {
        format!("{}; {}", self.why, self.remaining(now))
    }

    /// `retrying in 23 s`.
    pub(super) fn remaining(&self, now: Instant) -> String {
        match self.until.map(|until| until.saturating_duration_since(now)) {
            Some(left) if !left.is_zero() => {
                let seconds = text::whole(left.as_secs_f64().ceil());
                format!("retrying in {}", span(seconds))
            }
            _ => "retrying".to_owned(),
        }
    }
}

/// What happened so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) stage: Stage,
    /// When the stage began.
    since: Option<Instant>,
    /// The file's size, where it is known.
    size: Option<u64>,
    /// Bytes of it read.
    pub(super) read: u64,
    /// Rows read.
    pub(super) rows: u64,
    /// Rows rejected while reading.
    rejected: u64,
    /// People whom the survey has seen or asked about.
    pub(super) people: u64,
    /// Rows to be settled or changes to be sent.
    pub(super) goal: u64,
    /// Their outcomes.
    settled: Counts,
    /// How many of them wait for a person.
    held: u64,
    /// How many of them are done.
    pub(super) done: u64,
    /// All requests of the run.
    calls: Calls,
    /// The requests when the stage began.
    calls_before: Calls,
    pub(super) pause: Option<Pause>,
    /// Why it is slower than configured.
    pub(super) slowed: Option<String>,
    /// When the rate was last taken, and how many were done by then.
    mark: Option<(Instant, u64)>,
    /// Done per second, lately.
    lately: Option<f64>,
}

impl Tally {
    /// How long the rate is averaged, at the least.
    const RATE_WINDOW: Duration = Duration::from_secs(2);

    /// Adds an event. The caller checks before whether a stage ends with it.
    pub(super) fn on_event(&mut self, event: &Event<'_>, now: Instant) {
        match *event {
            Event::ReadStarted { bytes } | Event::JoinStarted { bytes, .. } => {
                self.begin(Stage::Reading, now, 0);
                self.size = bytes;
            }
            Event::ReadProgress {
                bytes,
                rows,
                rejected,
            } => (self.read, self.rows, self.rejected) = (bytes, rows, rejected),
            Event::ReadFinished { rows, rejected, .. } => {
                (self.rows, self.rejected) = (rows, rejected);
                self.stage = Stage::Idle;
            }
            Event::SurveyStarted { .. }
            | Event::EarlierStarted { .. }
            | Event::VerifyStarted { .. } => {
                self.begin(Stage::Surveying, now, 0);
                self.people = 0;
            }
            Event::SurveyProgress { calls, people } => {
                self.people = people;
                self.calls.total = self.calls.total.max(calls);
            }
            Event::SettleStarted { unknown } => self.begin(Stage::Settling, now, unknown),
            Event::SettleProgress { checked } => self.done = checked,
            Event::Planned { .. } => self.stage = Stage::Idle,
            Event::SendStarted { changes, .. } => self.begin(Stage::Sending, now, changes),
            Event::Settled {
                outcome,
                instead_of,
                ..
            } => {
                *self.settled.of_mut(outcome) += 1;
                self.held += u64::from(outcome == Outcome::Held);
                if let Some(before) = instead_of {
                    let corrected = self.settled.of_mut(before);
                    *corrected = corrected.saturating_sub(1);
                } else if outcome != Outcome::Pending {
                    self.done += 1;
                    self.take_rate(now);
                }
            }
            Event::Called(calls) => self.calls = *calls,
            Event::Paused { why, wait, .. } => {
                self.pause = Some(Pause {
                    why: capitalized(&sanitize(why)),
                    until: now.checked_add(wait),
                });
            }
            Event::Continued => {
                self.pause = None;
                // The time spent waiting says nothing about the pace.
                self.mark = Some((now, self.done));
            }
            Event::LockAwaited { .. } | Event::Stopping { .. } => {}
            Event::Slowed { why, .. } => self.slowed = Some(sanitize(why).into_owned()),
            Event::FullSpeed => self.slowed = None,
            Event::Finished => {
                self.stage = Stage::Idle;
                self.pause = None;
            }
        }
    }

    fn begin(&mut self, stage: Stage, now: Instant, goal: u64) {
        self.stage = stage;
        self.since = Some(now);
        self.goal = goal;
        self.settled = Counts::default();
        (self.held, self.done) = (0, 0);
        self.calls_before = self.calls;
        self.mark = Some((now, 0));
        self.lately = None;
    }

    fn take_rate(&mut self, now: Instant) {
        let Some((then, before)) = self.mark else {
            return;
        };
        let span = now.saturating_duration_since(then);
        if span < Self::RATE_WINDOW {
            return;
        }
        let rate = (self.done - before) as f64 / span.as_secs_f64();
        // Half old, half new: steady enough to read, quick enough to follow.
        self.lately = Some(self.lately.map_or(rate, |old| f64::midpoint(old, rate)));
        self.mark = Some((now, self.done));
    }

    /// Seconds since the stage began.
    pub(super) fn seconds(&self, now: Instant) -> f64 {
        let since = self.since.unwrap_or(now);
        now.saturating_duration_since(since).as_secs_f64()
    }

    /// Done per second: lately, or since the stage began. The first second says
    /// little.
    fn pace(&self, now: Instant) -> Option<f64> {
        let seconds = self.seconds(now);
        let pace = self.lately.unwrap_or(self.done as f64 / seconds);
        (seconds >= 1.0 && pace > 0.0).then_some(pace)
    }

    /// How many seconds the rest of the stage takes at that pace.
    fn left(&self, now: Instant) -> Option<f64> {
        let left = self.goal.checked_sub(self.done).filter(|&left| left > 0)?;
        Some(left as f64 / self.pace(now)?)
    }

    /// `120,000 rows, 5 rejected, 24,000 per second`.
    pub(super) fn reading(&self, now: Instant) -> Vec<String> {
        let mut parts = vec![rows(self.rows)];
        if self.rejected > 0 {
            parts.push(format!("{} rejected", count(self.rejected)));
        }
        let pace = self.rows as f64 / self.seconds(now);
        if pace.is_finite() && pace > 0.0 && self.seconds(now) >= 1.0 {
            parts.push(format!("{} per second", count(text::whole(pace))));
        }
        parts
    }

    /// `12.4 MB`, or how much of it is read.
    pub(super) fn how_much_read(&self) -> String {
        match self.size {
            Some(size) => format!("{} of {}", percent(self.read, size), bytes(size)),
            None => bytes(self.read),
        }
    }

    /// `1,200 people`, `13 requests`.
    pub(super) fn surveyed(&self) -> [String; 2] {
        let people = counted(self.people, "person", "people");
        [people, counted(self.requests(), "request", "requests")]
    }

    /// The requests since the stage began.
    fn requests(&self) -> u64 {
        self.calls.total.saturating_sub(self.calls_before.total)
    }

    /// `20.1 per second, 3 rejected, 2 retries, 35 s left`.
    ///
    /// The outcome of people who join a group is known only afterwards, so a run
    /// can last long with little done: its requests show that it moves.
    pub(super) fn sending(&self, now: Instant) -> Vec<String> {
        let mut parts = Vec::new();
        if self.requests() > 2 * self.done {
            parts.push(counted(self.requests(), "request", "requests"));
        }
        if let Some(pace) = self.pace(now) {
            parts.push(format!("{} per second", text::rate(pace)));
        }
        parts.extend(self.flaws());
        if let Some(left) = self.left(now) {
            parts.push(format!("{} left", span(text::whole(left).max(1))));
        }
        parts
    }

    /// How many ended with each of `outcomes`: `940 created`.
    fn ended<const N: usize>(&self, outcomes: [Outcome; N]) -> impl Iterator<Item = String> {
        let numbers = outcomes.map(|outcome| (self.settled.of(outcome), outcome.word()));
        let numbers = numbers.into_iter().filter(|&(number, _)| number > 0);
        numbers.map(|(number, word)| format!("{} {word}", count(number)))
    }

    /// The problems and retries since the stage began.
    fn flaws(&self) -> impl Iterator<Item = String> {
        let retried = self.calls.retried.saturating_sub(self.calls_before.retried);
        let retried = (retried > 0).then(|| counted(retried, "retry", "retries"));
        self.ended([Outcome::Rejected, Outcome::Failed, Outcome::Unknown])
            .chain(retried)
    }

    /// The numbers of the stage, for the log.
    pub(super) fn numbers(&self, now: Instant) -> LogFields {
        let seconds = self.seconds(now);
        let mut fields = log_fields([
            ("stage", self.stage.word().into()),
            ("stage_seconds", thousandths(seconds).into()),
        ]);
        let mut add = |of: LogFields| fields.extend(of);
        match self.stage {
            Stage::Idle => {}
            Stage::Reading => add(log_fields([
                ("bytes", self.read.into()),
                ("of_bytes", self.size.into()),
                ("rows", self.rows.into()),
                ("rejected", self.rejected.into()),
            ])),
            Stage::Surveying => add(log_fields([
                ("people", self.people.into()),
                ("calls", json(&self.calls)),
            ])),
            Stage::Settling | Stage::Sending => add(log_fields([
                ("done", self.done.into()),
                ("goal", self.goal.into()),
                ("held", self.held.into()),
                ("per_second", self.pace(now).map(thousandths).into()),
                ("seconds_left", self.left(now).map(thousandths).into()),
                ("counts", json(&self.settled)),
                ("calls", json(&self.calls)),
            ])),
        }
        fields
    }

    /// The result of the stage: `940 created, 12 updated, 2 retries`.
    pub(super) fn sent(&self) -> Vec<String> {
        let sent = self.ended([
            Outcome::Created,
            Outcome::Updated,
            Outcome::Unchanged,
            Outcome::Deactivated,
            Outcome::Deleted,
            Outcome::Set,
        ]);
        let held = (self.held > 0).then(|| format!("{} held", count(self.held)));
        sent.chain(held).chain(self.flaws()).collect()
    }
}

/// More digits than a person or a script can use are noise.
fn thousandths(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

/// A fragment of a sentence as its beginning.
pub(super) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|char| char.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}
