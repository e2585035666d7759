//! What the engine does about failures and outages.

use std::time::Duration;

use tokio::time::Instant;

use super::super::departures::Departure;
use super::super::pressure::{Answer, Kind, Pressure, Waits};
use super::super::{Halt, UploadError};
use super::queue::{FailedWrites, Flight};
use super::{Drive, Job, Ledger, Mode, NoReply, Transport};
use crate::event::Event;
use crate::retry::{self, Fatal, NoAnswer, Verdict};
use crate::targets::{self, Reply};

/// Failed attempts of one job after which it is given up, if the target is up.
pub(super) const MAX_FAILED_ATTEMPTS: u32 = 5;

/// A wait for what was sent that is worth a word.
const WORTH_SAYING: Duration = Duration::from_secs(2);

/// Failures in a row, of any job, that look like an outage.
const OUTAGE: u32 = 5;

/// If more jobs than these are left and all their writes fail, that is the
/// target's fault and not their own.
const MAX_FAIL_TOGETHER: usize = 20;

/// How long a target that never answered is waited for: a wrong port is more
/// likely than a night's maintenance.
const FIRST_CONTACT: Duration = Duration::from_secs(15);

/// What a probe gets from a sign-in page, a maintenance page or another web site.
const WEB_PAGE: &str = "the answer is a web page, not the API's";

/// The target seems to be down.
pub(super) struct Outage {
    since: Instant,
    /// Probes that failed.
    probes: u32,
}

impl Outage {
    /// Nothing is known of it yet.
    pub(super) fn begin() -> Self {
        Self {
            since: Instant::now(),
            probes: 0,
        }
    }
}

/// Failures with no answer in between.
#[derive(Clone, Copy, Debug)]
struct Streak {
    times: u32,
    since: Instant,
}

/// How the target has answered lately, over all jobs.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// Attempts that failed since it last answered.
    failing: Option<Streak>,
    /// Calls that it answered.
    answered: u64,
    /// Rounds of calls that it turned away since, and when the last of them began.
    turned_away: Option<(u32, Instant)>,
    /// Writes that it answered.
    answered_writes: u64,
    /// Jobs whose writes failed since it last answered one.
    failing_writers: Option<Streak>,
}

impl Health {
    /// The target answered as it should.
    pub(super) fn answered(&mut self) {
        self.failing = None;
        self.turned_away = None;
        self.answered += 1;
    }

    /// How many writes, or calls of any kind, it has answered.
    pub(super) const fn answered_calls(&self, writes: bool) -> u64 {
        if writes {
            self.answered_writes
        } else {
            self.answered
        }
    }

    /// Counts a call that it turned away, by when it was sent: those that were under
    /// way together are one round. Returns how many there were since it last
    /// answered.
    pub(super) fn turned_away(&mut self, sent: Instant) -> u32 {
        let (rounds, since) = self.turned_away.unwrap_or((0, sent));
        if sent >= since {
            self.turned_away = Some((rounds + 1, Instant::now()));
        }
        self.turned_away.map_or(1, |(rounds, _)| rounds)
    }

    /// For how long it has answered nothing as it should. Begins to count where it
    /// just did.
    pub(super) fn failing_for(&mut self) -> Duration {
        Streak::of(&mut self.failing).since.elapsed()
    }

    /// The same, or for how long it has done no write.
    pub(super) fn down_for(&mut self) -> Duration {
        self.failing_for().max(self.writes_down_for())
    }

    /// Begins to count for how long writes fail.
    pub(super) fn writes_are_refused(&mut self) {
        Streak::of(&mut self.failing_writers);
    }

    /// The target answers reads and does no writes, for several jobs at once.
    pub(super) fn are_writes_down(&self) -> bool {
        self.failing_writers
            .is_some_and(|writers| writers.times >= OUTAGE)
    }

    /// For how long writes have failed.
    fn writes_down_for(&self) -> Duration {
        self.failing_writers
            .map_or(Duration::ZERO, |writers| writers.since.elapsed())
    }

    /// Counts a job whose write failed, once between two answers. If others'
    /// writes were answered since its first failed, it is not a sign of an outage.
    fn write_failed(&mut self, failed: &mut FailedWrites) {
        let is_its_own =
            *failed.first_at.get_or_insert(self.answered_writes) < self.answered_writes;
        if !is_its_own && failed.counted_at != Some(self.answered_writes) {
            failed.counted_at = Some(self.answered_writes);
            Streak::of(&mut self.failing_writers).times += 1;
        }
    }
}

impl Streak {
    /// The one that is under way, or a new one.
    fn of(streak: &mut Option<Self>) -> &mut Self {
        streak.get_or_insert_with(|| Self {
            times: 0,
            since: Instant::now(),
        })
    }
}

impl<T: Transport, J: Job, L: Ledger<J>> Drive<'_, T, J, L> {
    /// When a call came back says when it may have arrived.
    pub(super) fn note_return(&mut self, departure: Departure, result: &Result<Reply, NoReply>) {
        let kind = result.as_ref().ok().map(|reply| (reply.call, reply.status));
        self.engine.pace.returned(departure, kind);
    }

    /// Notes how long a usable answer took, and goes on as fast as the pressure
    /// then allows.
    pub(super) fn note_answer(&mut self, sent: Instant, was_write: bool) {
        let pressure = &mut self.engine.pressure;
        let was_slowed = pressure.is_slowed();
        pressure.answered(Answer {
            kind: if was_write { Kind::Write } else { Kind::Read },
            sent,
            now: Instant::now(),
            in_flight: self.n_in_flight,
        });
        if was_slowed {
            self.engine.pace.change(pressure.per_second());
            if !pressure.is_slowed() {
                self.listener.on_event(&Event::FullSpeed);
            }
        }
    }

    /// Goes on gently with a target that was away.
    fn back_up(&mut self) {
        self.slow_down("the LMS was down", |pressure| {
            pressure.back_up(Instant::now());
        });
    }

    /// Goes on at the rate that `lower` leaves, and says if it has changed.
    pub(super) fn slow_down<R>(&mut self, why: &str, lower: impl FnOnce(&mut Pressure) -> R) -> R {
        let pressure = &mut self.engine.pressure;
        let was_slowed = pressure.is_slowed();
        let lowered = lower(pressure);
        let per_second = pressure.per_second();
        self.engine.pace.change(per_second);
        match (was_slowed, pressure.is_slowed()) {
            (false, true) => (self.listener).on_event(&Event::Slowed { per_second, why }),
            (true, false) => self.listener.on_event(&Event::FullSpeed),
            _ => {}
        }
        lowered
    }

    /// A job's call got no usable answer.
    pub(super) fn failed(&mut self, mut flight: Flight<J>, why: NoAnswer) {
        let was_write = flight.job.is_write();
        flight.job.unanswered(why.may_have_applied());
        flight.failed_attempts += 1;
        flight.failed_write_attempts += u32::from(was_write);
        flight.again = true;
        let failing = Streak::of(&mut self.health.failing);
        failing.times += 1;
        let failing = *failing;
        let now = Instant::now();
        if why == NoAnswer::Timeout {
            self.engine.pressure.timed_out(flight.sent, now);
        }
        if was_write {
            self.health.write_failed(&mut flight.failed_writes);
        }
        let mut was_last = flight.failed_attempts >= MAX_FAILED_ATTEMPTS;
        if was_write && self.health.are_writes_down() {
            if self.only_failing_left() {
                // No other job shows whether it is the target. It is waited for as
                // long as an outage may last; then it is these rows, or they would
                // end the next run as well.
                was_last &= self.health.writes_down_for() >= self.engine.max_outage;
            } else {
                // An outage that a probe cannot see.
                (flight.failed_attempts, was_last) = (0, false);
                self.hold_writes(&why);
            }
        }
        if (failing.times >= OUTAGE || was_last) && matches!(self.mode, Mode::Sending) {
            self.mode = Mode::Probing(Outage {
                since: failing.since,
                ..Outage::begin()
            });
        }
        if was_last {
            self.queue.on_probation.push((flight, why));
        } else {
            let wait = retry::back_off(flight.failed_attempts.max(1), self.engine.random.f64());
            self.queue.wait_until(now + wait, flight);
        }
    }

    /// Nobody is left but a few jobs whose writes have failed already.
    fn only_failing_left(&self) -> bool {
        !self.more
            && self.untried_in_flight == 0
            && self.in_flight.len() < MAX_FAIL_TOGETHER
            && self
                .queue
                .has_only_failing(MAX_FAIL_TOGETHER - self.in_flight.len())
    }

    /// Everybody waits while the target does no writes, longer each time.
    fn hold_writes(&mut self, why: &NoAnswer) {
        let down = self.health.writes_down_for();
        let max_outage = self.engine.max_outage;
        if down >= max_outage {
            self.halt_as_down(why.why(), down);
            return;
        }
        let writers = Streak::of(&mut self.health.failing_writers);
        writers.times += 1;
        let wait = retry::back_off(
            writers.times.saturating_sub(OUTAGE),
            self.engine.random.f64(),
        );
        let why = format!("the LMS does not accept changes ({})", why.why());
        self.pause(wait.min(max_outage.saturating_sub(down)), &why, down);
    }

    /// The target answered a write, be it with a refusal.
    pub(super) fn write_was_answered(&mut self) {
        if self.health.are_writes_down() {
            self.back_up();
        }
        self.health.answered_writes += 1;
        self.health.failing_writers = None;
    }

    pub(super) fn probe_returned(
        &mut self,
        result: Result<Reply, NoReply>,
    ) -> Result<(), UploadError> {
        let why = match self.engine.judge(&result) {
            Verdict::Answered => {
                let reply = result.unwrap_or_default();
                if self.engine.target.is_up(&reply) {
                    return self.is_up();
                }
                NoAnswer::Unclear(if targets::is_page(&reply.body) {
                    WEB_PAGE
                } else {
                    "the answer is not the API's"
                })
            }
            Verdict::Throttled { wait, .. } => {
                let mut times = 1;
                if let Mode::Probing(outage) = &mut self.mode {
                    outage.probes += 1;
                    times = outage.probes;
                }
                let down = self.health.down_for();
                self.throttled(wait, Waits::All(times), down);
                return Ok(());
            }
            Verdict::Fatal(fatal) => {
                self.halt(Halt::Fatal(fatal));
                return Ok(());
            }
            Verdict::NoAnswer(why) => why,
        };
        self.is_down(&why);
        Ok(())
    }

    /// A probe was answered: the jobs on probation have failed alone.
    fn is_up(&mut self) -> Result<(), UploadError> {
        self.engine.contacted = true;
        self.health.answered();
        let mut was_down = false;
        if let Mode::Probing(outage) = &self.mode {
            was_down = outage.probes > 0;
            self.mode = Mode::Sending;
        }
        self.listener.on_event(&Event::Continued);
        if was_down {
            self.back_up();
        }
        self.cleared_by_probe()?;
        for (flight, why) in std::mem::take(&mut self.queue.on_probation) {
            if let Some(flight) = self.once_more(flight) {
                self.give_up(flight, why)?;
            }
        }
        Ok(())
    }

    /// A probe failed: it is an outage indeed, and no job is to blame for
    /// failing in it.
    fn is_down(&mut self, why: &NoAnswer) {
        for (flight, _) in std::mem::take(&mut self.queue.on_probation) {
            self.queue.wait_until(Instant::now(), flight);
        }
        for (_, flight) in &mut self.queue.waiting {
            flight.failed_attempts = 0;
            flight.failed_writes = FailedWrites::default();
        }
        let Mode::Probing(outage) = &mut self.mode else {
            return;
        };
        outage.probes += 1;
        let (probes, down) = (outage.probes, outage.since.elapsed());
        let patience = if self.engine.contacted {
            self.engine.max_outage
        } else {
            self.engine.max_outage.min(FIRST_CONTACT)
        };
        if down >= patience {
            if !self.engine.contacted && *why == NoAnswer::Unclear(WEB_PAGE) {
                self.halt(Halt::Fatal(Fatal::WebPage));
            } else {
                self.halt_as_down(why.why(), down);
            }
            return;
        }
        let wait = retry::back_off(probes, self.engine.random.f64());
        let why = format!("the LMS is unavailable ({})", why.why());
        self.pause(wait.min(patience.saturating_sub(down)), &why, down);
    }

    pub(super) fn halt_as_down(&mut self, why: String, down: Duration) {
        self.halt(Halt::Outage {
            why,
            down,
            ever_up: self.engine.contacted,
        });
    }

    /// Says that nothing is left but to wait, where that takes a while: for what may still
    /// be carried out, or before what failed is tried again.
    pub(super) fn say_to_wait(&mut self, now: Instant, due: Option<Instant>) {
        let wait = due.map_or(Duration::ZERO, |due| due.saturating_duration_since(now));
        let is_all_that_is_left = !self.more && self.in_flight.is_empty();
        if self.has_said_to_wait || !is_all_that_is_left || wait < WORTH_SAYING {
            return;
        }
        self.has_said_to_wait = true;
        let why = match self.queue.waiting.len() as u64 {
            1 => "the last request has no final answer yet".to_owned(),
            last => format!("the last {last} requests have no final answer yet"),
        };
        self.listener.on_event(&Event::Paused {
            why: &why,
            wait,
            down: None,
        });
    }

    /// Holds everybody up, since the target has let nothing be done for so long.
    pub(super) fn pause(&mut self, wait: Duration, why: &str, down: Duration) {
        let until = Instant::now() + wait;
        if self.paused_until.is_none_or(|before| before < until) {
            self.paused_until = Some(until);
            let down = Some(down);
            self.listener.on_event(&Event::Paused { why, wait, down });
        }
    }
}
