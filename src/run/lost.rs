//! Known people whom the LMS did not find for a change: when the whole run
//! knows how many they are, they are created again or wait for a person.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::prepare::Prepared;
use super::sending::MAX_KEPT;
use super::{RunError, Stages};
use crate::event::Event;
use crate::journal::{HeldPerson, JournalError, PersonState, SharedTexts};
use crate::model::{Action, ExternalId, HoldKind, HoldState, Outcome};
use crate::plan::{LeftAlone, RowDetail, RowIndex, RowState, RowTable, Wanted, guards, reason};
use crate::upload::{
    LostPerson, Memberships, RunRecorder, SendResult, record_not_answered, sample,
};

/// How many people are looked up who must be there.
pub(super) const WITNESSES: usize = 3;

impl Stages<'_> {
    /// Creates those `lost` again, or holds them: as people decided, and else as
    /// the guard says.
    pub(super) fn send_lost(
        &mut self,
        prepared: &mut Prepared,
        lost: Vec<LostPerson>,
        recorder: &RunRecorder,
    ) -> Result<Memberships, RunError> {
        let (mut goes, mut open) = (Vec::new(), Vec::new());
        for person in lost {
            match prepared.earlier.lost(&person.external_id) {
                Some((HoldState::Refused, _)) => {
                    let (row, id) = (person.row, &person.external_id);
                    self.notes.left_alone(row, id, LeftAlone::Refused)?;
                    self.announce_lost(&person, Action::Update, Outcome::Unchanged);
                }
                Some((_, hold)) => {
                    prepared.rows.detail_mut(person.index).hold = Some(hold.number());
                    goes.push(person);
                }
                None => open.push(person),
            }
        }
        let (lost, guards) = (open.len() as u64, &self.bound.mapping().guards);
        let held = match self.kept {
            Some(_) => guards::lost_by_plan(lost),
            None => guards::lost(guards, lost, prepared.known),
        };
        match held {
            Some(held) if self.allowed.covers(&held.allow()) => {
                let people = open.iter().cloned().map(held_person).collect();
                if let Some(id) = self.let_pass(&held, &people, &prepared.earlier)? {
                    prepared.earlier.let_pass.push(id);
                    for person in &open {
                        prepared.rows.detail_mut(person.index).hold = Some(id.number());
                    }
                }
                goes.append(&mut open);
            }
            Some(held) => {
                for person in &open {
                    self.announce_lost(person, Action::Create, Outcome::Held);
                    // What a person approved is not carried out by that.
                    if person.former.is_some() {
                        prepared.rows.hold(person.index, HoldKind::Lost);
                    }
                }
                let mut texts = SharedTexts::default();
                let people = open.into_iter().map(|it| texts.share(held_person(it)));
                let people = people.collect();
                let numbered = self.number(held, people, &prepared.earlier)?;
                let leaving = self.bound.mapping().leavers;
                self.notes.held(std::slice::from_ref(&numbered), leaving)?;
                prepared.holds.push(numbered);
            }
            None => goes.append(&mut open),
        }
        let is_lost = |kind| kind == HoldKind::Lost;
        self.lapse(&prepared.earlier, &prepared.holds, is_lost)?;
        if goes.is_empty() {
            return Ok(Memberships::default());
        }
        let witnesses = self.witnesses(&prepared.rows)?;
        if self.uploader.shows_none_of(witnesses, &mut self.listener)? {
            let why = "the LMS shows neither this person nor others who must be there";
            for person in goes {
                self.not_done(person, why, recorder)?;
            }
            return Ok(Memberships::default());
        }
        self.send_again(prepared, goes, recorder)
    }

    /// A few known people whom this run does not change any more: the LMS must show
    /// them.
    pub(super) fn witnesses(&self, rows: &RowTable) -> Result<Vec<ExternalId>, RunError> {
        let mut witnesses = Vec::new();
        if let Some(journal) = &self.journal {
            journal.people(&self.scope, |person| {
                let row = rows.named(person.external_id);
                let rests = [RowState::Unchanged, RowState::Settled];
                let is_unchanged = row.is_some_and(|row| rests.contains(&rows.state(row)));
                if is_unchanged && person.state == PersonState::Active {
                    witnesses.push(ExternalId::known(person.external_id));
                }
                Ok::<_, JournalError>(if witnesses.len() < WITNESSES {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                })
            })?;
        }
        Ok(witnesses)
    }

    /// Looks for a sample of those lost, and for everybody where the sample does not
    /// show that they are gone. Those who are there are changed after all, and those
    /// who are not are created, unless their accounts are there without the external
    /// ID.
    fn send_again(
        &mut self,
        prepared: &mut Prepared,
        lost: Vec<LostPerson>,
        recorder: &RunRecorder,
    ) -> Result<Memberships, RunError> {
        let ids: Vec<_> = lost
            .iter()
            .map(|person| person.external_id.clone())
            .collect();
        let mut check = self
            .uploader
            .confirm_lost(sample(&ids), &mut self.listener)?;
        if !check.confirms_all() {
            check = self.uploader.confirm_lost(ids, &mut self.listener)?;
        }
        let there: HashSet<_> = check.there.into_iter().collect();
        let unanswered: HashSet<_> = check.unanswered.into_iter().collect();
        let mut wanted: Vec<RowIndex> = Vec::with_capacity(lost.len());
        let mut gone = Vec::new();
        for person in lost {
            if unanswered.contains(&person.external_id) {
                let why = "the LMS could not say whether the person exists";
                self.not_done(person, why, recorder)?;
                continue;
            }
            if there.contains(&person.external_id) {
                wanted.push(person.index);
            } else {
                gone.push(person);
            }
        }
        let mut former = Vec::new();
        for person in self.without_accounts(&prepared.rows, gone, recorder)? {
            prepared.rows.create(person.index);
            wanted.push(person.index);
            former.extend(person.former.map(|id| id.as_str().to_owned()));
        }
        self.notes.gone(former)?;
        wanted.sort_unstable();
        let SendResult { memberships, lost } =
            self.send_rows(&prepared.rows, (Wanted::These, &wanted, MAX_KEPT), recorder)?;
        for person in lost {
            let why = "the LMS shows the person and does not find it for an update";
            self.not_done(person, why, recorder)?;
        }
        Ok(memberships)
    }

    /// Records somebody who was neither changed nor created.
    pub(super) fn not_done(
        &mut self,
        person: LostPerson,
        why: &str,
        recorder: &RunRecorder,
    ) -> Result<(), RunError> {
        self.announce_lost(&person, Action::Create, Outcome::Failed);
        let why = format!("{why}: nothing was changed");
        let LostPerson {
            row, external_id, ..
        } = person;
        Ok(record_not_answered(row, external_id, 0, why, recorder)?)
    }

    /// Says how somebody lost ended: the update that found nobody said nothing.
    pub(super) fn announce_lost(&mut self, person: &LostPerson, action: Action, outcome: Outcome) {
        self.listener.on_event(&Event::Settled {
            row: Some(person.row),
            external_id: &person.external_id,
            action,
            outcome,
            instead_of: None,
        });
    }
}

fn held_person(person: LostPerson) -> HeldPerson {
    HeldPerson {
        row: Some(person.row),
        known_as: person.former.map(|id| id.as_str().to_owned()),
        // Whom it is about is all that is wanted: the person is created again.
        digest: 0,
        reason: reason(HoldKind::Lost, &RowDetail::default(), &[]).into(),
        changed: None,
        external_id: person.external_id,
    }
}
