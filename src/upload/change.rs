//! One person to be made or changed: one write after the other, each of them
//! written down once the target has acknowledged it.
//!
//! # Invariants
//!
//! - A write of which nobody knows what became is followed by a look at the
//!   person, and repeated only where that does not show it done.
//! - Nobody is made before a look has shown that nobody is there.
//! - What the target refuses of the details ends the change; what it refuses
//!   of roles and rights does not keep the rest from the person.

use std::collections::VecDeque;
use std::sync::Arc;

use super::UploadError;
use super::engine::{Job, Next};
use super::look_up::SECOND_LOOK;
use super::recorder::RunRecorder;
use crate::journal::{Acknowledged, PersonState};
use crate::model::{Action, Parts, Step};
use crate::plan::{Change, Remaining, roles, steps_for};
use crate::retry::{Fatal, NoAnswer};
use crate::schema::{Part, Role};
use crate::targets::{Call, LookUpReply, Remote, Reply, Target, Written};

/// A change under way.
#[expect(
    clippy::struct_excessive_bools,
    reason = "what is known of a change are facts that do not follow from each other"
)]
pub(super) struct ChangeJob {
    target: Arc<dyn Target>,
    record: RunRecorder,
    pub(super) change: Box<Change>,
    /// What was acknowledged before.
    parts: Parts,
    /// What is still to be written, the next one first.
    steps: VecDeque<Step>,
    pub(super) groups_to_join: Vec<String>,
    pub(super) groups_to_leave: Vec<String>,
    roles_kept: Vec<String>,
    /// A look comes before the next write.
    look: bool,
    /// A write went out, and it is not known what became of it.
    pub(super) unsettled: bool,
    /// "Nobody there" is to be believed only at the second look.
    look_twice: bool,
    looked_twice: bool,
    /// The target did not let an update find the person.
    was_not_there: bool,
    /// The target said that the write does not go with what is there.
    conflict: Option<String>,
    /// A conflict was looked into once.
    had_conflict: bool,
    /// This run made the person.
    pub(super) created: bool,
    /// Something was written.
    pub(super) wrote: bool,
    /// Whoever was made inactive as a leaver is active again.
    reactivated: bool,
    /// Why nothing more is written: only a look is left.
    pub(super) given_up: Option<String>,
    pub(super) attempts: u32,
    pub(super) status: Option<u16>,
    pub(super) remote_id: Option<String>,
    /// What the target refused, as it says it.
    pub(super) refused: Option<String>,
    /// The details were refused: nothing else of the change makes sense.
    pub(super) is_refused_whole: bool,
    /// Acknowledged, and not written down yet.
    did: Vec<Acknowledged>,
}

impl ChangeJob {
    pub(super) fn new(
        target: Arc<dyn Target>,
        change: Box<Change>,
        parts: Parts,
        record: RunRecorder,
    ) -> Self {
        let mut job = Self {
            target,
            record,
            parts,
            steps: VecDeque::new(),
            groups_to_join: Vec::new(),
            groups_to_leave: Vec::new(),
            roles_kept: Vec::new(),
            look: change.doubtful,
            unsettled: change.doubtful,
            look_twice: false,
            looked_twice: false,
            was_not_there: false,
            conflict: None,
            had_conflict: false,
            created: change.awaits_groups == Some(true),
            wrote: change.awaits_groups.is_some(),
            reactivated: false,
            given_up: None,
            attempts: 0,
            status: None,
            remote_id: None,
            refused: None,
            is_refused_whole: false,
            did: Vec::new(),
            change,
        };
        let parts = std::mem::take(&mut job.parts);
        job.plan(job.change.action, parts);
        job
    }

    /// Whether all of its own writes are done or refused.
    pub(super) fn is_complete(&self) -> bool {
        self.steps.is_empty() && !self.look
    }

    /// Works out what is left to do.
    fn plan(&mut self, action: Action, parts: Parts) {
        let carries = self.target.adopting_updates(self.change.adopt_by);
        let Remaining {
            steps,
            groups_to_join,
            groups_to_leave,
            roles_kept,
        } = steps_for(&self.change, action, &parts, carries);
        self.steps = steps.into();
        self.groups_to_join = groups_to_join;
        self.groups_to_leave = groups_to_leave;
        self.roles_kept = roles_kept;
        self.parts = parts;
    }

    /// Takes back an intent of which nothing was sent.
    pub(super) fn not_sent(self) -> Result<(), UploadError> {
        // What a killed run may have sent stays an open intent; so does somebody
        // for whom something was done, or it would be done again.
        if !self.unsettled && !self.wrote && !self.created {
            let id = &self.change.content.external_id;
            let row = Some(self.change.row);
            self.record.writer.not_sent(self.record.run, row, id)?;
        }
        Ok(())
    }

    /// How the person stands now.
    pub(super) const fn state(&self) -> PersonState {
        if self.parts.is_inactive && !self.reactivated {
            PersonState::Inactive
        } else {
            PersonState::Active
        }
    }

    /// What was acknowledged and is not written down yet.
    pub(super) fn take_acknowledged(&mut self) -> Vec<Acknowledged> {
        std::mem::take(&mut self.did)
    }

    /// What a person should know of a change that went well.
    pub(super) fn remark(&self) -> Option<String> {
        let roles = self.target.system().spec().roles;
        let titles: Vec<_> = self
            .roles_kept
            .iter()
            .map(|role| Role::named(role, roles).map_or(role.as_str(), |role| role.title))
            .collect();
        match titles.as_slice() {
            [] => None,
            [title] => Some(format!(
                "the role {title} stays: no call takes a role away, so take it away on the LMS"
            )),
            titles => Some(format!(
                "the roles {} stay: no call takes a role away, so take them away on the LMS",
                titles.join(", ")
            )),
        }
    }

    /// The target acknowledged the first step.
    fn done(&mut self, remote_id: Option<String>) -> Next {
        self.remote_id = remote_id.or(self.remote_id.take());
        let Some(step) = self.steps.pop_front() else {
            return Next::Done;
        };
        self.wrote = true;
        self.created |= matches!(step, Step::Create { .. });
        self.reactivated |= matches!(
            step,
            Step::Update {
                reactivate: true,
                ..
            }
        );
        if self.target.system().spec().has_parts {
            self.note(step);
        }
        self.on()
    }

    /// Remembers what a step did.
    fn note(&mut self, step: Step) {
        let (details, picture) = (
            Acknowledged::Details(self.change.details),
            Acknowledged::Picture(self.change.picture),
        );
        let has_picture = self.change.content.picture.is_some();
        match step {
            Step::Create { roles, .. } => {
                self.did.extend([Acknowledged::Created, details]);
                self.did.extend(has_picture.then_some(picture));
                self.did.push(Acknowledged::Added(Part::Roles, roles));
            }
            Step::Update {
                details: sent_details,
                picture: sent_picture,
                ..
            } => {
                self.did.extend(sent_details.then_some(details));
                self.did.extend(sent_picture.then_some(picture));
            }
            Step::Adopt { by, .. } => {
                self.did.push(Acknowledged::Created);
                if self.target.adopting_updates(by) {
                    self.did.push(details);
                    self.did.extend(has_picture.then_some(picture));
                }
            }
            Step::AddRoles(roles) => self.did.push(Acknowledged::Added(Part::Roles, roles)),
            Step::Link(part, items) => self.did.push(Acknowledged::Added(part, items)),
            Step::Unlink(part, items) => self.did.push(Acknowledged::Removed(part, items)),
            Step::BringBack | Step::Deactivate { .. } | Step::Delete => {}
        }
    }

    /// Goes on with the next step. What is acknowledged is on its way to the
    /// disk before.
    fn on(&mut self) -> Next {
        if self.steps.is_empty() {
            return Next::Done;
        }
        let did = self.take_acknowledged();
        if !did.is_empty() {
            let id = &self.change.content.external_id;
            // A journal that failed stops the run wherever it is asked next.
            let _told_later = self.record.writer.acknowledge(self.record.run, id, did);
        }
        Next::Call
    }

    /// The target refuses the first step for good.
    fn refuse(&mut self, message: String) -> Next {
        self.refused.get_or_insert(message);
        let step = self.steps.pop_front();
        if let Some(Step::AddRoles(_) | Step::Link(..) | Step::Unlink(..)) = step {
            return self.on();
        }
        self.is_refused_whole = true;
        self.steps.clear();
        Next::Done
    }

    /// The target refuses something of a step that names several: each is
    /// tried by itself, so that one of them does not keep the others away.
    /// Returns `false` where it names just one.
    fn split(&mut self) -> bool {
        let halves = |items: &[String]| {
            let (one, other) = items.split_at(items.len() / 2);
            (one.to_vec(), other.to_vec())
        };
        let (one, other) = match self.steps.front() {
            Some(Step::Link(part, items)) if items.len() > 1 => {
                let (one, other) = halves(items);
                (Step::Link(*part, one), Step::Link(*part, other))
            }
            Some(Step::Unlink(part, items)) if items.len() > 1 => {
                let (one, other) = halves(items);
                (Step::Unlink(*part, one), Step::Unlink(*part, other))
            }
            _ => return false,
        };
        self.steps.pop_front();
        self.steps.push_front(other);
        self.steps.push_front(one);
        true
    }

    fn written(&mut self, step: &Step, written: Written) -> Next {
        match (written, step) {
            (Written::Applied(remote_id), _) => self.done(remote_id),
            (Written::Denied, _) => Next::Fatal(Fatal::Forbidden("")),
            (Written::Unclear { why }, _) => Next::Unclear(why),
            (Written::WrongAddress, _) | (Written::NotFound, Step::Create { .. }) => {
                Next::Fatal(Fatal::WrongAddress)
            }
            (Written::Conflict { message }, Step::Create { .. } | Step::Update { .. })
                if !self.had_conflict =>
            {
                self.had_conflict = true;
                self.conflict = Some(message);
                self.look = true;
                Next::Call
            }
            (
                Written::Refused { .. } | Written::Conflict { .. } | Written::NotFound,
                Step::Link(..) | Step::Unlink(..),
            ) if self.split() => Next::Call,
            // Nothing is left to be taken away, if it is not a proxy that says so.
            (Written::NotFound, Step::Unlink(..)) if self.was_not_there => self.done(None),
            (Written::NotFound, Step::Link(_, items)) => self.refuse(format!(
                "the LMS has no content library `{}`",
                items.first().map_or("", String::as_str)
            )),
            (Written::NotFound, Step::Adopt { .. }) => self
                .refuse("the account that was to get the external ID is not there any more".into()),
            (Written::Refused { message }, _) => self.refuse(message),
            (Written::Conflict { message }, step) => {
                let message = self.target.conflict(step, &message, true);
                self.refuse(message)
            }
            (Written::NotFound, _) if self.was_not_there => {
                self.refuse("the LMS shows the person and does not find it for an update".into())
            }
            // Gone, or a proxy whose target is away for a moment: looked at
            // twice before the person is made anew.
            (Written::NotFound, _) => {
                self.was_not_there = true;
                self.look = true;
                self.look_twice = true;
                Next::Call
            }
        }
    }

    fn looked(&mut self, reply: &Reply) -> Next {
        let id = &self.change.content.external_id;
        match self.target.looked_up(id, reply) {
            LookUpReply::Found(person) => match self.conflict.take() {
                Some(message) => self.found_in_conflict(&message, &person),
                None => self.found(&person),
            },
            LookUpReply::Absent { certain }
                if self.look_twice || !certain && !self.looked_twice =>
            {
                self.look_twice = false;
                self.looked_twice = true;
                Next::Later(SECOND_LOOK)
            }
            LookUpReply::Absent { .. } => self.nobody_there(),
            LookUpReply::Unclear { why } => Next::Unclear(why),
        }
    }

    /// The person is there, and it was not known whether a write was done.
    fn found(&mut self, person: &Remote) -> Next {
        self.look = false;
        let was_unsettled = std::mem::take(&mut self.unsettled);
        let Some(step) = self.steps.front().cloned() else {
            return Next::Done;
        };
        let shows = person.shows(&step, &self.change.content);
        self.remote_id = Some(person.id.clone());
        if let Step::Create { .. } = step {
            // Nobody was there before this run's create, so the person is its
            // work; but for somebody who was there already and was to be
            // adopted.
            self.created |= was_unsettled && self.change.adopt.is_none();
            self.wrote |= self.created;
            if self.given_up.is_some() && !self.created {
                return Next::Done;
            }
            self.go_on_with(person, shows == Some(true));
            return if self.steps.is_empty() {
                Next::Done
            } else {
                self.on()
            };
        }
        if let Step::Adopt { by, .. } = step {
            return self.was_adopted(by, shows == Some(true));
        }
        match shows {
            Some(true) => self.done(None),
            _ if self.given_up.is_some() => Next::Done,
            // To repeat what the person does not show is safe: it comes to the
            // same.
            _ => Next::Call,
        }
    }

    /// Somebody has the external ID now, so the adoption was done; not so,
    /// perhaps, what was to be changed with it.
    fn was_adopted(&mut self, by: &str, is_as_wanted: bool) -> Next {
        let carries = self.target.adopting_updates(by);
        if carries && is_as_wanted {
            return self.done(None);
        }
        self.steps.pop_front();
        self.wrote = true;
        if self.target.system().spec().has_parts {
            self.did.push(Acknowledged::Created);
        }
        if carries {
            self.steps.push_front(Step::Update {
                details: true,
                picture: self.change.content.picture.is_some(),
                reactivate: false,
            });
        }
        self.on()
    }

    /// Somebody is there after all: what is left to do, the person given.
    fn go_on_with(&mut self, person: &Remote, is_as_wanted: bool) {
        let has = person.roles.iter().flatten();
        // Acknowledged by this run before it was interrupted.
        let is_own = self.parts.details.is_some();
        let rights = self.parts.given.iter().filter(|_| is_own);
        let parts = Parts {
            details: is_as_wanted.then_some(self.change.details),
            // It went with the details.
            picture: is_as_wanted.then_some(self.change.picture),
            given: has
                .map(|role| (Part::Roles, role.clone()))
                .chain(rights.filter(|(part, _)| *part != Part::Roles).cloned())
                .collect(),
            ..Parts::default()
        };
        if self.target.system().spec().has_parts {
            self.did.extend((!is_own).then_some(Acknowledged::Created));
            self.did.extend(parts.details.map(Acknowledged::Details));
            let has_picture = self.change.content.picture.is_some();
            let picture = parts.picture.filter(|_| has_picture);
            self.did.extend(picture.map(Acknowledged::Picture));
            // Only what the feed gives is hrfeed's to remember.
            let given = roles(&self.change.content)
                .into_iter()
                .filter(|role| person.roles.iter().flatten().any(|has| has == role))
                .collect();
            self.did.push(Acknowledged::Added(Part::Roles, given));
        }
        self.plan(Action::Update, parts);
        // What somebody has beyond that is not hrfeed's to tell of.
        self.roles_kept.clear();
    }

    fn found_in_conflict(&mut self, message: &str, person: &Remote) -> Next {
        self.look = false;
        let Some(step) = self.steps.front().cloned() else {
            return Next::Done;
        };
        self.remote_id = Some(person.id.clone());
        if let Step::Create { again, .. } = step {
            // This run's first attempt was long under way; or else somebody
            // was quicker.
            self.created |= again && self.change.adopt.is_none();
            self.wrote |= self.created;
            self.go_on_with(person, false);
        } else if !person.is_archived {
            let message = self.target.conflict(&step, message, true);
            return self.refuse(message);
        }
        if person.is_archived {
            self.steps.push_front(Step::BringBack);
        }
        self.on()
    }

    fn nobody_there(&mut self) -> Next {
        if let (Some(message), Some(step)) = (self.conflict.take(), self.steps.front().cloned()) {
            self.look = false;
            let message = self.target.conflict(&step, &message, false);
            return self.refuse(message);
        }
        self.unsettled = false;
        if self.given_up.is_some() {
            return Next::Done;
        }
        self.look = false;
        let action = match self.change.adopt {
            Some(_) => Action::Adopt,
            None => Action::Create,
        };
        self.plan(action, Parts::default());
        // What was sent before may still be at work.
        if let Some(Step::Create { again, .. }) = self.steps.front_mut() {
            *again = true;
        }
        Next::Call
    }
}

impl Job for ChangeJob {
    fn call(&mut self) -> Call {
        self.attempts += 1;
        let content = &self.change.content;
        match self.steps.front() {
            Some(step) if !self.look => self.target.write(content, step),
            _ => self.target.look_up(&content.external_id),
        }
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        self.status = Some(reply.status);
        if self.look {
            return self.looked(reply);
        }
        let Some(step) = self.steps.front().cloned() else {
            return Next::Done;
        };
        match self.written(
            &step,
            self.target.written(&self.change.content, &step, reply),
        ) {
            Next::Fatal(Fatal::Forbidden(_)) => Next::Fatal(Fatal::Forbidden(reply.call)),
            next => next,
        }
    }

    fn is_write(&self) -> bool {
        !self.look
    }

    fn give_up(&mut self, trouble: &NoAnswer) -> bool {
        let first_time = self.given_up.is_none();
        self.given_up = Some(trouble.why());
        first_time && self.unsettled
    }

    fn unanswered(&mut self, may_have_applied: bool) {
        if may_have_applied && !self.look {
            self.unsettled = true;
            self.look = true;
            self.look_twice = matches!(
                self.steps.front(),
                Some(Step::Create { .. } | Step::Adopt { .. })
            );
        }
    }
}
