//! One run, from the feed to its outcome.
//!
//! [`execute`] makes the LMS agree with a feed; [`plan`] says what `execute`
//! would do, and writes nothing. Both prepare alike: scan, compare, survey,
//! groups, guards. A run needs a [`Stop`] and a [`Listener`], no terminal and
//! no process.
//!
//! # Invariants
//!
//! - Nothing is written to the target before the whole feed is read and the
//!   guards have passed.
//! - What older runs left unknown is looked up before anything is sent.
//! - A run that is in the journal also ends there: state and exit code follow from
//!   one [`RunEnd`].

mod begin;
mod end;
mod error;
mod groups;
mod held;
mod known;
mod left_over;
mod lost;
mod notes;
mod prepare;
mod reading;
mod survey;

use std::path::PathBuf;
use std::time::Instant;

use self::notes::Notes;
use self::reading::{hand_over, read_while};
use crate::clock::{self, Clock};
use crate::event::{Event, Listener};
use crate::feed::Feed;
use crate::journal::{FeedKey, Journal, JournalError, Run, RunId, RunRef, Scope};
use crate::mapping::{Bound, Leavers, Mapping, TargetSettings};
use crate::model::{Calls, ExternalId, Parts, Step};
use crate::plan::{Allowed, Held, Item, RowIndex, RowTable, Wanted, replay};
use crate::upload::{
    Connection, Credentials, GroupPlan, Memberships, RunRecorder, SendResult, Stop, Uploader, Work,
};

pub use self::begin::resumable;
pub use self::end::RunEnd;
pub use self::error::RunError;
pub use self::held::{allow_help, held_in_words, sick_in_words};
pub use self::prepare::{Prepared, Unanswered, bind, encoding_note};

/// What a run needs to begin.
pub struct RunRequest<'a> {
    /// How rows become people.
    pub mapping: &'a Mapping,
    /// The mapping's target, unless a sandbox replaces it.
    pub settings: TargetSettings,
    /// What authenticates the run.
    pub credentials: Credentials,
    /// The feed, opened.
    pub feed: Feed,
    /// Where the journal is; opened when everything else is in order.
    pub journal: PathBuf,
    /// The interrupted run to resume.
    pub resumed: Option<Run>,
    /// What a person approves for this run.
    pub allowed: Allowed,
    /// How the run is stopped from outside.
    pub stop: Stop,
    /// What time it is.
    pub clock: Clock,
    /// What follows the run.
    pub listener: &'a mut dyn Listener,
}

/// How a run ended. Rows, counts and causes are in the journal.
#[derive(Debug)]
pub struct RunResult {
    /// The run, as the journal has it at its end.
    pub run: Run,
    /// How it ended.
    pub end: RunEnd,
    /// Remarks that belong to no row, a sentence each.
    pub notes: Vec<String>,
    /// A handle for reading.
    pub journal: Journal,
}

/// What a run would do.
pub struct Planned<'a> {
    /// The feed, to be read again for the rows.
    pub feed: Feed,
    /// The mapping, bound to the feed.
    pub bound: Bound<'a>,
    /// What would be done, and what is known about the rows.
    pub prepared: Prepared,
    /// The encoding in which the feed is read, where it was guessed.
    pub encoding_note: Option<String>,
    /// Remarks that belong to no row, a sentence each.
    pub notes: Vec<String>,
    /// The requests that it took.
    pub calls: Calls,
}

/// What the stages of a run share.
struct Stages<'a> {
    bound: Bound<'a>,
    feed: Feed,
    settings: TargetSettings,
    scope: Scope,
    /// The identity of the feed in the scope.
    mapping_key: FeedKey,
    /// `None` where a plan found no journal.
    journal: Option<Journal>,
    notes: Notes,
    uploader: Uploader,
    resumed: Option<Run>,
    allowed: Allowed,
    stop: Stop,
    clock: Clock,
    listener: &'a mut dyn Listener,
    /// When the journal was last written to before this run.
    last_written: Option<Instant>,
    /// The encoding in which the feed is read, where it was guessed.
    encoding_note: Option<String>,
    /// Remarks that belong to no row, a sentence each.
    remarks: Vec<String>,
}

/// What external IDs belong to: the system, its address and the API key.
#[must_use]
pub fn scope(settings: &TargetSettings, credentials: &Credentials) -> Scope {
    Scope::new(
        settings.system.word(),
        settings.base_url.as_str(),
        credentials.key.expose(),
    )
}

/// Where the LMS is, and how fast requests may be sent.
#[must_use]
pub fn connection(settings: &TargetSettings) -> Connection {
    Connection {
        system: settings.system,
        base_url: settings.base_url.clone(),
        requests_per_second: settings.requests_per_second,
        max_in_flight: settings.max_in_flight,
        connect_timeout: settings.connect_timeout,
        timeout: settings.timeout,
        max_outage: settings.max_outage,
    }
}

/// An unpredictable number, different in every run.
#[must_use]
pub fn seed() -> u64 {
    fastrand::u64(..)
}

/// Makes the LMS agree with the feed.
///
/// # Errors
/// The run could not begin, or the journal no longer has it. A failure of a run
/// that is in the journal is part of the result.
pub fn execute(request: RunRequest<'_>) -> Result<RunResult, RunError> {
    let begun = clock::monotonic();
    let journal = request.journal.clone();
    let mut stages = Stages::new(request)?;
    let (recorder, _lock) = stages.begin(&journal)?;
    let held = stages.run_all(&recorder);
    stages.listener.on_event(&Event::Finished);
    stages.end(held, &recorder, begun)
}

/// Says what [`execute`] would do. Reads only, on both sides.
pub fn plan(request: RunRequest<'_>) -> Result<Planned<'_>, RunError> {
    let journal = request.journal.clone();
    let mut stages = Stages::new(request)?;
    stages.journal = Journal::open_existing(&journal)?;
    let prepared = stages.prepare();
    stages.listener.on_event(&Event::Finished);
    Ok(Planned {
        prepared: prepared?,
        encoding_note: stages.encoding_note,
        notes: stages.remarks,
        calls: stages.uploader.calls(),
        feed: stages.feed,
        bound: stages.bound,
    })
}

impl<'a> Stages<'a> {
    /// Everything that leaves no trace.
    fn new(request: RunRequest<'a>) -> Result<Self, RunError> {
        let RunRequest {
            mapping,
            settings,
            credentials,
            feed,
            journal,
            resumed,
            allowed,
            stop,
            clock,
            listener,
        } = request;
        Ok(Self {
            bound: bind(mapping, &feed)?,
            scope: scope(&settings, &credentials),
            mapping_key: FeedKey::of_mapping(&begin::absolute(mapping.path())),
            uploader: Uploader::new(&connection(&settings), &credentials, stop.clone(), seed())?,
            last_written: begin::last_written(&journal),
            feed,
            settings,
            journal: None,
            notes: Notes::none(),
            resumed,
            allowed,
            stop,
            clock,
            listener,
            encoding_note: None,
            remarks: Vec::new(),
        })
    }

    /// All stages of a run, in order. Returns what a guard held back.
    fn run_all(&mut self, recorder: &RunRecorder) -> Result<Vec<Held>, RunError> {
        let mut prepared = self.prepare()?;
        self.announce(&prepared, recorder.run)?;
        let memberships = self.send_changes(&mut prepared, recorder)?;
        self.send_groups(&prepared.groups, memberships, recorder)?;
        self.send_leavers(prepared.plan.leavers, recorder)?;
        recorder.writer.flush().wait_blocking()?;
        Ok(prepared.plan.held)
    }

    /// Says what is about to be done.
    fn announce(&mut self, prepared: &Prepared, run: RunId) -> Result<(), RunError> {
        let (plan, counts) = (&prepared.plan, &prepared.plan.counts);
        self.notes.planned(counts)?;
        self.listener.on_event(&Event::Planned { counts });
        if plan.changes() + counts.rejected > 0 {
            self.listener.on_event(&Event::SendStarted {
                run: &run.to_string(),
                changes: plan.changes(),
            });
        }
        Ok(())
    }

    /// Creates and updates people, and records the rejected rows.
    fn send_changes(
        &mut self,
        prepared: &mut Prepared,
        recorder: &RunRecorder,
    ) -> Result<Memberships, RunError> {
        let counts = &prepared.plan.counts;
        // For leavers alone the feed need not be read again.
        if counts.created + counts.updated + counts.rejected == 0 {
            return Ok(Memberships::default());
        }
        let SendResult {
            mut memberships,
            lost,
        } = self.send_rows(&prepared.rows, (Wanted::Work, &[]), recorder)?;
        if !lost.is_empty() {
            memberships.extend(self.send_lost(&mut prepared.rows, lost, recorder)?);
        }
        Ok(memberships)
    }

    /// Sends the wanted rows, or records them.
    fn send_rows(
        &mut self,
        rows: &RowTable,
        (wanted, these): (Wanted, &[RowIndex]),
        recorder: &RunRecorder,
    ) -> Result<SendResult, RunError> {
        let (journal, scope) = (self.journal()?.again()?, self.scope);
        let has_parts = self.settings.system.spec().has_parts;
        let acknowledged = move |item: &Item| match item {
            Item::Change(change) if has_parts => journal.parts(&scope, change.known_as()),
            _ => Ok(Parts::default()),
        };
        let (feed, bound) = (&mut self.feed, &self.bound);
        let (uploader, listener) = (&mut self.uploader, &mut *self.listener);
        let read = move |sender| {
            replay(feed, bound, rows, wanted, these, |items| {
                let work = items.into_iter().map(|item| {
                    let parts = acknowledged(&item)?;
                    Ok((item, parts))
                });
                hand_over(&sender, work.collect::<Result<Work, JournalError>>()?)
            })
        };
        let send = |work| Ok(uploader.send(work, recorder, listener)?);
        read_while(2, &self.stop, read, send)
    }

    /// Creates, changes and deletes groups, and adds and removes members.
    fn send_groups(
        &mut self,
        groups: &GroupPlan,
        memberships: Memberships,
        recorder: &RunRecorder,
    ) -> Result<(), RunError> {
        if memberships.is_empty() && groups.change.is_empty() && groups.delete.is_empty() {
            return Ok(());
        }
        let whose = (&self.scope, self.mapping_key);
        let done = self
            .uploader
            .groups(groups, memberships, whose, recorder, self.listener)?;
        self.remarks.extend(groups::summarize(&done));
        Ok(())
    }

    /// Deactivates or deletes leavers, as the mapping says.
    fn send_leavers(
        &mut self,
        leavers: Vec<ExternalId>,
        recorder: &RunRecorder,
    ) -> Result<(), RunError> {
        let step = match self.bound.mapping().leavers {
            Leavers::Ignore => return Ok(()),
            Leavers::Deactivate { archive } => Step::Deactivate { archive },
            Leavers::Delete => Step::Delete,
        };
        self.uploader
            .leave(leavers, &step, recorder, self.listener)?;
        Ok(())
    }

    /// The journal of a run that has begun.
    fn journal(&self) -> Result<&Journal, RunError> {
        self.journal.as_ref().ok_or(RunError::Lost)
    }
}

/// A run of the journal.
fn read_run(journal: &Journal, run: RunId) -> Result<Run, RunError> {
    journal.run(RunRef::Id(run))?.ok_or(RunError::Lost)
}
