//! People who come into one group, or leave it: many with one call, and one by
//! one only where the target refuses what was sent for several.

use std::collections::HashSet;
use std::sync::Arc;

use super::engine::{Job, Next};
use super::memberships::Member;
use super::recorder::RunRecorder;
use crate::model::ExternalId;
use crate::retry::Fatal;
use crate::targets::{Call, GroupCall, Reply, Target, Written};

/// People who come into one group, or leave it.
pub(super) struct MembersJob {
    target: Arc<dyn Target>,
    record: RunRecorder,
    pub(super) group: String,
    leave: bool,
    /// What is to be done, call by call, the next one last.
    pub(super) todo: Vec<Vec<Member>>,
    look: Option<Look>,
    /// The group was seen to be there.
    is_there: bool,
    pub(super) is_gone: bool,
    pub(super) done: Vec<Member>,
    pub(super) refused: Vec<(Member, String)>,
}

/// Why the target is asked before the next write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// The last write got no usable answer: who is in the group?
    WhoIsIn,
    /// The last write was refused: is there such a group?
    IsThere,
}

impl MembersJob {
    pub(super) fn new(
        target: &Arc<dyn Target>,
        group: String,
        leave: bool,
        members: Vec<Member>,
        record: RunRecorder,
    ) -> Self {
        Self {
            target: Arc::clone(target),
            record,
            group,
            leave,
            todo: vec![members],
            look: None,
            is_there: false,
            is_gone: false,
            done: Vec::new(),
            refused: Vec::new(),
        }
    }

    fn ids(&self) -> Vec<ExternalId> {
        let next = self.todo.last().into_iter().flatten();
        next.map(|member| member.external_id.clone()).collect()
    }

    fn next(&self) -> Next {
        if self.todo.is_empty() {
            Next::Done
        } else {
            Next::Call
        }
    }

    /// These are in the group now, or no more.
    fn settled(&mut self, members: Vec<Member>) {
        let ids = members
            .iter()
            .map(|member| member.external_id.clone())
            .collect();
        let (run, writer) = (self.record.run, &self.record.writer);
        // A journal that failed stops the run wherever it is asked next.
        let _told_later = writer.members(run, &self.group, ids, !self.leave);
        self.done.extend(members);
    }

    /// The target refuses what was sent for several: for which of them?
    fn refuse(&mut self, message: &str) -> Next {
        if !self.is_there {
            self.look = Some(Look::IsThere);
            return Next::Call;
        }
        let Some(mut members) = self.todo.pop() else {
            return Next::Done;
        };
        if members.len() > 1 {
            let other = members.split_off(members.len() / 2);
            self.todo.push(other);
            self.todo.push(members);
            return Next::Call;
        }
        let why = format!("group `{}`: {message}", self.group);
        self.refused
            .extend(members.into_iter().map(|member| (member, why.clone())));
        self.next()
    }

    fn looked(&mut self, look: Look, reply: &Reply) -> Next {
        let target = Arc::clone(&self.target);
        let Some(groups) = target.groups() else {
            return Next::Done;
        };
        if look == Look::IsThere {
            return match groups.truth(reply) {
                Some(true) => {
                    self.look = None;
                    self.is_there = true;
                    Next::Call
                }
                Some(false) => self.no_group(),
                None => Next::Unclear("the answer is neither true nor false"),
            };
        }
        let is_in: Box<dyn Fn(&Member) -> bool> = match self.todo.last().map(Vec::len) {
            Some(1) => match groups.truth(reply) {
                Some(truth) => Box::new(move |_| truth),
                None => return Next::Unclear("the answer is neither true nor false"),
            },
            _ if groups.truth(reply) == Some(false) => return self.no_group(),
            _ => match groups.members(reply) {
                Some(members) => {
                    let members: HashSet<String> = members.into_iter().collect();
                    Box::new(move |member| members.contains(member.external_id.as_str()))
                }
                None => return Next::Unclear("the answer is no list of a group's members"),
            },
        };
        self.look = None;
        let next = self.todo.pop().unwrap_or_default();
        let (settled, open): (Vec<_>, Vec<_>) = next
            .into_iter()
            .partition(|member| is_in(member) != self.leave);
        self.settled(settled);
        if !open.is_empty() {
            self.todo.push(open);
        }
        self.next()
    }

    fn no_group(&mut self) -> Next {
        self.look = None;
        self.is_gone = true;
        let all: Vec<_> = self.todo.drain(..).flatten().collect();
        if self.leave {
            self.settled(all);
        } else {
            let why = format!("the LMS has no group `{}`", self.group);
            self.refused
                .extend(all.into_iter().map(|member| (member, why.clone())));
        }
        Next::Done
    }
}

impl Job for MembersJob {
    fn call(&mut self) -> Call {
        let Some(groups) = self.target.groups() else {
            return self.target.probe();
        };
        let (group, ids) = (self.group.as_str(), self.ids());
        groups.call(match (self.look, ids.as_slice()) {
            (Some(Look::IsThere), _) => GroupCall::Exists(group),
            (Some(Look::WhoIsIn), [one]) => GroupCall::IsMember(group, one),
            (Some(Look::WhoIsIn), _) => GroupCall::Members(group),
            (None, people) if self.leave => GroupCall::Remove(group, people),
            (None, people) => GroupCall::Add(group, people),
        })
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        if let Some(look) = self.look {
            return self.looked(look, reply);
        }
        let target = Arc::clone(&self.target);
        let Some(groups) = target.groups() else {
            return Next::Done;
        };
        match groups.done(reply) {
            Written::Applied(_) => {
                self.is_there = true;
                let members = self.todo.pop().unwrap_or_default();
                self.settled(members);
                self.next()
            }
            // The group is there and the person is not: nobody is left to be
            // taken out.
            Written::NotFound if self.leave && self.is_there && self.ids().len() == 1 => {
                let members = self.todo.pop().unwrap_or_default();
                self.settled(members);
                self.next()
            }
            // What the target says may quote several people, whose values are
            // not at hand to be recognised in it.
            Written::NotFound => self.refuse("the LMS does not have the person"),
            Written::Conflict { .. } => self.refuse(
                "the LMS does not take the person: the role of the group's type is needed first",
            ),
            Written::Refused { .. } => self.refuse(&format!(
                "the LMS does not take the person (status {})",
                reply.status
            )),
            Written::Denied => Next::Fatal(Fatal::Forbidden(reply.call)),
            Written::WrongAddress => Next::Fatal(Fatal::WrongAddress),
            Written::Unclear { why } => Next::Unclear(why),
        }
    }

    fn is_write(&self) -> bool {
        self.look.is_none()
    }

    fn unanswered(&mut self, may_have_applied: bool) {
        if may_have_applied && self.look.is_none() {
            self.look = Some(Look::WhoIsIn);
        }
    }
}
