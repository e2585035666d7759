//! One person to create or change: one write after the other.
//!
//! A job is values in, values out: an answer goes in, the next call comes out,
//! and what the LMS has acknowledged is handed out for the caller to record.
//!
//! # Invariants
//!
//! - What follows an answer is decided by [`Course`] alone.
//! - Nobody is created before a look-up has shown that nobody is there.
//! - What the LMS refuses of the details ends the change; what it refuses of
//!   roles and rights does not keep the rest from the person.

use std::collections::VecDeque;
use std::sync::Arc;

use super::engine::{Job, Next};
use super::phase::{Answer, Because, Course, Phase, Refusal, Then, Write};
use crate::journal::{Acknowledged, PersonState};
use crate::model::{Action, BeforeGroups, Parts, Step};
use crate::plan::{Change, Remaining, roles, steps_for};
use crate::retry::NoAnswer;
use crate::schema::{Part, Role};
use crate::targets::{Call, LookUpReply, Remote, Reply, Target, Written};

/// What this run has done for a person so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    /// Nothing was written.
    None,
    /// Something was written.
    Changed,
    /// The person was created.
    Created,
}

/// What the LMS refused, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// A role or a right: the rest is done.
    Part(String),
    /// The details: nothing else of the change makes sense.
    Whole(String),
}

impl Refused {
    pub(super) fn message(&self) -> &str {
        match self {
            Self::Part(message) | Self::Whole(message) => message,
        }
    }
}

/// A change under way.
pub(super) struct ChangeJob {
    target: Arc<dyn Target>,
    pub(super) change: Box<Change>,
    /// What was acknowledged before.
    parts: Parts,
    /// What is still to be written, the next one first.
    steps: VecDeque<Step>,
    pub(super) groups_to_join: Vec<String>,
    pub(super) groups_to_leave: Vec<String>,
    roles_kept: Vec<String>,
    course: Course,
    /// What the LMS said of the write that conflicts.
    conflict: String,
    pub(super) effect: Effect,
    pub(super) refused: Option<Refused>,
    /// Why nothing more is written.
    pub(super) given_up: Option<String>,
    pub(super) attempts: u32,
    pub(super) status: Option<u16>,
    pub(super) remote_id: Option<String>,
    /// Acknowledged, and not handed out yet.
    acknowledged: Vec<Acknowledged>,
}

/// What an answer holds beside its kind.
enum Evidence {
    Nothing,
    /// The LMS's id for the person.
    Id(Option<String>),
    /// What the LMS says.
    Message(String),
    Person(Box<Remote>),
    /// Why the answer is unusable.
    Why(&'static str),
}

impl ChangeJob {
    pub(super) fn new(target: Arc<dyn Target>, change: Box<Change>, parts: Parts) -> Self {
        let mut job = Self {
            target,
            parts: Parts::default(),
            steps: VecDeque::new(),
            groups_to_join: Vec::new(),
            groups_to_leave: Vec::new(),
            roles_kept: Vec::new(),
            course: if change.may_have_applied {
                Course::interrupted()
            } else {
                Course::new()
            },
            conflict: String::new(),
            effect: match change.before_groups {
                None => Effect::None,
                Some(BeforeGroups::Changed) => Effect::Changed,
                Some(BeforeGroups::Created) => Effect::Created,
            },
            refused: None,
            given_up: None,
            attempts: 0,
            status: None,
            remote_id: None,
            acknowledged: Vec::new(),
            change,
        };
        job.plan(job.change.action, parts);
        job
    }

    /// Whether all of its own writes are done or refused.
    pub(super) fn is_complete(&self) -> bool {
        self.steps.is_empty() && self.course.is_write()
    }

    /// Whether a write went out whose outcome is unknown.
    pub(super) const fn is_unknown(&self) -> bool {
        self.course.is_unknown()
    }

    /// Whether the details were refused.
    pub(super) const fn is_refused_whole(&self) -> bool {
        matches!(self.refused, Some(Refused::Whole(_)))
    }

    /// The person's state after what was done.
    pub(super) const fn state(&self) -> PersonState {
        if self.parts.is_inactive {
            PersonState::Inactive
        } else {
            PersonState::Active
        }
    }

    /// What was acknowledged and not handed out before.
    pub(super) fn take_acknowledged(&mut self) -> Vec<Acknowledged> {
        std::mem::take(&mut self.acknowledged)
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

    /// The write that comes next, as far as the rule tells writes apart.
    fn next_write(&self) -> Write {
        match self.steps.front() {
            Some(Step::Create { .. }) => Write::Create,
            Some(Step::Adopt { .. }) => Write::Adopt,
            Some(Step::BringBack) => Write::BringBack,
            Some(Step::AddRoles(_)) => Write::AddRoles,
            Some(Step::Link(_, items)) => Write::Link {
                several: items.len() > 1,
            },
            Some(Step::Unlink(_, items)) => Write::Unlink {
                several: items.len() > 1,
            },
            Some(Step::Deactivate { .. } | Step::Delete) => Write::Leave,
            // Where nothing is left to write, an interrupted run's last write is
            // read back.
            Some(Step::Update { .. } | Step::Rekey { .. }) | None => Write::Update,
        }
    }

    /// What an answer to a write means.
    fn judge_write(&self, reply: &Reply) -> (Answer, Evidence) {
        let Some(step) = self.steps.front() else {
            return (Answer::Applied, Evidence::Nothing);
        };
        let written = self.target.written(&self.change.content, step, reply);
        let answer = Answer::from(&written);
        let evidence = match written {
            Written::Applied(id) => Evidence::Id(id),
            Written::Refused { message } | Written::Conflict { message } => {
                Evidence::Message(message)
            }
            Written::Unclear { why } => Evidence::Why(why),
            Written::NotFound | Written::WrongAddress | Written::Denied => Evidence::Nothing,
        };
        (answer, evidence)
    }

    /// What an answer to a read-back means.
    fn judge_read_back(&self, reply: &Reply) -> (Answer, Evidence) {
        let content = &self.change.content;
        match self.target.looked_up(&content.external_id, reply) {
            LookUpReply::Found(person) => {
                let shows = |step| person.shows(step, content) == Some(true);
                let answer = if person.is_archived && self.is_in_conflict() {
                    Answer::Archived
                } else if self.steps.front().is_none_or(shows) {
                    Answer::Shown
                } else {
                    Answer::NotShown
                };
                (answer, Evidence::Person(Box::new(person)))
            }
            LookUpReply::Absent { certain } => (Answer::Absent { certain }, Evidence::Nothing),
            LookUpReply::Unclear { why } => (Answer::Unclear, Evidence::Why(why)),
        }
    }

    const fn is_in_conflict(&self) -> bool {
        matches!(
            self.course.phase,
            Phase::ReadBack {
                because: Because::Conflict,
                ..
            }
        )
    }

    /// Does what the rule says. `was` is where the job was when the answer
    /// came.
    fn act(
        &mut self,
        then: Then,
        (was, answer, evidence): (Course, Answer, Evidence),
        reply: &Reply,
    ) -> Next {
        if let Evidence::Person(person) = &evidence {
            self.remote_id = Some(person.id.clone());
        }
        match (then, evidence) {
            (Then::Done, Evidence::Id(id)) => self.done(id),
            (Then::Done, _) => self.done(None),
            (Then::ReadBack, Evidence::Message(message)) => {
                self.conflict = message;
                Next::Call
            }
            (Then::Split, _) => self.split(),
            (Then::Existing, Evidence::Person(person)) => self.found_existing(&person, was, answer),
            (Then::Adopted, _) => self.was_adopted(answer == Answer::Shown),
            (Then::BringBack, _) => {
                self.steps.push_front(Step::BringBack);
                Next::Call
            }
            (Then::StartOver, _) => self.start_over(),
            (Then::Refuse(refusal), Evidence::Message(message)) => self.refuse(refusal, &message),
            (Then::Refuse(refusal), _) => {
                let message = std::mem::take(&mut self.conflict);
                self.refuse(refusal, &message)
            }
            (Then::Existing, _) => Next::Done,
            (then, Evidence::Why(why)) => then.next(reply, why),
            (then, _) => then.next(reply, "the answer does not go with the call"),
        }
    }

    /// Goes on with the next step, if there is one.
    fn advance(&self) -> Next {
        if self.steps.is_empty() {
            Next::Done
        } else {
            Next::Call
        }
    }

    /// The LMS acknowledged the first step.
    fn done(&mut self, remote_id: Option<String>) -> Next {
        self.remote_id = remote_id.or(self.remote_id.take());
        let Some(step) = self.steps.pop_front() else {
            return Next::Done;
        };
        let effect = match step {
            Step::Create { .. } => Effect::Created,
            _ => Effect::Changed,
        };
        self.effect = self.effect.max(effect);
        if let Step::Update {
            reactivate: true, ..
        } = step
        {
            self.parts.is_inactive = false;
        }
        if self.target.system().spec().has_parts {
            self.note(step);
        }
        self.advance()
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
                self.acknowledged.extend([Acknowledged::Created, details]);
                self.acknowledged.extend(has_picture.then_some(picture));
                self.acknowledged
                    .push(Acknowledged::Added(Part::Roles, roles));
            }
            Step::Update {
                details: sent_details,
                picture: sent_picture,
                ..
            } => {
                self.acknowledged.extend(sent_details.then_some(details));
                self.acknowledged.extend(sent_picture.then_some(picture));
            }
            Step::Adopt { by, .. } => {
                self.acknowledged.push(Acknowledged::Created);
                if self.target.adopting_updates(by) {
                    self.acknowledged.push(details);
                    self.acknowledged.extend(has_picture.then_some(picture));
                }
            }
            Step::Rekey { .. } => {
                self.acknowledged.push(details);
                self.acknowledged.extend(has_picture.then_some(picture));
            }
            Step::AddRoles(roles) => self
                .acknowledged
                .push(Acknowledged::Added(Part::Roles, roles)),
            Step::Link(part, items) => self.acknowledged.push(Acknowledged::Added(part, items)),
            Step::Unlink(part, items) => self.acknowledged.push(Acknowledged::Removed(part, items)),
            Step::BringBack | Step::Deactivate { .. } | Step::Delete => {}
        }
    }

    /// The LMS refuses the first step for good.
    fn refuse(&mut self, refusal: Refusal, message: &str) -> Next {
        let Some(step) = self.steps.pop_front() else {
            return Next::Done;
        };
        let message = match (refusal, &step) {
            (Refusal::Stated, _) => message.to_owned(),
            (Refusal::Conflict { found }, step) => self.target.conflict(step, message, found),
            (Refusal::NotFound, Step::Link(_, items)) => format!(
                "the LMS has no content library `{}`",
                items.first().map_or("", String::as_str)
            ),
            (Refusal::NotFound, _) => {
                "the account that was to get the external ID is not there any more".into()
            }
            (Refusal::NotFoundThoughShown, _) => {
                "the LMS shows the person and does not find it for an update".into()
            }
            (Refusal::Vanished, _) => {
                "the LMS had the person a moment ago and no longer shows an account: check it there"
                    .into()
            }
        };
        if let (Step::AddRoles(_) | Step::Link(..) | Step::Unlink(..), false) =
            (&step, refusal == Refusal::Vanished)
        {
            self.refused.get_or_insert(Refused::Part(message));
            return self.advance();
        }
        let first = self.refused.take();
        let message = first.map_or(message, |first| first.message().to_owned());
        self.refused = Some(Refused::Whole(message));
        self.steps.clear();
        Next::Done
    }

    /// The LMS refuses something of a step that names several: each half is
    /// tried by itself, so that one of them does not keep the others away.
    fn split(&mut self) -> Next {
        let halves = |items: &[String]| {
            let (one, other) = items.split_at(items.len() / 2);
            (one.to_vec(), other.to_vec())
        };
        let (one, other) = match self.steps.pop_front() {
            Some(Step::Link(part, items)) => {
                let (one, other) = halves(&items);
                (Step::Link(part, one), Step::Link(part, other))
            }
            Some(Step::Unlink(part, items)) => {
                let (one, other) = halves(&items);
                (Step::Unlink(part, one), Step::Unlink(part, other))
            }
            other => {
                self.steps.extend(other);
                return self.advance();
            }
        };
        self.steps.push_front(other);
        self.steps.push_front(one);
        Next::Call
    }

    /// The person who was to be created is there: this run's work, if its own
    /// create may have been carried out, or else somebody was quicker.
    fn found_existing(&mut self, person: &Remote, was: Course, answer: Answer) -> Next {
        let was_sent_before = matches!(self.steps.front(), Some(Step::Create { again: true, .. }));
        let is_own = was.is_unknown() || was_sent_before;
        if is_own && self.change.adopt.is_none() {
            self.effect = Effect::Created;
        }
        self.go_on_with(person, was.is_unknown() && answer == Answer::Shown);
        if person.is_archived {
            self.steps.push_front(Step::BringBack);
        }
        self.advance()
    }

    /// Somebody has the external ID now, so the adoption was done; what was to
    /// be changed with it may not be.
    fn was_adopted(&mut self, is_as_wanted: bool) -> Next {
        let carries = matches!(
            self.steps.front(),
            Some(Step::Adopt { by, .. }) if self.target.adopting_updates(by)
        );
        if carries && is_as_wanted {
            return self.done(None);
        }
        self.steps.pop_front();
        self.effect = self.effect.max(Effect::Changed);
        if self.target.system().spec().has_parts {
            self.acknowledged.push(Acknowledged::Created);
        }
        if carries {
            self.steps.push_front(Step::Update {
                details: true,
                picture: self.change.content.picture.is_some(),
                reactivate: false,
            });
        }
        self.advance()
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
            self.acknowledged
                .extend((!is_own).then_some(Acknowledged::Created));
            self.acknowledged
                .extend(parts.details.map(Acknowledged::Details));
            let has_picture = self.change.content.picture.is_some();
            let picture = parts.picture.filter(|_| has_picture);
            self.acknowledged.extend(picture.map(Acknowledged::Picture));
            // Only what the feed gives is hrfeed's to remember.
            let given = roles(&self.change.content)
                .into_iter()
                .filter(|role| person.roles.iter().flatten().any(|has| has == role))
                .collect();
            self.acknowledged
                .push(Acknowledged::Added(Part::Roles, given));
        }
        self.plan(Action::Update, parts);
        // What somebody has beyond that is not hrfeed's to tell of.
        self.roles_kept.clear();
    }

    /// Nobody is there: the person is created or, where there is somebody
    /// without an external ID, adopted.
    fn start_over(&mut self) -> Next {
        let action = match self.change.adopt {
            Some(_) => Action::Adopt,
            None => Action::Create,
        };
        self.plan(action, Parts::default());
        // What was sent before may still be on its way.
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
            Some(step) if self.course.is_write() => self.target.write(content, step),
            _ => self.target.look_up(&content.external_id),
        }
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        self.status = Some(reply.status);
        let was = self.course;
        let (answer, evidence) = if was.is_write() {
            self.judge_write(reply)
        } else {
            self.judge_read_back(reply)
        };
        let then = self.course.follow(self.next_write(), answer);
        self.act(then, (was, answer, evidence), reply)
    }

    fn is_write(&self) -> bool {
        self.course.is_write()
    }

    fn give_up(&mut self, why: &NoAnswer) -> bool {
        self.given_up = Some(why.why());
        self.course.give_up()
    }

    fn unanswered(&mut self, may_have_applied: bool) {
        let lost = Answer::Lost { may_have_applied };
        self.course.follow(self.next_write(), lost);
    }
}
