//! People whom the feed no longer names: made inactive, or deleted.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::engine::{End, Job, Next};
use super::recorder::RunRecorder;
use super::{UploadError, Uploader};
use crate::event::{Event, Listener};
use crate::journal::{Intent, PersonNow, PersonState, Settled};
use crate::mapping::Leavers;
use crate::model::{Action, Calls, Content, ExternalId, Outcome, Step};
use crate::retry::Fatal;
use crate::targets::{Call, LookUpReply, Reply, Target, Written};

/// The most intents that are committed ahead of being sent.
const MAX_AHEAD: usize = 64;

impl Uploader {
    /// Does with these people what the mapping says.
    ///
    /// # Errors
    /// The run was halted, or the journal cannot be written.
    pub fn leave(
        &mut self,
        leavers: Vec<ExternalId>,
        how: Leavers,
        record: &RunRecorder,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        let (action, step) = match how {
            Leavers::Ignore => return Ok(()),
            Leavers::Deactivate { archive } => (Action::Deactivate, Step::Deactivate { archive }),
            Leavers::Delete => (Action::Delete, Step::Delete),
        };
        let (sender, mut jobs) = mpsc::channel(MAX_AHEAD);
        let (target, engine) = (&self.target, &mut self.engine);
        let (intended, driven) = self.runtime.block_on(async {
            let intend = async {
                let mut leavers = leavers.into_iter().peekable();
                while leavers.peek().is_some() {
                    let chunk: Vec<_> = leavers.by_ref().take(MAX_AHEAD).collect();
                    let intents = chunk.iter().map(|id| Intent {
                        row: None,
                        external_id: id.clone(),
                        action,
                    });
                    record.writer.intend(record.run, intents.collect()).await?;
                    let mut chunk = chunk.into_iter();
                    for id in chunk.by_ref() {
                        let job = LeaverJob::new(target, id, action, step.clone());
                        if let Err(mpsc::error::SendError(job)) = sender.send(job).await {
                            // The engine halted: nothing was sent for these.
                            let ids = std::iter::once(job.content.external_id).chain(chunk);
                            for id in ids {
                                record.writer.not_sent(record.run, None, &id)?;
                            }
                            break;
                        }
                    }
                    if sender.is_closed() {
                        break;
                    }
                }
                drop(sender);
                Ok::<_, UploadError>(())
            };
            let drive = async {
                let driven = engine
                    .drive(
                        &mut jobs,
                        |job: LeaverJob, end, _: &Calls, listener: &mut dyn Listener| {
                            settle(job, &end, record, listener)
                        },
                        listener,
                    )
                    .await;
                jobs.close();
                driven
            };
            tokio::join!(intend, drive)
        });
        intended?;
        driven
    }
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "what is known of a leaver are facts that do not follow from each other"
)]
struct LeaverJob {
    target: Arc<dyn Target>,
    /// Nothing but who it is.
    content: Content,
    action: Action,
    step: Step,
    /// A write got no usable answer, or does not go with what is there.
    look: bool,
    unsettled: bool,
    conflict: bool,
    /// The target did not let the write find the person.
    was_not_there: bool,
    is_done: bool,
    is_gone: bool,
    refused: bool,
    attempts: u32,
    status: Option<u16>,
}

impl LeaverJob {
    fn new(target: &Arc<dyn Target>, id: ExternalId, action: Action, step: Step) -> Self {
        Self {
            target: Arc::clone(target),
            content: Content::only(id),
            action,
            step,
            look: false,
            unsettled: false,
            conflict: false,
            was_not_there: false,
            is_done: false,
            is_gone: false,
            refused: false,
            attempts: 0,
            status: None,
        }
    }

    fn gone(&mut self) -> Next {
        self.is_gone = true;
        self.is_done = true;
        Next::Done
    }

    fn looked(&mut self, reply: &Reply) -> Next {
        match self.target.looked_up(&self.content.external_id, reply) {
            LookUpReply::Found(person) => {
                self.look = false;
                self.unsettled = false;
                if person.shows(&self.step, &self.content) == Some(true) {
                    self.is_done = true;
                    return Next::Done;
                }
                if self.conflict {
                    self.refused = true;
                    return Next::Done;
                }
                // Once more changes nothing that was not wanted.
                Next::Call
            }
            LookUpReply::Absent { certain: true } => self.gone(),
            LookUpReply::Absent { certain: false } => {
                Next::Unclear("the answer is a page, not the API's")
            }
            LookUpReply::Unclear { why } => Next::Unclear(why),
        }
    }
}

impl Job for LeaverJob {
    fn call(&mut self) -> Call {
        self.attempts += 1;
        if self.look {
            self.target.look_up(&self.content.external_id)
        } else {
            self.target.write(&self.content, &self.step)
        }
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        self.status = Some(reply.status);
        if self.look {
            return self.looked(reply);
        }
        match self.target.written(&self.content, &self.step, reply) {
            Written::Applied(_) => {
                self.is_done = true;
                Next::Done
            }
            // It shows the person and does not find it for the write.
            Written::NotFound if self.was_not_there => {
                self.refused = true;
                Next::Done
            }
            // Whether it is the person that is not there, a look will tell.
            Written::NotFound => {
                self.was_not_there = true;
                self.look = true;
                Next::Call
            }
            Written::Conflict { .. } => {
                self.conflict = true;
                self.look = true;
                Next::Call
            }
            Written::Refused { .. } => {
                self.refused = true;
                Next::Done
            }
            Written::Denied => Next::Fatal(Fatal::Forbidden(reply.call)),
            Written::WrongAddress => Next::Fatal(Fatal::WrongAddress),
            Written::Unclear { why } => Next::Unclear(why),
        }
    }

    fn is_write(&self) -> bool {
        !self.look
    }

    fn unanswered(&mut self, may_have_applied: bool) {
        if may_have_applied && !self.look {
            self.unsettled = true;
            self.look = true;
        }
    }
}

/// Records what became of a leaver.
fn settle(
    job: LeaverJob,
    end: &End,
    record: &RunRecorder,
    listener: &mut dyn Listener,
) -> Result<(), UploadError> {
    let id = job.content.external_id;
    let (outcome, message) = match (end, job.refused) {
        (End::Halted, _) if job.unsettled => return Ok(()),
        (End::Halted, _) => {
            record.writer.not_sent(record.run, None, &id)?;
            return Ok(());
        }
        (End::Done, false) => match job.action {
            Action::Delete => (Outcome::Deleted, None),
            _ => (Outcome::Deactivated, None),
        },
        // What the target says may quote the person, of whom the feed says
        // nothing any more that could be recognised in it.
        (End::Done, true) => (
            Outcome::Rejected,
            Some(format!(
                "the LMS refuses to {} the person",
                job.action.word()
            )),
        ),
        (End::GaveUp(trouble), _) if job.unsettled => (
            Outcome::Unknown,
            Some(format!(
                "sent, and it is not known what became of it: {}",
                trouble.why()
            )),
        ),
        (End::GaveUp(trouble), _) => (
            Outcome::Failed,
            Some(format!("given up: {}", trouble.why())),
        ),
    };
    let person = job.is_done.then(|| PersonNow {
        remote_id: None,
        fingerprint: None,
        state: if job.is_gone || job.action == Action::Delete {
            PersonState::Deleted
        } else {
            PersonState::Inactive
        },
        did: Vec::new(),
    });
    record.writer.settle(
        record.run,
        Settled {
            row: None,
            external_id: Some(id.clone()),
            action: Some(job.action),
            outcome,
            status: job.status,
            attempts: job.attempts,
            code: None,
            message,
            awaits_groups: false,
            person,
        },
    )?;
    listener.on_event(&Event::Settled {
        row: None,
        external_id: &id,
        action: job.action,
        outcome,
        instead_of: None,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::System;

    fn job() -> LeaverJob {
        let target = crate::targets::of(System::ANewSpring);
        let step = Step::Deactivate { archive: false };
        LeaverJob::new(&target, ExternalId::known("E7"), Action::Deactivate, step)
    }

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status,
            body: body.into(),
            ..Reply::default()
        }
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
        assert!(job.refused && !job.is_done);
    }
}
