//! User groups: which are there, which must be made, and who is in them.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::engine::{End, Job, Next};
use super::look_up::one;
use super::members::MembersJob;
use super::memberships::Memberships;
use super::recorder::RunRecorder;
use super::scrub::shorten;
use super::{Halt, UploadError, Uploader};
use crate::event::Listener;
use crate::journal::{FeedKey, GroupNow, Scope};
use crate::model::{Calls, Outcome};
use crate::plan::NamedGroups;
use crate::retry::Fatal;
use crate::targets::{Call, Group, GroupCall, Reply, Target, Written};

/// The most people that are put into a group with one call. No API page states
/// a bound; common servers take a thousand parameters.
const MAX_MEMBERS: usize = 500;

/// What is to be done with the groups that a feed names.
#[derive(Clone, Debug, Default)]
pub struct GroupPlan {
    /// Not there: to be made, the one above before the one below.
    pub make: Vec<Group>,
    /// There, with another name or parent than the feed says.
    pub change: Vec<Group>,
    /// Made by hrfeed and named no more: to be deleted once nobody is in them.
    pub delete: Vec<String>,
}

impl Uploader {
    /// Which of `groups` are there.
    ///
    /// # Errors
    /// The run was halted, or the target does not say.
    pub fn existing_groups(
        &mut self,
        groups: &[&str],
        listener: &mut dyn Listener,
    ) -> Result<Vec<bool>, UploadError> {
        let mut there = Vec::with_capacity(groups.len());
        for group in groups {
            let asked = self.group_job(What::Exists((*group).to_owned()), listener)?;
            there.push(asked.truth == Some(true));
        }
        Ok(there)
    }

    /// The external IDs of a group's members; `None` if there is no such group.
    ///
    /// # Errors
    /// The run was halted, or the target does not say.
    pub fn group_members(
        &mut self,
        group: &str,
        listener: &mut dyn Listener,
    ) -> Result<Option<Vec<String>>, UploadError> {
        let job = self.group_job(What::Members(group.to_owned()), listener)?;
        Ok(job.members)
    }

    /// Makes one call about a group as a whole, and settles it.
    fn group_job(
        &mut self,
        what: What,
        listener: &mut dyn Listener,
    ) -> Result<AboutGroup, UploadError> {
        let job = AboutGroup::new(&self.target, what);
        let mut ended = None;
        self.runtime
            .block_on(one(&mut self.engine, job, listener, |job, end| {
                match end {
                    End::Done => ended = Some(job),
                    // The target answers others and not this: for a run that
                    // cannot go on without it that is as good as down.
                    End::GaveUp(trouble) => {
                        return Err(UploadError::Halted(Halt::Outage {
                            why: trouble.why(),
                            down: std::time::Duration::ZERO,
                            ever_up: true,
                        }));
                    }
                    End::Halted => {}
                }
                Ok(())
            }))?;
        ended.ok_or(UploadError::Halted(Halt::Requested))
    }

    /// Makes and changes the groups of `plan`, puts people into groups and
    /// takes them out, and at last deletes what nobody names.
    ///
    /// # Errors
    /// The run was halted, or the journal cannot be written.
    pub fn groups(
        &mut self,
        plan: &GroupPlan,
        mut joins: Memberships,
        (scope, feed): (&Scope, FeedKey),
        record: &RunRecorder,
        listener: &mut dyn Listener,
    ) -> Result<GroupsDone, UploadError> {
        let mut done = GroupsDone::default();
        // A row stands in the journal as awaiting its groups before the first
        // of them is touched.
        record.writer.flush().wait_blocking()?;
        let wanted: BTreeSet<String> = joins.joined().map(str::to_owned).collect();
        let parents: BTreeSet<&str> = plan
            .make
            .iter()
            .filter_map(|group| group.parent.as_deref())
            .collect();
        for group in &plan.make {
            // A group is made for somebody who comes into it.
            if !wanted.contains(&group.id) && !parents.contains(group.id.as_str()) {
                continue;
            }
            match self.group_job(What::Make(group.clone()), listener)?.refused {
                None => {
                    let fingerprint =
                        NamedGroups::fingerprint_of(group.name.as_deref(), group.parent.as_deref());
                    let now = GroupNow::There {
                        made: true,
                        fingerprint,
                    };
                    record.writer.group(scope, feed, &group.id, now)?;
                    done.made.push(group.id.clone());
                }
                Some(why) => done.refused.push((group.id.clone(), why)),
            }
        }
        for group in &plan.change {
            match self
                .group_job(What::Change(group.clone()), listener)?
                .refused
            {
                None => {
                    let fingerprint =
                        NamedGroups::fingerprint_of(group.name.as_deref(), group.parent.as_deref());
                    let now = GroupNow::There {
                        made: false,
                        fingerprint,
                    };
                    record.writer.group(scope, feed, &group.id, now)?;
                    done.changed.push(group.id.clone());
                }
                Some(why) => done.refused.push((group.id.clone(), why)),
            }
        }
        self.memberships(&mut joins, (scope, feed), record, listener)?;
        for group in &plan.delete {
            // What an LMS makes of a group with people in it is nowhere stated.
            let members = self.group_members(group, listener)?;
            if members.is_some_and(|members| !members.is_empty()) {
                let why = "somebody is in it whom hrfeed did not put there";
                done.refused.push((group.clone(), why.to_owned()));
                continue;
            }
            match self
                .group_job(What::Delete(group.clone()), listener)?
                .refused
            {
                None => {
                    record.writer.group(scope, feed, group, GroupNow::Gone)?;
                    done.deleted.push(group.clone());
                }
                Some(why) => done.refused.push((group.clone(), why)),
            }
        }
        Ok(done)
    }

    fn memberships(
        &mut self,
        joins: &mut Memberships,
        (scope, feed): (&Scope, FeedKey),
        record: &RunRecorder,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        let mut jobs = Vec::new();
        while let Some((leave, group, mut members)) = joins.pop() {
            while !members.is_empty() {
                let rest = members.split_off(members.len().min(MAX_MEMBERS));
                jobs.push(MembersJob::new(
                    &self.target,
                    group.clone(),
                    leave,
                    members,
                    record.clone(),
                ));
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
        let engine = &mut self.engine;
        self.runtime.block_on(engine.drive(
            &mut receiver,
            |mut job: MembersJob, end, _: &Calls, listener: &mut dyn Listener| {
                if job.is_gone {
                    record
                        .writer
                        .group(scope, feed, &job.group, GroupNow::Gone)?;
                }
                for member in &job.done {
                    joins.done(member, None, record, listener)?;
                }
                for (member, why) in &job.refused {
                    let why = Some((Outcome::Rejected, why.clone()));
                    joins.done(member, why, record, listener)?;
                }
                if let End::GaveUp(trouble) = end {
                    let why = format!("group `{}`: given up: {}", job.group, trouble.why());
                    for member in job.todo.drain(..).flatten() {
                        let why = Some((Outcome::Failed, why.clone()));
                        joins.done(&member, why, record, listener)?;
                    }
                }
                // Of a halted run the rest stays pending: whoever is in the
                // group is put into it once more, which changes nothing.
                Ok(())
            },
            listener,
        ))
    }
}

/// What was done with groups as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupsDone {
    /// External IDs of groups that were made.
    pub made: Vec<String>,
    /// Of groups that got another name or parent.
    pub changed: Vec<String>,
    /// Of groups that were deleted.
    pub deleted: Vec<String>,
    /// Of groups of which the target refused that, with the reason.
    pub refused: Vec<(String, String)>,
}

/// A question or a write about one group.
enum What {
    Exists(String),
    Members(String),
    Make(Group),
    Change(Group),
    Delete(String),
}

struct AboutGroup {
    target: Arc<dyn Target>,
    what: What,
    /// A write got no usable answer: is the group there?
    look: bool,
    /// The target did not find it for the write.
    was_not_there: bool,
    truth: Option<bool>,
    members: Option<Vec<String>>,
    refused: Option<String>,
}

impl AboutGroup {
    fn new(target: &Arc<dyn Target>, what: What) -> Self {
        Self {
            target: Arc::clone(target),
            what,
            look: false,
            was_not_there: false,
            truth: None,
            members: None,
            refused: None,
        }
    }

    fn id(&self) -> &str {
        match &self.what {
            What::Exists(id) | What::Members(id) | What::Delete(id) => id,
            What::Make(group) | What::Change(group) => &group.id,
        }
    }

    /// What the look says of the write before it.
    fn looked(&mut self, is_there: bool) -> Next {
        self.look = false;
        match &self.what {
            What::Make(_) if is_there => Next::Done,
            What::Delete(_) if !is_there => Next::Done,
            // Giving it the same name once more changes nothing.
            _ => Next::Call,
        }
    }
}

impl Job for AboutGroup {
    fn call(&mut self) -> Call {
        let Some(groups) = self.target.groups() else {
            return self.target.probe();
        };
        groups.call(match &self.what {
            What::Exists(id) => GroupCall::Exists(id),
            _ if self.look => GroupCall::Exists(self.id()),
            What::Members(id) => GroupCall::Members(id),
            What::Make(group) => GroupCall::Make(group),
            What::Change(group) => GroupCall::Change(group),
            What::Delete(id) => GroupCall::Delete(id),
        })
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        let target = Arc::clone(&self.target);
        let Some(groups) = target.groups() else {
            return Next::Done;
        };
        if self.look || matches!(self.what, What::Exists(_)) {
            return match groups.truth(reply) {
                Some(truth) if self.look => self.looked(truth),
                Some(truth) => {
                    self.truth = Some(truth);
                    Next::Done
                }
                None => Next::Unclear("the answer is neither true nor false"),
            };
        }
        if let What::Members(_) = self.what {
            if groups.truth(reply) == Some(false) {
                return Next::Done;
            }
            self.members = groups.members(reply);
            return match self.members {
                Some(_) => Next::Done,
                None => Next::Unclear("the answer is no list of a group's members"),
            };
        }
        match groups.done(reply) {
            Written::Applied(_) => Next::Done,
            // It may be a page of a proxy's that says so.
            Written::NotFound if matches!(self.what, What::Delete(_)) && !self.was_not_there => {
                self.was_not_there = true;
                self.look = true;
                Next::Call
            }
            Written::NotFound => {
                self.refused = Some("the LMS does not have it, or not the group above it".into());
                Next::Done
            }
            // What is said of a group with people in it may quote them.
            Written::Refused { .. } | Written::Conflict { .. }
                if matches!(self.what, What::Delete(_)) =>
            {
                let why = format!("the LMS does not delete it (status {})", reply.status);
                self.refused = Some(why);
                Next::Done
            }
            Written::Refused { message } | Written::Conflict { message } => {
                self.refused = Some(shorten(&message));
                Next::Done
            }
            Written::Denied => Next::Fatal(Fatal::Forbidden(reply.call)),
            Written::WrongAddress => Next::Fatal(Fatal::WrongAddress),
            Written::Unclear { why } => Next::Unclear(why),
        }
    }

    fn is_write(&self) -> bool {
        !self.look && matches!(self.what, What::Make(_) | What::Change(_) | What::Delete(_))
    }

    fn unanswered(&mut self, may_have_applied: bool) {
        self.look |= may_have_applied && self.is_write();
    }
}
