//! What was heard so far, and the words for it.

use std::time::{Duration, Instant};

use crate::event::Event;
use crate::model::{Calls, Counts, Outcome};
use crate::report::text::{self, bytes, count, counted, percent, rows, span};

/// Where a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    #[default]
    Idle,
    Reading,
    Looking,
    Settling,
    Sending,
}

/// Why nothing is being sent, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pause {
    pub(super) why: String,
    pub(super) until: Option<Instant>,
}

impl Pause {
    /// `paused for 23 s: the target asked for it`.
    pub(super) fn tell(&self, now: Instant) -> String {
        format!("{}: {}", self.tell_briefly(now), self.why)
    }

    /// `paused for 23 s`.
    pub(super) fn tell_briefly(&self, now: Instant) -> String {
        match self.until.map(|until| until.saturating_duration_since(now)) {
            Some(left) if !left.is_zero() => {
                format!(
                    "paused for {}",
                    span(text::whole(left.as_secs_f64().ceil()))
                )
            }
            _ => "paused".to_owned(),
        }
    }
}

/// What was heard so far.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) stage: Stage,
    /// When the stage began.
    pub(super) since: Instant,
    /// The file's size, where it is known.
    pub(super) size: Option<u64>,
    /// Bytes of it read.
    pub(super) read: u64,
    /// Rows read.
    pub(super) rows: u64,
    /// Rows rejected while reading.
    pub(super) wrong: u64,
    /// People whom the target must be asked for.
    pub(super) unknown_people: u64,
    /// People seen on the target.
    pub(super) people: u64,
    /// Calls for it.
    pub(super) look_calls: u64,
    /// Rows to be settled or changes to be sent.
    pub(super) goal: u64,
    /// What became of them.
    pub(super) settled: Counts,
    /// Of these, how many are over and done with.
    pub(super) done: u64,
    /// All calls of the run.
    pub(super) calls: Calls,
    /// The calls when the stage began.
    calls_before: Calls,
    pub(super) pause: Option<Pause>,
    /// Why it goes slower than configured.
    pub(super) slowed: Option<String>,
    /// Why the run is being stopped.
    pub(super) stopping: Option<String>,
    /// When and at how many done the rate was last taken.
    mark: (Instant, u64),
    /// Done in a second, lately.
    lately: Option<f64>,
}

impl Tally {
    /// How long the rate is averaged, at the least.
    const RATE_WINDOW: Duration = Duration::from_secs(2);

    pub(super) fn new(now: Instant) -> Self {
        Self {
            stage: Stage::Idle,
            since: now,
            size: None,
            read: 0,
            rows: 0,
            wrong: 0,
            unknown_people: 0,
            people: 0,
            look_calls: 0,
            goal: 0,
            settled: Counts::default(),
            done: 0,
            calls: Calls::default(),
            calls_before: Calls::default(),
            pause: None,
            slowed: None,
            stopping: None,
            mark: (now, 0),
            lately: None,
        }
    }

    /// Adds up. Whether a stage ends with this event is the caller's to see,
    /// before it calls.
    pub(super) fn on_event(&mut self, event: &Event<'_>, now: Instant) {
        match *event {
            Event::ReadStarted { bytes } => {
                self.begin(Stage::Reading, now);
                self.size = bytes;
            }
            Event::ReadProgress {
                bytes,
                rows,
                rejected,
            } => {
                self.read = bytes;
                self.rows = rows;
                self.wrong = rejected;
            }
            Event::ReadFinished { rows, rejected, .. } => {
                self.rows = rows;
                self.wrong = rejected;
                self.stage = Stage::Idle;
            }
            Event::SurveyStarted { unknown_people } => {
                self.begin(Stage::Looking, now);
                self.unknown_people = unknown_people;
                self.people = 0;
                self.look_calls = 0;
            }
            Event::SurveyProgress { calls, people } => {
                self.look_calls = calls;
                self.people = people;
            }
            Event::SettleStarted { unknown } => {
                self.begin(Stage::Settling, now);
                self.goal = unknown;
            }
            Event::Planned { .. } => self.stage = Stage::Idle,
            Event::SendStarted { changes, .. } => {
                self.begin(Stage::Sending, now);
                self.goal = changes;
            }
            Event::Settled {
                outcome,
                instead_of,
                ..
            } => {
                *self.settled.of_mut(outcome) += 1;
                if let Some(before) = instead_of {
                    let told = self.settled.of_mut(before);
                    *told = told.saturating_sub(1);
                } else if outcome != Outcome::Pending {
                    self.done += 1;
                    self.take_rate(now);
                }
            }
            Event::Called(calls) => self.calls = *calls,
            Event::Paused { why, wait } => {
                self.pause = Some(Pause {
                    why: text::sanitize(why).into_owned(),
                    until: now.checked_add(wait),
                });
            }
            Event::Continued => {
                self.pause = None;
                // The time spent waiting says nothing about the pace.
                self.mark = (now, self.done);
            }
            Event::Slowed { why, .. } => self.slowed = Some(text::sanitize(why).into_owned()),
            Event::FullSpeed => self.slowed = None,
            Event::Stopping { why, .. } => {
                self.stopping = Some(text::sanitize(why).into_owned());
            }
            Event::Finished => {
                self.stage = Stage::Idle;
                self.pause = None;
            }
        }
    }

    fn begin(&mut self, stage: Stage, now: Instant) {
        self.stage = stage;
        self.since = now;
        self.goal = 0;
        self.settled = Counts::default();
        self.done = 0;
        self.calls_before = self.calls;
        self.mark = (now, 0);
        self.lately = None;
    }

    fn take_rate(&mut self, now: Instant) {
        let (then, before) = self.mark;
        let span = now.saturating_duration_since(then);
        if span < Self::RATE_WINDOW {
            return;
        }
        let rate = (self.done - before) as f64 / span.as_secs_f64();
        // Half old, half new: steady enough to read, quick enough to follow.
        self.lately = Some(self.lately.map_or(rate, |old| f64::midpoint(old, rate)));
        self.mark = (now, self.done);
    }

    /// Seconds since the stage began.
    pub(super) fn seconds(&self, now: Instant) -> f64 {
        now.saturating_duration_since(self.since).as_secs_f64()
    }

    /// Done in a second: lately, or since the stage began. The first second
    /// says little.
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

    /// `120,000 rows, 5 rejected, 24,000 rows per second`.
    pub(super) fn reading(&self, now: Instant) -> Vec<String> {
        let mut parts = vec![rows(self.rows)];
        if self.wrong > 0 {
            parts.push(format!("{} rejected", count(self.wrong)));
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

    /// `1,200 people seen, 13 calls`.
    pub(super) fn looking(&self) -> Vec<String> {
        vec![
            format!("{} seen", counted(self.people, "person", "people")),
            counted(self.look_calls, "call", "calls"),
        ]
    }

    /// `20.1 per second, 3 rejected, 2 retries, 35 s left`.
    ///
    /// People who come into a group have their outcome only once they are in
    /// it, so that a run can be long under way with little done: its calls
    /// show that it moves.
    pub(super) fn sending(&self, now: Instant) -> Vec<String> {
        let mut parts = Vec::new();
        let calls = self.calls.total.saturating_sub(self.calls_before.total);
        if calls > 2 * self.done {
            parts.push(counted(calls, "call", "calls"));
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

    /// What did not go smoothly since the stage began.
    fn flaws(&self) -> Vec<String> {
        let retried = self.calls.retried.saturating_sub(self.calls_before.retried);
        let mut parts: Vec<_> = [Outcome::Rejected, Outcome::Failed, Outcome::Unknown]
            .into_iter()
            .map(|outcome| (self.settled.of(outcome), outcome.word()))
            .filter(|&(number, _)| number > 0)
            .map(|(number, word)| format!("{} {word}", count(number)))
            .collect();
        if retried > 0 {
            parts.push(counted(retried, "retry", "retries"));
        }
        parts
    }

    /// What the stage came to: `940 created, 12 updated, 2 retries`.
    pub(super) fn sent(&self) -> Vec<String> {
        let mut parts: Vec<_> = [
            Outcome::Created,
            Outcome::Updated,
            Outcome::Unchanged,
            Outcome::Deactivated,
            Outcome::Deleted,
        ]
        .into_iter()
        .map(|outcome| (self.settled.of(outcome), outcome.word()))
        .filter(|&(number, _)| number > 0)
        .map(|(number, word)| format!("{} {word}", count(number)))
        .collect();
        parts.extend(self.flaws());
        parts
    }
}
