//! People who come into one group, or leave it: many with one call, and one by
//! one only where the LMS refuses what was sent for several.

use std::collections::HashSet;
use std::sync::Arc;

use super::engine::{Job, Next};
use super::group_jobs::call;
use super::memberships::Member;
use super::phase::{Answer, Because, Course, Phase, Then, Write};
use crate::model::ExternalId;
use crate::retry::NoAnswer;
use crate::targets::{Call, GroupCall, Reply, Target, Written};

/// People who come into one group, or leave it.
pub(super) struct MembersJob {
    target: Arc<dyn Target>,
    group: String,
    leave: bool,
    /// What is to be done, call by call, the next one last.
    open: Vec<Vec<Member>>,
    course: Course,
    is_gone: bool,
    /// In the group now, or no more.
    done: Vec<Member>,
    /// How many of `done` were handed out to be recorded.
    recorded: usize,
    refused: Vec<(Member, String)>,
    /// Why nothing more is written.
    given_up: Option<String>,
}

/// How a job about members ended, person by person.
pub(super) struct MembersResult {
    pub(super) done: Vec<Member>,
    /// Each with the reason.
    pub(super) refused: Vec<(Member, String)>,
    pub(super) open: Vec<Member>,
    /// Why those that are open are.
    pub(super) given_up: Option<String>,
}

impl MembersJob {
    pub(super) fn new(
        target: &Arc<dyn Target>,
        group: String,
        leave: bool,
        members: Vec<Member>,
    ) -> Self {
        Self {
            target: Arc::clone(target),
            group,
            leave,
            open: vec![members],
            course: Course::new(),
            is_gone: false,
            done: Vec::new(),
            recorded: 0,
            refused: Vec::new(),
            given_up: None,
        }
    }

    /// The group's external ID.
    pub(super) fn group(&self) -> &str {
        &self.group
    }

    /// Whether people leave the group.
    pub(super) const fn leaves(&self) -> bool {
        self.leave
    }

    /// Whether the LMS has no such group.
    pub(super) const fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// Who came into the group, or left it, since this was asked last.
    pub(super) fn take_unrecorded(&mut self) -> Vec<ExternalId> {
        let news = self.done.get(self.recorded..).unwrap_or_default();
        self.recorded = self.done.len();
        news.iter()
            .map(|member| member.external_id.clone())
            .collect()
    }

    pub(super) fn into_result(self) -> MembersResult {
        MembersResult {
            done: self.done,
            refused: self.refused,
            open: self.open.into_iter().flatten().collect(),
            given_up: self.given_up,
        }
    }

    /// Those of the next call.
    fn next_ids(&self) -> Vec<ExternalId> {
        let next = self.open.last().into_iter().flatten();
        next.map(|member| member.external_id.clone()).collect()
    }

    fn write(&self) -> Write {
        let several = self.open.last().is_some_and(|members| members.len() > 1);
        if self.leave {
            Write::RemoveMembers { several }
        } else {
            Write::AddMembers { several }
        }
    }

    fn advance(&self) -> Next {
        if self.open.is_empty() {
            Next::Done
        } else {
            Next::Call
        }
    }

    /// What an answer to a write means, and what is said to those that it
    /// refuses. What the LMS itself says may quote several people, whose values
    /// are not at hand to be recognised in it.
    fn judge_write(&self, reply: &Reply) -> (Answer, String) {
        let Some(groups) = self.target.groups() else {
            return (Answer::Applied, String::new());
        };
        let written = groups.done(reply);
        let why = match written {
            Written::NotFound { .. } => "the LMS does not have the person".to_owned(),
            Written::Conflict { .. } => "the LMS does not take the person: the role of the \
                                         group's type is needed first"
                .to_owned(),
            _ => refused_with(reply),
        };
        (Answer::from(&written), why)
    }

    /// What an answer to a read-back means. Members that it shows done are done.
    fn judge_read_back(&mut self, reply: &Reply) -> Answer {
        let target = Arc::clone(&self.target);
        let Some(groups) = target.groups() else {
            return Answer::NotShown;
        };
        let truth = groups.truth(reply);
        let is_one = self.open.last().is_some_and(|members| members.len() == 1);
        if self.asks_for_group() {
            return match truth {
                Some(true) => Answer::Shown,
                Some(false) => Answer::Absent { certain: true },
                None => Answer::Unclear,
            };
        }
        let members: Option<HashSet<String>> = match truth {
            Some(is_in) if is_one => {
                let ids = self.next_ids().into_iter().filter(|_| is_in);
                Some(ids.map(|id| id.as_str().to_owned()).collect())
            }
            Some(false) => return Answer::Absent { certain: true },
            _ if is_one => None,
            _ => groups
                .members(reply)
                .map(|members| members.into_iter().collect()),
        };
        let Some(members) = members else {
            return Answer::Unclear;
        };
        let leave = self.leave;
        let next = self.open.pop().unwrap_or_default();
        let (done, open): (Vec<_>, Vec<_>) = next
            .into_iter()
            .partition(|member| members.contains(member.external_id.as_str()) != leave);
        if open.is_empty() {
            self.open.push(done);
            return Answer::Shown;
        }
        self.done.extend(done);
        self.open.push(open);
        Answer::NotShown
    }

    /// Whether the next call asks whether there is such a group.
    const fn asks_for_group(&self) -> bool {
        matches!(
            self.course.phase,
            Phase::ReadBack {
                because: Because::Refused,
                ..
            }
        )
    }

    /// Those of the next call are in the group now, or no more.
    fn next_done(&mut self) -> Next {
        let members = self.open.pop().unwrap_or_default();
        self.done.extend(members);
        self.advance()
    }

    /// The LMS refuses somebody.
    fn refuse(&mut self, why: &str) -> Next {
        let why = format!("group `{}`: {why}", self.group);
        let members = self.open.pop().unwrap_or_default();
        self.refused
            .extend(members.into_iter().map(|member| (member, why.clone())));
        self.advance()
    }

    /// The LMS refuses what was sent for several: for which of them?
    fn split(&mut self) -> Next {
        if let Some(mut members) = self.open.pop() {
            let other = members.split_off(members.len() / 2);
            self.open.push(other);
            self.open.push(members);
        }
        self.advance()
    }

    /// Goes on as the rule says; `why` is for those who are refused.
    fn follow(&mut self, answer: Answer, why: &str, reply: &Reply) -> Next {
        match self.course.follow(self.write(), answer) {
            Then::Done => self.next_done(),
            Then::Split => self.split(),
            Then::Refuse(_) => self.refuse(why),
            Then::Gone => self.no_group(),
            then => then.next(reply, "the answer does not say who is in the group"),
        }
    }

    fn no_group(&mut self) -> Next {
        self.is_gone = true;
        let all: Vec<_> = self.open.drain(..).flatten().collect();
        if self.leave {
            self.done.extend(all);
        } else {
            let why = format!("the LMS has no group `{}`", self.group);
            self.refused
                .extend(all.into_iter().map(|member| (member, why.clone())));
        }
        Next::Done
    }
}

fn refused_with(reply: &Reply) -> String {
    format!("the LMS does not take the person (HTTP {})", reply.status)
}

impl Job for MembersJob {
    fn call(&mut self) -> Call {
        let (group, ids) = (self.group.as_str(), self.next_ids());
        let asked = match (self.course.phase, ids.as_slice()) {
            (Phase::Write, people) if self.leave => GroupCall::Remove(group, people),
            (Phase::Write, people) => GroupCall::Add(group, people),
            (_, _) if self.asks_for_group() => GroupCall::Exists(group),
            (_, [one]) => GroupCall::IsMember(group, one),
            (_, _) => GroupCall::Members(group),
        };
        call(&*self.target, asked)
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        let (answer, why) = if self.course.is_write() {
            self.judge_write(reply)
        } else {
            (self.judge_read_back(reply), String::new())
        };
        self.follow(answer, &why, reply)
    }

    fn is_write(&self) -> bool {
        self.course.is_write()
    }

    fn refused(&mut self, reply: &Reply) -> Option<Next> {
        if !self.is_write() {
            return None;
        }
        let why = refused_with(reply);
        Some(self.follow(Answer::Refused, &why, reply))
    }

    fn give_up(&mut self, why: &NoAnswer) -> bool {
        self.given_up = Some(why.why());
        self.course.give_up()
    }

    fn unanswered(&mut self, may_have_applied: bool) {
        let lost = Answer::Lost { may_have_applied };
        self.course.follow(self.write(), lost);
    }
}
