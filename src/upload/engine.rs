//! Sends calls: so fast, so many at once, again where that is safe.
//!
//! One loop owns all decisions; the requests run beside it. It knows nothing
//! of what the calls are for: a [`Job`] says what to call next and what an
//! answer means.
//!
//! # Invariants
//!
//! - A call goes out only with a place from [`Pace`], repetitions, look-ups
//!   and probes included.
//! - A `Retry-After` holds everybody, not only the one who got it, and so does
//!   a rate that was lowered.
//! - A job that got no usable answer is told so before it is asked what to
//!   call next, so that it can look instead of sending again.
//! - An outage costs no job anything: a job is given up only after the target
//!   has answered others, or a probe, in between.

mod outage;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;

use super::http::{Http, NoReply};
use super::pace::Pace;
use super::pressure::Pressure;
use super::stop::Stop;
use super::{Halt, UploadError};
use crate::clock;
use crate::event::{Event, Listener};
use crate::model::Calls;
use crate::retry::{self, Fatal, NoAnswer, Verdict};
use crate::targets::{Call, Reply, Target};

/// Something that takes one or more calls.
pub(super) trait Job: Send + 'static {
    /// The call to be made now.
    fn call(&mut self) -> Call;

    /// The target answered.
    fn answered(&mut self, reply: &Reply) -> Next;

    /// Whether the call that was just made changes something.
    fn is_write(&self) -> bool {
        false
    }

    /// It is to be given up. Returns whether it reads back once more first, to
    /// know what became of its last write.
    fn give_up(&mut self, _why: &NoAnswer) -> bool {
        false
    }

    /// There was no usable answer; the call may have had an effect if
    /// `may_have_applied`.
    fn unanswered(&mut self, may_have_applied: bool);
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
    /// The answer is none that the API gives.
    Unclear(&'static str),
    /// Nothing will succeed.
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
}

/// Where jobs are recorded. Only the loop calls it, one call after the other.
pub(super) trait Ledger<J> {
    /// An answer has brought the job further, and it is not over: what it has
    /// acknowledged is recorded before its next call goes out.
    ///
    /// # Errors
    /// The journal cannot be written: the run ends.
    fn advanced(&mut self, _job: &mut J) -> Result<(), UploadError> {
        Ok(())
    }

    /// The job is over.
    ///
    /// # Errors
    /// The run ends.
    fn ended(
        &mut self,
        job: J,
        end: End,
        calls: &Calls,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError>;
}

impl<J, F> Ledger<J> for F
where
    F: FnMut(J, End, &Calls, &mut dyn Listener) -> Result<(), UploadError>,
{
    fn ended(
        &mut self,
        job: J,
        end: End,
        calls: &Calls,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        self(job, end, calls, listener)
    }
}

/// How long requests in flight are waited for when the run stops.
const GRACE: Duration = Duration::from_secs(20);

/// All that sending needs, over a whole run.
pub(super) struct Engine {
    pub(super) http: Http,
    pub(super) pace: Pace,
    pub(super) pressure: Pressure,
    pub(super) stop: Stop,
    pub(super) max_in_flight: usize,
    pub(super) max_outage: Duration,
    pub(super) target: Arc<dyn Target>,
    pub(super) calls: Calls,
    pub(super) contacted: bool,
    pub(super) random: fastrand::Rng,
}

struct Flight<J> {
    job: J,
    strikes: u32,
    throttled: u32,
    again: bool,
    /// When its last call went out.
    sent: Instant,
    failed_writes: FailedWrites,
}

impl<J> Flight<J> {
    fn new(job: J) -> Self {
        Self {
            job,
            strikes: 0,
            throttled: 0,
            again: false,
            sent: Instant::now(),
            failed_writes: FailedWrites::default(),
        }
    }
}

/// The writes of one job that got no usable answer.
#[derive(Debug, Default)]
struct FailedWrites {
    times: u32,
    /// How many writes the target had answered when this job's first failed.
    first_at: Option<u64>,
    /// And when it was last counted as a sign of an outage.
    counted_at: Option<u64>,
}

struct Outage {
    since: Instant,
    probes: u32,
    last: NoAnswer,
}

enum Landed<J> {
    Job(Flight<J>, Result<Reply, NoReply>),
    Probe(Result<Reply, NoReply>),
}

struct State<J> {
    ready: VecDeque<Flight<J>>,
    waiting: Vec<(Instant, Flight<J>)>,
    /// At their last strike, until a probe has shown whether it is them.
    suspects: Vec<(Flight<J>, NoAnswer)>,
    flying: JoinSet<Landed<J>>,
    failures: u32,
    failing_since: Option<Instant>,
    /// Writes that the target answered.
    writes: u64,
    /// Jobs whose write got no usable answer since the last one that did.
    failing_writers: u32,
    writes_failing_since: Option<Instant>,
    /// Jobs under way no write of which has failed yet.
    untried_flying: usize,
    outage: Option<Outage>,
    paused_until: Option<Instant>,
    halt: Option<Halt>,
    grace: Option<Instant>,
    /// More jobs may come.
    more: bool,
}

impl Engine {
    /// Drives all jobs that come, until there are no more; `ledger` gets the
    /// end of each of them exactly once, but for those that are still in flight when a halted
    /// run has waited long enough: what became of them nobody knows.
    ///
    /// # Errors
    /// What halted the run, after everything in flight has come back or been
    /// given up; or what `ledger` said.
    pub(super) async fn drive<J: Job>(
        &mut self,
        jobs: &mut Receiver<J>,
        mut ledger: impl Ledger<J>,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        let mut state = State {
            ready: VecDeque::new(),
            waiting: Vec::new(),
            suspects: Vec::new(),
            flying: JoinSet::new(),
            failures: 0,
            failing_since: None,
            writes: 0,
            failing_writers: 0,
            writes_failing_since: None,
            untried_flying: 0,
            outage: None,
            paused_until: None,
            halt: None,
            grace: None,
            more: true,
        };
        loop {
            if state.halt.is_none() && self.stop.is_requested() {
                listener.on_event(&Event::Stopping {
                    why: "asked to stop",
                    in_flight: state.flying.len(),
                });
                state.halt = Some(Halt::Requested);
            }
            if state.halt.is_some() {
                let grace = *state.grace.get_or_insert_with(|| Instant::now() + GRACE);
                if state.flying.is_empty() || Instant::now() >= grace {
                    break;
                }
            }
            let wake = if state.halt.is_none() {
                self.launch(&mut state, listener)
            } else {
                state.grace
            };
            let idle =
                state.ready.is_empty() && state.waiting.is_empty() && state.suspects.is_empty();
            if state.halt.is_none()
                && !state.more
                && idle
                && state.flying.is_empty()
                && state.outage.is_none()
            {
                return Ok(());
            }
            let wants_more =
                state.more && state.halt.is_none() && state.ready.len() < self.max_in_flight;
            tokio::select! {
                Some(landed) = state.flying.join_next(), if !state.flying.is_empty() => match landed {
                    Ok(Landed::Job(flight, result)) => {
                        self.landed(&mut state, flight, result, &mut ledger, listener)?;
                    }
                    Ok(Landed::Probe(result)) => self.probed(&mut state, result, &mut ledger, listener)?,
                    Err(error) => return Err(UploadError::Task(error.to_string())),
                },
                job = jobs.recv(), if wants_more => match job {
                    Some(job) => state.ready.push_back(Flight::new(job)),
                    None => state.more = false,
                },
                () = sleep_until(wake), if wake.is_some() => {}
                () = self.stop.requested(), if state.halt.is_none() => {}
            }
        }
        // What is still in flight is left to its fate: its intent stands in the
        // journal without an outcome, and is looked up first of all next time.
        state.flying.abort_all();
        while let Some(landed) = state.flying.join_next().await {
            if let Ok(Landed::Job(flight, result)) = landed {
                self.landed(&mut state, flight, result, &mut ledger, listener)?;
            }
        }
        let left = state
            .ready
            .drain(..)
            .chain(state.waiting.drain(..).map(|(_, flight)| flight));
        for flight in left.chain(state.suspects.drain(..).map(|(flight, _)| flight)) {
            ledger.ended(flight.job, End::Halted, &self.calls, listener)?;
        }
        jobs.close();
        while let Some(job) = jobs.recv().await {
            ledger.ended(job, End::Halted, &self.calls, listener)?;
        }
        Err(UploadError::Halted(state.halt.unwrap_or(Halt::Requested)))
    }

    /// Sends what may be sent now, and says when to look again.
    fn launch<J: Job>(
        &mut self,
        state: &mut State<J>,
        listener: &mut dyn Listener,
    ) -> Option<Instant> {
        let now = Instant::now();
        if let Some(until) = state.paused_until {
            if now < until {
                return Some(until);
            }
            state.paused_until = None;
            if state.outage.is_none() {
                listener.on_event(&Event::Continued);
            }
        }
        if state.outage.is_some() {
            // One request at a time, and only once nothing else is under way.
            if !state.flying.is_empty() {
                return None;
            }
            if let Err(wait) = self.pace.take() {
                return Some(now + wait);
            }
            // A harmless read that tells whether the target is up.
            let (http, call) = (self.http.clone(), self.target.probe());
            self.called(false, listener);
            state
                .flying
                .spawn(async move { Landed::Probe(http.send(call).await) });
            return None;
        }
        // Those that wait are older than those that are ready.
        let mut index = 0;
        while index < state.waiting.len() {
            if state.waiting[index].0 <= now {
                let (_, flight) = state.waiting.swap_remove(index);
                state.go_on(flight);
            } else {
                index += 1;
            }
        }
        while state.flying.len() < self.pressure.in_flight() && !state.ready.is_empty() {
            if let Err(wait) = self.pace.take() {
                return Some(now + wait);
            }
            if let Some(mut flight) = state.ready.pop_front() {
                let (http, call) = (self.http.clone(), flight.job.call());
                self.called(flight.again, listener);
                flight.again = false;
                flight.sent = Instant::now();
                state.untried_flying += usize::from(flight.is_untried());
                state.flying.spawn(async move {
                    let result = http.send(call).await;
                    Landed::Job(flight, result)
                });
            }
        }
        state.waiting.iter().map(|(due, _)| *due).min()
    }

    fn called(&mut self, again: bool, listener: &mut dyn Listener) {
        self.calls.total += 1;
        self.calls.retried += u64::from(again);
        listener.on_event(&Event::Called(&self.calls));
    }

    fn judge(result: &Result<Reply, NoReply>) -> Verdict {
        match result {
            Ok(reply) => {
                match retry::judge(reply.status, reply.retry_after.as_deref(), clock::now()) {
                    Verdict::Fatal(Fatal::Forbidden(_)) => {
                        Verdict::Fatal(Fatal::Forbidden(reply.call))
                    }
                    verdict => verdict,
                }
            }
            Err(NoReply::NoAnswer(trouble)) => Verdict::NoAnswer(trouble.clone()),
            Err(NoReply::Fatal(fatal)) => Verdict::Fatal(fatal.clone()),
        }
    }

    fn landed<J: Job>(
        &mut self,
        state: &mut State<J>,
        mut flight: Flight<J>,
        result: Result<Reply, NoReply>,
        ledger: &mut impl Ledger<J>,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        state.untried_flying = state
            .untried_flying
            .saturating_sub(usize::from(flight.is_untried()));
        match Self::judge(&result) {
            Verdict::Answered => {
                let reply = result.unwrap_or_default();
                self.contacted = true;
                let was_write = flight.job.is_write();
                self.answered(flight.sent, was_write, state.flying.len() + 1, listener);
                let next = flight.job.answered(&reply);
                if was_write && !matches!(next, Next::Unclear(_)) {
                    self.writes_are_answered(state, listener);
                }
                match next {
                    Next::Done => {
                        state.up();
                        ledger.ended(flight.job, End::Done, &self.calls, listener)?;
                    }
                    Next::Call => {
                        ledger.advanced(&mut flight.job)?;
                        // It has come a call further: what failed before does
                        // not count against the next one.
                        if was_write {
                            flight.strikes = 0;
                        }
                        state.up();
                        state.go_on(flight);
                    }
                    Next::Later(wait) => {
                        ledger.advanced(&mut flight.job)?;
                        state.up();
                        state.waiting.push((Instant::now() + wait, flight));
                    }
                    Next::Unclear(why) => {
                        self.strike(state, flight, NoAnswer::Unclear(why), listener);
                    }
                    Next::Fatal(fatal) => {
                        state.waiting.push((Instant::now(), flight));
                        state.halt.get_or_insert(Halt::Fatal(fatal));
                    }
                }
            }
            Verdict::Throttled {
                wait,
                may_have_applied,
            } => {
                if may_have_applied {
                    if flight.job.is_write() {
                        state.writes_failing_since.get_or_insert_with(Instant::now);
                    }
                    flight.job.unanswered(true);
                }
                flight.again = true;
                flight.throttled += 1;
                let (times, sent) = (flight.throttled, flight.sent);
                state.ready.push_front(flight);
                self.turned_away(sent, may_have_applied, listener);
                self.throttled(state, wait, times, listener);
            }
            Verdict::NoAnswer(trouble) => self.strike(state, flight, trouble, listener),
            Verdict::Fatal(Fatal::UnknownHost(why)) if self.contacted => {
                self.strike(state, flight, NoAnswer::NotSent(why), listener);
            }
            Verdict::Fatal(fatal) => {
                // A redirect can follow what was done: the intent stays open, at
                // the price of one look-up.
                if matches!(fatal, Fatal::Redirect(_)) {
                    flight.job.unanswered(true);
                }
                // Back to the others: it is handed over as halted with them.
                state.waiting.push((Instant::now(), flight));
                state.halt.get_or_insert(Halt::Fatal(fatal));
            }
        }
        Ok(())
    }
}

async fn sleep_until(instant: Option<Instant>) {
    if let Some(instant) = instant {
        tokio::time::sleep_until(instant.into()).await;
    }
}
