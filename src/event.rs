//! Everything that a run can tell while it is under way.
//!
//! The stages tell [`Event`]s; bars and plain lines are [`Listener`]s. Only
//! the thread that drives the run calls a listener, so none needs a lock.

use std::time::Duration;

use crate::model::{Action, Calls, Counts, ExternalId, Outcome, RowNumber};

/// One thing that happened. Holds no person's data but the external ID.
#[derive(Debug)]
pub enum Event<'a> {
    /// The first pass over the feed begins.
    ReadStarted {
        /// The size of the file in bytes, where it is known.
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
        /// Rows that the mapping's filter left out.
        skipped: u64,
        /// Rows refused.
        rejected: u64,
    },
    /// The target is being asked who exists.
    SurveyStarted {
        /// People of the feed that the journal does not know.
        unknown_people: u64,
    },
    /// The target answered with more people.
    SurveyProgress {
        /// Calls made for it so far.
        calls: u64,
        /// People seen so far.
        people: u64,
    },
    /// What a crashed or interrupted run left unknown is being settled.
    SettleStarted {
        /// Rows whose outcome is not known.
        unknown: u64,
    },
    /// What would be, or is about to be, done.
    Planned {
        /// `created`, `updated`, … as they would be.
        counts: &'a Counts,
    },
    /// The first write is about to go out.
    SendStarted {
        /// The run's name in the journal.
        run: &'a str,
        /// How many changes are to be made.
        changes: u64,
    },
    /// One row has its outcome.
    Settled {
        /// The row; `None` for a leaver, who stands in no row.
        row: Option<RowNumber>,
        /// The person.
        external_id: &'a ExternalId,
        /// What was to be done.
        action: Action,
        /// What became of it.
        outcome: Outcome,
        /// What was told of it before and holds no more: its groups came
        /// later, and refused the person.
        instead_of: Option<Outcome>,
    },
    /// The calls so far; told whenever they changed.
    Called(&'a Calls),
    /// All sending waits.
    Paused {
        /// Why, as a fragment of a sentence: `the target asked for it`.
        why: &'a str,
        /// How long, as far as is known.
        wait: Duration,
    },
    /// Sending goes on.
    Continued,
    /// Sending is slower than configured from now on. Told once, until
    /// [`Event::FullSpeed`].
    Slowed {
        /// Requests a second, at first: it adapts.
        per_second: f64,
        /// Why, as a fragment of a sentence: `the target takes no more`.
        why: &'a str,
    },
    /// The configured rate is reached again.
    FullSpeed,
    /// The run was asked to stop; what is in flight is waited for.
    Stopping {
        /// Why, as a fragment of a sentence: `Ctrl-C`.
        why: &'a str,
        /// Requests in flight.
        in_flight: usize,
    },
    /// The run is over.
    Finished,
}

/// Something that hears a run.
pub trait Listener {
    /// Takes note of `event`.
    fn on_event(&mut self, event: &Event<'_>);
}

/// Hears nothing.
#[derive(Debug, Default)]
pub struct NoListener;

impl Listener for NoListener {
    fn on_event(&mut self, _event: &Event<'_>) {}
}
