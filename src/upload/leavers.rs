//! People whom the feed no longer names: made inactive, deleted, or given other values.

use std::cell::RefCell;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::doubt::Trust;
use super::engine::{End, Job, Ledger, Next};
use super::intents::{Intended, send_intended};
use super::phase::{Answer, Course, Then, Write};
use super::recorder::{RunRecorder, outcome_unknown};
use super::strays::Strays;
use super::{UploadError, Uploader};
use crate::event::{Event, Listener};
use crate::journal::{HoldId, Intent, PersonNow, PersonState, Settled};
use crate::model::{Action, Calls, Content, ExternalId, Outcome, SetFields, Step};
use crate::retry::NoAnswer;
use crate::targets::{Call, Fit, LookUpReply, Remote, Reply, Target, WantedState, Written};

/// The most intents that are committed ahead of being sent.
const MAX_AHEAD: usize = 64;

impl Uploader {
    /// Makes these people inactive, deletes them or writes fields for them, as `how` says.
    /// Where the LMS has nobody of any of them, `witnesses` are looked up, who must be there: an LMS
    /// that shows none of them shows this key nobody, and says nothing about
    /// leavers. It depends on nothing that changes do, so it may come before them.
    ///
    /// # Errors
    /// The run was halted, or the journal cannot be written.
    pub fn leave(
        &mut self,
        leavers: Vec<Leaver>,
        how: &LeaverAction,
        witnesses: Vec<ExternalId>,
        recorder: &RunRecorder,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        let (sender, mut receiver) = mpsc::channel(MAX_AHEAD);
        let (target, trust, engine) = (&self.target, &self.trust, &mut self.engine);
        let left = RefCell::new(Left::default());
        let ledger = LeaverLedger {
            recorder,
            left: &left,
        };
        let (intended, driven) = self.runtime.block_on(async {
            let intend = async {
                let jobs = leavers
                    .into_iter()
                    .map(|leaver| LeaverJob::new((target, trust), leaver, how.clone()));
                let intended = send_intended(jobs, MAX_AHEAD, &sender, recorder).await;
                drop(sender);
                intended
            };
            let drive = async {
                let driven = engine.drive(&mut receiver, ledger, listener).await;
                receiver.close();
                driven
            };
            tokio::join!(intend, drive)
        });
        intended?;
        driven?;
        let Left {
            gone,
            is_anybody_shown,
        } = left.into_inner();
        let is_blind =
            !gone.is_empty() && !is_anybody_shown && self.shows_none_of(witnesses, listener)?;
        for mut job in gone {
            if is_blind {
                job.fate = Fate::Unseen;
            }
            settle(job, &End::Done, recorder, listener)?;
        }
        Ok(())
    }

    /// Whether the LMS shows none of these people, who must be there. Of nobody,
    /// that says nothing.
    ///
    /// # Errors
    /// The run was halted.
    pub fn shows_none_of(
        &mut self,
        witnesses: Vec<ExternalId>,
        listener: &mut dyn Listener,
    ) -> Result<bool, UploadError> {
        Ok(!witnesses.is_empty() && self.confirm_lost(witnesses, listener)?.there.is_empty())
    }
}

/// What is left of leavers after they were sent.
#[derive(Default)]
struct Left {
    /// Those whom the LMS does not have.
    gone: Vec<LeaverJob>,
    is_anybody_shown: bool,
}

/// Records leavers, but for those whom the LMS does not have.
struct LeaverLedger<'a> {
    recorder: &'a RunRecorder,
    left: &'a RefCell<Left>,
}

impl Ledger<LeaverJob> for LeaverLedger<'_> {
    fn writes(&mut self, _: &LeaverJob) -> Result<(), UploadError> {
        self.recorder.alive()
    }

    fn ended(
        &mut self,
        job: LeaverJob,
        end: End,
        _: &Calls,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        let mut left = self.left.borrow_mut();
        if job.fate == Fate::Gone && end == End::Done {
            left.gone.push(job);
        } else {
            left.is_anybody_shown |= settle(job, &end, self.recorder, listener)?;
        }
        Ok(())
    }
}

/// Somebody whom the feed no longer names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaver {
    /// The person.
    pub external_id: ExternalId,
    /// The hold in which a person approved it.
    pub hold: Option<HoldId>,
}

/// What happens to leavers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaverAction {
    /// They are made inactive.
    Deactivate {
        /// And put into the archive.
        archive: bool,
    },
    /// They are deleted.
    Delete,
    /// Fields are written for them.
    Set {
        /// The fields with their values, in the order of the schema.
        fields: Arc<[(&'static str, String)]>,
        /// The same for the journal.
        recorded: SetFields,
    },
}

impl LeaverAction {
    const fn action(&self) -> Action {
        match self {
            Self::Deactivate { .. } => Action::Deactivate,
            Self::Delete => Action::Delete,
            Self::Set { .. } => Action::Set,
        }
    }

    const fn step(&self) -> Step {
        match self {
            Self::Deactivate { archive } => Step::Deactivate { archive: *archive },
            Self::Delete => Step::Delete,
            Self::Set { .. } => Step::Set,
        }
    }
}

/// How far a leaver is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Not known, or nothing yet.
    Open,
    /// Done as the mapping says.
    Left,
    /// The LMS has nobody of this external ID.
    Gone,
    /// The LMS shows nobody of this external ID, and nobody else.
    Unseen,
    /// The LMS refuses it.
    Refused,
}

pub(super) struct LeaverJob {
    target: Arc<dyn Target>,
    /// Who it is, and what is written beside the step.
    content: Content,
    hold: Option<HoldId>,
    how: LeaverAction,
    step: Step,
    course: Course,
    trust: Trust,
    /// When its last write went out.
    sent: Option<Instant>,
    /// Which of its writes may land beside one that was acknowledged.
    strays: Strays,
    fate: Fate,
    /// Why nothing more is written.
    given_up: Option<String>,
    attempts: u32,
    status: Option<u16>,
    /// The status of the answer to the last write, if it was answered.
    write_status: Option<u16>,
}

impl LeaverJob {
    pub(super) fn new(
        (target, trust): (&Arc<dyn Target>, &Trust),
        leaver: Leaver,
        how: LeaverAction,
    ) -> Self {
        let mut content = Content::only(leaver.external_id);
        let mut course = Course::new();
        if let LeaverAction::Set { fields, .. } = &how {
            content.fields = fields.to_vec();
            if !target.carried_in_updates().is_empty() {
                // Nobody but the LMS knows them: the feed has no row of the person.
                course = Course::unseen();
            }
        }
        Self {
            target: Arc::clone(target),
            content,
            hold: leaver.hold,
            step: how.step(),
            how,
            course,
            trust: trust.clone(),
            sent: None,
            strays: Strays::default(),
            fate: Fate::Open,
            given_up: None,
            attempts: 0,
            status: None,
            write_status: None,
        }
    }

    /// What an answer means, and why it is unusable if it is.
    fn judge(&mut self, reply: &Reply) -> (Answer, &'static str) {
        if self.course.is_write() {
            let written = self.target.written(&self.content, &self.step, reply);
            let why = match written {
                Written::Unclear { why } => why,
                _ => "",
            };
            return (Answer::from(&written), why);
        }
        match self.target.looked_up(&self.content.external_id, reply) {
            LookUpReply::Found(person) => {
                self.carry(&person);
                match WantedState::after(&self.step, &self.content).fit(&person) {
                    Fit::AsWanted => (Answer::Shown, ""),
                    Fit::Differs | Fit::CannotSay => (Answer::NotShown, ""),
                }
            }
            LookUpReply::Absent { certain } => (
                Answer::Absent { certain },
                "the answer is a page, not the API's",
            ),
            LookUpReply::Unclear { why } => (Answer::Unclear, why),
        }
    }

    /// Takes along what every update must carry, as the LMS shows it: that stays as it is.
    fn carry(&mut self, person: &Remote) {
        let LeaverAction::Set { fields, .. } = &self.how else {
            return;
        };
        let carried = self.target.carried_in_updates().iter();
        let shown = carried.filter_map(|name| Some((*name, person.get(name)?)));
        let shown = shown.filter(|(_, value)| !value.is_empty());
        let shown = shown.map(|(name, value)| (name, value.to_owned()));
        self.content.fields = fields.iter().cloned().chain(shown).collect();
    }

    /// Goes on as the rule says. `why` is why the answer is unusable, if it is.
    fn follow(&mut self, answer: Answer, why: &'static str, reply: &Reply) -> Next {
        let then = self.course.follow(Write::Leave, answer);
        self.fate = match then {
            Then::Done => Fate::Left,
            Then::Gone => Fate::Gone,
            Then::Refuse(_) => Fate::Refused,
            _ => Fate::Open,
        };
        // That of the answer that refuses it, not of a look that followed.
        if self.fate == Fate::Refused {
            self.status = self.write_status.or(self.status);
        }
        then.next(reply, why)
    }
}

impl Job for LeaverJob {
    fn call(&mut self) -> Call {
        self.attempts += 1;
        if self.course.is_write() {
            self.sent = Some(Instant::now());
            self.strays.sent();
            self.target.write(&self.content, &self.step)
        } else {
            self.target.look_up(&self.content.external_id)
        }
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        self.status = Some(reply.status);
        if self.is_write() {
            self.write_status = self.status;
        }
        let (answer, why) = self.judge(reply);
        self.follow(answer, why, reply)
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
        Some(self.follow(Answer::Refused, "", reply))
    }

    fn give_up(&mut self, why: &NoAnswer) -> bool {
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
        self.course.follow(Write::Leave, lost);
    }
}

impl Intended for LeaverJob {
    fn intent(&self) -> Intent {
        Intent {
            row: None,
            external_id: self.content.external_id.clone(),
            action: self.how.action(),
            from: None,
            account: None,
            hold: self.hold,
            set: match self.how {
                LeaverAction::Set { recorded, .. } => Some(recorded),
                LeaverAction::Deactivate { .. } | LeaverAction::Delete => None,
            },
        }
    }

    fn may_have_applied(&self) -> bool {
        self.course.is_unknown()
    }
}

/// Records how a leaver ended. Returns whether it was done as the mapping says.
fn settle(
    job: LeaverJob,
    end: &End,
    recorder: &RunRecorder,
    listener: &mut dyn Listener,
) -> Result<bool, UploadError> {
    let action = job.how.action();
    let (outcome, message) = match (end, job.fate) {
        (End::Halted | End::HaltedRefused, _) => {
            return recorder.take_back(&job, end).map(|()| false);
        }
        (End::Done, Fate::Left | Fate::Gone) => match job.how {
            LeaverAction::Delete => (Outcome::Deleted, None),
            LeaverAction::Deactivate { .. } => (Outcome::Deactivated, None),
            LeaverAction::Set { .. } => (Outcome::Set, None),
        },
        // What the LMS says may quote the person, and the feed holds no values any
        // more that could be recognised in it.
        (End::Done, Fate::Refused) => (
            Outcome::Rejected,
            Some(match job.how {
                LeaverAction::Set { .. } => {
                    "the LMS refuses what `set` writes for the person".into()
                }
                _ => format!("the LMS refuses to {} the person", action.word()),
            }),
        ),
        (End::Done, Fate::Unseen) => (
            Outcome::Failed,
            Some("the LMS shows neither this person nor others who must be there".into()),
        ),
        (End::Done, Fate::Open) => (Outcome::Failed, Some(given_up(job.given_up.as_deref()))),
        (End::GaveUp(no_answer), _) if job.course.is_unknown() => {
            (Outcome::Unknown, Some(outcome_unknown(no_answer)))
        }
        (End::GaveUp(no_answer), _) => (Outcome::Failed, Some(given_up(Some(&no_answer.why())))),
    };
    let state = match (job.fate, &job.how) {
        (Fate::Left, LeaverAction::Delete) | (Fate::Gone, _) => Some(PersonState::Deleted),
        (Fate::Left, LeaverAction::Deactivate { .. }) => Some(PersonState::Inactive),
        (Fate::Left, LeaverAction::Set { .. }) => Some(PersonState::Set),
        (Fate::Open | Fate::Refused | Fate::Unseen, _) => None,
    };
    let person = state.map(|state| PersonNow {
        remote_id: None,
        fingerprint: None,
        state,
        acknowledged: Vec::new(),
        fingerprints: None,
    });
    let stray = job.strays.landing(&job.trust);
    let id = job.content.external_id;
    recorder.writer.settle(
        recorder.run,
        Settled {
            action: Some(action),
            status: job.status,
            attempts: job.attempts,
            message,
            hold: job.hold,
            person,
            may_land: stray.map(|sent| recorder.time_of(sent)),
            ..Settled::new(Some(id.clone()), outcome)
        },
    )?;
    listener.on_event(&Event::Settled {
        row: None,
        external_id: &id,
        action,
        outcome,
        instead_of: None,
    });
    Ok(state.is_some())
}

fn given_up(why: Option<&str>) -> String {
    format!("given up: {}", why.unwrap_or("no result"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::System;

    fn job() -> LeaverJob {
        let target = crate::targets::of(System::ANewSpring);
        let leaver = Leaver {
            external_id: ExternalId::known("E7"),
            hold: None,
        };
        LeaverJob::new(
            (&target, &Trust::of_a_minute()),
            leaver,
            LeaverAction::Deactivate { archive: false },
        )
    }

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status,
            body: body.into(),
            ..Reply::default()
        }
    }

    #[test]
    fn an_update_carries_what_it_must_as_the_lms_shows_it_and_changes_nothing_else() {
        let target = crate::targets::of(System::Kmi);
        let how = LeaverAction::Set {
            fields: [("expirationDate", "2026-11-27".to_owned())].into(),
            recorded: SetFields {
                fields: 1 << 11,
                fingerprint: 7,
            },
        };
        let leaver = Leaver {
            external_id: ExternalId::known("E7"),
            hold: None,
        };
        let trust = Trust::of_a_minute();
        let mut job = LeaverJob::new((&target, &trust), leaver.clone(), how.clone());
        let shown = |name: &str, end: &str| {
            format!(
                r#"{{"id":7,"externalId":"E7","email":"zoe@example.com","firstName":"{name}",
                    "lastName":"","loginName":"zoe","city":"Bonn","expirationDate":"{end}"}}"#
            )
        };
        let body = |call: Call| match call.body {
            Some(crate::targets::Body::Json(body)) => String::from_utf8(body).unwrap(),
            other => format!("{other:?}"),
        };
        assert_eq!(job.call().method, crate::targets::Method::Get);
        assert!(!job.may_have_applied());
        assert_eq!(job.answered(&reply(200, &shown("Zoe", ""))), Next::Call);
        let written = |name: &str| {
            format!(
                r#"{{"email":"zoe@example.com","expirationDate":"2026-11-27","externalId":"E7","firstName":"{name}","loginName":"zoe"}}"#
            )
        };
        assert_eq!(body(job.call()), written("Zoe"));
        // Its answer is lost, and somebody changes the name before the next look.
        job.unanswered(true);
        assert!(job.may_have_applied());
        let _look = job.call();
        assert_eq!(job.answered(&reply(200, &shown("Zoé", ""))), Next::Call);
        assert_eq!(body(job.call()), written("Zoé"));
        job.unanswered(true);
        let _look = job.call();
        let as_wanted = reply(200, &shown("Zoé", "2026-11-27"));
        assert_eq!(job.answered(&as_wanted), Next::Done);
        assert_eq!(job.fate, Fate::Left);
        // Who is as wanted already is left as is.
        let mut job = LeaverJob::new((&target, &trust), leaver, how);
        let _look = job.call();
        assert_eq!(
            (job.answered(&as_wanted), job.fate),
            (Next::Done, Fate::Left)
        );
    }

    #[test]
    fn whoever_is_shown_and_not_found_for_the_write_is_not_asked_for_without_end() {
        let (mut job, person) = (job(), r#"{"id":"E7","uid":"U1","active":true}"#);
        for (status, body) in [(404, ""), (200, person)] {
            let _call = job.call();
            assert_eq!(job.answered(&reply(status, body)), Next::Call);
        }
        let _call = job.call();
        assert_eq!(job.answered(&reply(404, "")), Next::Done);
        assert_eq!(job.fate, Fate::Refused);
    }
}
