//! User groups: which exist, which must be created, and who is in them.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::engine::{End, Ledger};
use super::group_jobs::{Exists, GroupJob, GroupStep, Members};
use super::members::{MembersJob, MembersResult};
use super::memberships::Memberships;
use super::recorder::RunRecorder;
use super::{UploadError, Uploader};
use crate::event::Listener;
use crate::journal::{FeedKey, GroupNow, JournalError, Scope};
use crate::model::{Calls, Outcome};
use crate::plan::NamedGroups;
use crate::targets::Group;

/// The most people that are put into a group with one call. No API page states
/// a bound; common servers take a thousand parameters.
const MAX_MEMBERS: usize = 500;

/// What is to be done with the groups that a feed names.
#[derive(Clone, Debug, Default)]
pub struct GroupPlan {
    /// To create, the one above before the one below.
    pub create: Vec<Group>,
    /// There, with another name or parent than the feed says.
    pub change: Vec<Group>,
    /// Created by hrfeed and named no more: to be deleted once nobody is in them.
    pub delete: Vec<String>,
}

impl Uploader {
    /// Which of `groups` are there.
    ///
    /// # Errors
    /// The run was halted, or the LMS does not say.
    pub fn existing_groups(
        &mut self,
        groups: &[&str],
        listener: &mut dyn Listener,
    ) -> Result<Vec<bool>, UploadError> {
        let target = Arc::clone(&self.target);
        groups
            .iter()
            .map(|group| Ok(self.ask(Exists::new(&target, group), listener)?.is_there))
            .collect()
    }

    /// The external IDs of a group's members; `None` if there is no such group.
    ///
    /// # Errors
    /// The run was halted, or the LMS does not say.
    pub fn group_members(
        &mut self,
        group: &str,
        listener: &mut dyn Listener,
    ) -> Result<Option<Vec<String>>, UploadError> {
        let job = Members::new(&self.target, group);
        Ok(self.ask(job, listener)?.external_ids)
    }

    /// Creates and changes the groups of `plan`, puts people into groups and
    /// takes them out, and at last deletes what nobody names. What was done leaves
    /// the plan.
    ///
    /// # Errors
    /// The run was halted, or the journal cannot be written.
    pub fn groups(
        &mut self,
        plan: &mut GroupPlan,
        mut memberships: Memberships,
        (scope, feed): (&Scope, FeedKey),
        recorder: &RunRecorder,
        listener: &mut dyn Listener,
    ) -> Result<GroupsDone, UploadError> {
        let mut done = GroupsDone::default();
        // A row is in the journal as awaiting its groups before the first of them
        // is touched.
        recorder.writer.flush().wait_blocking()?;
        let note = |group: &str, now| recorder.writer.group(scope, feed, group, now);
        let joined: BTreeSet<String> = memberships.joined().map(str::to_owned).collect();
        let parents: BTreeSet<String> = (plan.create.iter())
            .filter_map(|group| group.parent.clone())
            .collect();
        // A group is created for somebody who comes into it.
        let (needed, others) = std::mem::take(&mut plan.create)
            .into_iter()
            .partition::<Vec<_>, _>(|it| joined.contains(&it.id) || parents.contains(&it.id));
        plan.create = others;
        let needed = needed.into_iter().map(GroupStep::Create);
        let changed = plan.change.drain(..).map(GroupStep::Change);
        for step in needed.chain(changed) {
            self.write_group(step, &note, &mut done, listener)?;
        }
        self.memberships(&mut memberships, &note, recorder, listener)?;
        for group in plan.delete.drain(..) {
            // What an LMS makes of a group with people in it is nowhere stated.
            let members = self.group_members(&group, listener)?;
            if members.is_some_and(|members| !members.is_empty()) {
                let why = "it still has members";
                done.refused.push((group, why.to_owned()));
                continue;
            }
            let step = GroupStep::Delete(group);
            self.write_group(step, &note, &mut done, listener)?;
        }
        Ok(done)
    }

    fn write_group(
        &mut self,
        step: GroupStep,
        note: NoteGroup<'_>,
        done: &mut GroupsDone,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        let job = self.ask(GroupJob::new(&self.target, step), listener)?;
        let id = job.id().to_owned();
        if let Some(why) = job.refused {
            done.refused.push((id, why));
            return Ok(());
        }
        let there = |group: &Group, created| GroupNow::There {
            created,
            fingerprint: NamedGroups::fingerprint_of(
                group.name.as_deref(),
                group.parent.as_deref(),
            ),
        };
        let (now, list) = match &job.step {
            GroupStep::Create(group) => (there(group, true), &mut done.created),
            GroupStep::Change(group) => (there(group, false), &mut done.changed),
            GroupStep::Delete(_) => (GroupNow::Gone, &mut done.deleted),
        };
        note(&id, now)?;
        list.push(id);
        Ok(())
    }

    /// Puts people into groups and takes them out, many with one call.
    fn memberships(
        &mut self,
        memberships: &mut Memberships,
        note: NoteGroup<'_>,
        recorder: &RunRecorder,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        let mut jobs = Vec::new();
        while let Some((leave, group, mut members)) = memberships.pop() {
            while !members.is_empty() {
                let rest = members.split_off(members.len().min(MAX_MEMBERS));
                jobs.push(MembersJob::new(&self.target, group.clone(), leave, members));
                members = rest;
            }
        }
        if jobs.is_empty() {
            return Ok(());
        }
        let (sender, mut receiver) = mpsc::channel(jobs.len());
        for job in jobs {
            // The channel has room for all of them.
            let _sent = sender.try_send(job);
        }
        drop(sender);
        let ledger = MembersLedger {
            memberships,
            note,
            recorder,
        };
        let engine = &mut self.engine;
        self.runtime
            .block_on(engine.drive(&mut receiver, ledger, listener))
    }
}

/// Notes the state of a group.
type NoteGroup<'a> = &'a dyn Fn(&str, GroupNow) -> Result<(), JournalError>;

/// Records who is in which group now.
struct MembersLedger<'a> {
    memberships: &'a mut Memberships,
    note: NoteGroup<'a>,
    recorder: &'a RunRecorder,
}

impl MembersLedger<'_> {
    fn record(&self, job: &mut MembersJob) -> Result<(), UploadError> {
        let members = job.take_unrecorded();
        if !members.is_empty() {
            let RunRecorder { writer, run, .. } = self.recorder;
            writer.members(*run, job.group(), members, !job.leaves())?;
        }
        Ok(())
    }
}

impl Ledger<MembersJob> for MembersLedger<'_> {
    fn advanced(&mut self, job: &mut MembersJob) -> Result<(), UploadError> {
        self.record(job)
    }

    fn ended(
        &mut self,
        mut job: MembersJob,
        end: End,
        _: &Calls,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        self.record(&mut job)?;
        let group = job.group().to_owned();
        if job.is_gone() {
            (self.note)(&group, GroupNow::Gone)?;
        }
        let MembersResult {
            done,
            refused,
            open,
            given_up,
        } = job.into_result();
        for member in &done {
            self.memberships
                .done(member, None, self.recorder, listener)?;
        }
        for (member, why) in refused {
            let why = Some((Outcome::Rejected, why));
            self.memberships
                .done(&member, why, self.recorder, listener)?;
        }
        // The rest of a halted run stays pending: to add a member once more changes
        // nothing.
        if !end.is_halted() {
            let why = given_up.unwrap_or_else(|| "no result".to_owned());
            let why = format!("group `{group}`: given up: {why}");
            for member in &open {
                let why = Some((Outcome::Failed, why.clone()));
                self.memberships
                    .done(member, why, self.recorder, listener)?;
            }
        }
        Ok(())
    }
}

/// What was done with groups as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupsDone {
    /// External IDs of groups that were created.
    pub created: Vec<String>,
    /// Of groups that got another name or parent.
    pub changed: Vec<String>,
    /// Of groups that were deleted.
    pub deleted: Vec<String>,
    /// Of groups of which the target refused that, with the reason.
    pub refused: Vec<(String, String)>,
}
