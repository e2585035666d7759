//! Everything that a run reports while it is in progress.
//!
//! The stages send [`Event`]s; bars and plain lines are [`Listener`]s. Only the
//! thread that drives the run calls a listener, so none needs a lock.

use std::time::Duration;

use crate::model::{Action, Calls, Counts, Effects, ExternalId, Outcome, RowNumber};

/// One thing that happened. The external ID is the only personal data in it.
#[derive(Debug)]
pub enum Event<'a> {
    /// Another run is using the LMS, and this one waits for it.
    LockAwaited {
        /// The other run, if it says who it is.
        holder: Option<&'a str>,
    },
    /// The first pass over the feed begins.
    ReadStarted {
        /// The size of the file in bytes, where it is known.
        bytes: Option<u64>,
    },
    /// A file that the mapping joins to the feed is about to be read, or the feed itself to
    /// find several rows of one person. What follows of it is as of the feed.
    JoinStarted {
        /// The file, as a person reads it: `` `contracts.csv` ``.
        file: &'a str,
        /// Its size in bytes, where it is known.
        bytes: Option<u64>,
    },
    /// More of the feed has been read, mapped and validated.
    ReadProgress {
        /// Bytes of the file read so far.
        bytes: u64,
        /// Rows read so far.
        rows: u64,
        /// Rows refused so far.
        rejected: u64,
    },
    /// The whole feed is read.
    ReadFinished {
        /// Rows of the feed.
        rows: u64,
        /// Rows that the mapping left out.
        skipped: u64,
        /// Rows refused.
        rejected: u64,
    },
    /// The target is about to be asked which people exist.
    SurveyStarted {
        /// People of the feed that the journal does not know.
        unknown_people: u64,
    },
    /// The target answered with more people.
    SurveyProgress {
        /// Requests of the run so far.
        calls: u64,
        /// People seen, or asked about, so far.
        people: u64,
    },
    /// People are about to be read before they are changed, so that the run can be undone.
    EarlierStarted {
        /// How many.
        people: u64,
    },
    /// The unknown outcomes of a crashed or interrupted run are about to be settled.
    SettleStarted {
        /// Rows with an unknown outcome.
        unknown: u64,
    },
    /// More of them were checked.
    SettleProgress {
        /// How many so far.
        checked: u64,
    },
    /// The plan is complete.
    Planned {
        /// `created`, `updated`, … as they would be.
        counts: &'a Counts,
        /// What that does beside the LMS's data.
        effects: Effects,
    },
    /// The first write is about to go out.
    SendStarted {
        /// The run's name in the journal.
        run: &'a str,
        /// How many changes are to be sent.
        changes: u64,
    },
    /// Changes are about to be read back.
    VerifyStarted {
        /// How many.
        people: u64,
    },
    /// One row has its outcome.
    Settled {
        /// The row; `None` for a leaver.
        row: Option<RowNumber>,
        /// The person.
        external_id: &'a ExternalId,
        /// What was to be done.
        action: Action,
        /// How it ended.
        outcome: Outcome,
        /// An earlier outcome that this one replaces: a group refused the person
        /// later.
        instead_of: Option<Outcome>,
    },
    /// The requests so far, sent whenever they change.
    Called(&'a Calls),
    /// All sending waits.
    Paused {
        /// Why, as a fragment of a sentence: `the LMS asked hrfeed to slow down`.
        why: &'a str,
        /// How long, as far as is known.
        wait: Duration,
        /// For how long the target had let nothing be done by then, if it is the target
        /// that keeps everybody waiting.
        down: Option<Duration>,
    },
    /// Sending continues.
    Continued,
    /// Sending is slower than configured from now on. Sent once, until
    /// [`Event::FullSpeed`].
    Slowed {
        /// Requests a second, at first: it adapts.
        per_second: f64,
        /// Why, as a fragment of a sentence: `the LMS is overloaded`.
        why: &'a str,
    },
    /// The configured rate is reached again.
    FullSpeed,
    /// The run was asked to stop; it waits for the requests in flight.
    Stopping {
        /// Why, as a fragment of a sentence: `Ctrl-C`.
        why: &'a str,
        /// Requests in flight.
        in_flight: usize,
    },
    /// The run is over.
    Finished,
}

/// A receiver of a run's events.
pub trait Listener {
    /// Takes note of `event`.
    fn on_event(&mut self, event: &Event<'_>);
}

/// Ignores every event.
#[derive(Debug, Default)]
pub struct NoListener;

impl Listener for NoListener {
    fn on_event(&mut self, _event: &Event<'_>) {}
}
