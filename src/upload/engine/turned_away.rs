//! What the engine does about 429, and 503 with `Retry-After`.
//!
//! Mostly it is about all calls, or about nothing: the rate is lowered where that shows
//! a bound, everybody waits as long as the target asks, or the job alone. But a job that
//! alone is turned away must not keep others waiting: after some times it goes once all
//! others are done.
//!
//! # Invariants
//!
//! - A job is given up only if others of its kind were answered since it was first
//!   turned away, or only a few jobs are left, and probes are answered in between.

use std::time::Duration;

use tokio::time::Instant;

use super::super::pressure::{self, Refusal, Waits};
use super::outage::Outage;
use super::queue::{Flight, TurnedAway};
use super::{Drive, Job, Ledger, Mode, Transport};
use crate::retry::{self, NoAnswer};

/// How often a job that is turned away goes on, before all others are tried.
const MAX_FIRST: u32 = 3;

/// How often a job is turned away alone, with probes answered in between, before it
/// is given up.
const MAX_ALONE: u32 = 3;

/// How long a job is tried at least that is turned away alone: a limit for one kind
/// of call may be over by then.
const PATIENCE: Duration = Duration::from_mins(1);

/// If fewer jobs than these are left and all of them are turned away, that may be
/// their own fault: a probe shows it.
const FEW: usize = 5;

/// What a job that is turned away does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It goes on after a little while of its own.
    First,
    /// It goes once all others are done.
    Last,
    /// It goes once more after a probe, or not any more.
    AfterProbe,
}

impl Place {
    /// The place of a job that was turned away that many times, and by now as the last
    /// one if `is_last`.
    const fn of(times: u32, is_last: bool) -> Self {
        if is_last {
            Self::AfterProbe
        } else if times >= MAX_FIRST {
            Self::Last
        } else {
            Self::First
        }
    }
}

impl<T: Transport, J: Job, L: Ledger<J>> Drive<'_, T, J, L> {
    /// The target turned a call away: the rate is lowered for everybody, before
    /// anybody else is sent.
    pub(super) fn turned_away(
        &mut self,
        mut flight: Flight<J>,
        wait: Option<Duration>,
        may_have_applied: bool,
    ) {
        let (is_write, sent) = (flight.job.is_write(), flight.sent);
        let (refusal, why, status) = if may_have_applied {
            if is_write {
                self.engine.may_have_written = true;
                self.health.writes_are_refused();
            }
            flight.job.unanswered(true);
            (Refusal::Overloaded, "the LMS is overloaded", 503)
        } else {
            (Refusal::TooMany, "the LMS limits requests", 429)
        };
        flight.again = true;
        let answered = self.health.answered_calls(is_write);
        let may_be_alone = flight.job.is_one_of_many();
        let is_few = self.are_few_left();
        let away = flight
            .turned_away
            .get_or_insert_with(|| TurnedAway::new(answered));
        away.times += 1;
        away.is_alone = may_be_alone && (away.answered_before < answered || is_few);
        let (place, is_alone) = (Place::of(away.times, away.is_last), away.is_alone);
        let rounds = self.health.turned_away(sent);
        let (times, down) = match place {
            Place::AfterProbe if is_alone => (away.refused_alone + 1, Duration::ZERO),
            Place::AfterProbe => (away.times, away.since.elapsed()),
            Place::First | Place::Last if may_have_applied => (rounds, self.health.down_for()),
            Place::First | Place::Last => (rounds, self.health.failing_for()),
        };
        let alone = retry::back_off(away.times, self.engine.random.f64());
        let now = Instant::now();
        match place {
            Place::First => self.queue.wait_until(now + alone, flight),
            Place::Last => {
                away.is_last = true;
                self.queue.last.push_back(flight);
            }
            Place::AfterProbe => {
                let why = NoAnswer::Status(status);
                self.queue.on_probation.push((flight, why));
                if matches!(self.mode, Mode::Sending) {
                    self.mode = Mode::Probing(Outage::begin());
                }
            }
        }
        let refused = pressure::TurnedAway {
            why: refusal,
            says_how_long: wait.is_some_and(|wait| !wait.is_zero()),
            sent,
            now,
            lately: self.engine.pace.sent_lately(),
            in_flight: self.in_flight.len(),
        };
        let waits = self.slow_down(why, |pressure| pressure.refused(&refused));
        let waits = match (place, waits) {
            // Nobody else is left to wait.
            (Place::AfterProbe, _) => Waits::All(times),
            (_, Waits::All(pressed)) => Waits::All(pressed.max(times)),
            (_, Waits::One) => Waits::One,
        };
        self.throttled(wait, waits, down);
    }

    /// Whether so few jobs are left that each may be turned away for itself.
    fn are_few_left(&self) -> bool {
        !self.more && self.queue.len() + self.in_flight.len() < FEW
    }

    /// A probe was answered: a job that was turned away as the last one goes once
    /// more, behind the others. Returns a job that is to be given up.
    pub(super) fn once_more(&mut self, mut flight: Flight<J>) -> Option<Flight<J>> {
        let patience = self.engine.max_outage.min(PATIENCE);
        let Some(away) = flight.turned_away.as_mut().filter(|away| away.is_last) else {
            return Some(flight);
        };
        away.refused_alone += u32::from(away.is_alone);
        if away.refused_alone >= MAX_ALONE && away.since.elapsed() >= patience {
            return Some(flight);
        }
        self.queue.last.push_back(flight);
        None
    }

    /// The target asked to slow down, and has been `down` for so long. It is obeyed, but
    /// not for ever: a quota may be used up for the day.
    pub(super) fn throttled(&mut self, wait: Option<Duration>, waits: Waits, down: Duration) {
        self.engine.contacted = true;
        self.engine.calls.throttled += 1;
        // Clocks differ: a wait of nothing is not taken for one.
        let wait = match waits {
            Waits::One => Duration::ZERO,
            Waits::All(times) => {
                let least = retry::back_off(times, self.engine.random.f64());
                let least = least.min(self.engine.max_outage);
                wait.map_or(least, |wait| wait.max(least))
            }
        };
        if down >= self.engine.max_outage || wait > self.engine.max_outage {
            let why = format!("it asks to wait another {} s", wait.as_secs());
            self.halt_as_down(why, down);
            return;
        }
        if waits != Waits::One {
            self.engine.pressure.paused(Instant::now() + wait);
            self.engine.pace.hold_others(wait);
            self.pause(wait, "the LMS asked hrfeed to slow down", down);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_is_turned_away_goes_first_then_last_then_after_a_probe() {
        let places = [(1, false), (2, false), (3, false), (9, false), (4, true)]
            .map(|(times, is_last)| Place::of(times, is_last));
        let expected = [
            Place::First,
            Place::First,
            Place::Last,
            Place::Last,
            Place::AfterProbe,
        ];
        assert_eq!(places, expected);
    }
}
