//! What follows the answer to a write: it is done, refused, or tried in halves.

use tokio::time::Instant;

use super::{ChangeJob, Effect, Refused};
use crate::journal::Acknowledged;
use crate::model::Step;
use crate::schema::Part;
use crate::upload::engine::Next;
use crate::upload::phase::Refusal;

impl ChangeJob {
    /// Goes on with the next step, if there is one.
    pub(super) fn advance(&self) -> Next {
        if self.steps.is_empty() {
            Next::Done
        } else {
            Next::Call
        }
    }

    /// The LMS acknowledged the first step.
    pub(super) fn done(&mut self, remote_id: Option<String>) -> Next {
        self.remote_id = remote_id.or(self.remote_id.take());
        self.strays.known();
        let Some(step) = self.steps.pop_front() else {
            return Next::Done;
        };
        let effect = match step {
            Step::Create { .. } => {
                let (controls, id) = (&self.trust.controls, &self.change.content.external_id);
                controls.acknowledged(id, Instant::now());
                Effect::Created
            }
            _ => Effect::Changed,
        };
        self.effect = self.effect.max(effect);
        if let Step::Update {
            reactivate: true, ..
        } = step
        {
            self.parts.is_inactive = false;
        }
        self.is_rekeyed |= matches!(step, Step::Rekey { .. });
        self.is_set &= !self.writes_details(&step);
        if self.target.system().spec().has_parts {
            self.note(step);
        }
        self.advance()
    }

    /// Whether a step writes the details, and with them takes back what was written for the
    /// person as a leaver.
    fn writes_details(&self, step: &Step) -> bool {
        match step {
            Step::Create { .. } | Step::Rekey { .. } => true,
            Step::Update { details, .. } => *details,
            Step::Adopt { by, .. } => self.target.adopting_updates(by),
            _ => false,
        }
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
            Step::BringBack | Step::Deactivate { .. } | Step::Delete | Step::Set => {}
        }
    }

    /// The LMS refuses the first step for good.
    pub(super) fn refuse(&mut self, refusal: Refusal, message: &str) -> Next {
        let Some(step) = self.steps.pop_front() else {
            return Next::Done;
        };
        // The row shows the answer that refuses it, not that of a look that followed.
        if refusal != Refusal::Vanished {
            self.status = self.write_status.or(self.status);
        }
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
    pub(super) fn split(&mut self) -> Next {
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
}
