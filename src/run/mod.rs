//! One run, from the feed to its outcome.
//!
//! [`execute`] makes the LMS agree with a feed; [`plan`] says what `execute`
//! would do, and writes nothing. Both prepare alike: scan, compare, survey,
//! groups, guards. A run that created people or gave accounts an external ID ends
//! with a proof, and so does one that is to be verified: it reads back. A run needs
//! a [`Stop`] and a [`Listener`], no terminal and no process.
//!
//! # Invariants
//!
//! - Nothing is written to the target before the whole feed is read and the
//!   guards have passed.
//! - What older runs left unknown is looked up before anything is sent.
//! - A run that is in the journal also ends there: state and exit code follow from
//!   one [`RunEnd`].

mod begin;
mod believed;
mod decisions;
mod doubts;
mod earlier;
mod end;
mod error;
mod expiry;
mod grace;
mod groups;
mod held;
mod holds;
mod identify;
mod kept;
mod known;
mod left_over;
mod lock;
mod look_again;
mod lost;
mod lost_accounts;
mod notes;
mod order;
mod other_keys;
mod prepare;
mod proof;
mod prune;
mod reading;
mod roster;
mod row_changes;
mod satisfied;
mod seal;
mod remarks;
mod renamed;
mod sending;
mod shown;
mod staying;
mod strangers;
mod survey;
mod taking_back;
mod turns;
mod verify;
mod watch;
mod way_back;
mod why;

use std::path::PathBuf;
use std::time::Duration;

use self::notes::Notes;
use self::watch::Watch;
use crate::clock::{self, Clock};
use crate::event::{Event, Listener};
use crate::feed::Feed;
use crate::journal::{FeedKey, HoldId, Journal, Run, RunId, RunRef, Scope, SentTwice};
use crate::mapping::{Bound, FeedKind, Leavers, Mapping, NamesLeavers, TargetSettings, set_fields};
use crate::model::{Calls, Effects, ExternalId, FingerprintKey, Outage, Proof};
use crate::plan::guards::Allowed;
use crate::plan::{Binding, KeptPlan, Profile, RowState, key_of_plan};
use crate::upload::{
    Connection, Credentials, GroupPlan, Leaver, LeaverAction, Memberships, RunRecorder, Stop,
    Uploader,
};

pub use self::begin::{absolute, has_changed_nothing, resumable, whole_path};
pub use self::end::RunEnd;
pub use self::error::RunError;
pub use self::expiry::key_expiry;
pub use self::grace::Waiting;
pub use self::held::{held_in_words, hold_help, sick_help, sick_reasons};
pub use self::holds::HoldNow;
pub use self::kept::WITH_PLAN;
pub use self::prepare::{Prepared, Unanswered, bind, feed_age};
pub use self::prune::{needed, prune_after};
pub(crate) use self::roster::Roster;
pub use self::seal::{CannotSeal, UNDO_KEY_CHARS, UndoKey};
pub use self::verify::Verify;
pub use self::way_back::{WayBack, said_of_created, undo_again, undone_by};

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
    /// Which changes are read back at the end.
    pub verify: Option<Verify>,
    /// What a person lets pass in this run.
    pub allowed: Allowed,
    /// This key replaces the one that hrfeed used before at this address: the
    /// accounts that it knew get their external IDs under this one.
    pub replaces_key: bool,
    /// The path by which the journal knows the mapping, if that is another one.
    pub known_as: Option<String>,
    /// The plan that is carried out: exactly that is done, or nothing.
    pub kept: Option<KeptPlan>,
    /// By what the run keeps what people are like before it changes them, so that it can be
    /// undone.
    pub undo_key: Option<UndoKey>,
    /// The run that is undone: its way back is the feed.
    pub way_back: Option<WayBack>,
    /// Who runs it: the user and the machine, for the journal.
    pub by: String,
    /// How long it waits for another run on this LMS to end.
    pub wait: Duration,
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
    /// What waits for a person, without the people.
    pub holds: Vec<HoldNow>,
    /// Remarks that belong to no row, a sentence each.
    pub notes: Vec<String>,
    /// How its feed says who leaves.
    pub names_leavers: NamesLeavers,
    /// What the changes do beside the LMS's data, as planned; `None` if it went not so far.
    pub effects: Option<Effects>,
    /// A handle for reading.
    pub journal: Journal,
}

/// What a run leaves that went through all its stages.
#[derive(Debug)]
struct Done {
    /// Holds that it carried out.
    approved: Vec<HoldId>,
    /// What waits for a person, without the people.
    holds: Vec<HoldNow>,
    /// What the changes do beside the LMS's data.
    effects: Effects,
    /// What the feed looks like, if the next ones are compared with it.
    profile: Option<Profile>,
    /// What a person let pass with this feed becomes the measure for the next.
    is_new_measure: bool,
    /// The feed is not the file that a good import read last.
    is_new_feed: bool,
}

/// What a run would do.
pub struct Planned<'a> {
    /// The feed, to be read again for the rows.
    pub feed: Feed,
    /// The mapping, bound to the feed.
    pub bound: Bound<'a>,
    /// What would be done, and what is known about the rows.
    pub prepared: Prepared,
    /// Remarks that belong to no row, a sentence each.
    pub notes: Vec<String>,
    /// When the LMS kept it waiting.
    pub outages: Vec<Outage>,
    /// The requests that it took.
    pub calls: Calls,
    /// What the plan is bound to.
    pub binding: Binding,
    key: FingerprintKey,
}

/// What the stages of a run share.
struct Stages<'a> {
    bound: Bound<'a>,
    feed: Feed,
    settings: TargetSettings,
    scope: Scope,
    /// The identity of the feed in the scope.
    mapping_key: FeedKey,
    /// The path by which the journal knows the mapping, where a plan finds it renamed.
    known_path: Option<String>,
    /// `None` where a plan found no journal.
    journal: Option<Journal>,
    notes: Notes,
    uploader: Uploader,
    resumed: Option<Run>,
    /// The journal has it that this run began, or goes on.
    is_recorded: bool,
    verify: Option<Verify>,
    allowed: Allowed,
    replaces_key: bool,
    /// The plan that is carried out.
    kept: Option<KeptPlan>,
    undo_key: Option<UndoKey>,
    way_back: Option<WayBack>,
    /// The run that is undone, and how.
    undoes: Option<String>,
    /// For the digests of a plan's changes.
    plan_key: FingerprintKey,
    by: String,
    wait: Duration,
    stop: Stop,
    clock: Clock,
    listener: Watch<'a>,
    /// People whose create an earlier run sent twice.
    sent_twice: Vec<SentTwice>,
    /// Remarks that belong to no row, a sentence each.
    remarks: Vec<String>,
    /// Leavers that were to be sent, once it came to them.
    leavers_due: Option<u64>,
    /// What was read back at the end.
    proof: Option<Proof>,
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
        shared_rates: (settings.shared_rates.clone()).filter(|_| settings.share_rate),
        max_in_flight: settings.max_in_flight,
        connect_timeout: settings.connect_timeout,
        timeout: settings.timeout,
        settle_after: settings.settle_after,
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
/// The run could not begin or was not resumed, or the journal no longer has it. A failure
/// of a run that began or went on is part of the result.
pub fn execute(request: RunRequest<'_>) -> Result<RunResult, RunError> {
    let begun = clock::monotonic();
    let journal = request.journal.clone();
    let mut stages = Stages::new(request)?;
    let (recorder, lock) = stages.begin(&journal)?;
    let held = stages.run_all(&recorder);
    stages.listener.on_event(&Event::Finished);
    match held {
        // What was to be resumed is as it was.
        Err(error) if !stages.is_recorded => Err(error),
        held => stages.end(held, (&recorder, &lock), begun),
    }
}

/// Says what [`execute`] would do. Reads only, on both sides.
pub fn plan(request: RunRequest<'_>) -> Result<Planned<'_>, RunError> {
    let journal = request.journal.clone();
    let mut stages = Stages::new(request)?;
    stages.journal = Journal::open_existing(&journal)?;
    let journal = stages.journal_digest()?;
    let prepared = stages.prepare();
    stages.listener.on_event(&Event::Finished);
    stages.remarks.extend(stages.uploader.shared_rate());
    Ok(Planned {
        prepared: prepared?,
        binding: stages.binding(journal),
        key: stages.plan_key,
        notes: stages.remarks,
        outages: stages.listener.outages().to_vec(),
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
            journal: _,
            resumed,
            allowed,
            verify,
            replaces_key,
            known_as,
            kept,
            undo_key,
            way_back,
            by,
            wait,
            stop,
            clock,
            listener,
        } = request;
        let key_expires = key_expiry(&settings, clock);
        // A run that is resumed goes on with the day on which it began, and a plan is carried
        // out with that on which it was kept: rows that are what they are by the day would be
        // others.
        let began = resumed.as_ref().map(|run| run.start.started);
        let today = match (&kept, began) {
            (Some(kept), _) => kept.day,
            (None, Some(began)) => clock::day(began),
            (None, None) => clock.today(),
        };
        Ok(Self {
            bound: bind(mapping, &feed, today)?,
            scope: scope(&settings, &credentials),
            plan_key: key_of_plan(&credentials.key),
            mapping_key: FeedKey::of_mapping(&match &known_as {
                Some(path) => path.clone(),
                None => begin::absolute(mapping.path()),
            }),
            known_path: known_as,
            uploader: Uploader::new(&connection(&settings), &credentials, stop.clone(), seed())?,
            sent_twice: Vec::new(),
            feed,
            settings,
            journal: None,
            notes: Notes::none(),
            resumed,
            is_recorded: false,
            allowed,
            verify,
            replaces_key,
            kept,
            undo_key,
            undoes: way_back.as_ref().map(WayBack::name),
            way_back,
            by,
            wait,
            stop,
            clock,
            listener: Watch::new(listener, clock),
            remarks: key_expires.into_iter().collect(),
            leavers_due: None,
            proof: None,
        })
    }

    /// All stages of a run, in order.
    fn run_all(&mut self, recorder: &RunRecorder) -> Result<Done, RunError> {
        let mut prepared = self.prepare()?;
        self.hold_to_plan(&prepared)?;
        self.announce(&prepared)?;
        self.keep_earlier(&mut prepared, recorder)?;
        let (plan, counts) = (&prepared.plan, &prepared.plan.counts);
        if plan.changes() + counts.rejected > 0 {
            self.listener.on_event(&Event::SendStarted {
                run: &recorder.run.to_string(),
                changes: plan.changes(),
            });
        }
        self.send_in_turns(&mut prepared, recorder)?;
        recorder.writer.flush().wait_blocking()?;
        self.prove(&prepared.rows, recorder.run)?;
        Ok(Done {
            approved: prepared.earlier.approved(&prepared.rows),
            holds: (prepared.holds.into_iter().chain(prepared.silent))
                .map(HoldNow::without_people)
                .collect(),
            // Other feeds are not compared with one that does not name everybody.
            profile: (self.bound.mapping().kind == FeedKind::Full).then_some(prepared.profile),
            is_new_feed: prepared.is_new_feed,
            effects: prepared.effects,
            is_new_measure: prepared.is_new_measure,
        })
    }

    /// Says what is about to be done, and records who waits for a person.
    fn announce(&mut self, prepared: &Prepared) -> Result<(), RunError> {
        let counts = &prepared.plan.counts;
        let leaving = self.bound.mapping().leavers;
        self.notes.held(&prepared.holds, leaving)?;
        // Those left alone are recorded one by one.
        let left_alone = prepared.rows.count(RowState::LeftAlone);
        self.notes.planned(counts.unchanged - left_alone)?;
        let effects = prepared.effects;
        self.listener.on_event(&Event::Planned { counts, effects });
        Ok(())
    }

    /// Creates, changes and deletes groups, and adds and removes members.
    fn send_groups(
        &mut self,
        groups: &mut GroupPlan,
        memberships: Memberships,
        recorder: &RunRecorder,
    ) -> Result<(), RunError> {
        if memberships.is_empty() && groups.change.is_empty() && groups.delete.is_empty() {
            return Ok(());
        }
        let whose = (&self.scope, self.mapping_key);
        let done =
            self.uploader
                .groups(groups, memberships, whose, recorder, &mut self.listener)?;
        self.remarks.extend(groups::summarize(&done));
        Ok(())
    }

    /// Does with leavers what the mapping says.
    fn send_leavers(
        &mut self,
        leavers: Vec<ExternalId>,
        prepared: &Prepared,
        recorder: &RunRecorder,
    ) -> Result<(), RunError> {
        let how = match self.bound.mapping().leavers {
            Leavers::Ignore => return Ok(()),
            Leavers::Deactivate { archive } => LeaverAction::Deactivate { archive },
            Leavers::Delete => LeaverAction::Delete,
            Leavers::Set => {
                let fields = self.bound.for_leavers();
                let key = self.bound.fingerprint_key();
                LeaverAction::Set {
                    recorded: set_fields(key, self.settings.system, &fields),
                    fields: fields.into(),
                }
            }
        };
        if leavers.is_empty() {
            return Ok(());
        }
        let witnesses = self.witnesses(&prepared.rows)?;
        let approved = &prepared.earlier.approved_leavers;
        let leavers = leavers.into_iter().map(|external_id| Leaver {
            hold: approved.get(&external_id).copied(),
            external_id,
        });
        self.uploader.leave(
            leavers.collect(),
            &how,
            witnesses,
            recorder,
            &mut self.listener,
        )?;
        Ok(())
    }

    /// The mapping's path, as the journal has it.
    fn mapping_path(&self) -> String {
        let path = || begin::absolute(self.bound.mapping().path());
        self.known_path.clone().unwrap_or_else(path)
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
