//! One person to create or change: one write after the other.
//!
//! A job is values in, values out: an answer goes in, the next call comes out,
//! and what the LMS has acknowledged is handed out for the caller to record.
//!
//! # Invariants
//!
//! - What follows an answer is decided by [`Course`] alone.
//! - Nobody is created before a look-up has shown that nobody is there, and nobody
//!   for a change of somebody known.
//! - What the LMS refuses of the details ends the change; what it refuses of
//!   roles and rights does not keep the rest from the person.

mod done;
mod found;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::doubt::{Belief, Shown, Trust, believe};
use super::engine::{Job, Next};
use super::phase::{Answer, Because, Course, Phase, Refusal, Then, Write};
use super::strays::Strays;
use crate::journal::{Acknowledged, PersonState};
use crate::model::{Action, BeforeGroups, ExternalId, Parts, Step};
use crate::plan::{Change, Remaining, steps_for};
use crate::retry::NoAnswer;
use crate::schema::{ExternalIds, Role};
use crate::targets::{self, Call, Fit, LookUpReply, Remote, Reply, Target, WantedState, Written};

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

/// What it means that the LMS shows nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// The person is known, and the LMS finds nobody for the change.
    Lost,
    /// It shows nobody else either who must be there.
    Unseen,
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
    trust: Trust,
    pub(super) change: Box<Change>,
    /// What was acknowledged before.
    parts: Parts,
    /// What is still to be written, the next one first.
    steps: VecDeque<Step>,
    pub(super) groups_to_join: Vec<String>,
    pub(super) groups_to_leave: Vec<String>,
    roles_kept: Vec<String>,
    course: Course,
    /// When its last write went out, at the latest; `None` for long ago.
    sent: Option<Instant>,
    /// Which of its writes may land beside one that was acknowledged.
    strays: Strays,
    /// Nothing is sent before: an older write for the person may still land.
    not_before: Option<Instant>,
    /// Whom the last look for somebody whom the LMS must show asked for.
    control: Option<ExternalId>,
    /// How many of those whom the LMS must show were asked for in vain by now.
    asked: usize,
    /// When its last call went out.
    called: Instant,
    /// What the LMS said of the write that conflicts.
    conflict: String,
    pub(super) effect: Effect,
    pub(super) refused: Option<Refused>,
    /// What it means that the LMS shows nobody, if that ends it.
    pub(super) missing: Option<Missing>,
    /// The person has the new external ID.
    pub(super) is_rekeyed: bool,
    /// What was written for the person as a leaver is not taken back yet.
    is_set: bool,
    /// Why nothing more is written.
    pub(super) given_up: Option<String>,
    pub(super) attempts: u32,
    pub(super) status: Option<u16>,
    /// The status of the answer to the last write, if it was answered.
    write_status: Option<u16>,
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
    pub(super) fn new(
        target: Arc<dyn Target>,
        trust: Trust,
        change: Box<Change>,
        parts: Parts,
    ) -> Self {
        // Of what may have been sent, and nobody knows when, the latest is assumed.
        let doubt = change.doubt;
        let sent = doubt.map_or(Some(Instant::now()), |doubt| {
            doubt.sent.map(Instant::from_std)
        });
        let mut job = Self {
            target,
            not_before: None,
            trust,
            sent,
            strays: Strays::of_older(sent.filter(|_| doubt.is_some())),
            control: None,
            asked: 0,
            called: Instant::now(),
            parts: Parts::default(),
            steps: VecDeque::new(),
            groups_to_join: Vec::new(),
            groups_to_leave: Vec::new(),
            roles_kept: Vec::new(),
            course: Course::new(),
            conflict: String::new(),
            effect: match change.before_groups {
                None => Effect::None,
                Some(BeforeGroups::Changed) => Effect::Changed,
                Some(BeforeGroups::Created) => Effect::Created,
            },
            refused: None,
            missing: None,
            is_rekeyed: false,
            is_set: change.takes_back,
            given_up: None,
            attempts: 0,
            status: None,
            write_status: None,
            remote_id: None,
            acknowledged: Vec::new(),
            change,
        };
        job.plan(job.change.action, parts);
        job.not_before = job.trust.over(sent).filter(|_| job.waits());
        job.course = job.begin();
        job
    }

    /// Where the job begins.
    fn begin(&self) -> Course {
        match self.steps.front() {
            Some(Step::Create { .. } | Step::Adopt { .. }) if self.waits() => Course::looked_for(),
            _ if self.change.may_have_applied => Course::interrupted(),
            Some(Step::Rekey { handle: None, .. }) if self.target.rekeying_needs_handle() => {
                Course::without_handle()
            }
            _ => Course::new(),
        }
    }

    /// Whether it waits until an older write can have no effect any more.
    fn waits(&self) -> bool {
        let doubt = self.change.doubt.as_ref();
        doubt.is_some_and(|it| it.is_looked_for || !self.change.may_have_applied)
    }

    /// Whether all of its own writes are done or refused.
    pub(super) fn is_complete(&self) -> bool {
        self.steps.is_empty() && self.course.is_write() && self.missing.is_none()
    }

    /// Whether a write went out whose outcome is unknown.
    pub(super) const fn is_unknown(&self) -> bool {
        self.course.is_unknown()
    }

    /// Whether the next write creates the person although an earlier create may have, on
    /// an LMS that has nothing against it.
    pub(super) fn creates_twice(&self) -> bool {
        let whose = self.target.system().spec().external_ids;
        let is_again = matches!(self.steps.front(), Some(Step::Create { again: true, .. }));
        is_again && self.is_write() && whose == ExternalIds::OfTheKey
    }

    /// Whether the details were refused.
    pub(super) const fn is_refused_whole(&self) -> bool {
        matches!(self.refused, Some(Refused::Whole(_)))
    }

    /// The person's state after what was done.
    pub(super) const fn state(&self) -> PersonState {
        if self.parts.is_inactive {
            PersonState::Inactive
        } else if self.is_set {
            PersonState::Set
        } else {
            PersonState::Active
        }
    }

    /// When a write went out, at the latest, that got no answer, was sent again and may
    /// still land.
    pub(super) fn stray(&self) -> Option<Instant> {
        self.strays.landing(&self.trust)
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
            Some(Step::Rekey { .. }) => Write::Rekey,
            Some(Step::BringBack) => Write::BringBack,
            Some(Step::AddRoles(_)) => Write::AddRoles,
            Some(Step::Link(_, items)) => Write::Link {
                several: items.len() > 1,
            },
            Some(Step::Unlink(_, items)) => Write::Unlink {
                several: items.len() > 1,
            },
            Some(Step::Deactivate { .. } | Step::Delete | Step::Set) => Write::Leave,
            // Where nothing is left to write, an interrupted run's last write is
            // read back.
            Some(Step::Update { .. }) | None => Write::Update,
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
            Written::NotFound { .. } | Written::WrongAddress | Written::Denied => Evidence::Nothing,
        };
        (answer, evidence)
    }

    /// Whether the LMS shows the one who was asked for since it must; `None` where
    /// nobody was, or it does not say.
    fn judge_control(&self, reply: &Reply) -> Option<bool> {
        let control = self.control.as_ref()?;
        match self.target.looked_up(control, reply) {
            LookUpReply::Found(_) => {
                self.trust.controls.was_shown(control, Instant::now());
                Some(true)
            }
            LookUpReply::Absent { .. } => Some(false),
            LookUpReply::Unclear { .. } => None,
        }
    }

    /// What an answer to a read-back means.
    fn judge_read_back(&self, reply: &Reply) -> (Answer, Evidence) {
        let content = &self.change.content;
        match self.target.looked_up(self.asked_for(), reply) {
            LookUpReply::Found(person) => {
                let shows = |step| WantedState::after(step, content).fit(&person) == Fit::AsWanted;
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

    /// Whom a read-back asks for.
    fn asked_for(&self) -> &ExternalId {
        match (&self.control, self.course.phase) {
            (Some(control), _) => control,
            (None, Phase::FormerId { .. }) => self.change.known_as(),
            (None, _) => &self.change.content.external_id,
        }
    }

    /// Picks whom the next look is for, if it is for somebody whom the LMS must show.
    fn pick_control(&mut self) {
        self.control = None;
        let Phase::Control { again, .. } = self.course.phase else {
            return;
        };
        let shown = if again {
            Shown::Nobody
        } else {
            Shown::NotAsked
        };
        let controls = &self.trust.controls;
        let (control, id) = controls.pick(self.sent, self.asked);
        match believe(true, control, shown, false) {
            Belief::AskControl | Belief::AskControlLater
                if !controls.was_shown_by(Instant::now(), self.sent) =>
            {
                self.control = id;
            }
            _ => self.course.look_again(),
        }
    }

    /// What follows a look that showed nobody. It counts if nothing could land any more
    /// when it went out, and somebody had been shown by then who must be.
    fn seen_nobody(&mut self, reply: &Reply) -> Next {
        let is_late = (self.trust.over(self.sent)).is_none_or(|over| over <= self.called);
        let controls = &self.trust.controls;
        if !(is_late && controls.was_shown_by(self.called, self.sent)) {
            return Next::Later(self.until_over());
        }
        let write = self.next_write();
        self.course
            .follow(write, Answer::Control { is_shown: true });
        let (was, answer) = (self.course, Answer::Absent { certain: true });
        let then = self.course.follow(write, answer);
        self.act(then, (was, answer, Evidence::Nothing), reply)
    }

    /// What follows a look for somebody who must be shown. One of them may have been
    /// deleted by hand: the next one is asked for.
    fn seen_control(&mut self, is_shown: bool, reply: &Reply) -> Next {
        self.asked += 1;
        if !is_shown && self.trust.controls.has(self.sent, self.asked) {
            return Next::Call;
        }
        self.asked = 0;
        let (was, answer) = (self.course, Answer::Control { is_shown });
        let then = self.course.follow(self.next_write(), answer);
        self.act(then, (was, answer, Evidence::Nothing), reply)
    }

    /// How long it takes until nothing that was sent can have an effect any more.
    fn until_over(&self) -> Duration {
        let over = self.trust.over(self.sent);
        over.map_or(Duration::ZERO, |over| {
            over.saturating_duration_since(Instant::now())
        })
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
            (Then::Write, Evidence::Person(person)) => {
                self.name_by(&person);
                Next::Call
            }
            (Then::Rekeyed, _) => self.was_rekeyed(),
            // An account that was seen without an external ID: nobody known is lost.
            (Then::Lost, _) if self.change.action == Action::Adopt => {
                self.refuse(Refusal::NotFound, "")
            }
            (Then::Lost, _) => {
                self.missing = Some(Missing::Lost);
                Next::Done
            }
            (Then::AskControl, _) => self.seen_nobody(reply),
            (Then::AskControlLater, _) => Next::Later(self.trust.patience.settle_after),
            (Then::Blind, _) => {
                self.missing = Some(Missing::Unseen);
                Next::Done
            }
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
}

impl Job for ChangeJob {
    fn call(&mut self) -> Call {
        self.attempts += 1;
        self.called = Instant::now();
        self.pick_control();
        let content = &self.change.content;
        match self.steps.front() {
            Some(step) if self.course.is_write() => {
                self.sent = Some(self.called);
                if self.creates_twice() {
                    // That two creates went out is recorded by itself.
                    self.strays.known();
                }
                self.strays.sent();
                self.target.write(content, step)
            }
            _ => self.target.look_up(self.asked_for()),
        }
    }

    fn not_before(&self) -> Option<Instant> {
        self.not_before
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        self.status = Some(reply.status);
        if let Some(is_shown) = self.judge_control(reply) {
            return self.seen_control(is_shown, reply);
        }
        let was = self.course;
        let (answer, evidence) = if was.is_write() {
            self.write_status = self.status;
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

    fn refused(&mut self, reply: &Reply) -> Option<Next> {
        if !self.is_write() {
            return None;
        }
        self.status = Some(reply.status);
        self.write_status = self.status;
        let (was, answer) = (self.course, Answer::Refused);
        let then = self.course.follow(self.next_write(), answer);
        let evidence = Evidence::Message(targets::refused_alone(reply));
        Some(self.act(then, (was, answer, evidence), reply))
    }

    fn give_up(&mut self, why: &NoAnswer) -> bool {
        if let NoAnswer::NotMade(_) = why {
            self.attempts -= 1;
        }
        self.given_up = Some(why.why());
        self.course.give_up()
    }

    fn unanswered(&mut self, may_have_applied: bool) {
        if self.is_write() {
            self.write_status = None;
            if may_have_applied {
                self.strays.lost(self.sent);
            }
        }
        let lost = Answer::Lost { may_have_applied };
        self.course.follow(self.next_write(), lost);
    }
}
