//! Is a refusal about the key and the address, or about one job alone?
//!
//! 401, 403, 405 and redirects mostly mean that nothing will succeed. But a firewall
//! that dislikes a name, or an account that is protected, is answered alike, and a
//! single row must not end the run. Calls of the same kind show which of the two
//! it is.
//!
//! # Invariants
//!
//! - Three different jobs that are refused in turn for one kind of call end the run:
//!   nothing more is sent, and only an answer that is on its way by then can show
//!   otherwise.
//! - A refusal is a job's own only once another call of its kind has been answered
//!   that went out after it, or, where no other job is left, a probe.
//! - Jobs that were refused in an earlier run, while others were answered, end no
//!   run: a probe shows whether it is the key now.

use std::collections::{HashMap, HashSet};

use tokio::time::Instant;

use super::super::{Halt, UploadError};
use super::outage::Outage;
use super::queue::Flight;
use super::{Drive, Engine, Job, Ledger, Mode, Transport};
use crate::journal::RefusedBefore;
use crate::retry::{Fatal, NoAnswer};
use crate::targets::Reply;

/// Different jobs, refused in turn for one kind of call, that show that it is not
/// they.
const MAX_REFUSED: usize = 3;

/// Who was refused for each kind of call since one of its kind was last answered.
/// Over a whole run, since many jobs are driven alone.
#[derive(Debug, Default)]
pub(in super::super) struct Suspicion {
    kinds: HashMap<&'static str, InTurn>,
    /// The kinds of call that were answered in this run.
    answered: HashSet<&'static str>,
}

#[derive(Debug)]
struct InTurn {
    /// The jobs by their numbers, each once.
    jobs: Vec<u64>,
    /// How the last of them was refused.
    last: Fatal,
}

impl Suspicion {
    /// The target refused the call of that name to that job.
    fn refused(&mut self, call: &'static str, job: u64, fatal: &Fatal) {
        let in_turn = self.kinds.entry(call).or_insert_with(|| InTurn {
            jobs: Vec::new(),
            last: fatal.clone(),
        });
        in_turn.last = fatal.clone();
        if !in_turn.jobs.contains(&job) {
            in_turn.jobs.push(job);
        }
    }

    /// It answered a call of that name as the API does.
    fn answered(&mut self, call: &'static str) {
        self.kinds.remove(call);
        self.answered.insert(call);
    }

    /// Why nothing will succeed, if that is shown, and for which kind of call.
    fn convicts(&self) -> Option<(&'static str, &Fatal)> {
        let mut kinds = self.kinds.iter();
        let shown = kinds.find(|(_, in_turn)| in_turn.jobs.len() >= MAX_REFUSED);
        shown.map(|(call, in_turn)| (*call, &in_turn.last))
    }

    /// Whether it is known of those who are sent that the target refuses them and
    /// answers others. Then they say nothing about the key, and a probe does. `before`
    /// is how it refused all of them in an earlier run, if it did.
    fn are_known_to_be_odd(&self, before: Option<RefusedBefore>, call: &'static str) -> bool {
        match before {
            None => false,
            Some(RefusedBefore::WithOthers) => self.answered.contains(call),
            Some(RefusedBefore::Alone) => true,
        }
    }
}

/// A job that was refused, until it is known whether that is about it alone.
pub(super) struct Refused<J> {
    pub(super) flight: Flight<J>,
    fatal: Fatal,
    reply: Reply,
    /// When the refusal came.
    since: Instant,
}

impl<T: Transport, J: Job, L: Ledger<J>> Drive<'_, T, J, L> {
    /// The target refused the call of a job in a way that is mostly about the key or
    /// the address.
    pub(super) fn refused(
        &mut self,
        mut flight: Flight<J>,
        fatal: Fatal,
        reply: Reply,
    ) -> Result<(), UploadError> {
        // A redirect can follow what was done: it is read back, by the next run if
        // this one ends.
        if matches!(fatal, Fatal::Redirect(_)) {
            self.engine.may_have_written |= flight.job.is_write();
            flight.job.unanswered(true);
        }
        if !(fatal.may_be_about_one() && flight.job.is_one_of_many()) {
            // It goes back to the others and is handed over as halted with them.
            self.queue.wait_until(Instant::now(), flight);
            self.halt(Halt::Fatal(fatal));
            return Ok(());
        }
        let refused = Refused {
            fatal,
            reply,
            since: Instant::now(),
            flight,
        };
        if refused.flight.was_refused_alone {
            return self.refused_alone(refused);
        }
        self.engine
            .suspicion
            .refused(refused.reply.call, refused.flight.number, &refused.fatal);
        self.queue.refused.push(refused);
        Ok(())
    }

    /// A call of that name, sent at that instant, was answered as the API does.
    pub(super) fn clear(&mut self, call: &'static str, sent: Instant) -> Result<(), UploadError> {
        self.engine.suspicion.answered(call);
        let shown = |refused: &mut Refused<J>| refused.reply.call == call && refused.since <= sent;
        let refused: Vec<_> = self.queue.refused.extract_if(.., shown).collect();
        refused
            .into_iter()
            .try_for_each(|refused| self.refused_alone(refused))
    }

    /// The target answers a probe, and nobody else is left to show anything.
    fn clear_all(&mut self) -> Result<(), UploadError> {
        std::mem::take(&mut self.queue.refused)
            .into_iter()
            .try_for_each(|refused| self.refused_alone(refused))
    }

    /// The refusal is about the job alone.
    fn refused_alone(&mut self, refused: Refused<J>) -> Result<(), UploadError> {
        let Refused {
            mut flight,
            fatal,
            reply,
            ..
        } = refused;
        flight.was_refused_alone = true;
        match flight.job.refused(&reply) {
            Some(next) => self.follow(flight, next, &reply),
            None => self.give_up(flight, NoAnswer::Refused(fatal)),
        }
    }

    /// Whether nothing more is sent until what is in flight is back. Halts the run
    /// if that has shown nothing else, or asks a probe.
    pub(super) fn is_suspended(&mut self) -> bool {
        let Engine {
            suspicion,
            refused_before,
            ..
        } = &*self.engine;
        let Some((call, fatal)) = suspicion.convicts() else {
            return false;
        };
        let (fatal, asks) = (
            fatal.clone(),
            suspicion.are_known_to_be_odd(*refused_before, call),
        );
        if asks && matches!(self.mode, Mode::Probing(_)) {
            return false;
        }
        if self.in_flight.is_empty() {
            if asks {
                self.mode = Mode::Probing(Outage::begin());
            } else {
                self.halt(Halt::Fatal(fatal));
            }
        }
        true
    }

    /// A probe was answered, which clears those who were refused if nobody else is
    /// left to show anything, or nobody else needs to.
    pub(super) fn cleared_by_probe(&mut self) -> Result<(), UploadError> {
        let Engine {
            suspicion,
            refused_before,
            ..
        } = &*self.engine;
        let convicted = suspicion.convicts().map(|(call, _)| call);
        let odd = convicted.filter(|call| suspicion.are_known_to_be_odd(*refused_before, call));
        if let Some(call) = odd {
            self.engine.suspicion.kinds.remove(call);
        }
        if odd.is_some() || self.is_nobody_else_left() {
            self.clear_all()?;
        }
        Ok(())
    }

    /// Asks a probe about those who were refused, where nobody else is left. Returns
    /// whether it does.
    pub(super) fn probe_for_refused(&mut self) -> bool {
        let asks = self.is_nobody_else_left() && !self.queue.refused.is_empty();
        if asks {
            self.mode = Mode::Probing(Outage::begin());
        }
        asks
    }

    /// Whether everybody else is done.
    pub(super) fn is_nobody_else_left(&self) -> bool {
        !self.more && self.in_flight.is_empty() && self.queue.has_only_put_aside()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_different_jobs_in_turn_for_one_kind_of_call_convict_the_key() {
        // A kind of call, and the job that was refused; `-` for one that was answered.
        for (calls, convicts) in [
            ("", false),
            ("A1 A2", false),
            ("A1 A2 A3", true),
            ("A1 A1 A1", false),
            ("A1 A2 A- A3", false),
            ("A1 A2 B- A3", true),
            ("A1 B2 C3", false),
            ("A1 A2 A3 A-", false),
        ] {
            let mut suspicion = Suspicion::default();
            for call in calls.split_whitespace() {
                let (kind, job) = call.split_at(1);
                match job.parse() {
                    Ok(job) => suspicion.refused(kind, job, &Fatal::Unauthorized),
                    Err(_) => suspicion.answered(kind),
                }
            }
            assert_eq!(suspicion.convicts().is_some(), convicts, "{calls}");
        }
    }
}
