//! What follows a look that shows the person, or nobody.

use super::{ChangeJob, Effect};
use crate::journal::Acknowledged;
use crate::model::{Action, Parts, Step};
use crate::plan::roles;
use crate::schema::Part;
use crate::targets::Remote;
use crate::upload::engine::Next;
use crate::upload::phase::{Answer, Course};

impl ChangeJob {
    /// The person who was to be created is there: this run's work, if its own
    /// create may have been carried out, or else somebody was quicker.
    pub(super) fn found_existing(&mut self, person: &Remote, was: Course, answer: Answer) -> Next {
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
    pub(super) fn was_adopted(&mut self, is_as_wanted: bool) -> Next {
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

    /// The person has the new external ID, though not all that goes with it.
    pub(super) fn was_rekeyed(&mut self) -> Next {
        self.steps.pop_front();
        self.is_rekeyed = true;
        self.effect = self.effect.max(Effect::Changed);
        let (picture, is_inactive) = (
            self.change.content.picture.is_some(),
            self.parts.is_inactive,
        );
        if let Some(Step::Update { .. }) = self.steps.front() {
            self.steps.pop_front();
        }
        self.steps.push_front(Step::Update {
            details: true,
            picture,
            reactivate: is_inactive,
        });
        Next::Call
    }

    /// The account of somebody who gets another external ID was seen: the write
    /// goes by its id.
    pub(super) fn name_by(&mut self, person: &Remote) {
        if let Some(Step::Rekey { handle, .. }) = self.steps.front_mut() {
            *handle = Some(person.id.clone());
        }
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
    pub(super) fn start_over(&mut self) -> Next {
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
