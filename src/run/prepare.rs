//! Everything before the first write: what an import does first, and all that
//! a plan does.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use super::begin::whole_path;
use super::decisions::Earlier;
use super::grace::Waiting;
use super::holds::HoldNow;
use super::kept::WITH_PLAN;
use super::known::protect;
use super::remarks::{on_marked, on_people};
use super::{RunError, Stages};
use crate::clock::Clock;
use crate::feed::{Attachments, Feed, FeedSource};
use crate::journal::Run;
use crate::mapping::{Among, Bound, FeedKind, Leavers, Mapping, MappingError};
use crate::model::{Causes, Effects, ExternalId, RowNumber, Rule, RunState};
use crate::plan::guards::{self, Allow, Allowed, FeedFacts, Sick};
use crate::plan::{self, Plan, Profile, RowState, RowTable, Scan};
use crate::run::seed;
use crate::upload::GroupPlan;

/// What must be done, decided before anything is sent.
#[derive(Debug)]
pub struct Prepared {
    /// The rows of the feed, with their states.
    pub rows: RowTable,
    /// What is to be done, and what a guard holds.
    pub plan: Plan,
    /// What that does beside the LMS's data.
    pub effects: Effects,
    /// What makes the feed look sick: an import would send nothing.
    pub sick: Vec<Sick>,
    /// What is to be done with user groups.
    pub groups: GroupPlan,
    /// All that is wrong with the feed, grouped.
    pub causes: Causes,
    /// Rows that the mapping left out.
    pub skipped: u64,
    /// Rows about whose people the target gave no answer: nothing is sent for
    /// them.
    pub unanswered: Vec<Unanswered>,
    /// Known people who are missing from the feed, whichever feed named them
    /// before.
    pub not_in_feed: u64,
    /// Who is missing from the feed and has time left.
    pub waiting: Waiting,
    /// Whom rows of the feed mark as leavers.
    pub marked: HashMap<ExternalId, bool>,
    /// The feed is not the file that a good import read last.
    pub(super) is_new_feed: bool,
    /// What waits for a person.
    pub holds: Vec<HoldNow>,
    /// Earlier holds that wait as they are, without their people: the feed, a delta, does
    /// not name these.
    pub silent: Vec<HoldNow>,
    /// What a person let pass with this feed becomes the measure for the next.
    pub(super) is_new_measure: bool,
    /// What the feed looks like.
    pub(super) profile: Profile,
    /// The earlier holds.
    pub(super) earlier: Earlier,
    /// People whom this feed named before.
    pub(super) known: u64,
}

/// A row about whose person the target gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// The row.
    pub row: RowNumber,
    /// The person.
    pub external_id: ExternalId,
    /// Requests sent.
    pub attempts: u32,
    /// Why, as a sentence without its full stop and without the person's data.
    pub why: String,
}

impl Stages<'_> {
    /// Decides what must be done. A plan goes on with a feed that looks wrong, to
    /// show what would be done with it.
    pub(super) fn prepare(&mut self) -> Result<Prepared, RunError> {
        self.compare_with_journal()?;
        let journal = self.kept.as_ref().map(|_| self.journal_digest());
        let journal = journal.transpose()?.unwrap_or_default();
        let mut scan = self.scan()?;
        self.hold_to_binding(&journal)?;
        if !self.bound.mapping().lists_leavers() {
            self.take_over(&scan.rows)?;
        }
        let (sick, is_new_measure) = self.judge_feed(&mut scan)?;
        // Dropped before anything is sent: a bad feed has many.
        scan.findings = Vec::new();
        let rekeyed = self.take_up(&mut scan)?;
        let mapping = self.bound.mapping();
        if mapping.corrections_of().is_some() && !mapping.is_way_back() {
            self.remarks.extend(on_marked(scan.marked.len() as u64));
        }
        let skipped = scan.rows.skipped(scan.left_out);
        let mut left_overs = self.settle_older_runs()?;
        self.take_doubts(&mut scan.rows, &mut left_overs)?;
        let mut earlier = self.earlier_holds(&scan.rows)?;
        let mut compared = self.compare(
            &mut scan.rows,
            std::mem::take(&mut scan.marked),
            &earlier,
            &mut left_overs,
        )?;
        compared.keep(rekeyed.iter().map(ExternalId::as_str));
        self.remark_on_listed(&compared, &scan.rows);
        self.remark_on_overwriting(&compared)?;
        self.note_other_keys(&mut scan.rows)?;
        let mut unanswered = hold_back(&mut scan.rows, left_overs.unanswered);
        self.notes.unanswered(&unanswered)?;
        let mut surveyed = self.survey(&mut scan.rows, &compared, &earlier)?;
        unanswered.append(&mut surveyed.unanswered);
        let strangers = &mut surveyed.strangers;
        let mapping = self.bound.mapping();
        (self.remarks).extend(on_people(&compared, strangers, mapping.among));
        if mapping.among == Among::Lms || compared.named_before == 0 {
            compared.note_listed(&scan.rows);
        }
        compared.add_leavers(std::mem::take(&mut strangers.active), &mapping.protect);
        self.identify(&mut scan.rows, &mut compared, &earlier, surveyed)?;
        self.leave_satisfied(&mut scan.rows, &compared)?;
        let variants = scan.rows.reject_variants();
        compared.keep(variants.iter().map(AsRef::as_ref));
        protect(&mut scan.rows, &compared);
        self.note_sent_before(&mut scan.rows, &compared)?;
        self.keep_who_changed(&mut scan.rows, &mut compared)?;
        // Who was found on the LMS is known now, too.
        let there = scan.rows.count(RowState::Unchanged) + scan.rows.count(RowState::Changed);
        let known = compared.named_before.max(there);
        self.decide_earlier(&mut scan.rows, &mut compared, &mut earlier)?;
        let waiting = self.give_time(&mut compared)?;
        let groups = self.look_at_groups(scan.groups, &mut scan.rows)?;
        // Only who is missing may be in a row that nobody can read.
        let is_full = self.bound.mapping().kind == FeedKind::Full;
        let holds = self.hold(
            &mut scan.rows,
            &mut compared,
            &mut earlier,
            waiting.len() as u64,
            if is_full { scan.unidentified } else { 0 },
        )?;
        self.take_back_renumbered(&mut scan.rows)?;
        let groups = groups.planned(&scan.rows);
        let action = self.bound.mapping().leavers;
        compared.take_in(earlier.approved_leavers.keys());
        let leaving = match action {
            Leavers::Ignore => 0,
            Leavers::Set if !self.bound.closes_leavers() => 0,
            Leavers::Set | Leavers::Deactivate { .. } | Leavers::Delete => {
                compared.leavers.len() as u64
            }
        };
        Ok(Prepared {
            effects: scan.rows.effects(&self.bound, leaving),
            plan: Plan::of(&scan.rows, compared.leavers.into_iter().collect(), action),
            causes: plan::with_later_causes(&self.bound, scan.causes, &scan.rows),
            rows: scan.rows,
            holds,
            silent: earlier.silent().filter_map(HoldNow::of_silent).collect(),
            sick,
            is_new_measure,
            earlier,
            known,
            groups,
            skipped,
            unanswered,
            not_in_feed: compared.not_in_feed,
            waiting,
            marked: compared.marked,
            is_new_feed: self.is_new_feed()?,
            profile: scan.profile,
        })
    }

    /// Goes on with a run that is resumed: records that, and marks the rows that it has
    /// settled. Returns the external IDs so far of people whom it may have renumbered.
    fn take_up(&mut self, scan: &mut Scan) -> Result<Vec<ExternalId>, RunError> {
        self.write_resumed()?;
        let rekeyed = self.mark_resumed(&mut scan.rows)?;
        if self.resumed.is_some() {
            // It may have rejected what is skipped by now.
            self.notes.scanned(scan, &self.feed)?;
        }
        Ok(rekeyed)
    }

    /// Makes fingerprints that can be compared with those of the journal.
    fn compare_with_journal(&mut self) -> Result<(), RunError> {
        if let Some(journal) = &self.journal {
            let key = journal.fingerprint_key()?;
            let has_unkeyed = journal.has_unkeyed(&self.scope)?;
            self.bound.compare_with(key, has_unkeyed);
        }
        Ok(())
    }

    /// Reads the whole feed. A run is resumed with the feed that it began with.
    fn scan(&mut self) -> Result<Scan, RunError> {
        let stop = self.stop.clone();
        let scan = plan::scan(
            &mut self.feed,
            &self.bound,
            seed(),
            true,
            &move || stop.is_requested(),
            &mut self.listener,
        )?;
        if !self.bound.mapping().is_way_back() {
            // Nobody wrote this feed.
            self.remarks
                .extend(scan.remarks.iter().map(ToString::to_string));
        }
        if let Some(run) = &self.resumed
            && run.feed_sha256.is_some()
        {
            if run.feed_sha256 != self.feed.sha256() {
                return Err(RunError::OtherFeed {
                    feed: self.feed.path().to_path_buf(),
                    run: run.id,
                });
            }
            if run.joined_sha256 != self.feed.joined_sha256() {
                let joined = self.feed.joined().into_iter();
                let joined: Vec<_> = joined.map(|file| file.path.display().to_string()).collect();
                return Err(RunError::OtherJoined {
                    files: joined,
                    run: run.id,
                });
            }
        }
        if self.resumed.is_none() {
            self.notes.scanned(&scan, &self.feed)?;
        }
        Ok(scan)
    }

    /// That an earlier delta was not finished: this one does not name again whom it left. Nor
    /// do rows that came back, which would take the place of a run that can be resumed.
    fn left_by_earlier_delta(&self) -> Result<Option<Sick>, RunError> {
        let allow = Allow::Unfinished;
        let mapping = self.bound.mapping();
        let corrected = mapping.corrections_of();
        let is_delta = mapping.kind == FeedKind::Delta || corrected.is_some();
        // A way back names everybody of its run, whatever others left.
        let (Some(journal), true) = (&self.journal, is_delta && !mapping.is_way_back()) else {
            return Ok(None);
        };
        let this = self.notes.recorder().map(|recorder| recorder.run);
        // A plan holds no lock: what is under way may well be finished.
        if this.is_none() && journal.is_under_way(&self.scope) {
            return Ok(None);
        }
        let runs = journal.since_finished(&self.scope, &self.mapping_path())?;
        let finished = journal.last_finished_run(&self.scope, &self.mapping_path())?;
        // A plan that was refused since it had been carried out left nobody.
        let is_done = |run: &Run| {
            let of = |run: &Run| (run.feed_sha256, run.joined_sha256, run.start.mapping_sha256);
            let is_refused = run.start.command == WITH_PLAN && run.state == RunState::Failed;
            is_refused && finished.as_ref().is_some_and(|last| of(last) == of(run))
        };
        let is_same = |run: &Run| match run.feed_sha256 {
            Some(digest) => Some(digest) == self.feed.sha256(),
            None => run.start.feed_path == whole_path(self.feed.source()),
        };
        let is_left = |run: &&Run| match (run.state, corrected) {
            // The next feed names everybody again, but some runs can be resumed.
            (state, Some(FeedKind::Full)) => {
                matches!(state, RunState::Running | RunState::Interrupted)
            }
            (RunState::Failed, _) => run.rows.is_some_and(|it| it > 0),
            _ => true,
        };
        let earlier = runs.iter();
        let mut earlier = earlier.take_while(|run| Some(run.id) != this && !is_same(run));
        Ok(earlier
            .find(|run| is_left(run) && !is_done(run))
            .filter(|_| !self.allowed.covers(&allow))
            .map(|run| Sick {
                why: match corrected {
                    None => format!(
                        "run {0} was not finished, and a delta does not name again whom it left \
                         (`hrfeed resume {0}` goes on, or another import of `{1}`)",
                        run.id, run.start.feed_path
                    ),
                    Some(_) => format!(
                        "run {0} was not finished, and rows that came back do not name again whom \
                         it left (`hrfeed resume {0}` goes on)",
                        run.id
                    ),
                },
                allow,
            }))
    }

    /// Stops a run whose feed looks wrong; a plan only shows it.
    /// Beside what is wrong, whether a person let anything pass.
    fn judge_feed(&mut self, scan: &mut Scan) -> Result<(Vec<Sick>, bool), RunError> {
        let before = match &self.journal {
            // Others have as many rows as people leave or change.
            _ if self.bound.mapping().kind != FeedKind::Full => Vec::new(),
            Some(journal) => journal.profiles(&self.scope, self.mapping_key)?,
            None => Vec::new(),
        };
        let before: Vec<_> = (before.iter())
            .filter_map(|(_, bytes)| Profile::from_bytes(bytes))
            .collect();
        let imported_before = match &self.journal {
            // Corrections are of an earlier feed, and who carries a plan out means its feed.
            Some(journal)
                if self.kept.is_none() && self.bound.mapping().corrections_of().is_none() =>
            {
                let file = self.feed_file();
                journal.imported_before(&self.scope, &self.mapping_path(), &file)?
            }
            _ => None,
        };
        let imported_before = imported_before.map(|runs| runs.map(|run| run.to_string()));
        let imported_before = imported_before.as_ref();
        let facts = FeedFacts {
            rows: scan.rows.counted(),
            rejected: scan.rows.count(RowState::Rejected),
            profile: &scan.profile,
            before: &before,
            age: feed_age(&self.feed, self.clock),
            imported_before: imported_before.map(|runs| runs.each_ref().map(String::as_str)),
            last: scan.last,
        };
        let guards = &self.bound.mapping().guards;
        let mut sick = guards::feed(guards, &self.allowed, &facts);
        let all = guards::feed(guards, &Allowed::default(), &facts);
        let is_new_measure = all.len() > sick.len();
        sick.extend(self.left_by_earlier_delta()?);
        if sick.is_empty() {
            self.remarks
                .extend(plan::worth_telling(&scan.profile, &before));
        } else if self.notes.recorder().is_some() {
            return Err(RunError::SickFeed(sick));
        }
        if guards::is_cut_off(&facts) {
            // Half a value is not a value.
            if let Some(row) = scan.last.and_then(|last| scan.rows.at(last.row)) {
                scan.rows.reject(row, Rule::CutOff);
            }
        }
        Ok((sick, is_new_measure))
    }
}

/// How old the file of a feed is, of several files the oldest; unknown for one from
/// standard input.
#[must_use]
pub fn feed_age(feed: &Feed, clock: Clock) -> Option<Duration> {
    let age = |time: Timestamp| Duration::try_from(clock.now().duration_since(time)).ok();
    times(feed).filter_map(age).max()
}

/// When the file of a feed was changed last, of several files the newest, in microseconds as
/// the journal keeps it; unknown for one from standard input.
pub(super) fn modified(feed: &Feed) -> Option<Timestamp> {
    Timestamp::from_microsecond(times(feed).max()?.as_microsecond()).ok()
}

/// When the files of a feed were changed last.
fn times(feed: &Feed) -> impl Iterator<Item = Timestamp> {
    feed.source()
        .parts()
        .iter()
        .filter_map(|source| match source {
            FeedSource::Path(path) => path.metadata().ok()?.modified().ok()?.try_into().ok(),
            FeedSource::Copy(copy) => copy.modified,
            FeedSource::Stdin | FeedSource::Files { .. } => None,
        })
}

/// Holds back the rows of people that an interrupted run may have created.
fn hold_back(rows: &mut RowTable, people: Vec<ExternalId>) -> Vec<Unanswered> {
    let mut unanswered = Vec::new();
    for external_id in people {
        if let Some(row) = rows.hold_back(external_id.as_str()) {
            unanswered.push(Unanswered {
                row,
                external_id,
                attempts: 0,
                why: "an interrupted run may have created this person, and the LMS could not \
                      confirm it"
                    .into(),
            });
        }
    }
    unanswered
}

/// Ties the mapping to the feed's columns, to the files in its folder and to the day on which
/// it is read.
///
/// # Errors
/// The mapping names a column that the feed does not have, or has twice.
pub fn bind<'m>(mapping: &'m Mapping, feed: &Feed, today: Date) -> Result<Bound<'m>, MappingError> {
    let attachments = match feed.source().parts().first() {
        Some(FeedSource::Path(path)) => Some(Attachments::of(path)),
        // What is beside a file of another machine is not here.
        _ => None,
    };
    let bound = mapping.bind_feed(feed, today).map_err(|error| {
        let mut others = feed.other_names().iter();
        match others.find(|(_, names)| mapping.bind(names, &[], today).is_ok()) {
            Some((row, _)) => error.with_help(format!(
                "row {row} has all columns that the mapping names: set `header_row = {row}` in \
                 [source]"
            )),
            None => error,
        }
    })?;
    Ok(bound.with_files(attachments))
}
