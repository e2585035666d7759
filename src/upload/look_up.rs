//! One question at a time: is there a person of this external ID?

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::UploadError;
use super::engine::{End, Engine, Job, Next, Transport};
use crate::event::Listener;
use crate::model::{Calls, ExternalId};
use crate::targets::{Call, LookUpReply, Remote, Reply, Target};

/// After a timeout the target may still be at work: so long it is given before
/// "nobody there" is believed.
pub(super) const SECOND_LOOK: Duration = Duration::from_secs(5);

/// Asks for one person.
pub(super) struct LookUp {
    target: Arc<dyn Target>,
    id: ExternalId,
    pub(super) found: Option<Remote>,
    /// A page that is no answer of the API may be a proxy's, whose target is
    /// away for a moment.
    asked_twice: bool,
    pub(super) attempts: u32,
}

impl LookUp {
    pub(super) fn new(target: &Arc<dyn Target>, id: ExternalId) -> Self {
        Self {
            target: Arc::clone(target),
            id,
            found: None,
            asked_twice: false,
            attempts: 0,
        }
    }
}

impl Job for LookUp {
    fn call(&mut self) -> Call {
        self.attempts += 1;
        self.target.look_up(&self.id)
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        match self.target.looked_up(&self.id, reply) {
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

    fn unanswered(&mut self, _may_have_applied: bool) {}
}

/// Drives a single job.
pub(super) async fn one<T: Transport, J: Job>(
    engine: &mut Engine<T>,
    job: J,
    listener: &mut dyn Listener,
    mut done: impl FnMut(J, End) -> Result<(), UploadError>,
) -> Result<(), UploadError> {
    let (sender, mut jobs) = mpsc::channel(1);
    // The channel is empty and has room for one.
    let _sent = sender.try_send(job);
    drop(sender);
    engine
        .drive(
            &mut jobs,
            |job, end, _: &Calls, _: &mut dyn Listener| done(job, end),
            listener,
        )
        .await
}
