//! The jobs of a drive that are not in flight, and what each has met so far.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::Job;
use super::suspicion::Refused;
use crate::retry::NoAnswer;

/// A job under way.
pub(super) struct Flight<J> {
    pub(super) job: J,
    /// Tells it from all other jobs of the run.
    pub(super) number: u64,
    /// Attempts without a usable answer since it last came further.
    pub(super) failed_attempts: u32,
    /// The writes among them.
    pub(super) failed_write_attempts: u32,
    pub(super) turned_away: Option<TurnedAway>,
    /// A refusal that is mostly about the key was shown to be about this job alone.
    pub(super) was_refused_alone: bool,
    /// Its next call repeats one.
    pub(super) again: bool,
    /// When its last call went out.
    pub(super) sent: Instant,
    pub(super) failed_writes: FailedWrites,
}

/// A job that was turned away since it last came further, and what was seen of others
/// meanwhile.
#[derive(Debug)]
pub(super) struct TurnedAway {
    pub(super) times: u32,
    /// When it was turned away first.
    pub(super) since: Instant,
    /// How many calls of its kind the target had answered by then.
    pub(super) answered_before: u64,
    /// It goes once all others are done.
    pub(super) is_last: bool,
    /// It may be its own fault.
    pub(super) is_alone: bool,
    /// How often that was so when it was sent as the last one.
    pub(super) refused_alone: u32,
}

impl TurnedAway {
    pub(super) fn new(answered_before: u64) -> Self {
        Self {
            times: 0,
            since: Instant::now(),
            answered_before,
            is_last: false,
            is_alone: false,
            refused_alone: 0,
        }
    }
}

/// The writes of one job that got no usable answer.
#[derive(Debug, Default)]
pub(super) struct FailedWrites {
    /// How many writes the target had answered when this job's first failed.
    pub(super) first_at: Option<u64>,
    /// And when it was last counted as a sign of an outage.
    pub(super) counted_at: Option<u64>,
}

impl<J> Flight<J> {
    pub(super) fn new(job: J, number: u64) -> Self {
        Self {
            job,
            number,
            failed_attempts: 0,
            failed_write_attempts: 0,
            turned_away: None,
            was_refused_alone: false,
            again: false,
            sent: Instant::now(),
            failed_writes: FailedWrites::default(),
        }
    }

    /// A call was answered, and the job goes on: what failed before does not count
    /// against the next one. Writes that failed do, until one is answered.
    pub(super) fn came_further(&mut self, with_write: bool) {
        if with_write {
            self.failed_write_attempts = 0;
            self.turned_away = None;
        }
        self.failed_attempts = self.failed_write_attempts;
    }

    /// No write of it has failed yet.
    pub(super) fn is_untried(&self) -> bool {
        self.failed_writes.first_at.is_none()
    }
}

/// Every job that is not in flight is in exactly one of these.
pub(super) struct Queue<J> {
    /// May go out now.
    pub(super) ready: VecDeque<Flight<J>>,
    /// May go out from an instant on.
    pub(super) waiting: Vec<(Instant, Flight<J>)>,
    /// After their last attempt, until a probe has shown whether it is them.
    pub(super) on_probation: Vec<(Flight<J>, NoAnswer)>,
    /// Turned away several times: each is sent alone once all others are done.
    pub(super) last: VecDeque<Flight<J>>,
    /// Refused, until it is known whether that is about them alone.
    pub(super) refused: Vec<Refused<J>>,
}

impl<J> Queue<J> {
    pub(super) fn new() -> Self {
        Self {
            ready: VecDeque::new(),
            waiting: Vec::new(),
            on_probation: Vec::new(),
            last: VecDeque::new(),
            refused: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.has_only_put_aside() && self.last.is_empty() && self.refused.is_empty()
    }

    /// Whether nobody is left but those who are sent last, and those who were refused.
    pub(super) fn has_only_put_aside(&self) -> bool {
        self.ready.is_empty() && self.waiting.is_empty() && self.on_probation.is_empty()
    }

    /// Takes in a job that is new here.
    pub(super) fn take_in(&mut self, flight: Flight<J>)
    where
        J: Job,
    {
        match flight.job.not_before() {
            Some(due) if due > Instant::now() => self.wait_until(due, flight),
            _ => self.ready.push_back(flight),
        }
    }

    /// How many jobs are left.
    pub(super) fn len(&self) -> usize {
        let may_go = self.ready.len() + self.waiting.len() + self.last.len();
        may_go + self.on_probation.len() + self.refused.len()
    }

    pub(super) fn wait_until(&mut self, due: Instant, flight: Flight<J>) {
        self.waiting.push((due, flight));
    }

    /// Takes out the jobs that have waited long enough.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Flight<J>> {
        let due = self.waiting.extract_if(.., |(due, _)| *due <= now);
        due.map(|(_, flight)| flight).collect()
    }

    /// When the next of those that wait may go out.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting.iter().map(|(due, _)| *due).min()
    }

    /// Whether fewer than `count` may go out again without a probe, and a write
    /// of each of them has failed.
    pub(super) fn has_only_failing(&self, count: usize) -> bool {
        let waiting = self.waiting.iter().map(|(_, flight)| flight);
        self.ready.len() + self.waiting.len() < count
            && self
                .ready
                .iter()
                .chain(waiting)
                .all(|flight| !flight.is_untried())
    }

    /// All jobs, but for those that were refused.
    pub(super) fn into_flights(self) -> impl Iterator<Item = Flight<J>> {
        let waiting = self.waiting.into_iter().map(|(_, flight)| flight);
        let on_probation = self.on_probation.into_iter().map(|(flight, _)| flight);
        let put_aside = on_probation.chain(self.last);
        self.ready.into_iter().chain(waiting).chain(put_aside)
    }
}
