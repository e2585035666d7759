//! Calls about one group as a whole: questions, and writes that are read back.

use std::sync::Arc;

use super::engine::{Job, Next};
use super::phase::{Answer, Course, Refusal, Then, Write};
use super::scrub::shorten;
use crate::targets::{self, Call, Group, GroupCall, Reply, Target, Written};

const NEITHER: &str = "the answer is neither true nor false";

/// Is there such a group?
pub(super) struct Exists {
    target: Arc<dyn Target>,
    group: String,
    pub(super) is_there: bool,
}

/// Who is in the group?
pub(super) struct Members {
    target: Arc<dyn Target>,
    group: String,
    /// `None`: there is no such group.
    pub(super) external_ids: Option<Vec<String>>,
}

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GroupStep {
    Create(Group),
    Change(Group),
    Delete(String),
}

/// What an answer holds beside its kind.
enum Stated {
    Nothing,
    /// Why the LMS refuses.
    Reason(String),
    /// Why the answer is unusable.
    Unusable(&'static str),
}

/// A group to create, change or delete.
pub(super) struct GroupJob {
    target: Arc<dyn Target>,
    pub(super) step: GroupStep,
    course: Course,
    /// Why nothing was written, or what the LMS has against it.
    pub(super) refused: Option<String>,
}

impl Exists {
    pub(super) fn new(target: &Arc<dyn Target>, group: &str) -> Self {
        Self {
            target: Arc::clone(target),
            group: group.to_owned(),
            is_there: false,
        }
    }
}

impl Job for Exists {
    fn call(&mut self) -> Call {
        call(&*self.target, GroupCall::Exists(&self.group))
    }

    fn is_one_of_many(&self) -> bool {
        false
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        match self.target.groups().map(|groups| groups.truth(reply)) {
            Some(Some(is_there)) => self.is_there = is_there,
            Some(None) => return Next::Unclear(NEITHER),
            None => {}
        }
        Next::Done
    }
}

impl Members {
    pub(super) fn new(target: &Arc<dyn Target>, group: &str) -> Self {
        Self {
            target: Arc::clone(target),
            group: group.to_owned(),
            external_ids: None,
        }
    }
}

impl Job for Members {
    fn call(&mut self) -> Call {
        call(&*self.target, GroupCall::Members(&self.group))
    }

    fn is_one_of_many(&self) -> bool {
        false
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        let Some(groups) = self.target.groups() else {
            return Next::Done;
        };
        if groups.truth(reply) == Some(false) {
            return Next::Done;
        }
        self.external_ids = groups.members(reply);
        match self.external_ids {
            Some(_) => Next::Done,
            None => Next::Unclear("the answer is not a list of a group's members"),
        }
    }
}

impl GroupJob {
    pub(super) fn new(target: &Arc<dyn Target>, step: GroupStep) -> Self {
        Self {
            target: Arc::clone(target),
            step,
            course: Course::new(),
            refused: None,
        }
    }

    /// The group's external ID.
    pub(super) fn id(&self) -> &str {
        match &self.step {
            GroupStep::Create(group) | GroupStep::Change(group) => &group.id,
            GroupStep::Delete(id) => id,
        }
    }

    const fn write(&self) -> Write {
        match self.step {
            GroupStep::Create(_) => Write::CreateGroup,
            GroupStep::Change(_) => Write::ChangeGroup,
            GroupStep::Delete(_) => Write::DeleteGroup,
        }
    }

    /// What an answer means, and what the LMS states with it.
    fn judge(&self, reply: &Reply) -> (Answer, Stated) {
        let Some(groups) = self.target.groups() else {
            return (Answer::Applied, Stated::Nothing);
        };
        if !self.course.is_write() {
            // That a group has a name and a parent cannot be seen: to change it
            // once more changes nothing.
            return match (groups.truth(reply), &self.step) {
                (Some(true), GroupStep::Create(_)) | (Some(false), GroupStep::Delete(_)) => {
                    (Answer::Shown, Stated::Nothing)
                }
                (Some(_), _) => (Answer::NotShown, Stated::Nothing),
                (None, _) => (Answer::Unclear, Stated::Unusable(NEITHER)),
            };
        }
        let written = groups.done(reply);
        let answer = Answer::from(&written);
        let stated = match written {
            // What is said of a group with people in it may quote them.
            Written::Refused { .. } | Written::Conflict { .. }
                if matches!(self.step, GroupStep::Delete(_)) =>
            {
                Stated::Reason(not_deleted(reply))
            }
            Written::Refused { message } | Written::Conflict { message } => {
                Stated::Reason(shorten(&message))
            }
            Written::Unclear { why } => Stated::Unusable(why),
            _ => Stated::Nothing,
        };
        (answer, stated)
    }
}

impl Job for GroupJob {
    fn call(&mut self) -> Call {
        let asked = match &self.step {
            _ if !self.course.is_write() => GroupCall::Exists(self.id()),
            GroupStep::Create(group) => GroupCall::Create(group),
            GroupStep::Change(group) => GroupCall::Change(group),
            GroupStep::Delete(id) => GroupCall::Delete(id),
        };
        call(&*self.target, asked)
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        let (answer, stated) = self.judge(reply);
        let then = self.course.follow(self.write(), answer);
        let mut why = NEITHER;
        match (then, stated) {
            (Then::Refuse(Refusal::Stated), Stated::Reason(reason)) => self.refused = Some(reason),
            (Then::Refuse(_), _) => {
                self.refused = Some("the LMS does not have it, or not the group above it".into());
            }
            (_, Stated::Unusable(unusable)) => why = unusable,
            (_, _) => {}
        }
        then.next(reply, why)
    }

    fn refused(&mut self, reply: &Reply) -> Option<Next> {
        if !self.course.is_write() {
            return None;
        }
        self.refused = Some(match self.step {
            GroupStep::Delete(_) => not_deleted(reply),
            _ => shorten(&targets::refused_alone(reply)),
        });
        let then = self.course.follow(self.write(), Answer::Refused);
        Some(then.next(reply, NEITHER))
    }

    fn is_write(&self) -> bool {
        self.course.is_write()
    }

    fn unanswered(&mut self, may_have_applied: bool) {
        let lost = Answer::Lost { may_have_applied };
        self.course.follow(self.write(), lost);
    }
}

fn not_deleted(reply: &Reply) -> String {
    format!("the LMS does not delete it (HTTP {})", reply.status)
}

/// A call about groups. A system without groups has no such jobs; it is asked
/// whether it is up.
pub(super) fn call(target: &dyn Target, asked: GroupCall<'_>) -> Call {
    match target.groups() {
        Some(groups) => groups.call(asked),
        None => target.probe(),
    }
}
