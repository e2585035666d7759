//! Sends calls: how fast, how many at once, and again where that is safe.
//!
//! One loop owns all decisions; the requests run beside it. It does not know
//! what the calls are for: a [`Job`] says what to call next and what an answer
//! means. What carries a call is a [`Transport`], and the only clock is tokio's,
//! so that a test can script the one and pause the other.
//!
//! # Invariants
//!
//! - A call goes out only with a place from [`Pace`]: repetitions, read-backs
//!   and probes included.
//! - A `Retry-After` holds everybody, not only the job that got it, and so does
//!   a rate that was lowered.
//! - A job learns that a call got no usable answer before it is asked for its
//!   next one, so that it can read back instead of sending again.
//! - An outage costs no job anything: a job is given up only after the target
//!   has answered others, or a probe, in between.
//! - A job that alone is refused or turned away, again and again, ends alone.

mod ledger;
mod outage;
mod queue;
mod suspicion;
mod turned_away;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::Receiver;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

pub(super) use self::ledger::Ledger;
use self::outage::{Health, Outage};
use self::queue::{Flight, Queue};
pub(super) use self::suspicion::Suspicion;
use super::departures::Departure;
use super::pace::Pace;
use super::pressure::Pressure;
use super::stop::Stop;
use super::{Halt, UploadError};
use crate::clock;
use crate::event::{Event, Listener};
use crate::journal::RefusedBefore;
use crate::model::Calls;
use crate::retry::{self, Fatal, NoAnswer, Verdict};
use crate::targets::{Call, Reply, Target};

/// Something that takes one or more calls.
pub(super) trait Job: Send + 'static {
    /// The call to send now.
    fn call(&mut self) -> Call;

    /// The target answered.
    fn answered(&mut self, reply: &Reply) -> Next;

    /// Whether the call that is made next, or was just made, changes something.
    fn is_write(&self) -> bool {
        false
    }

    /// Nothing of it goes out before.
    fn not_before(&self) -> Option<Instant> {
        None
    }

    /// Whether the run can go on without it: then a refusal that is mostly about the
    /// key may be about it alone, as others like it show.
    fn is_one_of_many(&self) -> bool {
        true
    }

    /// The target refuses this job's last call, and answers others. Returns how the
    /// job goes on, or `None` where the call was not a write: then it is given up.
    fn refused(&mut self, _reply: &Reply) -> Option<Next> {
        None
    }

    /// It is to be given up. Returns whether it reads back once more first, to
    /// know what became of its last write.
    fn give_up(&mut self, _why: &NoAnswer) -> bool {
        false
    }

    /// There was no usable answer; the call may have had an effect if
    /// `may_have_applied`.
    fn unanswered(&mut self, _may_have_applied: bool) {}
}

/// How a job goes on after an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It is over.
    Done,
    /// With another call, at once.
    Call,
    /// With another call, later.
    Later(Duration),
    /// The answer is not one that the API gives.
    Unclear(&'static str),
    /// Nothing will succeed, unless it is about this job alone.
    Fatal(Fatal),
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It said so.
    Done,
    /// The target answers others, but not this one.
    GaveUp(NoAnswer),
    /// The run ended first. A call of it may be on its way.
    Halted,
    /// The run ended since the target refused this one and others in turn, as it does
    /// where the key or the address is wrong.
    HaltedRefused,
}

impl End {
    /// Whether the run ended first.
    pub(super) const fn is_halted(&self) -> bool {
        matches!(self, Self::Halted | Self::HaltedRefused)
    }
}

/// What carries calls to the target.
pub(super) trait Transport: Clone + Send + 'static {
    /// Sends a call and reads the whole answer.
    fn send(&self, call: Call) -> impl Future<Output = Result<Reply, NoReply>> + Send;
}

/// Why there is no reply.
#[derive(Clone, Debug)]
pub(super) enum NoReply {
    NoAnswer(NoAnswer),
    Fatal(Fatal),
}

/// How long requests in flight are waited for when the run stops.
const GRACE: Duration = Duration::from_secs(20);

/// All that sending needs, over a whole run.
pub(super) struct Engine<T> {
    pub(super) transport: T,
    pub(super) pace: Pace,
    pub(super) pressure: Pressure,
    pub(super) stop: Stop,
    pub(super) max_in_flight: usize,
    pub(super) max_outage: Duration,
    pub(super) target: Arc<dyn Target>,
    pub(super) calls: Calls,
    pub(super) contacted: bool,
    /// It has changed something, or may have.
    pub(super) may_have_written: bool,
    pub(super) suspicion: Suspicion,
    /// How the target refused those who are sent now in an earlier run, if it did.
    pub(super) refused_before: Option<RefusedBefore>,
    /// How many jobs there were so far.
    pub(super) jobs: u64,
    /// How far the target's clock is ahead of this machine's, as its first dated
    /// answer showed it.
    pub(super) clock_skew: Option<SignedDuration>,
    pub(super) random: fastrand::Rng,
}

impl<T: Transport> Engine<T> {
    /// Drives all jobs that come, until there are no more; `ledger` gets the
    /// end of each of them exactly once, but for those that are still in flight
    /// when a halted run has waited long enough: their outcome is unknown.
    ///
    /// # Errors
    /// What halted the run, after everything in flight has come back or been
    /// given up; or what `ledger` said.
    pub(super) async fn drive<J: Job>(
        &mut self,
        jobs: &mut Receiver<J>,
        ledger: impl Ledger<J>,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        let drive = Drive {
            engine: self,
            ledger,
            listener,
            mode: Mode::Sending,
            paused_until: None,
            queue: Queue::new(),
            in_flight: JoinSet::new(),
            n_in_flight: 0,
            untried_in_flight: 0,
            more: true,
            has_said_to_wait: false,
            health: Health::default(),
        };
        drive.run(jobs).await
    }

    /// What time it is by the target's clock, as far as its answers have shown it.
    pub(super) fn target_now(&self) -> Timestamp {
        let now = clock::now();
        let skew = self.clock_skew.unwrap_or_default();
        now.checked_add(skew).unwrap_or(now)
    }

    fn judge(&mut self, result: &Result<Reply, NoReply>) -> Verdict {
        let date = (result.as_ref().ok()).and_then(|reply| reply.date.as_deref());
        let date = date.and_then(retry::parse_date);
        if self.clock_skew.is_none() {
            self.clock_skew = date.map(|date| date.duration_since(clock::now()));
        }
        let verdict = match result {
            Ok(reply) => {
                // The target's own clock dates both.
                let now = date.unwrap_or_else(clock::now);
                retry::judge(reply.status, reply.retry_after.as_deref(), now)
            }
            Err(NoReply::NoAnswer(why)) => Verdict::NoAnswer(why.clone()),
            Err(NoReply::Fatal(fatal)) => Verdict::Fatal(fatal.clone()),
        };
        match (verdict, result) {
            (Verdict::Fatal(Fatal::Forbidden(_)), Ok(reply)) => {
                Verdict::Fatal(Fatal::Forbidden(reply.call))
            }
            // The name was known before: the network is away for a moment.
            (Verdict::Fatal(Fatal::UnknownHost(why)), _) if self.contacted => {
                Verdict::NoAnswer(NoAnswer::NotSent(why))
            }
            (verdict, _) => verdict,
        }
    }
}

/// What goes out at the moment.
enum Mode {
    /// Calls, as far as pace and pressure allow.
    Sending,
    /// Probes, one at a time: the target seems to be down.
    Probing(Outage),
    /// Nothing any more. What is in flight is waited for.
    Halting { why: Halt, until: Instant },
}

/// What was in flight and came back.
enum Returned<J> {
    Job(Departure, Flight<J>, Result<Reply, NoReply>),
    Probe(Departure, Result<Reply, NoReply>),
}

/// One [`Engine::drive`] under way.
struct Drive<'d, T, J, L> {
    engine: &'d mut Engine<T>,
    ledger: L,
    listener: &'d mut dyn Listener,
    mode: Mode,
    /// Nothing goes out before, probes included.
    paused_until: Option<Instant>,
    queue: Queue<J>,
    in_flight: JoinSet<Returned<J>>,
    /// How many were in flight before the latest of them came back.
    n_in_flight: usize,
    /// Jobs in flight no write of which has failed yet.
    untried_in_flight: usize,
    /// More jobs may come.
    more: bool,
    /// It was said that only time is waited for.
    has_said_to_wait: bool,
    health: Health,
}

impl<T: Transport, J: Job, L: Ledger<J>> Drive<'_, T, J, L> {
    async fn run(mut self, jobs: &mut Receiver<J>) -> Result<(), UploadError> {
        loop {
            if self.engine.stop.is_requested() && !self.is_halting() {
                let why = self.engine.stop.why();
                self.listener.on_event(&Event::Stopping {
                    why: match why {
                        Halt::Deadline => "the deadline is reached",
                        _ => "asked to stop",
                    },
                    in_flight: self.in_flight.len(),
                });
                self.halt(why);
            }
            let wake = match &self.mode {
                Mode::Halting { why, until } => {
                    if self.in_flight.is_empty() || Instant::now() >= *until {
                        let why = why.clone();
                        self.hand_back(jobs).await?;
                        return Err(UploadError::Halted(why));
                    }
                    Some(*until)
                }
                Mode::Sending | Mode::Probing(_) => self.launch()?,
            };
            if self.is_finished() {
                return Ok(());
            }
            self.wait(jobs, wake).await?;
        }
    }

    fn is_halting(&self) -> bool {
        matches!(self.mode, Mode::Halting { .. })
    }

    /// The run ends, for the first of the reasons that come up.
    fn halt(&mut self, why: Halt) {
        if !self.is_halting() {
            let until = Instant::now() + GRACE;
            self.mode = Mode::Halting { why, until };
        }
    }

    fn is_finished(&self) -> bool {
        matches!(self.mode, Mode::Sending)
            && !self.more
            && self.queue.is_empty()
            && self.in_flight.is_empty()
    }

    /// Waits until something comes back or comes in, until `wake`, or until the
    /// run is asked to stop.
    async fn wait(
        &mut self,
        jobs: &mut Receiver<J>,
        wake: Option<Instant>,
    ) -> Result<(), UploadError> {
        self.n_in_flight = self.in_flight.len();
        let is_halting = self.is_halting();
        let takes_more =
            self.more && !is_halting && self.queue.ready.len() < self.engine.max_in_flight;
        tokio::select! {
            // In this order, so that the same answers lead to the same calls.
            biased;
            () = self.engine.stop.requested(), if !is_halting => {}
            Some(returned) = self.in_flight.join_next(), if !self.in_flight.is_empty() => {
                self.returned(returned)?;
            }
            job = jobs.recv(), if takes_more => match job {
                Some(job) => {
                    self.engine.jobs += 1;
                    self.queue.take_in(Flight::new(job, self.engine.jobs));
                }
                None => self.more = false,
            },
            () = sleep_until(wake), if wake.is_some() => {}
        }
        // All that is known is heeded before anything else goes out.
        while let Some(returned) = self.in_flight.try_join_next() {
            self.returned(returned)?;
        }
        Ok(())
    }

    fn returned(&mut self, returned: Result<Returned<J>, JoinError>) -> Result<(), UploadError> {
        match returned {
            Ok(Returned::Job(departure, flight, result)) => {
                self.note_return(departure, &result);
                self.job_returned(flight, result)
            }
            Ok(Returned::Probe(departure, result)) => {
                self.note_return(departure, &result);
                self.probe_returned(result)
            }
            Err(error) => Err(UploadError::Task(error.to_string())),
        }
    }

    /// Hands all jobs of a halted run back to the ledger.
    async fn hand_back(&mut self, jobs: &mut Receiver<J>) -> Result<(), UploadError> {
        // What is still in flight is left to its fate: its intent is in the
        // journal without an outcome, and is looked up first next time.
        self.in_flight.abort_all();
        while let Some(returned) = self.in_flight.join_next().await {
            if let Ok(Returned::Job(_, flight, result)) = returned {
                self.job_returned(flight, result)?;
            }
        }
        let mut queue = std::mem::replace(&mut self.queue, Queue::new());
        for refused in queue.refused.drain(..) {
            self.ended(refused.flight.job, End::HaltedRefused)?;
        }
        for flight in queue.into_flights() {
            self.ended(flight.job, End::Halted)?;
        }
        jobs.close();
        while let Some(job) = jobs.recv().await {
            self.ended(job, End::Halted)?;
        }
        Ok(())
    }

    fn ended(&mut self, job: J, end: End) -> Result<(), UploadError> {
        self.ledger
            .ended(job, end, &self.engine.calls, self.listener)?;
        if let Some(halt) = self.ledger.stops() {
            self.halt(halt);
        }
        Ok(())
    }

    /// Gives a job up: at once, or after one more read-back.
    fn give_up(&mut self, mut flight: Flight<J>, why: NoAnswer) -> Result<(), UploadError> {
        if flight.job.give_up(&why) {
            flight.failed_attempts = outage::MAX_FAILED_ATTEMPTS - 1;
            self.queue.wait_until(Instant::now(), flight);
            return Ok(());
        }
        self.ended(flight.job, End::GaveUp(why))
    }

    /// Sends what may be sent now, and says when to try again.
    fn launch(&mut self) -> Result<Option<Instant>, UploadError> {
        let now = Instant::now();
        if self.is_suspended() {
            // Where that halts the run, it goes on at once.
            return Ok(self.in_flight.is_empty().then_some(now));
        }
        let is_probing = matches!(self.mode, Mode::Probing(_));
        if let Some(until) = self.paused_until {
            if now < until {
                return Ok(Some(until));
            }
            self.paused_until = None;
            if !is_probing {
                self.listener.on_event(&Event::Continued);
            }
        }
        if is_probing {
            return Ok(self.launch_probe(now));
        }
        // Those that wait are older than those that are ready.
        for flight in self.queue.take_due(now) {
            self.go_on(flight);
        }
        while self.in_flight.len() < self.engine.pressure.in_flight()
            && !self.queue.ready.is_empty()
        {
            let departure = match self.engine.pace.take() {
                Ok(departure) => departure,
                Err(wait) => return Ok(Some(now + wait)),
            };
            if let Some(flight) = self.queue.ready.pop_front() {
                self.send(departure, flight)?;
            }
        }
        if self.probe_for_refused() {
            return Ok(self.launch_probe(now));
        }
        if self.is_nobody_else_left() && !self.queue.last.is_empty() {
            let departure = match self.engine.pace.take() {
                Ok(departure) => departure,
                Err(wait) => return Ok(Some(now + wait)),
            };
            if let Some(flight) = self.queue.last.pop_front() {
                self.send(departure, flight)?;
            }
        }
        let due = self.queue.next_due();
        self.say_to_wait(now, due);
        Ok(due)
    }

    /// A harmless read that tells whether the target is up: one request at a
    /// time, and only once nothing else is under way.
    fn launch_probe(&mut self, now: Instant) -> Option<Instant> {
        if !self.in_flight.is_empty() {
            return None;
        }
        let departure = match self.engine.pace.take() {
            Ok(departure) => departure,
            Err(wait) => return Some(now + wait),
        };
        self.called(false);
        let (transport, call) = (self.engine.transport.clone(), self.engine.target.probe());
        self.in_flight
            .spawn(async move { Returned::Probe(departure, transport.send(call).await) });
        None
    }

    fn send(&mut self, departure: Departure, mut flight: Flight<J>) -> Result<(), UploadError> {
        if flight.job.is_write() {
            self.ledger.writes(&flight.job)?;
        }
        if std::mem::take(&mut self.has_said_to_wait) {
            self.listener.on_event(&Event::Continued);
        }
        let (transport, call) = (self.engine.transport.clone(), flight.job.call());
        self.called(flight.again);
        flight.again = false;
        flight.sent = Instant::now();
        self.untried_in_flight += usize::from(flight.is_untried());
        self.in_flight.spawn(async move {
            let result = transport.send(call).await;
            Returned::Job(departure, flight, result)
        });
        Ok(())
    }

    fn called(&mut self, again: bool) {
        let calls = &mut self.engine.calls;
        calls.total += 1;
        calls.retried += u64::from(again);
        self.listener.on_event(&Event::Called(calls));
    }

    /// Puts a job that goes on before the others, which are younger; but while
    /// no writes are done, one that has not failed shows sooner that they are.
    fn go_on(&mut self, flight: Flight<J>) {
        if self.health.are_writes_down() && !flight.is_untried() {
            self.queue.ready.push_back(flight);
        } else {
            self.queue.ready.push_front(flight);
        }
    }

    fn job_returned(
        &mut self,
        mut flight: Flight<J>,
        result: Result<Reply, NoReply>,
    ) -> Result<(), UploadError> {
        self.untried_in_flight -= usize::from(flight.is_untried());
        match self.engine.judge(&result) {
            Verdict::Answered => return self.answered(flight, &result.unwrap_or_default()),
            Verdict::Throttled {
                wait,
                may_have_applied,
            } => self.turned_away(flight, wait, may_have_applied),
            Verdict::NoAnswer(why @ NoAnswer::NotMade(_)) => {
                // Another attempt would fail like this one, and an outage it is not.
                self.engine.calls.total -= 1;
                flight.job.unanswered(false);
                if flight.job.give_up(&why) {
                    self.go_on(flight);
                } else {
                    self.ended(flight.job, End::GaveUp(why))?;
                }
            }
            Verdict::NoAnswer(why) => self.failed(flight, why),
            Verdict::Fatal(fatal) => {
                return self.refused(flight, fatal, result.unwrap_or_default());
            }
        }
        Ok(())
    }

    /// The target answered: the job says what that means.
    fn answered(&mut self, mut flight: Flight<J>, reply: &Reply) -> Result<(), UploadError> {
        let (was_write, sent) = (flight.job.is_write(), flight.sent);
        self.note_answer(sent, was_write);
        let next = flight.job.answered(reply);
        if was_write && !matches!(next, Next::Unclear(_)) {
            self.write_was_answered();
        }
        if !matches!(next, Next::Unclear(_) | Next::Fatal(_)) {
            self.engine.contacted = true;
            self.engine.may_have_written |= was_write;
            self.health.answered();
            self.clear(reply.call, sent)?;
            flight.came_further(was_write);
        }
        self.follow(flight, next, reply)
    }

    /// Goes on with a job as it says.
    fn follow(
        &mut self,
        mut flight: Flight<J>,
        next: Next,
        reply: &Reply,
    ) -> Result<(), UploadError> {
        match next {
            Next::Done => self.ended(flight.job, End::Done)?,
            Next::Call => {
                self.ledger.advanced(&mut flight.job)?;
                self.go_on(flight);
            }
            Next::Later(wait) => {
                self.ledger.advanced(&mut flight.job)?;
                self.queue.wait_until(Instant::now() + wait, flight);
            }
            Next::Unclear(why) => self.failed(flight, NoAnswer::Unclear(why)),
            Next::Fatal(fatal) => return self.refused(flight, fatal, reply.clone()),
        }
        Ok(())
    }
}

async fn sleep_until(instant: Option<Instant>) {
    if let Some(instant) = instant {
        tokio::time::sleep_until(instant).await;
    }
}

#[cfg(test)]
mod tests;
