//! What the engine does about refusals, failures and outages.

use std::time::Duration;

use tokio::time::Instant;

use super::super::http::NoReply;
use super::super::pressure::{Answer, Kind, Pressure, Refusal};
use super::super::{Halt, UploadError};
use super::{End, Engine, FailedWrites, Flight, Job, Ledger, Outage, State};
use crate::event::{Event, Listener};
use crate::retry::{self, Fatal, NoAnswer, Verdict};
use crate::targets::Reply;

/// Failures of one job after which it is given up, if the target is up.
const MAX_STRIKES: u32 = 5;

/// Failures in a row, of any job, that look like an outage.
const OUTAGE: u32 = 5;

/// More jobs than these whose writes all fail are the target's fault, not their
/// own.
const MAX_FAIL_TOGETHER: usize = 20;

/// How long a target that never answered is waited for: a wrong port is more
/// likely than a night's maintenance.
const FIRST_CONTACT: Duration = Duration::from_secs(15);

impl Engine {
    /// Tells the pressure of a usable answer, and goes on as fast as it then
    /// allows.
    pub(super) fn answered(
        &mut self,
        sent: Instant,
        was_write: bool,
        in_flight: usize,
        listener: &mut dyn Listener,
    ) {
        let was_slowed = self.pressure.is_slowed();
        self.pressure.answered(Answer {
            kind: if was_write { Kind::Write } else { Kind::Read },
            sent,
            now: Instant::now(),
            in_flight,
        });
        if was_slowed {
            self.pace.change(self.pressure.per_second());
            if !self.pressure.is_slowed() {
                listener.on_event(&Event::FullSpeed);
            }
        }
    }

    /// Lowers the rate for everybody, before anybody else is sent.
    pub(super) fn turned_away(
        &mut self,
        sent: Instant,
        overloaded: bool,
        listener: &mut dyn Listener,
    ) {
        let (refusal, why) = if overloaded {
            (Refusal::Overloaded, "the target is overloaded")
        } else {
            (Refusal::TooMany, "the target takes no more")
        };
        let lately = self.pace.sent_lately();
        self.slow_down(why, listener, |pressure| {
            pressure.refused(refusal, sent, Instant::now(), lately);
        });
    }

    /// Goes on gently with a target that was away.
    fn back_up(&mut self, listener: &mut dyn Listener) {
        self.slow_down("the target was down", listener, |pressure| {
            pressure.back_up(Instant::now());
        });
    }

    fn slow_down(
        &mut self,
        why: &str,
        listener: &mut dyn Listener,
        lower: impl FnOnce(&mut Pressure),
    ) {
        let was_slowed = self.pressure.is_slowed();
        lower(&mut self.pressure);
        let per_second = self.pressure.per_second();
        self.pace.change(per_second);
        if self.pressure.is_slowed() && !was_slowed {
            listener.on_event(&Event::Slowed { per_second, why });
        }
    }

    /// The target asked to slow down, the `times`th time for one job. It is
    /// obeyed, but not for ever: a quota may be used up for the day.
    pub(super) fn throttled<J>(
        &mut self,
        state: &mut State<J>,
        wait: Option<Duration>,
        times: u32,
        listener: &mut dyn Listener,
    ) {
        self.contacted = true;
        self.calls.throttled += 1;
        let now = Instant::now();
        let since = *state.failing_since.get_or_insert(now);
        let since = state
            .writes_failing_since
            .map_or(since, |writes| writes.min(since));
        // A wait of nothing is no wait: clocks differ.
        let least = retry::back_off(times, self.random.f64());
        let wait = wait.map_or(least, |wait| wait.max(least));
        if now.duration_since(since) >= self.max_outage || wait > self.max_outage {
            state.halt.get_or_insert(Halt::Outage {
                why: format!("it asks to wait another {} s", wait.as_secs()),
                down: now.duration_since(since),
                ever_up: true,
            });
            return;
        }
        self.pressure.paused(now + wait);
        pause(state, wait, "the target asked for it", listener);
    }

    pub(super) fn strike<J: Job>(
        &mut self,
        state: &mut State<J>,
        mut flight: Flight<J>,
        trouble: NoAnswer,
        listener: &mut dyn Listener,
    ) {
        let was_write = flight.job.is_write();
        flight.job.unanswered(trouble.may_have_applied());
        flight.strikes += 1;
        flight.again = true;
        state.failures += 1;
        let now = Instant::now();
        let since = *state.failing_since.get_or_insert(now);
        if trouble == NoAnswer::Timeout {
            self.pressure.timed_out(flight.sent, now);
        }
        if was_write {
            let failed = &mut flight.failed_writes;
            failed.times += 1;
            // Others' writes were answered since this one first failed: it is
            // no sign of an outage.
            let is_its_own = *failed.first_at.get_or_insert(state.writes) < state.writes;
            if !is_its_own && failed.counted_at != Some(state.writes) {
                failed.counted_at = Some(state.writes);
                state.failing_writers += 1;
                state.writes_failing_since.get_or_insert(now);
            }
        }
        let mut last_strike = flight.strikes >= MAX_STRIKES;
        if was_write && state.failing_writers >= OUTAGE {
            if state.only_failing_left() {
                // There is nobody by whom to tell whether it is the target. It is
                // waited for as long as an outage may last; then it is these
                // rows, or they would end the next run as well.
                last_strike &= state.writes_fail_for() >= self.max_outage;
            } else {
                // It answers reads and does no writes, for several people at
                // once: an outage all the same, which a probe cannot see.
                (flight.strikes, last_strike) = (0, false);
                self.hold_writes(state, &trouble, listener);
            }
        }
        if (state.failures >= OUTAGE || last_strike) && state.outage.is_none() {
            state.outage = Some(Outage {
                since,
                probes: 0,
                last: trouble.clone(),
            });
        }
        if last_strike {
            state.suspects.push((flight, trouble));
        } else {
            let wait = retry::back_off(flight.strikes.max(1), self.random.f64());
            state.waiting.push((now + wait, flight));
        }
    }

    /// Everybody waits while the target does no writes, longer each time.
    fn hold_writes<J>(
        &mut self,
        state: &mut State<J>,
        trouble: &NoAnswer,
        listener: &mut dyn Listener,
    ) {
        let down = state.writes_fail_for();
        if down >= self.max_outage {
            state.halt.get_or_insert(Halt::Outage {
                why: trouble.why(),
                down,
                ever_up: true,
            });
            return;
        }
        state.failing_writers += 1;
        let times = state.failing_writers.saturating_sub(OUTAGE);
        let wait = retry::back_off(times, self.random.f64());
        let why = format!("the target makes no changes ({})", trouble.why());
        pause(
            state,
            wait.min(self.max_outage.saturating_sub(down)),
            &why,
            listener,
        );
    }

    pub(super) fn probed<J: Job>(
        &mut self,
        state: &mut State<J>,
        result: Result<Reply, NoReply>,
        ledger: &mut impl Ledger<J>,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        let trouble = match Self::judge(&result) {
            Verdict::Answered if !self.target.is_up(&result.unwrap_or_default()) => {
                NoAnswer::Unclear("the answer is not the API's")
            }
            Verdict::Answered => {
                self.contacted = true;
                let was_down = state.outage.take().is_some_and(|outage| outage.probes > 0);
                state.up();
                listener.on_event(&Event::Continued);
                if was_down {
                    self.back_up(listener);
                }
                for (mut flight, trouble) in std::mem::take(&mut state.suspects) {
                    if flight.job.give_up(&trouble) {
                        flight.strikes = MAX_STRIKES - 1;
                        state.waiting.push((Instant::now(), flight));
                    } else {
                        ledger.ended(flight.job, End::GaveUp(trouble), &self.calls, listener)?;
                    }
                }
                return Ok(());
            }
            Verdict::Throttled { wait, .. } => {
                let times = state.outage.as_mut().map_or(1, |outage| {
                    outage.probes += 1;
                    outage.probes
                });
                self.throttled(state, wait, times, listener);
                return Ok(());
            }
            Verdict::Fatal(Fatal::UnknownHost(why)) if self.contacted => NoAnswer::NotSent(why),
            Verdict::Fatal(fatal) => {
                state.halt.get_or_insert(Halt::Fatal(fatal));
                return Ok(());
            }
            Verdict::NoAnswer(trouble) => trouble,
        };
        // An outage indeed: nobody is to blame for failing in it.
        for (flight, _) in std::mem::take(&mut state.suspects) {
            state.waiting.push((Instant::now(), flight));
        }
        for (_, flight) in &mut state.waiting {
            flight.strikes = 0;
            flight.failed_writes = FailedWrites::default();
        }
        let patience = if self.contacted {
            self.max_outage
        } else {
            self.max_outage.min(FIRST_CONTACT)
        };
        let Some(outage) = &mut state.outage else {
            return Ok(());
        };
        outage.probes += 1;
        outage.last = trouble;
        let down = outage.since.elapsed();
        if down >= patience {
            state.halt.get_or_insert(Halt::Outage {
                why: outage.last.why(),
                down,
                ever_up: self.contacted,
            });
            return Ok(());
        }
        let wait =
            retry::back_off(outage.probes, self.random.f64()).min(patience.saturating_sub(down));
        let why = format!("the target is down ({})", outage.last.why());
        pause(state, wait, &why, listener);
        Ok(())
    }

    /// The target answered a write, be it with a refusal.
    pub(super) fn writes_are_answered<J>(
        &mut self,
        state: &mut State<J>,
        listener: &mut dyn Listener,
    ) {
        if state.failing_writers >= OUTAGE {
            self.back_up(listener);
        }
        state.writes += 1;
        state.failing_writers = 0;
        state.writes_failing_since = None;
    }
}

impl<J> Flight<J> {
    /// No write of it has failed yet.
    pub(super) fn is_untried(&self) -> bool {
        self.failed_writes.times == 0
    }
}

impl<J> State<J> {
    /// The target answered as it should.
    pub(super) fn up(&mut self) {
        self.failures = 0;
        self.failing_since = None;
    }

    /// Puts a job that goes on before the others, which are younger; but while
    /// no writes are done, one that has not failed shows sooner that they are.
    pub(super) fn go_on(&mut self, flight: Flight<J>) {
        if self.failing_writers >= OUTAGE && !flight.is_untried() {
            self.ready.push_back(flight);
        } else {
            self.ready.push_front(flight);
        }
    }

    fn writes_fail_for(&self) -> Duration {
        self.writes_failing_since
            .map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Nobody is left but a few jobs whose writes have failed already.
    fn only_failing_left(&self) -> bool {
        let left = self.ready.len() + self.waiting.len() + self.flying.len();
        let mut idle = self
            .ready
            .iter()
            .chain(self.waiting.iter().map(|(_, flight)| flight));
        !self.more
            && left < MAX_FAIL_TOGETHER
            && self.untried_flying == 0
            && idle.all(|flight| !flight.is_untried())
    }
}

/// Holds everybody up.
fn pause<J>(state: &mut State<J>, wait: Duration, why: &str, listener: &mut dyn Listener) {
    let until = Instant::now() + wait;
    if state.paused_until.is_none_or(|before| before < until) {
        state.paused_until = Some(until);
        listener.on_event(&Event::Paused { why, wait });
    }
}
