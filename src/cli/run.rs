//! One run, from the feed to the outcome: what `import` and `resume` share.
//!
//! Reads top to bottom like the product: look, compare, settle what an older
//! run left, ask the target, send, sum up.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::SignedDuration;

use super::begin::{absolute, allow_help, begin, held_in_words, last_written, still_resumable};
use super::check::encoding_note;
use super::compare::{Feeds, Note, compare, named_elsewhere, under_other_keys};
use super::context::Context;
use super::exit::{Exit, Failure};
use super::groups::plan_groups;
use super::told::{causes, not_known, of_run, remarks, stayed};
use crate::clock;
use crate::event::{Event, Listener};
use crate::feed::Feed;
use crate::journal::{FeedKey, Journal, Run, RunChange, RunRef, Scope, SeenPerson};
use crate::mapping::{Bound, Mapping, TargetSettings};
use crate::model::{Calls, ExternalId, Outcome, RunState};
use crate::plan::{self, Guard, Held, Plan, RowState, RowTable, guards};
use crate::report::{CauseLine, RunReport};
use crate::upload::{
    Credentials, GroupPlan, Memberships, RunRecorder, Seen, Uploader, record_not_answered,
};

/// How long a resumed run trusts what the target showed when it began. Somebody
/// else may have made people meanwhile.
const SURVEY_VALID_FOR: SignedDuration = SignedDuration::from_hours(12);

/// How long a request of a killed run may still be at work.
const IN_FLIGHT_GRACE: Duration = Duration::from_secs(5);

/// What a run needs to begin.
pub(super) struct Order<'a> {
    pub(super) context: &'a Context,
    pub(super) mapping: &'a Mapping,
    /// The mapping's, unless a sandbox took their place.
    pub(super) settings: TargetSettings,
    pub(super) credentials: Credentials,
    pub(super) feed: Feed,
    /// Where the journal is; opened once all else is found to be in order.
    pub(super) journal: PathBuf,
    /// The interrupted run to go on with.
    pub(super) resumed: Option<Run>,
    /// The guards that a person waived for this run.
    pub(super) allowed: Vec<Guard>,
}

/// How a run ended.
pub(super) struct Ending {
    pub(super) report: RunReport,
    pub(super) causes: Vec<CauseLine>,
    /// Why it ended early, if it did.
    pub(super) failure: Option<Failure>,
}

/// A run under way.
struct Running<'a> {
    context: &'a Context,
    settings: TargetSettings,
    bound: &'a Bound<'a>,
    feed: Feed,
    scope: Scope,
    journal: Journal,
    record: RunRecorder,
    uploader: Uploader,
    resumed: Option<Run>,
    listener: Box<dyn Listener>,
    /// When the journal was last written to before this run.
    last_written: Option<Instant>,
    allowed: Vec<Guard>,
    /// What a person should know beside the rows.
    notes: Vec<String>,
    held: Vec<Held>,
}

/// The scope of a run: whose external IDs they are.
pub(super) fn scope(settings: &TargetSettings, credentials: &Credentials) -> Scope {
    Scope::new(
        settings.system.word(),
        settings.base_url.as_str(),
        credentials.key.expose(),
    )
}

/// A number that nobody can guess and that differs from run to run.
pub(super) fn seed() -> u64 {
    fastrand::u64(..)
}

/// Carries a run out. A failure before the run stands in the journal is an
/// `Err`; a later one is part of the ending.
pub(super) fn carry_out(order: Order<'_>) -> Result<Ending, Failure> {
    let Order {
        context,
        mapping,
        settings,
        credentials,
        feed,
        journal,
        resumed,
        allowed,
    } = order;
    let begun = Instant::now();
    let bound = super::check::bind(mapping, &feed)?;
    let scope = scope(&settings, &credentials);
    let uploader = Uploader::new(&settings, &credentials, context.stop(), seed())?;
    let last_written = last_written(&journal);
    let journal = Journal::open(&journal)?;
    let _lock = journal.lock(&scope)?;
    let resumed = resumed
        .map(|run| still_resumable(&journal, run.id))
        .transpose()?;
    let reading = journal.again()?;
    let writer = journal.writer()?;
    let run = begin(&writer, scope, mapping, &settings, &feed, resumed.as_ref())?;
    let before = resumed
        .as_ref()
        .map_or((Calls::default(), Duration::ZERO), |run| {
            (run.calls, run.elapsed)
        });

    let mut running = Running {
        context,
        settings,
        bound: &bound,
        feed,
        scope,
        journal: reading,
        record: RunRecorder { writer, run },
        uploader,
        resumed,
        listener: context.progress(),
        last_written,
        allowed,
        notes: Vec::new(),
        held: Vec::new(),
    };
    let result = running.proceed();
    running.listener.on_event(&Event::Finished);
    running.end(result, before, begun)
}

impl Running<'_> {
    fn proceed(&mut self) -> Result<(), Failure> {
        let stop = self.context.stop();
        let told = self.feed.format().other_encoding();
        let mut look = plan::scan(
            &mut self.feed,
            self.bound,
            seed(),
            true,
            &move || stop.is_requested(),
            &mut *self.listener,
        )?;
        self.notes
            .extend(encoding_note(&self.feed, self.bound.mapping(), told));
        self.same_feed()?;
        let writer = self.record.writer.clone();
        writer.update_run(
            self.record.run,
            RunChange {
                rows: Some(look.rows.len() as u64),
                skipped: Some(look.skipped),
                feed_sha256: self.feed.sha256(),
                ..RunChange::default()
            },
        )?;
        let guards = &self.bound.mapping().guards;
        if let Some(held) = guards::feed(guards, &self.allowed, &look.rows) {
            return Err(Failure::guard(
                format!("nothing was sent: {}", held_in_words(&held)),
                allow_help(&[held]),
            ));
        }
        // Dropped before anything is sent: on a sick feed there are many.
        look.findings = Vec::new();
        let mut rows = look.rows;
        self.settled_before(&mut rows)?;
        let not_answered = self.take_over()?;
        let under_other_keys = under_other_keys(
            &self.journal,
            &self.scope,
            self.settings.system,
            &self.settings.base_url,
        )?;
        let feeds = Feeds::of(&self.journal, &self.scope, self.bound.mapping().path())?;
        let (noting, scope) = (writer.clone(), self.scope);
        let mut compared = compare(
            &self.journal,
            &scope,
            &feeds,
            &mut rows,
            &mut |note| match note {
                Note::Named(people) => noting.named(&scope, feeds.this, people),
                Note::Dropped(people) => noting.dropped(&scope, people),
            },
        )?;
        if compared.named_elsewhere > 0 {
            self.notes.push(named_elsewhere(compared.named_elsewhere));
        }
        for external_id in not_answered {
            if let Some(row) = rows.hold_back(external_id.as_str()) {
                let why = "an interrupted run may have made the person, and the target could \
                           not say whether it did: nothing was sent";
                record_not_answered(row, external_id, 0, why.into(), &self.record)?;
            }
        }
        self.survey(&mut rows)?;

        let groups = plan_groups(
            (Some(&self.journal), Some(&writer)),
            (&self.scope, feeds.this),
            self.bound.mapping().groups,
            look.groups,
            &mut rows,
            &mut self.uploader,
            &mut *self.listener,
        )?;
        let how = self.bound.mapping().leavers;
        self.held = guards::hold(
            guards,
            &self.allowed,
            &mut rows,
            (&mut compared.leavers, how),
            compared.named_before,
            look.unidentified,
            under_other_keys,
        );
        let plan = Plan::of(&rows, compared.leavers, how, self.held.clone());
        writer.update_run(
            self.record.run,
            RunChange {
                unchanged: Some(plan.counts.unchanged),
                ..RunChange::default()
            },
        )?;
        self.listener.on_event(&Event::Planned {
            counts: &plan.counts,
        });
        self.send(&rows, plan, &groups, feeds.this)?;
        writer.flush().wait_blocking()?;
        Ok(())
    }

    /// People, then their groups, then leavers.
    fn send(
        &mut self,
        rows: &RowTable,
        plan: Plan,
        groups: &GroupPlan,
        feed: FeedKey,
    ) -> Result<(), Failure> {
        if plan.changes() + plan.counts.rejected > 0 {
            let run = self.record.run.to_string();
            self.listener.on_event(&Event::SendStarted {
                run: &run,
                changes: plan.changes(),
            });
        }
        let mut joins = Memberships::default();
        let counts = &plan.counts;
        // For leavers alone the feed need not be read again.
        if counts.created + counts.updated + counts.rejected > 0 {
            let (journal, scope) = (self.journal.again()?, self.scope);
            joins = self.uploader.send(
                &mut self.feed,
                self.bound,
                rows,
                &mut move |person| journal.parts(&scope, person),
                &self.record,
                &mut *self.listener,
            )?;
        }
        if !joins.is_empty() || !groups.change.is_empty() || !groups.delete.is_empty() {
            let done = self.uploader.groups(
                groups,
                joins,
                (&self.scope, feed),
                &self.record,
                &mut *self.listener,
            )?;
            self.notes.extend(super::groups::told(&done));
        }
        self.uploader.leave(
            plan.leavers,
            self.bound.mapping().leavers,
            &self.record,
            &mut *self.listener,
        )?;
        Ok(())
    }

    /// A run is resumed with the feed that it began with.
    fn same_feed(&self) -> Result<(), Failure> {
        let began_with = self.resumed.as_ref().and_then(|run| run.feed_sha256);
        if began_with.is_some() && began_with != self.feed.sha256() {
            return Err(Failure::usage(
                format!(
                    "the feed `{}` is not the one that run {} began with",
                    self.feed.path().display(),
                    self.record.run
                ),
                "run `hrfeed import` with the new feed: it settles the old run first",
            ));
        }
        Ok(())
    }

    /// Notes what the resumed run has done already, and what it left unknown.
    fn settled_before(&self, rows: &mut RowTable) -> Result<(), Failure> {
        if self.resumed.is_none() {
            return Ok(());
        }
        self.journal
            .settled_rows(self.record.run, &mut |number, _: Outcome| {
                if let Some(row) = rows.at(number) {
                    rows.mark_settled(row);
                }
            })?;
        let mut waiting = Vec::new();
        self.journal
            .rows_awaiting_groups(self.record.run, &mut |number, made| {
                waiting.extend(rows.at(number).map(|row| (row, made)));
            })?;
        for (row, made) in waiting {
            rows.awaits_groups(row, made);
        }
        for intent in self.journal.open_intents(self.record.run)? {
            if let Some(row) = intent.row.and_then(|number| rows.at(number)) {
                rows.mark_unknown(row, intent.action);
            }
        }
        if rows.count(RowState::UnknownCreate) + rows.count(RowState::UnknownAdopt) > 0 {
            self.wait_for_what_is_under_way();
        }
        Ok(())
    }

    /// Settles what older runs of the scope left unknown, and takes their
    /// place. Returns the people of whom the target could not say whether they
    /// are there.
    fn take_over(&mut self) -> Result<Vec<ExternalId>, Failure> {
        let mut not_answered = Vec::new();
        for old in self.journal.unfinished_runs(&self.scope)? {
            if old.id == self.record.run {
                continue;
            }
            let intents = self.journal.open_intents(old.id)?;
            if !intents.is_empty() {
                let record = RunRecorder {
                    writer: self.record.writer.clone(),
                    run: old.id,
                };
                // An older change that comes after a newer one undoes it.
                self.wait_for_what_is_under_way();
                let open = self
                    .uploader
                    .settle_left_over(intents, &record, &mut *self.listener)?;
                if !open.is_empty() {
                    // It stays as it is, to be asked for again next time.
                    not_answered.extend(open);
                    continue;
                }
            }
            self.record.writer.update_run(
                old.id,
                RunChange {
                    state: Some(RunState::Superseded),
                    message: Some(format!("run {} took its place", self.record.run)),
                    ..RunChange::default()
                },
            )?;
        }
        Ok(not_answered)
    }

    /// The last request of a killed run may still be under way at the target:
    /// it gets a moment before "nobody there" is believed.
    fn wait_for_what_is_under_way(&self) {
        while let Some(left) = self
            .last_written
            .and_then(|written| IN_FLIGHT_GRACE.checked_sub(written.elapsed()))
            .filter(|left| !left.is_zero() && !self.context.stop().is_requested())
        {
            std::thread::park_timeout(left.min(Duration::from_millis(100)));
        }
    }

    fn survey(&mut self, rows: &mut RowTable) -> Result<(), Failure> {
        // What the target showed then still holds, if it was not long ago.
        let looked_at = self.resumed.as_ref().and_then(|run| run.looked_at);
        // Whoever is to be adopted is seen in the list only.
        let looked_at = looked_at.filter(|_| self.bound.mapping().adopt.is_none());
        if looked_at.is_some_and(|at| clock::now().duration_since(at) < SURVEY_VALID_FOR) {
            return Ok(());
        }
        let (writer, scope) = (self.record.writer.clone(), self.scope);
        let feed = FeedKey::of_mapping(&absolute(self.bound.mapping().path()));
        let mut remember = |seen: Vec<Seen>| {
            let named = seen.iter().map(|seen| seen.external_id.clone()).collect();
            let people = seen.into_iter().map(|seen| SeenPerson {
                external_id: seen.external_id,
                remote_id: Some(seen.remote_id),
                fingerprint: seen.fingerprint,
                is_ambiguous: seen.is_ambiguous,
            });
            // Durable with the note below that the target was asked.
            drop(writer.seen(&scope, people.collect()));
            // Nothing may have to be sent for them, and they can leave all the
            // same.
            Ok(writer.named(&scope, feed, named)?)
        };
        let not_answered = self.uploader.survey(
            &mut self.feed,
            self.bound,
            rows,
            &mut remember,
            &mut *self.listener,
        )?;
        for told in not_answered {
            let why = format!(
                "the target could not say whether the person exists ({}): nothing was sent",
                told.trouble.why()
            );
            record_not_answered(told.row, told.external_id, told.attempts, why, &self.record)?;
        }
        self.record.writer.update_run(
            self.record.run,
            RunChange {
                looked_at: Some(clock::now()),
                ..RunChange::default()
            },
        )?;
        Ok(())
    }

    /// Sums up, and writes it down.
    fn end(
        self,
        result: Result<(), Failure>,
        (calls, elapsed): (Calls, Duration),
        begun: Instant,
    ) -> Result<Ending, Failure> {
        let made = self.uploader.calls();
        let calls = Calls {
            total: calls.total + made.total,
            retried: calls.retried + made.retried,
            throttled: calls.throttled + made.throttled,
        };
        let elapsed = elapsed + begun.elapsed();
        // What was settled is written before it is counted.
        let flushed = self
            .record
            .writer
            .flush()
            .wait_blocking()
            .map_err(Failure::from);
        let mut failure = result.and(flushed).err();
        let counts = self.journal.counts(self.record.run)?;
        let leavers = self.journal.leavers(self.record.run)?;
        if failure.is_none() && counts.unknown + leavers.unknown > 0 {
            failure = Some(Failure {
                exit: Exit::Interrupted,
                what: not_known(counts.unknown, leavers.unknown),
                help: Some(format!(
                    "`hrfeed resume {}` looks them up before it sends anything",
                    self.record.run
                )),
            });
        }
        if failure.is_none() && !self.held.is_empty() {
            let why: Vec<_> = self.held.iter().map(held_in_words).collect();
            failure = Some(Failure::guard(
                format!("held back: {}", why.join("; ")),
                allow_help(&self.held),
            ));
        }
        let not_left = leavers.rejected + leavers.failed;
        let (state, exit) = match &failure {
            None if counts.rejected + counts.failed + not_left > 0 => {
                (RunState::Finished, Exit::RowsRefused)
            }
            None => (RunState::Finished, Exit::Done),
            Some(failure) if failure.exit == Exit::Guard && !self.held.is_empty() => {
                (RunState::Finished, Exit::Guard)
            }
            Some(failure) if failure.exit == Exit::Interrupted => {
                (RunState::Interrupted, Exit::Interrupted)
            }
            Some(failure) => (RunState::Failed, failure.exit),
        };
        let message = failure.as_ref().map(|failure| failure.what.clone());
        let written = self.record.writer.update_run(
            self.record.run,
            RunChange {
                state: Some(state),
                calls: Some(calls),
                elapsed: Some(elapsed),
                ended: Some(clock::now()),
                exit_code: Some(exit.code()),
                message: message.clone(),
                ..RunChange::default()
            },
        );
        // A journal that failed says so already.
        if let (Err(error), None) = (written, &failure) {
            failure = Some(error.into());
        }
        let run = self.journal.run(RunRef::Id(self.record.run))?;
        let mut report = match run {
            Some(run) => of_run(&run),
            None => return Err(Failure::machine("the journal lost the run")),
        };
        report.exit_code = failure.as_ref().map_or(exit, |failure| failure.exit).code();
        report.command = if self.resumed.is_some() {
            "resume"
        } else {
            "import"
        }
        .into();
        report.notes = self.notes;
        report.notes.extend(stayed(not_left));
        report
            .notes
            .extend(remarks(&self.journal, self.record.run)?);
        let causes = causes(&self.journal, self.record.run)?;
        Ok(Ending {
            report,
            causes,
            failure,
        })
    }
}
