//! One question at a time: is there a person of this external ID, or an account with
//! this id of the LMS?

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::engine::{End, Job, Next};
use super::{Halt, UploadError, Uploader};
use crate::event::Listener;
use crate::model::{Calls, ExternalId};
use crate::retry::NoAnswer;
use crate::targets::{Call, LookUpReply, Remote, Reply, Target};

/// How long after a look that showed nobody, and that a proxy may have answered, or that
/// does not go with an answer before, the next one comes. What was sent and may still
/// land is waited for longer: see [`Patience`](super::doubt::Patience).
pub(super) const SECOND_LOOK: Duration = Duration::from_secs(5);

/// Asks for one person.
pub(super) struct LookUp<A> {
    target: Arc<dyn Target>,
    pub(super) external_id: ExternalId,
    /// What is asked about.
    pub(super) about: A,
    /// The LMS's id, where it is that which is asked for.
    account: Option<String>,
    pub(super) found: Option<Remote>,
    /// A page that is not an answer of the API may be a proxy's, whose LMS is
    /// away for a moment.
    asked_twice: bool,
    pub(super) attempts: u32,
}

impl<A> LookUp<A> {
    pub(super) fn new(target: &Arc<dyn Target>, external_id: ExternalId, about: A) -> Self {
        Self {
            target: Arc::clone(target),
            external_id,
            about,
            account: None,
            found: None,
            asked_twice: false,
            attempts: 0,
        }
    }
}

impl LookUp<String> {
    /// The same for the account with the id that it is about.
    pub(super) fn of_account(mut self) -> Self {
        self.account = Some(self.about.clone());
        self
    }
}

impl<A: Send + 'static> Job for LookUp<A> {
    fn call(&mut self) -> Call {
        self.attempts += 1;
        let account = self.account.as_deref();
        let by_id = account.and_then(|id| self.target.account(id));
        by_id.unwrap_or_else(|| self.target.look_up(&self.external_id))
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        let answer = match &self.account {
            Some(id) => self.target.account_shown(id, reply),
            None => self.target.looked_up(&self.external_id, reply),
        };
        match answer {
            LookUpReply::Found(person) => self.found = Some(person),
            LookUpReply::Absent { certain: false } if !self.asked_twice => {
                self.asked_twice = true;
                return Next::Later(SECOND_LOOK);
            }
            LookUpReply::Absent { .. } => {}
            LookUpReply::Unclear { why } => return Next::Unclear(why),
        }
        Next::Done
    }
}

impl Uploader {
    /// Drives a single job to its end. Beside it, why it was given up if it was.
    pub(super) fn drive_one<J: Job>(
        &mut self,
        job: J,
        listener: &mut dyn Listener,
    ) -> Result<(J, Option<NoAnswer>), UploadError> {
        let (sender, mut jobs) = mpsc::channel(1);
        // The channel is empty and has room for one.
        let _sent = sender.try_send(job);
        drop(sender);
        let mut ended = None;
        let ledger = |job, end, _: &Calls, _: &mut dyn Listener| {
            ended = match end {
                End::Done => Some((job, None)),
                End::GaveUp(why) => Some((job, Some(why))),
                End::Halted | End::HaltedRefused => None,
            };
            Ok(())
        };
        let drive = self.engine.drive(&mut jobs, ledger, listener);
        self.runtime.block_on(drive)?;
        ended.ok_or_else(|| UploadError::Halted(self.engine.stop.why()))
    }

    /// Drives a job without which the run cannot go on. An LMS that answers
    /// others and not this is as good as down.
    pub(super) fn ask<J: Job>(
        &mut self,
        job: J,
        listener: &mut dyn Listener,
    ) -> Result<J, UploadError> {
        match self.drive_one(job, listener)? {
            (job, None) => Ok(job),
            (_, Some(NoAnswer::Refused(fatal))) => Err(UploadError::Halted(Halt::Fatal(fatal))),
            (_, Some(why)) => Err(UploadError::Halted(Halt::Outage {
                why: why.why(),
                down: Duration::ZERO,
                ever_up: true,
            })),
        }
    }
}
